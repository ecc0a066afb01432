import { describe, expect, it } from 'vitest'
import {
  at,
  bucket,
  command,
  doc,
  except,
  hold,
  LOT,
  move,
  OTHER,
  on,
  policy,
  restrict,
  stock,
  told,
  WHOLE,
} from '../../test/reconcile/builders.ts'
import { checkWith, type Golden } from '../../test/reconcile/golden.ts'
import type { Command, Goal } from '../model/goal.ts'
import type { StockBucket } from '../model/stock.ts'
import { reconcile } from './reconcile.ts'

const usable = [bucket('unrestricted', 100)]
const held = [bucket('blocked', 100)]

const check = checkWith(hold())

describe('placing a hold', () => {
  it.each<Golden>([
    { name: 'nothing is known: read', expected: 'read from 90' },
    { name: 'an observation from before the hold is not enough', observation: stock(held, { began: 9 }), expected: 'read from 90' },
    {
      name: 'a recent read from before the hold may not be acted on',
      goal: hold({ setAt: at(99.5) }),
      observation: stock(usable),
      expected: 'read from 99.5',
    },
    {
      name: 'a read within one lag of the hold may be acted on',
      goal: hold({ setAt: at(98) }),
      observation: stock(usable),
      expected: 'send #0 HP0 100 unrestricted > blocked',
    },
    {
      name: 'but it proves nothing: what the hold was placed for may not show yet',
      goal: hold({ setAt: at(98) }),
      observation: stock(held),
      expected: 'read from 100',
    },
    { name: 'nor one that is too old to act on', observation: stock(held, { began: 88 }), expected: 'read from 90' },
    { name: 'nor a sweep, which may be torn', observation: stock(held, { source: 'sweep' }), expected: 'read from 90' },
    { name: 'nor a torn sweep that shows usable stock', observation: stock(usable, { source: 'sweep' }), expected: 'read from 90' },
    { name: 'usable stock is moved to blocked', observation: stock(usable), expected: 'send #0 HP0 100 unrestricted > blocked' },
    {
      name: 'the smallest place first, so that the same facts give the same step',
      observation: stock([bucket('unrestricted', 7, { location: 'L9' }), bucket('unrestricted', 3, { location: 'L2' })]),
      expected: 'send #0 HP0 3 unrestricted@L2 > blocked',
    },
    {
      name: 'then the next bucket, under the next reference',
      observation: stock([bucket('unrestricted', 7, { location: 'L9' }), bucket('blocked', 3, { location: 'L2' })]),
      commands: [command(move(3, 'unrestricted', 'blocked', { location: 'L2' }))],
      policy: { evidence: 'answer' },
      expected: 'send #1 HP1 7 unrestricted@L9 > blocked',
    },
    {
      name: 'an answer is no evidence: read',
      commands: [command(move(100, 'unrestricted', 'blocked'))],
      policy: { evidence: 'answer' },
      expected: 'read from 90',
    },
    { name: 'met by a read that shows nothing usable', observation: stock(held), expected: 'met readBack' },
    {
      name: 'quality inspection stock stays where it is',
      observation: stock([bucket('qualityInspection', 100)]),
      expected: 'met readBack',
    },
    { name: 'nothing there at all', observation: stock([]), expected: 'met readBack' },
    { name: 'the system does not know the lot', observation: stock([], { known: false }), expected: 'met readBack' },
    {
      name: 'a bucket of nothing, and a negative one',
      observation: stock([bucket('unrestricted', 0), bucket('unrestricted', -5)]),
      expected: 'met readBack',
    },
    {
      name: 'in transit and work in process count',
      observation: stock([bucket('unrestricted', 4, { whereabouts: 'inTransit', location: 'L3' })]),
      expected: 'send #0 HP0 4 unrestricted@L3 > blocked',
    },
    {
      name: 'shipped, consumed and scrapped do not',
      observation: stock(
        (['shipped', 'consumed', 'scrapped', 'atCustomer', 'atSubcontractor'] as const).map((whereabouts) =>
          bucket('unrestricted', 4, { whereabouts }),
        ),
      ),
      expected: 'met readBack',
    },
    {
      name: 'restricted stock that the system calls usable is moved too',
      observation: stock([bucket('restricted', 4, { usable: true })]),
      expected: 'send #0 HP0 4 restricted > blocked',
    },
    { name: 'shadow only looks', observation: stock(usable), policy: { sending: 'shadow' }, expected: 'blocked shadow (no exception)' },
    { name: 'shadow may find it met', observation: stock(held), policy: { sending: 'shadow' }, expected: 'met readBack' },
    { name: 'withdrawn before anything was sent', goal: hold({ withdrawing: true }), expected: 'withdraw' },
    { name: 'withdrawn when met', goal: hold({ withdrawing: true, state: 'met' }), expected: 'withdraw' },
    {
      name: 'withdrawn, but its command is in flight',
      goal: hold({ withdrawing: true, state: 'met' }),
      commands: [command(move(100, 'unrestricted', 'blocked'), { state: 'intent' })],
      expected: 'wait inFlight',
    },
  ])('$name', check)
})

