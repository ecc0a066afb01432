/**
 * Puts the kernel together: intake, partitions with their owners, one outbox and one reader per worker, one limiter per
 * system, sweep. Any number of engines run on one store; what each does follows from the leases it holds.
 */
import type { ResourceSpec } from '../connectors/connector.ts'
import type { Context, Process } from '../process/process.ts'
import { canonicalJson } from './canonical.ts'
import { createEntryCache, type EngineDeps } from './deps.ts'
import { createHubClock } from './hub-clock.ts'
import { createIntake, type IntakeRequest } from './intake.ts'
import type { IntakeResult } from './intake-plan.ts'
import { createLeaseKeeper } from './leases.ts'
import { createLimiters } from './limiter.ts'
import { createOutbox } from './outbox.ts'
import { PartitionOwner, type PartitionParts } from './partition.ts'
import { createReader } from './reader.ts'
import { createResumer, type Resumer } from './resume.ts'
import { createRoutes } from './routes.ts'
import type { FrozenContext } from './run.ts'
import { createSweeper } from './sweep.ts'

export interface Engine extends Resumer {
  /** Resolves item by item once everything is durable; see intake.ts. */
  accept(request: IntakeRequest): Promise<readonly IntakeResult[]>
  /** Partitions this worker owns now. */
  owned(): readonly number[]
  /** Nothing is in work in any owned partition (waiting for time or targets does not count as work). */
  idle(): boolean
  /** One full sweep of every system over the partitions this worker owns. */
  sweep(): Promise<void>
  readonly counters: { readonly sendCalls: number; readonly sendItems: number; readonly readCalls: number; readonly readItems: number }
  /** Drains, hands the partitions over and stops. What was in flight has its outcome recorded. */
  close(): Promise<void>
}

/** Nothing is sent unless the lease outlasts the call, so with a longer timeout a hub would seem well and never send. */
function checkTimeouts({ connectors, settings }: EngineDeps): void {
  for (const { spec } of connectors.values()) {
    if (spec.callTimeoutMs * 2 > settings.leaseMs)
      throw new Error(
        `${spec.instance}: callTimeoutMs is ${spec.callTimeoutMs}; it can be at most half of leaseMs, ${settings.leaseMs / 2}`,
      )
  }
}

/** Starts a worker: takes partitions, resumes what was open, sweeps, works until closed. Throws if a policy names a system without connector. */
export async function openEngine(deps: EngineDeps): Promise<Engine> {
  const { runtime, store, settings } = deps
  checkTimeouts(deps)
  const clock = createHubClock(runtime)
  await clock.adjust(() => store.databaseNow())
  const cache = createEntryCache(settings.entriesCachedMax)
  const routes = createRoutes(deps.processes.values(), store.meta.partitions)
  const contextOf = createContexts(deps)
  const limiters = createLimiters(deps)
  const outbox = createOutbox(deps, limiters)
  const reader = createReader(deps, {
    clock,
    limiters,
    mayCall: (system) => outbox.mayCall(system),
    report: (system, call) => outbox.report(system, call),
  })
  const intake = createIntake(deps, { clock, cache, routes })
  const parts: PartitionParts = {
    deps,
    clock,
    cache,
    outbox,
    reader,
    routes,
    contextOf,
    resourceOf: (system, resource) => resourceOf(deps, system, resource),
    onStopped: (owner, reason) => {
      keeper.forget(owner)
      if (reason === 'failed') runtime.sometimes('partition-failed')
    },
  }
  const sweeper = createSweeper(deps, { clock, limiters, accept: (request) => intake.accept(request), owners: () => keeper.owners })
  const keeper = createLeaseKeeper(deps, {
    clock,
    open: async (grant) => new PartitionOwner(parts, { ...grant, queryFirst: await sweeper.mustQueryFirst(grant.partition) }),
  })
  const unsubscribe = [store.onDeliveries((partition) => keeper.owners.get(partition)?.nudge()), store.onRelease(() => void roundNow())]
  let closed = false
  let rounding = false
  let cancelTick = (): void => undefined

  async function roundNow(): Promise<void> {
    if (rounding || closed) return
    rounding = true
    try {
      await keeper.round()
    } catch (reason) {
      deps.log.warn('lease round failed', { reason: String(reason) })
    }
    rounding = false
  }

  function tick(): void {
    if (closed) return
    cancelTick = runtime.clock.setTimer(settings.leaseMs / 3, () => {
      void roundNow()
      // Hints may be lost: look into the inboxes at the pace of the lease.
      for (const owner of keeper.owners.values()) owner.nudge()
      tick()
    })
  }

  await roundNow()
  tick()
  sweeper.start()
  return {
    accept: (request) => intake.accept(request),
    ...createResumer(deps, { intake, owners: () => keeper.owners }),
    owned: () => [...keeper.owners.keys()].sort((one, other) => one - other),
    idle: () => [...keeper.owners.values()].every((owner: PartitionOwner) => owner.idle()),
    sweep: () => sweeper.sweep(),
    counters: {
      get sendCalls() {
        return outbox.stats.calls
      },
      get sendItems() {
        return outbox.stats.items
      },
      get readCalls() {
        return reader.stats.calls
      },
      get readItems() {
        return reader.stats.items
      },
    },
    close: async () => {
      closed = true
      cancelTick()
      sweeper.stop()
      for (const end of unsubscribe) end()
      await keeper.close()
      for (const limiter of limiters.values()) limiter.close()
      reader.close()
      outbox.close()
    },
  }
}

function resourceOf(deps: EngineDeps, system: string, resource: string): ResourceSpec {
  const spec = deps.connectors.get(system)?.spec.resources.find((one) => one.resource === resource)
  if (spec === undefined) throw new Error(`no connector offers ${resource} of ${system}: configure one or correct the policy that names it`)
  return spec
}

/** Contexts are frozen and content-addressed: the same policies give the same hash on every worker. */
function createContexts(deps: EngineDeps): (process: Process) => FrozenContext {
  const contexts = new Map<string, FrozenContext>()
  for (const process of deps.processes.values()) {
    const value: Record<string, unknown> = {}
    for (const name of process.contextNames) value[name] = deps.policies[name] ?? null
    const body = canonicalJson(value)
    const frozen = freeze(JSON.parse(body) as Record<string, unknown>)
    requireConnectors(deps, process, frozen)
    contexts.set(process.name, { hash: deps.runtime.hash(body).slice(0, 24), value: frozen, body })
  }
  return (process) => contexts.get(process.name) as FrozenContext
}

/** A goal on a system that nobody connects could only wait; what is known at the start is refused there. */
function requireConnectors({ connectors }: EngineDeps, process: Process, context: Context): void {
  const missing = [...new Set(process.systemsOf?.(context))].filter((system) => !connectors.has(system))
  if (missing.length === 0) return
  const named = `no connector is configured for ${missing.join(', ')}, which the policies of process ${process.name} name`
  throw new Error(`${named}: configure one or correct the policy`)
}

function freeze<T>(value: T): T {
  if (value !== null && typeof value === 'object') {
    for (const part of Object.values(value)) freeze(part)
    Object.freeze(value)
  }
  return value
}
