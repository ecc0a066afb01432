import { assert } from '../assert.ts'
import type { RandomStream } from './random-stream.ts'

/** One life of a simulated process, from boot to crash. What a dead life still had to do or to hear is dropped. */
export interface Life {
  readonly node: string
  readonly epoch: number
  dead: boolean
  /** Virtual time before which no step of this life runs. */
  pausedUntil: number
  /** Undone at the crash: subscriptions, open exchanges. */
  readonly cleanups: (() => void)[]
}

export interface StepInput {
  readonly afterMs: number
  /** Null: nobody's, survives every crash. */
  readonly life: Life | null
  /** For the trace: what happens, in few distinct words. */
  readonly kind: string
  readonly run: () => void
}

export interface Step {
  time: number
  tie: number
  readonly order: number
  readonly life: Life | null
  readonly kind: string
  /** Null once run or cancelled. */
  run: (() => void) | null
}

/**
 * Steps by (virtual time, drawn tie-break, counter). The tie-break makes the order of simultaneous steps a matter of
 * the seed; the counter makes the order total.
 */
export interface Scheduler {
  now(): number
  push(input: StepInput): Step
  cancel(step: Step): void
  /** Takes the next step that is due by `untilMs` and may run, and sets the clock to it. */
  next(untilMs: number): Step | null
  /** Steps in the heap, with a bounded share of cancelled and dead ones; 0 once `next` has found nothing left. */
  size(): number
  /** Moves the clock forward over time in which nothing happens. */
  advance(toMs: number): void
}

/** Cancelled steps stay in the heap; beyond this many, and half of all, they are swept out. */
const CANCELLED_MAX = 1024

export function createScheduler(ties: RandomStream): Scheduler {
  let heap: Step[] = []
  let now = 0
  let order = 0
  let cancelled = 0

  const sweep = (): void => {
    heap = heap.filter((step) => step.run !== null)
    for (let i = (heap.length >> 1) - 1; i >= 0; i--) siftDown(heap, i)
    cancelled = 0
  }

  return {
    now: () => now,
    push({ afterMs, life, kind, run }) {
      assert(afterMs >= 0, `a step in the past: ${kind} after ${afterMs} ms`)
      const step: Step = { time: toMicros(now + afterMs), tie: ties.next(), order: order++, life, kind, run }
      heap.push(step)
      siftUp(heap, heap.length - 1)
      return step
    },
    cancel(step) {
      if (step.run === null) return
      step.run = null
      cancelled += 1
      if (cancelled > CANCELLED_MAX && cancelled > heap.length >> 1) sweep()
    },
    next(untilMs) {
      for (;;) {
        const step = heap[0]
        if (step === undefined) return null
        const { life } = step
        if (step.run === null || life?.dead) {
          if (step.run === null) cancelled -= 1
          pop(heap)
        } else if (step.time > untilMs) {
          return null
        } else if (life !== null && life.pausedUntil > step.time) {
          // The order among steps put back is drawn anew: a woken process finds timers and sockets ready in no set order.
          step.time = life.pausedUntil
          step.tie = ties.next()
          siftDown(heap, 0)
        } else {
          pop(heap)
          now = Math.max(now, step.time)
          return step
        }
      }
    },
    size: () => heap.length,
    advance(toMs) {
      now = Math.max(now, toMs)
    },
  }
}

/** Whole microseconds, so that a last bit of floating point never decides an order. */
function toMicros(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function before(a: Step, b: Step): boolean {
  if (a.time !== b.time) return a.time < b.time
  if (a.tie !== b.tie) return a.tie < b.tie
  return a.order < b.order
}

function siftUp(heap: Step[], from: number): void {
  let i = from
  const step = heap[i] as Step
  while (i > 0) {
    const up = (i - 1) >> 1
    const parent = heap[up] as Step
    if (before(parent, step)) break
    heap[i] = parent
    i = up
  }
  heap[i] = step
}

function siftDown(heap: Step[], from: number): void {
  let i = from
  const step = heap[i] as Step
  for (;;) {
    let down = 2 * i + 1
    if (down >= heap.length) break
    if (down + 1 < heap.length && before(heap[down + 1] as Step, heap[down] as Step)) down += 1
    const child = heap[down] as Step
    if (before(step, child)) break
    heap[i] = child
    i = down
  }
  heap[i] = step
}

function pop(heap: Step[]): void {
  const last = heap.pop() as Step
  if (heap.length === 0) return
  heap[0] = last
  siftDown(heap, 0)
}
