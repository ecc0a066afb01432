import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../assert.ts'
import type { Group } from '../group.ts'
import type { Chunks } from './chunks.ts'
import { packTexts, unpackTexts } from './codec.ts'
import { type Delta, decodeDelta, encodeDelta } from './delta.ts'
import { collectFold, createFoldWriter, dropFolded, type FoldWritten } from './fold.ts'
import { type Memtable, mergeDelta } from './memtable.ts'
import { inTransaction, readMeta, writeMeta } from './migrate.ts'

/** Bytes of log, compressed, after which its beginning is folded whatever the number of changes: what a start has to replay. */
const WINDOW_BYTES_MAX = 8_000_000
/** A log row lives briefly: below this writing it costs less CPU than compressing it, above it the disk has the say. */
const LOG_COMPRESS_BYTES_MIN = 64_000
/** A fold makes this much room, so that folds are neither long nor at every turn. */
const WINDOW_SHARE_KEPT = 0.75
/** Key in `meta`: store time of the clean end. */
export const WRITTEN_AT = 'writtenAt'

/** Store time of the newest write, read from the file. */
export function writtenAtOf(database: DatabaseSync): number {
  const body = database.prepare('SELECT body FROM log ORDER BY id DESC LIMIT 1').get()?.['body']
  const inLog = body instanceof Uint8Array ? decodeDelta(unpackTexts(body)).atMs : 0
  return Math.max(inLog, Number(readMeta(database, WRITTEN_AT) ?? 0))
}

/** What was physically written since the store was opened. */
export interface WriteStatistics {
  readonly transactions: number
  readonly rows: number
  readonly bytes: number
}

export interface Writer {
  /** One transaction, one fsync; throws what SQLite throws, and then nothing has changed, in memory either. */
  write(group: Group, atMs: number): { readonly folded: boolean }
  /** Everything into the tables, the log empty: before a clean end, and nothing after it. */
  foldAll(atMs: number): void
  statistics(): WriteStatistics
}

export interface WriterDeps {
  readonly database: DatabaseSync
  readonly memtable: Memtable
  readonly chunks: Chunks
  /** Changes the log may hold; beyond, the oldest are folded. */
  readonly windowChangesMax: number
  /** Told of identities that went into their table. */
  readonly forgetIdentity: (key: string) => void
}

export function createWriter({ database, memtable, chunks, windowChangesMax, forgetIdentity }: WriterDeps): Writer {
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const insertLog = database.prepare('INSERT INTO log (id, body) VALUES (?, ?)')
  const deleteLog = database.prepare('DELETE FROM log WHERE id <= ?')
  const folds = createFoldWriter(database)
  const window = createWindow(windowChangesMax)
  replayLog(database, memtable, window)
  let statistics: WriteStatistics = { transactions: 0, rows: 0, bytes: 0 }

  const writeGroup = (group: Group, atMs: number) => {
    const packed = chunks.pack(group.journal, group.raw)
    const delta = deltaOf(group, packed, atMs)
    const through = window.overdue()
    const fold = through === null ? null : collectFold(memtable, through)
    const bodies = chunks.write(packed)
    const log = packTexts(encodeDelta(delta), LOG_COMPRESS_BYTES_MIN)
    insertLog.run(memtable.generation + 1, log)
    let rows = bodies.rows + 1
    let folded: FoldWritten | null = null
    if (fold !== null) {
      folded = folds.write(memtable, fold)
      rows += folded.rows
      deleteLog.run(fold.through)
    }
    return { packed, delta, fold, folded, rows, logBytes: log.length, bytes: bodies.bytes + log.length }
  }
  return {
    write: (group, atMs) => {
      begin.run()
      const written = attempt(database, () => {
        const result = writeGroup(group, atMs)
        commit.run()
        return result
      })
      const { fold, folded } = written
      if (fold !== null && folded !== null) {
        dropFolded(memtable, fold, folded)
        for (const [key] of fold.identities) forgetIdentity(key)
        window.drop(fold.through)
      }
      chunks.keep(written.packed)
      memtable.generation++
      window.add({ id: memtable.generation, changes: mergeDelta(memtable, written.delta), bytes: written.logBytes })
      const { transactions, rows, bytes } = statistics
      statistics = { transactions: transactions + 1, rows: rows + written.rows, bytes: bytes + written.bytes }
      return { folded: fold !== null }
    },
    foldAll: (atMs) => {
      const fold = collectFold(memtable, memtable.generation)
      inTransaction(database, () => {
        folds.write(memtable, fold)
        deleteLog.run(fold.through)
        // The log, which is empty now, had it.
        writeMeta(database, WRITTEN_AT, String(atMs))
      })
      memtable.writtenAtMs = atMs
    },
    statistics: () => statistics,
  }
}

/** Undoes what the transaction wrote before the error goes on; if even that fails the file's own recovery does it. */
function attempt<T>(database: DatabaseSync, work: () => T): T {
  try {
    return work()
  } catch (error) {
    try {
      if (database.isTransaction) database.exec('ROLLBACK')
    } catch {
      // The error that brought us here is the one that matters.
    }
    throw error
  }
}

function deltaOf(group: Group, places: Pick<Delta, 'journal' | 'raw'>, atMs: number): Delta {
  return {
    atMs,
    partitions: [...group.partitions],
    identities: [...group.identities],
    journal: places.journal,
    raw: places.raw,
    inbox: [...group.inbox.values()].flatMap(({ items }) => items),
    consumed: [...group.consumed],
    rows: [...group.rows].flatMap(([table, changes]) => [...changes].map(([id, change]) => ({ table, id, change }))),
  }
}

interface LogRow {
  readonly id: number
  readonly changes: number
  readonly bytes: number
}

/** The rows of the log, oldest first, and when its beginning is due to be folded. */
function createWindow(changesMax: number) {
  let rows: LogRow[] = []
  let changes = 0
  let bytes = 0
  return {
    add: (row: LogRow): void => {
      rows.push(row)
      changes += row.changes
      bytes += row.bytes
    },
    /** Up to which row to fold now; null: not yet. */
    overdue: (): number | null => {
      if (changes <= changesMax && bytes <= WINDOW_BYTES_MAX) return null
      let [changesLeft, bytesLeft] = [changes, bytes]
      for (const row of rows) {
        changesLeft -= row.changes
        bytesLeft -= row.bytes
        if (changesLeft <= changesMax * WINDOW_SHARE_KEPT && bytesLeft <= WINDOW_BYTES_MAX * WINDOW_SHARE_KEPT) return row.id
      }
      return null
    },
    drop: (through: number): void => {
      for (const row of rows) {
        if (row.id > through) break
        changes -= row.changes
        bytes -= row.bytes
      }
      rows = rows.filter(({ id }) => id > through)
    },
  }
}

/** What the last process had committed and not folded. */
function replayLog(database: DatabaseSync, memtable: Memtable, window: ReturnType<typeof createWindow>): void {
  for (const { id, body } of database.prepare('SELECT id, body FROM log ORDER BY id').iterate()) {
    assert(body instanceof Uint8Array, 'log: a row without a body')
    memtable.generation = Number(id)
    window.add({ id: memtable.generation, changes: mergeDelta(memtable, decodeDelta(unpackTexts(body))), bytes: body.length })
  }
}
