import { describe, expect, it } from 'vitest'
import {
  carriers,
  decisionOf,
  inspected,
  keyOf,
  LOT,
  lineOf,
  OTHER_LOT,
  pieces,
  receiptId,
  received,
  reversed,
  type SnapshotInput,
} from '../../test/process/facts.ts'
import { CONTEXT, createStory, expectNothing, type Story, type Told } from '../../test/process/story.ts'
import { inspectionGate } from './inspection-gate.ts'

const AWAITING = `awaiting:${keyOf()}`

const emitted = (told: readonly Told[]): readonly string[] =>
  told
    .filter(({ process }) => process === 'inspection-gate')
    .flatMap(({ decision }) => decision.events.map(({ type }) => type.split('.').slice(1, 3).join('.')))

function receivedStory(...facts: Parameters<typeof received>): Story {
  const story = createStory()
  story.tell(received(...facts))
  return story
}

describe('a receipt', () => {
  it('is told to the lot, held, and inspected', () => {
    const story = createStory()
    expect(emitted(story.tell(received()))).toEqual(['lot.received'])
    expect(story.holds()).toEqual([AWAITING])
    const { goal } = story.goal('inspection')
    expect(goal).toMatchObject({ system: 'qms-1', resource: 'inspection', kind: 'record', subject: keyOf(), lane: 'critical', site: 'P1' })
    expect(goal.predicate).toEqual({
      type: 'exists',
      key: keyOf(),
      fields: {
        item: 'erp-1:item:RM-100',
        lot: LOT,
        quantity: '1000',
        uom: 'C62',
        supplier: 'erp-1:supplier:S-1',
        receipt: receiptId(),
        line: '1',
        site: 'P1',
      },
    })
    expect(story.timers()).toEqual([`${keyOf()} late`])
  })

  it.each([
    ['required', [AWAITING], ['held', 'inspection']],
    ['unknown', [AWAITING], ['held', 'inspection']],
    ['notRequired', [], []],
  ] as const)('of relevance %s is held by %j', (required, holds, goals) => {
    const story = receivedStory({ required })
    expect(story.holds()).toEqual(holds)
    expect(Object.keys(story.goals()).sort()).toEqual(goals)
  })

  it('of several lines and lots is one gate for each lot of each line', () => {
    const story = receivedStory({
      lots: [
        ['1', LOT, 600],
        ['1', OTHER_LOT, 400],
        ['2', LOT, 50],
      ],
    })
    expect(story.gate(keyOf(1, LOT, '1')).receipt?.quantity).toEqual(pieces(600))
    expect(story.gate(keyOf(1, OTHER_LOT, '1')).receipt?.quantity).toEqual(pieces(400))
    expect(story.gate(keyOf(1, LOT, '2')).receipt?.quantity).toEqual(pieces(50))
    expect(story.holds(LOT)).toEqual([`awaiting:${keyOf(1, LOT, '1')}`, `awaiting:${keyOf(1, LOT, '2')}`])
    expect(story.holds(OTHER_LOT)).toEqual([`awaiting:${keyOf(1, OTHER_LOT, '1')}`])
    expect(story.lot(LOT).receipts).toBe(2)
  })

  it('with one lot at two locations is one gate over both quantities, held as the less protected of them', () => {
    const fact = received({
      lots: [
        ['1', LOT, 600],
        ['1', LOT, 400],
      ],
    })
    const lots = (fact.data as { lines: { lots: { stockType: string }[] }[] }).lines[0]?.lots
    if (lots?.[1] !== undefined) lots[1].stockType = 'unrestricted'
    const story = createStory()
    story.tell(fact)
    expect(story.gate(keyOf()).receipt?.quantity).toEqual(pieces(1000))
    expect(story.lot().undecided).toMatchObject([{ hold: AWAITING, protected: false }])
  })

  it('twice is one receipt', () => {
    const story = receivedStory()
    const before = [story.gate(keyOf())]
    expectNothing(story.tell(received()), before)
  })

  it('at a site without QMS stays held and says so', () => {
    const story = receivedStory({ site: 'P9' })
    expect(story.holds()).toEqual([AWAITING])
    expect(Object.keys(story.goals())).toEqual(['held'])
    expect(story.exceptions()).toEqual(['input.sourceUnknown'])
  })

  it('that the ERP calls not relevant is held as soon as the QMS inspects it', () => {
    const story = receivedStory({ required: 'notRequired' })
    story.tell(inspected({ version: 1 }))
    expect(story.holds()).toEqual([AWAITING])
    expect(story.exceptions()).toEqual(['drift.unexplained'])
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    expect(story.holds()).toEqual([])
    expect(story.goal(lineOf())).toBeDefined()
  })
})

