import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { describeStore } from './store.ts'

const INSTALLATION = 'installation-1'

/** Database time that a test moves. */
function movable() {
  let ms = Date.parse('2026-11-02T08:00:00Z')
  return {
    now: () => ms,
    advance: async (by: number) => {
      ms += by
    },
    setClock: (by: number) => {
      ms += by
    },
  }
}

describeStore('memory', async ({ partitions }) => {
  const { now, ...clock } = movable()
  const store = createMemoryStore({ installation: INSTALLATION, partitions, now, schedule: setImmediate })
  return { store, ...clock, reopen: null, close: store.close }
})

/** Two limits: nothing folded into the tables before the end, and everything soon. */
for (const windowChangesMax of [16_384, 3]) {
  describeStore(`sqlite :memory:, a fold every ${windowChangesMax} changes`, async ({ partitions }) => {
    const { now, ...clock } = movable()
    const options = { path: ':memory:', installation: INSTALLATION, partitions, now, schedule: setImmediate, windowChangesMax }
    let store = openSqliteStore(options)
    const reopen = async () => {
      const image = store.image()
      await store.close()
      store = openSqliteStore({ ...options, image })
      return store
    }
    return { store, ...clock, reopen, close: () => store.close() }
  })

  describeStore(`sqlite file, a fold every ${windowChangesMax} changes`, async ({ partitions }) => {
    const { now, ...clock } = movable()
    const folder = mkdtempSync(join(tmpdir(), 'holdpoint-store-'))
    const options = {
      path: join(folder, 'store.db'),
      installation: INSTALLATION,
      partitions,
      now,
      schedule: setImmediate,
      windowChangesMax,
    }
    let store = openSqliteStore(options)
    const reopen = async () => {
      await store.close()
      store = openSqliteStore({ ...options, installation: 'ignored', partitions: partitions + 1 })
      return store
    }
    const close = async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    }
    return { store, ...clock, reopen, close }
  })
}
