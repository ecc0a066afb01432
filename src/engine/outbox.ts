/**
 * Sends commands: two pools (safety, and everything else with fair shares per site), batches that never hold two items
 * of one order key, written limits in front of every intent, one probe at a time to a target that does not answer.
 * Must never send twice by itself: every further attempt is an intent of the ledger.
 */
import type { CommandItem, Connector, Outcome } from '../connectors/connector.ts'
import type { Lane } from '../model/envelope.ts'
import type { EngineDeps } from './deps.ts'

export interface PendingSend {
  readonly item: CommandItem
  readonly orderKey: string
  readonly lane: Lane
  /** Deadline, lease, holds: asked when the batch is formed and again in the tick of the socket write. */
  readonly guard: () => boolean
  readonly done: (outcome: Outcome) => void
}

export interface Outbox {
  /** A place for one command of this lane; false: ask `whenRoom`. Given back by its outcome or `giveRoom`. */
  takeRoom(system: string, lane: Lane): boolean
  giveRoom(system: string, lane: Lane): void
  /** Calls `ready` once when there may be room: by lane, then sites in turn. The same `key` waits once. */
  whenRoom(system: string, lane: Lane, waiter: { readonly key: string; readonly site: string; readonly ready: () => void }): void
  enqueue(system: string, send: PendingSend): void
  /** A read or write of this system succeeded or failed; feeds the breaker. */
  report(system: string, answered: boolean): void
  /** False while the breaker is open and no probe is due. */
  mayCall(system: string): boolean
  readonly stats: { calls: number; items: number }
}

type Pool = 'safety' | 'rest'
const FAILURES_UNTIL_OPEN = 5
const PROBE_MS = 10_000
/** Safety goes on probing a dead target faster: a hold must not wait for the next regular probe. */
const SAFETY_PROBE_MS = 1_000
const ROOM_BATCHES = 2

interface PoolState {
  readonly queue: PendingSend[]
  inFlight: number
  room: number
  readonly roomMax: number
  /** Waiters for room by site, sites in turn. */
  readonly waiters: Map<string, Map<string, () => void>>
}

interface Target {
  readonly connector: Connector
  readonly pools: Record<Pool, PoolState>
  failures: number
  nextProbeAt: number
  tokens: number
  refilledAt: number
  flushing: boolean
}

