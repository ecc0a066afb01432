import { hash } from 'node:crypto'
import type { Runtime, YieldLabel } from '../../src/runtime.ts'

export const START_MS = Date.parse('2026-03-02T08:00:00.000Z')

/** A runtime whose time stands still until a test moves it, and whose chance is always the middle. No network. */
export interface HandRuntime extends Runtime {
  /** Lets everything run that waits for nothing but promises. */
  rest(): Promise<void>
  /** Moves time on, firing what becomes due in its order, and rests after each. */
  advance(ms: number): Promise<void>
  /** Milliseconds since the start. */
  now(): number
  /** Timers that are set. */
  timers(): number
  /** The next time this label is passed, what passes waits until the answer is called. */
  holdAt(label: YieldLabel): () => void
  readonly situations: ReadonlyMap<string, number>
}

export function createHandRuntime(): HandRuntime {
  let now = 0
  let ids = 0
  let timers: { readonly atMs: number; readonly fire: () => void }[] = []
  const situations = new Map<string, number>()
  const holds = new Map<YieldLabel, Promise<void>>()
  const setTimer = (ms: number, fire: () => void): (() => void) => {
    const timer = { atMs: now + ms, fire }
    timers.push(timer)
    return () => {
      timers = timers.filter((other) => other !== timer)
    }
  }
  const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const noNetwork = (): Promise<never> => Promise.reject(new Error('no network here'))
  return {
    clock: {
      wallNow: () => START_MS + now,
      monoNow: () => now,
      setTimer,
      sleep: (ms) => new Promise((resolve) => void setTimer(ms, resolve)),
    },
    ids: { uuid: () => `id-${String(++ids).padStart(4, '0')}` },
    random: { next: () => 0.5 },
    net: { request: noNetwork, listen: noNetwork },
    hash: (text) => hash('sha256', text, 'hex'),
    yieldPoint: (label) => {
      const held = holds.get(label)
      holds.delete(label)
      return held
    },
    sometimes: (label) => void situations.set(label, (situations.get(label) ?? 0) + 1),
    rest,
    now: () => now,
    timers: () => timers.length,
    situations,
    holdAt: (label) => {
      let release = (): void => undefined
      holds.set(
        label,
        new Promise((resolve) => {
          release = resolve
        }),
      )
      return release
    },
    advance: async (ms) => {
      const untilMs = now + ms
      await rest()
      for (;;) {
        const [due] = timers.filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs)
        if (due === undefined) break
        timers = timers.filter((timer) => timer !== due)
        now = Math.max(now, due.atMs)
        due.fire()
        await rest()
      }
      now = untilMs
    },
  }
}

/** RFC 3339, `ms` after the start. */
export function timeAt(ms: number): string {
  return new Date(START_MS + ms).toISOString()
}
