import type { ErrorCode } from '../../errors.ts'
import type { Foreign } from '../../model/reading.ts'
import type { Call, CommandItem, Outcome, ReadResult, ResourceSpec } from '../connector.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import type { Revisions } from '../kit/json/revisions.ts'
import { later, outcomeOfResult, resultsIn, verdictOf } from './answers.ts'
import type { QmsClient, QmsResult } from './client.ts'
import { type MappingSettings, revisionOf, toCancel, toRecordObservation, toUpsert } from './mapping.ts'
import type { QmsSchema } from './schema.ts'

export interface Target {
  readonly client: QmsClient
  readonly schema: QmsSchema
  readonly mapping: MappingSettings
  readonly resource: ResourceSpec
  /** By external id, how a cancellation names the record that was read. */
  readonly revisions: Revisions
}

export interface Sent {
  readonly items: readonly CommandItem[]
  readonly call: Call
}

/** One upsert for all items. */
export function createInspections(target: Target, sent: Sent): Promise<readonly Outcome[]> {
  return writeAll(target, sent, { path: target.schema.paths.upsert, creates: true, recordOf: (item) => toUpsert(target.mapping, item) })
}

/** A cancellation rests on what was seen. Reading here just before writing would make the version say nothing. */
const NOT_READ: Outcome = later('transient', 0, 'not sent: never read')
const NO_RESULT: Outcome = { outcome: 'unknown', detail: 'no result for this record' }

/** One call of the lifecycle action for all items. */
export function cancelInspections(target: Target, sent: Sent): Promise<readonly Outcome[]> {
  const recordOf: Writing['recordOf'] = (item) => {
    const cancelled = toCancel(item)
    if (!cancelled.ok) return cancelled
    const revision = target.revisions.of(cancelled.value.key)
    return revision === null ? null : { ok: true, value: JSON.parse(revision) as Foreign }
  }
  return writeAll(target, sent, { path: target.schema.paths.cancel, creates: false, recordOf })
}

type Mapped =
  | { readonly ok: true; readonly value: Foreign }
  | { readonly ok: false; readonly code: ErrorCode; readonly causeGroup: string; readonly detail: string }

interface Writing {
  readonly path: string
  readonly creates: boolean
  /** Null: what the write would rest on has not been read. */
  readonly recordOf: (item: CommandItem) => Mapped | null
}

/** One call for all items that can be mapped; exactly one outcome per item, in their order. */
async function writeAll(target: Target, { items, call }: Sent, writing: Writing): Promise<readonly Outcome[]> {
  const outcomes = new Map<CommandItem, Outcome>()
  const records: { readonly item: CommandItem; readonly record: Foreign }[] = []
  for (const item of items) {
    const mapped = writing.recordOf(item)
    if (mapped === null) outcomes.set(item, NOT_READ)
    else if (mapped.ok) records.push({ item, record: mapped.value })
    else outcomes.set(item, { outcome: 'needs-person', code: mapped.code, causeGroup: mapped.causeGroup, detail: mapped.detail })
  }
  if (records.length > 0) {
    const body = records.map(({ record }) => record)
    const result = await target.client.write({ method: 'POST', path: writing.path, body, call })
    const results = result.result === 'answered' ? (resultsIn(target.schema, result.body) ?? []) : []
    for (const [index, { item }] of records.entries()) {
      const about = {
        creates: writing.creates,
        lagMs: target.resource.lagMs,
        retryLostMs: result.result === 'answered' ? result.retryLostMs : null,
        planGroup: planGroup(item),
      }
      outcomes.set(item, result.result === 'answered' ? outcomeOfResult(target.schema, results[index], about) : wholeOutcome(result))
    }
  }
  return items.map((item) => outcomes.get(item) ?? NO_RESULT)
}

/** What was not answered means the same for each of its items. */
function wholeOutcome(result: Exclude<QmsResult, { result: 'answered' }>): Outcome {
  if (result.result === 'unknown') return { outcome: 'unknown', detail: result.detail }
  const { class: errorClass, delayMs, detail } = result.failure
  return later(errorClass, delayMs, detail)
}

/** One plan cures all receipts of an item. */
function planGroup({ action }: CommandItem): string {
  return `plan:${action.type === 'createRecord' ? (action.fields['item'] ?? '') : ''}`
}

export interface Asked {
  readonly keys: readonly string[]
  readonly call: Call
}

type Failed = Extract<ReadResult, { read: 'failed' }>

/** One call for all external ids, never a query: a query's page may be torn. */
export async function readInspections(deps: JsonDeps, target: Target, { keys, call }: Asked): Promise<readonly ReadResult[]> {
  if (keys.length === 0) return []
  const { client, schema } = target
  const beganAt = now(deps)
  const result = await client.read({ method: 'POST', path: schema.paths.read, body: { [schema.request.externalIds]: keys }, call })
  if (result.result !== 'answered') return keys.map(() => readFailure(result))
  const results = resultsIn(schema, result.body)
  if (results === null || results.length !== keys.length) {
    return keys.map(() => unreadable('contract', `${schema.paths.read} did not answer what was asked`))
  }
  const times = { beganAt, endedAt: now(deps), source: 'read' } as const
  return keys.map((key, index) => {
    const found = recordsIn(schema, results[index])
    if ('read' in found) return found
    const observed = toRecordObservation(target.mapping, found.records)
    if (!observed.ok) return unreadable('mapping', observed.detail)
    target.revisions.learn(key, nameOf(target, key, found.records))
    return { read: 'observed', observation: { ...observed.value, ...times } }
  })
}

function recordsIn(schema: QmsSchema, result: unknown): { readonly records: readonly unknown[] } | Failed {
  const answer = verdictOf(schema, result)
  if (answer.verdict === 'unclear') return unreadable('contract', answer.detail)
  if (answer.verdict === 'failed') return answer.meaning === 'absent' ? { records: [] } : unreadable('contract', answer.detail)
  const records = answer.record[schema.envelope.records]
  return Array.isArray(records) ? { records } : unreadable('contract', `a result without ${schema.envelope.records}`)
}

/** The record and version that were read; where they do not name one record, the external id, which the QMS refuses. */
function nameOf({ mapping }: Target, key: string, records: readonly unknown[]): string {
  const { inspection } = mapping.fields
  const revision = revisionOf(mapping, records)
  return JSON.stringify(
    revision === null ? { [inspection.externalId]: key } : { [inspection.id]: revision.id, [inspection.version]: revision.version },
  )
}

/** A read has no effect, so whatever went wrong, it has simply not been read. */
function readFailure(result: Exclude<QmsResult, { result: 'answered' }>): Failed {
  if (result.result === 'unknown') return unreadable('transient', result.detail)
  return { read: 'failed', ...result.failure }
}

function unreadable(errorClass: Failed['class'], detail: string): Failed {
  return { read: 'failed', class: errorClass, delayMs: null, detail }
}

function now(deps: JsonDeps): string {
  return new Date(deps.clock.wallNow()).toISOString()
}
