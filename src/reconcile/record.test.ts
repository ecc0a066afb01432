import { describe, expect, it } from 'vitest'
import {
  at,
  cancel,
  cancellation,
  command,
  create,
  inspection,
  KEY,
  policy,
  record,
  records,
  stock,
  told,
} from '../../test/reconcile/builders.ts'
import { checkWith, type Golden } from '../../test/reconcile/golden.ts'
import type { Command, IdempotencyClass } from '../model/goal.ts'
import { reconcile } from './reconcile.ts'

const CREATED_ONCE = { idempotency: 'externalId' } as const
const created = (change: Partial<Command> = {}): Command => command(create, { changedAt: at(90), detail: 'QI-1', ...change })

describe('creating a record', () => {
  it.each<[IdempotencyClass, string]>([
    ['externalId', 'send #0 HP0 createRecord'],
    ['key', 'send #0 HP0 createRecord'],
    ['transportId', 'send #0 HP0 createRecord'],
    ['natural', 'read from 90'],
    ['conditional', 'read from 90'],
    ['queryable', 'read from 90'],
    ['file', 'read from 90'],
    ['unsafe', 'read from 90'],
  ])('class %s: looks first, unless a second create is harmless', (idempotency, expected) => {
    expect(told(reconcile(inspection(), null, [], policy({ idempotency })))).toBe(expected)
    expect(told(reconcile(inspection(), records([]), [], policy({ idempotency })))).toBe('send #0 HP0 createRecord')
    expect(told(reconcile(inspection(), null, [], policy({ idempotency, queryFirst: true })))).toBe('read from 90')
  })

  it.each<Golden>([
    { name: 'it exists already, whoever made it', observation: records([record()]), expected: 'met observed' },
    { name: 'it exists, cancelled', observation: records([record({ status: 'cancelled', open: false })]), expected: 'met observed' },
    { name: 'it exists twice', observation: records([record(), record({ id: 'QI-2' })]), expected: 'park record.duplicate' },
    {
      name: 'another record of the same subject does not count',
      observation: records([record({ key: 'R-2#1#B-4711' })]),
      expected: 'send #0 HP0 createRecord',
    },
    {
      name: 'a sweep shows it: look closer, for a class that must look',
      observation: records([record()], { source: 'sweep' }),
      policy: { idempotency: 'queryable' },
      expected: 'read from 90',
    },
    {
      name: 'an observation of another kind says nothing',
      observation: stock([]),
      policy: { idempotency: 'queryable' },
      expected: 'read from 90',
    },
    { name: 'in flight', commands: [created({ state: 'intent' })], expected: 'wait inFlight' },
    { name: 'answered, and the answer is evidence', commands: [created()], policy: { evidence: 'answer' }, expected: 'met answer' },
    { name: 'answered, to be read back', commands: [created()], expected: 'read from 92' },
    {
      name: 'answered and read back',
      commands: [created()],
      observation: records([record({ reference: 'HP0' })]),
      expected: 'met readBack',
    },
    {
      name: 'answered, not to be seen: look once more',
      commands: [created()],
      observation: records([]),
      expected: 'resolve goal-1.0 absentOnce',
    },
    {
      name: 'answered, rolled back',
      commands: [created({ absentAt: at(95) })],
      observation: records([]),
      expected: 'resolve goal-1.0 failed',
    },
    {
      name: 'answered, not to be seen, class unsafe',
      commands: [created({ absentAt: at(95) })],
      observation: records([]),
      policy: { idempotency: 'unsafe' },
      expected: 'park command.outcomeUnknown',
    },
    { name: 'refused', commands: [created({ state: 'refused' })], expected: 'refuse record.refused' },
    {
      name: 'refused, a person asks again: look first',
      commands: [created({ state: 'refused' })],
      policy: { retryAskedAt: at(95) },
      expected: 'read from 92',
    },
    {
      name: 'refused, a person asks again',
      commands: [created({ state: 'refused' })],
      observation: records([]),
      policy: { retryAskedAt: at(95) },
      expected: 'send #1 HP1 createRecord',
    },
    { name: 'failed, tried again', commands: [created({ state: 'failed' })], expected: 'resend goal-1.0 createRecord' },
    {
      name: 'failed often: a person knows, and it goes on',
      commands: [created({ state: 'failed', attempts: 5, notBefore: at(105) })],
      expected: 'blocked target.unavailable (target.unavailable) until 105',
    },
    {
      name: 'unknown: an external id may be repeated',
      commands: [created({ state: 'unknown' })],
      expected: 'resend goal-1.0 createRecord',
    },
    {
      name: 'unknown, not under shadow',
      commands: [created({ state: 'unknown' })],
      policy: { sending: 'shadow' },
      expected: 'read from 120',
    },
    {
      name: 'unknown and found by its reference',
      commands: [created({ state: 'unknown' })],
      observation: records([record({ reference: 'HP0' })]),
      policy: { idempotency: 'queryable' },
      expected: 'resolve goal-1.0 applied',
    },
    {
      name: 'unknown and found without a reference: ours may still be on its way',
      commands: [created({ state: 'unknown', changedAt: at(90) })],
      observation: records([record()]),
      policy: { idempotency: 'queryable' },
      expected: 'read from 120',
    },
    {
      name: 'unknown and found without a reference, after quiesce',
      commands: [created({ state: 'unknown', changedAt: at(60) })],
      observation: records([record()]),
      policy: { idempotency: 'queryable' },
      expected: 'resolve goal-1.0 applied',
    },
    {
      name: 'unknown, class unsafe, absent twice',
      commands: [created({ state: 'unknown', absentAt: at(95) })],
      observation: records([]),
      policy: { idempotency: 'unsafe' },
      expected: 'park command.outcomeUnknown',
    },
    { name: 'withdrawn before it was sent', goal: inspection({ withdrawing: true }), expected: 'withdraw' },
    {
      name: 'withdrawn with a create unknown: settled first, by reading',
      goal: inspection({ withdrawing: true }),
      commands: [created({ state: 'unknown', changedAt: at(30) })],
      expected: 'read from 90',
    },
    { name: 'withdrawn, the create has happened', goal: inspection({ withdrawing: true }), commands: [created()], expected: 'withdraw' },
    { name: 'a sibling is in flight', commands: [command(cancel, { goal: 'goal-other', state: 'intent' })], expected: 'wait sibling' },
    { name: 'shadow', policy: { sending: 'shadow' }, expected: 'blocked shadow (no exception)' },
    { name: 'shadow may find it', observation: records([record()]), policy: { sending: 'shadow' }, expected: 'met observed' },
    {
      name: 'a restored hub takes over its own create',
      observation: records([record({ reference: 'HP0' })]),
      policy: { queryFirst: true },
      expected: 'adopt #0 HP0 createRecord',
    },
    {
      name: 'a failed create turns out applied',
      commands: [created({ state: 'failed' })],
      observation: records([record({ reference: 'HP0' })]),
      expected: 'resolve goal-1.0 applied',
    },
  ])('$name', checkWith(inspection(), CREATED_ONCE))

  it('sends the fields of the goal', () => {
    expect(reconcile(inspection(), records([]), [], policy())).toMatchObject({
      action: { type: 'createRecord', key: KEY, fields: { plan: 'P-1' } },
    })
  })
})

