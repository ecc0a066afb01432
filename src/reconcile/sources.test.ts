import { describe, it } from 'vitest'
import {
  activeHold,
  at,
  bucket,
  command,
  doc,
  except,
  free,
  HOLD,
  inspected,
  LOT,
  move,
  OTHER,
  on,
  posted,
  rejection,
  release,
  restrict,
  shown,
  stock,
} from '../../test/reconcile/builders.ts'
import { checkWith, type Golden } from '../../test/reconcile/golden.ts'
import type { Command } from '../model/goal.ts'

const check = checkWith(release())
const held = (value: number, change: Partial<Command> = {}) =>
  command(move(value, 'unrestricted', 'blocked'), { goal: HOLD, reference: 'HPH0', id: 'goal-hold.0', ...change })
const heldDoc = (value: number, change: Parameters<typeof doc>[4] = {}) => doc('HPH0', value, 'unrestricted', 'blocked', change)

describe('a release out of blocked stock', () => {
  it.each<Golden>([
    {
      name: 'takes what our own hold placed there',
      commands: [held(100)],
      observation: stock([bucket('blocked', 100)], { documents: [heldDoc(100)] }),
      expected: 'send #0 HP0 100 blocked > unrestricted',
    },
    {
      name: 'after quality inspection',
      commands: [held(60)],
      observation: stock([bucket('blocked', 60), bucket('qualityInspection', 40)], { documents: [heldDoc(60)] }),
      expected: 'send #0 HP0 40 qualityInspection > unrestricted',
    },
    {
      name: 'never what a person blocked',
      observation: stock([bucket('blocked', 100)], { documents: [doc(null, 100, 'unrestricted', 'blocked')] }),
      expected: 'blocked hold.foreign (hold.foreign)',
    },
    {
      name: 'nor blocked stock that no document explains',
      observation: stock([bucket('blocked', 100)]),
      expected: 'blocked hold.foreign (hold.foreign)',
    },
    {
      name: 'only our part of a bucket that both blocked',
      commands: [held(60)],
      observation: stock([bucket('blocked', 100)], { documents: [heldDoc(60), doc(null, 40, 'unrestricted', 'blocked')] }),
      expected: 'send #0 HP0 60 blocked > unrestricted',
    },
    {
      name: 'and then the rest is foreign',
      commands: [held(60), command(move(60, 'blocked', 'unrestricted'), { changedAt: at(90) })],
      observation: stock([bucket('blocked', 40)], {
        documents: [
          heldDoc(60),
          doc(null, 40, 'unrestricted', 'blocked', { at: at(51) }),
          doc('HP0', 60, 'blocked', 'unrestricted', { at: at(80) }),
        ],
      }),
      expected: 'blocked hold.foreign (hold.foreign)',
    },
    {
      name: 'not what another decision rejected',
      commands: [command(move(100, 'qualityInspection', 'blocked'), { goal: OTHER, reference: 'HPO0' })],
      observation: stock([bucket('blocked', 100)], { documents: [doc('HPO0', 100, 'qualityInspection', 'blocked')] }),
      expected: 'park posting.doneElsewhere',
    },
    {
      name: 'not what we placed under a command that is no longer loaded',
      observation: stock([bucket('blocked', 100)], { documents: [doc('HPZZ', 100, 'unrestricted', 'blocked')] }),
      expected: 'park posting.doneElsewhere',
    },
    { name: 'nor restricted stock', observation: stock([bucket('restricted', 100)]), expected: 'blocked hold.foreign (hold.foreign)' },
    {
      name: 'nor blocked stock of another sublot',
      goal: release({}, on('A')),
      commands: [held(100)],
      observation: stock([bucket('blocked', 100)], { documents: [heldDoc(100)] }),
      expected: 'park posting.doneElsewhere',
    },
    {
      name: 'our flag goes first',
      commands: [held(0, { action: restrict(1), rung: 1 })],
      observation: stock(inspected, { restrictions: [{ rung: 1, reference: 'HPH0', by: 'INTERFACE' }] }),
      expected: 'send #0 HP0 unrestrict 1',
    },
    {
      name: 'our flag stays while another hold has nothing else',
      goal: release({}, on('B')),
      commands: [held(0, { action: restrict(1), rung: 1 })],
      observation: stock([bucket('qualityInspection', 100, { carrier: 'B' }), bucket('unrestricted', 10, { carrier: 'A' })], {
        restrictions: [{ rung: 1, reference: 'HPH0', by: 'INTERFACE' }],
      }),
      policy: { holds: activeHold(on('A')) },
      expected: 'send #0 HP0 100 qualityInspection@B > unrestricted',
    },
    {
      name: 'our flag goes while the other hold keeps its part in blocked stock',
      goal: release({}, on('B')),
      commands: [held(0, { action: restrict(1), rung: 1 })],
      observation: stock([bucket('qualityInspection', 100, { carrier: 'B' }), bucket('blocked', 10, { carrier: 'A' })], {
        restrictions: [{ rung: 1, reference: 'HPH0', by: 'INTERFACE' }],
      }),
      policy: { holds: activeHold(on('A')) },
      expected: 'send #0 HP0 unrestrict 1',
    },
    {
      name: 'our flag is not judged by a read from before the other hold: its part may have been moved apart since',
      goal: release({}, on('B')),
      commands: [held(0, { action: restrict(1), rung: 1 })],
      observation: stock([bucket('qualityInspection', 100, { carrier: 'B' }), bucket('blocked', 10, { carrier: 'A' })], {
        restrictions: [{ rung: 1, reference: 'HPH0', by: 'INTERFACE' }],
      }),
      policy: { holds: activeHold(on('A')).map((hold) => ({ ...hold, setAt: at(99) })), lagMs: 2_000, now: at(100) },
      expected: 'read from 101',
    },
    {
      name: 'an unknown taking off of a flag is not repeated while any hold is active',
      goal: release({}, on('B')),
      commands: [command({ type: 'unrestrict', lot: LOT, rung: 1 }, { state: 'unknown' })],
      policy: { idempotency: 'key', holds: activeHold(on('A')), now: at(70) },
      expected: 'read from 60',
    },
    {
      name: 'an unknown movement is not repeated out of a place that a hold covers, though the goal speaks of another',
      goal: release({}, on('B')),
      commands: [command(move(10, 'qualityInspection', 'unrestricted'), { state: 'unknown' })],
      policy: { idempotency: 'key', holds: activeHold(except('B')), now: at(70) },
      expected: 'read from 60',
    },
    {
      name: 'but without one it is',
      goal: release({}, on('B')),
      commands: [command({ type: 'unrestrict', lot: LOT, rung: 1 }, { state: 'unknown' })],
      policy: { idempotency: 'key', now: at(70) },
      expected: 'resend goal-1.0 unrestrict 1',
    },
    {
      name: 'the flag of somebody else is not touched',
      observation: stock(inspected, { restrictions: [{ rung: 1, reference: null, by: 'clerk' }] }),
      expected: 'send #0 HP0 100 qualityInspection > unrestricted',
    },
    {
      name: 'all posted, our flag still there: it goes as well',
      commands: [posted(100), held(0, { action: restrict(1), rung: 1 })],
      observation: stock(free, { documents: [shown(100)], restrictions: [{ rung: 1, reference: 'HPH0', by: 'INTERFACE' }] }),
      expected: 'send #1 HP1 unrestrict 1',
    },
  ])('$name', check)
})

