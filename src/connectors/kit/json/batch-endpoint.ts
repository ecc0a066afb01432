import type { ErrorCode } from '../../../errors.ts'
import type { Observation, RecordObservation, StockObservation } from '../../../model/observation.ts'
import type { Call, ChangesPage, CommandItem, Outcome, ReadResult, ResourceSpec, SweepPage } from '../../connector.ts'
import { type Marks, marksFor, outcomesOf } from './batch-items.ts'
import { callJson, type JsonDeps, outcomeOf, type ReadFailure, readFailureOf } from './json-call.ts'
import type { Revisions } from './revisions.ts'

/** A system with JSON batch endpoints: `{items}` in, `{results}` out; lists of keys in, lists of states out. */
export interface Endpoint {
  /** Base URL without a slash at its end. */
  readonly url: string
  readonly token: string | null
  readonly resource: ResourceSpec
  /** Class conditional only: what was last read of each subject. */
  readonly revisions: Revisions
}

export type Mapping<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string }

export interface Sending {
  readonly path: string
  readonly items: readonly CommandItem[]
  readonly call: Call
  /** The body of an item without its marks. */
  readonly bodyOf: (item: CommandItem) => Mapping<object>
  /** What the record is or will be called, and what it was when last read. */
  readonly knownOf: (item: CommandItem) => { readonly externalId: string; readonly revision: string | null }
}

/** A conditional write says what it rests on. Reading here just before writing would make the condition say nothing. */
const NOT_READ: Outcome = { outcome: 'later', class: 'transient', delayMs: 0, detail: 'not sent: never read' }
const NO_RESULT: Outcome = { outcome: 'unknown', detail: 'no result for this item' }

/** One call for all items that can be mapped; exactly one outcome per item, in their order. */
export async function applyBatch(deps: JsonDeps, endpoint: Endpoint, sending: Sending): Promise<readonly Outcome[]> {
  const { resource } = endpoint
  const { idempotency } = resource
  const outcomes = new Map<CommandItem, Outcome>()
  const bodies: { readonly item: CommandItem; readonly body: object & Marks }[] = []
  for (const item of sending.items) {
    const mapped = sending.bodyOf(item)
    const known = sending.knownOf(item)
    if (!mapped.ok) outcomes.set(item, { outcome: 'needs-person', code: mapped.code, detail: mapped.detail })
    else if (idempotency === 'conditional' && known.revision === null) outcomes.set(item, NOT_READ)
    else bodies.push({ item, body: { ...mapped.value, ...marksFor(idempotency, item, known) } })
  }
  if (bodies.length > 0) {
    const body = { items: bodies.map((entry) => entry.body) }
    const url = `${endpoint.url}${sending.path}`
    const result = await callJson(deps, { method: 'POST', url, body, token: endpoint.token, call: sending.call })
    const answers = result.result === 'answered' ? outcomesOf(result.body, bodies.length, resource) : bodies.map(() => outcomeOf(result))
    for (const [index, { item }] of bodies.entries()) outcomes.set(item, answers[index] ?? NO_RESULT)
  }
  return sending.items.map((item) => outcomes.get(item) ?? NO_RESULT)
}

export interface Reading {
  readonly path: string
  readonly subjects: readonly string[]
  /** Native key of each subject, same order. */
  readonly keys: readonly string[]
  /** Name of the list, in the request and in the answer. */
  readonly list: string
  readonly call: Call
  readonly observe: (native: unknown) => Mapping<StockObservation | RecordObservation>
  /** For `If-Match`; null when the target shows none. */
  readonly revisionOf: (native: unknown) => string | null
}

