import type { Lane } from '../model/envelope.ts'
import type { EngineDeps } from './deps.ts'

export type Pool = 'safety' | 'rest'
/** Most urgent first. */
export const POOLS: readonly Pool[] = ['safety', 'rest']

export function poolOf(lane: Lane): Pool {
  return lane === 'safety' ? 'safety' : 'rest'
}

const FAILURES_UNTIL_OPEN = 5
/** Safety goes on probing a dead target faster: a hold must not wait for the next regular probe. */
const SAFETY_PROBE_MS = 1_000

/** What a call says of its target. Neither answered nor failed says nothing: our own limit, or the target's. */
export interface CallEnd {
  readonly answered: boolean
  readonly failed: boolean
}

/** Keeps calls from a target that does not answer, but for one probe at a time. */
export interface Breaker {
  isOpen(): boolean
  /** Milliseconds until a call may start; 0: now. */
  untilProbe(pool: Pool): number
  /** False while it is open and no probe is due; true takes the probe. */
  mayCall(pool: Pool): boolean
  /** True: it has just closed. */
  report(call: CallEnd): boolean
}

export function createBreaker({ runtime, settings }: Pick<EngineDeps, 'runtime' | 'settings'>): Breaker {
  const { clock, sometimes } = runtime
  const { probeIntervalMs } = settings
  const safetySoonerMs = Math.max(0, probeIntervalMs - SAFETY_PROBE_MS)
  let failures = 0
  let nextProbeAt = 0
  const isOpen = (): boolean => failures >= FAILURES_UNTIL_OPEN
  const untilProbe = (pool: Pool): number => {
    if (!isOpen()) return 0
    const due = pool === 'safety' ? nextProbeAt - safetySoonerMs : nextProbeAt
    return Math.max(0, due - clock.monoNow())
  }
  return {
    isOpen,
    untilProbe,
    mayCall: (pool) => {
      if (untilProbe(pool) > 0) return false
      if (isOpen()) nextProbeAt = clock.monoNow() + probeIntervalMs
      return true
    },
    report: ({ answered, failed }) => {
      const wasOpen = isOpen()
      if (answered) failures = 0
      else if (failed) {
        failures++
        if (failures === FAILURES_UNTIL_OPEN) sometimes('breaker-opened')
        if (isOpen()) nextProbeAt = clock.monoNow() + probeIntervalMs
      }
      return wasOpen && !isOpen()
    },
  }
}
