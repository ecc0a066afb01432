import type { Action, Command, Goal, Predicate } from '../../src/model/goal.ts'
import type { PortionScope } from '../../src/model/hold.ts'
import type { Observation, RecordSeen, StockDocument, StockObservation } from '../../src/model/observation.ts'
import type { Quantity } from '../../src/model/quantity.ts'
import type { StockBucket, StockType } from '../../src/model/stock.ts'
import type { NextStep, ReconcilePolicy } from '../../src/reconcile/reconcile.ts'

/**
 * Small words for golden cases. All times are seconds since eight o'clock; it is second 100 now, the goal was set at 10,
 * the observation began at 99. Lag 2 s, quiesce 30 s, an observation is good for 10 s, the n-th retry waits n seconds.
 */
const EIGHT = Date.parse('2026-03-02T08:00:00.000Z')
export const NOW = 100
export const READ = 99

export const LOT = 'erp-1:batch:RM-100/B-4711'
export const WHOLE: PortionScope = { kind: 'whole' }
export const on = (...carriers: string[]): PortionScope => ({ kind: 'carriers', carriers })
export const except = (...carriers: string[]): PortionScope => ({ kind: 'remainder', except: carriers })

export function at(seconds: number): string {
  return new Date(EIGHT + seconds * 1_000).toISOString()
}

export function pieces(value: number | string): Quantity {
  return { value: String(value), uom: 'C62' }
}

export const GOAL = 'goal-1'

export function goal(predicate: Predicate, change: Partial<Goal> = {}): Goal {
  const kinds = {
    notUsable: 'condition',
    notOpen: 'condition',
    posted: 'posting',
    restored: 'posting',
    exists: 'record',
    delivered: 'notice',
  } as const
  return {
    id: GOAL,
    name: 'goal',
    process: 'lot',
    key: LOT,
    partition: 0,
    generation: 1,
    system: 'erp-1',
    resource: 'inventory',
    kind: kinds[predicate.type],
    subject: LOT,
    lane: predicate.type === 'notUsable' ? 'safety' : 'normal',
    site: 'S1',
    predicate,
    cause: { instance: 'erp-1', record: 'receipt/5000001', version: null },
    decision: predicate.type === 'posted' ? 'qms-1:decision:UD-1' : null,
    line: predicate.type === 'posted' ? 1 : null,
    premise: null,
    decidedBy: null,
    state: 'open',
    withdrawing: false,
    waiting: '',
    evidence: null,
    code: null,
    setAt: at(10),
    setOrder: 0,
    settledAt: null,
    reopenedAt: [],
    retryAskedAt: null,
    commands: [],
    ...change,
  }
}

export const hold = (change: Partial<Goal> = {}, scope: PortionScope = WHOLE): Goal =>
  goal({ type: 'notUsable', lot: LOT, scope, holds: ['awaiting:1'] }, change)

export const release = (change: Partial<Goal> = {}, scope: PortionScope = WHOLE): Goal =>
  goal({ type: 'posted', lot: LOT, scope, quantity: pieces(100), to: 'unrestricted' }, change)

export const rejection = (change: Partial<Goal> = {}, scope: PortionScope = WHOLE): Goal =>
  goal({ type: 'posted', lot: LOT, scope, quantity: pieces(100), to: 'blocked' }, change)

export const restoring = (change: Partial<Goal> = {}, scope: PortionScope = WHOLE): Goal =>
  goal({ type: 'restored', lot: LOT, scope, condition: 'hold' }, change)

export const KEY = 'R-1#1#B-4711'
export const inspection = (change: Partial<Goal> = {}): Goal =>
  goal({ type: 'exists', key: KEY, fields: { plan: 'P-1' } }, { system: 'qms-1', resource: 'inspection', subject: KEY, ...change })
export const cancellation = (change: Partial<Goal> = {}): Goal =>
  goal({ type: 'notOpen', key: KEY }, { system: 'qms-1', resource: 'inspection', subject: KEY, ...change })
export const mail = (change: Partial<Goal> = {}, until: number | null = null): Goal =>
  goal({ type: 'delivered', to: 'buyer@example.test', subject: 'Held', text: 'Lot held', until: until === null ? null : at(until) }, change)

/** Goal of the hold that a release may undo; and of another posting. */
export const HOLD = 'goal-hold'
export const OTHER = 'goal-other'

type Place = Pick<StockBucket, 'location' | 'carrier'>

export function bucket(stockType: StockType, value: number | string, change: Partial<StockBucket> = {}): StockBucket {
  return {
    site: 'S1',
    location: 'L1',
    carrier: null,
    stockType,
    whereabouts: 'onHand',
    specialStock: 'own',
    quantity: pieces(value),
    usable: stockType === 'unrestricted',
    ...change,
  }
}

export function place(stockType: StockType, where: Partial<Place> = {}): NonNullable<StockDocument['from']> {
  return { site: 'S1', location: 'L1', carrier: null, stockType, specialStock: 'own', ...where }
}

/** `doc('HP0', 100, 'unrestricted', 'blocked')`; null reference: somebody else's. */
export function doc(
  reference: string | null,
  value: number | string,
  ...rest: [from: StockType | null, to: StockType | null, change?: Partial<StockDocument> & { where?: Partial<Place> }]
): StockDocument {
  const [from, to, { where, ...change } = {}] = rest
  return {
    number: `D-${reference ?? 'x'}`,
    reference,
    from: from === null ? null : place(from, where),
    to: to === null ? null : place(to, where),
    quantity: pieces(value),
    by: reference === null ? 'clerk' : 'INTERFACE',
    at: at(50),
    reverses: null,
    ...change,
  }
}

