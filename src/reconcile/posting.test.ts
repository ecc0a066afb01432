import { describe, it } from 'vitest'
import {
  activeHold,
  at,
  bucket,
  command,
  doc,
  except,
  free,
  inspected,
  move,
  on,
  pieces,
  posted,
  rejection,
  release,
  shown,
  stock,
} from '../../test/reconcile/builders.ts'
import { checkWith, type Golden } from '../../test/reconcile/golden.ts'
import type { Command, Goal } from '../model/goal.ts'

const check = checkWith(release())
const reversal = (of: string, value: number) =>
  doc(null, value, 'unrestricted', 'qualityInspection', { number: `R-${of}`, reverses: of, at: at(60), by: 'clerk' })

describe('a release', () => {
  it.each<Golden>([
    { name: 'reads the sources first', expected: 'read from 90' },
    { name: 'not on the word of a sweep', observation: stock(inspected, { source: 'sweep' }), expected: 'read from 90' },
    { name: 'nor of an old read', observation: stock(inspected, { began: 80 }), expected: 'read from 90' },
    { name: 'takes from quality inspection', observation: stock(inspected), expected: 'send #0 HP0 100 qualityInspection > unrestricted' },
    {
      name: 'takes no more than was decided',
      observation: stock([bucket('qualityInspection', 1_000)]),
      expected: 'send #0 HP0 100 qualityInspection > unrestricted',
    },
    {
      name: 'takes bucket by bucket',
      observation: stock([bucket('qualityInspection', 60, { location: 'L2' }), bucket('qualityInspection', 70, { location: 'L1' })]),
      expected: 'send #0 HP0 70 qualityInspection > unrestricted',
    },
    { name: 'is in flight', commands: [posted(100, 0, { state: 'intent' })], observation: stock(free), expected: 'wait inFlight' },
    { name: 'was answered; the answer is evidence', commands: [posted(100)], policy: { evidence: 'answer' }, expected: 'met answer' },
    { name: 'was answered; the answer is no evidence', commands: [posted(100)], expected: 'read from 92' },
    {
      name: 'shows its document',
      commands: [posted(100)],
      observation: stock(free, { documents: [shown(100)] }),
      expected: 'met readBack',
    },
    {
      name: 'shows its document, in parts',
      commands: [posted(70), posted(30, 1)],
      observation: stock(free, { documents: [shown(70), shown(30, 1)] }),
      expected: 'met readBack',
    },
    {
      name: 'shows its document; what became of the goods does not matter',
      commands: [posted(100)],
      observation: stock([], { documents: [shown(100)] }),
      expected: 'met readBack',
    },
    {
      name: 'is partly done: the rest under the next reference',
      commands: [posted(70)],
      observation: stock([bucket('qualityInspection', 30)], { documents: [shown(70)] }),
      expected: 'send #1 HP1 30 qualityInspection > unrestricted',
    },
    {
      name: 'counts exactly',
      goal: release({ predicate: { ...release().predicate, quantity: { value: '0.3', uom: 'KGM' } } as Goal['predicate'] }),
      commands: [
        command({ ...move(0, 'qualityInspection', 'unrestricted'), quantity: { value: '0.1', uom: 'KGM' } } as Command['action'], {
          ordinal: 0,
        }),
        command({ ...move(0, 'qualityInspection', 'unrestricted'), quantity: { value: '0.2', uom: 'KGM' } } as Command['action'], {
          ordinal: 1,
        }),
      ],
      policy: { evidence: 'answer' },
      expected: 'met answer',
    },
    {
      name: 'stands twice under one reference',
      commands: [posted(100)],
      observation: stock(free, { documents: [shown(100), shown(100, 0, { number: 'D-again' })] }),
      expected: 'park command.ambiguous',
    },
    {
      name: 'stands twice, and yet for less than decided',
      commands: [posted(30)],
      observation: stock(inspected, { documents: [shown(30), shown(30, 0, { number: 'D-again' })] }),
      expected: 'park command.ambiguous',
    },
    {
      name: 'goods that are missing may only not show yet',
      goal: release({ setAt: at(98) }),
      observation: stock([]),
      expected: 'read from 100',
    },
    {
      name: 'stands twice, and a person has reversed one',
      commands: [posted(100)],
      observation: stock(free, { documents: [shown(100), shown(100, 0, { number: 'D-again' }), reversal('D-again', 100)] }),
      expected: 'met readBack',
    },
    {
      name: 'stands for more than decided',
      commands: [posted(100)],
      observation: stock(free, { documents: [shown(120)] }),
      expected: 'park command.ambiguous',
    },
    { name: 'is met: never looked at again', goal: release({ state: 'met' }), observation: stock(inspected), expected: 'none' },
    {
      name: 'shadow does not send',
      observation: stock(inspected),
      policy: { sending: 'shadow' },
      expected: 'blocked shadow (no exception)',
    },
    {
      name: 'of nothing is met',
      goal: release({ predicate: { ...release().predicate, quantity: pieces(0) } as Goal['predicate'] }),
      expected: 'met readBack',
    },
    {
      name: 'booked in another unit is not counted',
      commands: [posted(100)],
      observation: stock(free, { documents: [shown(100, 0, { quantity: { value: '100', uom: 'KGM' } })] }),
      expected: 'blocked unit (mapping.failed)',
    },
    {
      name: 'of a lot kept in another unit',
      observation: stock([bucket('qualityInspection', 0, { quantity: { value: '100', uom: 'KGM' } })]),
      expected: 'blocked unit (mapping.failed)',
    },
  ])('$name', check)
})

