import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  carriers,
  held,
  inspected,
  keyOf,
  type LineInput,
  LOT,
  lifted,
  moved,
  pieces,
  received,
  reversed,
} from '../../test/process/facts.ts'
import { createStory, expectNothing, type Fact, type Story } from '../../test/process/story.ts'
import { activeHolds } from '../model/hold-set.ts'
import type { DecisionLine } from '../model/inspection.ts'
import { awaitingHold } from '../model/keys.ts'
import { addQuantity, isZeroQuantity, type Quantity } from '../model/quantity.ts'
import type { StockType } from '../model/stock.ts'
import { portionOf, problemOf } from './decision-lines.ts'
import { remaining } from './gate-state.ts'

const GATES = [1, 2] as const
const LINES: readonly (readonly LineInput[])[] = [
  [['accepted', 1000]],
  [['rejected', 1000]],
  [['quarantined', 1000, null]],
  [
    ['accepted', 920, { kind: 'remainder', except: ['SU-2'] }],
    ['rejected', 80, carriers('SU-2')],
  ],
  [
    ['accepted', 900, carriers('SU-1')],
    ['quarantined', 100, carriers('SU-2')],
  ],
  [
    ['accepted', 920, null],
    ['rejected', 80, null],
  ],
  [['accepted', 700]],
]

