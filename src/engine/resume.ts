/**
 * What a person does about an exception. Once its cause is gone: run parked inputs again from their raw bytes, let a
 * failed instance go on, try a parked goal again. Or say what is true: discard a parked input, withdraw a goal that had
 * ended without success. Order per key is kept; nothing that waited is skipped.
 */
import { assert } from '../assert.ts'
import { ERRORS } from '../errors.ts'
import type { Goal } from '../model/goal.ts'
import type { EngineDeps } from './deps.ts'
import { instanceId } from './derive.ts'
import type { ExceptionRecord } from './exceptions.ts'
import type { Intake, IntakeRequest } from './intake.ts'
import { type IntakeResult, nativeTag, parkedKey } from './intake-plan.ts'
import { settle } from './ledger.ts'
import type { PartitionOwner } from './partition.ts'
import { changeGoal, clear, goalIn, type Turn } from './turn.ts'

const PAGE = 500

type NativeKey = NonNullable<ExceptionRecord['native']>

export interface Resumer {
  exceptions(): Promise<readonly ExceptionRecord[]>
  /** Retries what waits for this exception. False: it waits for another worker's partition, or nothing does. */
  retry(exception: ExceptionRecord, actor: string): Promise<boolean>
  /** Retries everything open with this cause group; answers how many. */
  retryGroup(causeGroup: string, actor: string): Promise<number>
  /**
   * Closes the exception with a person's word. A parked input: the oldest of its record is discarded, and those behind it
   * go on. A goal that was parked or refused is withdrawn; none becomes met by it. False: something of it still waits,
   * nothing does, or another worker has the partition. A failed instance cannot be resolved.
   */
  resolve(exception: ExceptionRecord, said: Statement): Promise<boolean>
}

export interface Statement {
  readonly actor: string
  /** Why; not empty. */
  readonly reason: string
}

