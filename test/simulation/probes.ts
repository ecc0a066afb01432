import type { Connector } from '../../src/connectors/connector.ts'
import type { PortionScope } from '../../src/model/hold.ts'
import type { Batch, CommitResult, Lease, Store } from '../../src/store/store.ts'
import type { Aim } from './aim.ts'
import { createProtocol, noteCommitted, openSending, type Protocol } from './protocol.ts'

/** What the checkers watch from outside: nothing of it is known to the product. Times are virtual milliseconds. */
export interface Probes {
  /** Every moment at which a command's bytes were handed to the wire. */
  readonly sends: { readonly atMs: number; readonly instance: string; readonly reference: string; readonly worker: string }[]
  /** Inputs that were acknowledged: CloudEvents source and id. */
  readonly acknowledged: { readonly atMs: number; readonly source: string; readonly id: string }[]
  /** Goals set or withdrawn by committed decisions, by the time the commit was answered. */
  readonly holdDecisions: {
    readonly atMs: number
    readonly lot: string
    readonly change: 'held' | 'lifted'
    readonly scope: PortionScope | null
  }[]
  /** Fenced writes that were accepted although another epoch had been given out before. */
  readonly fenceBreaches: string[]
  /** Highest epoch given out, by partition, on the store that counts now. */
  epochs: Map<number, number>
  /** Goal ids of the hold conditions, by lot. */
  readonly conditions: Map<string, string>
  readonly protocol: Protocol
  /** Why partitions stopped that nobody had released or taken over. */
  readonly stops: string[]
  /** Calls beyond what a system stands. */
  readonly crowds: string[]
  readonly reads: { readonly atMs: number; readonly instance: string; readonly subject: string }[]
}

export function createProbes(): Probes {
  return {
    sends: [],
    acknowledged: [],
    holdDecisions: [],
    fenceBreaches: [],
    epochs: new Map(),
    conditions: new Map(),
    protocol: createProtocol(),
    stops: [],
    crowds: [],
    reads: [],
  }
}

export interface Watch {
  readonly probes: Probes
  readonly now: () => number
  readonly aim: Aim
  /** In the books of a counterpart. */
  readonly effectsOf: (instance: string, reference: string) => number
}

/** A connector whose guard is watched: a `true` answer is the moment the bytes go out. */
export function watchConnector(connector: Connector, worker: string, watch: Watch): Connector {
  const { probes, now, aim, effectsOf } = watch
  return {
    ...connector,
    apply: async (items, call) => {
      const { instance, resources } = connector.spec
      const spec = resources.find((one) => one.resource === items[0]?.resource)
      const sending = openSending(probes.protocol, {
        instance,
        worker,
        items,
        holdsMayPass: spec?.holdsMayPass === true,
        unprotected: spec?.idempotency === 'queryable' || spec?.idempotency === 'file' || spec?.idempotency === 'unsafe',
        keepsNoReference: spec?.idempotency === 'unsafe',
        effectsOf: (reference) => effectsOf(instance, reference),
        epochs: probes.epochs,
        untilMs: now() + call.timeoutMs,
      })
      aim.calling(worker)
      const outcomes = await connector.apply(items, {
        ...call,
        beforeWrite: () => {
          const may = call.beforeWrite()
          if (may) {
            sending.sent(now())
            aim.sent(worker)
            for (const item of items) probes.sends.push({ atMs: now(), instance, reference: item.reference, worker })
          }
          return may
        },
      })
      sending.over(outcomes)
      return outcomes
    },
    read: (resource, subjects, call) => {
      for (const subject of subjects) probes.reads.push({ atMs: now(), instance: connector.spec.instance, subject })
      return connector.read(resource, subjects, call)
    },
  }
}

/** The store as the database itself sees it: which epoch was given out, which writes passed. */
export function watchStore<S extends Store>(store: S, { probes, now, aim }: Watch): S {
  // A restored store gives out its own epochs: what is still on its way to the lost one no longer counts.
  const { epochs } = probes
  return {
    ...store,
    acquire: async (partition: number, worker: string, leaseMs: number): Promise<Lease | null> => {
      const lease = await store.acquire(partition, worker, leaseMs)
      if (lease !== null) epochs.set(partition, Math.max(lease.epoch, epochs.get(partition) ?? 0))
      return lease
    },
    commit: async (batch: Batch): Promise<CommitResult> => {
      const before = new Map(epochs)
      const result = await store.commit(batch).catch((reason: unknown) => {
        // A group that was being written when the power failed may have survived, unanswered.
        noteCommitted(probes.protocol, { ...batch, raw: [] }, { nowMs: now(), answered: false })
        throw reason
      })
      if (result.result === 'committed') {
        noteFence(batch, before, probes)
        for (const lot of noteCommitted(probes.protocol, batch, { nowMs: now(), answered: true })) aim.freeing(lot)
        noteHolds(batch, probes, now())
      }
      return result
    },
  }
}

function noteFence(batch: Batch, before: ReadonlyMap<number, number>, probes: Probes): void {
  for (const write of batch.partitions) {
    const newest = before.get(write.partition) ?? 0
    if (write.owner !== null && write.owner.epoch < newest)
      probes.fenceBreaches.push(`partition ${write.partition}: epoch ${write.owner.epoch} wrote after ${newest} was given out`)
  }
}

interface DecisionBody {
  readonly kind: string
  readonly key: string
  readonly goals: readonly {
    readonly change: string
    readonly goal?: { readonly name: string; readonly predicate: { readonly scope?: PortionScope } }
    readonly id: string
  }[]
  readonly state: { readonly holds?: unknown }
}

function noteHolds(batch: Batch, probes: Probes, atMs: number): void {
  for (const write of batch.partitions) {
    for (const body of write.entries) {
      if (!body.includes('"process":"lot"')) continue
      const entry = JSON.parse(body) as DecisionBody
      if (entry.kind !== 'decision') continue
      for (const change of entry.goals) {
        if (change.change === 'set' && change.goal?.name === 'held') {
          probes.conditions.set(entry.key, change.id)
          probes.holdDecisions.push({ atMs, lot: entry.key, change: 'held', scope: change.goal.predicate.scope ?? null })
        }
        if (change.change === 'withdraw' && probes.conditions.get(entry.key) === change.id)
          probes.holdDecisions.push({ atMs, lot: entry.key, change: 'lifted', scope: null })
      }
    }
  }
}
