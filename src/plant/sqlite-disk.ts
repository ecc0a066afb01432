import { DatabaseSync } from 'node:sqlite'
import type { Disk } from './disk.ts'

/** How long a start waits for a process that is just ending. */
const BUSY_TIMEOUT_MS = 2_000

/**
 * A disk that survives `kill -9`: one row for each record, each on the platter before `append` returns. The file belongs
 * to one process at a time.
 */
export function openSqliteDisk(path: string): Disk {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE IF NOT EXISTS record (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT')
  const insert = database.prepare('INSERT INTO record (body) VALUES (?)')
  const select = database.prepare('SELECT body FROM record ORDER BY sequence')
  return {
    append: (record) => {
      insert.run(record)
    },
    *load() {
      for (const row of select.iterate()) yield String(row['body'])
    },
    close: () => database.close(),
  }
}