describe('a record that existed', () => {
  const met = inspection({ state: 'met', settledAt: at(80) })

  it.each<Golden>([
    { name: 'still there', observation: records([record()]), expected: 'none' },
    { name: 'nothing observed', expected: 'none' },
    { name: 'decided by now', observation: records([record({ open: false, decided: true })]), expected: 'none' },
    { name: 'gone from a sweep: look closer', observation: records([], { source: 'sweep' }), expected: 'read from 99' },
    { name: 'gone: an exception, never a recreation', observation: records([]), expected: 'blocked record.missing (record.missing)' },
    { name: 'gone in a read that may be older than the record', observation: records([], { began: 81 }), expected: 'none' },
    {
      name: 'there twice',
      observation: records([record(), record({ id: 'QI-2' })]),
      expected: 'blocked record.duplicate (record.duplicate)',
    },
  ])('$name', checkWith(met, CREATED_ONCE))
})

describe('a record that must not be open', () => {
  const cancelled = (change: Partial<Command> = {}): Command => command(cancel, { changedAt: at(90), ...change })
  const creating = (state: Command['state']): Command => command(create, { goal: 'goal-other', state })
  const met = cancellation({ state: 'met', settledAt: at(20) })

  it.each<Golden>([
    { name: 'look first', expected: 'read from 90' },
    { name: 'it never existed', observation: records([]), expected: 'met readBack' },
    { name: 'a read from before the goal is not enough', observation: records([], { began: 5 }), expected: 'read from 90' },
    {
      name: 'it never existed, but a create is in flight',
      observation: records([]),
      commands: [creating('intent')],
      expected: 'wait sibling',
    },
    {
      name: 'it never existed, but a create is unknown',
      observation: records([]),
      commands: [creating('unknown')],
      expected: 'wait sibling',
    },
    { name: 'it is open: cancelled', observation: records([record()]), expected: 'send #0 HP0 cancelRecord' },
    { name: 'it is open in a sweep', observation: records([record()], { source: 'sweep' }), expected: 'read from 90' },
    { name: 'it is decided: left alone', observation: records([record({ decided: true })]), expected: 'met readBack' },
    { name: 'it is closed', observation: records([record({ open: false })]), expected: 'met readBack' },
    {
      name: 'two are open',
      observation: records([record(), record({ id: 'QI-2' })]),
      expected: 'blocked record.duplicate (record.duplicate)',
    },
    { name: 'cancelled, to be read', commands: [cancelled()], policy: { evidence: 'answer' }, expected: 'read from 92' },
    {
      name: 'refused: its owner must settle it',
      commands: [cancelled({ state: 'refused' })],
      observation: records([record()]),
      expected: 'refuse record.refused',
    },
    {
      name: 'refused, but closed since',
      commands: [cancelled({ state: 'refused' })],
      observation: records([record({ open: false })]),
      expected: 'met readBack',
    },
    {
      name: 'unknown, even with an external id: read',
      commands: [cancelled({ state: 'unknown', changedAt: at(30) })],
      expected: 'read from 90',
    },
    {
      name: 'unknown, and closed after quiesce',
      commands: [cancelled({ state: 'unknown', changedAt: at(30) })],
      observation: records([record({ open: false })]),
      expected: 'resolve goal-1.0 applied',
    },
    {
      name: 'unknown, still open: once',
      commands: [cancelled({ state: 'unknown', changedAt: at(30) })],
      observation: records([record()]),
      expected: 'resolve goal-1.0 absentOnce',
    },
    {
      name: 'unknown, still open, class natural',
      commands: [cancelled({ state: 'unknown', changedAt: at(30) })],
      observation: records([record()]),
      policy: { idempotency: 'natural' },
      expected: 'resolve goal-1.0 failed',
    },
    {
      name: 'failed, tried again',
      commands: [cancelled({ state: 'failed' })],
      observation: records([record()]),
      expected: 'resend goal-1.0 cancelRecord',
    },
    { name: 'shadow', observation: records([record()]), policy: { sending: 'shadow' }, expected: 'blocked shadow (no exception)' },
    { name: 'withdrawn', goal: cancellation({ withdrawing: true }), expected: 'withdraw' },
    { name: 'met and still closed', goal: met, observation: records([record({ open: false })]), expected: 'none' },
    { name: 'met and open again', goal: met, observation: records([record()]), expected: 'reopen' },
    { name: 'met and open again in a sweep', goal: met, observation: records([record()], { source: 'sweep' }), expected: 'read from 99' },
    {
      name: 'open again for the third time',
      goal: cancellation({ reopenedAt: [at(60), at(70), at(98)] }),
      observation: records([record()]),
      policy: { heals: 3 },
      expected: 'blocked healedTwice (goal.healedTwice) until 105',
    },
  ])('$name', checkWith(cancellation(), CREATED_ONCE))
})
