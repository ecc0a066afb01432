import { assert } from '../assert.ts'
import type { YieldLabel } from '../runtime.ts'
import { type FaultEvent, type FaultPlan, type FaultRates, HOT_LABELS, type RequestFault } from './faults.ts'
import type { RandomStream } from './random-stream.ts'

type PointFault = Extract<FaultEvent, { point: number }>
type RequestEvent = Extract<FaultEvent, { kind: 'request' }>

/** Decides what goes wrong where, from the plan and the dice, and keeps what it decided as a plan. */
export interface FaultSource {
  atPoint(point: number, label: YieldLabel): PointFault | null
  ofRequest(request: number): { readonly fault: RequestFault | null; readonly slowMs: number }
  /** A fault somebody else brought about. */
  record(event: FaultEvent): void
  readonly taken: readonly FaultEvent[]
  /** Nothing goes wrong any more. */
  stop(): void
  stopped(): boolean
}

const HOT_FACTOR = 10
const RESTART_MS_MAX = 5_000
const PAUSE_MS_MAX = 60_000
const SLOW_MS_MAX = 60_000
const REQUEST_FAULTS: readonly RequestFault[] = ['refuse', 'loseRequest', 'loseReply', 'duplicate', 'reset', 'halfOpen', 'slow']

export function createFaultSource(plan: FaultPlan, random: RandomStream): FaultSource {
  const points = new Map<number, PointFault>()
  const requests = new Map<number, RequestEvent>()
  for (const event of plan.events ?? []) {
    if ('point' in event) {
      assert(!points.has(event.point), `two faults at yield point ${event.point}`)
      points.set(event.point, event)
    } else if (event.kind === 'request') {
      assert(!requests.has(event.request), `two faults for request ${event.request}`)
      requests.set(event.request, event)
    }
  }
  const taken: FaultEvent[] = []
  const keep = <E extends FaultEvent>(event: E): E => {
    taken.push(event)
    return event
  }
  let rates = plan.random ?? null
  let stopped = false
  return {
    taken,
    record: (event) => void keep(event),
    stopped: () => stopped,
    stop: () => {
      stopped = true
      rates = null
    },
    atPoint(point, label) {
      if (stopped) return null
      const event = (rates === null ? null : drawPoint(rates, random, { point, label })) ?? points.get(point)
      return event === undefined ? null : keep(event)
    },
    ofRequest(request) {
      if (stopped) return { fault: null, slowMs: 0 }
      const event = (rates === null ? null : drawRequestFault(rates, random, request)) ?? requests.get(request)
      if (event === undefined) return { fault: null, slowMs: 0 }
      keep(event)
      return { fault: event.fault, slowMs: event.ms ?? SLOW_MS_MAX }
    },
  }
}

/** Always two draws, so that what happens at one point does not shift the next. */
function drawPoint(rates: FaultRates, random: RandomStream, { point, label }: { point: number; label: YieldLabel }): PointFault | null {
  const dice = random.next()
  const length = random.next()
  const factor = HOT_LABELS.has(label) ? HOT_FACTOR : 1
  const crash = (rates.crash ?? 0) * factor
  const pause = (rates.pause ?? 0) * factor
  if (dice < crash) return { kind: 'crash', point, restartAfterMs: Math.ceil(length * (rates.restartAfterMsMax ?? RESTART_MS_MAX)) }
  if (dice < crash + pause) return { kind: 'pause', point, ms: skewedMs(length, rates.pauseMsMax ?? PAUSE_MS_MAX) }
  return null
}

function drawRequestFault(rates: FaultRates, random: RandomStream, request: number): RequestEvent | null {
  let dice = random.next()
  const length = random.next()
  for (const fault of REQUEST_FAULTS) {
    dice -= rates.requests?.[fault] ?? 0
    if (dice < 0) return { kind: 'request', request, fault, ms: skewedMs(length, rates.slowMsMax ?? SLOW_MS_MAX) }
  }
  return null
}

/** Between 1 ms and the maximum, evenly over the orders of magnitude: short delays and long ones both occur. */
function skewedMs(uniform: number, max: number): number {
  return Math.ceil(max ** uniform)
}
