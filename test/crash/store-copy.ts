import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseEntry } from '../../src/engine/entries.ts'
import { createMemory } from '../../src/engine/memory.ts'
import { takeOver } from '../../src/engine/takeover.ts'
import type { Command, Goal } from '../../src/model/goal.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'

/** What a killed hub has left on the disk, looked at in a copy: the original is the next hub's to recover. */
export interface Remains {
  /** SQLite's own verdict: `ok`, or what is corrupt. */
  readonly integrity: string
  /** Commands whose intent is durable and whose outcome is not. */
  readonly inFlight: readonly Command[]
}

export async function lookAtRemains(directory: string, copyDirectory: string): Promise<Remains> {
  const copy = join(copyDirectory, 'copy.db')
  for (const suffix of ['', '-wal', '-shm', '.ballast', '.marker']) rmSync(`${copy}${suffix}`, { force: true })
  const path = join(directory, 'holdpoint.db')
  for (const suffix of ['', '-wal']) if (existsSync(`${path}${suffix}`)) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`)
  const integrity = checkIntegrity(copy)
  const store = openStore(copy)
  const inFlight: Command[] = []
  for (let partition = 0; partition < store.meta.partitions; partition++) {
    const memory = createMemory(partition, 0)
    await takeOver(store, memory, { iso: () => '', notBefore: () => undefined })
    for (const { commands } of memory.goals.values()) inFlight.push(...commands.filter(({ state }) => state === 'intent'))
  }
  await store.close()
  return { integrity, inFlight }
}

export function checkIntegrity(path: string): string {
  const database = new DatabaseSync(path)
  const verdict = Object.values(database.prepare('PRAGMA integrity_check').get() ?? {}).join()
  database.close()
  return verdict
}

export function openStore(path: string): SqliteStore {
  return openSqliteStore({ path, installation: '', partitions: 1, now: Date.now, schedule: setImmediate })
}

export async function goalsOf(store: SqliteStore): Promise<Goal[]> {
  const rows = await store.scanRows({ table: 'goal', after: '', limit: 1_000_000 })
  return rows.map(({ body }) => JSON.parse(body) as Goal)
}

/** Commands that a new owner doubted, by how that ended: the target had done it, or had not. */
export async function doubtsOf(store: SqliteStore): Promise<{ readonly done: number; readonly notDone: number }> {
  const ends = { done: 0, notDone: 0 }
  for (let partition = 0; partition < store.meta.partitions; partition++) {
    const doubted = new Set<string>()
    for (const { body } of await store.readJournal(partition, 1, 10_000_000)) {
      const entry = parseEntry(body)
      if (entry.kind !== 'goal' || entry.change.type !== 'commandChanged') continue
      const { command, changed } = entry.change
      if (changed.state === 'unknown') doubted.add(command)
      else if (changed.state !== undefined && doubted.delete(command)) ends[changed.state === 'applied' ? 'done' : 'notDone'] += 1
    }
  }
  return ends
}
