import { describe, expect, it } from 'vitest'
import { at, command, mail, policy, told } from '../../test/reconcile/builders.ts'
import { checkWith, type Golden } from '../../test/reconcile/golden.ts'
import type { Action, Command, IdempotencyClass } from '../model/goal.ts'
import { reconcile } from './reconcile.ts'

const notify: Action = { type: 'notify', to: 'buyer@example.test', subject: 'Held', text: 'Lot held' }
const sent = (change: Partial<Command> = {}): Command => command(notify, { changedAt: at(90), detail: '250 queued', ...change })

describe('a notice', () => {
  it.each<Golden>([
    { name: 'is sent', expected: 'send #0 HP0 notify' },
    { name: 'is in flight', commands: [sent({ state: 'intent' })], expected: 'wait inFlight' },
    { name: 'ends with the answer', commands: [sent()], expected: 'met answer' },
    { name: 'is never sent twice', goal: mail({ state: 'met' }), expected: 'none' },
    { name: 'failed, tried again', commands: [sent({ state: 'failed' })], expected: 'resend goal-1.0 notify' },
    { name: 'failed, waits its turn', commands: [sent({ state: 'failed', notBefore: at(110) })], expected: 'wait retry until 110' },
    {
      name: 'failed often: a person knows, and it goes on',
      commands: [sent({ state: 'failed', attempts: 5, notBefore: at(105) })],
      expected: 'blocked target.unavailable (target.unavailable) until 105',
    },
    { name: 'refused', commands: [sent({ state: 'refused' })], expected: 'refuse notice.undelivered' },
    {
      name: 'refused, a person asks again',
      commands: [sent({ state: 'refused' })],
      policy: { retryAskedAt: at(95) },
      expected: 'send #1 HP1 notify',
    },
    { name: 'is still useful', goal: mail({}, 100), expected: 'send #0 HP0 notify' },
    { name: 'is too late', goal: mail({}, 99), expected: 'park notice.undelivered' },
    { name: 'is too late, but had arrived', goal: mail({}, 99), commands: [sent()], expected: 'met answer' },
    { name: 'shadow', policy: { sending: 'shadow' }, expected: 'blocked shadow (no exception)' },
    { name: 'a restored hub does not know whether it was sent', policy: { queryFirst: true }, expected: 'wait queryFirst' },
    { name: 'withdrawn in time', goal: mail({ withdrawing: true }), expected: 'withdraw' },
    { name: 'withdrawn after it was sent', goal: mail({ withdrawing: true }), commands: [sent()], expected: 'withdraw' },
    {
      name: 'withdrawn, outcome unknown: a person must find out',
      goal: mail({ withdrawing: true }),
      commands: [sent({ state: 'unknown' })],
      expected: 'park command.outcomeUnknown',
    },
    { name: 'unknown and too late', goal: mail({}, 99), commands: [sent({ state: 'unknown' })], expected: 'park command.outcomeUnknown' },
    {
      name: 'unknown on a restored hub',
      commands: [sent({ state: 'unknown' })],
      policy: { queryFirst: true, idempotency: 'unsafe' },
      expected: 'park command.outcomeUnknown',
    },
    {
      name: 'unknown again and again',
      commands: [sent({ state: 'unknown', attempts: 5 })],
      policy: { idempotency: 'unsafe' },
      expected: 'park command.outcomeUnknown',
    },
    {
      name: 'unknown, and the key is forgotten',
      commands: [sent({ state: 'unknown' })],
      policy: { idempotency: 'key' },
      expected: 'park command.outcomeUnknown',
    },
    {
      name: 'unknown, second repeat',
      commands: [sent({ state: 'unknown', attempts: 4, changedAt: at(99) })],
      policy: { idempotency: 'natural' },
      expected: 'wait retry until 102',
    },
  ])('$name', checkWith(mail()))

  it.each<[IdempotencyClass, string]>([
    ['natural', 'resend goal-1.0 notify'],
    ['conditional', 'resend goal-1.0 notify'],
    ['externalId', 'resend goal-1.0 notify'],
    ['key', 'resend goal-1.0 notify'],
    ['transportId', 'resend goal-1.0 notify'],
    ['unsafe', 'wait retry until 120'],
    ['queryable', 'park command.outcomeUnknown'],
    ['file', 'park command.outcomeUnknown'],
  ])('outcome unknown, class %s', (idempotency, expected) => {
    const unknown = sent({ state: 'unknown', firstIntentAt: at(90), intentAt: at(90) })
    expect(told(reconcile(mail(), null, [unknown], policy({ idempotency })))).toBe(expected)
  })

  it('class unsafe is repeated once quiet: the one harmless double', () => {
    const unknown = sent({ state: 'unknown', changedAt: at(70) })
    expect(told(reconcile(mail(), null, [unknown], policy({ idempotency: 'unsafe' })))).toBe('resend goal-1.0 notify')
  })
})
