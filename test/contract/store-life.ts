import { expect, it } from 'vitest'
import { StoreUnavailable } from '../../src/store/store.ts'
import {
  batchOf,
  bodies,
  deliveryOf,
  firstSequences,
  keyOf,
  LEASE_MS,
  type OpenStore,
  ownerOf,
  PARTITIONS,
  rowOf,
  take,
  writeOf,
} from './store-harness.ts'

const HOUR_MS = 3_600_000

export function lifeTests(open: OpenStore): void {
  it('names installation, incarnation, partitions and schema', async () => {
    const { store, close } = await open({ partitions: 3 })
    expect(store.meta).toEqual({
      installation: expect.stringMatching(/./),
      incarnation: 1,
      partitions: 3,
      schemaVersion: expect.any(Number),
    })
    expect(store.health()).toEqual({ ok: true })
    await close()
  })

  it('tells database time in RFC 3339, and it passes', async () => {
    const { store, advance, close } = await open({ partitions: 1 })
    const before = await store.databaseNow()
    expect(before).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    await advance(5000)
    expect(Date.parse(await store.databaseNow()) - Date.parse(before)).toBeGreaterThanOrEqual(5000)
    await close()
  })

  it('tells no time again when its clock is set back, and goes on at the same pace', async () => {
    const { store, advance, setClock, close } = await open({ partitions: PARTITIONS })
    const before = Date.parse(await store.databaseNow())
    setClock(-3 * HOUR_MS)
    expect(Date.parse(await store.databaseNow())).toBeGreaterThanOrEqual(before)
    await advance(5000)
    const after = Date.parse(await store.databaseNow()) - before
    expect(after).toBeGreaterThanOrEqual(5000)
    expect(after).toBeLessThan(10_000)
    await close()
  })

  it('tells no time before that of its newest write after a start with the clock set back', async () => {
    const { store, advance, reopen, setClock, close } = await open({ partitions: PARTITIONS })
    if (reopen !== null) {
      await advance(HOUR_MS)
      await take(store, 1)
      await firstSequences(store, batchOf(writeOf({ entries: ['a'] })))
      const written = Date.parse(await store.databaseNow())
      setClock(-3 * HOUR_MS)
      const again = await reopen()
      expect(Date.parse(await again.databaseNow())).toBeGreaterThanOrEqual(written)
      // Nothing is written in this life: what the one before knew must not be lost.
      setClock(-3 * HOUR_MS)
      const third = await reopen()
      await advance(5000)
      const after = Date.parse(await third.databaseNow()) - written
      expect(after).toBeGreaterThanOrEqual(5000)
      expect(after).toBeLessThan(60_000)
      expect(Date.parse((await take(third, 1)).expiresAt)).toBeGreaterThanOrEqual(written + 5000 + LEASE_MS)
    }
    await close()
  })

  it('follows a clock that was set forward', async () => {
    const { store, reopen, setClock, close } = await open({ partitions: PARTITIONS })
    if (reopen !== null) {
      const before = Date.parse(await store.databaseNow())
      setClock(3 * HOUR_MS)
      expect(Date.parse(await (await reopen()).databaseNow())).toBeGreaterThanOrEqual(before + 3 * HOUR_MS)
    }
    await close()
  })

  it('answers what was asked before close, and nothing after it', async () => {
    const { store, close } = await open({ partitions: PARTITIONS })
    const asked = store.commit(batchOf(writeOf({ entries: ['last'] })))
    await Promise.all([store.close(), asked])
    expect(await asked).toMatchObject({ result: 'committed' })
    await expect(store.commit(batchOf(writeOf({ entries: ['late'] })))).rejects.toBeInstanceOf(StoreUnavailable)
    await expect(store.readJournal(0, 1, 1)).rejects.toBeInstanceOf(StoreUnavailable)
    await expect(store.acquire(0, 'worker-1', LEASE_MS)).rejects.toBeInstanceOf(StoreUnavailable)
    await store.close()
    await close()
  })

  it('has everything after a clean end and a new start', async () => {
    const { store, reopen, close } = await open({ partitions: PARTITIONS })
    if (reopen !== null) {
      const lease = await take(store, 1)
      const owner = ownerOf('worker-1', lease)
      const rows = [rowOf('goal', 'g', { partition: 1, tag: 'key' }), rowOf('state', 's', { partition: 1, active: false })]
      const write = writeOf({
        partition: 1,
        owner,
        entries: ['a', 'b'],
        deliveries: [deliveryOf({ toPartition: 2 }), deliveryOf({ toPartition: 2, key: 'second' })],
        rows,
      })
      await firstSequences(store, {
        ...batchOf(write),
        identities: [{ key: keyOf(1), value: 'v' }],
        raw: [{ id: 'r', items: [Uint8Array.of(7)] }],
      })
      const { meta } = store
      const again = await reopen()
      expect(again.meta).toEqual(meta)
      expect(await bodies(again, 1)).toEqual(['a', 'b'])
      expect(await again.readRows('goal', ['g'])).toEqual(new Map([['g', rows[0]]]))
      expect(await again.scanRows({ table: 'goal', tag: 'key', activeOnly: true, partition: 1, after: '', limit: 9 })).toEqual([rows[0]])
      expect(await again.readRows('state', ['s'])).toEqual(new Map([['s', rows[1]]]))
      expect((await again.readInbox(2, 0, 9)).map(({ sequence, key }) => [sequence, key])).toEqual([
        [1, 'lot-1'],
        [2, 'second'],
      ])
      expect(await again.readIdentities([keyOf(1)])).toEqual(new Map([[keyOf(1), 'v']]))
      expect(await again.readRaw('r#0')).toEqual(Uint8Array.of(7))
      expect((await take(again, 1)).epoch).toBe(lease.epoch + 1)
      expect(
        await firstSequences(again, batchOf(writeOf({ partition: 1, entries: ['c'], deliveries: [deliveryOf({ toPartition: 2 })] }))),
      ).toEqual([3])
      expect((await again.readInbox(2, 2, 9)).map(({ sequence }) => sequence)).toEqual([3])
      await again.close()
    }
    await close()
  })
}
