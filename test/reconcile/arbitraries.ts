import fc from 'fast-check'
import type { Action, Command, Goal, GoalState, IdempotencyClass, Predicate } from '../../src/model/goal.ts'
import type { PortionScope } from '../../src/model/hold.ts'
import type { Observation, RecordSeen, StockDocument } from '../../src/model/observation.ts'
import type { Quantity } from '../../src/model/quantity.ts'
import type { SpecialStock, StockBucket, StockType, Whereabouts } from '../../src/model/stock.ts'
import type { ReconcilePolicy } from '../../src/reconcile/reconcile.ts'
import { at, bucket, command, GOAL, goal, HOLD, KEY, LOT, OTHER, policy } from './builders.ts'

/**
 * Well-typed questions, likely and unlikely ones: few places, carriers, references and times, so that they meet each other.
 */
export interface Question {
  readonly goal: Goal
  readonly observation: Observation | null
  readonly commands: readonly Command[]
  readonly policy: ReconcilePolicy
}

const time = fc.constantFrom(5, 20, 30, 50, 61, 64, 80, 90, 95, 96, 97, 98, 99, 100, 110).map(at)
/** Mostly long ago: what is settled rarely stands in the way of what is seen now. */
const earlier = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(5, 20, 30, 50, 61).map(at) }, { weight: 1, arbitrary: time })
const earlierOrNull = fc.option(earlier, { nil: null })
const readTime = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(97, 98, 99).map(at) }, { weight: 1, arbitrary: time })
const carrier = fc.constantFrom(null, null, null, null, 'A', 'B')
const location = fc.constantFrom('L1', 'L1', 'L1', 'L1', 'L2', 'A')
const stockType: fc.Arbitrary<StockType> = fc.constantFrom(
  'unrestricted',
  'unrestricted',
  'qualityInspection',
  'qualityInspection',
  'blocked',
  'blocked',
  'blocked',
  'restricted',
  'customerReturn',
)
const whereabouts: fc.Arbitrary<Whereabouts> = fc.constantFrom('onHand', 'onHand', 'onHand', 'inTransit', 'wip', 'consumed', 'shipped')
const specialStock: fc.Arbitrary<SpecialStock> = fc.constantFrom('own', 'own', 'own', 'own', 'own', 'own', 'own', 'customerOwned')
const reference = fc.constantFrom(null, null, 'HP0', 'HP1', 'HPH0', 'HPH0', 'HPH1', 'HPO0', 'HPZZ', 'free text')
const carriers = fc.uniqueArray(fc.constantFrom('A', 'B', 'L1'), { minLength: 1, maxLength: 2 })

export const scope: fc.Arbitrary<PortionScope> = fc.oneof(
  fc.constant<PortionScope>({ kind: 'whole' }),
  carriers.map((names): PortionScope => ({ kind: 'carriers', carriers: names })),
  carriers.map((names): PortionScope => ({ kind: 'remainder', except: names })),
)

const quantity: fc.Arbitrary<Quantity> = fc.record({
  value: fc.constantFrom('100', '100', '70', '70', '30', '30', '0', '-5', '0.1', '12.500', '-0', '999999999999999999.999999999'),
  uom: fc.constantFrom('C62', 'C62', 'C62', 'C62', 'C62', 'C62', 'C62', 'C62', 'KGM'),
})

const buckets: fc.Arbitrary<StockBucket> = fc
  .record({ stockType, carrier, location, whereabouts, specialStock, quantity, usable: fc.option(fc.boolean(), { nil: null }) })
  .map(({ usable, ...rest }) => ({ ...bucket(rest.stockType, 1), ...rest, usable: usable ?? rest.stockType === 'unrestricted' }))

const place = fc.record({ stockType, carrier, location, specialStock }).map((where) => ({
  site: 'S1',
  location: where.location,
  carrier: where.carrier,
  stockType: where.stockType,
  specialStock: where.specialStock,
}))

/** Mostly from one stock type to another in one place. */
const route = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(place, stockType).map(([from, to]) => ({ from, to: { ...from, stockType: to } })) },
  { weight: 1, arbitrary: fc.record({ from: fc.option(place, { nil: null }), to: fc.option(place, { nil: null }) }) },
)

