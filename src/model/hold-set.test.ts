import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Hold, PortionScope } from './hold.ts'
import { activeHolds, addHold, type HoldSet, isActive, liftHold, unionOfScopes } from './hold-set.ts'
import { WHOLE } from './scope.ts'

const hold = (id: string, scope: PortionScope = WHOLE): Hold => ({
  id,
  type: 'quality',
  scope,
  foreign: false,
  reason: 'in doubt',
  placedBy: 'm.roe',
  placedIn: 'desk-1',
  placedAt: '2026-11-03T08:00:00.000Z',
})

const names = fc.subarray(['A', 'B', 'C'], { minLength: 1 })
const scope: fc.Arbitrary<PortionScope> = fc.oneof(
  fc.constant(WHOLE),
  names.map((carriers): PortionScope => ({ kind: 'carriers', carriers })),
  names.map((except): PortionScope => ({ kind: 'remainder', except })),
)
const step = fc.record({ lift: fc.boolean(), id: fc.constantFrom('H-1', 'H-2', 'H-3'), scope })
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const play = (steps: readonly Step[]): HoldSet =>
  steps.reduce<HoldSet>((set, { lift, id, scope: portion }) => (lift ? liftHold(set, id, portion) : addHold(set, hold(id, portion))), [])
const shown = (set: HoldSet): unknown =>
  activeHolds(set)
    .map((one) => [one.id, one.scope])
    .sort()

describe('a set of holds', () => {
  it('is the same whatever the order of holds and lifts', () => {
    const shuffled = fc
      .array(step, { maxLength: 8 })
      .chain((steps) => fc.tuple(fc.constant(steps), fc.shuffledSubarray(steps, { minLength: steps.length, maxLength: steps.length })))
    fc.assert(
      fc.property(shuffled, ([steps, other]) => {
        expect(shown(play(other))).toEqual(shown(play(steps)))
      }),
      { numRuns: 500 },
    )
  })

  it('does not change when it hears the same again', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const set = play(steps)
        for (const again of steps) expect(play.call(null, [...steps, again])).toEqual(set)
        const last = steps.at(-1)
        if (last === undefined) return
        const repeated = last.lift ? liftHold(set, last.id, last.scope) : addHold(set, hold(last.id, last.scope))
        expect(repeated).toBe(set)
      }),
    )
  })

  it('shows each hold with the portion it still holds', () => {
    const set = liftHold(addHold([], hold('H-1')), 'H-1', { kind: 'carriers', carriers: ['A'] })
    expect(activeHolds(set)).toEqual([hold('H-1', { kind: 'remainder', except: ['A'] })])
    expect(isActive(set, 'H-1')).toBe(true)
    const over = liftHold(set, 'H-1', { kind: 'remainder', except: ['A'] })
    expect(activeHolds(over)).toEqual([])
    expect(isActive(over, 'H-1')).toBe(false)
    expect(over).toEqual([{ id: 'H-1', hold: null, lifted: WHOLE }])
  })

  it('lifts one hold of two', () => {
    const set = liftHold(addHold(addHold([], hold('H-1')), hold('H-2')), 'H-1', WHOLE)
    expect(activeHolds(set).map(({ id }) => id)).toEqual(['H-2'])
  })

  it('holds what any of its holds holds', () => {
    expect(unionOfScopes([])).toBe(null)
    expect(unionOfScopes([hold('H-1', { kind: 'carriers', carriers: ['A'] }), hold('H-2', { kind: 'carriers', carriers: ['B'] })])).toEqual(
      {
        kind: 'carriers',
        carriers: ['A', 'B'],
      },
    )
  })
})
