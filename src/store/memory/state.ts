import { assert } from '../../assert.ts'
import { type Group, PARTITION_START, type PartitionState, type RowChange } from '../group.ts'
import { compareIds } from '../order.ts'
import { parseRawReference } from '../raw-reference.ts'
import type { Batch, InboxRow, JournalEntry, Row, RowQuery, RowTable } from '../store.ts'

interface RowSet {
  readonly byId: Map<string, Row>
  readonly byTag: Map<string, Set<string>>
}

/** Everything a store knows. Only `applyGroup` and the undo it returns change it. */
export interface MemoryState {
  readonly identities: Map<string, string>
  readonly raw: Map<string, readonly Uint8Array[]>
  readonly journal: string[][]
  readonly inbox: Map<number, InboxRow>[]
  readonly rows: Map<RowTable, RowSet>
  readonly partitions: PartitionState[]
  /** Store time of the newest write. */
  writtenAtMs: number
}

const TABLES: readonly RowTable[] = ['state', 'goal', 'timer', 'exception', 'parked', 'context', 'cursor', 'setting']

export function emptyState(partitions: number): MemoryState {
  const each = <T>(make: () => T): T[] => Array.from({ length: partitions }, make)
  return {
    identities: new Map(),
    raw: new Map(),
    journal: each(() => []),
    inbox: each(() => new Map()),
    rows: new Map(TABLES.map((table) => [table, { byId: new Map(), byTag: new Map() }])),
    partitions: each(() => PARTITION_START),
    writtenAtMs: 0,
  }
}

export function copyState(state: MemoryState): MemoryState {
  const copyRows = (set: RowSet): RowSet => ({
    byId: new Map(set.byId),
    byTag: new Map([...set.byTag].map(([tag, ids]) => [tag, new Set(ids)])),
  })
  return {
    identities: new Map(state.identities),
    raw: new Map(state.raw),
    journal: state.journal.map((entries) => [...entries]),
    inbox: state.inbox.map((rows) => new Map(rows)),
    rows: new Map([...state.rows].map(([table, set]) => [table, copyRows(set)])),
    partitions: [...state.partitions],
    writtenAtMs: state.writtenAtMs,
  }
}

/** Makes the group visible. Calling the answer takes it back, provided later groups were taken back first. */
export function applyGroup(state: MemoryState, group: Group, atMs: number): () => void {
  // Not taken back: that the time of what was lost is known does no harm.
  state.writtenAtMs = Math.max(state.writtenAtMs, atMs)
  const undo: (() => void)[] = []
  for (const [key, value] of group.identities) undo.push(put(state.identities, key, value))
  for (const { id, items } of group.raw) {
    const copies = items.map((item) => item.slice())
    undo.push(put(state.raw, id, copies))
  }
  for (const [partition, run] of group.journal) {
    const entries = at(state.journal, partition)
    assert(run.first === entries.length + 1, 'journal: a gap')
    for (const entry of run.items) entries.push(entry)
    undo.push(() => entries.splice(run.first - 1))
  }
  for (const [partition, run] of group.inbox) for (const row of run.items) undo.push(put(at(state.inbox, partition), row.sequence, row))
  for (const [partition, sequences] of group.consumed)
    for (const sequence of sequences) undo.push(put(at(state.inbox, partition), sequence, undefined))
  for (const [table, changes] of group.rows) for (const [id, change] of changes) undo.push(changeRow(rowSet(state, table), id, change))
  for (const [partition, after] of group.partitions) {
    const before = at(state.partitions, partition)
    state.partitions[partition] = after
    undo.push(() => {
      state.partitions[partition] = before
    })
  }
  return () => {
    for (const step of undo.reverse()) step()
  }
}

/** Throws when a write of the batch gives a row another tag than the row has: databases do not look, the simulation does. */
export function checkTags(state: MemoryState, group: Group, batch: Batch): void {
  const tags = new Map<string, string | null>()
  for (const row of batch.partitions.flatMap(({ rows }) => rows)) {
    const name = `${row.table}/${row.id}`
    const changed = group.rows.get(row.table)?.get(row.id)
    const stored = changed === undefined ? rowIn(state, row.table, row.id) : changed?.row
    const before = tags.has(name) ? tags.get(name) : stored?.tag
    const after = 'deleted' in row ? null : row.tag
    assert(typeof before !== 'string' || after === null || before === after, `row ${name}: the tag is fixed at creation`)
    tags.set(name, after)
  }
}

export function inboxAfter(state: MemoryState, partition: number, after: number): InboxRow[] {
  return [...at(state.inbox, partition).values()].filter((row) => row.sequence > after).sort((a, b) => a.sequence - b.sequence)
}

export function journalFrom(state: MemoryState, range: { partition: number; from: number; limit: number }): JournalEntry[] {
  const { partition, limit } = range
  const start = Math.max(range.from, 1)
  return at(state.journal, partition)
    .slice(start - 1, start - 1 + limit)
    .map((body, index) => ({ partition, sequence: start + index, body }))
}

export function rowIn(state: MemoryState, table: RowTable, id: string): Row | undefined {
  return rowSet(state, table).byId.get(id)
}

export function rowsMatching(state: MemoryState, query: RowQuery): Row[] {
  const set = rowSet(state, query.table)
  const ids = query.tag === undefined ? set.byId.keys() : (set.byTag.get(query.tag) ?? [])
  const rows: Row[] = []
  for (const id of ids) {
    const row = set.byId.get(id)
    if (row === undefined || compareIds(id, query.after) <= 0) continue
    if (query.partition !== undefined && row.partition !== query.partition) continue
    if (query.activeOnly === true && !row.active) continue
    rows.push(row)
  }
  return rows.sort((a, b) => compareIds(a.id, b.id)).slice(0, query.limit)
}

export function rawAt(state: MemoryState, reference: string): Uint8Array | null {
  const parsed = parseRawReference(reference)
  return (parsed && state.raw.get(parsed.id)?.[parsed.index]?.slice()) ?? null
}

function changeRow(set: RowSet, id: string, change: RowChange): () => void {
  const before = set.byId.get(id)
  if (before === undefined || change === null || change.recreated) setRow(set, id, change?.row)
  else setRow(set, id, { ...change.row, partition: before.partition })
  return () => setRow(set, id, before)
}

function setRow(set: RowSet, id: string, row: Row | undefined): void {
  const before = set.byId.get(id)
  if (before !== undefined) set.byTag.get(before.tag)?.delete(id)
  if (row === undefined) {
    set.byId.delete(id)
    return
  }
  set.byId.set(id, row)
  const ids = set.byTag.get(row.tag)
  if (ids === undefined) set.byTag.set(row.tag, new Set([id]))
  else ids.add(id)
}

/** Undefined deletes. */
function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): () => void {
  const before = map.get(key)
  if (value === undefined) map.delete(key)
  else map.set(key, value)
  return () => (before === undefined ? map.delete(key) : map.set(key, before))
}

function rowSet(state: MemoryState, table: RowTable): RowSet {
  const set = state.rows.get(table)
  assert(set !== undefined, `no table ${table}`)
  return set
}

function at<T>(values: readonly T[], partition: number): T {
  const value = values[partition]
  assert(value !== undefined, `no partition ${partition}`)
  return value
}