const sublots = [bucket('unrestricted', 30, { carrier: 'A' }), bucket('unrestricted', 70, { carrier: 'B' }), bucket('unrestricted', 5)]

describe('portions', () => {
  it.each<[string, Goal, readonly StockBucket[], string]>([
    ['the named sublot only', hold({}, on('B')), sublots, 'send #0 HP0 70 unrestricted@B > blocked'],
    ['the rest of the lot', hold({}, except('A', 'B')), sublots, 'send #0 HP0 5 unrestricted > blocked'],
    ['the whole lot, carrier or not', hold({}, WHOLE), sublots, 'send #0 HP0 5 unrestricted > blocked'],
    ['a named sublot that holds nothing', hold({}, on('C')), sublots, 'met readBack'],
    [
      'a segregated location is a carrier',
      hold({}, on('Q7')),
      [bucket('unrestricted', 9, { location: 'Q7' })],
      'send #0 HP0 9 unrestricted@Q7 > blocked',
    ],
    ['and is left out of the rest', hold({}, except('Q7')), [bucket('unrestricted', 9, { location: 'Q7' })], 'met readBack'],
  ])('%s', (...row) => {
    const [, goal, buckets, expected] = row
    expect(told(reconcile(goal, stock(buckets), [], policy()))).toBe(expected)
  })
})

const freeing = (state: Command['state'], change: Partial<Command> = {}): Command =>
  command(move(100, 'qualityInspection', 'unrestricted'), { goal: OTHER, state, ...change })
const refused = (ordinal: number, change: Partial<Command> = {}): Command =>
  command(move(100, 'unrestricted', 'blocked'), { ordinal, state: 'refused', changedAt: at(90), detail: 'period closed', ...change })

describe('passing what is in flight', () => {
  it.each<Golden>([
    {
      name: 'a hold passes a release in flight',
      observation: stock(usable),
      commands: [freeing('intent')],
      expected: 'send #0 HP0 100 unrestricted > blocked',
    },
    {
      name: 'a hold passes an unknown release',
      observation: stock(usable),
      commands: [freeing('unknown')],
      expected: 'send #0 HP0 100 unrestricted > blocked',
    },
    { name: 'but not its own command', observation: stock(usable), commands: [refused(0, { state: 'intent' })], expected: 'wait inFlight' },
    {
      name: 'it is not met while the release is in flight',
      observation: stock(held),
      commands: [freeing('intent')],
      expected: 'wait passedCommandInFlight',
    },
    {
      name: 'nor by a read before the release has become quiet and visible',
      observation: stock(held),
      commands: [freeing('unknown', { intentAt: at(60), changedAt: at(70) })],
      expected: 'read from 102',
    },
    {
      name: 'but by a read after it',
      observation: stock(held),
      commands: [freeing('unknown', { intentAt: at(60), changedAt: at(66) })],
      expected: 'met readBack',
    },
    {
      name: 'a passed command that only restricts needs no wait',
      observation: stock(held),
      commands: [command(move(1, 'unrestricted', 'blocked'), { goal: OTHER, state: 'intent' })],
      expected: 'met readBack',
    },
    {
      name: 'lag shorter than quiesce: the later of both counts',
      observation: stock(held),
      commands: [freeing('unknown', { intentAt: at(60), changedAt: at(60) })],
      policy: { lagMs: 20_000, quiesceMs: 25_000 },
      expected: 'read from 105',
    },
    {
      name: 'where holds may not pass, the independent rung is taken',
      observation: stock(usable),
      commands: [freeing('intent')],
      policy: { holdsMayPass: false },
      expected: 'send #0 HP0 restrict 1',
    },
    {
      name: 'once: the flag is on its way or in force',
      observation: stock(usable, { restrictions: [{ rung: 1, reference: 'HP0', by: 'INTERFACE' }] }),
      commands: [freeing('intent'), command(restrict(1))],
      policy: { holdsMayPass: false },
      expected: 'wait sibling',
    },
    {
      name: 'no rung to take: wait',
      observation: stock(usable),
      commands: [freeing('intent')],
      policy: { holdsMayPass: false, rungMax: 0 },
      expected: 'wait sibling',
    },
    {
      name: 'the sibling has settled: now the posting, flag or not',
      observation: stock(usable, { restrictions: [{ rung: 1, reference: 'HP0', by: 'INTERFACE' }] }),
      commands: [freeing('applied'), command(restrict(1))],
      policy: { holdsMayPass: false },
      expected: 'send #1 HP1 100 unrestricted > blocked',
    },
  ])('$name', check)
})