describe('a decision', () => {
  it('reaches the lot with its premise', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 1 }))
    const told = story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    expect(emitted(told)).toEqual(['inspection.decided'])
    expect(told[0]?.decision.events[0]?.data).toMatchObject({
      decision: decisionOf(),
      premise: { qms: 'qms-1', inspectionKey: keyOf(), version: '2' },
      hold: AWAITING,
      supersedes: [],
    })
    expect(story.timers()).toEqual([])
    expect(story.exceptions()).toEqual([])
  })

  it('places a hold on what it does not accept before anything is lifted', () => {
    const story = receivedStory()
    const told = story.tell(
      inspected({
        version: 2,
        lines: [
          ['accepted', 900, carriers('SU-1')],
          ['rejected', 60, carriers('SU-2')],
          ['quarantined', 40, carriers('SU-3')],
        ],
      }),
    )
    expect(emitted(told)).toEqual(['hold.requested', 'hold.requested', 'inspection.decided'])
    expect(story.holds()).toEqual([AWAITING, `quality:${decisionOf()}#quarantined`, `quality:${decisionOf()}#rejected`])
  })

  const UNFIT: readonly (readonly [string, SnapshotInput['lines'], string])[] = [
    ['too little', [['accepted', 999]], 'decision.quantityMismatch'],
    ['too much', [['accepted', 1001]], 'decision.quantityMismatch'],
    [
      'a line without carrier',
      [
        ['accepted', 920, null],
        ['rejected', 80, carriers('SU-2')],
      ],
      'portion.carrierMissing',
    ],
    [
      'the whole lot and a part of it',
      [
        ['accepted', 920],
        ['rejected', 80, carriers('SU-2')],
      ],
      'portion.carrierMissing',
    ],
    [
      'one carrier with two outcomes',
      [
        ['accepted', 920, carriers('SU-1', 'SU-2')],
        ['quarantined', 80, carriers('SU-2')],
      ],
      'portion.carrierMissing',
    ],
    [
      'a negative line',
      [
        ['accepted', 1100, carriers('SU-1')],
        ['accepted', -100, carriers('SU-1')],
      ],
      'decision.quantityMismatch',
    ],
  ]
  it.each(UNFIT)('of %s frees nothing until it is corrected', (_, lines, code) => {
    const story = receivedStory()
    expect(emitted(story.tell(inspected({ version: 2, lines: lines ?? [] })))).toEqual([])
    expect(story.exceptions()).toEqual([code])
    expect(story.holds()).toEqual([AWAITING])
    story.tell(inspected({ version: 3, lines: [['accepted', 1000]] }))
    expect(story.exceptions()).toEqual([])
    expect(story.holds()).toEqual([])
  })

  it('in another unit frees nothing', () => {
    const story = receivedStory()
    const fact = inspected({ version: 2, lines: [['accepted', 1000]] })
    const { decision } = fact.data as { decision: { lines: { quantity: { uom: string } }[] } }
    if (decision.lines[0] !== undefined) decision.lines[0].quantity.uom = 'KGM'
    story.tell(fact)
    expect(story.exceptions()).toEqual(['decision.quantityMismatch'])
    expect(story.holds()).toEqual([AWAITING])
  })

  it('that stays wrong stays one exception', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 999]] }))
    const told = story.tell(inspected({ version: 3, lines: [['accepted', 998]] }))
    expect(told[0]?.decision.exceptions).toEqual([])
    expect(story.gate(keyOf()).exceptions).toHaveLength(1)
  })

  it('of a record without versions is told from the one before by its content', () => {
    const story = receivedStory()
    for (const lines of [[['accepted', 999]], [['accepted', 1000]]] as const) {
      const fact = inspected({ version: 1, lines })
      story.tell({ ...fact, source: { ...fact.source, version: null } })
    }
    expect(story.holds()).toEqual([])
  })

  it('with more than can be kept frees nothing', () => {
    const story = receivedStory({ quantity: 200 })
    story.tell(inspected({ version: 2, lines: Array.from({ length: 200 }, () => ['accepted', 1] as const) }))
    expect(story.exceptions()).toEqual(['input.tooLarge'])
    expect(story.holds()).toEqual([AWAITING])
  })

  it('twice changes nothing; the same in a newer version only moves the premise', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    const before = [story.gate(keyOf())]
    expectNothing(story.tell(inspected({ version: 2, lines: [['accepted', 1000]] })), before)
    expect(emitted(story.tell(inspected({ version: 3, lines: [['accepted', 1000]] })))).toEqual(['inspection.decided'])
    expect(story.goal(lineOf()).goal.premise).toEqual({ system: 'qms-1', resource: 'inspection', key: keyOf(), version: '3' })
    expect(story.goal(lineOf()).generation).toBe(1)
    expect(story.holds()).toEqual([])
  })
})

