import { describe, expect, it } from 'vitest'
import { activeHold, at, bucket, command, doc, hold, move, policy, release, restrict, stock, told } from '../../test/reconcile/builders.ts'
import type { Command, Goal, IdempotencyClass } from '../model/goal.ts'
import type { Observation } from '../model/observation.ts'
import { type ReconcilePolicy, reconcile } from './reconcile.ts'

const CLASSES = ['natural', 'key', 'externalId', 'conditional', 'queryable', 'transportId', 'file', 'unsafe'] as const

interface Situation {
  readonly name: string
  readonly now: number
  readonly goal?: Partial<Goal>
  readonly command?: Partial<Command>
  readonly observation?: Observation
  readonly policy?: Partial<ReconcilePolicy>
  /** By class; `other` for those not named. */
  readonly expected: Partial<Record<IdempotencyClass, string>> & { readonly other: string }
}

const inspectionStock = [bucket('qualityInspection', 100)]
const absent = (began: number): Observation => stock(inspectionStock, { began })
const found = (began: number): Observation =>
  stock([bucket('unrestricted', 100)], { began, documents: [doc('HP0', 100, 'qualityInspection', 'unrestricted')] })

const RESEND = 'resend goal-1.0 100 qualityInspection > unrestricted'
const APPLIED = 'resolve goal-1.0 applied'
const FAILED = 'resolve goal-1.0 failed'
const ONCE = 'resolve goal-1.0 absentOnce'
const UNKNOWN = 'park command.outcomeUnknown'
const repeated = { key: RESEND, transportId: RESEND, externalId: RESEND }
const read = { natural: 'read from 62', conditional: 'read from 62' }

/**
 * A release of 100, intent at 20, connection given up at 30: quiet from 60, visible from 62. A key is remembered until 80.
 */
