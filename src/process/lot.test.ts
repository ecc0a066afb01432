import { describe, expect, it } from 'vitest'
import {
  carriers,
  decisionOf,
  held,
  inspected,
  keyOf,
  type LineInput,
  LOT,
  lifted,
  lineOf,
  moved,
  pieces,
  received,
  reversed,
} from '../../test/process/facts.ts'
import { accepted, openGoals, releasedStory, storyOf } from '../../test/process/stories.ts'
import { CONTEXT, causeText, createStory, expectNothing, type Fact } from '../../test/process/story.ts'
import { WHOLE } from '../model/scope.ts'

const AWAITING = `awaiting:${keyOf()}`

describe('from receipt to release', () => {
  it('is held as a whole, by condition', () => {
    const story = storyOf(received())
    expect(story.goal('held').goal).toMatchObject({
      system: 'erp-1',
      resource: 'inventory',
      kind: 'condition',
      subject: LOT,
      lane: 'safety',
      site: 'P1',
      cause: { instance: 'erp-1', record: 'receipt/5000001', version: null },
    })
    expect(story.lot().status).toBe('inInspection')
  })

  interface Case {
    readonly name: string
    readonly lines: readonly LineInput[]
    /** By line: where to, and in which lane. */
    readonly postings: Readonly<Record<number, string>>
    readonly status: string
    readonly holds: readonly string[]
  }
  const REJECTED = `quality:${decisionOf()}#rejected`
  const QUARANTINED = `quality:${decisionOf()}#quarantined`
  const FREED = 'unrestricted normal'
  const BLOCKED = 'blocked safety'
  const CASES: readonly Case[] = [
    { name: 'accepted', lines: [['accepted', 1000]], postings: { 1: FREED }, status: 'conformant', holds: [] },
    { name: 'rejected', lines: [['rejected', 1000]], postings: { 1: BLOCKED }, status: 'nonConformant', holds: [REJECTED] },
    { name: 'quarantined', lines: [['quarantined', 1000]], postings: { 1: BLOCKED }, status: 'contained', holds: [QUARANTINED] },
    {
      name: 'in portions',
      lines: [
        ['accepted', 920, carriers('SU-1')],
        ['rejected', 80, carriers('SU-2')],
      ],
      postings: { 1: FREED, 2: BLOCKED },
      status: 'mixed',
      holds: [AWAITING, REJECTED],
    },
    {
      name: 'in portions, one of them the rest',
      lines: [
        ['accepted', 920, { kind: 'remainder', except: ['SU-2'] }],
        ['quarantined', 80, carriers('SU-2')],
      ],
      postings: { 1: FREED, 2: BLOCKED },
      status: 'mixed',
      holds: [QUARANTINED],
    },
    {
      name: 'accepted on a carrier',
      lines: [['accepted', 1000, carriers('SU-1')]],
      postings: { 1: FREED },
      status: 'conformant',
      holds: [AWAITING],
    },
    {
      name: 'accepted in two lines',
      lines: [
        ['accepted', 900, null],
        ['accepted', 100, null],
      ],
      postings: { 1: FREED, 2: FREED },
      status: 'conformant',
      holds: [],
    },
  ]
  it.each(CASES)('$name', ({ lines, postings, status, holds }) => {
    const story = storyOf(received(), inspected({ version: 2, lines }))
    for (const [line, expected] of Object.entries(postings)) {
      const { goal } = story.goal(lineOf(Number(line)))
      const { predicate } = goal
      expect(predicate.type === 'posted' && `${predicate.to} ${goal.lane}`).toBe(expected)
      expect(predicate).toMatchObject({ quantity: pieces(lines[Number(line) - 1]?.[1] ?? 0) })
      expect(goal).toMatchObject({ kind: 'posting', decision: decisionOf(), line: Number(line), decidedBy: 'qms-1:decision:UD-17 j.doe' })
      expect(goal.premise === null).toBe(goal.lane === 'safety')
    }
    expect(story.lot().status).toBe(status)
    expect(story.holds()).toEqual(holds)
  })

  it('holds only the portion that was not accepted', () => {
    const story = storyOf(
      received(),
      inspected({
        version: 2,
        lines: [
          ['accepted', 920, { kind: 'remainder', except: ['SU-2'] }],
          ['rejected', 80, carriers('SU-2')],
        ],
      }),
    )
    expect(story.predicate('held')).toMatchObject({ scope: carriers('SU-2') })
  })

  it('posts restrictions before releases, with causes that do not depend on the version of the record', () => {
    const story = storyOf(received())
    const told = story.tell(
      inspected({
        version: 2,
        lines: [
          ['accepted', 920, carriers('SU-1')],
          ['rejected', 80, carriers('SU-2')],
        ],
      }),
    )
    const set = told.flatMap(({ decision }) => decision.goals).flatMap((change) => (change.change === 'set' ? [change.goal.name] : []))
    expect(set).toEqual(['held', lineOf(2), lineOf(1), 'held'])
    expect(causeText(story.goal(lineOf(1)))).toBe('qms-1/erp-1:receipt:5000001#1#erp-1:batch:RM-100/B-4711')
  })

  it('forgets a decision that is carried out, keeps one that waits for a person, and hears nothing twice', () => {
    const story = storyOf(received(), accepted())
    story.settle(lineOf(), 'parked')
    expect(story.lot().decisions).toMatchObject([{ lines: [{ state: 'parked' }] }])
    story.settle(lineOf())
    expect(story.lot().decisions).toEqual([])
    const before = [story.gate(keyOf())]
    expectNothing(story.tell(accepted()), before)
  })

  it('hears nothing twice that the gate tells it', () => {
    const facts: Fact[] = []
    const story = createStory()
    const source = { instance: 'erp-1', record: 'x', version: null }
    for (const fact of [received(), accepted()]) {
      for (const { decision } of story.tell(fact)) facts.push(...decision.events.map(({ type, data }) => ({ type, data, source })))
      for (const again of facts.splice(0)) {
        if (again.type.includes('qualityStatusChanged')) continue
        const before = [story.lot()]
        expectNothing(story.tell(again), before)
        if (again.type.includes('decided')) facts.push(again)
      }
    }
    story.settle(lineOf())
    const before = [story.lot()]
    expectNothing(story.tell(facts[0] as (typeof facts)[0]), before)
  })
})

