import type { Runtime } from '../runtime.ts'
import type { HubClock } from './deps.ts'

/** A sample of the database's clock that took longer to get says too little about now. */
const ROUND_TRIP_MS_MAX = 500

export interface AdjustableClock extends HubClock {
  /** Asks the database for its time. A slow answer is thrown away: hub time must never run ahead of the database's. */
  adjust(ask: () => Promise<string>): Promise<void>
  /**
   * Hub time is not before this any more (RFC 3339): what a partition's journal says was written by a clock that was
   * ahead. Time goes on from there at the same pace until the database has caught up; it never stands still.
   */
  notBefore(at: string): void
}

/** Hub time, carried on from the database's time by the monotonic clock. Never goes back. */
export function createHubClock(runtime: Runtime): AdjustableClock {
  let offset: number | null = null
  let offsetMin = Number.NEGATIVE_INFINITY
  let newest = 0
  let text = ''
  const ms = (): number => {
    const now = Math.floor(runtime.clock.monoNow() + Math.max(offset ?? 0, offsetMin))
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
    notBefore: (at) => {
      const behindMs = Date.parse(at) - ms()
      if (behindMs > 0) offsetMin = Date.parse(at) - runtime.clock.monoNow()
    },
    adjust: async (ask) => {
      const asked = runtime.clock.monoNow()
      const databaseNow = Date.parse(await ask())
      const answered = runtime.clock.monoNow()
      // The database looked at its clock somewhere in between; from the answer on, this is never ahead of it.
      if (offset === null || answered - asked <= ROUND_TRIP_MS_MAX) offset = databaseNow - answered
    },
  }
}
