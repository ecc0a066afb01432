import { describe, expect, it } from 'vitest'
import { type CommitFault, withCommitFaults } from '../../src/store/memory/faults.ts'
import { createMemoryStore, type MemoryStoreOptions } from '../../src/store/memory/memory-store.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { batchOf, bodies, deliveryOf, firstSequences, keyOf, LEASE_MS, ownerOf, rowOf, take, writeOf } from './store-harness.ts'

/** A schedule that a test works off by hand. */
function manual() {
  const waiting: (() => void)[] = []
  return {
    schedule: (run: () => void) => {
      waiting.push(run)
    },
    /** Runs what waits now, and lets promises settle. */
    turn: async () => {
      for (const run of waiting.splice(0)) run()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const OPTIONS: MemoryStoreOptions = { installation: 'installation-1', partitions: 4, now: () => 0, schedule: setImmediate }
const entry = (body: string) => batchOf(writeOf({ entries: [body] }))
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)

describe('power loss', () => {
  it('loses what waits and what is being written, and nothing that was answered', async () => {
    const { schedule, turn } = manual()
    const store = createMemoryStore({ ...OPTIONS, schedule })
    const answered = store.commit(entry('answered'))
    await turn()
    await turn()
    expect(await answered).toMatchObject({ result: 'committed' })
    const written = outcome(store.commit(entry('being written')))
    await turn()
    const waiting = outcome(store.commit(entry('waiting')))
    expect(await bodies(store, 0)).toEqual(['answered'])
    store.powerLoss()
    await turn()
    expect(await Promise.all([written, waiting])).toEqual([expect.any(StoreUnavailable), expect.any(StoreUnavailable)])
    expect(await bodies(store, 0)).toEqual(['answered'])
    const next = store.commit(entry('after'))
    await turn()
    await turn()
    expect(await next).toEqual({ result: 'committed', firstSequences: [2] })
  })

  it('may keep the group that was being written, unanswered', async () => {
    const { schedule, turn } = manual()
    const store = createMemoryStore({ ...OPTIONS, schedule })
    const written = outcome(store.commit(entry('being written')))
    await turn()
    store.powerLoss({ inFlightSurvives: true })
    expect(await written).toBeInstanceOf(StoreUnavailable)
    expect(await bodies(store, 0)).toEqual(['being written'])
  })

  it('with the deliberate bug of acknowledging before the sync: answered commits vanish, the newest first', async () => {
    const store = createMemoryStore({ ...OPTIONS, faults: { syncEveryGroups: 10 } })
    const owner = ownerOf('worker-1', await take(store, 0))
    for (const name of ['a', 'b', 'c']) {
      const write = writeOf({
        owner,
        entries: [name],
        deliveries: [deliveryOf({ key: name })],
        rows: [rowOf('goal', 'g', { body: name, tag: 't' })],
      })
      await firstSequences(store, {
        ...batchOf(write),
        identities: [{ key: keyOf(1), value: name }],
        raw: [{ id: name, items: [Uint8Array.of(1)] }],
      })
    }
    await firstSequences(store, batchOf(writeOf({ owner, consumed: [1], rows: [{ table: 'goal', id: 'g', deleted: true }] })))
    store.powerLoss({ survivors: 3 })
    expect(await bodies(store, 0)).toEqual(['a', 'b'])
    expect((await store.readInbox(0, 0, 9)).map(({ key }) => key)).toEqual(['a', 'b'])
    expect((await store.scanRows({ table: 'goal', tag: 't', after: '', limit: 9 })).map(({ body }) => body)).toEqual(['b'])
    expect([await store.readIdentities([keyOf(1)]), await store.readRaw('c#0')]).toEqual([new Map([[keyOf(1), 'b']]), null])
    expect(await firstSequences(store, entry('d'))).toEqual([3])
    store.powerLoss()
    expect(await bodies(store, 0)).toEqual(['a', 'b'])
  })
})

describe('faults of a commit', () => {
  const faulty = (...faults: CommitFault[]) => {
    const { schedule, turn } = manual()
    return { turn, commits: { next: () => faults.shift() ?? 'none', slowly: schedule } }
  }

  it('fails without a trace, loses an answer, takes its time', async () => {
    const { commits, turn } = faulty('failed', 'answerLost', 'slow', 'none')
    const store = createMemoryStore({ ...OPTIONS, faults: { commits } })
    expect(await outcome(store.commit(entry('failed')))).toBeInstanceOf(StoreUnavailable)
    expect(await outcome(store.commit(entry('answer lost')))).toBeInstanceOf(StoreUnavailable)
    const slow = store.commit(entry('slow'))
    await firstSequences(store, entry('quick'))
    expect(await bodies(store, 0)).toEqual(['answer lost', 'quick'])
    await turn()
    expect(await slow).toEqual({ result: 'committed', firstSequences: [3] })
  })

  it('can be put before any store', async () => {
    const { commits } = faulty('answerLost')
    const store = withCommitFaults(
      openSqliteStore({ path: ':memory:', installation: 'installation-1', partitions: 4, now: () => 0, schedule: setImmediate }),
      commits,
    )
    expect(await outcome(store.commit(entry('a')))).toBeInstanceOf(StoreUnavailable)
    expect(await bodies(store, 0)).toEqual(['a'])
    await store.close()
  })
})

describe('image', () => {
  it('restores into a new incarnation without leases, apart from the store it was taken of', async () => {
    const store = createMemoryStore(OPTIONS)
    const lease = await take(store, 1)
    await firstSequences(store, entry('a'))
    const restored = createMemoryStore({ ...OPTIONS, installation: 'another', image: store.image() })
    await firstSequences(store, entry('lost'))
    expect(restored.meta).toEqual({ ...store.meta, incarnation: 2 })
    expect(await bodies(restored, 0)).toEqual(['a'])
    expect(await restored.acquire(1, 'worker-2', LEASE_MS)).toMatchObject({ epoch: lease.epoch + 1 })
    expect((await store.leases())[1]).toMatchObject({ worker: 'worker-1' })
  })
})

it('tells no time before that of the newest write in the image it starts from', async () => {
  let ms = 10_000_000
  const store = createMemoryStore({ ...OPTIONS, now: () => ms })
  await firstSequences(store, entry('a'))
  const image = store.image()
  ms = 5_000_000
  const restored = createMemoryStore({ ...OPTIONS, now: () => ms, image })
  expect(Date.parse(await restored.databaseNow())).toBe(10_000_000)
  ms += 400
  expect(Date.parse(await restored.databaseNow())).toBe(10_000_400)
})

it('refuses to change the tag of a row', async () => {
  const store = createMemoryStore(OPTIONS)
  const put = (tag: string) => store.commit(batchOf(writeOf({ rows: [rowOf('parked', 'p', { tag })] })))
  await put('one')
  await put('one')
  await expect(put('two')).rejects.toThrow(/tag/)
  const deleted = { table: 'parked', id: 'p', deleted: true } as const
  expect(await store.commit(batchOf(writeOf({ rows: [deleted, rowOf('parked', 'p', { tag: 'two' })] })))).toMatchObject({
    result: 'committed',
  })
})
