/**
 * Reads targets in bulk: wishes for the same resource gather for a moment and travel in one request, each answered to
 * everybody who wished for it; what a hold waits for goes first. An observation is dated by the hub, before the first
 * byte of its request.
 */
import type { Connector, ReadResult } from '../connectors/connector.ts'
import type { ErrorClass } from '../errors.ts'
import type { Lane } from '../model/envelope.ts'
import type { Observation } from '../model/observation.ts'
import { type CallEnd, type Pool, poolOf } from './breaker.ts'
import { withinDeadline } from './deadline.ts'
import type { EngineDeps, HubClock } from './deps.ts'
import type { Limiter, Limiters } from './limiter.ts'
import { checkedResult } from './observed.ts'

export interface Wish {
  readonly system: string
  readonly resource: string
  readonly subject: string
  /** Of the goal that asks. What several wish for is as urgent as the most urgent of them. */
  readonly lane: Lane
  /** Hub time; an older observation does not serve. */
  readonly notBefore: string
  /** Who wishes; one wish of a wisher for a subject replaces the other. */
  readonly wisher: string
  readonly serve: (observation: Observation) => void
  /** Told of every try that came to nothing; the wish stands, and is tried again. */
  readonly failed: (failure: ReadFailure) => void
}

export interface ReadFailure {
  readonly class: ErrorClass
  readonly detail: string
  /** Hub time in milliseconds: since when nobody has seen the subject, and when it is tried again. */
  readonly sinceMs: number
  readonly againMs: number
}

export interface Reader {
  wish(wish: Wish): void
  readonly stats: { calls: number; items: number }
  /** Forgets every wish; what is being read is answered to nobody. */
  close(): void
}

export interface ReaderParts {
  readonly clock: HubClock
  readonly limiters: Limiters
  readonly mayCall: (system: string) => boolean
  readonly report: (system: string, call: CallEnd) => void
}

const BREAKER_LOOK_MS = 1_000
const HELD_BACK = 'the system does not answer, so only a probe is tried now and then'

interface Wanted {
  notBeforeMs: number
  pool: Pool
  readonly wishers: Map<string, Wish>
  tried: Tried
}

/** What has come to nothing since the last success. */
interface Tried {
  readonly failures: number
  readonly sinceMs: number
}

const UNTRIED: Tried = { failures: 0, sinceMs: Number.POSITIVE_INFINITY }

interface Desk {
  readonly connector: Connector
  readonly limiter: Limiter
  readonly resource: string
  readonly batchMax: number
  /** By subject, oldest wish first. */
  readonly wanted: Map<string, Wanted>
  readonly reading: Map<string, { readonly beganMs: number; readonly wanted: Wanted }>
  wakeAt: number
  cancel: () => void
}

/** One batch of what may be read now, holds first. */
interface Due {
  readonly subjects: readonly string[]
  readonly pool: Pool
  /** When the next wish is due. */
  readonly nextMs: number
}

