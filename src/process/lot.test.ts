import { describe, expect, it } from 'vitest'
import {
  carriers,
  DECIDED_AT,
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
import { CONTEXT, causeText, expectNothing, type Story, tellStory } from '../../test/process/story.ts'
import { WHOLE } from '../model/scope.ts'

const AWAITING = `awaiting:${keyOf()}`
const LATER = '2026-11-05T09:00:00.000Z'

function storyOf(...facts: Parameters<Story['tell']>[0][]): Story {
  const story = tellStory()
  for (const fact of facts) story.tell(fact)
  return story
}

const accepted = (version = 2): Parameters<Story['tell']>[0] => inspected({ version, lines: [['accepted', 1000]] })

/** Received, accepted, posted. */
function releasedStory(): Story {
  const story = storyOf(received(), accepted())
  story.settle(lineOf())
  return story
}

const openGoals = (story: Story): readonly string[] =>
  Object.entries(story.goals())
    .filter(([name, { state }]) => state === 'open' && name !== 'inspection')
    .map(([name]) => name)
    .sort()

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
    expect(causeText(story.goal(lineOf(1)))).toBe('qms-1/inspection/QI-17')
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
    const facts: Parameters<Story['tell']>[0][] = []
    const story = tellStory()
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

  it('beyond the limit one hold of the whole lot stands for all further ones, and only a person ends it', () => {
    const story = storyOf(received())
    for (let index = 1; index <= 85; index++) story.tell(held(`H-${index}`, { scope: carriers(`SU-${index}`) }))
    expect(story.holds()).toContain('overflow')
    expect(story.holds()).toHaveLength(81)
    expect(story.exceptions()).toEqual(['input.tooLarge'])
    for (let index = 1; index <= 85; index++) story.tell(lifted(`H-${index}`))
    story.tell(accepted())
    expect(story.predicate('held')).toMatchObject({ holds: ['overflow'], scope: WHOLE })
    story.tell(lifted('overflow'))
    expect(story.exceptions()).toEqual([])
    expect(openGoals(story)).not.toContain('held')
  })

  it('a hold on more carriers than can be kept holds the whole lot', () => {
    const many = Array.from({ length: 200 }, (_, index) => `HU-${'0'.repeat(60)}${index}`)
    const story = storyOf(received(), accepted(), held('H-1', { scope: carriers(...many) }))
    expect(story.predicate('held')).toMatchObject({ scope: WHOLE })
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

  it('of a lot that was there before Holdpoint is restored as well', () => {
    const story = storyOf(held('H-1'))
    story.settle('held')
    story.tell(lifted('H-1'))
    expect(openGoals(story)).toEqual(['restore:1'])
  })
})

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
    const story = tellStory({ ...CONTEXT, secondReceipt: 'inspectAll' })
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
    expect(story.holds()).toEqual([])
    story.settle(lineOf(1, decisionOf('UD-18')))
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
    expect(story.holds()).toEqual([])
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

describe('a decision that no longer stands', () => {
  it('is withdrawn while open, and the lot is held again', () => {
    const story = storyOf(received(), accepted(), inspected({ version: 3, status: 'reopened' }))
    expect(openGoals(story)).toEqual(['held'])
    expect(story.predicate('held')).toMatchObject({ holds: [`reopened:${decisionOf()}`] })
    expect(story.lot()).toMatchObject({ status: 'inInspection', outcomes: { accepted: 0 } })
  })

  it('is followed by the next only after what it had released is out of use', () => {
    const story = releasedStory()
    story.tell(inspected({ version: 3, lines: [['accepted', 1000]], decidedAt: LATER }))
    expect(openGoals(story)).toEqual(['held'])
    expect(story.lot().pending).toHaveLength(1)
    story.settle('held')
    expect(openGoals(story)).toEqual([lineOf(1, decisionOf('UD-17', LATER))])
    expect(causeText(story.goal(lineOf(1, decisionOf('UD-17', LATER))))).toBe('qms-1/inspection/QI-17')
    expect(story.holds()).toEqual([])
    story.settle(lineOf(1, decisionOf('UD-17', LATER)))
    expect(openGoals(story)).toEqual([])
    expect(story.lot()).toMatchObject({ status: 'conformant', outcomes: { accepted: 1 }, pending: [] })
  })

  it('waits again although the lot had been out of use before', () => {
    const story = storyOf(received())
    story.settle('held')
    story.tell(accepted())
    story.settle(lineOf())
    story.tell(inspected({ version: 3, lines: [['accepted', 1000]], decidedAt: LATER }))
    expect(story.lot().pending).toHaveLength(1)
    story.settle('held', 'met', 1)
    expect(story.lot().pending).toHaveLength(1)
    story.settle('held', 'parked')
    expect(story.lot().pending).toHaveLength(1)
    story.settle('held')
    expect(story.lot().pending).toHaveLength(0)
  })

  it('and is already out of use, is followed at once', () => {
    const story = releasedStory()
    story.tell(inspected({ version: 3, status: 'reopened' }))
    story.settle('held')
    story.tell(inspected({ version: 4, lines: [['accepted', 1000]], decidedAt: LATER }))
    expect(openGoals(story)).toEqual([lineOf(1, decisionOf('UD-17', LATER))])
  })

  it('takes its successor with it if that is reopened while it waits', () => {
    const story = releasedStory()
    story.tell(inspected({ version: 3, lines: [['rejected', 1000]], decidedAt: LATER }))
    story.tell(inspected({ version: 4, status: 'reopened' }))
    expect(story.lot()).toMatchObject({ pending: [], outcomes: { accepted: 0, rejected: 0, quarantined: 0 } })
    story.settle('held')
    expect(openGoals(story)).toEqual([])
    story.tell(inspected({ version: 5, lines: [['accepted', 1000]], decidedAt: '2026-11-06T09:00:00.000Z' }))
    expect(openGoals(story)).toEqual([lineOf(1, decisionOf('UD-17', '2026-11-06T09:00:00.000Z'))])
    expect(story.holds()).toEqual([])
  })

  it('counts no line that was never carried out', () => {
    const story = storyOf(received(), accepted(), received({ number: 2, quantity: 500 }))
    story.tell(inspected({ key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', version: 2, lines: [['rejected', 500]] }))
    story.tell(inspected({ version: 3, lines: [['rejected', 1000]], decidedAt: LATER }))
    expect(story.lot().outcomes).toEqual({ accepted: 0, rejected: 1, quarantined: 0 })
    story.tell(inspected({ version: 4, status: 'reopened' }))
    expect(story.lot().outcomes).toEqual({ accepted: 0, rejected: 1, quarantined: 0 })
  })

  it('from rejected to accepted frees what the first decision held', () => {
    const story = storyOf(received(), inspected({ version: 2, lines: [['rejected', 1000]] }))
    story.settle(lineOf())
    story.tell(inspected({ version: 3, lines: [['accepted', 1000]], decidedAt: LATER }))
    story.settle('held')
    expect(story.holds()).toEqual([])
    expect(story.lot().status).toBe('conformant')
  })

  it('from accepted to partly rejected holds the rejected portion throughout', () => {
    const story = releasedStory()
    story.tell(
      inspected({
        version: 3,
        decidedAt: LATER,
        lines: [
          ['accepted', 900, { kind: 'remainder', except: ['SU-2'] }],
          ['rejected', 100, carriers('SU-2')],
        ],
      }),
    )
    expect(story.holds()).toEqual([`quality:${decisionOf('UD-17', LATER)}#rejected`, `reopened:${decisionOf()}`])
    story.settle('held')
    expect(story.predicate('held')).toMatchObject({ scope: carriers('SU-2') })
    expect(story.lot().status).toBe('mixed')
  })

  it('keeps the premise of a waiting decision up to date', () => {
    const story = releasedStory()
    story.tell(inspected({ version: 3, lines: [['accepted', 1000]], decidedAt: LATER }))
    story.tell(inspected({ version: 4, lines: [['accepted', 1000]], decidedAt: LATER }))
    story.settle('held')
    expect(story.goal(lineOf(1, decisionOf('UD-17', LATER))).goal.premise?.version).toBe('4')
  })

  it('takes a restore with it, which is asked for anew afterwards', () => {
    const story = releasedStory()
    for (const fact of [held('H-1'), lifted('H-1')]) story.tell(fact)
    expect(openGoals(story)).toEqual(['restore:1'])
    story.tell(inspected({ version: 3, status: 'reopened' }))
    expect(openGoals(story)).toEqual(['held'])
    story.settle('held')
    story.tell(inspected({ version: 4, lines: [['accepted', 1000]], decidedAt: LATER }))
    story.settle(lineOf(1, decisionOf('UD-17', LATER)))
    expect(openGoals(story)).toEqual(['restore:2'])
  })
})

describe('a decision the lot cannot carry out', () => {
  it('in lines without carriers frees nothing, and a corrected one closes it', () => {
    const story = storyOf(received())
    const lines = [
      { line: 1, outcome: 'accepted', quantity: pieces(900), portion: null },
      { line: 2, outcome: 'rejected', quantity: pieces(100), portion: null },
    ]
    const data = {
      lot: LOT,
      erp: 'erp-1',
      decision: 'D-1',
      number: 'qms-1:decision:D-1',
      decidedBy: 'j.doe',
      decidedAt: DECIDED_AT,
      lines,
      premise: { qms: 'qms-1', inspectionKey: keyOf(), version: '2' },
      hold: AWAITING,
      supersedes: [] as string[],
    }
    const source = { instance: 'qms-1', record: 'inspection/QI-17', version: '2' }
    story.tell({ type: 'holdpoint.inspection.decided.v1', source, data })
    expect(story.exceptions()).toEqual(['portion.carrierMissing'])
    expect(story.holds()).toEqual([AWAITING])
    expect(openGoals(story)).toEqual(['held'])
    const first = lines.slice(0, 1)
    story.tell({ type: 'holdpoint.inspection.decided.v1', source, data: { ...data, decision: 'D-2', lines: first, supersedes: ['D-1'] } })
    expect(story.exceptions()).toEqual([])
    expect(openGoals(story)).toEqual(['line:D-2:1'])
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

describe('what people move', () => {
  const block = moved({ document: '4900000001', from: 'unrestricted', to: 'blocked' })
  const unblock = moved({ document: '4900000002', from: 'blocked', to: 'unrestricted' })

  it('is adopted as a foreign hold when it restricts, and ends where it was placed', () => {
    const story = releasedStory()
    story.tell(block)
    expect(story.lot().holds.at(-1)?.hold).toMatchObject({
      id: 'foreign:erp-1:4900000001',
      foreign: true,
      placedBy: 'clerk',
      placedIn: 'erp-1',
    })
    expect(story.exceptions()).toEqual(['hold.foreign'])
    expect(story.lot().status).toBe('contained')
    const before = [story.lot()]
    expectNothing(story.tell(block), before)
    story.tell(unblock)
    expect(story.holds()).toEqual([])
    expect(story.exceptions()).toEqual([])
    expect(openGoals(story)).toEqual(['restore:1'])
  })

  it('between receipt and decision stands in the way of the release until it ends', () => {
    const story = storyOf(received(), moved({ document: '4900000001', from: 'qualityInspection', to: 'blocked' }), accepted())
    expect(story.holds()).toEqual(['foreign:erp-1:4900000001'])
    expect(story.predicate('held')).toMatchObject({ holds: ['foreign:erp-1:4900000001'], scope: WHOLE })
    story.tell(moved({ document: '4900000002', from: 'blocked', to: 'qualityInspection' }))
    expect(openGoals(story)).toEqual([lineOf()])
  })

  it('may also be ended by a named decision', () => {
    const story = releasedStory()
    story.tell(block)
    story.tell(lifted('foreign:erp-1:4900000001'))
    expect(story.lot().foreign).toEqual([])
    expect(story.exceptions()).toEqual([])
  })

  const RESTRICTS = [
    ['unrestricted', 'blocked', true],
    ['unrestricted', 'restricted', true],
    ['unrestricted', 'qualityInspection', true],
    ['qualityInspection', 'blocked', true],
    ['restricted', 'blocked', true],
    ['blocked', 'qualityInspection', false],
    ['qualityInspection', 'restricted', false],
    [null, 'blocked', false],
    ['unrestricted', null, false],
    ['unrestricted', 'unrestricted', false],
  ] as const
  it.each(RESTRICTS)('from %s to %s is a restriction: %s', (from, to, restricts) => {
    const story = releasedStory()
    story.tell(moved({ document: '4900000001', from, to }))
    expect(story.holds()).toEqual(restricts ? ['foreign:erp-1:4900000001'] : [])
  })

  it.each([
    ['HP0123456789ABCD', []],
    ['HP0123456789ABCDEFGH', []],
    ['HP printer moved', ['foreign:erp-1:4900000001']],
    ['hp0123456789abcd', ['foreign:erp-1:4900000001']],
    ['QX0123456789ABCD', ['foreign:erp-1:4900000001']],
    ['HP-4711', ['foreign:erp-1:4900000001']],
    ['HP4711', ['foreign:erp-1:4900000001']],
  ])('with reference %s is foreign or not', (reference, holds) => {
    const story = releasedStory()
    story.tell(moved({ document: '4900000001', from: 'unrestricted', to: 'blocked', reference }))
    expect(story.holds()).toEqual(holds)
  })

  it('ends the restriction of the same quantity, whatever else holds the lot', () => {
    const story = releasedStory()
    story.tell(moved({ document: '4900000001', from: 'unrestricted', to: 'blocked', quantity: 100 }))
    story.tell(moved({ document: '4900000002', from: 'unrestricted', to: 'blocked', quantity: 30 }))
    story.tell(held('H-1'))
    story.tell(moved({ document: '4900000003', from: 'blocked', to: 'unrestricted', quantity: 30 }))
    expect(story.holds()).toEqual(['H-1', 'foreign:erp-1:4900000001'])
    story.tell(moved({ document: '4900000004', from: 'blocked', to: 'unrestricted', quantity: 50 }))
    expect(story.holds()).toEqual(['H-1', 'foreign:erp-1:4900000001'])
    expect(story.lot().foreign).toMatchObject([{ left: pieces(100) }])
  })

  it('ends a restriction in parts only while it is the one hold', () => {
    const story = releasedStory()
    story.tell(block)
    const part = moved({ document: '4900000003', from: 'blocked', to: 'unrestricted', quantity: 60 })
    story.tell(part)
    expect(story.lot().foreign).toMatchObject([{ left: pieces(40) }])
    story.tell(part)
    expect(story.lot().foreign).toMatchObject([{ left: pieces(40) }])
    story.tell(moved({ document: '4900000004', from: 'blocked', to: null, quantity: 40 }))
    expect(story.holds()).toEqual([])
  })

  it('out of another stock type ends nothing', () => {
    const story = releasedStory()
    story.tell(block)
    story.tell(moved({ document: '4900000002', from: 'qualityInspection', to: 'unrestricted' }))
    expect(story.holds()).toEqual(['foreign:erp-1:4900000001'])
  })

  it('towards use while held asks for a fresh look, without another generation', () => {
    const story = storyOf(received())
    story.settle('held')
    const told = story.tell(moved({ document: '4900000001', from: 'qualityInspection', to: 'unrestricted' }))
    expect(told[0]?.decision.goals).toMatchObject([{ change: 'set', goal: { name: 'held' } }])
    expect(story.goal('held').generation).toBe(1)
    expect(story.lot().heldMet).toBe(true)
  })

  it('towards use while nothing holds it is nobody’s business', () => {
    const story = releasedStory()
    const before = [story.lot()]
    expectNothing(story.tell(moved({ document: '4900000001', from: 'qualityInspection', to: 'unrestricted' })), before)
  })
})
