import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Batch, PartitionWrite, RowTable, Store } from '../../src/store/store.ts'
import {
  batchOf,
  bodies,
  deliveryOf,
  firstSequences,
  keyOf,
  type OpenedStore,
  type OpenStore,
  ownerOf,
  PARTITIONS,
  rowOf,
  take,
  writeOf,
} from './store-harness.ts'

/** Reads everything a batch could have left behind. */
async function traces(store: Store, batch: Batch): Promise<unknown[]> {
  const rows = batch.partitions.flatMap((write) => write.rows)
  return [
    await store.readIdentities(batch.identities.map(({ key }) => key)),
    await Promise.all(batch.raw.map(({ id }) => store.readRaw(`${id}#0`))),
    await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => store.readJournal(partition, 1, 1000))),
    await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => store.readInbox(partition, 0, 1000))),
    await Promise.all(rows.map(({ table, id }) => store.readRows(table, [id]))),
  ]
}

/** A batch that touches everything in two partitions. */
function fullBatch(owners: readonly [PartitionWrite['owner'], PartitionWrite['owner']]): Batch {
  const [first, second] = owners
  return {
    expect: [{ key: keyOf(1), value: null }],
    identities: [{ key: keyOf(1), value: 'one' }],
    raw: [{ id: 'raw-1', items: [Uint8Array.of(1, 2, 3)] }],
    partitions: [
      writeOf({ partition: 1, owner: first, entries: ['a', 'b'], rows: [rowOf('state', 's1', { partition: 1 })] }),
      writeOf({
        partition: 2,
        owner: second,
        entries: ['c'],
        deliveries: [deliveryOf({ toPartition: 3 })],
        rows: [rowOf('goal', 'g1', { partition: 2 })],
      }),
    ],
  }
}

export function commitTests(open: OpenStore): void {
  let opened: OpenedStore
  let store: Store
  beforeEach(async () => {
    opened = await open({ partitions: PARTITIONS })
    store = opened.store
  })
  afterEach(() => opened.close())

  it('writes everything of a batch, over several partitions', async () => {
    const batch = fullBatch([ownerOf('worker-1', await take(store, 1)), ownerOf('worker-1', await take(store, 2))])
    expect(await store.commit(batch)).toEqual({ result: 'committed', firstSequences: [1, 1] })
    expect(await store.readIdentities([keyOf(1)])).toEqual(new Map([[keyOf(1), 'one']]))
    expect(await store.readRaw('raw-1#0')).toEqual(Uint8Array.of(1, 2, 3))
    expect(await bodies(store, 1)).toEqual(['a', 'b'])
    expect(await bodies(store, 2)).toEqual(['c'])
    expect((await store.readInbox(3, 0, 10)).map(({ from }) => from)).toEqual([{ partition: 2, sequence: 1, ordinal: 0 }])
    expect(await store.readRows('state', ['s1'])).toEqual(new Map([['s1', rowOf('state', 's1', { partition: 1 })]]))
    expect(await store.readRows('goal', ['g1'])).toEqual(new Map([['g1', rowOf('goal', 'g1', { partition: 2 })]]))
  })

  it('writes nothing of a batch when one expected value differs', async () => {
    const owners = [ownerOf('worker-1', await take(store, 1)), ownerOf('worker-1', await take(store, 2))] as const
    const batch = {
      ...fullBatch(owners),
      expect: [
        { key: keyOf(1), value: null },
        { key: keyOf(9), value: 'something' },
      ],
    }
    const before = await traces(store, batch)
    expect(await store.commit(batch)).toEqual({ result: 'outdated' })
    expect(await traces(store, batch)).toEqual(before)
  })

  it('writes nothing of a batch when one of its partitions is fenced, and names it', async () => {
    const batch = fullBatch([ownerOf('worker-1', await take(store, 1)), { worker: 'worker-1', epoch: 7 }])
    await take(store, 2, 'worker-2')
    const before = await traces(store, batch)
    expect(await store.commit(batch)).toEqual({ result: 'fenced', partitions: [2] })
    expect(await traces(store, batch)).toEqual(before)
  })

  it('refuses owned writes of a partition that nobody ever took', async () => {
    const write = writeOf({ partition: 1, owner: { worker: 'worker-1', epoch: 0 }, entries: ['a'] })
    expect(await store.commit(batchOf(write))).toEqual({ result: 'fenced', partitions: [1] })
  })

  it('judges the batches of one moment one after the other, and a refused one spoils no other', async () => {
    const lease = await take(store, 0)
    const claim = (value: string): Batch => ({
      ...batchOf(writeOf({ entries: [value] })),
      expect: [{ key: keyOf(1), value: null }],
      identities: [{ key: keyOf(1), value }],
    })
    const answers = await Promise.all([
      store.commit(claim('first')),
      store.commit(claim('second')),
      store.commit(batchOf(writeOf({ owner: { worker: 'worker-1', epoch: lease.epoch + 1 }, entries: ['fenced'] }))),
      store.commit({ ...claim('third'), expect: [{ key: keyOf(1), value: 'first' }] }),
      store.commit(batchOf(writeOf({ owner: ownerOf('worker-1', lease), entries: ['owned'] }))),
    ])
    expect(answers.map(({ result }) => result)).toEqual(['committed', 'outdated', 'fenced', 'committed', 'committed'])
    expect(await bodies(store, 0)).toEqual(['first', 'third', 'owned'])
    expect(await store.readIdentities([keyOf(1)])).toEqual(new Map([[keyOf(1), 'third']]))
  })

  it('rejects a batch that breaks the rules of its type, and no other of the same moment', async () => {
    const answers = await Promise.allSettled([
      store.commit(batchOf(writeOf({ entries: ['before'] }))),
      store.commit(batchOf(writeOf({ partition: PARTITIONS, entries: ['no such partition'] }))),
      store.commit(batchOf(writeOf({ entries: ['a'], deliveries: [deliveryOf({ entry: 1 })] }))),
      store.commit({ ...batchOf(), identities: [{ key: 'not a hash', value: '' }] }),
      store.commit(batchOf(writeOf({ entries: ['after'] }))),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'])
    expect(await bodies(store, 0)).toEqual(['before', 'after'])
  })

  it('gives sequences in batch order, also to two writes of one partition, and the next free one where there is no entry', async () => {
    const twice = batchOf(writeOf({ entries: ['a', 'b'] }), writeOf({ partition: 1 }), writeOf({ entries: ['c'] }), writeOf({}))
    expect(await firstSequences(store, twice)).toEqual([1, 1, 3, 4])
    expect(await bodies(store, 0)).toEqual(['a', 'b', 'c'])
  })

  it('keeps sequences gap-free under many writers at once, every answer naming its own entries', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `w${index}`)
    const answers = await Promise.all(
      names.map(async (name, index) => {
        if (index % 50 === 0) await store.databaseNow()
        return firstSequences(store, batchOf(writeOf({ entries: [`${name}/1`, `${name}/2`] }), writeOf({ partition: 1, entries: [name] })))
      }),
    )
    const [both, single] = [await store.readJournal(0, 1, 1000), await store.readJournal(1, 1, 1000)]
    expect(both.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 600 }, (_, index) => index + 1))
    expect(single.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
    for (const [index, [first = 0, other = 0]] of answers.entries()) {
      expect([both[first - 1]?.body, both[first]?.body, single[other - 1]?.body]).toEqual([`w${index}/1`, `w${index}/2`, `w${index}`])
    }
  })

  it('applies a repeated batch again: it never guesses that two batches are one', async () => {
    const batch = batchOf(writeOf({ entries: ['again'] }))
    expect([await firstSequences(store, batch), await firstSequences(store, batch)]).toEqual([[1], [2]])
  })
}

