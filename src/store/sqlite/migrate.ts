import type { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '../store.ts'

/**
 * One schema version. Versions differ by expand and contract: a step may add what the version before ignores, and may
 * take away only what the version before no longer uses, so code works with its own schema and with the next one.
 */
export interface Migration {
  readonly version: number
  /** Run in order, each in a transaction of its own together with the note that it is done. Long work is cut into several. */
  readonly steps: readonly (readonly string[])[]
}

/**
 * Brings the schema up to the newest migration. Killed anywhere, it goes on at the next start where it stopped.
 * Refuses a schema more than one version ahead; leaves one that is one ahead alone. Answers the version found or made.
 */
export function migrate(database: DatabaseSync, migrations: readonly Migration[], beforeStatement: () => void = () => {}): number {
  const execute = (statement: string): void => {
    beforeStatement()
    database.exec(statement)
  }
  execute('CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID')
  const known = migrations.at(-1)?.version ?? 0
  const found = readNumber(database, 'schemaVersion')
  if (found > known + 1) {
    throw new StoreRefused(
      'store.schemaAhead',
      `the store has schema ${found}; this program knows ${known} and works with up to ${known + 1}`,
    )
  }
  for (const migration of migrations) if (migration.version > found) runMigration(database, migration, execute)
  return Math.max(found, known)
}

function runMigration(database: DatabaseSync, { version, steps }: Migration, execute: (statement: string) => void): void {
  const progress = `migration.${version}`
  for (let done = readNumber(database, progress); done < steps.length; done++) {
    inTransaction(database, () => {
      for (const statement of steps[done] ?? []) execute(statement)
      writeMeta(database, progress, String(done + 1))
      if (done + 1 === steps.length) writeMeta(database, 'schemaVersion', String(version))
    })
  }
}

export function readMeta(database: DatabaseSync, key: string): string | null {
  const value = database.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value']
  return typeof value === 'string' ? value : null
}

export function writeMeta(database: DatabaseSync, key: string, value: string): void {
  database.prepare('INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value)
}

export function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function readNumber(database: DatabaseSync, key: string): number {
  return Number(readMeta(database, key) ?? 0)
}