describe('holds are a set', () => {
  it('two holds, one lifted: still held, by another generation', () => {
    const story = storyOf(received(), held('H-1'), held('H-2'))
    expect(story.goal('held').generation).toBe(3)
    story.tell(lifted('H-1'))
    expect(story.predicate('held')).toMatchObject({ holds: ['H-2', AWAITING] })
    expect(story.goal('held').generation).toBe(4)
    expect(story.lot().status).toBe('contained')
  })

  it('an early release and its late hold are nothing, in either order', () => {
    const early = storyOf(lifted('H-1'), held('H-1'))
    const late = storyOf(held('H-1'), lifted('H-1'))
    for (const story of [early, late]) {
      expect(story.holds()).toEqual([])
      expect(openGoals(story)).not.toContain('held')
    }
  })

  it('a lift for a part leaves the rest, whichever comes first', () => {
    const facts = [held('H-1'), lifted('H-1', { scope: carriers('SU-1') })]
    for (const order of [facts, [...facts].reverse()]) {
      const story = storyOf(received(), ...order)
      story.tell(accepted())
      expect(story.predicate('held')).toMatchObject({ holds: ['H-1'], scope: { kind: 'remainder', except: ['SU-1'] } })
    }
  })

  it('the same hold and the same lift twice change nothing', () => {
    const story = storyOf(received())
    for (const fact of [held('H-1'), lifted('H-1')]) {
      story.tell(fact)
      const before = [story.lot()]
      expectNothing(story.tell(fact), before)
    }
  })

  it('a hold before the receipt works at once, at the site of the ERP', () => {
    const story = storyOf(held('H-1'))
    expect(story.goal('held').goal).toMatchObject({ site: 'P1', system: 'erp-1', cause: { record: 'hold/H-1' } })
    story.tell(received())
    expect(story.predicate('held')).toMatchObject({ holds: ['H-1', AWAITING].sort() })
  })
})

