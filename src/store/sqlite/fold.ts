import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { RowChange } from '../group.ts'
import type { InboxRow, RowTable } from '../store.ts'
import type { JournalSpan, RawSpan } from './delta.ts'
import { type Aged, type Memtable, rowMemory, untag } from './memtable.ts'
import { ROW_TABLES, rowTableName } from './schema.ts'

/** What is quiet enough to go into the tables. */
export interface Fold {
  /** The log row whose entries, and older ones, are in it. */
  readonly through: number
  readonly identities: readonly (readonly [key: string, value: string])[]
  readonly journal: readonly JournalSpan[]
  readonly raw: readonly RawSpan[]
  readonly inbox: readonly InboxRow[]
  readonly consumed: readonly (readonly [partition: number, sequence: number])[]
  readonly rows: readonly (readonly [table: RowTable, id: string, change: RowChange])[]
  readonly partitions: readonly number[]
}

export function collectFold(memtable: Memtable, through: number): Fold {
  return {
    through,
    // In key order neighbours share a page.
    identities: quiet(memtable.identities, through).sort(([a], [b]) => (a < b ? -1 : 1)),
    journal: [...memtable.journal.values()].flatMap((spans) =>
      spans.filter(({ generation }) => generation <= through).map(({ value }) => value),
    ),
    raw: quiet(memtable.raw, through).map(([, span]) => span),
    inbox: [...memtable.inbox.values()].flatMap((waiting) => quiet(waiting, through).map(([, row]) => row)),
    consumed: [...memtable.consumed].flatMap(([partition, sequences]) =>
      [...sequences].filter(([, generation]) => generation <= through).map(([sequence]) => [partition, sequence] as const),
    ),
    rows: ROW_TABLES.flatMap((table) =>
      quiet(rowMemory(memtable, table).byId, through).map(([id, change]) => [table, id, change] as const),
    ),
    partitions: [...memtable.partitionsChanged],
  }
}

/** After the fold is durable: the tables have it now. */
export function dropFolded(memtable: Memtable, fold: Fold, { inboxesEmptied }: FoldWritten): void {
  for (const [key] of fold.identities) memtable.identities.delete(key)
  for (const [partition, spans] of memtable.journal) {
    memtable.journal.set(
      partition,
      spans.filter(({ generation }) => generation > fold.through),
    )
  }
  for (const { id } of fold.raw) memtable.raw.delete(id)
  for (const { partition, sequence } of fold.inbox) {
    memtable.inbox.get(partition)?.delete(sequence)
    memtable.inboxStored.add(partition)
  }
  for (const partition of inboxesEmptied) memtable.inboxStored.delete(partition)
  for (const [partition, sequence] of fold.consumed) memtable.consumed.get(partition)?.delete(sequence)
  for (const [table, id, change] of fold.rows) {
    const { byId, byTag } = rowMemory(memtable, table)
    byId.delete(id)
    if (change !== null) untag(byTag, change.row.tag, id)
  }
  memtable.partitionsChanged.clear()
}

export interface FoldWritten {
  readonly rows: number
  /** Partitions whose inbox table is empty now. */
  readonly inboxesEmptied: readonly number[]
}

export interface FoldWriter {
  /** Inside a transaction. */
  write(memtable: Memtable, fold: Fold): FoldWritten
}

export function createFoldWriter(database: DatabaseSync): FoldWriter {
  const upsertIdentity = database.prepare(
    'INSERT INTO identity (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  )
  const insertSpan = database.prepare('INSERT INTO journal (partition, last, first, chunk, at) VALUES (?, ?, ?, ?, ?)')
  const upsertRaw = database.prepare('INSERT OR REPLACE INTO raw (id, chunk, at, count) VALUES (?, ?, ?, ?)')
  const insertInbox = database.prepare(
    'INSERT INTO inbox (partition, sequence, process, key, lane, from_partition, from_sequence, from_ordinal) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const deleteInbox = database.prepare('DELETE FROM inbox WHERE partition = ? AND sequence = ?')
  const anyInbox = database.prepare('SELECT 1 FROM inbox WHERE partition = ? LIMIT 1')
  const updatePartition = database.prepare(
    'UPDATE partition_state SET next_sequence = ?, next_inbox = ?, worker = ?, epoch = ?, expires_at = ? WHERE partition = ?',
  )
  const rowWriters = new Map(ROW_TABLES.map((table) => [table, createRowWriter(database, table)]))
  return {
    write: (memtable, fold) => {
      for (const [key, value] of fold.identities) upsertIdentity.run(Buffer.from(key, 'hex'), value)
      for (const span of fold.journal) insertSpan.run(span.partition, span.last, span.first, span.chunk, span.at)
      for (const span of fold.raw) upsertRaw.run(span.id, span.chunk, span.at, span.count)
      for (const row of fold.inbox) runInbox(insertInbox, row)
      for (const [partition, sequence] of fold.consumed) deleteInbox.run(partition, sequence)
      for (const [table, id, change] of fold.rows) rowWriters.get(table)?.(id, change)
      for (const partition of fold.partitions) {
        const state = memtable.partitions[partition]
        if (state) updatePartition.run(state.nextSequence, state.nextInbox, state.worker, state.epoch, state.expiresAtMs, partition)
      }
      const { identities, journal, raw, inbox, consumed, rows, partitions } = fold
      const written = identities.length + journal.length + raw.length + inbox.length + consumed.length + rows.length + partitions.length
      const consumers = new Set(consumed.map(([partition]) => partition))
      return { rows: written, inboxesEmptied: [...consumers].filter((partition) => anyInbox.get(partition) === undefined) }
    },
  }
}

function createRowWriter(database: DatabaseSync, table: RowTable): (id: string, change: RowChange) => void {
  const name = rowTableName(table)
  const upsert = database.prepare(
    `INSERT INTO ${name} (id, partition, active, tag, body) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET active = excluded.active, body = excluded.body`,
  )
  const remove = database.prepare(`DELETE FROM ${name} WHERE id = ?`)
  return (id, change) => {
    if (change === null || change.recreated) remove.run(id)
    if (change !== null) upsert.run(id, change.row.partition, Number(change.row.active), change.row.tag, change.row.body)
  }
}

function runInbox(insert: StatementSync, row: InboxRow): void {
  const { partition, sequence, process, key, lane, from } = row
  insert.run(partition, sequence, process, key, lane, from.partition, from.sequence, from.ordinal)
}

/** Relies on the maps being in order of the last write (inboxes are by nature). */
function quiet<K, V>(map: ReadonlyMap<K, Aged<V>>, through: number): [K, V][] {
  const found: [K, V][] = []
  for (const [key, { value, generation }] of map) {
    if (generation > through) break
    found.push([key, value])
  }
  return found
}
