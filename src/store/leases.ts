import { type CommittedView, type Group, type PartitionState, partitionIn } from './group.ts'
import type { Lease } from './store.ts'

export type LeaseHolder = Lease & { readonly worker: string | null; readonly live: boolean }

/** The store's RFC 3339 form of a time in milliseconds. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

/** Asked inside a group: takes the partition unless somebody else's lease is live at `nowMs`. */
export function acquireIn(
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

export function renewIn(
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
export function releaseIn(view: CommittedView, group: Group, ask: { worker: string; leases: readonly Lease[]; nowMs: number }): number[] {
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
