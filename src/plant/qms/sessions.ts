import type { Runtime } from '../../runtime.ts'
import type { User } from './types.ts'

export interface SessionSettings {
  /** A session ends when it has not been used for so long. */
  readonly idleMs: number
  /** A session ends at this age, however much it is used. */
  readonly absoluteMs: number
  /** Share of calls before which the caller's session ends. */
  readonly endShare: number
  /** Share of bulk writes in the middle of which the caller's session ends. */
  readonly endMidBatchShare: number
}

export const SESSION_DEFAULTS: SessionSettings = { idleMs: 20 * 60_000, absoluteMs: 48 * 3_600_000, endShare: 0, endMidBatchShare: 0 }

/** Sessions live in memory: after a restart everybody logs in again. */
export interface Sessions {
  set(change: Partial<SessionSettings>): void
  /** The session id; null: wrong name or password. */
  open(name: string, password: string): string | null
  /** Whose session it is. Using it keeps it from idling out. Null: unknown or ended. */
  use(id: string | null): User | null
  /** True when the session ends in the middle of the bulk write that is now to be done. */
  endsMidBatch(id: string): boolean
  endAll(): void
  /** Every session ends after so many more authorised calls. */
  endAfterCalls(calls: number): void
  /** The next bulk write loses its session in the middle. */
  endInNextBatch(): void
}

/** The oldest are dropped beyond it. */
const SESSIONS_MAX = 1_000

export function createSessions(
  deps: { readonly runtime: Runtime; readonly users: readonly User[] },
  initial: Partial<SessionSettings>,
): Sessions {
  const { clock, ids, random } = deps.runtime
  let settings: SessionSettings = { ...SESSION_DEFAULTS, ...initial }
  const open = new Map<string, { readonly user: User; readonly sinceMs: number; usedMs: number }>()
  let callsLeft = Number.POSITIVE_INFINITY
  let endsInBatch = false
  const happens = (share: number): boolean => share > 0 && random.next() < share

  return {
    set: (change) => {
      settings = { ...settings, ...change }
    },
    open: (name, password) => {
      const user = deps.users.find((candidate) => candidate.name === name && candidate.password === password)
      if (user === undefined) return null
      const [oldest] = open.keys()
      if (open.size >= SESSIONS_MAX && oldest !== undefined) open.delete(oldest)
      const id = ids.uuid()
      open.set(id, { user, sinceMs: clock.monoNow(), usedMs: clock.monoNow() })
      return id
    },
    use: (id) => {
      const session = id === null ? undefined : open.get(id)
      if (id === null || session === undefined) return null
      const now = clock.monoNow()
      const ended = now - session.usedMs >= settings.idleMs || now - session.sinceMs >= settings.absoluteMs
      if (ended || callsLeft <= 0 || happens(settings.endShare)) {
        if (callsLeft <= 0) open.clear()
        callsLeft = callsLeft <= 0 ? Number.POSITIVE_INFINITY : callsLeft
        open.delete(id)
        return null
      }
      callsLeft -= 1
      session.usedMs = now
      return session.user
    },
    endsMidBatch: (id) => {
      const ends = endsInBatch || happens(settings.endMidBatchShare)
      endsInBatch = false
      if (ends) open.delete(id)
      return ends
    },
    endAll: () => {
      open.clear()
    },
    endAfterCalls: (calls) => {
      callsLeft = calls
    },
    endInNextBatch: () => {
      endsInBatch = true
    },
  }
}
