/**
 * What a sweep asks of a system: one call after the other, each in a place that nobody else waits for. A call that fails
 * is told and stays the trouble of its own system.
 */
import type { Call, Connector } from '../connectors/connector.ts'
import { withinDeadline } from './deadline.ts'
import type { EngineDeps } from './deps.ts'
import type { Limiter, Limiters } from './limiter.ts'
import type { Part, Troubles } from './troubles.ts'

export interface Failed {
  readonly failed: string
}

export interface SweepCalls {
  /** Null: it failed, which is told, or was stopped, which is no trouble. */
  ask<T extends object>(connector: Connector, part: Part, call: (given: Call) => Promise<T | Failed>): Promise<T | null>
  /** Nothing is asked any more, and nobody waits. */
  stop(): void
}

export function createSweepCalls({ runtime }: EngineDeps, limiters: Limiters, troubles: Troubles): SweepCalls {
  let stopped = false
  /** Ends the waits for a place. */
  const waiting = new Set<() => void>()

  /** A place that is taken; false: stopped before there was one. */
  function placeOf(limiter: Limiter): Promise<boolean> {
    return new Promise((resolve) => {
      if (stopped) return resolve(false)
      const stop = (): void => resolve(false)
      waiting.add(stop)
      limiter.wait('sweep', 'page', () => {
        waiting.delete(stop)
        if (stopped) limiter.giveUnused('sweep')
        resolve(!stopped)
      })
    })
  }

  return {
    ask: async <T extends object>({ spec }: Connector, part: Part, call: (given: Call) => Promise<T | Failed>) => {
      const timeoutMs = spec.callTimeoutMs
      const late = (): Failed => ({ failed: 'the connector did not end its call in time' })
      const limiter = limiters.get(spec.instance) as Limiter
      if (!limiter.take('sweep') && !(await placeOf(limiter))) return null
      try {
        const answer = await withinDeadline<T | Failed>({ clock: runtime.clock, timeoutMs, late }, (signal) =>
          call({ signal, timeoutMs, beforeWrite: () => !stopped && !signal.aborted }),
        )
        if (!('failed' in answer)) return answer
        if (!stopped) troubles.begin(part, 'a system cannot be swept', { detail: answer.failed })
      } catch (reason) {
        const detail = reason instanceof Error ? reason.message : 'the connector threw'
        troubles.begin(part, 'connector threw in a sweep', { detail })
      } finally {
        limiter.give('sweep')
      }
      return null
    },
    stop: () => {
      stopped = true
      for (const end of waiting) end()
    },
  }
}