describe('a decision that no longer stands', () => {
  const AFTER: readonly (readonly [string, SnapshotInput])[] = [
    ['reopened', { version: 3, status: 'reopened' }],
    ['in progress again', { version: 3, status: 'inProgress' }],
    ['cancelled', { version: 3, status: 'cancelled' }],
  ]
  it.each(AFTER)('because it is %s is taken back and held again', (_, snapshot) => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    expect(emitted(story.tell(inspected(snapshot)))).toEqual(['inspection.reopened'])
    expect(story.holds()).toEqual([`reopened:${decisionOf()}`])
    expect(Object.keys(story.goals()).sort()).toEqual(['held', 'inspection'])
    expect(story.timers()).toEqual([`${keyOf()} late`])
  })

  it('because another replaces it is taken back first', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    const told = story.tell(inspected({ version: 3, lines: [['rejected', 1000]], decidedAt: '2026-11-04T09:00:00.000Z' }))
    expect(emitted(told)).toEqual(['inspection.reopened', 'hold.requested', 'inspection.decided'])
    expect(told[0]?.decision.events[2]?.data).toMatchObject({ supersedes: [decisionOf()] })
  })

  it.each([
    ['other lines at the same time', 3, [['rejected', 1000]]],
    ['the same lines after a reopening', 4, [['accepted', 1000]]],
  ] as const)('has another key when it is decided again: %s', (_, version, lines) => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    if (version === 4) story.tell(inspected({ version: 3, status: 'reopened' }))
    story.tell(inspected({ version, lines }))
    expect(story.gate(keyOf()).standing?.decision).toBe(`${decisionOf()}@${version}`)
  })
})

describe('out of order', () => {
  it('a decision before its receipt releases nothing, asks after a while, and is used when the receipt comes', () => {
    const story = createStory()
    expect(emitted(story.tell(inspected({ version: 2, lines: [['accepted', 1000]] })))).toEqual([])
    expect(story.timers()).toEqual([`${keyOf()} unmatched`])
    story.fire(keyOf(), 'unmatched')
    expect(story.exceptions()).toEqual(['decision.unmatched'])
    const told = story.tell(received())
    expect(emitted(told)).toEqual(['lot.received', 'inspection.decided'])
    expect(story.exceptions()).toEqual([])
    expect(story.holds()).toEqual([])
    expect(story.timers()).toEqual([])
    expect(Object.keys(story.goals()).sort()).toEqual(['inspection', lineOf()])
  })

  it('a decision that is taken back before its receipt is not used', () => {
    const story = createStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    story.tell(inspected({ version: 3, status: 'reopened' }))
    expect(story.timers()).toEqual([])
    story.tell(received())
    expect(story.holds()).toEqual([AWAITING])
  })

  it('an inspection with a key of somebody else waits for a receipt that never comes', () => {
    const story = createStory()
    story.tell(inspected({ key: 'MY-INSPECTION-7', version: 2, lines: [['accepted', 1000]] }))
    story.fire('MY-INSPECTION-7', 'unmatched')
    expect(story.exceptions()).toEqual(['decision.unmatched'])
    expect(inspectionGate.partitionKeyOf('MY-INSPECTION-7')).toBe('MY-INSPECTION-7')
    expect(inspectionGate.partitionKeyOf(keyOf())).toBe(LOT)
  })

  it('a whole reversal before its receipt leaves nothing to inspect', () => {
    const story = createStory()
    story.tell(reversed())
    expect(emitted(story.tell(received()))).toEqual(['lot.received', 'lot.receiptReversed'])
    expect(Object.keys(story.goals())).toEqual([])
    expect(story.lot().status).toBe('closed')
    expect(story.gate(keyOf()).closed).toBe(true)
  })

  it('a part reversed before its receipt is not decided on', () => {
    const story = createStory()
    story.tell(reversed({ quantity: 100 }))
    story.tell(inspected({ version: 2, lines: [['accepted', 900]] }))
    story.tell(received())
    expect(story.exceptions()).toEqual([])
    expect(story.holds()).toEqual([])
  })
})