describe('a release that may not go', () => {
  it.each<Golden>([
    { name: 'an active hold: not even a read', policy: { holds: activeHold() }, expected: 'blocked heldBy:h1 (no exception)' },
    {
      name: 'every hold is named',
      observation: stock(inspected),
      policy: { holds: [...activeHold(undefined, 'h2'), ...activeHold(on('A'), 'h1', 'h2')] },
      expected: 'blocked heldBy:h1,h2 (no exception)',
    },
    { name: 'a hold on part of it', policy: { holds: activeHold(on('A')) }, expected: 'blocked heldBy:h1 (no exception)' },
    {
      name: 'a hold on another sublot',
      goal: release({}, on('B')),
      observation: stock([bucket('qualityInspection', 100, { carrier: 'B' })]),
      policy: { holds: activeHold(on('A')) },
      expected: 'send #0 HP0 100 qualityInspection@B > unrestricted',
    },
    {
      name: 'a hold on the rest of the lot',
      goal: release({}, on('B')),
      observation: stock([bucket('qualityInspection', 100, { carrier: 'B' })]),
      policy: { holds: activeHold(except('B')) },
      expected: 'send #0 HP0 100 qualityInspection@B > unrestricted',
    },
    {
      name: 'a hold on the rest, which is more',
      goal: release({}, on('B', 'C')),
      policy: { holds: activeHold(except('B')) },
      expected: 'blocked heldBy:h1 (no exception)',
    },
    {
      name: 'the rest without A, held: B',
      goal: release({}, except('A')),
      policy: { holds: activeHold(on('A')) },
      observation: stock([bucket('qualityInspection', 100, { carrier: 'B' })]),
      expected: 'send #0 HP0 100 qualityInspection@B > unrestricted',
    },
    {
      name: 'two remainders always share something',
      goal: release({}, except('A')),
      policy: { holds: activeHold(except('B')) },
      expected: 'blocked heldBy:h1 (no exception)',
    },
    {
      name: 'a sublot that stands in a held location',
      goal: release({}, on('B')),
      observation: stock([bucket('qualityInspection', 100, { carrier: 'B', location: 'Q7' })]),
      policy: { holds: activeHold(on('Q7')) },
      expected: 'blocked heldBy:h1 (no exception)',
    },
    {
      name: 'the hold came after part of it was posted',
      commands: [posted(70)],
      observation: stock([bucket('qualityInspection', 30)], { documents: [shown(70)] }),
      policy: { holds: activeHold() },
      expected: 'blocked heldBy:h1 (no exception)',
    },
    {
      name: 'a hold that came when all was posted changes nothing about that',
      commands: [posted(100)],
      observation: stock(free, { documents: [shown(100)] }),
      policy: { holds: activeHold() },
      expected: 'met readBack',
    },
    {
      name: 'the decision no longer stands',
      observation: stock(inspected),
      policy: { premise: 'gone' },
      expected: 'park posting.premiseGone',
    },
    {
      name: 'the decision no longer stands, but all was posted',
      commands: [posted(100)],
      policy: { premise: 'gone', evidence: 'answer' },
      expected: 'met answer',
    },
    { name: 'the decision has to be read again, after the stock', policy: { premise: 'stale' }, expected: 'read from 90' },
    { name: 'the decision has to be read again', observation: stock(inspected), policy: { premise: 'stale' }, expected: 'readPremise' },
    {
      name: 'the decision stands',
      observation: stock(inspected),
      policy: { premise: 'standing' },
      expected: 'send #0 HP0 100 qualityInspection > unrestricted',
    },
    {
      name: 'a negative bucket anywhere in the lot',
      observation: stock([...inspected, bucket('unrestricted', -1, { location: 'L9' })]),
      expected: 'blocked stock.negative (stock.negative) until 105',
    },
    {
      name: 'stock of the customer',
      observation: stock([bucket('qualityInspection', 100, { specialStock: 'customerOwned' })]),
      expected: 'blocked customerApproval (hold.foreign)',
    },
    {
      name: 'the system does not know the lot',
      observation: stock([], { known: false }),
      expected: 'blocked lotUnknown (drift.unexplained) until 105',
    },
    { name: 'somebody posted it by hand', observation: stock(free), expected: 'park posting.doneElsewhere' },
    {
      name: 'somebody consumed it',
      observation: stock([bucket('unrestricted', 100, { whereabouts: 'consumed', usable: false })]),
      expected: 'park posting.doneElsewhere',
    },
    {
      name: 'somebody shipped part of it',
      commands: [posted(70)],
      observation: stock([], { documents: [shown(70)] }),
      expected: 'park posting.doneElsewhere',
    },
    {
      name: 'only part of it is shown within one lag of the decision: no stock of another receipt is taken for the rest',
      goal: release({ setAt: at(98) }),
      observation: stock([bucket('qualityInspection', 60)]),
      expected: 'read from 100',
    },
    {
      name: 'all of it is shown within one lag of the decision, in two places',
      goal: release({ setAt: at(98) }),
      observation: stock([bucket('qualityInspection', 60), bucket('qualityInspection', 40, { location: 'L9' })]),
      expected: 'send #0 HP0 60 qualityInspection > unrestricted',
    },
    {
      name: 'only part of it is shown one lag after the decision',
      goal: release({ setAt: at(97) }),
      observation: stock([bucket('qualityInspection', 60)]),
      expected: 'send #0 HP0 60 qualityInspection > unrestricted',
    },
    {
      name: 'only part of it is shown, and it is to be kept from use: at once',
      goal: rejection({ setAt: at(98) }),
      observation: stock([bucket('qualityInspection', 60)]),
      expected: 'send #0 HP0 60 qualityInspection > blocked',
    },
    { name: 'withdrawn before anything was sent', goal: release({ withdrawing: true }), expected: 'withdraw' },
    {
      name: 'withdrawn with part posted',
      goal: release({ withdrawing: true }),
      commands: [posted(70)],
      observation: stock([], { documents: [shown(70)] }),
      expected: 'withdraw',
    },
    {
      name: 'withdrawn, and yet all was posted',
      goal: release({ withdrawing: true }),
      commands: [posted(100)],
      observation: stock(free, { documents: [shown(100)] }),
      expected: 'met readBack',
    },
    {
      name: 'withdrawn, in flight',
      goal: release({ withdrawing: true }),
      commands: [posted(100, 0, { state: 'intent' })],
      expected: 'wait inFlight',
    },
    {
      name: 'withdrawn: answered, but not seen yet',
      goal: release({ withdrawing: true }),
      commands: [posted(100)],
      expected: 'read from 92',
    },
  ])('$name', check)
})

