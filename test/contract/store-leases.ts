import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Lease, Store } from '../../src/store/store.ts'
import { batchOf, LEASE_MS, type OpenedStore, type OpenStore, ownerOf, PARTITIONS, take, writeOf } from './store-harness.ts'

export function leaseTests(open: OpenStore): void {
  let opened: OpenedStore
  let store: Store
  beforeEach(async () => {
    opened = await open({ partitions: PARTITIONS })
    store = opened.store
  })
  afterEach(() => opened.close())
  const commitAs = async (worker: string, lease: Lease) =>
    (await store.commit(batchOf(writeOf({ partition: lease.partition, owner: ownerOf(worker, lease), entries: [worker] })))).result

  it('gives a free partition to one of two workers that ask at once', async () => {
    const [first, second] = await Promise.all([store.acquire(1, 'worker-1', LEASE_MS), store.acquire(1, 'worker-2', LEASE_MS)])
    expect([first?.epoch, second]).toEqual([1, null])
  })

  it('says until when in database time', async () => {
    const now = Date.parse(await store.databaseNow())
    const lease = await take(store, 1)
    const left = Date.parse(lease.expiresAt) - now
    expect(left).toBeGreaterThanOrEqual(LEASE_MS)
    expect(left).toBeLessThan(LEASE_MS + 5000)
  })

  it('refuses a live lease to everybody else, and gives an expired one away with a higher epoch', async () => {
    const first = await take(store, 1)
    expect(await store.acquire(1, 'worker-2', LEASE_MS)).toBeNull()
    await opened.advance(LEASE_MS + 1)
    const second = await take(store, 1, 'worker-2')
    expect(second.epoch).toBe(first.epoch + 1)
    expect([await commitAs('worker-1', first), await commitAs('worker-2', second)]).toEqual(['fenced', 'committed'])
  })

  it('raises the epoch also when the same worker takes its partition again, and fences its older self', async () => {
    const first = await take(store, 1)
    const second = await take(store, 1)
    expect(second.epoch).toBe(first.epoch + 1)
    expect([await commitAs('worker-1', first), await commitAs('worker-1', second)]).toEqual(['fenced', 'committed'])
  })

  it('does not take the epoch of one worker for that of another', async () => {
    const lease = await take(store, 1)
    expect(await commitAs('worker-2', lease)).toBe('fenced')
  })

  it('extends what is held', async () => {
    const lease = await take(store, 1)
    await opened.advance(LEASE_MS / 2)
    const [renewed] = await store.renew('worker-1', [lease], LEASE_MS)
    expect(renewed).toMatchObject({ partition: 1, epoch: lease.epoch })
    expect(Date.parse(renewed?.expiresAt ?? '')).toBeGreaterThan(Date.parse(lease.expiresAt))
    await opened.advance(LEASE_MS / 2 + 1)
    expect(await store.acquire(1, 'worker-2', LEASE_MS)).toBeNull()
  })

  it('never gives a lost lease back by renewal', async () => {
    const [lost, kept] = [await take(store, 1), await take(store, 2)]
    await opened.advance(LEASE_MS + 1)
    await take(store, 1, 'worker-2')
    const renewed = await store.renew('worker-1', [lost, kept], LEASE_MS)
    expect(renewed.map(({ partition }) => partition)).toEqual([2])
    expect(await commitAs('worker-1', lost)).toBe('fenced')
    expect(await store.acquire(1, 'worker-1', LEASE_MS)).toBeNull()
  })

  it('leaves an expired lease to its holder as long as nobody took it', async () => {
    const lease = await take(store, 1)
    await opened.advance(LEASE_MS + 1)
    expect((await store.leases())[1]).toMatchObject({ worker: 'worker-1', live: false })
    expect(await commitAs('worker-1', lease)).toBe('committed')
    expect(await store.renew('worker-1', [lease], LEASE_MS)).toHaveLength(1)
  })

  it('frees a released partition at once, fences its last holder and tells who listens', async () => {
    const told: number[] = []
    store.onRelease((partition) => told.push(partition))
    const lease = await take(store, 1)
    await store.release('worker-1', [lease])
    expect(told).toEqual([1])
    expect(await commitAs('worker-1', lease)).toBe('fenced')
    expect(await store.renew('worker-1', [lease], LEASE_MS)).toEqual([])
    expect((await take(store, 1, 'worker-2')).epoch).toBe(lease.epoch + 1)
  })

  it('leaves a lease alone that is released by somebody who no longer holds it', async () => {
    const told: number[] = []
    const lease = await take(store, 1)
    await opened.advance(LEASE_MS + 1)
    const taken = await take(store, 1, 'worker-2')
    store.onRelease((partition) => told.push(partition))
    await store.release('worker-1', [lease])
    expect([await commitAs('worker-2', taken), told]).toEqual(['committed', []])
  })

  it('lists every partition with its holder', async () => {
    await take(store, 2, 'worker-2')
    const leases = await store.leases()
    expect(leases.map(({ partition, worker, epoch, live }) => [partition, worker, epoch, live])).toEqual([
      [0, null, 0, false],
      [1, null, 0, false],
      [2, 'worker-2', 1, true],
      [3, null, 0, false],
    ])
  })

  it('rejects a partition that does not exist', async () => {
    await expect(store.acquire(PARTITIONS, 'worker-1', LEASE_MS)).rejects.toThrow(/partition/)
  })
}