describe('a reversal before the decision', () => {
  it('takes the inspection back and frees the lot of its wait', () => {
    const story = receivedStory()
    expect(emitted(story.tell(reversed()))).toEqual(['lot.receiptReversed', 'hold.lifted'])
    const { goal } = story.goal('cancellation')
    expect(goal).toMatchObject({
      system: 'qms-1',
      resource: 'inspectionStatus',
      kind: 'condition',
      predicate: { type: 'notOpen', key: keyOf() },
    })
    expect(Object.keys(story.goals())).toEqual(['cancellation'])
    expect(story.lot().status).toBe('closed')
    expect(story.timers()).toEqual([])
    story.tell(inspected({ version: 2, status: 'cancelled' }))
    expect(story.exceptions()).toEqual([])
  })

  it('of a part leaves the rest to be decided', () => {
    const story = receivedStory()
    expect(emitted(story.tell(reversed({ quantity: 400 })))).toEqual(['lot.receiptReversed'])
    expect(story.holds()).toEqual([AWAITING])
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    expect(story.exceptions()).toEqual(['decision.quantityMismatch'])
    story.tell(inspected({ version: 3, lines: [['accepted', 600]] }))
    expect(story.exceptions()).toEqual([])
    expect(story.predicate(lineOf())).toMatchObject({ quantity: pieces(600) })
  })

  it('makes a decision right that had counted with it', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 600]] }))
    expect(story.exceptions()).toEqual(['decision.quantityMismatch'])
    story.tell(reversed({ quantity: 400 }))
    expect(story.exceptions()).toEqual([])
    expect(story.holds()).toEqual([])
  })

  it('twice counts once, beyond the receipt not at all', () => {
    const story = receivedStory()
    story.tell(reversed({ quantity: 400 }))
    const before = [story.gate(keyOf())]
    expectNothing(story.tell(reversed({ quantity: 400 })), before)
    const told = story.tell(reversed({ quantity: 700, document: '92' }))
    expect(told[0]?.decision.events[0]?.data).toMatchObject({ quantity: pieces(600), remaining: pieces(0) })
    expect(story.exceptions()).toEqual(['contract.violated'])
  })

  it('in another unit is not counted but shown', () => {
    const story = receivedStory()
    expect(emitted(story.tell(reversed({ uom: 'KGM' })))).toEqual([])
    expect(story.exceptions()).toEqual(['contract.violated'])
    expect(story.holds()).toEqual([AWAITING])
  })

  it('of another lot of the line is none of this one', () => {
    const story = receivedStory({
      lots: [
        ['1', LOT, 600],
        ['1', OTHER_LOT, 400],
      ],
    })
    story.tell(reversed({ lot: OTHER_LOT, quantity: 400 }))
    expect(story.lot(OTHER_LOT).status).toBe('closed')
    expect(story.holds(LOT)).toEqual([AWAITING])
  })
})

