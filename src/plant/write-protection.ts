import type { Runtime } from '../runtime.ts'

/**
 * How a write resource tells a repeated request from a new one. This is the target's side: what each class of real
 * system does with a request it has seen before.
 *
 * natural       the request sets a state under the caller's reference; setting it again changes nothing
 * key           remembers answers by Idempotency-Key for a while
 * externalId    the external id is unique; a second create answers 409 with the existing one
 * conditional   the caller names the revision it has seen; any other answers 412
 * queryable     no protection; the document carries the reference and can be found by it
 * transportId   remembers answers by transaction id for ever
 * file          takes a file name once; a second one answers 409 with the result of the first
 * unsafe        no protection, and the reference is thrown away
 */
export type WriteClass = 'natural' | 'key' | 'externalId' | 'conditional' | 'queryable' | 'transportId' | 'file' | 'unsafe'

/** What a caller may send along with an item. Which of them counts depends on the class of the resource. */
export interface WriteMarks {
  readonly idempotencyKey?: string
  readonly transactionId?: string
  readonly externalId?: string
  readonly fileName?: string
  readonly ifMatch?: string
}

/** One per item. `status` reads like HTTP. */
export interface ItemResult {
  readonly status: number
  readonly code?: string
  readonly message?: string
  readonly number?: string
  /** The answer is that of an earlier request. */
  readonly repeated?: true
  /** Class file: what the first file of this name led to. */
  readonly earlier?: ItemResult
  readonly retryAfterMs?: number
}

export interface WriteProtection {
  /** The answer to give without executing, or null. */
  seen(marks: WriteMarks, revision: string | null): ItemResult | null
  /** Called with every executed item's result; answers how to forget it again (an update task that was rolled back). */
  remember(marks: WriteMarks, result: ItemResult): () => void
}

/** `windowMs` is the memory of class key; the others never forget. At most `entriesMax` are kept, oldest dropped. */
export interface ProtectionSettings {
  readonly class: WriteClass
  readonly windowMs: number
  readonly entriesMax: number
}

export function createWriteProtection(deps: { readonly runtime: Runtime }, settings: ProtectionSettings): WriteProtection {
  const memory = new Map<string, { readonly result: ItemResult; readonly until: number }>()
  const now = (): number => deps.runtime.clock.monoNow()
  return {
    seen: (marks, revision) => {
      if (settings.class === 'conditional') return revisionMismatch(marks, revision)
      const id = memoryKey(settings.class, marks)
      const entry = id === null ? undefined : memory.get(id)
      if (entry === undefined || entry.until <= now()) return null
      return repeatedAnswer(settings.class, entry.result)
    },
    remember: (marks, result) => {
      const id = memoryKey(settings.class, marks)
      if (id === null || !isFinal(settings.class, result)) return () => undefined
      const until = settings.class === 'key' ? now() + settings.windowMs : Number.POSITIVE_INFINITY
      memory.delete(id)
      memory.set(id, { result, until })
      if (memory.size > settings.entriesMax) dropOldest(memory)
      return () => {
        if (memory.get(id)?.result === result) memory.delete(id)
      }
    },
  }
}

function memoryKey(writeClass: WriteClass, marks: WriteMarks): string | null {
  switch (writeClass) {
    case 'natural':
    case 'externalId':
      return marks.externalId ?? null
    case 'key':
      return marks.idempotencyKey ?? null
    case 'transportId':
      return marks.transactionId ?? null
    case 'file':
      return marks.fileName ?? null
    case 'conditional':
    case 'queryable':
    case 'unsafe':
      return null
  }
}

/** A refused create takes no external id and sets no state; a refused file or keyed request has been answered for good. */
function isFinal(writeClass: WriteClass, result: ItemResult): boolean {
  const done = result.status >= 200 && result.status < 300
  const refused = result.status === 422
  return done || (refused && (writeClass === 'key' || writeClass === 'transportId' || writeClass === 'file'))
}

function repeatedAnswer(writeClass: WriteClass, first: ItemResult): ItemResult {
  if (writeClass === 'file') return { status: 409, code: 'FILE_SEEN', repeated: true, earlier: first }
  if (writeClass === 'externalId') {
    return { status: 409, code: 'ID_EXISTS', repeated: true, ...(first.number === undefined ? {} : { number: first.number }) }
  }
  return { ...first, repeated: true }
}

function revisionMismatch(marks: WriteMarks, revision: string | null): ItemResult | null {
  if (marks.ifMatch === undefined) return { status: 428, code: 'IF_MATCH_MISSING', message: 'If-Match is required' }
  if (marks.ifMatch === (revision ?? 'none')) return null
  return { status: 412, code: 'CHANGED_MEANWHILE', message: `now at ${revision ?? 'none'}` }
}

function dropOldest(memory: Map<string, unknown>): void {
  const oldest = memory.keys().next()
  if (!oldest.done) memory.delete(oldest.value)
}

/** The marks of a request's JSON; anything that is not text is not a mark. */
export function marksOf(raw: Readonly<Record<string, unknown>>): WriteMarks {
  const names = ['idempotencyKey', 'transactionId', 'externalId', 'fileName', 'ifMatch'] as const
  return Object.fromEntries(names.filter((name) => typeof raw[name] === 'string').map((name) => [name, raw[name]]))
}
