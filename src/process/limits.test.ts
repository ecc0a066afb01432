import { describe, expect, it } from 'vitest'
import {
  carriers,
  decisionOf,
  held,
  inspected,
  keyOf,
  type LineInput,
  lifted,
  lineOf,
  moved,
  pieces,
  received,
  reversed,
} from '../../test/process/facts.ts'
import { accepted, openGoals, releasedStory, storyOf } from '../../test/process/stories.ts'
import { createStory } from '../../test/process/story.ts'
import { WHOLE } from '../model/scope.ts'

const AWAITING = `awaiting:${keyOf()}`
const long = (name: string, index: number) => `${name}-${String(index).padStart(90, '0')}`
const onePiece = (count: number): readonly LineInput[] =>
  Array.from({ length: count }, (_, index) => ['accepted', 1, carriers(`SU-${index}`)])

describe('a lot to which everything happens', () => {
  it('stays below the limit of its state', () => {
    const story = storyOf(received({ quantity: 150 }))
    for (let index = 0; index < 45; index++) story.tell(lifted(long('L', index)))
    for (let index = 0; index < 25; index++) {
      story.tell(moved({ document: long('D', index), from: 'unrestricted', to: 'blocked', quantity: 100 + index }))
      story.tell(moved({ document: long('E', index), from: 'blocked', to: 'unrestricted', quantity: 100 + index }))
      story.tell(moved({ document: long('F', index), from: 'unrestricted', to: 'blocked', quantity: 100 + index }))
    }
    for (let index = 0; index < 85; index++) story.tell(held(long('H', index), { scope: carriers(long('SU', index)) }))
    const lines = Array.from({ length: 150 }, (_, index): LineInput => ['accepted', 1, carriers(`SU-${'0'.repeat(18)}${index}`)])
    story.tell(inspected({ version: 2, lines }))
    expect(story.lot().decisions[0]?.lines).toHaveLength(150)
    expect(story.holds()).toContain('overflow')
    const bytes = JSON.stringify(story.lot()).length
    expect([bytes > 40_000, bytes < 64 * 1024]).toEqual([true, true])
    expect(JSON.stringify(story.gate(keyOf())).length).toBeLessThan(64 * 1024)
  })
})

describe('holds', () => {
  it('beyond the limit one hold of the whole lot stands for all further ones, and only a person ends it', () => {
    const story = storyOf(received())
    for (let index = 1; index <= 85; index++) story.tell(held(`H-${index}`, { scope: carriers(`SU-${index}`) }))
    expect(story.holds()).toContain('overflow')
    expect(story.holds().length).toBeLessThan(85)
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

  it('are remembered as lifted while there is room, the newest first', () => {
    const story = storyOf(received())
    for (let index = 0; index < 100; index++) story.tell(lifted(long('L', index)))
    const remembered = story.lot().holds.filter(({ hold }) => hold === null)
    expect(remembered.length).toBeLessThan(40)
    story.tell(held(long('L', 99)))
    expect(story.holds()).toEqual([AWAITING])
    story.tell(held(long('L', 0)))
    expect(story.holds()).toEqual([long('L', 0), AWAITING])
  })

  it('of people beyond the limit hold, but nobody waits for their undoing', () => {
    const story = releasedStory()
    for (let index = 0; index < 25; index++)
      story.tell(moved({ document: `49-${index}`, from: 'unrestricted', to: 'blocked', quantity: 1 }))
    expect(story.lot().foreign).toHaveLength(20)
    expect(story.exceptions()).toHaveLength(20)
    expect(story.holds()).toHaveLength(25)
  })

  it('that took too many carriers out of use leave the last of them to a person', () => {
    const story = releasedStory()
    for (let index = 0; index < 12; index++) story.tell(held(`H-${index}`, { scope: carriers(long('SU', index)) }))
    expect(story.exceptions()).toEqual(['input.tooLarge'])
    expect(JSON.stringify(story.lot().restoring).length).toBeLessThan(1_200)
  })

  it('are made up for in a few steps at a time', () => {
    const story = releasedStory()
    story.tell(held('H-1'))
    for (let index = 1; index <= 7; index++) story.tell(lifted('H-1', { scope: carriers(`SU-${index}`) }))
    expect(openGoals(story)).toEqual(['held', 'restore:1', 'restore:2', 'restore:3', 'restore:4', 'restore:5'])
    story.settle('restore:2')
    expect(story.predicate('restore:6')).toMatchObject({ scope: carriers('SU-6', 'SU-7') })
  })
})

describe('decisions', () => {
  it('that do not fit are not carried out, and are when they come again and fit', () => {
    const story = storyOf(received({ quantity: 150 }), received({ number: 2, quantity: 150 }))
    story.tell(inspected({ version: 2, lines: onePiece(150) }))
    const second = { key: keyOf(2), inspection: 'QI-18', decision: 'UD-18', lines: onePiece(150) }
    story.tell(inspected({ ...second, version: 2 }))
    expect(story.exceptions()).toEqual(['input.tooLarge'])
    expect(story.holds()).toEqual([`awaiting:${keyOf(2)}`])
    for (let line = 1; line <= 150; line++) story.settle(lineOf(line))
    story.tell(inspected({ ...second, version: 3 }))
    expect(story.exceptions()).toEqual([])
    expect(story.lot().decisions).toMatchObject([{ decision: decisionOf('UD-18') }])
  })

  it('with too many lines or carriers are not handed on', () => {
    const names = (index: number) => Array.from({ length: 3 }, (_, part) => long('SU', 3 * index + part))
    const carried = Array.from({ length: 20 }, (_, index): LineInput => ['accepted', 10, carriers(...names(index))])
    for (const lines of [onePiece(200), carried]) {
      const story = storyOf(received({ quantity: 200 }))
      const told = story.tell(inspected({ version: 2, lines }))
      expect(told.flatMap(({ decision }) => decision.events)).toEqual([])
      expect(story.exceptions()).toEqual(['input.tooLarge'])
      expect(story.holds()).toEqual([AWAITING])
      story.tell(inspected({ version: 3, status: 'reopened' }))
      expect(story.exceptions()).toEqual([])
    }
  })

  it('of many records with one key are not all kept', () => {
    const story = createStory()
    for (let index = 1; index <= 7; index++) story.tell(inspected({ version: 1, inspection: `QI-${index}`, lines: [['accepted', 1000]] }))
    expect(story.gate(keyOf()).records.map(({ decision }) => decision !== null)).toEqual([false, false, false, true, true])
    story.tell(received())
    expect(story.holds()).toEqual([AWAITING])
  })
})

describe('reversals', () => {
  it('are added up beyond the limit', () => {
    const story = storyOf(received())
    for (let index = 0; index < 50; index++) story.tell(reversed({ quantity: 1, document: String(index) }))
    expect(story.gate(keyOf()).reversals).toHaveLength(40)
    story.tell(inspected({ version: 2, lines: [['accepted', 950]] }))
    expect(story.predicate(lineOf())).toMatchObject({ quantity: pieces(950) })
  })
})
