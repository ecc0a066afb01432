import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'

/** The real SQLite code on `:memory:`, one handle for all simulated workers, in virtual time. */
export function openSimulatedSqlite(options: {
  readonly installation: string
  readonly partitions: number
  readonly now: () => number
  readonly schedule: (run: () => void) => void
  readonly image?: Uint8Array
}): SqliteStore {
  return openSqliteStore({ path: ':memory:', windowChangesMax: 64, ...options })
}
