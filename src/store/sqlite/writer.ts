import type { DatabaseSync } from 'node:sqlite'
import type { Group } from '../group.ts'
import type { Chunks } from './chunks.ts'
import { packTexts, unpackTexts } from './codec.ts'
import { type Delta, decodeDelta, encodeDelta } from './delta.ts'
import { collectFold, createFoldWriter, dropFolded } from './fold.ts'
import { type Memtable, mergeDelta } from './memtable.ts'
import { inTransaction } from './migrate.ts'

/** A generation of the memtable ends after so many bytes of log and bodies, whatever the number of changes. */
const GENERATION_BYTES_MAX = 8_000_000

/** What was physically written since the store was opened. */
export interface WriteStatistics {
  readonly transactions: number
  readonly rows: number
  readonly bytes: number
}

export interface Writer {
  /** One transaction, one fsync; throws what SQLite throws, and then nothing has changed, in memory either. */
  write(group: Group): { readonly folded: boolean }
  /** Everything into the tables, the log empty: before a clean end. */
  foldAll(): void
  statistics(): WriteStatistics
}

export interface WriterDeps {
  readonly database: DatabaseSync
  readonly memtable: Memtable
  readonly chunks: Chunks
  /** Changes after which a generation ends and the one before it is folded. */
  readonly generationChangesMax: number
  /** Told of identities that went into their table. */
  readonly forgetIdentity: (key: string) => void
}

export function createWriter({ database, memtable, chunks, generationChangesMax, forgetIdentity }: WriterDeps): Writer {
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const insertLog = database.prepare('INSERT INTO log (id, body) VALUES (?, ?)')
  const deleteLog = database.prepare('DELETE FROM log WHERE id <= ?')
  const folds = createFoldWriter(database)
  let logEnd = replayLog(database, memtable)
  /** Last row of the log that belongs to the generation before the current one. */
  let logEndBefore = 0
  let generationBytes = 0
  let statistics: WriteStatistics = { transactions: 0, rows: 0, bytes: 0 }

  const writeGroup = (group: Group) => {
    const packed = chunks.pack(group.journal, group.raw)
    const delta = deltaOf(group, packed)
    const due = memtable.changes >= generationChangesMax || generationBytes >= GENERATION_BYTES_MAX
    const fold = due ? collectFold(memtable, memtable.generation - 1) : null
    const bodies = chunks.write(packed)
    const log = packTexts(encodeDelta(delta))
    insertLog.run(logEnd + 1, log)
    let rows = bodies.rows + 1
    if (fold !== null) {
      rows += folds.write(memtable, fold)
      deleteLog.run(logEndBefore)
    }
    return { packed, delta, fold, rows, bytes: bodies.bytes + log.length }
  }
  return {
    write: (group) => {
      begin.run()
      const written = attempt(database, () => {
        const result = writeGroup(group)
        commit.run()
        return result
      })
      const { fold } = written
      if (fold !== null) {
        dropFolded(memtable, fold)
        for (const [key] of fold.identities) forgetIdentity(key)
        memtable.generation++
        memtable.changes = 0
        generationBytes = 0
        logEndBefore = logEnd
      }
      logEnd++
      generationBytes += written.bytes
      chunks.keep(written.packed)
      mergeDelta(memtable, written.delta)
      const { transactions, rows, bytes } = statistics
      statistics = { transactions: transactions + 1, rows: rows + written.rows, bytes: bytes + written.bytes }
      return { folded: fold !== null }
    },
    foldAll: () => {
      const fold = collectFold(memtable, memtable.generation)
      inTransaction(database, () => {
        folds.write(memtable, fold)
        deleteLog.run(logEnd)
      })
      dropFolded(memtable, fold)
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

function deltaOf(group: Group, places: Pick<Delta, 'journal' | 'raw'>): Delta {
  return {
    partitions: [...group.partitions],
    identities: [...group.identities],
    journal: places.journal,
    raw: places.raw,
    inbox: [...group.inbox.values()].flatMap(({ items }) => items),
    consumed: [...group.consumed],
    rows: [...group.rows].flatMap(([table, changes]) => [...changes].map(([id, change]) => ({ table, id, change }))),
  }
}

/** What the last process had committed and not folded. Answers the last row of the log. */
function replayLog(database: DatabaseSync, memtable: Memtable): number {
  let end = 0
  for (const { id, body } of database.prepare('SELECT id, body FROM log ORDER BY id').iterate()) {
    if (!(body instanceof Uint8Array)) continue
    mergeDelta(memtable, decodeDelta(unpackTexts(body)))
    end = Number(id)
  }
  return end
}
