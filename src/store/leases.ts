import { checkPartition } from './check.ts'
import { type CommittedView, type Group, type PartitionState, partitionIn } from './group.ts'
import type { Lease, Store } from './store.ts'

export type LeaseHolder = Lease & { readonly worker: string | null; readonly live: boolean }

/** The store's RFC 3339 form of a time in milliseconds. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

export interface LeaseDeps {
  readonly view: CommittedView
  /** Runs in the next group; the answer comes when that is durable. */
  readonly write: <T>(apply: (group: Group) => T) => Promise<T>
  readonly now: () => number
  readonly partitions: number
  readonly freed: (partition: number) => void
}

/** The port's calls about leases. They ride in groups like commits, so the order of both is one. */
export function leaseCalls({ view, write, now, partitions, freed }: LeaseDeps): Pick<Store, 'acquire' | 'renew' | 'release'> {
  return {
    acquire: (partition, worker, leaseMs) =>
      write((group) => {
        checkPartition(partition, partitions)
        return acquireIn(view, group, { partition, worker, leaseMs, nowMs: now() })
      }),
    renew: (worker, leases, leaseMs) => write((group) => renewIn(view, group, { worker, leases, leaseMs, nowMs: now() })),
    release: async (worker, leases) => {
      for (const partition of await write((group) => releaseIn(view, group, { worker, leases, nowMs: now() }))) freed(partition)
    },
  }
}

/** Asked inside a group: takes the partition unless somebody else's lease is live at `nowMs`. */
function acquireIn(
  view: CommittedView,
  group: Group,
  ask: { partition: number; worker: string; leaseMs: number; nowMs: number },
): Lease | null {
  const state = partitionIn(view, group, ask.partition)
  const live = state.worker !== null && state.expiresAtMs > ask.nowMs
  if (live && state.worker !== ask.worker) return null
  const taken: PartitionState = { ...state, worker: ask.worker, epoch: state.epoch + 1, expiresAtMs: ask.nowMs + ask.leaseMs }
  group.partitions.set(ask.partition, taken)
  return leaseOf(ask.partition, taken)
}

function renewIn(
  view: CommittedView,
  group: Group,
  ask: { worker: string; leases: readonly Lease[]; leaseMs: number; nowMs: number },
): Lease[] {
  const kept: Lease[] = []
  for (const lease of ask.leases) {
    const state = partitionIn(view, group, lease.partition)
    if (state.worker !== ask.worker || state.epoch !== lease.epoch) continue
    const extended: PartitionState = { ...state, expiresAtMs: ask.nowMs + ask.leaseMs }
    group.partitions.set(lease.partition, extended)
    kept.push(leaseOf(lease.partition, extended))
  }
  return kept
}

/** Answers the partitions that became free. */
function releaseIn(view: CommittedView, group: Group, ask: { worker: string; leases: readonly Lease[]; nowMs: number }): number[] {
  const freed: number[] = []
  for (const lease of ask.leases) {
    const state = partitionIn(view, group, lease.partition)
    if (state.worker !== ask.worker || state.epoch !== lease.epoch) continue
    group.partitions.set(lease.partition, { ...state, worker: null, expiresAtMs: ask.nowMs })
    freed.push(lease.partition)
  }
  return freed
}

export function holderOf(partition: number, state: PartitionState, nowMs: number): LeaseHolder {
  return { ...leaseOf(partition, state), worker: state.worker, live: state.worker !== null && state.expiresAtMs > nowMs }
}

function leaseOf(partition: number, state: PartitionState): Lease {
  return { partition, epoch: state.epoch, expiresAt: timeText(state.expiresAtMs) }
}