describe('a hold on released stock', () => {
  it('is restored once, after the last lift, by its evidence', () => {
    const story = releasedStory()
    story.tell(held('H-1'))
    story.tell(held('H-2'))
    story.settle('held')
    story.tell(lifted('H-1'))
    expect(openGoals(story)).toEqual(['held'])
    story.tell(lifted('H-2'))
    expect(openGoals(story)).toEqual(['restore:1'])
    expect(story.goal('restore:1').goal).toMatchObject({
      kind: 'posting',
      lane: 'normal',
      predicate: { type: 'restored', lot: LOT, scope: WHOLE, condition: 'held' },
      decision: 'desk-1:approval:H-2',
      line: 1,
      premise: null,
      decidedBy: 'desk-1:approval:H-2 m.roe',
    })
    story.settle('restore:1')
    expect(story.lot().restoring).toMatchObject({ scope: null, open: [], count: 1 })
  })

  it('is restored portion by portion', () => {
    const story = releasedStory()
    story.tell(held('H-1'))
    story.tell(lifted('H-1', { scope: carriers('SU-1') }))
    expect(story.predicate('restore:1')).toMatchObject({ scope: carriers('SU-1') })
    story.tell(lifted('H-1'))
    expect(story.predicate('restore:2')).toMatchObject({ scope: { kind: 'remainder', except: ['SU-1'] } })
    expect(story.goal('restore:2').goal.line).toBe(2)
  })

  it('that was never released is not restored', () => {
    const story = storyOf(received(), held('H-1'), lifted('H-1'))
    expect(openGoals(story)).toEqual(['held'])
    story.tell(accepted())
    expect(openGoals(story)).toEqual([lineOf()])
  })

  it('waits for releases of the same portion', () => {
    const story = storyOf(received(), accepted(), held('H-1'), lifted('H-1'))
    expect(openGoals(story)).toEqual([lineOf()])
    story.settle(lineOf())
    expect(openGoals(story)).toEqual(['restore:1'])
  })

  it.each(['parked', 'refused'] as const)('stays while a release of the same portion is %s: in doubt nothing is freed', (state) => {
    const story = storyOf(received(), accepted(), held('H-1'), lifted('H-1'))
    story.settle(lineOf(), state)
    expect(openGoals(story)).not.toContain('restore:1')
    story.settle(lineOf())
    expect(openGoals(story)).toContain('restore:1')
  })

  it('that had to be taken out of use although nothing was known to be released goes back after the release', () => {
    const story = storyOf(received())
    story.settle('held', 'met', { applied: 1 })
    story.tell(accepted())
    expect(openGoals(story)).toEqual([lineOf()])
    story.settle(lineOf())
    expect(openGoals(story)).toEqual(['restore:1'])
    expect(story.goal('restore:1').goal).toMatchObject({ decision: 'qms-1:decision:UD-17', predicate: { scope: WHOLE } })
  })

  it('is restored even if it is taken out of use only after the lift', () => {
    const story = storyOf(received(), accepted())
    story.settle(lineOf())
    expect(openGoals(story)).toEqual([])
    story.settle('held', 'withdrawn', { applied: 1 })
    expect(openGoals(story)).toEqual(['restore:1'])
    expect(story.goal('restore:1').goal.decision).toBe('hold ended')
  })

  it('of a lot that was there before Holdpoint is restored as well', () => {
    const story = storyOf(held('H-1'))
    story.settle('held')
    story.tell(lifted('H-1'))
    expect(openGoals(story)).toEqual(['restore:1'])
  })
})