const documents: fc.Arbitrary<StockDocument> = fc
  .record({
    number: fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8', '9', '10'),
    reference,
    route,
    quantity,
    by: fc.constantFrom('clerk', 'INTERFACE'),
    at: time,
    reverses: fc.constantFrom(null, null, null, null, null, '1', '2'),
  })
  .map(({ route: { from, to }, ...rest }) => ({ ...rest, from, to }))

const recordsSeen: fc.Arbitrary<RecordSeen> = fc.record({
  id: fc.constantFrom('QI-1', 'QI-2'),
  key: fc.constantFrom(KEY, KEY, 'other'),
  version: fc.constant('1'),
  status: fc.constant('created'),
  open: fc.boolean(),
  decided: fc.boolean(),
  reference,
})

const timing = fc
  .record({
    beganAt: readTime,
    endedAt: readTime,
    source: fc.constantFrom<Observation['source'][]>('read', 'read', 'read', 'read', 'read', 'sweep'),
  })
  .map((times) => (times.endedAt < times.beganAt ? { ...times, endedAt: times.beganAt } : times))

const recordObservation = fc
  .tuple(fc.array(recordsSeen, { maxLength: 2 }), timing)
  .map(([seen, times]): Observation => ({ kind: 'record', records: seen, ...times }))
const stockObservation = fc.tuple(stockSeen(), timing).map(([seen, times]): Observation => ({ ...seen, ...times }))

/** Mostly of the kind that the goal needs. */
function observationFor(goal: Goal): fc.Arbitrary<Observation | null> {
  const ofRecords = goal.predicate.type === 'exists' || goal.predicate.type === 'notOpen'
  return fc.oneof(
    { weight: 8, arbitrary: ofRecords ? recordObservation : stockObservation },
    { weight: 1, arbitrary: ofRecords ? stockObservation : recordObservation },
    { weight: 1, arbitrary: fc.constant(null) },
  )
}

function stockSeen() {
  return fc.record({
    kind: fc.constant('stock' as const),
    known: fc.boolean(),
    buckets: fc.array(buckets, { maxLength: 4 }),
    documents: fc.array(documents, { maxLength: 6 }),
    restrictions: fc.array(fc.record({ rung: fc.integer({ min: 1, max: 3 }), reference, by: fc.constant('clerk') }), { maxLength: 2 }),
  })
}

const moves = (to: fc.Arbitrary<StockType>): fc.Arbitrary<Action> =>
  fc
    .tuple(place, to, quantity)
    .map(([from, target, amount]): Action => ({ type: 'move', lot: LOT, from, to: target, quantity: amount, decidedBy: null }))
const restrictions = fc.integer({ min: 1, max: 3 }).map((rung): Action => ({ type: 'restrict', lot: LOT, rung }))
const liftings = fc.integer({ min: 1, max: 3 }).map((rung): Action => ({ type: 'unrestrict', lot: LOT, rung }))
const holding = fc.oneof({ weight: 3, arbitrary: moves(fc.constant('blocked')) }, restrictions)
const postings = fc.oneof({ weight: 5, arbitrary: moves(stockType) }, liftings)

/** Commands are of the kind that their goal gives rise to. */
function actionsOf(predicate: Predicate): fc.Arbitrary<Action> {
  switch (predicate.type) {
    case 'notUsable':
      return holding
    case 'posted':
      return fc.oneof({ weight: 5, arbitrary: moves(fc.constant(predicate.to)) }, liftings)
    case 'restored':
      return postings
    case 'exists':
      return fc.constant<Action>({ type: 'createRecord', key: predicate.key, fields: predicate.fields })
    case 'notOpen':
      return fc.constant<Action>({ type: 'cancelRecord', key: predicate.key })
    case 'delivered':
      return fc.constant<Action>({ type: 'notify', to: predicate.to, subject: predicate.subject, text: predicate.text })
  }
}

const references: Readonly<Record<string, string>> = { [GOAL]: 'HP', [HOLD]: 'HPH', [OTHER]: 'HPO' }