const flagged = (reference: string | null = 'HP1'): Partial<Parameters<typeof stock>[1]> => ({
  restrictions: [{ rung: 1, reference, by: 'INTERFACE' }],
})

describe('the hold ladder', () => {
  it.each<Golden>([
    {
      name: 'the posting is refused: one rung higher',
      observation: stock(usable),
      commands: [refused(0)],
      expected: 'send #1 HP1 restrict 1',
    },
    {
      name: 'the stock moved on before the refusal: another posting first',
      observation: stock([bucket('unrestricted', 60)]),
      commands: [refused(0)],
      expected: 'send #1 HP1 60 unrestricted > blocked',
    },
    {
      name: 'moved on twice: no third guess',
      observation: stock([bucket('unrestricted', 50)]),
      commands: [refused(0), refused(1, { action: move(60, 'unrestricted', 'blocked') })],
      expected: 'send #2 HP2 restrict 1',
    },
    {
      name: 'the first rung is refused too: the second',
      observation: stock(usable),
      commands: [refused(0), refused(1, { action: restrict(1), rung: 1 })],
      expected: 'send #2 HP2 restrict 2',
    },
    {
      name: 'our flag makes nothing usable any more: safe, but shown as open',
      observation: stock([bucket('unrestricted', 100, { usable: false })], flagged()),
      commands: [refused(0), command(restrict(1), { ordinal: 1, changedAt: at(96) })],
      expected: 'blocked heldByRung 1 (hold.heldByRung) until 101',
    },
    {
      name: 'until the posting goes through',
      observation: stock([bucket('unrestricted', 100, { usable: false })], flagged()),
      commands: [refused(0), command(restrict(1), { ordinal: 1, changedAt: at(95) })],
      expected: 'send #2 HP2 100 unrestricted > blocked',
    },
    {
      name: 'then it is met, flag or not',
      observation: stock([bucket('blocked', 100, { usable: false })], flagged()),
      commands: [refused(0), command(restrict(1), { ordinal: 1 }), command(move(100, 'unrestricted', 'blocked'), { ordinal: 2 })],
      expected: 'met readBack',
    },
    {
      name: 'a flag of somebody else that makes nothing usable is enough',
      observation: stock([bucket('unrestricted', 100, { usable: false })], flagged(null)),
      expected: 'met readBack',
    },
    {
      name: 'our flag on a lot whose portion stands in blocked',
      goal: hold({}, on('A')),
      observation: stock([bucket('blocked', 30, { carrier: 'A' }), bucket('unrestricted', 70, { usable: false })], flagged()),
      commands: [refused(0), command(restrict(1), { ordinal: 1 })],
      expected: 'met readBack',
    },
    {
      name: 'the flag is in force, the system still calls it usable: shown, never green',
      observation: stock(usable, flagged()),
      commands: [refused(0), command(restrict(1), { ordinal: 1, changedAt: at(96) })],
      expected: 'blocked heldByRung 1 (hold.heldByRung) until 101',
    },
    {
      name: 'and the posting is tried again later',
      observation: stock(usable, flagged()),
      commands: [refused(0), command(restrict(1), { ordinal: 1, changedAt: at(95) })],
      expected: 'send #2 HP2 100 unrestricted > blocked',
    },
    {
      name: 'refused again: still held by the rung, and the next try comes later',
      observation: stock(usable, flagged()),
      commands: [refused(0), command(restrict(1), { ordinal: 1, changedAt: at(90) }), refused(2, { changedAt: at(97) })],
      expected: 'blocked heldByRung 1 (hold.heldByRung) until 107',
    },
    {
      name: 'all rungs refused: a person is called',
      observation: stock(usable),
      commands: [refused(0), refused(1, { action: restrict(1), rung: 1 }), refused(2, { action: restrict(2), rung: 2, changedAt: at(96) })],
      expected: 'blocked hold.placingFailed (hold.placingFailed) until 101',
    },
    {
      name: 'and it starts from the bottom again',
      observation: stock(usable),
      commands: [refused(0), refused(1, { action: restrict(1), rung: 1 }), refused(2, { action: restrict(2), rung: 2, changedAt: at(94) })],
      expected: 'send #3 HP3 100 unrestricted > blocked',
    },
    {
      name: 'a target without a ladder',
      observation: stock(usable),
      commands: [refused(0, { changedAt: at(96) })],
      policy: { rungMax: 0 },
      expected: 'blocked hold.placingFailed (hold.placingFailed) until 101',
    },
    {
      name: 'a person asked to try again: from the bottom at once',
      observation: stock(usable),
      commands: [refused(0, { changedAt: at(96) })],
      policy: { rungMax: 0, retryAskedAt: at(97) },
      expected: 'send #1 HP1 100 unrestricted > blocked',
    },
    {
      name: 'a posting that went through forgets earlier refusals',
      observation: stock([bucket('unrestricted', 5)]),
      commands: [refused(0), command(move(100, 'unrestricted', 'blocked'), { ordinal: 1, changedAt: at(95) })],
      policy: { evidence: 'answer' },
      expected: 'send #2 HP2 5 unrestricted > blocked',
    },
    {
      name: 'somebody took the flag away again: the posting is tried',
      observation: stock(usable),
      commands: [refused(0), command(restrict(1), { ordinal: 1, changedAt: at(90) })],
      expected: 'send #2 HP2 100 unrestricted > blocked',
    },
    {
      name: 'blocked stock that the system calls usable can only be flagged',
      observation: stock([bucket('blocked', 100, { usable: true })]),
      expected: 'send #0 HP0 restrict 1',
    },
    {
      name: 'and without a ladder a person is called',
      observation: stock([bucket('blocked', 100, { usable: true })]),
      policy: { rungMax: 0 },
      expected: 'blocked hold.placingFailed (hold.placingFailed) until 105',
    },
    {
      name: 'a flag of somebody else does not spare the posting',
      observation: stock(usable, flagged(null)),
      expected: 'send #0 HP0 100 unrestricted > blocked',
    },
    {
      name: 'forty refusals in a row: shown, not parked',
      observation: stock(usable),
      commands: Array.from({ length: 40 }, (_, ordinal) => refused(ordinal)),
      policy: { rungMax: 0 },
      expected: 'blocked commandsExhausted (goal.commandsExhausted) until 105',
    },
  ])('$name', check)
})

