/**
 * Sends commands: two pools (safety, and everything else with fair shares per site), batches that never hold two items
 * of one order key, room in front of every intent, one probe at a time to a target that does not answer.
 * Must never send twice by itself: every further attempt is an intent of the ledger.
 */
import type { Call, CommandItem, Connector, Outcome } from '../connectors/connector.ts'
import type { Lane } from '../model/envelope.ts'
import { type Breaker, type CallEnd, createBreaker, POOLS, type Pool, poolOf } from './breaker.ts'
import { withinDeadline } from './deadline.ts'
import type { EngineDeps } from './deps.ts'
import type { Limiter, Limiters } from './limiter.ts'
import { checkedOutcome } from './observed.ts'
import { createRoom, type Room, type Waiter } from './room.ts'

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
  readonly room: Room
}

interface Target {
  readonly connector: Connector
  readonly pools: Record<Pool, PoolState>
  readonly breaker: Breaker
  readonly limiter: Limiter
  flushing: boolean
}

interface Applied {
  readonly outcomes: readonly Outcome[]
  /** The send guard said no at the socket. */
  readonly stopped: boolean
}

export function createOutbox(deps: EngineDeps, limiters: Limiters): Outbox {
  const { clock } = deps.runtime
  const targets = new Map<string, Target>()
  const stats = { calls: 0, items: 0 }
  for (const [system, connector] of deps.connectors) targets.set(system, createTarget(deps, connector, limiters.get(system) as Limiter))

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
    const { limiter, pools } = one
    for (const pool of POOLS) {
      while (!closed && pools[pool].queue.length > 0) {
        if (limiter.take(pool)) start(one, pool)
        else {
          limiter.wait(pool, 'sends', () => {
            start(one, pool)
            flush(one)
          })
          break
        }
      }
    }
  }

  /** In a place that is taken. */
  function start(one: Target, pool: Pool): void {
    const batch = takeBatch(one, one.pools[pool])
    if (batch.length === 0) one.limiter.giveUnused(pool)
    else void dispatch(one, pool, batch)
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
      const no = refusalOf(send)
      if (no !== null) {
        finish(one, send, no)
        continue
      }
      orderKeys.add(send.orderKey)
      batch.push(send)
    }
    state.queue.splice(0, state.queue.length, ...rest)
    return batch
  }

  /** Why it is not sent; null: it may be. A guard that throws has not said yes. */
  function refusalOf(send: PendingSend): Outcome | null {
    try {
      if (send.guard()) return null
      return { outcome: 'later', class: 'transient', delayMs: 0, detail: 'not sent: the send guard said no' }
    } catch (reason) {
      const detail = `not sent: the send guard threw: ${reason instanceof Error ? reason.message : String(reason)}`
      deps.log.warn('a send guard threw', { subject: send.item.subject, detail })
      return { outcome: 'later', class: 'unknown', delayMs: null, detail }
    }
  }

  async function dispatch(one: Target, pool: Pool, batch: readonly PendingSend[]): Promise<void> {
    stats.calls++
    stats.items += batch.length
    const pause = deps.runtime.yieldPoint('before-send')
    if (pause !== undefined) await pause
    const { outcomes, stopped } = await applyAll(one, batch)
    const late = deps.runtime.yieldPoint('reply-received')
    if (late !== undefined) await late
    const answered = outcomes.some((outcome) => outcome.outcome === 'applied' || outcome.outcome === 'refused')
    // What our own guard stopped says nothing about the target.
    report(one, { answered, failed: !stopped && outcomes.every(unanswered) })
    for (const [index, send] of batch.entries()) finish(one, send, outcomes[index] as Outcome)
    one.limiter.give(pool)
  }

  async function applyAll(one: Target, batch: readonly PendingSend[]): Promise<Applied> {
    const { instance, callTimeoutMs: timeoutMs } = one.connector.spec
    const call: Omit<Call, 'signal'> = { timeoutMs, beforeWrite: () => batch.every((send) => refusalOf(send) === null) }
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
      if (outcomes.length !== batch.length) return unknown('the connector did not answer for every item')
      return { outcomes: outcomes.map((outcome) => checkedOutcome(deps, outcome, instance)), stopped }
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
      for (const { pools } of targets.values()) for (const pool of POOLS) pools[pool].room.close()
    },
    stats,
  }
}

function createTarget(deps: EngineDeps, connector: Connector, limiter: Limiter): Target {
  const { clock } = deps.runtime
  const { spec } = connector
  const batch = Math.max(...spec.resources.map((resource) => resource.applyBatchMax))
  const breaker = createBreaker(deps)
  const places = spec.callsInFlightMax * batch * ROOM_BATCHES
  const pool = (name: Pool): PoolState => ({
    queue: [],
    room: createRoom({ clock, places, closedFor: () => breaker.untilProbe(name) }),
  })
  return {
    connector,
    pools: { safety: pool('safety'), rest: pool('rest') },
    breaker,
    limiter,
    flushing: false,
  }
}

function unanswered(outcome: Outcome): boolean {
  return outcome.outcome === 'unknown' || (outcome.outcome === 'later' && outcome.class === 'transient')
}