export function createOutbox(deps: EngineDeps): Outbox {
  const { clock } = deps.runtime
  const targets = new Map<string, Target>()
  const stats = { calls: 0, items: 0 }
  for (const [system, connector] of deps.connectors) targets.set(system, createTarget(connector, clock.monoNow()))

  const target = (system: string): Target => targets.get(system) as Target

  function schedule(one: Target): void {
    if (one.flushing) return
    one.flushing = true
    // A microtask later: everything one turn enqueues travels together.
    void Promise.resolve().then(() => {
      one.flushing = false
      flush(one)
    })
  }

  function flush(one: Target): void {
    for (const pool of ['safety', 'rest'] as const) {
      const state = one.pools[pool]
      while (state.queue.length > 0 && mayStart(one, pool)) {
        const batch = takeBatch(one, state)
        if (batch.length === 0) break
        if (!takeToken(one)) {
          state.queue.unshift(...batch)
          clock.setTimer(1_000 / one.connector.spec.callsPerSecondMax, () => schedule(one))
          break
        }
        void dispatch(one, state, batch)
      }
    }
  }

  function takeBatch(one: Target, state: PoolState): PendingSend[] {
    const batch: PendingSend[] = []
    const orderKeys = new Set<string>()
    const resource = state.queue[0]?.item.resource
    const limit = one.connector.spec.resources.find((known) => known.resource === resource)?.applyBatchMax ?? 1
    const rest: PendingSend[] = []
    for (const send of state.queue) {
      if (batch.length >= limit || send.item.resource !== resource || orderKeys.has(send.orderKey)) {
        rest.push(send)
        continue
      }
      if (!send.guard()) {
        finish(state, send, { outcome: 'later', class: 'transient', delayMs: 0, detail: 'not sent: the send guard said no' })
        continue
      }
      orderKeys.add(send.orderKey)
      batch.push(send)
    }
    state.queue.splice(0, state.queue.length, ...rest)
    return batch
  }

  async function dispatch(one: Target, state: PoolState, batch: readonly PendingSend[]): Promise<void> {
    state.inFlight++
    stats.calls++
    stats.items += batch.length
    const pause = deps.runtime.yieldPoint('before-send')
    if (pause !== undefined) await pause
    const outcomes = await applyAll(one, batch)
    const late = deps.runtime.yieldPoint('reply-received')
    if (late !== undefined) await late
    state.inFlight--
    report(
      one,
      outcomes.some((outcome) => outcome.outcome === 'applied' || outcome.outcome === 'refused'),
      outcomes.every(unanswered),
    )
    for (const [index, send] of batch.entries()) finish(state, send, outcomes[index] as Outcome)
    schedule(one)
  }

  async function applyAll(one: Target, batch: readonly PendingSend[]): Promise<readonly Outcome[]> {
    const stop = new AbortController()
    const timeoutMs = one.connector.spec.callTimeoutMs
    try {
      const outcomes = await one.connector.apply(
        batch.map((send) => send.item),
        { signal: stop.signal, timeoutMs, beforeWrite: () => batch.every((send) => send.guard()) },
      )
      if (outcomes.length === batch.length) return outcomes
      return batch.map(() => ({ outcome: 'unknown', detail: 'the connector did not answer for every item' }))
    } catch (reason) {
      // A connector that throws has broken its promise; whether it sent is not known.
      const detail = reason instanceof Error ? reason.message : 'the connector threw'
      deps.log.warn('connector threw in apply', { instance: one.connector.spec.instance, detail })
      return batch.map(() => ({ outcome: 'unknown', detail }))
    }
  }

  function finish(state: PoolState, send: PendingSend, outcome: Outcome): void {
    giveRoom(state)
    send.done(outcome)
  }

  function giveRoom(state: PoolState): void {
    state.room++
    for (const [site, waiters] of state.waiters) {
      const first = waiters.entries().next()
      state.waiters.delete(site)
      if (first.done) continue
      const [key, ready] = first.value
      waiters.delete(key)
      // The site goes to the end of the round.
      if (waiters.size > 0) state.waiters.set(site, waiters)
      ready()
      return
    }
  }

  function mayStart(one: Target, pool: Pool): boolean {
    const most = one.connector.spec.callsInFlightMax
    const reserved = most > 1 ? Math.max(1, Math.floor(most / 4)) : 0
    const total = one.pools.safety.inFlight + one.pools.rest.inFlight
    if (total >= most) return false
    return pool === 'safety' || one.pools.rest.inFlight < most - reserved
  }

  function takeToken(one: Target): boolean {
    const most = one.connector.spec.callsPerSecondMax
    const now = clock.monoNow()
    one.tokens = Math.min(most, one.tokens + ((now - one.refilledAt) * most) / 1_000)
    one.refilledAt = now
    if (one.tokens < 1) return false
    one.tokens -= 1
    return true
  }

  function report(one: Target, answered: boolean, failed: boolean): void {
    if (answered) one.failures = 0
    else if (failed) {
      one.failures++
      if (one.failures === FAILURES_UNTIL_OPEN) deps.runtime.sometimes('breaker-opened')
      if (one.failures >= FAILURES_UNTIL_OPEN) one.nextProbeAt = clock.monoNow() + PROBE_MS
    }
  }

  function mayCall(one: Target, pool: Pool): boolean {
    if (one.failures < FAILURES_UNTIL_OPEN) return true
    const now = clock.monoNow()
    const due = pool === 'safety' ? one.nextProbeAt - PROBE_MS + SAFETY_PROBE_MS : one.nextProbeAt
    if (now < due) return false
    one.nextProbeAt = now + PROBE_MS
    return true
  }

  return {
    takeRoom: (system, lane) => {
      const one = target(system)
      const pool = poolOf(lane)
      const state = one.pools[pool]
      if (state.room <= 0 || !mayCall(one, pool)) return false
      state.room--
      return true
    },
    giveRoom: (system, lane) => giveRoom(target(system).pools[poolOf(lane)]),
    whenRoom: (system, lane, waiter) => {
      const one = target(system)
      const state = one.pools[poolOf(lane)]
      if (state.room > 0) {
        // Room but an open breaker: come back when the next probe is due.
        clock.setTimer(lane === 'safety' ? SAFETY_PROBE_MS : PROBE_MS, waiter.ready)
        return
      }
      const waiters = state.waiters.get(waiter.site) ?? new Map<string, () => void>()
      waiters.set(waiter.key, waiter.ready)
      state.waiters.set(waiter.site, waiters)
    },
    enqueue: (system, send) => {
      const one = target(system)
      one.pools[poolOf(send.lane)].queue.push(send)
      schedule(one)
    },
    report: (system, answered) => report(target(system), answered, !answered),
    mayCall: (system) => mayCall(target(system), 'rest'),
    stats,
  }
}

function createTarget(connector: Connector, now: number): Target {
  const { spec } = connector
  const batch = Math.max(...spec.resources.map((resource) => resource.applyBatchMax))
  const pool = (): PoolState => {
    const roomMax = spec.callsInFlightMax * batch * ROOM_BATCHES
    return { queue: [], inFlight: 0, room: roomMax, roomMax, waiters: new Map() }
  }
  return {
    connector,
    pools: { safety: pool(), rest: pool() },
    failures: 0,
    nextProbeAt: 0,
    tokens: spec.callsPerSecondMax,
    refilledAt: now,
    flushing: false,
  }
}

function poolOf(lane: Lane): Pool {
  return lane === 'safety' ? 'safety' : 'rest'
}

function unanswered(outcome: Outcome): boolean {
  return outcome.outcome === 'unknown' || (outcome.outcome === 'later' && outcome.class === 'transient')
}
