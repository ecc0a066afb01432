import type { Clock } from '../../runtime.ts'

/** A limit per fixed window. Beyond `delayFrom` calls answers come late, beyond `refuseFrom` they are refusals. */
export interface ThrottleSettings {
  readonly windowMs: number
  readonly delayFrom: number
  readonly refuseFrom: number
  readonly delayMs: number
}

export interface Verdict {
  readonly refused: boolean
  readonly delayMs: number
  /** Calls of the window that will not be delayed. */
  readonly remaining: number
  readonly limit: number
  readonly windowEndsInMs: number
}

export interface Throttle {
  set(change: Partial<ThrottleSettings>): void
  take(): Verdict
}

export function createThrottle(deps: { readonly clock: Clock }, initial: ThrottleSettings): Throttle {
  let settings = initial
  let window = Number.NEGATIVE_INFINITY
  let calls = 0
  return {
    set: (change) => {
      settings = { ...settings, ...change }
    },
    take: () => {
      const now = deps.clock.monoNow()
      const current = Math.floor(now / settings.windowMs)
      if (current !== window) calls = 0
      window = current
      calls += 1
      return {
        refused: calls > settings.refuseFrom,
        delayMs: calls > settings.delayFrom ? settings.delayMs : 0,
        remaining: Math.max(0, settings.delayFrom - calls),
        limit: settings.delayFrom,
        windowEndsInMs: (current + 1) * settings.windowMs - now,
      }
    },
  }
}
