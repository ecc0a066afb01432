import { expect, it } from 'vitest'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { Batch, PartitionWrite, RowTable, RowWrite, Store } from '../../src/store/store.ts'
import { batchOf, deliveryOf, keyOf, LEASE_MS, rowOf, writeOf } from './store-harness.ts'

const PARTITIONS = 3
const TABLES: readonly RowTable[] = ['state', 'goal', 'timer']
const STEPS = 120

type Draw = (below: number) => number

/** mulberry32: the same numbers for the same seed, everywhere. */
function drawer(seed: number): Draw {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

/** Few keys, so that everything is written, deleted and written again. A row id has one tag and one partition. */
function drawRow(draw: Draw, partition: number): RowWrite {
  const table = TABLES[draw(TABLES.length)] ?? 'goal'
  const id = `${partition}/${draw(12)}`
  if (draw(5) === 0) return { table, id, deleted: true }
  return rowOf(table, id, { partition, active: draw(2) === 0, tag: `tag ${id.length % 3}`, body: `body ${draw(1_000_000)}` })
}

/** What the writers of a step know. */
interface Known {
  readonly epochs: readonly number[]
  /** Newest sequence of each inbox that was ever seen. */
  readonly inboxEnds: readonly number[]
}

function drawWrite(draw: Draw, { epochs, inboxEnds }: Known): PartitionWrite {
  const partition = draw(PARTITIONS)
  const epoch = epochs[partition] ?? 0
  const inboxEnd = inboxEnds[partition] ?? 0
  const owner = draw(4) === 0 ? null : { worker: 'worker-1', epoch: draw(12) === 0 ? epoch - 1 : epoch }
  const entries = times(draw(4), () => `entry ${draw(1_000_000)} `.repeat(1 + draw(40)))
  const deliveries = entries.map((_, entry) =>
    deliveryOf({ toPartition: draw(PARTITIONS), key: `key ${draw(9)}`, entry, ordinal: draw(3) }),
  )
  return writeOf({
    partition,
    owner,
    entries,
    deliveries,
    consumed: owner === null || inboxEnd === 0 ? [] : times(draw(5), () => 1 + draw(inboxEnd)),
    rows: owner === null ? [] : times(draw(6), () => drawRow(draw, partition)),
  })
}

function drawBatch(draw: Draw, known: Known): Batch {
  const identities = times(draw(3), () => ({ key: keyOf(draw(30)), value: `value ${draw(5)}` }))
  return {
    ...batchOf(...times(1 + draw(3), () => drawWrite(draw, known))),
    expect: draw(3) === 0 ? [{ key: keyOf(draw(30)), value: draw(2) === 0 ? null : `value ${draw(5)}` }] : [],
    identities,
    raw: times(draw(2), () => ({ id: `raw ${draw(20)}`, items: times(draw(3), () => Uint8Array.of(draw(256), draw(256))) })),
  }
}

async function everything(store: Store): Promise<unknown> {
  const partitions = times(PARTITIONS, (partition) => partition)
  return {
    journal: await Promise.all(partitions.map((partition) => store.readJournal(partition, 1, 10_000))),
    tail: await Promise.all(partitions.map((partition) => store.readJournal(partition, 17, 5))),
    inbox: await Promise.all(partitions.map((partition) => store.readInbox(partition, 0, 10_000))),
    page: await Promise.all(partitions.map((partition) => store.readInbox(partition, 8, 4))),
    identities: [...(await store.readIdentities(times(30, keyOf)))].sort(),
    raw: await Promise.all(times(20, (number) => store.readRaw(`raw ${number}#0`))),
    rows: await Promise.all(TABLES.map((table) => store.scanRows({ table, after: '', limit: 10_000 }))),
    active: await Promise.all(TABLES.map((table) => store.scanRows({ table, partition: 1, activeOnly: true, after: '1/1', limit: 4 }))),
    tagged: await Promise.all(TABLES.map((table) => store.scanRows({ table, tag: 'tag 0', after: '', limit: 3 }))),
    leases: await store.leases(),
  }
}

/** Random histories: what one implementation answers, the other answers too, also after a crash without a clean end. */
it.each(times(24, (seed) => seed + 1))('memory and SQLite give the same answers, seed %i', async (seed) => {
  const draw = drawer(seed)
  let ms = 0
  const shared = { installation: 'installation-1', partitions: PARTITIONS, now: () => ms, schedule: setImmediate }
  const options = { ...shared, path: ':memory:', windowChangesMax: [3, 25, 100_000][seed % 3] ?? 3 }
  const model = createMemoryStore(shared)
  let subject: SqliteStore = openSqliteStore(options)
  const epochs: number[] = times(PARTITIONS, () => 0)
  const takeAll = async () => {
    for (const partition of epochs.keys()) {
      const lease = await model.acquire(partition, 'worker-1', LEASE_MS)
      expect(await subject.acquire(partition, 'worker-1', LEASE_MS)).toEqual(lease)
      epochs[partition] = lease?.epoch ?? 0
    }
  }
  const inboxEnds: number[] = times(PARTITIONS, () => 0)
  await takeAll()
  for (let step = 0; step < STEPS; step++) {
    ms += draw(100)
    const batches = times(1 + draw(4), () => drawBatch(draw, { epochs, inboxEnds }))
    const wanted = await Promise.all(batches.map((batch) => model.commit(batch)))
    expect(await Promise.all(batches.map((batch) => subject.commit(batch)))).toEqual(wanted)
    for (const partition of inboxEnds.keys()) {
      inboxEnds[partition] = (await model.readInbox(partition, 0, 10_000)).at(-1)?.sequence ?? inboxEnds[partition] ?? 0
    }
    if (draw(4) === 0) expect(await everything(subject)).toEqual(await everything(model))
    if (draw(15) === 0) {
      const crashed = subject
      subject = openSqliteStore({ ...options, image: crashed.image() })
      await crashed.close()
      await takeAll()
    }
  }
  expect(await everything(subject)).toEqual(await everything(model))
  await Promise.all([subject.close(), model.close()])
})