/** What a random story is made of; versions and document numbers are given while it is told. */
const move = fc.record({
  what: fc.constant('moved' as const),
  from: fc.constantFrom<StockType | null>('unrestricted', 'blocked', 'qualityInspection', null),
  to: fc.constantFrom<StockType | null>('unrestricted', 'blocked', 'qualityInspection', null),
  quantity: fc.constantFrom(50, 100),
})
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant('received' as const), gate: fc.constantFrom(...GATES), usable: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('decided' as const),
      gate: fc.constantFrom(...GATES),
      lines: fc.constantFrom(...LINES),
      again: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constantFrom('reopened' as const, 'cancelled' as const), gate: fc.constantFrom(...GATES) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('reversed' as const), gate: fc.constantFrom(...GATES), quantity: fc.constantFrom(300, 1000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom('held' as const, 'lifted' as const),
      id: fc.constantFrom('H-1', 'H-2'),
      part: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: move },
  { weight: 6, arbitrary: fc.record({ what: fc.constant('settled' as const), which: fc.nat(20), parked: fc.boolean() }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

function factOf(one: Exclude<Step, { what: 'settled' }>, index: number): Fact {
  const inspection = (gate: number) => ({ key: keyOf(gate), inspection: `QI-${gate}`, decision: `UD-${gate}`, version: index + 1 })
  switch (one.what) {
    case 'received':
      return received({ number: one.gate, stockType: one.usable ? 'unrestricted' : 'qualityInspection' })
    case 'decided':
      return inspected({
        ...inspection(one.gate),
        lines: one.lines,
        decidedAt: one.again ? `2026-11-${10 + (index % 20)}T08:00:00.000Z` : '2026-11-05T08:00:00.000Z',
      })
    case 'reopened':
    case 'cancelled':
      return inspected({ ...inspection(one.gate), status: one.what })
    case 'reversed':
      return reversed({ number: one.gate, quantity: one.quantity, document: `9${one.gate}${one.quantity}` })
    case 'held':
    case 'lifted':
      return (one.what === 'held' ? held : lifted)(one.id, one.part ? { scope: carriers('SU-1') } : {})
    case 'moved':
      return moved({ document: `49${index}`, from: one.from, to: one.to, quantity: one.quantity })
  }
}

function play(story: Story, one: Step, index: number): void {
  if (one.what !== 'settled') {
    story.tell(factOf(one, index))
    return
  }
  const open = Object.entries(story.goals()).filter(([, { goal, state }]) => state === 'open' && goal.resource === 'inventory')
  const chosen = open[one.which % Math.max(1, open.length)]
  if (chosen !== undefined) story.settle(chosen[0], one.parked ? 'parked' : 'met', { applied: one.which % 2 })
}

const known = (story: Story): boolean => {
  try {
    story.lot(LOT)
    return true
  } catch {
    return false
  }
}

/** I17, I19: what is received and not validly decided is held; I22: the postings of a gate add up to what it received. */
function expectSafe(story: Story): void {
  for (const gate of GATES) {
    let state: ReturnType<Story['gate']>
    try {
      state = story.gate(keyOf(gate))
    } catch {
      continue
    }
    const left = remaining(state)
    if (left === null) continue
    const holds = activeHolds(story.lot().holds)
    if (state.standing === null && !isZeroQuantity(left)) {
      const waits = holds.some(({ id }) => id === awaitingHold(state.key) || state.former.some((former) => id === `reopened:${former}`))
      expect([state.key, waits]).toEqual([state.key, true])
    }
    if (state.standing === null) continue
    expect(sumOf(state.standing.lines)).toEqual(left)
    const waiting = story.lot().pending.some(({ decided }) => decided.decision === state.standing?.decision)
    const postings = Object.values(story.goals()).filter(
      ({ goal }) => goal.decision === state.standing?.decision && goal.kind === 'posting',
    )
    expect(postings).toHaveLength(waiting ? 0 : state.standing.lines.length)
  }
  const standing = GATES.flatMap((gate) => {
    try {
      return [story.gate(keyOf(gate)).standing?.decision]
    } catch {
      return []
    }
  })
  for (const { goal, state } of Object.values(story.goals())) {
    if (goal.predicate.type === 'posted' && state === 'open') expect(standing).toContain(goal.decision)
  }
}

function sumOf(lines: readonly DecisionLine[]): Quantity {
  return lines.reduce((sum, line) => addQuantity(sum, line.quantity), pieces(0))
}

describe('any story', () => {
  it('keeps what is undecided held, and decisions conserved', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const story = createStory()
        for (const [index, one] of steps.entries()) {
          play(story, one, index)
          if (known(story)) expectSafe(story)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('ends a foreign hold only by its own undoing or by name', () => {
    const foreign = (story: Story) => (known(story) ? story.holds().filter((id) => id.startsWith('foreign:')) : [])
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const story = createStory()
        for (const [index, one] of steps.entries()) {
          const before = foreign(story)
          play(story, one, index)
          const gone = before.filter((id) => !foreign(story).includes(id))
          if (gone.length > 0) expect(one).toMatchObject({ what: 'moved', from: expect.stringMatching('blocked|qualityInspection') })
        }
      }),
      { numRuns: 200 },
    )
  })

  it('hears no fact twice', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
        const story = createStory()
        for (const [index, one] of steps.entries()) {
          play(story, one, index)
          if (one.what === 'settled') continue
          const before = story.snapshot()
          const told = story.tell(factOf(one, index))
          // A movement towards use asks for a fresh look each time; nothing else follows from it.
          if (one.what === 'moved') expect(story.snapshot()).toBe(before)
          else
            expectNothing(
              told,
              told.map(({ decision }) => decision.state),
            )
          expect(story.snapshot()).toBe(before)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('goes the same way every time', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const [one, other] = [createStory(), createStory()]
        for (const [index, each] of steps.entries()) for (const story of [one, other]) play(story, each, index)
        expect(one.snapshot()).toBe(other.snapshot())
      }),
      { numRuns: 50 },
    )
  })

  it('comes to the same holds and postings whichever system is heard first', () => {
    const sources = fc.record({
      gates: fc.subarray([...GATES], { minLength: 1 }),
      lines: fc.constantFrom(...LINES),
      desk: fc.array(
        fc.record({ what: fc.constantFrom('held' as const, 'lifted' as const), id: fc.constantFrom('H-1', 'H-2'), part: fc.boolean() }),
        { maxLength: 4 },
      ),
      order: fc.array(fc.nat(2), { minLength: 12, maxLength: 12 }),
    })
    fc.assert(
      fc.property(sources, ({ gates, lines, desk, order }) => {
        const erp = gates.map((gate) => received({ number: gate }))
        const qms = gates.flatMap((gate) => [
          inspected({ key: keyOf(gate), inspection: `QI-${gate}`, decision: `UD-${gate}`, version: 1 }),
          inspected({ key: keyOf(gate), inspection: `QI-${gate}`, decision: `UD-${gate}`, version: 2, lines }),
        ])
        const said = desk.map((one, index) => factOf(one, index))
        const straight = outcome([...erp, ...qms, ...said])
        expect(outcome(interleaved([erp, qms, said], order))).toEqual(straight)
      }),
      { numRuns: 300 },
    )
  })
})

