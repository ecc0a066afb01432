import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { Batch } from '../../src/store/store.ts'

/**
 * Child program: commits to the store given as first argument, as often as the second says, one after the other, and
 * writes one line for each answer: `ack N`, or `unavailable N` with what the store then says of its health.
 */
const [, , path = '', count = '0'] = process.argv
const store = openSqliteStore({
  path,
  installation: 'installation-1',
  partitions: 2,
  now: Date.now,
  schedule: setImmediate,
  windowChangesMax: 20,
  onFailed: () => writeSync(1, 'failed\n'),
})

function batchOf(number: number): Batch {
  const entries = [`entry ${number} ${'x'.repeat(number % 7 === 0 ? 9000 : 200)}`]
  const row = { table: 'exception', id: `row ${number % 50}`, partition: 0, active: true, tag: '', body: `body ${number}` } as const
  const write = { owner: null, entries, deliveries: [], consumed: [], rows: [] }
  return {
    expect: [],
    identities: [{ key: number.toString(16).padStart(32, '0'), value: `${number}` }],
    raw: [],
    partitions: [
      { ...write, partition: 0, rows: [row] },
      { ...write, partition: 1 },
    ],
  }
}

const first = (await store.readJournal(0, 1, 1_000_000)).length + 1
for (let number = first; number < first + Number(count); number++) {
  try {
    await store.commit(batchOf(number))
    writeSync(1, `ack ${number}\n`)
  } catch {
    const health = store.health()
    writeSync(1, `unavailable ${number} ${health.ok ? 'ok' : health.code}\n`)
  }
}
