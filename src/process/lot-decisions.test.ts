import { describe, expect, it } from 'vitest'
import {
  carriers,
  DECIDED_AT,
  decisionOf,
  held,
  inspected,
  keyOf,
  LOT,
  lifted,
  lineOf,
  pieces,
  received,
} from '../../test/process/facts.ts'
import { accepted, openGoals, releasedStory, storyOf } from '../../test/process/stories.ts'
import { causeText } from '../../test/process/story.ts'

const AWAITING = `awaiting:${keyOf()}`
const LATER = '2026-11-05T09:00:00.000Z'

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
    expect(causeText(story.goal(lineOf(1, decisionOf('UD-17', LATER))))).toBe('qms-1/erp-1:receipt:5000001#1#erp-1:batch:RM-100/B-4711')
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
    story.settle('held', 'met', { generation: 1 })
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

  it('and whose successor names portions, leaves a hold on the rest that nobody waits for', () => {
    const story = releasedStory()
    story.tell(inspected({ version: 3, lines: [['accepted', 1000, carriers('SU-1')]], decidedAt: LATER }))
    expect(story.lot().status).toBe('inInspection')
    story.settle('held')
    expect(story.predicate('held')).toMatchObject({ holds: [`reopened:${decisionOf()}`], scope: { kind: 'remainder', except: ['SU-1'] } })
    expect(story.lot().status).toBe('conformant')
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
