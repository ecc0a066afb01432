import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'

/** Child program: opens the store given as argument, commits one entry, says so and keeps the store open. */
const store = openSqliteStore({
  path: process.argv[2] ?? '',
  installation: 'installation-1',
  partitions: 4,
  now: Date.now,
  schedule: setImmediate,
})
const write = { partition: 0, owner: null, entries: ['held'], deliveries: [], consumed: [], rows: [] }
await store.commit({ expect: [], identities: [], raw: [], partitions: [write] })
process.stdout.write('open\n')
setInterval(() => {}, 1000)
