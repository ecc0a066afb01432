import { assert } from '../assert.ts'
import type { Clock, Runtime, YieldLabel } from '../runtime.ts'
import type { RandomStream } from './random-stream.ts'
import type { Life, Scheduler } from './scheduler.ts'
import type { Wire } from './simulated-wire.ts'
import { createUuidV7 } from './uuid-v7.ts'

export interface LifeDeps {
  readonly scheduler: Scheduler
  readonly wire: Wire
  readonly hash: (text: string) => string
  readonly wallNow: () => number
  /** Where this life's monotonic clock starts. No two lives agree, so nobody can compare them by mistake. */
  readonly monoStart: number
  /** Randomness and ids of this life. */
  readonly data: RandomStream
  readonly yieldPoint: (label: YieldLabel) => Promise<void> | undefined
  readonly sometimes: (label: string) => void
}

/** Timers of Node are never shorter; and a loop over `sleep(0)` must not stop time. */
const TIMER_MS_MIN = 1

/** The runtime of one life. After its death every call is without effect and every promise stays open. */
export function createSimulatedRuntime(deps: LifeDeps, life: Life): Runtime {
  const random32 = (): number => Math.floor(deps.data.next() * 0x1_0000_0000)
  return {
    clock: createClock(deps, life),
    ids: { uuid: createUuidV7({ wallNow: deps.wallNow, random32 }) },
    random: { next: () => deps.data.next() },
    hash: deps.hash,
    net: {
      request: (call) => (life.dead ? never() : deps.wire.request(life, call)),
      listen: async (options, handler) => (life.dead ? never() : deps.wire.listen(life, options, handler)),
    },
    yieldPoint: (label) => (life.dead ? never() : deps.yieldPoint(label)),
    sometimes: (label) => {
      if (!life.dead) deps.sometimes(label)
    },
  }
}

function createClock({ scheduler, wallNow, monoStart }: LifeDeps, life: Life): Clock {
  const setTimer = (kind: string, ms: number, fire: () => void): (() => void) => {
    assert(!Number.isNaN(ms), 'a timer needs a number of milliseconds')
    const step = scheduler.push({ afterMs: Math.max(TIMER_MS_MIN, ms), life, kind, run: fire })
    return () => scheduler.cancel(step)
  }
  return {
    wallNow,
    monoNow: () => monoStart + scheduler.now(),
    setTimer: (ms, fire) => setTimer('timer', ms, fire),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = (): void => {
          cancel()
          if (!life.dead) reject(signal?.reason)
        }
        const cancel = setTimer('sleep', ms, () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
        signal?.addEventListener('abort', onAbort)
      }),
  }
}

/** What a dead process is waiting for. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}
