/**
 * The store port. One write is one value: `commit(batch)` is atomic over everything in the batch, over all partitions.
 * There are no callback transactions. Bodies are opaque strings; the engine owns their shape.
 * Every method may reject with StoreUnavailable; after a rejected or unanswered `commit` the outcome is not known,
 * so the caller drops what it held in memory of the partitions concerned and reads again.
 */
export interface Store {
  /** Identity of the installation: made once at initialisation, kept through restores. */
  readonly meta: StoreMeta

  /**
   * Takes the partition if nobody holds a live lease (database time). Success raises the epoch by one, also when the
   * same worker takes it again. Atomic; two callers at once: one wins. Null: someone else holds it.
   */
  acquire(partition: number, worker: string, leaseMs: number): Promise<Lease | null>
  /**
   * Extends held leases; answers those still ours. A lost one (taken by somebody else, or released) is never given back
   * by this call; one that expired and that nobody took is still ours. Safe to repeat.
   */
  renew(worker: string, leases: readonly Lease[], leaseMs: number): Promise<readonly Lease[]>
  /** Gives the lease up (clean shutdown). A lease no longer ours is left alone. */
  release(worker: string, leases: readonly Lease[]): Promise<void>
  /** Partitions with their holder, for doctor and takeover. Order: partition. */
  leases(): Promise<readonly (Lease & { readonly worker: string | null; readonly live: boolean })[]>

  /**
   * All or nothing, durable when it resolves `committed` (fsync done), visible to every worker from then on.
   * Sequences are assigned here, from 1, gap-free per partition, in batch order. Never applied twice by the store itself;
   * a caller that repeats a batch repeats it. A batch that breaks the rules of its own type is a bug and rejects alone.
   */
  commit(batch: Batch): Promise<CommitResult>

  /** Values of identity keys; absent keys are absent from the map. */
  readIdentities(keys: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Oldest first, sequence greater than `after`. Includes rows of every worker's appends that have committed. */
  readInbox(partition: number, after: number, limit: number): Promise<readonly InboxRow[]>
  /** Gap-free, ascending, from `from` (inclusive). Constant in time. */
  readJournal(partition: number, from: number, limit: number): Promise<readonly JournalEntry[]>
  /** Entries at exact addresses, same order as asked; a missing one is a bug and rejects. */
  readEntries(addresses: readonly { readonly partition: number; readonly sequence: number }[]): Promise<readonly JournalEntry[]>
  readRows(table: RowTable, ids: readonly string[]): Promise<ReadonlyMap<string, Row>>
  /** Ascending id, greater than `after` ('' for the first page). */
  scanRows(query: RowQuery): Promise<readonly Row[]>
  /** Bytes as received; null when retention removed them. */
  readRaw(reference: string): Promise<Uint8Array | null>
  /**
   * Time of the store: the only clock leases know. RFC 3339. Never before what was told before; after a new start or on a
   * copy never before the newest write in it, whatever the machine's clock says. From there it goes on at the pace of
   * that clock. Every write carries it, so this costs no write of its own.
   */
  databaseNow(): Promise<string>
  /** Whether the store can take more; asked by intake before it accepts anything. Cheap, never throws, never blocks. */
  health(): StoreHealth

  /** Told after any worker's commit put rows into an inbox. A hint: may be early, late, doubled or lost. Returns the unsubscriber. */
  onDeliveries(listener: (partition: number) => void): () => void
  /** Told when a lease is released. A hint, like the above. */
  onRelease(listener: (partition: number) => void): () => void

  close(): Promise<void>
}

export interface StoreMeta {
  readonly installation: string
  /** Rises by one with every restore. */
  readonly incarnation: number
  readonly partitions: number
  readonly schemaVersion: number
}

export type StoreHealth =
  | { readonly ok: true }
  /** `disk.low`: accept no input, holds still pass. `store.failed`: nothing passes any more; stop and start again. */
  | { readonly ok: false; readonly code: 'disk.low' | 'store.failed'; readonly detail: string }

export interface Lease {
  readonly partition: number
  readonly epoch: number
  /** Database time, RFC 3339. */
  readonly expiresAt: string
}

export interface Batch {
  /** Optimistic check, before anything is written: each key must still have this value (null: absent). */
  readonly expect: readonly { readonly key: string; readonly value: string | null }[]
  /** Kept for ever; a later value replaces the earlier one. Key: 32 lowercase hex characters (16-byte hash). */
  readonly identities: readonly { readonly key: string; readonly value: string }[]
  /** Raw input as received, stored compressed; item i is read back as `{id}#{i}`. */
  readonly raw: readonly { readonly id: string; readonly items: readonly Uint8Array[] }[]
  readonly partitions: readonly PartitionWrite[]
}

export interface PartitionWrite {
  readonly partition: number
  /**
   * Fence: the write is refused unless `worker` holds the partition at `epoch` (an expired lease that nobody took is
   * still held). Null: an append, allowed to anyone, which then may carry entries, deliveries and rows of table
   * `exception` and `parked` only.
   */
  readonly owner: { readonly worker: string; readonly epoch: number } | null
  /** Appended to the partition's journal in this order. */
  readonly entries: readonly string[]
  /** Rows for the inbox of any partition, pointing at entries of this write by index. */
  readonly deliveries: readonly Delivery[]
  /** Inbox sequences of this partition that are done with. One that is gone already is ignored, one that never was is a bug. */
  readonly consumed: readonly number[]
  readonly rows: readonly RowWrite[]
}

export interface Delivery {
  readonly toPartition: number
  readonly process: string
  readonly key: string
  readonly lane: string
  readonly entry: number
  /** 0: the input itself; from 1: the internal event of a decision record. */
  readonly ordinal: number
}

export interface InboxRow {
  readonly partition: number
  /** Position in this inbox. */
  readonly sequence: number
  readonly process: string
  readonly key: string
  readonly lane: string
  readonly from: { readonly partition: number; readonly sequence: number; readonly ordinal: number }
}

export interface JournalEntry {
  readonly partition: number
  readonly sequence: number
  readonly body: string
}

export type RowTable = 'state' | 'goal' | 'timer' | 'exception' | 'parked' | 'context' | 'cursor' | 'setting'

/** A keyed document. `active` rows are those a worker loads when it takes a partition over. */
export interface Row {
  readonly table: RowTable
  readonly id: string
  /** That of the write. A row stays in the partition it was created in. */
  readonly partition: number
  readonly active: boolean
  /** Second way in, the same in every write of the row: order key for goals, instance for timers, cause group for exceptions, native key for parked input. */
  readonly tag: string
  readonly body: string
}
export type RowWrite = Row | { readonly table: RowTable; readonly id: string; readonly deleted: true }

export interface RowQuery {
  readonly table: RowTable
  readonly partition?: number
  readonly activeOnly?: boolean
  readonly tag?: string
  readonly after: string
  readonly limit: number
}

export type CommitResult =
  /** First sequence given to each partition write's entries, in batch order (next free one where it had none). */
  | { readonly result: 'committed'; readonly firstSequences: readonly number[] }
  /** Nothing was written: an expected identity value differed. Read again and decide again. */
  | { readonly result: 'outdated' }
  /** Nothing was written: these partitions are no longer ours. */
  | { readonly result: 'fenced'; readonly partitions: readonly number[] }

/** The outcome of the call is not known, or the store cannot serve. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** The store must not be used as it is; nothing was changed. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused'
  readonly code: 'store.settingsUnsafe' | 'store.schemaAhead' | 'store.inUse' | 'store.olderCopy'

  constructor(code: StoreRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}
