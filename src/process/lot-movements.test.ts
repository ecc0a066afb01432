import { describe, expect, it } from 'vitest'
import { held, lifted, lineOf, moved, pieces, received } from '../../test/process/facts.ts'
import { accepted, openGoals, releasedStory, storyOf } from '../../test/process/stories.ts'
import { expectNothing } from '../../test/process/story.ts'
import { WHOLE } from '../model/scope.ts'

describe('what people move', () => {
  const block = moved({ document: '4900000001', from: 'unrestricted', to: 'blocked' })
  const unblock = moved({ document: '4900000002', from: 'blocked', to: 'unrestricted' })

  it('is adopted as a foreign hold when it restricts, and ends where it was placed', () => {
    const story = releasedStory()
    story.tell(block)
    expect(story.lot().holds.at(-1)).toMatchObject({
      id: 'foreign:erp-1:4900000001',
      hold: { foreign: true, placedBy: 'clerk', placedIn: 'erp-1' },
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

  it('ends a restriction by more than is left of it, and the newest of equal ones', () => {
    const story = releasedStory()
    const part = (document: string) => moved({ document, from: 'blocked', to: 'unrestricted', quantity: 60 })
    for (const fact of [block, part('4900000002'), part('4900000003')]) story.tell(fact)
    expect(story.holds()).toEqual([])
    for (const document of ['4900000004', '4900000005']) story.tell(moved({ document, from: 'unrestricted', to: 'blocked' }))
    story.tell(moved({ document: '4900000006', from: 'blocked', to: 'unrestricted' }))
    expect(story.holds()).toEqual(['foreign:erp-1:4900000004'])
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
