import { describe, expect, test } from 'vitest'
import { createHandRuntime } from '../../test/engine/hand-runtime.ts'
import { createRig, createStore, openClock, type Rig, request } from '../../test/engine/rig.ts'
import { movement } from '../../test/engine/scripted.ts'
import type { Store } from '../store/store.ts'
import { StoreUnavailable } from '../store/store.ts'
import { type Engine, openEngine } from './engine.ts'
import { createLeaseKeeper } from './leases.ts'
import type { PartitionOwner } from './partition.ts'

const LEASE_MS = 10_000

interface Worker extends Rig {
  readonly engine: Engine
  /** No way to the store for leases: neither renewed nor taken. */
  cut: boolean
}

/** Workers on one store of four partitions, each with its share. */
function openSite() {
  const runtime = createHandRuntime()
  const store = createStore(runtime, 4)
  return {
    runtime,
    store,
    open: async (worker: string, index: number, of = 2): Promise<Worker> => {
      const line = { cut: false }
      const orCut = <T>(call: () => Promise<T>): Promise<T> => (line.cut ? Promise.reject(new StoreUnavailable('no way there')) : call())
      const through = (open: Store): Store => ({
        ...open,
        renew: (...call) => orCut(() => open.renew(...call)),
        leases: () => orCut(() => open.leases()),
      })
      const rig = createRig({ runtime, store, worker, through, settings: { share: { index, of }, leaseMs: LEASE_MS } })
      const engine = await openEngine(rig.deps)
      return Object.assign(line, rig, { engine })
    },
    live: async () => (await store.leases()).map(({ worker, live }) => (live ? worker : null)),
  }
}

describe('workers', () => {
  test('take their share at once, and what nobody takes after a while', async () => {
    const { runtime, open, live } = openSite()
    const a = await open('a', 0)
    expect([a.engine.owned(), await live()]).toEqual([
      [0, 2],
      ['a', null, 'a', null],
    ])
    await runtime.advance(LEASE_MS - 1)
    expect(a.engine.owned()).toEqual([0, 2])
    await runtime.advance(LEASE_MS / 2)
    expect(a.engine.owned()).toEqual([0, 1, 2, 3])
  })

  test('keep what they have while they renew', async () => {
    const { runtime, store, open } = openSite()
    const [a, b] = [await open('a', 0), await open('b', 1)]
    await runtime.advance(20 * LEASE_MS)
    expect([a.engine.owned(), b.engine.owned()]).toEqual([
      [0, 2],
      [1, 3],
    ])
    expect((await store.leases()).map(({ epoch }) => epoch)).toEqual([1, 1, 1, 1])
  })

  test('take over from one that is dead, and it finds out', async () => {
    const { runtime, open } = openSite()
    const [a, b] = [await open('a', 0), await open('b', 1)]
    b.cut = true
    await runtime.advance(LEASE_MS)
    expect(a.engine.owned()).toEqual([0, 2])
    await runtime.advance(2 * LEASE_MS)
    expect(a.engine.owned()).toEqual([0, 1, 2, 3])
    b.cut = false
    await runtime.advance(LEASE_MS)
    expect(b.engine.owned()).toEqual([])
    expect(runtime.situations.get('lease-lost')).toBe(2)
    expect(runtime.situations.get('partition-taken-over')).toBe(2)
  })

  test('that were told of a release take over at once', async () => {
    const { runtime, open, live } = openSite()
    const [a, b] = [await open('a', 0, 1), await open('b', 0, 1)]
    expect(b.engine.owned()).toEqual([])
    await a.engine.close()
    await runtime.rest()
    expect([b.engine.owned(), await live()]).toEqual([
      [0, 1, 2, 3],
      ['b', 'b', 'b', 'b'],
    ])
  })

  test('that fail at a partition take it again', async () => {
    const { runtime, store, open } = openSite()
    const a = await open('a', 0, 1)
    await store.acquire(2, 'a', LEASE_MS)
    await a.engine.accept(request(...['A', 'B', 'C', 'D', 'E', 'F', 'G'].map((lot) => ({ data: movement(`D-${lot}`, lot) }))))
    await runtime.advance(3 * LEASE_MS)
    expect(a.engine.owned()).toEqual([0, 1, 2, 3])
    expect(a.script.decisions).toBeGreaterThanOrEqual(7)
    for (const partition of [0, 1, 2, 3]) expect(await store.readInbox(partition, 0, 10)).toEqual([])
  })
})

describe('a lease keeper', () => {
  /** Owners that only say how they ended. */
  async function keep(through: (store: Store) => Store) {
    const rig = createRig({ through, partitions: 2 })
    const ends: string[] = []
    const granted: number[] = []
    const keeper = createLeaseKeeper(rig.deps, {
      clock: await openClock(rig),
      open: async (grant) => {
        granted.push(grant.leaseUntil)
        const end = (how: string) => async () => void ends.push(`${grant.partition} ${how}`)
        return { ...grant, drain: end('drained'), abandon: end('abandoned') } as Partial<PartitionOwner> as PartitionOwner
      },
    })
    return { ...rig, keeper, ends, granted }
  }

  test('believes less than the store grants: it counts from before it asked', async () => {
    let slowly = async (): Promise<void> => undefined
    const { runtime, keeper, granted } = await keep((store) => ({
      ...store,
      acquire: async (...call) => {
        const lease = await store.acquire(...call)
        await slowly()
        return lease
      },
      renew: async (...call) => {
        const leases = await store.renew(...call)
        await slowly()
        return leases
      },
    }))
    slowly = () => runtime.advance(300)
    await keeper.round()
    expect(granted).toEqual([LEASE_MS, LEASE_MS + 300])
    await keeper.round()
    expect([...keeper.owners.values()].map(({ leaseUntil }) => leaseUntil)).toEqual([LEASE_MS + 600, LEASE_MS + 600])
  })

  test('that is closed while it takes a partition over gives that back too', async () => {
    let release = (): void => undefined
    const { runtime, store, keeper, ends } = await keep((through) => ({
      ...through,
      acquire: async (...call) => {
        if (call[0] === 1) {
          await new Promise<void>((resolve) => {
            release = resolve
          })
        }
        return through.acquire(...call)
      },
    }))
    const round = keeper.round()
    await runtime.rest()
    const closed = keeper.close()
    await runtime.rest()
    release()
    await Promise.all([round, closed])
    await runtime.rest()
    expect((await store.leases()).map(({ worker }) => worker)).toEqual([null, null])
    expect([ends.sort(), keeper.owners.size]).toEqual([['0 drained', '1 drained'], 0])
  })
})
