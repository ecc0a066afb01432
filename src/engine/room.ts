import type { Clock } from '../runtime.ts'

/** Who was told of a place has taken it by then, or will not: it is offered to the next. */
const OFFER_MS = 50

export interface Waiter {
  readonly key: string
  readonly site: string
  readonly ready: () => void
}

/** A bounded number of places, and those who wait for one, sites in turn. */
export interface Room {
  /** False: none is free. */
  take(): boolean
  give(): void
  /** Calls `ready` once when there may be a place, which may be at once. The same `key` of a site waits once. */
  wait(waiter: Waiter): void
  /** Wakes as many as there are places. */
  offerAll(): void
  close(): void
}

export interface RoomParts {
  readonly clock: Clock
  readonly places: number
  /** Milliseconds until a place is of use; 0: now. */
  readonly closedFor: () => number
}

export function createRoom({ clock, places, closedFor }: RoomParts): Room {
  let free = places
  const waiters = new Map<string, Map<string, () => void>>()
  const next = createAlarm(clock)

  /** What those who are woken leave, because they want it no longer, is offered to others. */
  function offer(most: number): void {
    const waitMs = closedFor()
    for (let woken = 0; woken < most && waitMs === 0 && free > 0 && waiters.size > 0; woken++) wakeNext()
    if (free > 0 && waiters.size > 0) next.arm(Math.max(waitMs, OFFER_MS), () => offer(waitMs === 0 ? free : 1))
  }

  function wakeNext(): void {
    for (const [site, ofSite] of waiters) {
      const first = ofSite.entries().next()
      waiters.delete(site)
      if (first.done) continue
      const [key, ready] = first.value
      ofSite.delete(key)
      // The site goes to the end of the round.
      if (ofSite.size > 0) waiters.set(site, ofSite)
      ready()
      return
    }
  }

  return {
    take: () => {
      if (free <= 0) return false
      free--
      return true
    },
    give: () => {
      free++
      offer(1)
    },
    wait: ({ key, site, ready }) => {
      const ofSite = waiters.get(site) ?? new Map<string, () => void>()
      ofSite.set(key, ready)
      waiters.set(site, ofSite)
      // A place may have come free since it was asked for.
      offer(1)
    },
    offerAll: () => offer(free),
    close: () => next.close(),
  }
}

/** At most one timer: of two the earlier stands. */
export interface Alarm {
  arm(ms: number, fire: () => void): void
  close(): void
}

export function createAlarm(clock: Clock): Alarm {
  let at = Number.POSITIVE_INFINITY
  let cancel = (): void => undefined
  return {
    arm: (ms, fire) => {
      const due = clock.monoNow() + ms
      if (due >= at) return
      cancel()
      at = due
      cancel = clock.setTimer(ms, () => {
        at = Number.POSITIVE_INFINITY
        fire()
      })
    },
    close: () => {
      at = Number.NEGATIVE_INFINITY
      cancel()
    },
  }
}