const SITUATIONS: readonly Situation[] = [
  { name: 'no observation yet', now: 40, expected: { ...read, ...repeated, unsafe: UNKNOWN, other: 'read from 60' } },
  { name: 'the document is found, even before quiesce', now: 40, observation: found(39), expected: { other: APPLIED } },
  {
    name: 'a read that began before the intent shows nothing',
    now: 40,
    observation: absent(19),
    expected: { ...read, ...repeated, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'a sweep shows the document, which nominates only',
    now: 40,
    observation: { ...found(39), source: 'sweep' },
    expected: { ...read, ...repeated, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'absent before quiesce proves nothing',
    now: 56,
    observation: absent(55),
    expected: { ...read, ...repeated, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'absent after quiesce by a clock that may have been set forward meanwhile',
    now: 64,
    policy: { silence: { until: at(50), ms: 25_000 } },
    observation: absent(63),
    expected: { natural: 'read from 87', conditional: 'read from 87', ...repeated, unsafe: UNKNOWN, other: 'read from 85' },
  },
  {
    name: 'absent after quiesce, within the lag',
    now: 62,
    observation: absent(61),
    expected: { ...read, ...repeated, unsafe: UNKNOWN, other: ONCE },
  },
  {
    name: 'absent after quiesce and lag',
    now: 64,
    observation: absent(63),
    expected: { natural: FAILED, conditional: FAILED, ...repeated, unsafe: UNKNOWN, other: ONCE },
  },
  {
    name: 'absent a second time, less than a lag later',
    now: 65,
    command: { absentAt: at(63) },
    observation: absent(64),
    expected: { natural: 'read from 65', conditional: 'read from 65', ...repeated, unsafe: UNKNOWN, other: 'read from 65' },
  },
  {
    name: 'absent a second time, a lag later',
    now: 67,
    command: { absentAt: at(63) },
    observation: absent(66),
    expected: { ...repeated, unsafe: UNKNOWN, other: FAILED },
  },
  {
    name: 'absent after quiesce; the earlier absence was of an earlier attempt',
    now: 67,
    command: { absentAt: at(15), attempts: 2 },
    observation: absent(66),
    expected: { natural: FAILED, conditional: FAILED, ...repeated, unsafe: UNKNOWN, other: ONCE },
  },
  {
    name: 'no lag at all: the second absence still needs a read of its own',
    now: 67,
    command: { absentAt: at(66) },
    observation: absent(66),
    policy: { lagMs: 0 },
    expected: { natural: FAILED, conditional: FAILED, ...repeated, unsafe: UNKNOWN, other: 'read from 66.001' },
  },
  {
    name: 'a hold has come meanwhile: nothing is repeated',
    now: 40,
    policy: { holds: activeHold() },
    expected: { ...read, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'a hold has come meanwhile, and it is absent twice',
    now: 67,
    command: { absentAt: at(63) },
    observation: absent(66),
    policy: { holds: activeHold() },
    expected: { unsafe: UNKNOWN, other: FAILED },
  },
  {
    name: 'a hold has come, absent twice, and the target is not known to show references',
    now: 67,
    command: { absentAt: at(63) },
    observation: absent(66),
    policy: { holds: activeHold(), evidence: 'answer' },
    expected: { key: 'blocked heldBy:h1 (no exception)', transportId: 'blocked heldBy:h1 (no exception)', unsafe: UNKNOWN, other: FAILED },
  },
  {
    name: 'the key is forgotten: from now on read only',
    now: 85,
    expected: { externalId: RESEND, natural: 'read from 75', conditional: 'read from 75', unsafe: UNKNOWN, other: 'read from 75' },
  },
  {
    name: 'the key is forgotten, counted from the first intent, not from the newest',
    now: 85,
    command: { firstIntentAt: at(20), intentAt: at(79), changedAt: at(79), attempts: 2 },
    expected: {
      externalId: RESEND,
      natural: 'read from 111',
      conditional: 'read from 111',
      unsafe: UNKNOWN,
      other: 'read from 109',
    },
  },
  {
    name: 'the key is forgotten, absent twice, no references to be seen',
    now: 85,
    command: { absentAt: at(80) },
    observation: absent(84),
    policy: { evidence: 'answer' },
    expected: { externalId: RESEND, key: UNKNOWN, transportId: UNKNOWN, unsafe: UNKNOWN, other: FAILED },
  },
  {
    name: 'attempts are used up: no further repeat',
    now: 40,
    command: { attempts: 5 },
    expected: { ...read, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'the second repeat waits for its turn',
    now: 30,
    command: { attempts: 3, changedAt: at(30) },
    expected: {
      ...read,
      key: 'wait retry until 32',
      transportId: 'wait retry until 32',
      externalId: 'wait retry until 32',
      unsafe: UNKNOWN,
      other: 'read from 60',
    },
  },
  {
    name: 'shadow: nothing is repeated',
    now: 40,
    policy: { sending: 'shadow' },
    expected: { ...read, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'withdrawing: nothing is repeated',
    now: 40,
    goal: { withdrawing: true },
    expected: { ...read, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'withdrawing, and it is found applied',
    now: 40,
    goal: { withdrawing: true },
    observation: found(39),
    expected: { other: APPLIED },
  },
  {
    name: 'withdrawing, and absent twice',
    now: 67,
    goal: { withdrawing: true },
    command: { absentAt: at(63) },
    observation: absent(66),
    expected: { unsafe: UNKNOWN, other: FAILED },
  },
  {
    name: 'restored hub: asked before it is repeated',
    now: 40,
    policy: { queryFirst: true },
    expected: { ...read, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'restored hub: asked and not found',
    now: 40,
    observation: absent(39),
    policy: { queryFirst: true },
    expected: { ...read, ...repeated, unsafe: UNKNOWN, other: 'read from 60' },
  },
  {
    name: 'the premise has to be read again before a repeat',
    now: 40,
    policy: { premise: 'stale' },
    expected: {
      ...read,
      key: 'readPremise',
      transportId: 'readPremise',
      externalId: 'readPremise',
      unsafe: UNKNOWN,
      other: 'read from 60',
    },
  },
  {
    name: 'the premise is gone: nothing is repeated',
    now: 40,
    policy: { premise: 'gone' },
    expected: { ...read, unsafe: UNKNOWN, other: 'read from 60' },
  },
]

describe.each(SITUATIONS)('unknown release: $name', (situation) => {
  it.each(CLASSES)('%s', (idempotency) => {
    const unknown = command(move(100, 'qualityInspection', 'unrestricted'), { state: 'unknown', changedAt: at(30), ...situation.command })
    const step = reconcile(
      release(situation.goal),
      situation.observation ?? null,
      [unknown],
      policy({ idempotency, now: at(situation.now), ...situation.policy }),
    )
    expect(told(step)).toBe(situation.expected[idempotency] ?? situation.expected.other)
  })
})

/**
 * The same for a hold, of which no outcome may stop us. Under class unsafe it is taken as done, and what is still usable is
 * held under the next reference.
 */
const HOLD_SITUATIONS: readonly Situation[] = [
  {
    name: 'no observation yet',
    now: 40,
    expected: { natural: 'read from 62', conditional: 'read from 62', unsafe: 'read from 62', other: 'read from 60' },
  },
  {
    name: 'still usable after quiesce and lag',
    now: 64,
    observation: stock([bucket('unrestricted', 100)], { began: 63 }),
    expected: { natural: FAILED, conditional: FAILED, unsafe: APPLIED, other: ONCE },
  },
  {
    name: 'the key is forgotten: one read after quiesce and lag is enough',
    now: 85,
    observation: stock([bucket('unrestricted', 100)], { began: 84 }),
    expected: { natural: FAILED, conditional: FAILED, unsafe: APPLIED, key: FAILED, transportId: FAILED, other: ONCE },
  },
]

describe.each(HOLD_SITUATIONS)('unknown hold: $name', (situation) => {
  it.each(CLASSES)('%s', (idempotency) => {
    const unknown = command(move(100, 'unrestricted', 'blocked'), { state: 'unknown', changedAt: at(30) })
    const inWindow = situation.now < 80 && (idempotency === 'key' || idempotency === 'transportId')
    const repeats = inWindow || idempotency === 'externalId'
    const step = reconcile(hold(), situation.observation ?? null, [unknown], policy({ idempotency, now: at(situation.now) }))
    const expected = repeats ? 'resend goal-1.0 100 unrestricted > blocked' : (situation.expected[idempotency] ?? situation.expected.other)
    expect(told(step)).toBe(expected)
  })
})

describe('unknown hold, other rungs and outcomes', () => {
  const usable = [bucket('unrestricted', 100)]

  it('is never parked: a repeat that fails again and again is shown and goes on', () => {
    const unknown = command(move(100, 'unrestricted', 'blocked'), { state: 'unknown', changedAt: at(99), intentAt: at(99), attempts: 7 })
    expect(told(reconcile(hold(), null, [unknown], policy({ idempotency: 'externalId' })))).toBe(
      'blocked target.unavailable (target.unavailable) until 105',
    )
  })

  it('of a flag is settled by the flag, whoever set it, but only after quiesce', () => {
    const unknown = command(restrict(1), { state: 'unknown', changedAt: at(30) })
    const flag = { restrictions: [{ rung: 1, reference: null, by: 'clerk' }] }
    expect(told(reconcile(hold(), stock(usable, { ...flag, began: 39 }), [unknown], policy({ now: at(40) })))).toBe('read from 60')
    expect(told(reconcile(hold(), stock(usable, flag), [unknown], policy()))).toBe(APPLIED)
  })

  it('of a flag with our reference is settled at once', () => {
    const unknown = command(restrict(1), { state: 'unknown', changedAt: at(30) })
    const seen = stock(usable, { began: 39, restrictions: [{ rung: 1, reference: 'HP0', by: 'INTERFACE' }] })
    expect(told(reconcile(hold(), seen, [unknown], policy({ now: at(40) })))).toBe(APPLIED)
  })

  it('whose document shows is applied even under class unsafe', () => {
    const unknown = command(move(100, 'unrestricted', 'blocked'), { state: 'unknown', changedAt: at(30) })
    const seen = stock([bucket('blocked', 100)], { documents: [doc('HP0', 100, 'unrestricted', 'blocked')] })
    expect(told(reconcile(hold(), seen, [unknown], policy({ idempotency: 'unsafe' })))).toBe(APPLIED)
  })

  it('with a thousand documents, absence proves nothing', () => {
    const unknown = command(move(100, 'qualityInspection', 'unrestricted'), { state: 'unknown', changedAt: at(30) })
    const documents = Array.from({ length: 1_000 }, (_, index) => doc(null, 1, 'unrestricted', null, { number: `N${index}` }))
    expect(told(reconcile(release(), stock(inspectionStock, { documents }), [unknown], policy()))).toBe('read from 90')
  })
})

describe('failed command', () => {
  const failed = (change: Partial<Command> = {}): Command =>
    command(move(100, 'qualityInspection', 'unrestricted'), { state: 'failed', changedAt: at(90), ...change })
  const open = stock(inspectionStock)

  it.each<[string, Partial<Command>, Partial<ReconcilePolicy>, string]>([
    ['first failure is tried again at once', {}, {}, RESEND],
    ['waits for the time that the target named', { notBefore: at(110) }, {}, 'wait retry until 110'],
    ['goes out once that time has come', { notBefore: at(100) }, {}, RESEND],
    ['later failures wait their turn', { attempts: 4, changedAt: at(98) }, {}, 'wait retry until 101'],
    ['after many a person knows', { attempts: 5, changedAt: at(98) }, {}, 'blocked target.unavailable (target.unavailable) until 102'],
    ['and it goes on all the same', { attempts: 5, changedAt: at(90) }, {}, RESEND],
    ['goes on at once when a person asks', { notBefore: at(110) }, { retryAskedAt: at(95) }, RESEND],
    ['a person asked before it failed again', { notBefore: at(110) }, { retryAskedAt: at(80) }, 'wait retry until 110'],
    ['a repeat of a proved failure is gated by holds', {}, { holds: activeHold() }, 'blocked heldBy:h1 (no exception)'],
    ['and by the premise', {}, { premise: 'stale' }, 'readPremise'],
  ])('%s', (...row) => {
    const [, change, policyChange, expected] = row
    expect(told(reconcile(release(), open, [failed(change)], policy(policyChange)))).toBe(expected)
  })

  it('takes the quantity that is there now, under the same reference', () => {
    const step = reconcile(release(), stock([bucket('qualityInspection', 60)]), [failed()], policy())
    expect(told(step)).toBe('resend goal-1.0 60 qualityInspection > unrestricted')
  })

  it('turns out applied when its document shows after all', () => {
    const late = stock([bucket('unrestricted', 100)], { documents: [doc('HP0', 100, 'qualityInspection', 'unrestricted')] })
    expect(told(reconcile(release(), late, [failed()], policy()))).toBe(APPLIED)
  })

  it('of a hold is shown after the last attempt and goes on', () => {
    const usable = stock([bucket('unrestricted', 100)])
    const placing = command(move(100, 'unrestricted', 'blocked'), { state: 'failed', attempts: 9, changedAt: at(90), notBefore: at(105) })
    expect(told(reconcile(hold(), usable, [placing], policy()))).toBe('blocked target.unavailable (target.unavailable) until 105')
    const due = { ...placing, notBefore: at(100) }
    expect(told(reconcile(hold(), usable, [due], policy()))).toBe('resend goal-1.0 100 unrestricted > blocked')
  })
})

describe('order key', () => {
  const sibling = (state: Command['state']): Command => command(move(5, 'qualityInspection', 'unrestricted'), { goal: 'goal-other', state })

  it.each<[string, Command['state'], string]>([
    ['in flight', 'intent', 'wait sibling'],
    ['unknown', 'unknown', 'wait sibling'],
    ['applied', 'applied', 'send #0 HP0 100 qualityInspection > unrestricted'],
    ['refused', 'refused', 'send #0 HP0 100 qualityInspection > unrestricted'],
    ['failed', 'failed', 'send #0 HP0 100 qualityInspection > unrestricted'],
  ])('a release beside a sibling that is %s', (_, state, expected) => {
    expect(told(reconcile(release(), stock(inspectionStock), [sibling(state)], policy()))).toBe(expected)
  })

  it('own command in flight: wait, whatever is seen', () => {
    const own = command(move(100, 'qualityInspection', 'unrestricted'), { state: 'intent' })
    expect(told(reconcile(release(), found(99), [own], policy()))).toBe('wait inFlight')
    expect(told(reconcile(hold(), stock([]), [own], policy()))).toBe('wait inFlight')
  })

  it('an observation from before the last settlement plus the lag is ignored, whoever tells of it', () => {
    const seen = stock(inspectionStock)
    expect(told(reconcile(release(), seen, [], policy({ lastSettledAt: at(98) })))).toBe('read from 100')
    const settled = command(move(5, 'qualityInspection', 'unrestricted'), { goal: 'goal-other', changedAt: at(97.5) })
    expect(told(reconcile(release(), seen, [settled], policy()))).toBe('read from 99.5')
  })

  it('forty commands are enough', () => {
    const commands = Array.from({ length: 40 }, (_, ordinal) =>
      command(move(1, 'qualityInspection', 'unrestricted'), { ordinal, detail: '', reference: `HP${ordinal}` }),
    )
    const documents = commands.map(({ reference }) => doc(reference, 1, 'qualityInspection', 'unrestricted'))
    const step = reconcile(release(), stock([bucket('qualityInspection', 60)], { documents }), commands, policy())
    expect(told(step)).toBe('park goal.commandsExhausted')
  })
})
