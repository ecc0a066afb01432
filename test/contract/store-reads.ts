import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Row, RowWrite, Store } from '../../src/store/store.ts'
import {
  batchOf,
  bodies,
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

export function readTests(open: OpenStore): void {
  let opened: OpenedStore
  let store: Store
  beforeEach(async () => {
    opened = await open({ partitions: PARTITIONS })
    store = opened.store
  })
  afterEach(() => opened.close())
  const put = async (partition: number, rows: readonly RowWrite[]) =>
    firstSequences(store, batchOf(writeOf({ partition, owner: ownerOf('worker-1', await take(store, partition)), rows })))
  const idsOf = (rows: readonly Row[]) => rows.map(({ id }) => id)

  it('reads identities that are there, and only those', async () => {
    const identities = [1, 2, 3].map((number) => ({ key: keyOf(number), value: `value ${number}` }))
    await firstSequences(store, { ...batchOf(), identities })
    await firstSequences(store, { ...batchOf(), identities: [{ key: keyOf(2), value: 'later' }] })
    expect(await store.readIdentities([keyOf(3), keyOf(2), keyOf(7)])).toEqual(
      new Map([
        [keyOf(3), 'value 3'],
        [keyOf(2), 'later'],
      ]),
    )
    expect(await store.readIdentities([])).toEqual(new Map())
  })

  it('reads the journal from a sequence, no more than asked, across the commits', async () => {
    for (const name of ['a', 'b', 'c']) await firstSequences(store, batchOf(writeOf({ entries: [`${name}1`, `${name}2`, `${name}3`] })))
    const entries = await store.readJournal(0, 3, 4)
    expect(entries).toEqual(['a3', 'b1', 'b2', 'b3'].map((body, index) => ({ partition: 0, sequence: index + 3, body })))
    expect(await store.readJournal(0, 9, 10)).toHaveLength(1)
    expect(await store.readJournal(0, 10, 10)).toEqual([])
    expect(await store.readJournal(1, 1, 10)).toEqual([])
  })

  it('gives back entries of any size and content', async () => {
    const entries = [
      '',
      '{"a":"\\u0000\\n"}',
      'Prüfung 検査 😀',
      'x'.repeat(200_000),
      ...Array.from({ length: 500 }, (_, index) => `entry ${index} `.repeat(20)),
    ]
    await firstSequences(
      store,
      batchOf(writeOf({ entries: ['before'] }), writeOf({ partition: 1, entries }), writeOf({ partition: 2, entries: ['after'] })),
    )
    expect(await bodies(store, 1)).toEqual(entries)
    expect([await bodies(store, 0), await bodies(store, 2)]).toEqual([['before'], ['after']])
  })

  it('reads entries at exact addresses in the order asked, and rejects when one is missing', async () => {
    await firstSequences(store, batchOf(writeOf({ entries: ['a', 'b'] }), writeOf({ partition: 2, entries: ['c'] })))
    const address = (partition: number, sequence: number) => ({ partition, sequence })
    const entries = await store.readEntries([address(2, 1), address(0, 2), address(0, 1), address(0, 2)])
    expect(entries.map(({ body }) => body)).toEqual(['c', 'b', 'a', 'b'])
    await expect(store.readEntries([address(0, 1), address(0, 3)])).rejects.toThrow(/no entry 0\/3/)
    await expect(store.readEntries([address(0, 0)])).rejects.toThrow(/no entry 0\/0/)
    await expect(store.readEntries([address(1, 1)])).rejects.toThrow(/no entry 1\/1/)
  })

  it('replaces a row whole, and deletes it', async () => {
    await put(0, [rowOf('goal', 'g', { tag: 'key' })])
    await put(0, [rowOf('goal', 'g', { tag: 'key', active: false, body: 'new' })])
    expect(await store.readRows('goal', ['g', 'none'])).toEqual(
      new Map([['g', rowOf('goal', 'g', { tag: 'key', active: false, body: 'new' })]]),
    )
    await put(0, [
      { table: 'goal', id: 'g', deleted: true },
      { table: 'goal', id: 'never', deleted: true },
    ])
    expect(await store.readRows('goal', ['g'])).toEqual(new Map())
  })

  it('takes the last word about a row written several times in one commit, also when deleted in between', async () => {
    await put(0, [rowOf('timer', 'a', { tag: 'old' }), rowOf('timer', 'b', { tag: 'x' })])
    const again = rowOf('timer', 'a', { partition: 0, tag: 'new', body: 'again' })
    for (const id of ['1', '2', '3', '4']) await put(0, [rowOf('state', id)])
    await put(0, [
      { table: 'timer', id: 'a', deleted: true },
      rowOf('timer', 'a', { tag: 'new' }),
      again,
      rowOf('timer', 'b', { tag: 'x' }),
      { table: 'timer', id: 'b', deleted: true },
    ])
    for (let later = 0; later < 3; later++) {
      expect(await store.scanRows({ table: 'timer', after: '', limit: 10 })).toEqual([again])
      expect(await store.scanRows({ table: 'timer', tag: 'old', after: '', limit: 10 })).toEqual([])
      expect(idsOf(await store.scanRows({ table: 'timer', tag: 'new', after: '', limit: 10 }))).toEqual(['a'])
      await put(0, [rowOf('state', `${later}/1`), rowOf('state', `${later}/2`)])
    }
  })

  it('keeps rows of different tables apart', async () => {
    await put(0, [
      rowOf('state', 'same', { body: 'state' }),
      rowOf('context', 'same', { body: 'context' }),
      rowOf('setting', 'same', { body: 'setting' }),
    ])
    expect((await store.readRows('context', ['same'])).get('same')?.body).toBe('context')
    expect(idsOf(await store.scanRows({ table: 'cursor', after: '', limit: 10 }))).toEqual([])
  })

  it('scans in ascending id, page by page, by partition, activity and tag', async () => {
    const ids = ['Z', 'a', 'b', 'c', 'd', 'e', 'é', '検']
    await put(
      1,
      [...ids].reverse().map((id) => rowOf('goal', id, { partition: 1, active: id !== 'b', tag: id < 'd' ? 'low' : 'high' })),
    )
    await put(2, [rowOf('goal', 'bb', { partition: 2, tag: 'low' })])
    const scan = async (query: object, after = '', limit = 100) => idsOf(await store.scanRows({ table: 'goal', after, limit, ...query }))
    expect(await scan({})).toEqual(['Z', 'a', 'b', 'bb', 'c', 'd', 'e', 'é', '検'])
    expect(await scan({}, 'b', 3)).toEqual(['bb', 'c', 'd'])
    expect(await scan({ partition: 1 }, 'a', 2)).toEqual(['b', 'c'])
    expect(await scan({ partition: 1, activeOnly: true }, '', 4)).toEqual(['Z', 'a', 'c', 'd'])
    expect(await scan({ activeOnly: true, tag: 'low' })).toEqual(['Z', 'a', 'bb', 'c'])
    expect(await scan({ partition: 2, tag: 'low' })).toEqual(['bb'])
    expect(await scan({ partition: 3 })).toEqual([])
    await put(1, [rowOf('goal', 'b', { partition: 1, tag: 'low' }), rowOf('goal', 'c', { partition: 1, active: false, tag: 'low' })])
    expect(await scan({ partition: 1, activeOnly: true, tag: 'low' })).toEqual(['Z', 'a', 'b'])
  })

  it('gives raw input back byte for byte, and null for what is not there', async () => {
    const noise = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919 + (index >> 3)) % 256)
    const raw = [
      { id: 'in/1', items: [new Uint8Array(0), Uint8Array.of(0, 10, 255, 44)] },
      { id: 'in#2', items: [noise] },
      { id: 'none', items: [] },
      { id: 'in/3', items: [new TextEncoder().encode('{"a":1}'.repeat(1000))] },
    ]
    await firstSequences(store, { ...batchOf(), raw })
    for (const { id, items } of raw)
      for (const [index, item] of items.entries()) expect(await store.readRaw(`${id}#${index}`)).toEqual(item)
    for (const reference of ['in/1#2', 'none#0', 'other#0', 'in/1', '#0', 'in/1#-1', 'in/1#x'])
      expect(await store.readRaw(reference)).toBeNull()
  })
}