describe('standing', () => {
  const met = hold({ state: 'met', settledAt: at(20), evidence: { kind: 'readBack', at: at(20), detail: '' } })
  const reopened = (...times: number[]): Goal => hold({ reopenedAt: times.map(at) })

  it.each<Golden>([
    { name: 'met and nothing observed', goal: met, expected: 'none' },
    { name: 'met and still so', goal: met, observation: stock(held), expected: 'none' },
    { name: 'usable stock in a sweep: look closer', goal: met, observation: stock(usable, { source: 'sweep' }), expected: 'read from 99' },
    { name: 'usable stock in an old read: look again', goal: met, observation: stock(usable, { began: 50 }), expected: 'read from 90' },
    { name: 'usable stock before the hold was set says nothing', goal: met, observation: stock(usable, { began: 5 }), expected: 'none' },
    {
      name: 'usable stock in a read that may not show the last settlement',
      goal: met,
      observation: stock(usable),
      policy: { lastSettledAt: at(98) },
      expected: 'read from 100',
    },
    { name: 'usable stock in a fresh read: no longer met', goal: met, observation: stock(usable), expected: 'reopen' },
    { name: 'even after two heals it is shown as open', goal: met, observation: stock(usable), policy: { heals: 2 }, expected: 'reopen' },
    { name: 'usable stock outside the portion', goal: hold({ state: 'met' }, on('A')), observation: stock(usable), expected: 'none' },
    {
      name: 'the first heal',
      goal: reopened(98),
      observation: stock(usable),
      policy: { heals: 1 },
      expected: 'send #0 HP0 100 unrestricted > blocked heal',
    },
    {
      name: 'the second heal',
      goal: reopened(60, 98),
      observation: stock(usable),
      policy: { heals: 2 },
      expected: 'send #0 HP0 100 unrestricted > blocked heal',
    },
    {
      name: 'after two heals in 24 hours: stop and ask',
      goal: reopened(50, 60, 98),
      observation: stock(usable),
      policy: { heals: 3 },
      expected: 'blocked healedTwice (goal.healedTwice) until 105',
    },
    {
      name: 'it may become true without us',
      goal: reopened(50, 60, 98),
      observation: stock(held),
      policy: { heals: 3 },
      expected: 'met readBack',
    },
    {
      name: 'a person asked to heal once more',
      goal: reopened(50, 60, 98),
      observation: stock(usable),
      policy: { heals: 3, retryAskedAt: at(99) },
      expected: 'send #0 HP0 100 unrestricted > blocked heal',
    },
    {
      name: 'another hold on a healed lot is a new hold',
      goal: hold({ reopenedAt: [50, 60, 70].map(at), setAt: at(90) }),
      observation: stock(usable),
      policy: { heals: 3 },
      expected: 'send #0 HP0 100 unrestricted > blocked',
    },
    {
      name: 'the second bucket of one heal is the same heal',
      goal: reopened(60, 90),
      observation: stock([bucket('unrestricted', 9, { location: 'L2' })]),
      commands: [command(move(100, 'unrestricted', 'blocked'), { changedAt: at(95), state: 'applied' })],
      policy: { heals: 2, evidence: 'answer' },
      expected: 'send #1 HP1 9 unrestricted@L2 > blocked heal',
    },
  ])('$name', check)
})