type Timing = { began?: number; ended?: number; source?: Observation['source'] }

export function stock(buckets: readonly StockBucket[], change: Partial<StockObservation> & Timing = {}): Observation {
  const { began = READ, ended = began + 0.5, source = 'read', ...rest } = change
  return {
    kind: 'stock',
    known: true,
    buckets,
    documents: [],
    restrictions: [],
    beganAt: at(began),
    endedAt: at(ended),
    source,
    ...rest,
  }
}

export function record(change: Partial<RecordSeen> = {}): RecordSeen {
  return { id: 'QI-1', key: KEY, version: '1', status: 'created', open: true, decided: false, reference: null, ...change }
}

export function records(seen: readonly RecordSeen[], timing: Timing = {}): Observation {
  const { began = READ, ended = began + 0.5, source = 'read' } = timing
  return { kind: 'record', records: seen, beganAt: at(began), endedAt: at(ended), source }
}

export function move(value: number | string, from: StockType, ...rest: [to: StockType, where?: Partial<Place>]): Action {
  const [to, where] = rest
  return { type: 'move', lot: LOT, from: place(from, where), to, quantity: pieces(value), decidedBy: null }
}

export const create: Action = { type: 'createRecord', key: KEY, fields: { plan: 'P-1' } }
export const cancel: Action = { type: 'cancelRecord', key: KEY }
export const restrict = (rung: number): Action => ({ type: 'restrict', lot: LOT, rung })

/** Own command by default: first intent, newest intent and newest change at second 20. */
export function command(action: Action, change: Partial<Command> = {}): Command {
  const ordinal = change.ordinal ?? 0
  const owner = change.goal ?? GOAL
  const changedAt = change.changedAt ?? at(20)
  return {
    id: `${owner}.${ordinal}`,
    goal: owner,
    ordinal,
    reference: owner === GOAL ? `HP${ordinal}` : `HP-${owner}-${ordinal}`,
    action,
    rung: action.type === 'restrict' ? action.rung : 0,
    state: 'applied',
    attempts: 1,
    firstIntentAt: at(20),
    intentAt: at(20),
    changedAt,
    absentAt: null,
    notBefore: null,
    detail: '',
    ...change,
  }
}

/** A hundred pieces that wait for their decision, or are free; a posting that frees some of them, and its document. */
export const inspected = [bucket('qualityInspection', 100)]
export const free = [bucket('unrestricted', 100)]
export const posted = (value: number, ordinal = 0, change: Partial<Command> = {}): Command =>
  command(move(value, 'qualityInspection', 'unrestricted'), { ordinal, changedAt: at(90), ...change })
export const shown = (value: number, ordinal = 0, change: Parameters<typeof doc>[4] = {}): StockDocument =>
  doc(`HP${ordinal}`, value, 'qualityInspection', 'unrestricted', change)

export function policy(change: Partial<ReconcilePolicy> = {}): ReconcilePolicy {
  return {
    now: at(NOW),
    idempotency: 'queryable',
    evidence: 'readBack',
    lagMs: 2_000,
    quiesceMs: 30_000,
    keyWindowMs: 60_000,
    observationAgeMsMax: 10_000,
    rungMax: 2,
    holdsMayPass: true,
    holds: [],
    undoes: [HOLD],
    replaced: [],
    referencePrefix: 'HP',
    premise: 'none',
    sending: 'active',
    queryFirst: false,
    retryDelayMs: (attempts) => attempts * 1_000,
    attemptsMax: 5,
    referenceOf: (ordinal) => `HP${ordinal}`,
    heals: 0,
    retryAskedAt: null,
    lastSettledAt: null,
    silence: { until: '', ms: 0 },
    ...change,
  }
}

export const activeHold = (scope: PortionScope = WHOLE, ...ids: string[]): ReconcilePolicy['holds'] => [
  { goal: HOLD, ids: ids.length === 0 ? ['h1'] : ids, scope, setAt: at(0) },
]

/** A step in one line, as the tables write it. Times as seconds after eight. */
export function told(step: NextStep): string {
  switch (step.step) {
    case 'wait':
      return `wait ${step.reason}${until(step.until)}`
    case 'read':
      return `read from ${seconds(step.notBefore)}`
    case 'send':
      return `send #${step.ordinal} ${step.reference} ${actionText(step.action)}${step.heal ? ' heal' : ''}`
    case 'resend':
      return `resend ${step.command} ${actionText(step.action)}`
    case 'resolve':
      return `resolve ${step.command} ${step.outcome}`
    case 'adopt':
      return `adopt #${step.ordinal} ${step.reference} ${actionText(step.action)}`
    case 'met':
      return `met ${step.evidence.kind}`
    case 'park':
    case 'refuse':
      return `${step.step} ${step.code}`
    case 'blocked':
      return `blocked ${step.waiting} (${step.code ?? 'no exception'})${until(step.until)}`
    default:
      return step.step
  }
}

function actionText(action: Action): string {
  switch (action.type) {
    case 'move': {
      const where = action.from.carrier ?? (action.from.location === 'L1' ? null : action.from.location)
      return `${action.quantity.value} ${action.from.stockType}${where === null ? '' : `@${where}`} > ${action.to}`
    }
    case 'restrict':
    case 'unrestrict':
      return `${action.type} ${action.rung}`
    default:
      return action.type
  }
}

function until(time: string | null): string {
  return time === null ? '' : ` until ${seconds(time)}`
}

function seconds(time: string): string {
  return String((Date.parse(time) - EIGHT) / 1_000)
}
