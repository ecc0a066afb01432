/**
 * The limits that a system declares, over everything that this worker asks of it: sends, reads and pages of the sweep.
 * Holds go first and have places of their own; the sweep goes last. Must never let a call pass one that waits and is at
 * least as urgent, nor let anything wait for which there is a place.
 */
import type { ConnectorSpec } from '../connectors/connector.ts'
import type { Runtime } from '../runtime.ts'
import { POOLS, type Pool } from './breaker.ts'
import type { EngineDeps } from './deps.ts'
import { createAlarm } from './room.ts'

export type CallPool = Pool | 'sweep'

export interface Limiter {
  /** A place for one call, to be given back at its end. False: there is none, or somebody waits for it: ask `wait`. */
  take(pool: CallPool): boolean
  /** Calls `ready` once, with a place that is taken for it, which may be at once. The same `key` of a pool waits once. */
  wait(pool: CallPool, key: string, ready: () => void): void
  give(pool: CallPool): void
  /** Gives back a place of which no call came. */
  giveUnused(pool: CallPool): void
  /** Forgets who waits. */
  close(): void
}

/** By system instance. */
export type Limiters = ReadonlyMap<string, Limiter>

/** Most urgent first. */
const CALL_POOLS: readonly CallPool[] = [...POOLS, 'sweep']

interface Share {
  /** Calls in flight of all pools together, and of all but holds, that a further one must stay below. */
  readonly all: number
  readonly ordinary: number
  /** Calls of this second that a further one must leave for those that are more urgent. */
  readonly leaves: number
}

/** A place that is the only one is shared, most urgent first; else a quarter is kept for holds, and one from the sweep. */
function sharesOf({ inFlight, perSecond }: { readonly inFlight: number; readonly perSecond: number }): Record<CallPool, Share> {
  const ordinary = inFlight - reserveOf(inFlight)
  const leaves = reserveOf(perSecond)
  return {
    safety: { all: inFlight, ordinary: Number.POSITIVE_INFINITY, leaves: 0 },
    rest: { all: inFlight, ordinary, leaves },
    sweep: { all: Math.max(1, inFlight - 1), ordinary: Math.max(1, ordinary - 1), leaves: Math.min(perSecond - 1, leaves + 1) },
  }
}

function reserveOf(most: number): number {
  return most > 1 ? Math.max(1, Math.floor(most / 4)) : 0
}

export function createLimiters({ runtime, connectors }: Pick<EngineDeps, 'runtime' | 'connectors'>): Limiters {
  return new Map([...connectors].map(([system, { spec }]) => [system, createLimiter(runtime, spec)]))
}

type Limits = Pick<ConnectorSpec, 'callsInFlightMax' | 'callsPerSecondMax'>

export function createLimiter({ clock, sometimes }: Pick<Runtime, 'clock' | 'sometimes'>, spec: Limits): Limiter {
  /** What may be asked at once after a rest: a second's worth, in whole calls. */
  const burst = Math.max(1, Math.floor(spec.callsPerSecondMax))
  const shares = sharesOf({ inFlight: spec.callsInFlightMax, perSecond: burst })
  const inFlight: Record<CallPool, number> = { safety: 0, rest: 0, sweep: 0 }
  const waiting: Readonly<Record<CallPool, Map<string, () => void>>> = { safety: new Map(), rest: new Map(), sweep: new Map() }
  const throttle = createAlarm(clock)
  let tokens = burst
  let refilledAt = clock.monoNow()

  function hasPlace(pool: CallPool): boolean {
    const { all, ordinary } = shares[pool]
    const others = inFlight.rest + inFlight.sweep
    return inFlight.safety + others < all && others < ordinary
  }

  /** Milliseconds; 0: now. */
  function untilToken(pool: CallPool): number {
    const now = clock.monoNow()
    tokens = Math.min(burst, tokens + ((now - refilledAt) * spec.callsPerSecondMax) / 1_000)
    refilledAt = now
    const missing = shares[pool].leaves + 1 - tokens
    return missing <= 0 ? 0 : Math.ceil((missing * 1_000) / spec.callsPerSecondMax)
  }

  function isAhead(pool: CallPool): boolean {
    for (const one of CALL_POOLS) {
      if (waiting[one].size > 0) return true
      if (one === pool) return false
    }
    return false
  }

  function start(pool: CallPool): void {
    inFlight[pool]++
    tokens -= 1
  }

  /** Who is less urgent needs more to be free, so only the most urgent is looked at. Without a place, the next `give` offers it. */
  function offer(): void {
    for (;;) {
      const pool = CALL_POOLS.find((one) => waiting[one].size > 0)
      if (pool === undefined || !hasPlace(pool)) return
      const waitMs = untilToken(pool)
      if (waitMs > 0) throttle.arm(waitMs, offer)
      if (waitMs > 0) return
      const [key, ready] = waiting[pool].entries().next().value as [string, () => void]
      waiting[pool].delete(key)
      start(pool)
      ready()
    }
  }

  function give(pool: CallPool): void {
    inFlight[pool]--
    offer()
  }

  return {
    take: (pool) => {
      if (isAhead(pool) || !hasPlace(pool) || untilToken(pool) > 0) return false
      start(pool)
      return true
    },
    wait: (pool, key, ready) => {
      sometimes(`call-waits-${pool}`)
      waiting[pool].set(key, ready)
      offer()
    },
    give,
    giveUnused: (pool) => {
      tokens += 1
      give(pool)
    },
    close: () => {
      throttle.close()
      for (const pool of CALL_POOLS) waiting[pool].clear()
    },
  }
}
