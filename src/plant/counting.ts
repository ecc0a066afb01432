import type { Runtime } from '../runtime.ts'

/** Something a caller's request brought about. `sequence` is the order in which effects came. */
export interface Effect {
  readonly sequence: number
  readonly reference: string
  /** The lot or record it happened to. */
  readonly subject: string
  readonly effect: 'posting' | 'restriction' | 'restrictionEnd' | 'created' | 'cancelled'
  readonly arrivedMs: number
  readonly atMs: number
}

export interface RolledBack {
  readonly reference: string
  readonly subject: string
  readonly number: string
}

/** What a counting system counts of its callers. Nothing of it is visible over the wire. */
export interface Counting {
  received(reference: string): void
  effect(effect: Omit<Effect, 'sequence' | 'atMs'>): void
  rolledBack(rolledBack: RolledBack): void
  /** Milliseconds until an update task of this subject may run: tasks of one subject keep their order. */
  updateDue(subject: string, delayMs: number): number
  updateDone(): void
  readonly effects: readonly Effect[]
  effectsOf(reference: string): number
  readonly rollbacks: readonly RolledBack[]
  readonly requests: ReadonlyMap<string, number>
  items(): number
  /** Items whose reference had been seen before. */
  repeated(): number
  updatesUnderWay(): number
}

export function createCounting(deps: { readonly runtime: Runtime }): Counting {
  const requests = new Map<string, number>()
  const effects: Effect[] = []
  const effectCounts = new Map<string, number>()
  const rollbacks: RolledBack[] = []
  const updateAtMs = new Map<string, number>()
  let items = 0
  let repeated = 0
  let updates = 0
  return {
    received: (reference) => {
      const before = requests.get(reference) ?? 0
      requests.set(reference, before + 1)
      items += 1
      if (before > 0) repeated += 1
    },
    effect: (effect) => {
      effects.push({ ...effect, sequence: effects.length + 1, atMs: deps.runtime.clock.monoNow() })
      effectCounts.set(effect.reference, (effectCounts.get(effect.reference) ?? 0) + 1)
    },
    rolledBack: (rolledBack) => {
      rollbacks.push(rolledBack)
    },
    updateDue: (subject, delayMs) => {
      const now = deps.runtime.clock.monoNow()
      const atMs = Math.max(now + delayMs, (updateAtMs.get(subject) ?? -1) + 1)
      updateAtMs.set(subject, atMs)
      updates += 1
      return atMs - now
    },
    updateDone: () => {
      updates -= 1
    },
    effects,
    effectsOf: (reference) => effectCounts.get(reference) ?? 0,
    rollbacks,
    requests,
    items: () => items,
    repeated: () => repeated,
    updatesUnderWay: () => updates,
  }
}
