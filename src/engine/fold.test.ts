import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { at, cancellation, command, create, hold, inspection, move, rejection, release } from '../../test/reconcile/builders.ts'
import type { Goal } from '../model/goal.ts'
import { canonicalJson } from './canonical.ts'
import type { DecisionEntry, GoalDecision, GoalEntryChange, TimerDecision } from './entries.ts'
import { foldGoalDecision, foldGoalEntry, foldState, foldTimer, goalActive } from './fold.ts'
import { differenceOf } from './run.ts'

const ENTRY: DecisionEntry = {
  kind: 'decision',
  process: 'lot',
  version: 3,
  key: 'lot-1',
  input: null,
  inputType: '',
  context: '',
  recordedAt: at(70),
  state: { whole: {} },
  events: [],
  goals: [],
  timers: [],
  exceptions: [],
}
const DECIDED = { entry: ENTRY, partition: 2 }

/** A goal after these ledger changes, a second apart from second 80 on. */
function changedBy(goal: Goal, ...changes: readonly GoalEntryChange[]): Goal {
  return changes.reduce((now, change, index) => foldGoalEntry(now, { kind: 'goal', goal: now.id, at: at(80 + index), change }), goal)
}
const settled = (state: 'met' | 'refused' | 'parked' | 'withdrawn', code: 'posting.refused' | null = null): GoalEntryChange => ({
  type: 'settled',
  state,
  evidence: state === 'met' ? { kind: 'readBack', at: at(79), detail: 'seen' } : null,
  code,
  detail: '',
})

describe('states', () => {
  const fields = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }))

  test('what changed, folded into what was, is what is', () => {
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 6 }), (states) => {
        let folded: unknown
        let before = { version: 3, rowVersion: 3, state: {} as unknown, stored: false, bytes: 0 }
        for (const state of states) {
          // Through JSON, as the journal keeps it.
          const written = JSON.parse(JSON.stringify(differenceOf(before, state, 3))) as DecisionEntry['state']
          folded = foldState(folded, { ...ENTRY, state: written }).state
          expect(canonicalJson(folded)).toBe(canonicalJson(state))
          before = { ...before, stored: true, state }
        }
      }),
    )
  })

  test('a new instance, one of another version, and one that is no record are written whole', () => {
    const stored = { version: 3, rowVersion: 3, state: { a: 1 } as unknown, stored: true, bytes: 0 }
    expect(differenceOf(stored, { a: 2 }, 3)).toEqual({ changed: { a: 2 } })
    expect(differenceOf({ ...stored, stored: false }, { a: 2 }, 3)).toEqual({ whole: { a: 2 } })
    expect(differenceOf({ ...stored, rowVersion: 2 }, { a: 1 }, 3)).toEqual({ whole: { a: 1 } })
    expect(differenceOf({ ...stored, state: [1] }, [1, 2], 3)).toEqual({ whole: [1, 2] })
    expect(differenceOf(stored, null, 3)).toEqual({ whole: null })
  })

  test('a row names its instance and the version that decided', () => {
    expect(foldState(undefined, { ...ENTRY, state: { whole: { a: 1 } } })).toEqual({
      process: 'lot',
      key: 'lot-1',
      version: 3,
      state: { a: 1 },
    })
    expect(foldState({ a: 1, b: 2 }, { ...ENTRY, state: { changed: { a: 3 }, gone: ['b'] } }).state).toEqual({ a: 3 })
  })
})

describe('goals as a process sets them', () => {
  const set = (goal: Goal, generation: number): GoalDecision => ({ change: 'set', id: 'g', generation, order: 7, goal })

  test('a first setting opens it', () => {
    expect(foldGoalDecision(undefined, set(inspection(), 1), DECIDED)).toMatchObject({
      id: 'g',
      process: 'lot',
      key: 'lot-1',
      partition: 2,
      generation: 1,
      state: 'open',
      setAt: at(70),
      setOrder: 7,
      commands: [],
      reopenedAt: [],
    })
  })

  test('another predicate opens it again and keeps what was done for it', () => {
    const before = hold({
      state: 'met',
      waiting: 'x',
      settledAt: at(20),
      reopenedAt: [at(15)],
      retryAskedAt: at(18),
      commands: [command(move(1, 'unrestricted', 'blocked'))],
    })
    const now = foldGoalDecision(before, set(hold({}, { kind: 'carriers', carriers: ['C'] }), 2), DECIDED)
    expect(now).toMatchObject({ generation: 2, state: 'open', waiting: '', settledAt: null, retryAskedAt: null, reopenedAt: [at(15)] })
    expect(now?.commands).toEqual(before.commands)
  })

  test('an equal predicate changes nothing but the premise it rests on', () => {
    const before = release({ state: 'met' })
    const premise = { system: 'qms-1', resource: 'inspection', key: 'k', version: '3' }
    expect(foldGoalDecision(before, { change: 'same', id: 'g' }, DECIDED)).toBe(before)
    expect(foldGoalDecision(before, { change: 'same', id: 'g', premise }, DECIDED)).toEqual({ ...before, premise })
    expect(foldGoalDecision(before, { change: 'same', id: 'g', premise: null }, DECIDED)?.premise).toBe(null)
    expect(foldGoalDecision(undefined, { change: 'same', id: 'g' }, DECIDED)).toBe(undefined)
  })

  test('a withdrawal waits for its commands; setting it again takes the withdrawal back', () => {
    const asked = foldGoalDecision(hold(), { change: 'withdraw', id: 'g', reason: '' }, DECIDED)
    expect(asked).toEqual({ ...hold(), withdrawing: true })
    expect(foldGoalDecision(asked, set(hold(), 2), DECIDED)).toMatchObject({ withdrawing: false, state: 'open' })
    expect(foldGoalDecision(undefined, { change: 'withdraw', id: 'g', reason: '' }, DECIDED)).toBe(undefined)
  })

  test('a posting is set anew only after it was withdrawn', () => {
    for (const over of [release({ withdrawing: true }), release({ state: 'withdrawn' })]) {
      expect(foldGoalDecision(over, set(release(), 2), DECIDED)?.state).toBe('open')
    }
    for (const standing of [release(), release({ state: 'met' }), release({ state: 'parked' })]) {
      expect(() => foldGoalDecision(standing, set(release(), 2), DECIDED)).toThrow('never superseded')
    }
  })
})

