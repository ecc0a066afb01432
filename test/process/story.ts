/**
 * Both processes together, as the engine runs them within a turn: emitted events reach their instances in order before
 * anything else happens. Every decision is checked on the way: its input is frozen, its state is plain JSON below the limit,
 * what it emits keeps the contracts, and no hold on stock is without its condition goal.
 */
import { expect } from 'vitest'
import { type DomainEvent, type RecordedEvent, type SourceIdentity, sourceIdentityText } from '../../src/model/envelope.ts'
import { GOAL_SETTLED, type GoalSettled, TIMER_FIRED } from '../../src/model/events.ts'
import type { GoalSpec, Predicate } from '../../src/model/goal.ts'
import { activeHolds, unionOfScopes } from '../../src/model/hold-set.ts'
import { checkEvent } from '../../src/model/schema.ts'
import type { GateState } from '../../src/process/gate-state.ts'
import { inspectionGate } from '../../src/process/inspection-gate.ts'
import { lot as lotProcess } from '../../src/process/lot.ts'
import { holdsOnStock } from '../../src/process/lot-holds.ts'
import type { LotState } from '../../src/process/lot-state.ts'
import type { Context, Decision, Process } from '../../src/process/process.ts'

const STATE_BYTES_MAX = 64 * 1024
export const CONTEXT: Context = deepFreeze({ sites: { P1: { erp: 'erp-1', qms: 'qms-1' } }, referencePrefix: 'HP' })

export interface StoryGoal {
  readonly goal: GoalSpec
  readonly generation: number
  readonly state: 'open' | 'withdrawn' | GoalSettled['state']
}

/** A fact as a source states it. */
export interface Fact {
  readonly type: DomainEvent['type']
  readonly source: SourceIdentity
  readonly data: unknown
}

export interface Story {
  /** Takes the fact in and everything that follows from it within the turn. Answers what was decided, in order. */
  tell(fact: Fact): readonly Told[]
  /** The engine tells the emitter how its goal of this name ended. */
  settle(name: string, state?: GoalSettled['state'], how?: Settling): readonly Told[]
  fire(key: string, timer: string): readonly Told[]
  /** Minutes later. */
  wait(minutes: number): void
  lot(key?: string): LotState
  gate(key: string): GateState
  /** Ids of the active holds, sorted. */
  holds(key?: string): readonly string[]
  /** Goals that have not been withdrawn, by name. */
  goals(): Readonly<Record<string, StoryGoal>>
  goal(name: string): StoryGoal
  predicate(name: string): Predicate
  /** Codes of open exceptions, sorted. */
  exceptions(): readonly string[]
  timers(): readonly string[]
  /** Everything a rebuild would compare. */
  snapshot(): string
}

export interface Settling {
  /** An earlier one: feedback that has been overtaken. */
  readonly generation?: number
  /** Commands of the goal that the target has carried out. */
  readonly applied?: number
}

export interface Told {
  readonly process: string
  readonly key: string
  readonly type: string
  readonly decision: Decision<unknown>
}

const PROCESSES: readonly Process[] = [inspectionGate as Process, lotProcess as Process]

