import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Question, question } from '../../test/reconcile/arbitraries.ts'
import {
  bucket,
  cancellation,
  command,
  GOAL,
  HOLD,
  hold,
  inspection,
  mail,
  move,
  policy,
  records,
  release,
  restoring,
  stock,
  told,
} from '../../test/reconcile/builders.ts'
import type { Action, Command, Goal, GoalState } from '../model/goal.ts'
import { addQuantity, compareQuantity, type Quantity } from '../model/quantity.ts'
import { type NextStep, reconcile } from './reconcile.ts'
import { inPlant, inScope, isFree, sameBucket, scopesOverlap } from './scope.ts'

const RUNS = 1_500

describe('a goal that is over', () => {
  const over: readonly GoalState[] = ['parked', 'refused', 'superseded', 'withdrawn', 'skipped', 'excluded']
  const goals: readonly [string, (change: Partial<Goal>) => Goal][] = [
    ['condition', hold],
    ['posting', release],
    ['restoration', restoring],
    ['record', inspection],
    ['record condition', cancellation],
    ['notice', mail],
  ]

  it.each(over.flatMap((state) => goals.map(([kind, make]) => ({ state, kind, make }))))('$kind $state: nothing', ({ state, make }) => {
    const goal = make({ state })
    const seen = goal.system === 'erp-1' ? stock([bucket('unrestricted', 100), bucket('qualityInspection', 100)]) : records([])
    expect(told(reconcile(goal, seen, [], policy()))).toBe('none')
  })
})

describe('a withdrawal ends what waits for a person', () => {
  const lost = command(move(100, 'qualityInspection', 'unrestricted'), { state: 'unknown' })

  it.each<[string, Goal, readonly Command[], string]>([
    ['a parked release', release({ state: 'parked', withdrawing: true }), [], 'withdraw'],
    ['a refused record', inspection({ state: 'refused', withdrawing: true }), [], 'withdraw'],
    ['a record that exists', inspection({ state: 'met', withdrawing: true }), [], 'withdraw'],
    ['not before its command is settled; it is parked already', release({ state: 'parked', withdrawing: true }), [lost], 'none'],
    ['one that ended otherwise stays so', release({ state: 'superseded', withdrawing: true }), [], 'none'],
  ])('%s', (...row) => {
    const [, goal, commands, expected] = row
    expect(told(reconcile(goal, null, commands, policy({ idempotency: 'unsafe' })))).toBe(expected)
  })
})

function ask({ goal, observation, commands, policy: known }: Question): NextStep {
  return reconcile(goal, observation, commands, known)
}

function always(name: string, holds: (asked: Question, step: NextStep) => void): void {
  it(name, () => {
    fc.assert(
      fc.property(question, (asked) => holds(asked, ask(asked))),
      { numRuns: RUNS },
    )
  })
}

/** What is about to be sent, if anything. */
function sentBy(step: NextStep): Action | null {
  return step.step === 'send' || step.step === 'resend' ? step.action : null
}

const own = (asked: Question, ...states: readonly Command['state'][]) =>
  asked.commands.filter((command) => command.goal === GOAL && states.includes(command.state))

