import { assert } from '../../assert.ts'
import type { PartitionState, RowChange } from '../group.ts'
import { type InboxRow, type RowTable, StoreRefused } from '../store.ts'

/** Entries `first` to `last` of a partition lie in `chunk`, from index `at`. */
export interface JournalSpan {
  readonly partition: number
  readonly first: number
  readonly last: number
  readonly chunk: number
  readonly at: number
}
export interface RawSpan {
  readonly id: string
  readonly chunk: number
  readonly at: number
  readonly count: number
}
export interface RowDelta {
  readonly table: RowTable
  readonly id: string
  readonly change: RowChange
}

/** What one transaction changed, without the bodies that are stored for good. All values are absolute: safe to replay. */
export interface Delta {
  /** Store time of the transaction. */
  readonly atMs: number
  readonly partitions: readonly (readonly [partition: number, state: PartitionState])[]
  readonly identities: readonly (readonly [key: string, value: string])[]
  readonly journal: readonly JournalSpan[]
  readonly raw: readonly RawSpan[]
  readonly inbox: readonly InboxRow[]
  readonly consumed: readonly (readonly [partition: number, sequences: readonly number[]])[]
  readonly rows: readonly RowDelta[]
}

/** Of the text form. A reader for a new form ships one version before its writer. */
const FORMAT = 1
type RowHead =
  | readonly [table: RowTable, id: string]
  | readonly [table: RowTable, id: string, partition: number, active: number, tag: string, recreated: number]
interface Head {
  readonly format: number
  readonly at: number
  readonly partitions: readonly (readonly [number, number, number, string | null, number, number])[]
  readonly identities: Delta['identities']
  readonly journal: readonly (readonly [number, number, number, number, number])[]
  readonly raw: readonly (readonly [string, number, number, number])[]
  readonly inbox: readonly (readonly [number, number, string, string, string, number, number, number])[]
  readonly consumed: Delta['consumed']
  readonly rows: readonly RowHead[]
}

/** First a head in JSON, then the row bodies as they are, so that nothing is escaped twice. */
export function encodeDelta(delta: Delta): string[] {
  const head: Head = {
    format: FORMAT,
    at: delta.atMs,
    partitions: delta.partitions.map(([partition, s]) => [partition, s.nextSequence, s.nextInbox, s.worker, s.epoch, s.expiresAtMs]),
    identities: delta.identities,
    journal: delta.journal.map((s) => [s.partition, s.first, s.last, s.chunk, s.at]),
    raw: delta.raw.map((s) => [s.id, s.chunk, s.at, s.count]),
    inbox: delta.inbox.map((r) => [r.partition, r.sequence, r.process, r.key, r.lane, r.from.partition, r.from.sequence, r.from.ordinal]),
    consumed: delta.consumed,
    rows: delta.rows.map(({ table, id, change }) =>
      change === null
        ? [table, id]
        : [table, id, change.row.partition, Number(change.row.active), change.row.tag, Number(change.recreated)],
    ),
  }
  const bodies: string[] = [JSON.stringify(head)]
  for (const { change } of delta.rows) if (change !== null) bodies.push(change.row.body)
  return bodies
}

export function decodeDelta(texts: readonly string[]): Delta {
  const head = JSON.parse(texts[0] ?? '') as Head
  if (head.format !== FORMAT)
    throw new StoreRefused('store.schemaAhead', `the store's log has form ${head.format}; this program knows ${FORMAT}`)
  let next = 1
  const bodyOf = (): string => {
    const body = texts[next++]
    assert(body !== undefined, 'log: a body is missing')
    return body
  }
  return {
    atMs: head.at,
    partitions: head.partitions.map(([partition, nextSequence, nextInbox, worker, epoch, expiresAtMs]) => [
      partition,
      { nextSequence, nextInbox, worker, epoch, expiresAtMs },
    ]),
    identities: head.identities,
    journal: head.journal.map(([partition, first, last, chunk, at]) => ({ partition, first, last, chunk, at })),
    raw: head.raw.map(([id, chunk, at, count]) => ({ id, chunk, at, count })),
    inbox: head.inbox.map(([partition, sequence, process, key, lane, from, fromSequence, ordinal]) => ({
      partition,
      sequence,
      process,
      key,
      lane,
      from: { partition: from, sequence: fromSequence, ordinal },
    })),
    consumed: head.consumed,
    rows: head.rows.map((row) => {
      const [table, id, partition, active, tag, recreated] = row
      if (partition === undefined || tag === undefined) return { table, id, change: null }
      return { table, id, change: { row: { table, id, partition, active: active === 1, tag, body: bodyOf() }, recreated: recreated === 1 } }
    }),
  }
}