export function createStory(context: Context = CONTEXT): Story {
  const states = new Map<string, unknown>()
  const goals = new Map<string, StoryGoal & { readonly process: Process; readonly key: string }>()
  const exceptions = new Map<string, string>()
  const timers = new Map<string, string>()
  let now = Date.parse('2026-11-03T08:00:00.000Z')
  let sequence = 0

  const recorded = (fact: Fact): RecordedEvent => {
    const at = new Date(now).toISOString()
    sequence += 1
    return deepFreeze({
      type: fact.type,
      subject: 'subject',
      source: fact.source,
      occurredAt: at,
      receivedAt: at,
      recordedAt: at,
      address: { partition: 0, sequence, ordinal: 0 },
      data: structuredClone(fact.data),
    })
  }

  function deliver(process: Process, key: string, event: RecordedEvent): Told {
    const id = `${process.name} ${key}`
    const state = deepFreeze(states.get(id) ?? process.initial(key))
    const decision = process.decide(state, event, context)
    expect(JSON.parse(JSON.stringify(decision.state))).toEqual(decision.state)
    expect(JSON.stringify(decision.state).length).toBeLessThan(STATE_BYTES_MAX)
    for (const { type, data } of decision.events) expect([type, checkEvent(type, data)]).toEqual([type, { ok: true }])
    states.set(id, decision.state)
    applyGoals(process, key, decision)
    for (const change of decision.timers) {
      if (change.change === 'set') timers.set(`${key} ${change.timer}`, change.dueAt)
      else timers.delete(`${key} ${change.timer}`)
    }
    for (const change of decision.exceptions) {
      const name = `${process.name} ${key} ${change.code} ${change.subject}`
      if (change.change === 'open') exceptions.set(name, change.code)
      else exceptions.delete(name)
    }
    if (process.name === 'lot') expectHeld(decision.state as LotState)
    return { process: process.name, key, type: event.type, decision }
  }

  function applyGoals(process: Process, key: string, decision: Decision<unknown>): void {
    for (const change of decision.goals) {
      const name = change.change === 'set' ? change.goal.name : change.name
      const id = `${process.name} ${key} ${name}`
      const known = goals.get(id)
      if (change.change === 'withdraw') {
        if (known !== undefined) goals.set(id, { ...known, state: 'withdrawn' })
        continue
      }
      expect(change.goal.subject).toBe(key)
      const same =
        known !== undefined && known.state !== 'withdrawn' && JSON.stringify(known.goal.predicate) === JSON.stringify(change.goal.predicate)
      if (same) {
        goals.set(id, { ...known, goal: { ...known.goal, premise: change.goal.premise } })
        continue
      }
      expect([name, known?.goal.kind === 'posting' && known.state !== 'withdrawn']).toEqual([name, false])
      goals.set(id, { process, key, goal: change.goal, generation: (known?.generation ?? 0) + 1, state: 'open' })
    }
  }

  /** RULES 1–2: whatever is held on stock is what the condition goal says. */
  function expectHeld(state: LotState): void {
    const held = goals.get(`lot ${state.key} held`)
    const holds = holdsOnStock(state.holds)
    expect((held?.state ?? 'withdrawn') === 'withdrawn').toBe(holds.length === 0)
    if (holds.length === 0) return
    expect(held?.goal.predicate).toEqual({
      type: 'notUsable',
      lot: state.key,
      scope: unionOfScopes(holds),
      holds: holds.map(({ id }) => id).sort(),
    })
    expect(held?.goal.lane).toBe('safety')
  }

  function run(first: readonly (readonly [Process, string, RecordedEvent])[]): readonly Told[] {
    const pending = [...first]
    const told: Told[] = []
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const [process, key, event] = next
      const one = deliver(process, key, event)
      told.push(one)
      for (const emitted of one.decision.events)
        pending.push(...routes(deepFreeze({ ...event, type: emitted.type, subject: emitted.subject, data: emitted.data })))
    }
    return told
  }

  const goalsOf = (name: string) => [...goals.values()].filter((known) => known.goal.name === name && known.state !== 'withdrawn')
  const only = (name: string) => {
    const found = goalsOf(name)
    expect([name, found.length]).toEqual([name, 1])
    return found[0] as (typeof found)[number]
  }
  /** A withdrawal takes effect, and is fed back, after it was asked for. */
  const last = (name: string) => {
    const found = [...goals.values()].findLast((known) => known.goal.name === name)
    expect([name, found?.state]).toEqual([name, 'withdrawn'])
    return found as NonNullable<typeof found>
  }
  const stateOf = (process: string, key: string | undefined): unknown => {
    const found = key === undefined ? [...states].find(([id]) => id.startsWith(`${process} `))?.[1] : states.get(`${process} ${key}`)
    expect(found, `${process} ${key}`).toBeDefined()
    return found
  }

  return {
    tell: (fact) => {
      expect([fact.type, checkEvent(fact.type, fact.data)]).toEqual([fact.type, { ok: true }])
      return run(routes(recorded(fact)))
    },
    settle: (name, state = 'met', how = {}) => {
      const { process, key, goal, generation } = state === 'withdrawn' ? last(name) : only(name)
      if (how.generation === undefined) goals.set(`${process.name} ${key} ${name}`, { process, key, goal, generation, state })
      const data: GoalSettled = { goal: name, name, state, generation: how.generation ?? generation, applied: how.applied ?? 0, detail: '' }
      return run([[process, key, recorded({ type: GOAL_SETTLED, source: goal.cause, data })]])
    },
    fire: (key, timer) => {
      expect(timers.delete(`${key} ${timer}`), `timer ${timer} of ${key}`).toBe(true)
      return run([
        [
          PROCESSES[0] as Process,
          key,
          recorded({ type: TIMER_FIRED, source: { instance: 'x', record: 'x', version: null }, data: { timer, generation: 1 } }),
        ],
      ])
    },
    wait: (minutes) => {
      now += minutes * 60_000
    },
    lot: (key) => stateOf('lot', key) as LotState,
    gate: (key) => stateOf('inspection-gate', key) as GateState,
    holds: (key) =>
      activeHolds((stateOf('lot', key) as LotState).holds)
        .map(({ id }) => id)
        .sort(),
    goals: () =>
      Object.fromEntries([...goals.values()].filter(({ state }) => state !== 'withdrawn').map((known) => [known.goal.name, known])),
    goal: only,
    predicate: (name) => only(name).goal.predicate,
    exceptions: () => [...exceptions.values()].sort(),
    timers: () => [...timers.keys()].sort(),
    snapshot: () =>
      JSON.stringify([
        [...states].sort(),
        [...goals].map(([id, { goal, generation, state }]) => [id, goal, generation, state]).sort(),
        [...exceptions].sort(),
        [...timers].sort(),
      ]),
  }
}

function routes(event: RecordedEvent): readonly (readonly [Process, string, RecordedEvent])[] {
  return PROCESSES.filter((process) => (process.subscribes as readonly string[]).includes(event.type)).flatMap((process) =>
    process.keysOf(event).map((key) => [process, key, event] as const),
  )
}

export function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}

/** Nothing was decided, and the state is the very same. */
export function expectNothing(told: readonly Told[], before: readonly unknown[]): void {
  for (const [index, { decision }] of told.entries()) {
    expect(decision).toEqual({ state: decision.state, events: [], goals: [], timers: [], exceptions: [] })
    expect(decision.state).toBe(before[index])
  }
}

export function causeText(goal: StoryGoal): string {
  return sourceIdentityText(goal.goal.cause)
}
