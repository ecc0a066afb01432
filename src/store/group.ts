import { assert } from '../assert.ts'
import type { Batch, CommitResult, InboxRow, PartitionWrite, Row, RowTable } from './store.ts'

/** Counters and lease of one partition, as every implementation keeps them. */
export interface PartitionState {
  readonly nextSequence: number
  readonly nextInbox: number
  readonly worker: string | null
  readonly epoch: number
  readonly expiresAtMs: number
}
export const PARTITION_START: PartitionState = { nextSequence: 1, nextInbox: 1, worker: null, epoch: 0, expiresAtMs: 0 }

/** What is committed, as far as deciding about a batch needs it. */
export interface CommittedView {
  readonly identity: (key: string) => string | null
  readonly partition: (partition: number) => PartitionState
}

/** The last word of a group about one row. `recreated`: deleted earlier in the group, so nothing of the old row stays. */
export type RowChange = { readonly row: Row; readonly recreated: boolean } | null

export interface RawChunk {
  readonly id: string
  readonly items: readonly Uint8Array[]
}
/** Consecutive sequences of one partition. */
export interface Run<T> {
  readonly first: number
  readonly items: T[]
}

/**
 * Net effect of the batches accepted into one transaction. Later batches of the group are judged against it, so a
 * group behaves as if its batches had been committed one after the other; a refused batch leaves no trace in it.
 */
export interface Group {
  readonly identities: Map<string, string>
  readonly raw: RawChunk[]
  readonly journal: Map<number, Run<string>>
  readonly inbox: Map<number, Run<InboxRow>>
  readonly consumed: Map<number, number[]>
  readonly rows: Map<RowTable, Map<string, RowChange>>
  readonly partitions: Map<number, PartitionState>
}

export function emptyGroup(): Group {
  return {
    identities: new Map(),
    raw: [],
    journal: new Map(),
    inbox: new Map(),
    consumed: new Map(),
    rows: new Map(),
    partitions: new Map(),
  }
}

export function isEmptyGroup(group: Group): boolean {
  return (
    group.partitions.size === 0 &&
    group.identities.size === 0 &&
    group.raw.length === 0 &&
    group.rows.size === 0 &&
    group.consumed.size === 0
  )
}

export function partitionIn(view: CommittedView, group: Group, partition: number): PartitionState {
  return group.partitions.get(partition) ?? view.partition(partition)
}

/** Judges the batch first and changes the group only when all its conditions hold. */
export function addBatch(view: CommittedView, group: Group, batch: Batch): CommitResult {
  const fenced = fencedPartitions(view, group, batch)
  if (fenced.length > 0) return { result: 'fenced', partitions: fenced }
  for (const { key, value } of batch.expect) {
    if ((group.identities.get(key) ?? view.identity(key)) !== value) return { result: 'outdated' }
  }
  for (const { partition, consumed } of batch.partitions) {
    const { nextInbox } = partitionIn(view, group, partition)
    for (const sequence of consumed) assert(sequence >= 1 && sequence < nextInbox, `inbox ${partition}: ${sequence} was never delivered`)
  }
  for (const { key, value } of batch.identities) group.identities.set(key, value)
  for (const raw of batch.raw) group.raw.push(raw)
  return { result: 'committed', firstSequences: batch.partitions.map((write) => addWrite(view, group, write)) }
}

function fencedPartitions(view: CommittedView, group: Group, batch: Batch): number[] {
  const fenced = new Set<number>()
  for (const { partition, owner } of batch.partitions) {
    if (owner === null) continue
    const held = partitionIn(view, group, partition)
    if (held.worker !== owner.worker || held.epoch !== owner.epoch) fenced.add(partition)
  }
  return [...fenced]
}

function addWrite(view: CommittedView, group: Group, write: PartitionWrite): number {
  const first = addEntries(view, group, write)
  for (const delivery of write.deliveries) {
    const state = partitionIn(view, group, delivery.toPartition)
    const run = runOf(group.inbox, delivery.toPartition, state.nextInbox)
    run.items.push({
      partition: delivery.toPartition,
      sequence: state.nextInbox,
      process: delivery.process,
      key: delivery.key,
      lane: delivery.lane,
      from: { partition: write.partition, sequence: first + delivery.entry, ordinal: delivery.ordinal },
    })
    group.partitions.set(delivery.toPartition, { ...state, nextInbox: state.nextInbox + 1 })
  }
  if (write.consumed.length > 0) {
    const consumed = group.consumed.get(write.partition)
    if (consumed === undefined) group.consumed.set(write.partition, [...write.consumed])
    else for (const sequence of write.consumed) consumed.push(sequence)
  }
  for (const row of write.rows) {
    const changes = rowsOf(group, row.table)
    if ('deleted' in row) changes.set(row.id, null)
    else {
      changes.set(row.id, laterChange(changes.get(row.id), { row, recreated: false }))
    }
  }
  return first
}

/** Joins two changes of one row: what the later one says, without forgetting that the row was deleted in between. */
export function laterChange(before: RowChange | undefined, change: RowChange): RowChange {
  if (change === null || before === undefined) return change
  return before === null || before.recreated ? { row: change.row, recreated: true } : change
}

function addEntries(view: CommittedView, group: Group, write: PartitionWrite): number {
  const state = partitionIn(view, group, write.partition)
  const first = state.nextSequence
  if (write.entries.length === 0) return first
  const run = runOf(group.journal, write.partition, first)
  for (const entry of write.entries) run.items.push(entry)
  group.partitions.set(write.partition, { ...state, nextSequence: first + write.entries.length })
  return first
}

function runOf<T>(runs: Map<number, Run<T>>, partition: number, first: number): Run<T> {
  let run = runs.get(partition)
  if (run === undefined) {
    run = { first, items: [] }
    runs.set(partition, run)
  }
  return run
}

function rowsOf(group: Group, table: RowTable): Map<string, RowChange> {
  let changes = group.rows.get(table)
  if (changes === undefined) {
    changes = new Map()
    group.rows.set(table, changes)
  }
  return changes
}
