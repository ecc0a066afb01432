import type { Runtime } from '../runtime.ts'
import type { HubClock } from './deps.ts'

/** Hub time, set by `adjust` from the database's time at a moment of the monotonic clock. Never goes back. */
export function createHubClock(runtime: Runtime): HubClock & { adjust(databaseNow: string, monoNow: number): void } {
  let offset = runtime.clock.wallNow() - runtime.clock.monoNow()
  let newest = 0
  let text = ''
  const ms = (): number => {
    const now = Math.floor(runtime.clock.monoNow() + offset)
    if (now > newest) {
      newest = now
      text = ''
    }
    return newest
  }
  return {
    ms,
    iso: () => {
      ms()
      if (text === '') text = new Date(newest).toISOString()
      return text
    },
    adjust: (databaseNow, monoNow) => {
      offset = Date.parse(databaseNow) - monoNow
    },
  }
}