describe('everything went back', () => {
  it('after the decision: open postings are withdrawn, the lot is closed', () => {
    const story = storyOf(received(), accepted(), reversed())
    expect(openGoals(story)).toEqual(['held'])
    expect(story.lot()).toMatchObject({ status: 'closed', receipts: 0, decisions: [] })
  })

  it('a hold of a person outlives it, and a new receipt opens the lot again', () => {
    const story = storyOf(received(), held('H-1'), reversed())
    expect(story.lot().status).toBe('closed')
    expect(story.predicate('held')).toMatchObject({ holds: ['H-1'] })
    story.tell(received({ number: 2 }))
    expect(story.lot()).toMatchObject({ status: 'contained', receipts: 1 })
  })
})

/** Nobody can tell whose it was. */
const takenByHand = { document: '4900000001', from: 'qualityInspection', to: 'unrestricted', quantity: 50 } as const

describe('a second receipt into the lot', () => {
  const second = (stockType: 'qualityInspection' | 'unrestricted' = 'qualityInspection') =>
    received({ number: 2, quantity: 500, stockType })

  it('into inspection stock leaves what is released alone', () => {
    const story = releasedStory()
    story.tell(second())
    expect(openGoals(story)).toEqual([])
    expect(story.holds()).toEqual([`awaiting:${keyOf(2)}`])
    expect(story.lot().status).toBe('mixed')
    story.tell(inspected({ key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', version: 2, lines: [['accepted', 500]] }))
    expect(openGoals(story)).toEqual([lineOf(1, decisionOf('UD-18'))])
    expect(story.holds()).toEqual([])
    expect(story.lot().status).toBe('conformant')
  })

  it('and the first decision releases the first, not both', () => {
    const story = storyOf(received(), second())
    expect(story.predicate('held')).toMatchObject({ holds: [AWAITING, `awaiting:${keyOf(2)}`], scope: WHOLE })
    story.tell(accepted())
    expect(openGoals(story)).toEqual([lineOf()])
    expect(story.holds()).toEqual([`awaiting:${keyOf(2)}`])
    expect(story.lot().status).toBe('mixed')
  })

  it('that lands usable holds the whole lot until it is decided, and then all goes back', () => {
    const story = releasedStory()
    story.tell(second('unrestricted'))
    expect(story.predicate('held')).toMatchObject({ scope: WHOLE, holds: [`awaiting:${keyOf(2)}`] })
    story.tell(inspected({ key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', version: 2, lines: [['accepted', 500]] }))
    expect(openGoals(story)).toEqual([lineOf(1, decisionOf('UD-18'))])
    story.settle(lineOf(1, decisionOf('UD-18')))
    expect(openGoals(story)).toEqual(['restore:1'])
  })

  it('holds the whole lot where policy inspects all', () => {
    const story = createStory({ ...CONTEXT, secondReceipt: 'inspectAll' })
    for (const fact of [received(), accepted(), second()]) story.tell(fact)
    expect(story.predicate('held')).toMatchObject({ scope: WHOLE })
  })

  it('rejected holds the whole batch', () => {
    const story = releasedStory()
    story.tell(second())
    story.tell(inspected({ key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', version: 2, lines: [['rejected', 500]] }))
    expect(story.predicate('held')).toMatchObject({ scope: WHOLE, holds: [`quality:${decisionOf('UD-18')}#rejected`] })
    expect(story.lot().status).toBe('mixed')
  })

  it('holds the whole lot as soon as somebody takes stock out of inspection, until it is decided', () => {
    const story = releasedStory()
    story.tell(second())
    story.tell(moved({ document: '4900000001', from: 'qualityInspection', to: 'unrestricted', quantity: 50 }))
    expect(story.predicate('held')).toMatchObject({ scope: WHOLE, holds: ['loose:erp-1:4900000001'] })
    story.tell(inspected({ key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', version: 2, lines: [['accepted', 500]] }))
    expect(openGoals(story)).toEqual([lineOf(1, decisionOf('UD-18'))])
    story.settle(lineOf(1, decisionOf('UD-18')))
    expect(story.holds()).toEqual([])
    expect(openGoals(story)).toEqual(['restore:1'])
  })

  it('keeps holding all for as long as any of them waits', () => {
    const story = releasedStory()
    story.tell(second())
    story.tell(received({ number: 3, quantity: 200 }))
    story.tell(moved({ document: '4900000001', from: 'qualityInspection', to: 'unrestricted', quantity: 50 }))
    story.tell(inspected({ key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', version: 2, lines: [['accepted', 500]] }))
    expect(story.holds()).toEqual([`awaiting:${keyOf(3)}`, 'loose:erp-1:4900000001'])
    story.tell(inspected({ key: keyOf(3), inspection: 'QI-19', decision: 'UD-19', version: 2, lines: [['accepted', 200]] }))
    expect(openGoals(story)).not.toContain('held')
  })

  it('holds the whole lot although the first is accepted, if stock had been taken out of inspection before', () => {
    const story = storyOf(received(), moved(takenByHand), second(), accepted())
    expect(story.predicate('held')).toMatchObject({ scope: WHOLE, holds: [`awaiting:${keyOf(2)}`] })
    story.tell(inspected({ key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', version: 2, lines: [['accepted', 500]] }))
    expect(openGoals(story)).toEqual([lineOf(), lineOf(1, decisionOf('UD-18'))])
  })

  it('holds the whole lot if stock was taken out of inspection while the first waited for its release', () => {
    const story = storyOf(received(), held('H-1'), accepted(), moved(takenByHand))
    expect(story.predicate('held')).toMatchObject({ holds: ['H-1'] })
    story.tell(second())
    story.tell(lifted('H-1'))
    expect(story.predicate('held')).toMatchObject({ scope: WHOLE, holds: [`awaiting:${keyOf(2)}`] })
  })

  it('is told apart again once the first has been released', () => {
    const story = storyOf(received(), accepted(), moved(takenByHand))
    expect(openGoals(story)).toEqual([lineOf()])
    story.settle(lineOf())
    expect(story.holds()).toEqual([])
    story.tell(second())
    expect(openGoals(story)).toEqual([])
  })

  it('leaves no doubt behind when it goes back', () => {
    const story = releasedStory()
    story.tell(second())
    story.tell(moved(takenByHand))
    story.tell(reversed({ number: 2, quantity: 500 }))
    expect(story.holds()).toEqual([])
  })

  it('ends what a decision over portions had left of the first', () => {
    const lines: readonly LineInput[] = [
      ['accepted', 920, carriers('SU-1')],
      ['rejected', 80, carriers('SU-2')],
    ]
    const story = storyOf(received(), inspected({ version: 2, lines }))
    expect(story.predicate('held')).toMatchObject({ scope: { kind: 'remainder', except: ['SU-1'] } })
    expect(story.lot().status).toBe('mixed')
    story.tell(second())
    expect(story.holds()).toEqual([`awaiting:${keyOf(2)}`, `quality:${decisionOf()}#rejected`])
    expect(story.predicate('held')).toMatchObject({ scope: carriers('SU-2') })
    expect(story.lot().answered).toEqual([])
  })

  it('is waited for no more when its portions are decided', () => {
    const story = releasedStory()
    story.tell(second())
    const lines: readonly LineInput[] = [
      ['accepted', 400, carriers('SU-8')],
      ['rejected', 100, carriers('SU-9')],
    ]
    story.tell(inspected({ key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', version: 2, lines }))
    expect(story.holds()).toEqual([`quality:${decisionOf('UD-18')}#rejected`])
  })

  it('that goes back is waited for no more', () => {
    const story = releasedStory()
    story.tell(second())
    story.tell(reversed({ number: 2, quantity: 500 }))
    expect(story.lot()).toMatchObject({ status: 'conformant', receipts: 1, undecided: [] })
  })

  it('that needs no inspection is usable beside the one that does', () => {
    const story = storyOf(received({ required: 'notRequired' }), second())
    expect(story.holds()).toEqual([`awaiting:${keyOf(2)}`])
    expect(openGoals(story)).toEqual([])
  })
})