describe('what the target did with it', () => {
  const applied = command(move(100, 'unrestricted', 'blocked'), { changedAt: at(90) })

  it.each<Golden>([
    {
      name: 'rolled back after its answer: tried again under the same reference',
      observation: stock(usable),
      commands: [applied],
      expected: 'resolve goal-1.0 failed',
    },
    {
      name: 'not rolled back: the document shows, more became usable',
      observation: stock(usable, { documents: [doc('HP0', 100, 'unrestricted', 'blocked')] }),
      commands: [applied],
      expected: 'send #1 HP1 100 unrestricted > blocked',
    },
    {
      name: 'class unsafe shows the document under its number',
      observation: stock(usable, { documents: [doc(null, 100, 'unrestricted', 'blocked', { number: '490001' })] }),
      commands: [{ ...applied, detail: '490001' }],
      policy: { idempotency: 'unsafe' },
      expected: 'send #1 HP1 100 unrestricted > blocked',
    },
    {
      name: 'class unsafe without a trace: a hold goes on',
      observation: stock(usable),
      commands: [applied],
      policy: { idempotency: 'unsafe' },
      expected: 'send #1 HP1 100 unrestricted > blocked',
    },
    {
      name: 'a restored hub takes over what it had done, before it counts as met',
      observation: stock(held, { documents: [doc('HP0', 100, 'unrestricted', 'blocked')] }),
      policy: { queryFirst: true },
      expected: 'adopt #0 HP0 100 unrestricted > blocked',
    },
    {
      name: 'a restored hub, hold met in the backup, healed in the lost hour',
      goal: hold({ state: 'met', settledAt: at(20) }),
      observation: stock(held, { documents: [doc('HP0', 100, 'unrestricted', 'blocked')] }),
      policy: { queryFirst: true },
      expected: 'adopt #0 HP0 100 unrestricted > blocked',
    },
    {
      name: 'a document under the next reference is taken over before anything is sent',
      observation: stock(usable, { documents: [doc('HP0', 7, 'unrestricted', 'blocked')] }),
      expected: 'adopt #0 HP0 7 unrestricted > blocked',
    },
    {
      name: 'so is a flag',
      observation: stock(usable, flagged('HP0')),
      expected: 'adopt #0 HP0 restrict 1',
    },
  ])('$name', check)

  it('moves exactly what was seen, from exactly there', () => {
    const seen = bucket('unrestricted', '12.5', {
      carrier: 'A',
      location: 'L2',
      specialStock: 'project',
      quantity: { value: '12.5', uom: 'KGM' },
    })
    expect(reconcile(hold(), stock([seen]), [], policy())).toMatchObject({
      step: 'send',
      rung: 0,
      action: {
        type: 'move',
        lot: LOT,
        to: 'blocked',
        quantity: { value: '12.5', uom: 'KGM' },
        from: { site: 'S1', location: 'L2', carrier: 'A', stockType: 'unrestricted', specialStock: 'project' },
      },
    })
  })
})
