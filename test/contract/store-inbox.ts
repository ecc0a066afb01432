import { afterEach, beforeEach, expect, it } from 'vitest'
import type { InboxRow, Store } from '../../src/store/store.ts'
import {
  batchOf,
  deliveryOf,
  firstSequences,
  type OpenedStore,
  type OpenStore,
  ownerOf,
  PARTITIONS,
  take,
  writeOf,
} from './store-harness.ts'

export function inboxTests(open: OpenStore): void {
  let opened: OpenedStore
  let store: Store
  beforeEach(async () => {
    opened = await open({ partitions: PARTITIONS })
    store = opened.store
  })
  afterEach(() => opened.close())
  const deliver = (keys: readonly string[], toPartition = 3) =>
    firstSequences(
      store,
      batchOf(
        writeOf({
          partition: 1,
          entries: keys.map((key) => `entry ${key}`),
          deliveries: keys.map((key, entry) => deliveryOf({ toPartition, key, entry })),
        }),
      ),
    )
  const keysIn = (rows: readonly InboxRow[]) => rows.map(({ key }) => key)

  it('keeps deliveries in the order of the commits, each pointing at its entry', async () => {
    await deliver(['a', 'b'])
    await firstSequences(
      store,
      batchOf(
        writeOf({
          partition: 2,
          entries: ['x', 'y'],
          deliveries: [deliveryOf({ toPartition: 3, key: 'c', lane: 'safety', process: 'gate', entry: 1, ordinal: 2 })],
        }),
      ),
    )
    await deliver(['d'])
    expect(await store.readInbox(3, 0, 10)).toEqual([
      { partition: 3, sequence: 1, process: 'lot', key: 'a', lane: 'normal', from: { partition: 1, sequence: 1, ordinal: 0 } },
      { partition: 3, sequence: 2, process: 'lot', key: 'b', lane: 'normal', from: { partition: 1, sequence: 2, ordinal: 0 } },
      { partition: 3, sequence: 3, process: 'gate', key: 'c', lane: 'safety', from: { partition: 2, sequence: 2, ordinal: 2 } },
      { partition: 3, sequence: 4, process: 'lot', key: 'd', lane: 'normal', from: { partition: 1, sequence: 3, ordinal: 0 } },
    ])
  })

  it('pages from after a sequence', async () => {
    await deliver(['a', 'b', 'c', 'd', 'e'])
    expect(keysIn(await store.readInbox(3, 1, 2))).toEqual(['b', 'c'])
    expect(keysIn(await store.readInbox(3, 5, 2))).toEqual([])
    expect(keysIn(await store.readInbox(2, 0, 10))).toEqual([])
  })

  it('forgets what its owner consumed, in any order, and nothing else', async () => {
    await deliver(['a', 'b', 'c', 'd'])
    const owner = ownerOf('worker-1', await take(store, 3))
    await firstSequences(store, batchOf(writeOf({ partition: 3, owner, consumed: [3, 1] })))
    expect(keysIn(await store.readInbox(3, 0, 10))).toEqual(['b', 'd'])
    await firstSequences(store, batchOf(writeOf({ partition: 3, owner, consumed: [1, 2] })))
    expect(keysIn(await store.readInbox(3, 0, 10))).toEqual(['d'])
  })

  it('rejects a batch that consumes what was never delivered', async () => {
    await deliver(['a'])
    const owner = ownerOf('worker-1', await take(store, 3))
    for (const consumed of [[2], [0], [1, 99]]) {
      await expect(store.commit(batchOf(writeOf({ partition: 3, owner, consumed })))).rejects.toThrow(/never delivered/)
    }
    await deliver(['b'])
    expect(keysIn(await store.readInbox(3, 0, 10))).toEqual(['a', 'b'])
  })

  it('does not use a sequence twice, even when the inbox was emptied', async () => {
    const owner = ownerOf('worker-1', await take(store, 3))
    await deliver(['a', 'b'])
    await firstSequences(store, batchOf(writeOf({ partition: 3, owner, consumed: [1, 2] })))
    await deliver(['c'])
    expect((await store.readInbox(3, 0, 10)).map(({ sequence }) => sequence)).toEqual([3])
  })

  it('keeps what a fenced owner tried to consume', async () => {
    await deliver(['a'])
    const owner = ownerOf('worker-1', await take(store, 3))
    await take(store, 3)
    expect(await store.commit(batchOf(writeOf({ partition: 3, owner, consumed: [1] })))).toMatchObject({ result: 'fenced' })
    expect(keysIn(await store.readInbox(3, 0, 10))).toEqual(['a'])
  })

  it('tells who listens, once the rows can be read, until unsubscribed', async () => {
    const seen: [number, Promise<readonly InboxRow[]>][] = []
    const stop = store.onDeliveries((partition) => seen.push([partition, store.readInbox(partition, 0, 10)]))
    await deliver(['a'])
    await deliver(['b'], 2)
    expect(seen.map(([partition]) => partition)).toEqual([3, 2])
    expect(keysIn((await seen[0]?.[1]) ?? [])).toContain('a')
    stop()
    await deliver(['c'])
    expect(seen).toHaveLength(2)
  })

  it('does not tell of batches that were refused', async () => {
    const told: number[] = []
    store.onDeliveries((partition) => told.push(partition))
    const write = writeOf({
      partition: 1,
      owner: { worker: 'worker-1', epoch: 9 },
      entries: ['x'],
      deliveries: [deliveryOf({ toPartition: 3 })],
    })
    expect(await store.commit(batchOf(write))).toMatchObject({ result: 'fenced' })
    expect(told).toEqual([])
  })

  it('stays in order through a long backlog that is worked off in pieces', async () => {
    const owner = ownerOf('worker-1', await take(store, 3))
    const expected: string[] = []
    const worked: string[] = []
    for (let round = 0; round < 40; round++) {
      const keys = Array.from({ length: 20 }, (_, index) => `${round}/${index}`)
      expected.push(...keys)
      await deliver(keys)
      const rows = await store.readInbox(3, 0, 15)
      worked.push(...keysIn(rows))
      await firstSequences(store, batchOf(writeOf({ partition: 3, owner, consumed: rows.map(({ sequence }) => sequence) })))
    }
    worked.push(...keysIn(await store.readInbox(3, 0, 1000)))
    expect(worked).toEqual(expected)
  })
}
