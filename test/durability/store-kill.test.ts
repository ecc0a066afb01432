import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'

const KILLS = 20
let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-kill-'))
  path = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Lets the child commit until it is killed, `delayMs` after its first answer. Answers the last number it acknowledged. */
async function commitUntilKilled(delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/commit-and-acknowledge.ts'), path, '1000000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  await sleep(delayMs)
  child.kill('SIGKILL')
  await exited
  const complete = output.slice(0, output.lastIndexOf('\n'))
  return Number(complete.slice(complete.lastIndexOf(' ') + 1))
}

/** On a copy, so that the store itself has to recover the original. */
function integrity(): unknown {
  const copy = join(folder, 'copy.db')
  for (const suffix of ['', '-wal']) {
    rmSync(`${copy}${suffix}`, { force: true })
    if (existsSync(`${path}${suffix}`)) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`)
  }
  const database = new DatabaseSync(copy)
  const answer = Object.values(database.prepare('PRAGMA integrity_check').get() ?? {})
  database.close()
  return answer
}

it(`loses nothing and tears nothing, killed ${KILLS} times in the middle of its work`, { timeout: 120_000 }, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await commitUntilKilled(5 + ((kill * 37) % 110))
    expect(acknowledged).toBeGreaterThan(0)
    expect(integrity()).toEqual(['ok'])
    const store = openSqliteStore({ path, installation: '', partitions: 2, now: Date.now, schedule: setImmediate })
    const [left, right] = [await store.readJournal(0, 1, 1_000_000), await store.readJournal(1, 1, 1_000_000)]
    const durable = left.length
    expect(durable).toBeGreaterThanOrEqual(acknowledged)
    expect(right.map(({ body }) => body)).toEqual(left.map(({ body }) => body))
    expect(left.every(({ body }, index) => body.startsWith(`entry ${index + 1} `))).toBe(true)
    const keys = left.map((_, index) => (index + 1).toString(16).padStart(32, '0'))
    expect([...(await store.readIdentities(keys)).values()].map(Number)).toEqual(left.map((_, index) => index + 1))
    const newest = durable % 50
    expect((await store.readRows('exception', [`row ${newest}`])).get(`row ${newest}`)?.body).toBe(`body ${durable}`)
    await store.close()
  }
})