describe('goals as the ledger changes them', () => {
  test('commands are added and changed by id', () => {
    const [first, second] = [command(create), command(create, { ordinal: 1, state: 'intent' })]
    const goal = changedBy(inspection(), { type: 'command', command: first }, { type: 'command', command: second })
    expect(goal.commands).toEqual([first, second])
    const changed = changedBy(goal, { type: 'commandChanged', command: second.id, changed: { state: 'unknown', detail: 'lost' } })
    expect(changed.commands).toEqual([first, { ...second, state: 'unknown', detail: 'lost' }])
  })

  test('what settles takes waiting and withdrawal away', () => {
    const met = changedBy(hold({ waiting: 'x', withdrawing: true }), settled('met'))
    expect(met).toMatchObject({ state: 'met', waiting: '', withdrawing: false, settledAt: at(80), code: null })
    expect(met.evidence?.detail).toBe('seen')
    expect(changedBy(release(), settled('refused', 'posting.refused'))).toMatchObject({
      state: 'refused',
      code: 'posting.refused',
      evidence: null,
    })
  })

  test('a reopening takes the evidence, and is remembered eight times', () => {
    const goal = changedBy(hold(), settled('met'), { type: 'reopened', reason: '' })
    expect(goal).toMatchObject({ state: 'open', evidence: null, settledAt: null, reopenedAt: [at(81)] })
    const often = changedBy(hold(), ...Array.from({ length: 10 }, (): GoalEntryChange => ({ type: 'reopened', reason: '' })))
    expect(often.reopenedAt).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((second) => at(80 + second)))
  })

  test('a retry opens what waits for a person and only that', () => {
    const retried: GoalEntryChange = { type: 'retried', actor: 'anna' }
    for (const state of ['parked', 'refused'] as const) {
      expect(changedBy(release({ state, code: 'posting.refused' }), retried)).toMatchObject({
        state: 'open',
        code: null,
        retryAskedAt: at(80),
      })
    }
    for (const state of ['open', 'met', 'withdrawn'] as const) expect(changedBy(release({ state }), retried).state).toBe(state)
  })

  test('waiting says what is in the way', () => {
    expect(changedBy(hold(), { type: 'waiting', waiting: 'hold.foreign' })).toEqual(hold({ waiting: 'hold.foreign' }))
  })
})

test('a timer that was set stands; one that fired or was cancelled is gone', () => {
  const set: TimerDecision = { change: 'set', timer: 'late', generation: 4, dueAt: at(90) }
  expect(foldTimer(ENTRY, set)).toEqual({ process: 'lot', key: 'lot-1', timer: 'late', generation: 4, dueAt: at(90) })
  expect(foldTimer(ENTRY, { change: 'fired', timer: 'late' })).toBe(null)
  expect(foldTimer(ENTRY, { change: 'cancel', timer: 'late' })).toBe(null)
})

test('an owner keeps in mind what is unsettled, standing or owed', () => {
  const done = [command(create)]
  const kept = [
    inspection(),
    inspection({ state: 'parked' }),
    inspection({ state: 'met', withdrawing: true }),
    inspection({ state: 'met', commands: [command(create, { state: 'unknown' })] }),
    inspection({ state: 'refused', commands: [command(create, { state: 'intent' })] }),
    hold({ state: 'met' }),
    // The record of our own restrictions: a lift must know them.
    hold({ state: 'withdrawn', commands: [command(move(1, 'unrestricted', 'blocked'))] }),
    // What a decision put to blocked, or took from there: a later one must know it.
    rejection({ state: 'met', commands: [command(move(1, 'qualityInspection', 'blocked'))] }),
    release({ state: 'met', commands: [command(move(1, 'blocked', 'unrestricted'))] }),
  ]
  const forgotten = [
    inspection({ state: 'met', commands: done }),
    release({ state: 'met' }),
    release({ state: 'met', commands: [command(move(1, 'qualityInspection', 'unrestricted'))] }),
    release({ state: 'refused', commands: [command(create, { state: 'failed' })] }),
    hold({ state: 'withdrawn' }),
    cancellation({ state: 'refused' }),
  ]
  expect(kept.map(goalActive)).toEqual(kept.map(() => true))
  expect(forgotten.map(goalActive)).toEqual(forgotten.map(() => false))
})
