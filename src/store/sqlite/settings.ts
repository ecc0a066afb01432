import { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '../store.ts'

/** How long a start waits for a process that is just ending. */
const BUSY_TIMEOUT_MS = 1000
const CACHE_KIB = 65_536
/** What SQLite calls FULL: every commit is on the platter before it returns. */
const SYNCHRONOUS_FULL = 2

export interface Settings {
  readonly journalMode: string
  readonly synchronous: number
  readonly lockingMode: string
}

/**
 * Opens the file for this process alone. The exclusive lock is the kernel's, so it ends with the process however that
 * ends. Checkpoints are run by the store itself, because SQLite keeps the errors of its automatic ones to itself.
 */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    database.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${SYNCHRONOUS_FULL}`)
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY`)
    database.exec('BEGIN IMMEDIATE; COMMIT')
    checkSettings(readSettings(database), path)
    return database
  } catch (error) {
    database?.close()
    if (isBusy(error))
      throw new StoreRefused('store.inUse', `another process has ${path} open; stop it first (two hubs on one file would both act)`)
    throw error
  }
}

export function readSettings(database: DatabaseSync): Settings {
  const read = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
  return { journalMode: String(read('journal_mode')), synchronous: Number(read('synchronous')), lockingMode: String(read('locking_mode')) }
}

/** Throws unless what was asked for is what the database says it does. Some file systems and builds silently refuse. */
export function checkSettings(settings: Settings, path: string): void {
  const journalMode = isInMemory(path) ? 'memory' : 'wal'
  const wrong: string[] = []
  if (settings.journalMode !== journalMode) wrong.push(`journal_mode is ${settings.journalMode}, not ${journalMode}`)
  if (settings.synchronous !== SYNCHRONOUS_FULL) wrong.push(`synchronous is ${settings.synchronous}, not ${SYNCHRONOUS_FULL} (FULL)`)
  if (settings.lockingMode !== 'exclusive') wrong.push(`locking_mode is ${settings.lockingMode}, not exclusive`)
  if (wrong.length > 0) throw new StoreRefused('store.settingsUnsafe', `${path}: ${wrong.join('; ')}; use a local disk`)
}

export function isInMemory(path: string): boolean {
  return path === ':memory:'
}

/** SQLite's primary result code of an error, or null for an error that is not SQLite's. */
export function resultCode(error: unknown): number | null {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : null
  return typeof code === 'number' ? code & 0xff : null
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5
  return resultCode(error) === SQLITE_BUSY
}
