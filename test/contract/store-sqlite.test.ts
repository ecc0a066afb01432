import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Migration, migrate } from '../../src/store/sqlite/migrate.ts'
import { MIGRATIONS } from '../../src/store/sqlite/schema.ts'
import { checkSettings, readSettings } from '../../src/store/sqlite/settings.ts'
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../../src/store/sqlite/sqlite-store.ts'
import { StoreRefused } from '../../src/store/store.ts'
import { batchOf, bodies, firstSequences, LEASE_MS, ownerOf, rowOf, take, writeOf } from './store-harness.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-sqlite-'))
  path = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

function open(options: Partial<SqliteStoreOptions> = {}): SqliteStore {
  return openSqliteStore({ path, installation: 'installation-1', partitions: 4, now: () => 1_000_000, schedule: setImmediate, ...options })
}

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'none'
  } catch (error) {
    return error instanceof StoreRefused ? error.code : String(error)
  }
}

describe('one process on one file', () => {
  it('refuses a second handle, and gives the file free at the end', async () => {
    const store = open()
    expect(codeOf(open)).toBe('store.inUse')
    await store.close()
    await open().close()
  })

  it('refuses while another process has the file, and needs no cleaning after that one was killed', async () => {
    const holder = spawn(process.execPath, [join(import.meta.dirname, '../durability/fixtures/hold-store.ts'), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    expect(codeOf(open)).toBe('store.inUse')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    const store = open()
    expect(await bodies(store, 0)).toEqual(['held'])
    await store.close()
  })
})

describe('settings', () => {
  it('are those that lose nothing, as the database itself says', () => {
    const settings = { journalMode: 'wal', synchronous: 2, lockingMode: 'exclusive' }
    expect(codeOf(() => checkSettings(settings, path))).toBe('none')
    expect(codeOf(() => checkSettings({ ...settings, synchronous: 1 }, path))).toBe('store.settingsUnsafe')
    expect(codeOf(() => checkSettings({ ...settings, journalMode: 'delete' }, path))).toBe('store.settingsUnsafe')
    expect(codeOf(() => checkSettings({ ...settings, lockingMode: 'normal' }, path))).toBe('store.settingsUnsafe')
  })

  it('are read back from a real database', () => {
    const database = new DatabaseSync(path)
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    expect(codeOf(() => checkSettings(readSettings(database), path))).toBe('store.settingsUnsafe')
    database.exec('PRAGMA synchronous = FULL')
    expect(codeOf(() => checkSettings(readSettings(database), path))).toBe('none')
    database.close()
  })
})

describe('migrations', () => {
  const NEXT: readonly Migration[] = [
    ...MIGRATIONS,
    {
      version: 2,
      steps: [
        ['CREATE TABLE extra (id INTEGER PRIMARY KEY)', 'INSERT INTO extra SELECT partition FROM partition_state'],
        ['ALTER TABLE extra ADD COLUMN note TEXT', "UPDATE extra SET note = 'n'"],
        ['CREATE INDEX extra_note ON extra (note)'],
      ],
    },
  ]
  const schemaOf = (database: DatabaseSync): unknown[] => [
    ...database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all(),
    ...database.prepare('SELECT key, value FROM meta ORDER BY key').all(),
  ]

  it('go on where they stopped, killed before any statement of any version', () => {
    const whole = new DatabaseSync(':memory:')
    let statements = 0
    expect(migrate(whole, NEXT, () => statements++)).toBe(2)
    expect(statements).toBeGreaterThan(20)
    for (let kill = 1; kill <= statements; kill++) {
      const database = new DatabaseSync(':memory:')
      let count = 0
      const stumble = (): void => {
        if (++count === kill) throw new Error('killed')
      }
      expect(() => migrate(database, NEXT, stumble)).toThrow('killed')
      expect(migrate(database, NEXT)).toBe(2)
      expect(schemaOf(database)).toEqual(schemaOf(whole))
      database.close()
    }
    whole.close()
  })

  it('accept a store one version ahead and refuse one further ahead', async () => {
    await open().close()
    const newest = MIGRATIONS.at(-1)?.version ?? 0
    const write = (version: number): void => {
      const database = new DatabaseSync(path)
      database.prepare("UPDATE meta SET value = ? WHERE key = 'schemaVersion'").run(String(version))
      database.close()
    }
    write(newest + 1)
    const store = open()
    expect(store.meta.schemaVersion).toBe(newest + 1)
    await firstSequences(store, batchOf(writeOf({ entries: ['a'] })))
    await store.close()
    write(newest + 2)
    expect(codeOf(open)).toBe('store.schemaAhead')
  })
})

describe('life of a file', () => {
  it('begins a new incarnation when restored, with everything of the backup but the leases', async () => {
    const store = open()
    const lease = await take(store, 1)
    await firstSequences(store, batchOf(writeOf({ partition: 1, owner: ownerOf('worker-1', lease), entries: ['a'] })))
    await store.close()
    const backup = join(folder, 'backup.db')
    copyFileSync(path, backup)
    const restored = open({ path: backup, installation: 'another', restored: true })
    expect(restored.meta).toMatchObject({ installation: 'installation-1', incarnation: 2, partitions: 4 })
    expect(await bodies(restored, 1)).toEqual(['a'])
    const late = batchOf(writeOf({ partition: 1, owner: ownerOf('worker-1', lease), entries: ['late'] }))
    expect(await restored.commit(late)).toEqual({ result: 'fenced', partitions: [1] })
    expect(await restored.acquire(1, 'worker-2', LEASE_MS)).toMatchObject({ epoch: lease.epoch + 1 })
    await restored.close()
    const again = open({ path: backup })
    expect(again.meta.incarnation).toBe(2)
    await again.close()
  })

  it('does not wait for the leases of a process that no longer has the file', async () => {
    const first = open()
    const lease = await take(first, 2, 'killed')
    await first.close()
    const second = open()
    expect((await take(second, 2, 'successor')).epoch).toBe(lease.epoch + 1)
    await second.close()
  })

  it('folds rows into their tables once, however often they were written', async () => {
    const store = open({ windowChangesMax: 20 })
    const owner = ownerOf('worker-1', await take(store, 0))
    for (let round = 0; round < 100; round++) {
      await firstSequences(store, batchOf(writeOf({ owner, rows: [rowOf('goal', 'busy', { body: `round ${round}` })] })))
    }
    const { transactions, rows } = store.statistics()
    expect(transactions).toBe(101)
    // A log row for each transaction; a fold every few writes its partition and, the row being busy, little else.
    expect(rows).toBeLessThan(transactions * 1.5)
    expect((await store.readRows('goal', ['busy'])).get('busy')?.body).toBe('round 99')
    await store.close()
  })
})

describe('an older copy of the file', () => {
  const names = ['', '.marker']
  /** What was in the file at a clean end, and what came after it. */
  async function livedOn(): Promise<void> {
    const first = open({ now: () => 1_000_000 })
    await firstSequences(first, batchOf(writeOf({ entries: ['a'] })))
    await first.close()
    for (const name of names) copyFileSync(`${path}${name}`, join(folder, `backup${name}`))
    const second = open({ now: () => 2_000_000 })
    await firstSequences(second, batchOf(writeOf({ entries: ['b'] })))
    await second.close()
  }
  const putBack = (name: string): void => copyFileSync(join(folder, `backup${name}`), `${path}${name}`)

  it('is refused, with how to go on', async () => {
    await livedOn()
    putBack('')
    expect(codeOf(open)).toBe('store.olderCopy')
    expect(open).toThrow(/ends 1000000 ms before .*start once with `restored`/)
  })

  it('is begun anew by who says that it is one, in a time after the one that was lost', async () => {
    await livedOn()
    putBack('')
    const restored = open({ restored: true, now: () => 1_500_000 })
    expect([restored.meta.incarnation, await bodies(restored, 0)]).toEqual([2, ['a']])
    expect(Date.parse(await restored.databaseNow())).toBe(2_000_000)
    await restored.close()
    const next = open()
    expect(next.meta.incarnation).toBe(2)
    await next.close()
  })

  it('is refused also after a crash of the life that came after it', async () => {
    await livedOn()
    const third = open({ now: () => 3_000_000 })
    await firstSequences(third, batchOf(writeOf({ entries: ['c'] })))
    const marker = readFileSync(`${path}.marker`)
    await third.close()
    putBack('')
    writeFileSync(`${path}.marker`, marker)
    expect(codeOf(open)).toBe('store.olderCopy')
  })

  it('of an earlier incarnation begins one that never was', async () => {
    await livedOn()
    putBack('')
    await open({ restored: true }).close()
    putBack('')
    expect(codeOf(open)).toBe('store.olderCopy')
    const again = open({ restored: true })
    expect(again.meta.incarnation).toBe(3)
    await again.close()
  })

  it.each([undefined, 'torn'])('without a marker (%s) is taken for a backup, and that is told', async (marker) => {
    await livedOn()
    if (marker === undefined) rmSync(`${path}.marker`)
    else writeFileSync(`${path}.marker`, '{"installation":')
    const told: string[] = []
    const store = open({ warn: (message) => void told.push(message) })
    expect([store.meta.incarnation, told.filter((message) => message.includes('no marker'))]).toEqual([2, [expect.any(String)]])
    await store.close()
    const next = open()
    expect(next.meta.incarnation).toBe(2)
    await next.close()
  })

  it('is not made of a new one where another has been, and files of another installation are no continuation', async () => {
    await livedOn()
    rmSync(path)
    expect(codeOf(open)).toBe('store.olderCopy')
    const other = join(folder, 'other.db')
    await open({ path: other, installation: 'installation-2' }).close()
    copyFileSync(other, path)
    expect(codeOf(open)).toBe('store.olderCopy')
  })

  it('shows within seconds, for the marker follows the commits', async () => {
    let ms = 1_000_000
    const store = open({ now: () => ms })
    const markedAt = (): number => JSON.parse(readFileSync(`${path}.marker`, 'utf8')).writtenAtMs
    for (ms = 1_000_000; ms < 1_030_000; ms += 1_000) await firstSequences(store, batchOf(writeOf({ entries: ['a'] })))
    await new Promise((resolve) => setImmediate(resolve))
    expect(markedAt()).toBeGreaterThanOrEqual(1_015_000)
    expect(markedAt()).toBeLessThanOrEqual(ms)
    await store.close()
  })
})

describe('a clock that was set back before the start', () => {
  it('is told when it is minutes behind the newest write', async () => {
    const told: unknown[][] = []
    const openAt = (ms: number) => open({ now: () => ms, warn: (...message) => void told.push(message) })
    const first = openAt(10_000_000)
    await firstSequences(first, batchOf(writeOf({ entries: ['a'] })))
    await first.close()
    await openAt(9_990_000).close()
    expect(told).toEqual([])
    await openAt(1_000_000).close()
    expect(told).toEqual([[expect.stringMatching(/clock is behind/), { behindMs: 9_000_000 }]])
  })
})

describe('disk', () => {
  it('says when space runs low, keeps a ballast while there is enough, and looks at most once a second', async () => {
    let freeBytes = 1e9
    let ms = 0
    const store = open({ now: () => ms, space: () => ({ freeBytes, totalBytes: 2e9 }) })
    expect(store.health()).toEqual({ ok: true })
    expect(existsSync(`${path}.ballast`)).toBe(true)
    freeBytes = 9e7
    expect(store.health()).toEqual({ ok: true })
    ms += 1000
    expect(store.health()).toMatchObject({ ok: false, code: 'disk.low', detail: expect.stringContaining('86 MB free') })
    freeBytes = 1e9
    ms += 1000
    expect(store.health()).toEqual({ ok: true })
    await store.close()
  })
})