/** Order within a source is kept, between sources it is drawn. */
function interleaved(sources: readonly (readonly Fact[])[], order: readonly number[]): readonly Fact[] {
  const rest = sources.map((source) => [...source])
  const drawn = order.flatMap((source) => rest[source]?.splice(0, 1) ?? [])
  return [...drawn, ...rest.flat()]
}

function outcome(facts: readonly Fact[]): unknown {
  const story = createStory()
  for (const fact of facts) story.tell(fact)
  const postings = Object.values(story.goals()).flatMap(({ goal }) =>
    goal.predicate.type === 'posted' ? [[goal.name, goal.predicate]] : [],
  )
  const { status, holds } = story.lot(LOT)
  const active = activeHolds(holds).map(({ id, scope }) => [id, scope])
  return { active: active.sort(), postings: postings.sort(), status, exceptions: story.exceptions() }
}

describe('decision lines', () => {
  const part = fc.record({
    quantity: fc.integer({ min: 0, max: 500 }),
    outcome: fc.constantFrom('accepted' as const, 'rejected' as const, 'quarantined' as const),
  })

  it('are valid exactly when they add up and each names its own carrier', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), fc.integer({ min: -3, max: 3 }), (parts, off) => {
        const lines = parts.map(
          (one, index): DecisionLine => ({
            line: index + 1,
            outcome: one.outcome,
            quantity: pieces(one.quantity),
            portion: carriers(`SU-${index}`),
          }),
        )
        const sum = parts.reduce((total, one) => total + one.quantity, 0)
        const problem = problemOf(lines, pieces(sum + off))
        expect(problem?.code ?? null).toBe(off === 0 ? null : 'decision.quantityMismatch')
        const several = new Set(parts.map((one) => one.outcome)).size > 1
        const nameless = lines.map((line, index) => (index === 0 ? { ...line, portion: null } : line))
        expect(problemOf(nameless, pieces(sum))?.code ?? null).toBe(several ? 'portion.carrierMissing' : null)
        expect(portionOf(nameless[0] as DecisionLine)).toEqual({ kind: 'whole' })
      }),
    )
  })

  it('are exact in decimals', () => {
    const line = (number: number, value: string): DecisionLine => ({
      line: number,
      outcome: 'accepted',
      quantity: { value, uom: 'KGM' },
      portion: null,
    })
    expect(problemOf([line(1, '0.1'), line(2, '0.2')], { value: '0.3', uom: 'KGM' })).toBe(null)
    expect(problemOf([line(1, '0.1'), line(2, '0.2')], { value: '0.300000001', uom: 'KGM' })).not.toBe(null)
    expect(problemOf([line(1, '1'), line(1, '1')], { value: '2', uom: 'KGM' })?.detail).toContain('occurs twice')
  })
})

describe('a reopening', () => {
  it('names the lines that no longer stand', () => {
    const story = createStory()
    story.tell(received())
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    const told = story.tell(inspected({ version: 3, status: 'reopened' }))
    expect(told[0]?.decision.events[0]?.data).toMatchObject({ lines: [{ line: 1, outcome: 'accepted' }] })
  })
})