describe('a rejection', () => {
  it.each<Golden>([
    {
      name: 'takes quality inspection first: what is usable may be of another receipt, and the hold takes it out of use',
      goal: rejection(),
      observation: stock([bucket('qualityInspection', 60), bucket('unrestricted', 40)]),
      expected: 'send #0 HP0 60 qualityInspection > blocked',
    },
    {
      name: 'then usable stock',
      goal: rejection(),
      observation: stock([bucket('restricted', 60), bucket('unrestricted', 40)]),
      expected: 'send #0 HP0 40 unrestricted > blocked',
    },
    {
      name: 'then restricted',
      goal: rejection(),
      observation: stock([bucket('restricted', 60)]),
      expected: 'send #0 HP0 60 restricted > blocked',
    },
    {
      name: 'is not stopped by a hold',
      goal: rejection(),
      observation: stock(inspected),
      policy: { holds: activeHold() },
      expected: 'send #0 HP0 100 qualityInspection > blocked',
    },
    {
      name: 'nor by a negative bucket',
      goal: rejection(),
      observation: stock([...inspected, bucket('unrestricted', -1, { location: 'L9' })]),
      expected: 'send #0 HP0 100 qualityInspection > blocked',
    },
    {
      name: 'is where our own hold had put it',
      goal: rejection(),
      commands: [held(100)],
      observation: stock([bucket('blocked', 100)], { documents: [heldDoc(100)] }),
      expected: 'met observed',
    },
    {
      name: 'is in part where our own hold had put it',
      goal: rejection(),
      commands: [held(40)],
      observation: stock([bucket('blocked', 40)], { documents: [heldDoc(40)] }),
      expected: 'park posting.doneElsewhere',
    },
    {
      name: 'was blocked by hand',
      goal: rejection(),
      observation: stock([bucket('blocked', 100)], { documents: [doc(null, 100, 'qualityInspection', 'blocked')] }),
      expected: 'park posting.doneElsewhere',
    },
    {
      name: 'is met by its document',
      goal: rejection(),
      commands: [command(move(100, 'qualityInspection', 'blocked'))],
      observation: stock([bucket('blocked', 100)], { documents: [doc('HP0', 100, 'qualityInspection', 'blocked')] }),
      expected: 'met readBack',
    },
    {
      name: 'waits for a sibling in flight like every posting',
      goal: rejection(),
      commands: [held(1, { state: 'intent' })],
      observation: stock(inspected),
      expected: 'wait sibling',
    },
    {
      name: 'of the customer’s stock may restrict',
      goal: rejection(),
      observation: stock([bucket('qualityInspection', 100, { specialStock: 'customerOwned' })]),
      expected: 'send #0 HP0 100 qualityInspection > blocked',
    },
  ])('$name', check)
})
