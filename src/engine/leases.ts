/**
 * Who owns which partition. Takes this worker's share at once and what others left dead after a while, renews at a
 * third of the lease, stops an owner whose lease is gone. Lease time is counted on the monotonic clock from before the
 * request was sent, so that we always believe less than the database grants.
 */
import type { Lease } from '../store/store.ts'
import type { EngineDeps } from './deps.ts'
import type { AdjustableClock } from './hub-clock.ts'
import type { Grant, PartitionOwner } from './partition.ts'

export interface LeaseKeeper {
  /** One round: renew, take over, start and stop owners. */
  round(): Promise<void>
  readonly owners: ReadonlyMap<number, PartitionOwner>
  /** Drains every owner and gives the leases up. */
  close(): Promise<void>
}

export interface LeaseParts {
  readonly clock: AdjustableClock
  readonly open: (grant: Grant) => Promise<PartitionOwner>
}

export function createLeaseKeeper(deps: EngineDeps, parts: LeaseParts): LeaseKeeper & { forget(owner: PartitionOwner): void } {
  const { store, runtime, settings, worker } = deps
  const owners = new Map<number, PartitionOwner>()
  /** Since when (monotonic) a partition that is not of our share has been without a live lease. */
  const deadSince = new Map<number, number>()
  let closing = false
  let underWay: Promise<void> = Promise.resolve()

  async function renew(): Promise<void> {
    const held: Lease[] = [...owners.values()].map((owner) => ({ partition: owner.partition, epoch: owner.epoch, expiresAt: '' }))
    const asked = runtime.clock.monoNow()
    const kept = held.length === 0 ? [] : await store.renew(worker, held, settings.leaseMs)
    const still = new Set(kept.map((lease) => `${lease.partition}.${lease.epoch}`))
    for (const owner of [...owners.values()]) {
      if (still.has(`${owner.partition}.${owner.epoch}`)) owner.leaseUntil = asked + settings.leaseMs
      else if (held.some((lease) => lease.partition === owner.partition && lease.epoch === owner.epoch)) drop(owner)
    }
  }

  function drop(owner: PartitionOwner): void {
    runtime.sometimes('lease-lost')
    owners.delete(owner.partition)
    owner.abandon()
  }

  async function takeOver(): Promise<void> {
    await parts.clock.adjust(() => store.databaseNow())
    const leases = await store.leases()
    for (const lease of leases) {
      if (closing || owners.has(lease.partition)) continue
      if (lease.live) {
        deadSince.delete(lease.partition)
        continue
      }
      if (!mine(lease.partition) && !deadLongEnough(lease.partition)) continue
      const asked = runtime.clock.monoNow()
      const got = await store.acquire(lease.partition, worker, settings.leaseMs)
      if (got === null) continue
      deadSince.delete(lease.partition)
      if (got.epoch > 1) runtime.sometimes('partition-taken-over')
      owners.set(lease.partition, await parts.open({ partition: lease.partition, epoch: got.epoch, leaseUntil: asked + settings.leaseMs }))
    }
  }

  async function round(): Promise<void> {
    if (closing) return
    await renew()
    if (!closing) await takeOver()
  }

  function mine(partition: number): boolean {
    return partition % settings.share.of === settings.share.index
  }

  function deadLongEnough(partition: number): boolean {
    const now = runtime.clock.monoNow()
    const since = deadSince.get(partition)
    if (since === undefined) deadSince.set(partition, now)
    return since !== undefined && now - since >= settings.leaseMs
  }

  return {
    owners,
    round: () => {
      underWay = round()
      return underWay
    },
    forget: (owner) => {
      if (owners.get(owner.partition) === owner) owners.delete(owner.partition)
    },
    close: async () => {
      closing = true
      // What it is just taking is to be given up as well.
      await underWay.catch(() => undefined)
      const held = [...owners.values()]
      await Promise.all(held.map((owner) => owner.drain()))
      owners.clear()
      await store.release(
        worker,
        held.map((owner) => ({ partition: owner.partition, epoch: owner.epoch, expiresAt: '' })),
      )
    },
  }
}