const refused = (value: number, ordinal = 0, change: Partial<Command> = {}) =>
  posted(value, ordinal, { state: 'refused', detail: 'no', ...change })

describe('a refused release', () => {
  it.each<Golden>([
    { name: 'needs a read to know why', commands: [refused(100)], expected: 'read from 92' },
    {
      name: 'the same posting would be refused again',
      commands: [refused(100)],
      observation: stock(inspected),
      expected: 'refuse posting.refused',
    },
    {
      name: 'the stock had moved on: what is there now',
      commands: [refused(100)],
      observation: stock([bucket('qualityInspection', 60)]),
      expected: 'send #1 HP1 60 qualityInspection > unrestricted',
    },
    {
      name: 'the stock had moved to another place',
      commands: [refused(100)],
      observation: stock([bucket('qualityInspection', 100, { location: 'L2' })]),
      expected: 'send #1 HP1 100 qualityInspection@L2 > unrestricted',
    },
    {
      name: 'three refusals are an answer',
      commands: [refused(100), refused(90, 1), refused(80, 2)],
      observation: stock([bucket('qualityInspection', 70)]),
      expected: 'refuse posting.refused',
    },
    {
      name: 'a person asked to try again',
      commands: [refused(100)],
      observation: stock(inspected),
      policy: { retryAskedAt: at(95) },
      expected: 'send #1 HP1 100 qualityInspection > unrestricted',
    },
    {
      name: 'a person blocked it in between',
      commands: [refused(100)],
      observation: stock([bucket('blocked', 100)], { documents: [doc(null, 100, 'qualityInspection', 'blocked')] }),
      expected: 'blocked hold.foreign (hold.foreign)',
    },
    { name: 'the goods are gone', commands: [refused(100)], observation: stock([]), expected: 'park posting.doneElsewhere' },
    {
      name: 'refused, and yet the document shows',
      commands: [refused(100)],
      observation: stock(free, { documents: [shown(100)] }),
      expected: 'met readBack',
    },
  ])('$name', check)
})

