import { describe, it } from 'vitest'
import {
  activeHold,
  at,
  bucket,
  command,
  doc,
  GOAL,
  HOLD,
  inspected,
  move,
  OTHER,
  rejection,
  release,
  restoring,
  stock,
} from '../../test/reconcile/builders.ts'
import { checkWith, type Golden } from '../../test/reconcile/golden.ts'

/** A batch of two receipts: 100 were rejected, and 300 that had been released were blocked by the hold. */
const REJECTED = 'goal-rejected'
const commands = [
  command(move(100, 'qualityInspection', 'blocked'), { goal: REJECTED, reference: 'HPR0' }),
  command(move(300, 'unrestricted', 'blocked'), { goal: HOLD, reference: 'HPH0' }),
]
const documents = [doc('HPH0', 300, 'unrestricted', 'blocked'), doc('HPR0', 100, 'qualityInspection', 'blocked')]
const policy = { undoes: [HOLD, REJECTED], replaced: [{ posting: REJECTED, by: GOAL }] }
const both = [bucket('blocked', 400)]

describe('a decision that takes the place of a rejection', () => {
  it.each<Golden>([
    {
      name: 'frees what the rejection had put to blocked, and leaves what waits in inspection to its own decision',
      observation: stock([...both, ...inspected], { documents }),
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'takes from inspection what the rejection had not come to',
      commands: [],
      observation: stock(inspected, { documents: [] }),
      expected: 'send #0 HP0 100 qualityInspection > unrestricted',
    },
    {
      name: 'takes no more from there than stands there',
      observation: stock([bucket('blocked', 360), ...inspected], {
        documents: [...documents, doc('HP9', 40, 'blocked', 'unrestricted', { at: at(60) })],
      }),
      commands: [...commands, command(move(40, 'blocked', 'unrestricted'), { goal: OTHER, reference: 'HP9' })],
      policy: { ...policy, replaced: [...policy.replaced, { posting: REJECTED, by: OTHER }] },
      expected: 'send #0 HP0 60 blocked > unrestricted',
    },
    {
      name: 'not while a hold covers it',
      observation: stock(both, { documents }),
      policy: { ...policy, holds: activeHold() },
      expected: 'blocked heldBy:h1 (no exception)',
    },
    {
      name: 'and rejects again: what stands in blocked is not taken a second time from another receipt',
      goal: rejection(),
      observation: stock([...both, ...inspected], { documents }),
      expected: 'met observed',
    },
    {
      name: 'and rejects again, after part of it had been freed',
      goal: rejection(),
      commands: [...commands, command(move(40, 'blocked', 'unrestricted'), { goal: OTHER, reference: 'HP9' })],
      policy: { ...policy, replaced: [...policy.replaced, { posting: REJECTED, by: OTHER }] },
      observation: stock([bucket('blocked', 360), ...inspected], {
        documents: [...documents, doc('HP9', 40, 'blocked', 'unrestricted', { at: at(60) })],
      }),
      expected: 'send #0 HP0 100 qualityInspection > blocked',
    },
  ])('$name', (golden) => checkWith(release())({ commands, policy, ...golden }))

  it.each<Golden>([
    {
      name: 'leaves what the hold had taken out of use to be restored in full',
      policy: { replaced: [{ posting: REJECTED, by: OTHER }] },
      expected: 'send #0 HP0 300 blocked > unrestricted',
    },
    {
      name: 'but another decision may have taken from it',
      policy: { replaced: [] },
      expected: 'send #0 HP0 200 blocked > unrestricted',
    },
  ])('$name', (golden) =>
    checkWith(restoring())({
      commands: [...commands, command(move(100, 'blocked', 'unrestricted'), { goal: OTHER, reference: 'HP9' })],
      observation: stock([bucket('blocked', 300), bucket('unrestricted', 100)], {
        documents: [...documents, doc('HP9', 100, 'blocked', 'unrestricted', { at: at(60) })],
      }),
      ...golden,
    }),
  )
})

describe('a release that was held again before it was complete', () => {
  const freed = command(move(60, 'qualityInspection', 'unrestricted'), { reference: 'HP0' })
  const held = command(move(60, 'unrestricted', 'blocked'), { goal: HOLD, reference: 'HPH0' })

  it.each<Golden>([
    {
      name: 'does not post a second time what it had freed: that is restored',
      observation: stock([bucket('blocked', 60)], {
        documents: [doc('HP0', 60, 'qualityInspection', 'unrestricted'), doc('HPH0', 60, 'unrestricted', 'blocked', { at: at(60) })],
      }),
      expected: 'park posting.doneElsewhere',
    },
    {
      name: 'takes what had never been freed',
      observation: stock([bucket('blocked', 100)], {
        documents: [doc('HP0', 60, 'qualityInspection', 'unrestricted'), doc('HPH0', 100, 'unrestricted', 'blocked', { at: at(60) })],
      }),
      expected: 'send #1 HP1 40 blocked > unrestricted',
    },
  ])('$name', (golden) => checkWith(release())({ commands: [freed, held], ...golden }))
})
