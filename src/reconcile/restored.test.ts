import { describe, it } from 'vitest'
import { activeHold, at, bucket, command, doc, HOLD, move, OTHER, on, restoring, restrict, stock } from '../../test/reconcile/builders.ts'
import { checkWith, type Golden } from '../../test/reconcile/golden.ts'
import type { Command } from '../model/goal.ts'
import type { Observation, StockDocument } from '../model/observation.ts'
import type { StockBucket } from '../model/stock.ts'

interface GoldenStock extends Omit<Golden, 'observation'> {
  readonly buckets?: readonly StockBucket[]
  readonly documents?: readonly StockDocument[]
  readonly observation?: Partial<Observation>
}

/** The hold moved 100 from unrestricted to blocked; it has been lifted since. */
const placed = command(move(100, 'unrestricted', 'blocked'), { goal: HOLD, reference: 'HPH0', id: 'goal-hold.0' })
const placing = doc('HPH0', 100, 'unrestricted', 'blocked', { at: at(21) })
const blocked = [bucket('blocked', 100)]

function check({ buckets = blocked, documents = [placing], commands = [placed], observation, ...golden }: GoldenStock): void {
  checkWith(restoring())({ ...golden, commands, observation: { ...stock(buckets, { documents }), ...observation } as Observation })
}

const back = (value: number, change: Partial<Command> = {}): Command =>
  command(move(value, 'blocked', 'unrestricted'), { changedAt: at(90), ...change })
const backDoc = (value: number, change: Parameters<typeof doc>[4] = {}): StockDocument =>
  doc('HP0', value, 'blocked', 'unrestricted', { at: at(80), ...change })
const foreignBlock = (value: number, time: number, change: Parameters<typeof doc>[4] = {}): StockDocument =>
  doc(null, value, 'unrestricted', 'blocked', { number: `F${time}`, at: at(time), ...change })

describe('putting back what our own hold took', () => {
  it.each<GoldenStock>([
    { name: 'goes back to where it came from', expected: 'send #0 HP0 100 blocked > unrestricted' },
    {
      name: 'goes back to restricted, if it came from there',
      documents: [doc('HPH0', 100, 'restricted', 'blocked')],
      expected: 'send #0 HP0 100 blocked > restricted',
    },
    {
      name: 'part by part where it came from both',
      documents: [doc('HPH0', 60, 'restricted', 'blocked', { at: at(21) }), doc('HPH1', 40, 'unrestricted', 'blocked', { at: at(22) })],
      commands: [placed, { ...placed, ordinal: 1, reference: 'HPH1' }],
      expected: 'send #0 HP0 60 blocked > restricted',
    },
    { name: 'is in flight', commands: [placed, back(100, { state: 'intent' })], expected: 'wait inFlight' },
    {
      name: 'is met when nothing of ours is left',
      buckets: [bucket('unrestricted', 100)],
      documents: [placing, backDoc(100)],
      commands: [placed, back(100)],
      expected: 'met readBack',
    },
    {
      name: 'is met although a person blocked some of it since: that stays',
      buckets: [bucket('unrestricted', 70), bucket('blocked', 30)],
      documents: [placing, backDoc(100), foreignBlock(30, 85)],
      commands: [placed, back(100)],
      expected: 'met readBack',
    },
    { name: 'an old read is not enough', observation: { beganAt: at(80), endedAt: at(80) }, expected: 'read from 90' },
    { name: 'nor a sweep', observation: { source: 'sweep' }, expected: 'read from 90' },
    { name: 'a new hold covers it', policy: { holds: activeHold() }, expected: 'blocked heldBy:h1 (no exception)' },
    {
      name: 'a new hold covers the place it stands in',
      goal: restoring({}, on('A')),
      buckets: [bucket('blocked', 100, { carrier: 'A', location: 'Q7' })],
      documents: [doc('HPH0', 100, 'unrestricted', 'blocked', { where: { carrier: 'A', location: 'Q7' } })],
      policy: { holds: activeHold(on('Q7')) },
      expected: 'blocked heldBy:h1 (no exception)',
    },
    { name: 'the decision no longer stands', policy: { premise: 'gone' }, expected: 'park posting.premiseGone' },
    { name: 'the decision has to be read again', policy: { premise: 'stale' }, expected: 'readPremise' },
    { name: 'shadow', policy: { sending: 'shadow' }, expected: 'blocked shadow (no exception)' },
    { name: 'withdrawn', goal: restoring({ withdrawing: true }), expected: 'withdraw' },
    {
      name: 'a restored hub cannot ask class unsafe',
      policy: { queryFirst: true, idempotency: 'unsafe' },
      expected: 'park command.outcomeUnknown',
    },
    { name: 'met once is met', goal: restoring({ state: 'met' }), expected: 'none' },
    {
      name: 'a negative bucket stops it',
      buckets: [...blocked, bucket('unrestricted', -3)],
      expected: 'blocked stock.negative (stock.negative) until 105',
    },
    {
      name: 'only within its portion',
      goal: restoring({}, on('A')),
      buckets: [bucket('blocked', 60, { carrier: 'A' }), bucket('blocked', 40)],
      documents: [doc('HPH0', 60, 'unrestricted', 'blocked', { where: { carrier: 'A' } }), placing],
      expected: 'send #0 HP0 60 blocked@A > unrestricted',
    },
    {
      name: 'takes our flag back first',
      commands: [{ ...placed, action: restrict(2), rung: 2 }],
      observation: { restrictions: [{ rung: 2, reference: 'HPH0', by: 'INTERFACE' }] } as Partial<Observation>,
      expected: 'send #0 HP0 unrestrict 2',
    },
    {
      name: 'not a flag that another goal of ours set',
      commands: [placed, command(restrict(1), { goal: OTHER, reference: 'HPO0' })],
      observation: { restrictions: [{ rung: 1, reference: 'HPO0', by: 'INTERFACE' }] } as Partial<Observation>,
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'a flag that names nobody, after we had set one: a person has to say whose it is',
      commands: [{ ...placed, action: restrict(1), rung: 1 }],
      observation: { buckets: [], restrictions: [{ rung: 1, reference: null, by: 'INTERFACE' }] } as Partial<Observation>,
      expected: 'blocked hold.foreign (hold.foreign) until 105',
    },
    { name: 'refused', commands: [placed, back(100, { state: 'refused' })], expected: 'refuse posting.refused' },
    { name: 'rolled back: look once more', commands: [placed, back(100)], expected: 'resolve goal-1.0 absentOnce' },
    { name: 'rolled back: tried again', commands: [placed, back(100, { absentAt: at(95) })], expected: 'resolve goal-1.0 failed' },
    {
      name: 'a restored hub takes it over',
      documents: [placing, backDoc(40)],
      policy: { queryFirst: true },
      expected: 'adopt #0 HP0 40 blocked > unrestricted',
    },
  ])('$name', check)
})

