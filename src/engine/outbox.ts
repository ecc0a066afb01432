/**
 * Sends commands: two pools (safety, and everything else with fair shares per site), batches that never hold two items
 * of one order key, written limits in front of every intent, one probe at a time to a target that does not answer.
 * Must never send twice by itself: every further attempt is an intent of the ledger.
 */
import type { Call, CommandItem, Connector, Outcome } from '../connectors/connector.ts'
import type { Lane } from '../model/envelope.ts'
import { type Breaker, type CallEnd, createBreaker, POOLS, type Pool } from './breaker.ts'
import { withinDeadline } from './deadline.ts'
import type { EngineDeps } from './deps.ts'
import { type Alarm, createAlarm, createRoom, type Room, type Waiter } from './room.ts'

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
  /** Calls `ready` once when there may be room, which may be at once: by lane, then sites in turn. The same `key` waits once. */
  whenRoom(system: string, lane: Lane, waiter: Waiter): void
  enqueue(system: string, send: PendingSend): void
  /** How a read of this system ended; feeds the breaker. */
  report(system: string, call: CallEnd): void
  /** False while the breaker is open and no probe is due. */
  mayCall(system: string): boolean
  /** Forgets who waits; what is enqueued is not sent any more. */
  close(): void
  readonly stats: { calls: number; items: number }
}

const ROOM_BATCHES = 2

interface PoolState {
  readonly queue: PendingSend[]
  inFlight: number
  readonly room: Room
}

interface Target {
  readonly connector: Connector
  readonly pools: Record<Pool, PoolState>
  readonly breaker: Breaker
  tokens: number
  refilledAt: number
  /** Until the next token. */
  readonly throttle: Alarm
  flushing: boolean
}

interface Applied {
  readonly outcomes: readonly Outcome[]
  /** The send guard said no at the socket. */
  readonly stopped: boolean
}

export function createOutbox(deps: EngineDeps): Outbox {
  const { clock } = deps.runtime
  const targets = new Map<string, Target>()
  const stats = { calls: 0, items: 0 }
  for (const [system, connector] of deps.connectors) targets.set(system, createTarget(deps, connector))

  const target = (system: string): Target => targets.get(system) as Target
  let closed = false

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
    if (closed) return
    for (const pool of POOLS) {
      const state = one.pools[pool]
      while (state.queue.length > 0 && mayStart(one, pool)) {
        const batch = takeBatch(one, state)
        if (batch.length === 0) continue
        if (!takeToken(one)) {
          state.queue.unshift(...batch)
          one.throttle.arm(1_000 / one.connector.spec.callsPerSecondMax, () => schedule(one))
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
        finish(one, send, { outcome: 'later', class: 'transient', delayMs: 0, detail: 'not sent: the send guard said no' })
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
    const { outcomes, stopped } = await applyAll(one, batch)
    const late = deps.runtime.yieldPoint('reply-received')
    if (late !== undefined) await late
    state.inFlight--
    const answered = outcomes.some((outcome) => outcome.outcome === 'applied' || outcome.outcome === 'refused')
    // What our own guard stopped says nothing about the target.
    report(one, { answered, failed: !stopped && outcomes.every(unanswered) })
    for (const [index, send] of batch.entries()) finish(one, send, outcomes[index] as Outcome)
    schedule(one)
  }

  async function applyAll(one: Target, batch: readonly PendingSend[]): Promise<Applied> {
    const { instance, callTimeoutMs: timeoutMs } = one.connector.spec
    const call: Omit<Call, 'signal'> = { timeoutMs, beforeWrite: () => batch.every((send) => send.guard()) }
    let stopped = false
    let over = false
    const beforeWrite = (): boolean => {
      // What is written after the deadline would be a second effect of what counts as settled by then.
      stopped = over || !call.beforeWrite()
      return !stopped
    }
    const late = (): readonly Outcome[] => {
      over = true
      deps.log.warn('a connector did not end its call in time', { instance, call: 'apply' })
      return batch.map(() => ({ outcome: 'unknown', detail: 'the connector did not end its call in time' }))
    }
    const items = batch.map((send) => send.item)
    const unknown = (detail: string): Applied => ({ outcomes: batch.map(() => ({ outcome: 'unknown', detail })), stopped })
    try {
      const outcomes = await withinDeadline({ clock, timeoutMs, late }, (signal) =>
        one.connector.apply(items, { ...call, signal, beforeWrite }),
      )
      return outcomes.length === batch.length ? { outcomes, stopped } : unknown('the connector did not answer for every item')
    } catch (reason) {
      // A connector that throws has broken its promise; whether it sent is not known.
      const detail = reason instanceof Error ? reason.message : 'the connector threw'
      deps.log.warn('connector threw in apply', { instance, detail })
      return unknown(detail)
    }
  }

  function finish(one: Target, send: PendingSend, outcome: Outcome): void {
    one.pools[poolOf(send.lane)].room.give()
    send.done(outcome)
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

  function report(one: Target, call: CallEnd): void {
    if (one.breaker.report(call)) for (const pool of POOLS) one.pools[pool].room.offerAll()
  }

  return {
    takeRoom: (system, lane) => {
      const one = target(system)
      const { room } = one.pools[poolOf(lane)]
      if (!room.take()) return false
      if (one.breaker.mayCall(poolOf(lane))) return true
      room.give()
      return false
    },
    giveRoom: (system, lane) => target(system).pools[poolOf(lane)].room.give(),
    whenRoom: (system, lane, waiter) => target(system).pools[poolOf(lane)].room.wait(waiter),
    enqueue: (system, send) => {
      const one = target(system)
      one.pools[poolOf(send.lane)].queue.push(send)
      schedule(one)
    },
    report: (system, call) => report(target(system), call),
    mayCall: (system) => target(system).breaker.mayCall('rest'),
    close: () => {
      closed = true
      for (const { throttle, pools } of targets.values()) {
        throttle.close()
        for (const pool of POOLS) pools[pool].room.close()
      }
    },
    stats,
  }
}

function createTarget(deps: EngineDeps, connector: Connector): Target {
  const { clock } = deps.runtime
  const { spec } = connector
  const batch = Math.max(...spec.resources.map((resource) => resource.applyBatchMax))
  const breaker = createBreaker(deps)
  const places = spec.callsInFlightMax * batch * ROOM_BATCHES
  const pool = (name: Pool): PoolState => ({
    queue: [],
    inFlight: 0,
    room: createRoom({ clock, places, closedFor: () => breaker.untilProbe(name) }),
  })
  return {
    connector,
    pools: { safety: pool('safety'), rest: pool('rest') },
    breaker,
    tokens: spec.callsPerSecondMax,
    refilledAt: clock.monoNow(),
    throttle: createAlarm(clock),
    flushing: false,
  }
}

function poolOf(lane: Lane): Pool {
  return lane === 'safety' ? 'safety' : 'rest'
}

function unanswered(outcome: Outcome): boolean {
  return outcome.outcome === 'unknown' || (outcome.outcome === 'later' && outcome.class === 'transient')
}
