import type { Clock } from '../../runtime.ts'

/** Who has what open in a change screen. Locks are memory: a restart forgets them, as it does there. */
export interface Locks {
  lock(what: string, by: string, ms: number): void
  unlock(what: string): void
  /** Null: free, or locked by this user. */
  holder(what: string, asking: string): string | null
}

export function createLocks(deps: { readonly clock: Clock }): Locks {
  const held = new Map<string, { readonly by: string; readonly untilMs: number }>()
  return {
    lock: (what, by, ms) => {
      held.set(what, { by, untilMs: deps.clock.monoNow() + ms })
    },
    unlock: (what) => {
      held.delete(what)
    },
    holder: (what, asking) => {
      const lock = held.get(what)
      if (lock === undefined || lock.by === asking || lock.untilMs <= deps.clock.monoNow()) return null
      return lock.by
    },
  }
}

export function materialLock(material: string): string {
  return `material ${material}`
}

export function batchLock(material: string, batch: string): string {
  return `batch ${material} ${batch}`
}