function commandsOf(owner: string, action: fc.Arbitrary<Action>): fc.Arbitrary<Command> {
  return fc
    .record({
      ordinal: fc.integer({ min: 0, max: 3 }),
      action,
      state: fc.constantFrom<Command['state'][]>(
        'applied',
        'applied',
        'applied',
        'applied',
        'refused',
        'failed',
        'failed',
        'unknown',
        'intent',
      ),
      attempts: fc.constantFrom(1, 1, 1, 2, 4, 5, 6),
      firstIntentAt: earlier,
      intentAt: earlier,
      changedAt: earlier,
      absentAt: earlierOrNull,
      notBefore: earlierOrNull,
      detail: fc.constantFrom('', '', '', '1', '2'),
    })
    .map(({ action: what, ...rest }) => command(what, { ...rest, goal: owner, reference: `${references[owner]}${rest.ordinal}` }))
}

function commandsBeside(goal: Goal): fc.Arbitrary<readonly Command[]> {
  const one = fc.oneof(
    { weight: 2, arbitrary: commandsOf(GOAL, actionsOf(goal.predicate)) },
    { weight: 1, arbitrary: commandsOf(HOLD, holding) },
    { weight: 1, arbitrary: commandsOf(OTHER, postings) },
  )
  return fc.uniqueArray(one, { maxLength: 5, selector: ({ id }) => id })
}

const predicate: fc.Arbitrary<Predicate> = fc.oneof(
  { weight: 4, arbitrary: scope.map((portion): Predicate => ({ type: 'notUsable', lot: LOT, scope: portion, holds: ['h1'] })) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(scope, quantity, stockType)
      .map(([portion, amount, to]): Predicate => ({ type: 'posted', lot: LOT, scope: portion, quantity: amount, to })),
  },
  { weight: 4, arbitrary: scope.map((portion): Predicate => ({ type: 'restored', lot: LOT, scope: portion, condition: 'hold' })) },
  fc.constant<Predicate>({ type: 'exists', key: KEY, fields: {} }),
  fc.constant<Predicate>({ type: 'notOpen', key: KEY }),
  fc.option(time, { nil: null }).map((until): Predicate => ({ type: 'delivered', to: 'x@example.test', subject: 's', text: 't', until })),
)

const goals: fc.Arbitrary<Goal> = fc
  .record({
    predicate,
    state: fc.constantFrom<GoalState[]>('open', 'open', 'open', 'open', 'open', 'met', 'parked'),
    withdrawing: fc.constantFrom(false, false, false, false, false, true),
    setAt: earlier,
    settledAt: earlierOrNull,
    reopenedAt: fc.array(earlier, { maxLength: 3 }).map((times) => times.sort()),
  })
  .map(({ predicate: wanted, ...rest }) => goal(wanted, rest))

const policies: fc.Arbitrary<ReconcilePolicy> = fc
  .record({
    idempotency: fc.constantFrom<IdempotencyClass[]>(
      'natural',
      'key',
      'externalId',
      'conditional',
      'queryable',
      'queryable',
      'transportId',
      'file',
      'unsafe',
    ),
    evidence: fc.constantFrom<ReconcilePolicy['evidence'][]>('answer', 'readBack'),
    lagMs: fc.constantFrom(0, 2_000, 2_000, 20_000),
    quiesceMs: fc.constantFrom(0, 1_000, 30_000),
    keyWindowMs: fc.constantFrom(0, 60_000),
    rungMax: fc.integer({ min: 0, max: 3 }),
    holdsMayPass: fc.boolean(),
    holds: fc
      .array(scope, { maxLength: 2 })
      .map((scopes) => scopes.map((portion, index) => ({ goal: HOLD, ids: [`h${index}`], scope: portion, setAt: at(0) }))),
    undoes: fc.constantFrom<string[][]>([HOLD], [HOLD], []),
    premise: fc.constantFrom<ReconcilePolicy['premise'][]>('none', 'none', 'standing', 'standing', 'gone', 'stale'),
    sending: fc.constantFrom<ReconcilePolicy['sending'][]>('active', 'active', 'active', 'active', 'active', 'shadow'),
    queryFirst: fc.constantFrom(false, false, true),
    heals: fc.integer({ min: 0, max: 3 }),
    retryAskedAt: earlierOrNull,
    lastSettledAt: earlierOrNull,
    silence: fc.record({ until: earlierOrNull.map((earlier) => earlier ?? ''), ms: fc.integer({ min: 0, max: 60_000 }) }),
  })
  .map((change) => policy(change))

export const question: fc.Arbitrary<Question> = goals.chain((asked) =>
  fc.record({
    goal: fc.constant(asked),
    observation: observationFor(asked),
    commands: commandsBeside(asked),
    policy: policies,
  }),
)