export function createResumer(
  deps: EngineDeps,
  parts: { readonly intake: Intake; readonly owners: () => ReadonlyMap<number, PartitionOwner> },
): Resumer {
  const { store, runtime } = deps

  async function exceptions(): Promise<ExceptionRecord[]> {
    const open: ExceptionRecord[] = []
    let after = ''
    for (;;) {
      const rows = await store.scanRows({ table: 'exception', activeOnly: true, after, limit: PAGE })
      for (const row of rows) open.push(JSON.parse(row.body) as ExceptionRecord)
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return open
      after = last.id
    }
  }

  async function retry(exception: ExceptionRecord, actor: string): Promise<boolean> {
    if (exception.native !== null) return resumeNative(exception.native, exception, actor)
    if (exception.goal !== null) return retryGoal(exception, actor)
    if (exception.instance === null || exception.code !== 'process.failed') return false
    const id = instanceId(exception.instance.process, exception.instance.key)
    for (const owner of parts.owners().values()) {
      if (!owner.memory.blocked.has(id)) continue
      await owner.unblock(id, actor)
      return true
    }
    return false
  }

  /** Parked inputs of one native key, oldest first, until one fails again; what follows it stays parked. */
  async function resumeNative(native: NativeKey, exception: ExceptionRecord, actor: string): Promise<boolean> {
    const key = parkedKey(runtime.hash, native)
    for (let resumed = false; ; resumed = true) {
      const mark = (await store.readIdentities([key])).get(key) ?? ''
      const parked = await parkedOf(nativeTag(native))
      if (parked.length === 0) return resumed
      for (const one of parked) {
        const request = await requestOf(native.instance, one.raw)
        if (request === null) return false
        const last = one === parked.at(-1) ? { mark: mark === '' ? null : mark, exception, actor } : null
        const results = await parts.intake.resume(request, { rows: [one.id], native, last })
        if (results.some((result: IntakeResult) => result.result === 'parked')) return false
      }
    }
  }

  /** The oldest parked input of a native key is what keeps the others. */
  async function discardOldest(native: NativeKey, exception: ExceptionRecord, said: Statement): Promise<boolean> {
    const key = parkedKey(runtime.hash, native)
    const mark = (await store.readIdentities([key])).get(key) ?? ''
    const parked = await parkedOf(nativeTag(native))
    const [oldest] = parked
    if (oldest === undefined) return false
    const request = (await requestOf(native.instance, oldest.raw)) ?? { bytes: new Uint8Array(), items: [] }
    const alone = parked.length === 1
    const last = alone ? { mark: mark === '' ? null : mark, exception, actor: said.actor } : null
    await parts.intake.resume(request, { rows: [oldest.id], native, last, discard: { exception, ...said } })
    return alone || (await resumeNative(native, exception, said.actor))
  }

  async function resolve(exception: ExceptionRecord, said: Statement): Promise<boolean> {
    assert(said.reason.trim() !== '', 'a statement has a reason')
    if (exception.native !== null) return discardOldest(exception.native, exception, said)
    if (exception.code === 'process.failed') return false
    const owner = [...parts.owners().values()].find(({ memory }) => memory.exceptions.has(exception.id))
    if (owner === undefined) return false
    await owner.act(aboutOf(exception), async (turn) => {
      const goal = exception.goal === null ? undefined : await goalFor(turn, exception.goal)
      clear(turn, exception.id, said)
      if (goal?.state === 'parked' || goal?.state === 'refused')
        settle(turn, goal, { state: 'withdrawn', code: null, detail: `resolved by ${said.actor}: ${said.reason}`, evidence: null })
    })
    return true
  }

  /** Read within the turn, where no checkpoint comes between: an older row would let a command happen twice. */
  async function goalFor(turn: Turn, id: string): Promise<Goal | undefined> {
    if (goalIn(turn, id) === undefined)
      for (const row of (await store.readRows('goal', [id])).values()) turn.loaded.set(id, JSON.parse(row.body) as Goal)
    return goalIn(turn, id)
  }

  /** Null: the bytes are gone, or nothing can be taken out of them. */
  async function requestOf(instance: string, raw: string): Promise<IntakeRequest | null> {
    const [reference, element] = splitRaw(raw)
    const bytes = await store.readRaw(reference)
    const item = bytes === null ? undefined : itemOf(bytes, element)
    return bytes === null || item === undefined ? null : { bytes, items: [{ instance, item }] }
  }

  async function parkedOf(tag: string): Promise<{ readonly id: string; readonly raw: string }[]> {
    const parked: { readonly id: string; readonly raw: string }[] = []
    for (let after = ''; ; ) {
      const rows = await store.scanRows({ table: 'parked', activeOnly: true, tag, after, limit: PAGE })
      for (const row of rows) parked.push({ id: row.id, raw: (JSON.parse(row.body) as { raw: string }).raw })
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return parked
      after = last.id
    }
  }

  async function retryGoal(exception: ExceptionRecord, actor: string): Promise<boolean> {
    const id = exception.goal ?? ''
    const owner = await ownerOf(id)
    if (owner === undefined) return false
    await owner.act(aboutOf(exception), async (turn) => {
      const goal = await goalFor(turn, id)
      if (goal !== undefined) changeGoal(turn, goal, { type: 'retried', actor })
      clear(turn, exception.id, actor)
    })
    return true
  }

  async function ownerOf(goal: string): Promise<PartitionOwner | undefined> {
    for (const owner of parts.owners().values()) if (owner.memory.goals.has(goal) || owner.memory.unwritten.goals.has(goal)) return owner
    const row = (await store.readRows('goal', [goal])).get(goal)
    return row === undefined ? undefined : parts.owners().get(row.partition)
  }

  return {
    exceptions,
    retry,
    resolve,
    retryGroup: async (causeGroup, actor) => {
      let resumed = 0
      for (const record of await exceptions()) {
        if (record.causeGroup === causeGroup && ERRORS[record.code] !== undefined && (await retry(record, actor))) resumed++
      }
      return resumed
    },
  }
}

function aboutOf({ code, subject }: ExceptionRecord): string {
  return `${code} of ${subject}`
}

/** `{chunk}#{request}/{element}`: the request's bytes, and which of its items. */
function splitRaw(raw: string): readonly [string, number] {
  const at = raw.lastIndexOf('/')
  return [raw.slice(0, at), Number(raw.slice(at + 1))]
}

/** Undefined: the bytes are no JSON, or hold no such element. */
function itemOf(bytes: Uint8Array, element: number): unknown {
  try {
    const body = JSON.parse(new TextDecoder().decode(bytes)) as unknown
    return Array.isArray(body) ? body[element] : body
  } catch {
    return undefined
  }
}