describe('for every question', () => {
  it('the answer is a function of the question, and the question stays as it was', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const first = ask(deepFreeze(asked))
        expect(ask(asked)).toEqual(first)
      }),
      { numRuns: RUNS },
    )
  })

  always('nothing is freed under an active hold, neither by a new command nor by a repeated one', (asked, step) => {
    const action = sentBy(step)
    const { predicate } = asked.goal
    if (action?.type !== 'move' || !isFree(action.to) || !('scope' in predicate)) return
    for (const active of asked.policy.holds) {
      expect(inScope(active.scope, action.from)).toBe(false)
      expect(scopesOverlap(predicate.scope, active.scope)).toBe(false)
    }
  })

  always('a flag is taken off only when no held stock depends on it', (asked, step) => {
    if (sentBy(step)?.type !== 'unrestrict') return
    if (step.step === 'resend' && own(asked, 'unknown').length > 0) {
      expect(asked.policy.holds).toEqual([])
      return
    }
    if (asked.observation?.kind !== 'stock') expect.unreachable()
    for (const { scope } of asked.policy.holds) {
      const open = asked.observation.buckets.filter((one) => isFree(one.stockType) && inPlant(one) && Number(one.quantity.value) !== 0)
      expect(open.filter((one) => inScope(scope, one))).toEqual([])
    }
  })

  always('nothing new is sent while an own command is in flight or unknown', (asked, step) => {
    if (own(asked, 'intent', 'unknown').length > 0) expect(step.step).not.toBe('send')
    if (asked.goal.state === 'open' && own(asked, 'intent').length > 0) expect(['wait', 'none']).toContain(step.step)
  })

  always('an unknown command is not repeated where a repeat may be a second effect', (asked, step) => {
    if (step.step !== 'resend' || asked.goal.kind === 'notice') return
    const command = asked.commands.find(({ id }) => id === step.command)
    expect(['failed', 'unknown']).toContain(command?.state)
    if (command?.state !== 'unknown') return
    expect(['key', 'transportId', 'externalId']).toContain(asked.policy.idempotency)
    expect(step.action).toBe(command.action)
  })

  always('a release waits for every unsettled command of its order key', (asked, step) => {
    if (sentBy(step) === null || asked.goal.kind !== 'posting') return
    if (step.step === 'resend' && own(asked, 'unknown').length > 0) return
    expect(asked.commands.filter(({ state }) => state === 'intent' || state === 'unknown')).toEqual([])
  })

  always('a movement takes no more than its bucket shows, in a read that counts', (asked, step) => {
    const action = sentBy(step)
    if (action?.type !== 'move' || (step.step === 'resend' && own(asked, 'unknown').length > 0)) return
    const seen = asked.observation
    expect(seen?.source).toBe('read')
    if (seen?.kind !== 'stock') expect.unreachable()
    const bucketSeen = seen.buckets.some(
      (one) =>
        sameBucket(one, action.from) && one.quantity.uom === action.quantity.uom && compareQuantity(one.quantity, action.quantity) >= 0,
    )
    expect(bucketSeen).toBe(true)
    expect(compareQuantity(action.quantity, { value: '0', uom: action.quantity.uom })).toBeGreaterThan(0)
  })

  always('a release takes no more out of blocked than our own documents put there', (asked, step) => {
    const action = sentBy(step)
    if (action?.type !== 'move' || action.from.stockType !== 'blocked' || (step.step === 'resend' && own(asked, 'unknown').length > 0))
      return
    if (asked.observation?.kind !== 'stock') expect.unreachable()
    const ours = asked.commands.filter(({ goal }) => asked.policy.undoes.includes(goal))
    let put: Quantity = { value: '0', uom: action.quantity.uom }
    for (const document of asked.observation.documents) {
      const isOurs = ours.some((one) => one.reference === document.reference || (one.state === 'applied' && one.detail === document.number))
      if (isOurs && document.reverses === null && document.to?.stockType === 'blocked' && document.quantity.uom === put.uom) {
        put = addQuantity(put, document.quantity)
      }
    }
    expect(compareQuantity(action.quantity, put)).toBeLessThanOrEqual(0)
    expect(ours.every(({ goal }) => goal === HOLD)).toBe(true)
  })

  always('a sweep, or a read that may miss the last settlement, causes a read at most', (asked, step) => {
    const { observation, policy: known, commands } = asked
    if (observation === null || asked.goal.predicate.type === 'delivered') return
    const settled = commands.filter(({ state }) => state !== 'intent' && state !== 'unknown').map(({ changedAt }) => changedAt)
    const last = [known.lastSettledAt ?? '', ...settled].sort().at(-1) ?? ''
    const old = last !== '' && Date.parse(observation.beganAt) < Date.parse(last) + known.lagMs
    if (observation.source !== 'sweep' && !old) return
    if (step.step !== 'read') expect(step).toEqual(ask({ ...asked, observation: null }))
  })

  always('no rung is taken that the target does not have', (asked, step) => {
    if (step.step === 'send' && step.action.type === 'restrict') expect(step.action.rung).toBeLessThanOrEqual(asked.policy.rungMax)
  })

  always('a hold is never given up', (asked, step) => {
    if (asked.goal.predicate.type === 'notUsable') expect(['park', 'refuse']).not.toContain(step.step)
  })

  always('only a read makes a condition green, and shadow sends nothing', (asked, step) => {
    if (asked.goal.kind === 'condition' && step.step === 'met') expect(step.evidence.kind).toBe('readBack')
    if (asked.policy.sending === 'shadow') expect(sentBy(step)).toBeNull()
  })

  always('a withdrawn goal starts nothing', (asked, step) => {
    if (asked.goal.withdrawing) expect(sentBy(step)).toBeNull()
  })

  always('a new command has an ordinal and a reference of its own', (asked, step) => {
    if (step.step !== 'send' && step.step !== 'adopt') return
    expect(own(asked, 'applied', 'refused', 'failed').filter(({ ordinal }) => ordinal >= step.ordinal)).toEqual([])
    expect(step.reference).toBe(asked.policy.referenceOf(step.ordinal))
  })

  always('after a restore nothing of stock or records is sent without a read', (asked, step) => {
    if (!asked.policy.queryFirst || sentBy(step) === null) return
    expect(asked.observation?.source).toBe('read')
  })
})

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
