import { assert } from '../../assert.ts'
import { checkBatch, PARTITIONS_MAX } from '../check.ts'
import { addBatch, type CommittedView, type Group, PARTITION_START } from '../group.ts'
import { createHints } from '../hints.ts'
import { holderOf, leaseCalls, timeText } from '../leases.ts'
import { createGroupQueue } from '../queue.ts'
import { type Store, type StoreMeta, StoreUnavailable } from '../store.ts'
import { createStoreTime } from '../time.ts'
import { type CommitFaults, withCommitFaults } from './faults.ts'
import {
  applyGroup,
  checkTags,
  copyState,
  emptyState,
  inboxAfter,
  journalFrom,
  type MemoryState,
  rawAt,
  rowIn,
  rowsMatching,
} from './state.ts'

export interface MemoryStoreOptions {
  readonly installation: string
  /** Taken from the image when there is one. */
  readonly partitions: number
  /** Milliseconds. Store time follows it, but never back. */
  readonly now: () => number
  /** Calls back once, later: a virtual timer. Used for the wait before a group and for its write and sync. */
  readonly schedule: (run: () => void) => void
  /** Starts from what `image()` gave: a restored backup, hence a new incarnation and no leases. */
  readonly image?: MemoryImage
  readonly faults?: MemoryFaults
}

/** Simulation only. */
export interface MemoryFaults {
  readonly commits?: CommitFaults
  /** Deliberate bug: answers at the write and syncs every n groups only (synchronous NORMAL). */
  readonly syncEveryGroups?: number
}

/** A copy of everything durable, to restore from. */
export interface MemoryImage {
  readonly meta: StoreMeta
  readonly state: MemoryState
}

export interface MemoryStore extends Store {
  /**
   * The machine under the store loses power and comes back. Answered commits stay. What waited is rejected; the group
   * being written survives unanswered when `inFlightSurvives`, else vanishes. Of groups answered before their sync
   * (only with `syncEveryGroups`) all vanish but the oldest `survivors`.
   */
  powerLoss(options?: { readonly inFlightSurvives?: boolean; readonly survivors?: number }): void
  image(): MemoryImage
}

/** One instance is the database; any number of workers share it. Deterministic given `now` and `schedule`. */
export function createMemoryStore(options: MemoryStoreOptions): MemoryStore {
  const { image } = options
  const meta: StoreMeta = image
    ? { ...image.meta, incarnation: image.meta.incarnation + 1 }
    : { installation: options.installation, incarnation: 1, partitions: options.partitions, schemaVersion: 1 }
  assert(meta.partitions >= 1 && meta.partitions <= PARTITIONS_MAX, `partitions must be 1 to ${PARTITIONS_MAX}`)
  const state = image ? copyState(image.state) : emptyState(meta.partitions)
  if (image) for (const [index, partition] of state.partitions.entries()) state.partitions[index] = { ...partition, worker: null }
  const store = openState(meta, state, options)
  return options.faults?.commits ? withCommitFaults(store, options.faults.commits) : store
}

function openState(meta: StoreMeta, state: MemoryState, options: MemoryStoreOptions): MemoryStore {
  const { schedule } = options
  const time = createStoreTime(options.now, state.writtenAtMs)
  const deliveries = createHints()
  const releases = createHints()
  const disk = createDisk(state, time, options)
  const queue = createGroupQueue({
    schedule,
    persist: disk.persist,
    settled: (group) => {
      for (const partition of group.inbox.keys()) deliveries.tell(partition)
    },
  })
  const view: CommittedView = {
    identity: (key) => state.identities.get(key) ?? null,
    partition: (partition) => state.partitions[partition] ?? PARTITION_START,
  }
  let closed = false
  const open = (): void => {
    if (closed) throw new StoreUnavailable('the store is closed')
  }
  /** Reads see what is durable, at once; asynchronous like the port. */
  const read = async <T>(answer: () => T): Promise<T> => {
    open()
    return answer()
  }
  const write = async <T>(apply: (group: Group) => T): Promise<T> => {
    open()
    return queue.enqueue(apply)
  }
  return {
    meta,
    ...leaseCalls({ view, write, now: time, partitions: meta.partitions, freed: releases.tell }),
    leases: () => read(() => state.partitions.map((partition, index) => holderOf(index, partition, time()))),
    commit: async (batch) => {
      checkBatch(batch, meta.partitions)
      return write((group) => {
        checkTags(state, group, batch)
        return addBatch(view, group, batch)
      })
    },
    readIdentities: (keys) => read(() => present(keys, (key) => state.identities.get(key))),
    readInbox: (partition, after, limit) => read(() => inboxAfter(state, partition, after).slice(0, limit)),
    readJournal: (partition, from, limit) => read(() => journalFrom(state, { partition, from, limit })),
    readEntries: (addresses) =>
      read(() =>
        addresses.map(({ partition, sequence }) => {
          const [entry] = journalFrom(state, { partition, from: sequence, limit: 1 })
          assert(entry !== undefined && entry.sequence === sequence, `journal: no entry ${partition}/${sequence}`)
          return entry
        }),
      ),
    readRows: (table, ids) => read(() => present(ids, (id) => rowIn(state, table, id))),
    scanRows: (query) => read(() => rowsMatching(state, query)),
    readRaw: (reference) => read(() => rawAt(state, reference)),
    databaseNow: () => read(() => timeText(time())),
    health: () => ({ ok: true }),
    onDeliveries: deliveries.on,
    onRelease: releases.on,
    close: async () => {
      if (closed) return
      closed = true
      await queue.drain()
    },
    powerLoss: (fate = {}) => {
      disk.powerLoss(fate)
      queue.abort(new StoreUnavailable('the store lost power'))
    },
    image: () => ({ meta, state: copyState(state) }),
  }
}

/** The durable and the volatile half: `state` is what readers see, `unsynced` how to take the newest groups back. */
function createDisk(state: MemoryState, time: () => number, { schedule, faults }: MemoryStoreOptions) {
  const syncEvery = faults?.syncEveryGroups ?? 0
  let inFlight: Group | null = null
  let unsynced: (() => void)[] = []
  return {
    persist: (group: Group, done: (failure: StoreUnavailable | null) => void): void => {
      if (syncEvery > 0) {
        unsynced.push(applyGroup(state, group, time()))
        if (unsynced.length >= syncEvery) unsynced = []
        done(null)
        return
      }
      inFlight = group
      schedule(() => {
        if (inFlight !== group) return
        inFlight = null
        applyGroup(state, group, time())
        done(null)
      })
    },
    powerLoss: (fate: { readonly inFlightSurvives?: boolean; readonly survivors?: number }): void => {
      if (inFlight !== null && fate.inFlightSurvives === true) applyGroup(state, inFlight, time())
      inFlight = null
      for (const undo of unsynced.splice(fate.survivors ?? 0).reverse()) undo()
      unsynced = []
    },
  }
}

function present<V>(keys: readonly string[], get: (key: string) => V | undefined): ReadonlyMap<string, V> {
  const found = new Map<string, V>()
  for (const key of keys) {
    const value = get(key)
    if (value !== undefined) found.set(key, value)
  }
  return found
}
