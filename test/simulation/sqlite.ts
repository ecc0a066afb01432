import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { Store } from '../../src/store/store.ts'

/** The real SQLite code on `:memory:`, one handle for all simulated workers, in virtual time. */
export function openSimulatedSqlite(options: {
  readonly installation: string
  readonly partitions: number
  readonly now: () => number
  readonly schedule: (run: () => void) => void
}): Store {
  return openSqliteStore({ path: ':memory:', windowChangesMax: 64, ...options })
}