describe('whose restriction is it', () => {
  it.each<GoldenStock>([
    {
      name: 'a person blocked 50 as well: ours is 100',
      buckets: [bucket('blocked', 150)],
      documents: [placing, foreignBlock(50, 40)],
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'ours was reversed by a person, who then blocked it: nothing is ours',
      documents: [
        placing,
        doc(null, 100, 'blocked', 'unrestricted', { number: 'R', reverses: 'D-HPH0', at: at(30) }),
        foreignBlock(100, 40),
      ],
      expected: 'met readBack',
    },
    {
      name: 'ours was moved back by hand, and then blocked by hand',
      documents: [placing, doc(null, 100, 'blocked', 'unrestricted', { number: 'M', at: at(30) }), foreignBlock(100, 40)],
      expected: 'met readBack',
    },
    {
      name: 'a person blocked and unblocked 50: ours is whole',
      documents: [placing, foreignBlock(50, 40), doc(null, 50, 'blocked', 'unrestricted', { number: 'M', at: at(45) })],
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'a person reversed a block of 50 out of turn: ours is whole',
      documents: [
        placing,
        foreignBlock(50, 40),
        foreignBlock(20, 41),
        doc(null, 50, 'blocked', 'unrestricted', { number: 'R', reverses: 'F40', at: at(45) }),
      ],
      buckets: [bucket('blocked', 120)],
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'our release met a block that a person had placed a moment before: that block is still in force',
      buckets: [bucket('blocked', 100)],
      documents: [
        placing,
        foreignBlock(60, 30),
        doc(null, 60, 'blocked', 'unrestricted', { number: 'R', reverses: 'D-HPH0', at: at(31) }),
        doc('HP-old', 100, 'blocked', 'unrestricted', { at: at(32) }),
        doc('HPH1', 100, 'unrestricted', 'blocked', { at: at(35) }),
      ],
      commands: [placed, { ...placed, id: 'goal-hold.1', ordinal: 1, reference: 'HPH1' }],
      expected: 'send #0 HP0 40 blocked > unrestricted',
    },
    {
      name: 'a person reversed our first placing after we had put it back and placed it anew: ours shrinks, not theirs',
      buckets: [bucket('blocked', 40)],
      documents: [
        placing,
        doc('HP-old', 100, 'blocked', 'unrestricted', { at: at(25) }),
        foreignBlock(20, 30),
        doc('HPH1', 50, 'unrestricted', 'blocked', { at: at(35) }),
        doc(null, 30, 'blocked', 'unrestricted', { number: 'R', reverses: 'D-HPH0', at: at(40) }),
      ],
      commands: [placed, { ...placed, id: 'goal-hold.1', ordinal: 1, reference: 'HPH1' }],
      expected: 'send #0 HP0 20 blocked > unrestricted',
    },
    {
      name: 'goods left blocked stock: taken from what we could free',
      buckets: [bucket('blocked', 110)],
      documents: [placing, foreignBlock(50, 40), doc(null, 40, 'blocked', null, { number: 'S', at: at(45) })],
      expected: 'send #0 HP0 60 blocked > unrestricted',
    },
    {
      name: 'the bucket holds less than the documents say: the foreign part comes first',
      buckets: [bucket('blocked', 70)],
      documents: [placing, foreignBlock(50, 40)],
      expected: 'send #0 HP0 20 blocked > unrestricted',
    },
    {
      name: 'nothing beyond the foreign part',
      buckets: [bucket('blocked', 50)],
      documents: [placing, foreignBlock(50, 40)],
      expected: 'met readBack',
    },
    {
      name: 'a release of ours that is no longer loaded took from ours, not from theirs',
      buckets: [bucket('blocked', 50)],
      documents: [placing, foreignBlock(50, 40), doc('HPZZ', 100, 'blocked', 'unrestricted', { at: at(60) })],
      expected: 'met readBack',
    },
    {
      name: 'what another decision rejected stays',
      buckets: [bucket('blocked', 130)],
      documents: [placing, doc('HPO0', 30, 'qualityInspection', 'blocked', { at: at(40) })],
      commands: [placed, command(move(30, 'qualityInspection', 'blocked'), { goal: OTHER, reference: 'HPO0' })],
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'a reversal that carries our reference is a person’s',
      buckets: [bucket('blocked', 100)],
      documents: [
        placing,
        doc('HPH0', 100, 'blocked', 'unrestricted', { number: 'R', reverses: 'D-HPH0', at: at(30), by: 'clerk' }),
        foreignBlock(100, 40),
      ],
      expected: 'met readBack',
    },
    {
      name: 'carried to another place, ours stays ours',
      buckets: [bucket('blocked', 100, { location: 'L2' })],
      documents: [
        placing,
        {
          ...foreignBlock(100, 40),
          from: { ...(placing.to as NonNullable<StockDocument['to']>) },
          to: { ...(placing.to as NonNullable<StockDocument['to']>), location: 'L2' },
        },
      ],
      expected: 'send #0 HP0 100 blocked@L2 > unrestricted',
    },
    {
      name: 'carried to another place, theirs goes first',
      buckets: [bucket('blocked', 100), bucket('blocked', 30, { location: 'L2' })],
      documents: [
        placing,
        foreignBlock(30, 35),
        {
          ...foreignBlock(30, 40),
          from: { ...(placing.to as NonNullable<StockDocument['to']>) },
          to: { ...(placing.to as NonNullable<StockDocument['to']>), location: 'L2' },
        },
      ],
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'documents in any order',
      buckets: [bucket('blocked', 110)],
      documents: [doc(null, 40, 'blocked', null, { number: 'S', at: at(45) }), foreignBlock(50, 40), placing],
      expected: 'send #0 HP0 60 blocked > unrestricted',
    },
    {
      name: 'a foreign block in another unit: nothing is taken on a guess',
      documents: [placing, foreignBlock(1, 40, { quantity: { value: '1', uom: 'KGM' } })],
      expected: 'met readBack',
    },
    {
      name: 'our documents are not to be found: nothing is touched, and it is said',
      documents: [],
      expected: 'blocked hold.foreign (hold.foreign)',
    },
    {
      name: 'our documents are not to be found, and nothing is blocked',
      documents: [],
      buckets: [bucket('unrestricted', 100)],
      expected: 'met readBack',
    },
    {
      name: 'class unsafe: found by the number of the answer',
      documents: [doc(null, 100, 'unrestricted', 'blocked', { number: '490001', at: at(21) })],
      commands: [{ ...placed, detail: '490001' }],
      policy: { idempotency: 'unsafe' },
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'class unsafe: a lift may be one of ours that was forgotten, so ours shrinks',
      buckets: [bucket('blocked', 100)],
      documents: [
        doc(null, 100, 'unrestricted', 'blocked', { number: '490001', at: at(21) }),
        foreignBlock(50, 40),
        doc(null, 50, 'blocked', 'unrestricted', { number: 'M', at: at(45) }),
      ],
      commands: [{ ...placed, detail: '490001' }],
      policy: { idempotency: 'unsafe' },
      expected: 'send #0 HP0 50 blocked > unrestricted',
    },
    {
      name: 'shipped blocked stock is out of reach',
      buckets: [bucket('blocked', 100, { whereabouts: 'shipped' })],
      expected: 'met readBack',
    },
  ])('$name', check)
})
