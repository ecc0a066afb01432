import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { runTraced } from './run-traced.ts'
import { checkAcknowledgements, parseTrace, type TracedCall } from './trace.ts'

const COMMITS = 60
let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-trace-'))
  path = join(folder, 'store.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

const isAcknowledgement = ({ name, rest }: TracedCall): boolean => name === 'write' && rest.includes('"ack ')
const numbers = (lines: readonly string[], word: string): number[] =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(' ')[1]))

async function journalLength(): Promise<number> {
  const store = openSqliteStore({ path, installation: '', partitions: 2, now: Date.now, schedule: setImmediate })
  const entries = await store.readJournal(0, 1, 10_000)
  await store.close()
  return entries.length
}

it('writes, syncs, and only then acknowledges: every commit', () => {
  const acknowledgements = checkAcknowledgements(runTraced({ path, commits: COMMITS }).trace, isAcknowledgement)
  expect(acknowledgements).toHaveLength(COMMITS)
  expect(acknowledgements.filter(({ walWrites }) => walWrites === 0)).toEqual([])
  expect(acknowledgements.filter(({ synced }) => !synced)).toEqual([])
})

it('would notice a store that does not sync', () => {
  const nodeOptions = ['--import', join(import.meta.dirname, 'fixtures/weaken-sync.ts')]
  const acknowledgements = checkAcknowledgements(runTraced({ path, commits: COMMITS, nodeOptions }).trace, isAcknowledgement)
  expect(acknowledgements).toHaveLength(COMMITS)
  expect(acknowledgements.filter(({ synced }) => !synced).length).toBeGreaterThan(COMMITS / 2)
})

it('writes nothing more after a failed fsync: the store refuses everything, and a restart has all that was acknowledged', async () => {
  const { lines, trace } = runTraced({ path, commits: COMMITS, inject: 'fsync,fdatasync:error=EIO:when=30' })
  const acknowledged = numbers(lines, 'ack')
  expect(acknowledged.length).toBeGreaterThan(5)
  expect(lines.filter((line) => line === 'failed')).toHaveLength(1)
  expect(numbers(lines, 'unavailable')).toHaveLength(COMMITS - acknowledged.length)
  expect(lines.at(-1)).toBe(`unavailable ${COMMITS} store.failed`)
  const wal = parseTrace(trace).filter(({ target }) => target.endsWith('-wal'))
  const failed = wal.findIndex(({ name, result }) => name.endsWith('sync') && result === -1)
  expect(failed).toBeGreaterThan(0)
  // At the end of the process SQLite moves what had been synced before into the main file, which begins with a sync.
  expect(wal.slice(failed + 1).filter(({ name }) => !name.endsWith('sync'))).toEqual([])
  expect(await journalLength()).toBeGreaterThanOrEqual(acknowledged.length)
})

it('goes on after a full disk: what did not fit is rejected whole, what was acknowledged stays', async () => {
  const { lines } = runTraced({ path, commits: COMMITS, inject: 'pwrite64:error=ENOSPC:when=200..203' })
  const rejected = numbers(lines, 'unavailable')
  expect(rejected.length).toBeGreaterThan(0)
  expect(lines.filter((line) => line.startsWith('unavailable')).every((line) => line.endsWith('disk.low'))).toBe(true)
  expect(lines.at(-1)).toBe(`ack ${COMMITS}`)
  expect(await journalLength()).toBe(numbers(lines, 'ack').length)
})