/** One call for all subjects; exactly one result per subject, in their order. */
export async function readBatch(deps: JsonDeps, endpoint: Endpoint, reading: Reading): Promise<readonly ReadResult[]> {
  if (reading.keys.length === 0) return []
  const beganAt = now(deps)
  const url = `${endpoint.url}${reading.path}`
  const body = { [reading.list]: reading.keys }
  const result = await callJson(deps, { method: 'POST', url, body, token: endpoint.token, call: reading.call })
  if (result.result !== 'answered') return reading.subjects.map(() => readFailureOf(result))
  const natives = (result.body as Readonly<Record<string, unknown>> | null)?.[reading.list]
  if (!Array.isArray(natives) || natives.length !== reading.keys.length) {
    return reading.subjects.map(() => unreadable('contract', `${reading.path} did not answer what was asked`))
  }
  const times = { beganAt, endedAt: now(deps), source: 'read' } as const
  return reading.subjects.map((subject, index) => {
    const native: unknown = natives[index]
    const observed = reading.observe(native)
    if (!observed.ok) return unreadable('mapping', observed.detail)
    const revision = endpoint.resource.idempotency === 'conditional' ? reading.revisionOf(native) : null
    if (revision !== null) endpoint.revisions.learn(subject, revision)
    return { read: 'observed', observation: { ...observed.value, ...times } }
  })
}

export function unreadable(errorClass: ReadFailure['class'], detail: string): ReadFailure {
  return { read: 'failed', class: errorClass, delayMs: null, detail }
}

export interface Sweeping {
  readonly path: string
  readonly cursor: string | null
  readonly list: string
  readonly call: Call
  readonly subjectOf: (native: unknown) => string
  readonly observe: (native: unknown) => Mapping<StockObservation | RecordObservation>
}

/**
 * One page, `?after=&limit=`. What cannot be mapped is left out: a sweep only nominates, and the read that follows for
 * a subject that is missing here says why.
 */
export async function sweepPage(deps: JsonDeps, endpoint: Endpoint, sweeping: Sweeping): Promise<SweepPage | { readonly failed: string }> {
  const after = sweeping.cursor === null ? '' : `after=${encodeURIComponent(sweeping.cursor)}&`
  const url = `${endpoint.url}${sweeping.path}?${after}limit=${endpoint.resource.readBatchMax}`
  const beganAt = now(deps)
  const result = await callJson(deps, { method: 'GET', url, body: null, token: endpoint.token, call: sweeping.call })
  if (result.result !== 'answered') return { failed: result.detail }
  const body = result.body as Readonly<Record<string, unknown>> | null
  const natives = body?.[sweeping.list]
  if (!Array.isArray(natives)) return { failed: `${sweeping.path} did not answer a page` }
  const times = { beganAt, endedAt: now(deps), source: 'sweep' } as const
  const subjects = natives.flatMap((native: unknown): { readonly subject: string; readonly observation: Observation }[] => {
    const observed = sweeping.observe(native)
    return observed.ok ? [{ subject: sweeping.subjectOf(native), observation: { ...observed.value, ...times } }] : []
  })
  const next = body?.['next']
  return { subjects, cursor: typeof next === 'string' ? next : null }
}

const CHANGES_PER_PAGE = 200

/** One page of `GET /changes`. The cursor is the target's own sequence, so nothing between two pages is missed. */
export async function changesPage(
  deps: JsonDeps,
  place: { readonly url: string; readonly token: string | null },
  asked: { readonly cursor: string | null; readonly call: Call },
): Promise<ChangesPage | { readonly failed: string }> {
  const url = `${place.url}/changes?after=${encodeURIComponent(asked.cursor ?? '0')}&limit=${CHANGES_PER_PAGE}`
  const result = await callJson(deps, { method: 'GET', url, body: null, token: place.token, call: asked.call })
  if (result.result !== 'answered') return { failed: result.detail }
  const { items, next, more } = (result.body ?? {}) as { items?: unknown; next?: unknown; more?: unknown }
  if (!Array.isArray(items) || typeof next !== 'string') return { failed: '/changes did not answer a page' }
  return { items, cursor: next, more: more === true }
}

function now(deps: JsonDeps): string {
  return new Date(deps.clock.wallNow()).toISOString()
}