export function createReader(deps: EngineDeps, parts: ReaderParts): Reader {
  const desks = new Map<string, Desk>()
  const stats = { calls: 0, items: 0 }
  let closed = false

  function deskOf(system: string, resource: string): Desk {
    const key = `${system}|${resource}`
    const known = desks.get(key)
    if (known !== undefined) return known
    const connector = deps.connectors.get(system) as Connector
    const spec = connector.spec.resources.find((one) => one.resource === resource)
    const desk: Desk = {
      connector,
      limiter: parts.limiters.get(system) as Limiter,
      resource,
      batchMax: spec?.readBatchMax ?? 1,
      wanted: new Map(),
      reading: new Map(),
      wakeAt: Number.POSITIVE_INFINITY,
      cancel: () => undefined,
    }
    desks.set(key, desk)
    return desk
  }

  function wakeIn(desk: Desk, delayMs: number): void {
    const at = parts.clock.ms() + delayMs
    if (at >= desk.wakeAt) return
    desk.cancel()
    desk.wakeAt = at
    desk.cancel = deps.runtime.clock.setTimer(Math.max(0, delayMs), () => {
      desk.wakeAt = Number.POSITIVE_INFINITY
      flush(desk)
    })
  }

  function flush(desk: Desk): void {
    let due = dueOf(desk, parts.clock.ms())
    while (due.subjects.length > 0 && desk.limiter.take(due.pool)) {
      if (!start(desk, due)) return
      due = dueOf(desk, parts.clock.ms())
    }
    if (due.nextMs !== Number.POSITIVE_INFINITY) wakeIn(desk, due.nextMs - parts.clock.ms())
    if (due.subjects.length > 0) waitForPlace(desk, due.pool)
  }

  function waitForPlace(desk: Desk, pool: Pool): void {
    desk.limiter.wait(pool, desk.resource, () => {
      const due = dueOf(desk, parts.clock.ms())
      // What waited may have travelled with the read of a hold.
      if (due.subjects.length === 0) desk.limiter.giveUnused(pool)
      else if (start(desk, { ...due, pool })) flush(desk)
    })
  }

  /** In a place that is taken. False: the breaker says no. */
  function start(desk: Desk, due: Due): boolean {
    if (parts.mayCall(desk.connector.spec.instance)) {
      void read(desk, due)
      return true
    }
    holdBack(desk, parts.clock.ms())
    wakeIn(desk, BREAKER_LOOK_MS)
    desk.limiter.giveUnused(due.pool)
    return false
  }

  /** While the breaker is open only probes are tried: who waits behind them waits as if its own read had failed. */
  function holdBack(desk: Desk, nowMs: number): void {
    const againMs = nowMs + BREAKER_LOOK_MS
    for (const wanted of desk.wanted.values()) {
      if (wanted.notBeforeMs > nowMs) continue
      const { failures, sinceMs } = wanted.tried
      wanted.tried = { failures, sinceMs: Math.min(sinceMs, nowMs) }
      const failure = { class: 'transient', detail: HELD_BACK, sinceMs: wanted.tried.sinceMs, againMs } as const
      for (const wish of wanted.wishers.values()) wish.failed(failure)
    }
  }

  async function read(desk: Desk, { subjects, pool }: Due): Promise<void> {
    stats.calls++
    stats.items += subjects.length
    const wanted = new Map<string, Wanted>()
    for (const subject of subjects) {
      wanted.set(subject, desk.wanted.get(subject) as Wanted)
      desk.wanted.delete(subject)
    }
    const pause = deps.runtime.yieldPoint('before-read')
    if (pause !== undefined) await pause
    const beganMs = parts.clock.ms()
    const beganAt = new Date(beganMs).toISOString()
    for (const subject of subjects) desk.reading.set(subject, { beganMs, wanted: wanted.get(subject) as Wanted })
    const results = await readAll(desk, subjects)
    const late = deps.runtime.yieldPoint('read-received')
    if (late !== undefined) await late
    const endedAt = parts.clock.iso()
    parts.report(desk.connector.spec.instance, endOf(results))
    subjects.forEach((subject, index) => {
      desk.reading.delete(subject)
      answer(desk, wanted.get(subject) as Wanted, { result: results[index] as ReadResult, beganAt, endedAt })
    })
    desk.limiter.give(pool)
    flush(desk)
  }

  function answer(
    desk: Desk,
    wanted: Wanted,
    answered: { readonly result: ReadResult; readonly beganAt: string; readonly endedAt: string },
  ): void {
    const { result, beganAt, endedAt } = answered
    if (closed) return
    if (result.read === 'failed') {
      const failures = wanted.tried.failures + 1
      const delayMs = result.delayMs ?? Math.min(30_000, deps.settings.retryBaseMs * 2 ** Math.min(failures - 1, 8))
      const againMs = parts.clock.ms() + delayMs
      const tried = { failures, sinceMs: Math.min(wanted.tried.sinceMs, Date.parse(beganAt)) }
      for (const wish of wanted.wishers.values()) {
        add(desk, { ...wish, notBefore: new Date(againMs).toISOString() }, tried)
        wish.failed({ class: result.class, detail: result.detail, sinceMs: tried.sinceMs, againMs })
      }
      return
    }
    const observation: Observation = { ...result.observation, beganAt, endedAt, source: 'read' }
    for (const wish of wanted.wishers.values()) {
      // The wish may have been raised above what this read can serve while the read was on its way.
      if (wish.notBefore > beganAt) add(desk, wish, UNTRIED)
      else wish.serve(observation)
    }
  }

  async function readAll(desk: Desk, subjects: readonly string[]): Promise<readonly ReadResult[]> {
    const { instance, callTimeoutMs: timeoutMs } = desk.connector.spec
    const late = (): readonly ReadResult[] => {
      deps.log.warn('a connector did not end its call in time', { instance, call: 'read' })
      return subjects.map(() => ({
        read: 'failed',
        class: 'transient',
        delayMs: null,
        detail: 'the connector did not end its call in time',
      }))
    }
    try {
      const results = await withinDeadline({ clock: deps.runtime.clock, timeoutMs, late }, (signal) =>
        desk.connector.read(desk.resource, subjects, { signal, timeoutMs, beforeWrite: () => !signal.aborted }),
      )
      if (results.length === subjects.length) return results.map((result) => checkedResult(deps, result))
      return subjects.map(() => ({
        read: 'failed',
        class: 'contract',
        delayMs: null,
        detail: 'the connector did not answer for every subject',
      }))
    } catch (reason) {
      const detail = reason instanceof Error ? reason.message : 'the connector threw'
      deps.log.warn('connector threw in read', { instance, detail })
      return subjects.map(() => ({ read: 'failed', class: 'unknown', delayMs: null, detail }))
    }
  }

  function add(desk: Desk, wish: Wish, tried: Tried): void {
    const notBeforeMs = Date.parse(wish.notBefore)
    const pool = poolOf(wish.lane)
    const wanted = desk.wanted.get(wish.subject)
    // The earliest wish decides when to read; later ones that this read cannot serve are wished again.
    if (wanted === undefined) desk.wanted.set(wish.subject, { notBeforeMs, pool, wishers: new Map([[wish.wisher, wish]]), tried })
    else {
      if (tried.failures > wanted.tried.failures) wanted.tried = tried
      if (pool === 'safety') wanted.pool = pool
      wanted.notBeforeMs = Math.min(wanted.notBeforeMs, notBeforeMs)
      wanted.wishers.set(wish.wisher, wish)
    }
    wakeIn(desk, Math.max(deps.settings.readLingerMs, notBeforeMs - parts.clock.ms()))
  }

  return {
    close: () => {
      closed = true
      for (const desk of desks.values()) {
        desk.cancel()
        desk.wanted.clear()
      }
    },
    wish: (wish) => {
      if (closed) return
      const desk = deskOf(wish.system, wish.resource)
      const reading = desk.reading.get(wish.subject)
      if (reading !== undefined && reading.beganMs >= Date.parse(wish.notBefore)) reading.wanted.wishers.set(wish.wisher, wish)
      else add(desk, wish, UNTRIED)
    },
    stats,
  }
}

function dueOf({ wanted, reading, batchMax }: Desk, now: number): Due {
  const due: Record<Pool, string[]> = { safety: [], rest: [] }
  let nextMs = Number.POSITIVE_INFINITY
  for (const [subject, { notBeforeMs, pool }] of wanted) {
    if (reading.has(subject)) continue
    if (notBeforeMs > now) nextMs = Math.min(nextMs, notBeforeMs)
    else if (due[pool].length < batchMax) due[pool].push(subject)
  }
  const subjects = [...due.safety, ...due.rest].slice(0, batchMax)
  return { subjects, pool: due.safety.length > 0 ? 'safety' : 'rest', nextMs }
}

/** Classes that say nobody answered. Of the others the target has answered, whatever we can make of it. */
const UNANSWERED: ReadonlySet<ErrorClass> = new Set(['transient', 'unknown'])

function endOf(results: readonly ReadResult[]): CallEnd {
  const answered = results.some((result) => result.read === 'observed' || (result.class !== 'rateLimit' && !UNANSWERED.has(result.class)))
  return { answered, failed: results.every((result) => result.read === 'failed' && UNANSWERED.has(result.class)) }
}
