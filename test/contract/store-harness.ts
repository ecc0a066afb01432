import type { Batch, Delivery, Lease, PartitionWrite, Row, RowTable, Store } from '../../src/store/store.ts'

/** A store made for one test, with what a test must be able to do to the world around it. */
export interface OpenedStore {
  readonly store: Store
  /** Lets database time pass. */
  advance(ms: number): Promise<void>
  /** Somebody sets the clock that the store's time comes from, forward or back. */
  setClock(byMs: number): void
  /** A clean end and a new start on the same data; null when nothing outlives the end. */
  readonly reopen: (() => Promise<Store>) | null
  close(): Promise<void>
}
export type OpenStore = (options: { readonly partitions: number }) => Promise<OpenedStore>

export const PARTITIONS = 4
export const LEASE_MS = 10_000

export function batchOf(...partitions: PartitionWrite[]): Batch {
  return { expect: [], identities: [], raw: [], partitions }
}

/** A write of partition 0 by nobody in particular, unless said otherwise. */
export function writeOf(write: Partial<PartitionWrite>): PartitionWrite {
  return { partition: 0, owner: null, entries: [], deliveries: [], consumed: [], rows: [], ...write }
}

export function rowOf(table: RowTable, id: string, row: Partial<Row> = {}): Row {
  return { table, id, partition: 0, active: true, tag: '', body: `body of ${id}`, ...row }
}

export function deliveryOf(delivery: Partial<Delivery>): Delivery {
  return { toPartition: 0, process: 'lot', key: 'lot-1', lane: 'normal', entry: 0, ordinal: 0, ...delivery }
}

/** A valid identity key made of a small number. */
export function keyOf(number: number): string {
  return number.toString(16).padStart(32, '0')
}

export function ownerOf(worker: string, lease: Lease): { readonly worker: string; readonly epoch: number } {
  return { worker, epoch: lease.epoch }
}

export async function take(store: Store, partition: number, worker = 'worker-1'): Promise<Lease> {
  const lease = await store.acquire(partition, worker, LEASE_MS)
  if (lease === null) throw new Error(`partition ${partition} is taken`)
  return lease
}

export async function firstSequences(store: Store, batch: Batch): Promise<readonly number[]> {
  const answer = await store.commit(batch)
  if (answer.result !== 'committed') throw new Error(`expected committed, got ${answer.result}`)
  return answer.firstSequences
}

export async function bodies(store: Store, partition: number): Promise<string[]> {
  return (await store.readJournal(partition, 1, 100_000)).map(({ body }) => body)
}