describe('a reversal after the decision', () => {
  it('stops what is still open, holds again and asks the quality owner', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    const told = story.tell(reversed({ quantity: 300 }))
    expect(emitted(told)).toEqual(['lot.receiptReversed', 'inspection.reopened'])
    expect(story.exceptions()).toEqual(['receipt.reversedAfterDecision'])
    expect(story.holds()).toEqual([`reopened:${decisionOf()}`])
    expect(Object.keys(story.goals()).sort()).toEqual(['held', 'inspection'])
    story.tell(inspected({ version: 3, lines: [['accepted', 1000]] }))
    expect(story.exceptions()).toEqual(['decision.quantityMismatch', 'receipt.reversedAfterDecision'])
    story.tell(inspected({ version: 4, lines: [['accepted', 700]], decidedAt: '2026-11-04T10:00:00.000Z' }))
    expect(story.exceptions()).toEqual([])
  })

  it('of everything closes the lot and keeps it held', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    story.tell(reversed())
    expect(story.lot().status).toBe('closed')
    expect(story.holds()).toEqual([`reopened:${decisionOf()}`])
    expect(story.exceptions()).toEqual(['receipt.reversedAfterDecision'])
  })

  it('and a decision after everything went back is only shown', () => {
    const story = receivedStory()
    story.tell(reversed())
    expect(emitted(story.tell(inspected({ version: 2, lines: [['accepted', 1000]] })))).toEqual([])
    expect(story.exceptions()).toEqual(['receipt.reversedAfterDecision'])
  })
})

describe('what the QMS does of its own accord', () => {
  it('cancelled is never skip', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 1 }))
    story.tell(inspected({ version: 2, status: 'cancelled' }))
    expect(story.exceptions()).toEqual(['inspection.cancelledElsewhere'])
    expect(story.holds()).toEqual([AWAITING])
    story.tell(inspected({ version: 1, inspection: 'QI-18', lines: [['accepted', 1000]] }))
    expect(story.exceptions()).toEqual([])
    expect(story.holds()).toEqual([])
  })

  it('two open inspections with one key decide nothing', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 1 }))
    story.tell(inspected({ version: 1, inspection: 'QI-18' }))
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    expect(story.exceptions()).toEqual(['record.duplicate'])
    expect(story.holds()).toEqual([AWAITING])
    story.tell(inspected({ version: 2, inspection: 'QI-18', status: 'cancelled' }))
    expect(story.exceptions()).toEqual([])
    expect(story.holds()).toEqual([])
  })
})

describe('before the receipt', () => {
  it('two open inspections decide nothing either', () => {
    const story = createStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    story.tell(inspected({ version: 1, inspection: 'QI-18' }))
    story.tell(received())
    expect(story.exceptions()).toEqual(['record.duplicate'])
    expect(story.holds()).toEqual([AWAITING])
  })

  it('cancelled is never skip either', () => {
    const story = createStory()
    story.tell(inspected({ version: 2, status: 'cancelled' }))
    story.tell(received())
    expect(story.exceptions()).toEqual(['inspection.cancelledElsewhere'])
    expect(story.holds()).toEqual([AWAITING])
  })
})

describe('too long', () => {
  it('not created, then not decided, then both', () => {
    const story = receivedStory()
    story.fire(keyOf(), 'late')
    expect(story.exceptions()).toEqual(['inspection.late'])
    story.settle('inspection')
    expect(story.exceptions()).toEqual([])
    story.fire(keyOf(), 'late')
    expect(story.exceptions()).toEqual(['inspection.late'])
    expect(story.timers()).toEqual([])
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    expect(story.exceptions()).toEqual([])
  })

  it('nothing is late that has happened', () => {
    const story = receivedStory()
    story.settle('inspection')
    story.fire(keyOf(), 'late')
    expect(story.exceptions()).toEqual([])
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    expect(story.timers()).toEqual([])
  })

  it('counts from the reopening', () => {
    const story = receivedStory()
    story.tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
    story.tell(inspected({ version: 3, status: 'reopened' }))
    story.fire(keyOf(), 'late')
    expect(story.exceptions()).toEqual(['inspection.late'])
  })

  it('uses the deadlines of the context', () => {
    const story = createStory({ ...CONTEXT, inspectionDeadlines: { createdWithinMs: 1_000, decidedWithinMs: 5_000, unmatchedAfterMs: 1 } })
    const told = story.tell(received())
    expect(told[0]?.decision.timers).toEqual([{ change: 'set', timer: 'late', dueAt: '2026-11-03T08:00:01.000Z' }])
    expect(story.fire(keyOf(), 'late')[0]?.decision.timers).toEqual([{ change: 'set', timer: 'late', dueAt: '2026-11-03T08:00:04.000Z' }])
  })
})
