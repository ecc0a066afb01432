import { laterChange, PARTITION_START, type PartitionState, type RowChange } from '../group.ts'
import type { InboxRow, RowTable } from '../store.ts'
import type { Delta, JournalSpan, RawSpan } from './delta.ts'
import { ROW_TABLES } from './schema.ts'

/** A value and the log row in which it was last written. */
export interface Aged<T> {
  readonly value: T
  readonly generation: number
}
export interface RowMemory {
  /** Oldest write first. */
  readonly byId: Map<string, Aged<RowChange>>
  readonly byTag: Map<string, Set<string>>
}

/**
 * Committed changes that are in the log but not yet in their tables. A flow writes the same few rows many times within
 * moments: here they meet, and only what has been quiet for a while is folded into the tables, once. What is read is
 * always this over the tables. Bounded: the log is a window, and what slides out of it is folded (writer.ts).
 */
export interface Memtable {
  /** The newest log row. */
  generation: number
  /** Store time of the newest write. */
  writtenAtMs: number
  readonly partitions: PartitionState[]
  /** Partitions whose row in the table is behind. */
  readonly partitionsChanged: Set<number>
  readonly identities: Map<string, Aged<string>>
  readonly journal: Map<number, Aged<JournalSpan>[]>
  readonly raw: Map<string, Aged<RawSpan>>
  /** Deliveries not yet in the table; consumed in time, they never get there. */
  readonly inbox: Map<number, Map<number, Aged<InboxRow>>>
  /** Partitions with deliveries in the table. */
  readonly inboxStored: Set<number>
  /** Deliveries that are in the table and consumed, with the generation. */
  readonly consumed: Map<number, Map<number, number>>
  readonly rows: ReadonlyMap<RowTable, RowMemory>
}

export interface StoredState {
  readonly writtenAtMs: number
  readonly partitions: PartitionState[]
  readonly inboxStored: Set<number>
}

export function createMemtable({ writtenAtMs, partitions, inboxStored }: StoredState): Memtable {
  return {
    generation: 0,
    writtenAtMs,
    partitions,
    inboxStored,
    partitionsChanged: new Set(),
    identities: new Map(),
    journal: new Map(),
    raw: new Map(),
    inbox: new Map(),
    consumed: new Map(),
    rows: new Map(ROW_TABLES.map((table) => [table, { byId: new Map(), byTag: new Map() }])),
  }
}

export function partitionOf(memtable: Memtable, partition: number): PartitionState {
  return memtable.partitions[partition] ?? PARTITION_START
}

export function rowMemory(memtable: Memtable, table: RowTable): RowMemory {
  return memtable.rows.get(table) ?? { byId: new Map(), byTag: new Map() }
}

/** Takes the changes of the newest log row in. Answers how many there are. */
export function mergeDelta(memtable: Memtable, delta: Delta): number {
  const { generation } = memtable
  const aged = <T>(value: T): Aged<T> => ({ value, generation })
  memtable.writtenAtMs = Math.max(memtable.writtenAtMs, delta.atMs)
  for (const [partition, state] of delta.partitions) {
    memtable.partitions[partition] = state
    memtable.partitionsChanged.add(partition)
  }
  for (const [key, value] of delta.identities) moveToEnd(memtable.identities, key, aged(value))
  for (const span of delta.journal) listIn(memtable.journal, span.partition).push(aged(span))
  for (const span of delta.raw) moveToEnd(memtable.raw, span.id, aged(span))
  for (const row of delta.inbox) mapIn(memtable.inbox, row.partition).set(row.sequence, aged(row))
  for (const [partition, sequences] of delta.consumed) {
    const waiting = memtable.inbox.get(partition)
    for (const sequence of sequences) {
      if (waiting?.delete(sequence) !== true && memtable.inboxStored.has(partition))
        mapIn(memtable.consumed, partition).set(sequence, generation)
    }
  }
  for (const { table, id, change } of delta.rows) mergeRow(memtable, { table, id, change })
  return delta.identities.length + delta.journal.length + delta.raw.length + delta.inbox.length + delta.rows.length
}

function mergeRow(memtable: Memtable, { table, id, change }: Delta['rows'][number]): void {
  const { byId, byTag } = rowMemory(memtable, table)
  const before = byId.get(id)?.value
  if (before) untag(byTag, before.row.tag, id)
  const after = laterChange(before, change)
  moveToEnd(byId, id, { value: after, generation: memtable.generation })
  if (after === null || after.row.tag === '') return
  const ids = byTag.get(after.row.tag)
  if (ids === undefined) byTag.set(after.row.tag, new Set([id]))
  else ids.add(id)
}

export function untag(byTag: Map<string, Set<string>>, tag: string, id: string): void {
  const ids = byTag.get(tag)
  if (ids?.delete(id) === true && ids.size === 0) byTag.delete(tag)
}

/** Keeps the map in order of the last write, so that the quiet ones are found at its beginning. */
function moveToEnd<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
}

export function mapIn<V>(maps: Map<number, Map<number, V>>, partition: number): Map<number, V> {
  let map = maps.get(partition)
  if (map === undefined) {
    map = new Map()
    maps.set(partition, map)
  }
  return map
}

function listIn<V>(lists: Map<number, V[]>, partition: number): V[] {
  let list = lists.get(partition)
  if (list === undefined) {
    list = []
    lists.set(partition, list)
  }
  return list
}