describe('rolled back after the answer', () => {
  it.each<Golden>([
    {
      name: 'not to be seen: look once more',
      commands: [posted(100)],
      observation: stock(inspected),
      expected: 'resolve goal-1.0 absentOnce',
    },
    {
      name: 'not to be seen again, too early',
      commands: [posted(100, 0, { absentAt: at(98) })],
      observation: stock(inspected),
      expected: 'read from 100',
    },
    {
      name: 'not to be seen a lag later: undone',
      commands: [posted(100, 0, { absentAt: at(96) })],
      observation: stock(inspected),
      expected: 'resolve goal-1.0 failed',
    },
    {
      name: 'an absence from before the answer does not count',
      commands: [posted(100, 0, { absentAt: at(85) })],
      observation: stock(inspected),
      expected: 'resolve goal-1.0 absentOnce',
    },
    {
      name: 'class unsafe: a person must look',
      commands: [posted(100, 0, { absentAt: at(96) })],
      observation: stock(inspected),
      policy: { idempotency: 'unsafe' },
      expected: 'park command.outcomeUnknown',
    },
    {
      name: 'class unsafe shows the number that it answered',
      commands: [posted(100, 0, { detail: '490001' })],
      observation: stock(free, { documents: [doc(null, 100, 'qualityInspection', 'unrestricted', { number: '490001' })] }),
      policy: { idempotency: 'unsafe' },
      expected: 'met readBack',
    },
    {
      name: 'where the answer is evidence, it is believed',
      commands: [posted(70)],
      observation: stock([bucket('qualityInspection', 30)]),
      policy: { evidence: 'answer' },
      expected: 'send #1 HP1 30 qualityInspection > unrestricted',
    },
    {
      name: 'with a thousand documents its own may be among the dropped ones',
      commands: [posted(100)],
      observation: stock(free, {
        documents: Array.from({ length: 1_000 }, (_, index) => doc(null, 1, 'unrestricted', null, { number: `N${index}` })),
      }),
      expected: 'met readBack',
    },
  ])('$name', check)
})