export function appendTests(open: OpenStore): void {
  let opened: OpenedStore
  beforeEach(async () => {
    opened = await open({ partitions: PARTITIONS })
  })
  afterEach(() => opened.close())

  it('lets anyone append entries, deliveries, exceptions and parked input, whoever owns the partition', async () => {
    const { store } = opened
    await take(store, 0, 'worker-2')
    const rows = [rowOf('exception', 'e1', { tag: 'group' }), rowOf('parked', 'p1', { tag: 'native' })]
    await firstSequences(store, batchOf(writeOf({ entries: ['a'], deliveries: [deliveryOf({})], rows })))
    await firstSequences(store, batchOf(writeOf({ rows: [{ table: 'exception', id: 'e1', deleted: true }] })))
    expect([...(await store.readRows('exception', ['e1'])), ...(await store.readRows('parked', ['p1']))]).toEqual([['p1', rows[1]]])
    expect(await store.readInbox(0, 0, 10)).toHaveLength(1)
  })

  it('mixes appends to foreign partitions with owned writes in one batch, fenced by the owned ones only', async () => {
    const { store } = opened
    const lease = await take(store, 1)
    await take(store, 2, 'worker-2')
    const batch = batchOf(
      writeOf({ partition: 1, owner: ownerOf('worker-1', lease), entries: ['mine'] }),
      writeOf({ partition: 2, entries: ['appended'] }),
    )
    expect(await store.commit(batch)).toMatchObject({ result: 'committed' })
    await opened.advance(60_000)
    await take(store, 1, 'worker-2')
    expect(await store.commit(batch)).toEqual({ result: 'fenced', partitions: [1] })
    expect([await bodies(store, 1), await bodies(store, 2)]).toEqual([['mine'], ['appended']])
  })

  it.each<RowTable>(['state', 'goal', 'timer', 'context', 'cursor', 'setting'])('forbids an append to carry %s rows', async (table) => {
    await expect(opened.store.commit(batchOf(writeOf({ entries: ['a'], rows: [rowOf(table, 'x')] })))).rejects.toThrow(/append/)
    expect(await bodies(opened.store, 0)).toEqual([])
  })

  it('forbids an append to consume, and any write to carry rows of another partition', async () => {
    const { store } = opened
    await expect(store.commit(batchOf(writeOf({ consumed: [1] })))).rejects.toThrow(/consume/)
    await expect(store.commit(batchOf(writeOf({ rows: [rowOf('exception', 'e', { partition: 1 })] })))).rejects.toThrow(/partition/)
  })
}