describe('a reversal by a person', () => {
  const documents = [shown(100), reversal('D-HP0', 100)]

  it.each<Golden>([
    {
      name: 'of a release is a restriction: not ours to undo',
      commands: [posted(100)],
      observation: stock(inspected, { documents }),
      expected: 'blocked hold.foreign (hold.foreign)',
    },
    {
      name: 'until a person asks to try again',
      commands: [posted(100)],
      observation: stock(inspected, { documents }),
      policy: { retryAskedAt: at(95) },
      expected: 'send #1 HP1 100 qualityInspection > unrestricted',
    },
    {
      name: 'in part',
      commands: [posted(100)],
      observation: stock(inspected, { documents: [shown(100), reversal('D-HP0', 40)] }),
      expected: 'blocked hold.foreign (hold.foreign)',
    },
    {
      name: 'of a rejection is looser: it is posted again',
      goal: rejection(),
      commands: [command(move(100, 'qualityInspection', 'blocked'), { changedAt: at(90) })],
      observation: stock(inspected, {
        documents: [
          doc('HP0', 100, 'qualityInspection', 'blocked'),
          doc(null, 100, 'blocked', 'qualityInspection', { number: 'R', reverses: 'D-HP0', at: at(60) }),
        ],
      }),
      expected: 'send #1 HP1 100 qualityInspection > blocked',
    },
  ])('$name', check)
})

describe('a restored hub', () => {
  it.each<Golden>([
    {
      name: 'takes over the release of the lost hour',
      observation: stock(free, { documents: [shown(100)] }),
      policy: { queryFirst: true },
      expected: 'adopt #0 HP0 100 qualityInspection > unrestricted',
    },
    {
      name: 'even when nothing looks restored',
      observation: stock(free, { documents: [shown(100)] }),
      expected: 'adopt #0 HP0 100 qualityInspection > unrestricted',
    },
    {
      name: 'also behind a refusal that it forgot',
      observation: stock(free, { documents: [shown(100, 1)] }),
      policy: { queryFirst: true },
      expected: 'adopt #1 HP1 100 qualityInspection > unrestricted',
    },
    {
      name: 'the second part of the lost hour',
      commands: [posted(70)],
      observation: stock(free, { documents: [shown(70), shown(30, 1)] }),
      policy: { queryFirst: true },
      expected: 'adopt #1 HP1 30 qualityInspection > unrestricted',
    },
    {
      name: 'then it is met',
      commands: [posted(100)],
      observation: stock(free, { documents: [shown(100)] }),
      policy: { queryFirst: true },
      expected: 'met readBack',
    },
    {
      name: 'a reversal that copied our reference is nobody to take over',
      observation: stock(inspected, { documents: [shown(100, 0, { reverses: 'D-9' })] }),
      policy: { queryFirst: true },
      expected: 'send #0 HP0 100 qualityInspection > unrestricted',
    },
    { name: 'sends nothing without a read', policy: { queryFirst: true, evidence: 'answer' }, expected: 'read from 90' },
    {
      name: 'cannot ask class unsafe what was posted in the lost hour, hold or no hold',
      observation: stock(inspected),
      policy: { queryFirst: true, idempotency: 'unsafe', holds: activeHold() },
      expected: 'park command.outcomeUnknown',
    },
    {
      name: 'class unsafe, all posted before the backup',
      commands: [posted(100, 0, { detail: '490001' })],
      observation: stock(free, { documents: [doc(null, 100, 'qualityInspection', 'unrestricted', { number: '490001' })] }),
      policy: { queryFirst: true, idempotency: 'unsafe' },
      expected: 'met readBack',
    },
  ])('$name', check)
})
