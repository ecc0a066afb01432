/**
 * Postings. `posted`: so much has been moved under this decision line, counted by the documents that carry its references,
 * less their reversals. `restored`: what our own restrictions took out of use is back. Each is done once, never superseded.
 * Must never free what an active hold or a foreign block covers, and never post twice.
 */
import type { Action, Command, Predicate } from '../model/goal.ts'
import type { StockDocument } from '../model/observation.ts'
import { addQuantity, compareQuantity, isZeroQuantity, type Quantity, subtractQuantity } from '../model/quantity.ts'
import { addMs } from '../model/time.ts'
import { askedSince, type Case, latest, lotOf, readStep, SHADOW, type StockRead, slowly, stockToActOn, wait } from './case.ts'
import { adoption, failedAfterAll, pause, settleUnknown, start } from './commands.ts'
import { inPlant, inScope, isFree, sameBucket } from './scope.ts'
import { heldBy, heldByAny, isHeld, negativeIn, postedSource, restoredSource, type Source } from './sources.ts'
import type { NextStep } from './step.ts'
import { documentsComplete, isDocumentOf, traceOf } from './trace.ts'

type Posted = Extract<Predicate, { type: 'posted' }>
type Restored = Extract<Predicate, { type: 'restored' }>

/** Refusals in a row that are put down to stock that moved between our read and our posting. */
const REFUSALS_BY_RACE_MAX = 3

export function posted(c: Case, predicate: Posted): NextStep {
  if (c.goal.state === 'met') return { step: 'none' }
  if (c.inFlight !== null) return wait('inFlight')
  const frees = isFree(predicate.to)
  if (c.unknown !== null) return settleUnknown(c, c.unknown, repeatGate(c, c.unknown, frees))
  const late = failedAfterAll(c)
  if (late !== null) return late
  if (cannotBeAsked(c) && !answeredFor(c, predicate.quantity)) return LOST_HOUR
  const progress = progressOf(c, predicate.quantity)
  if ('instead' in progress) return progress.instead
  const done = compareQuantity(progress.done, predicate.quantity)
  const short = `${progress.done.value} of ${predicate.quantity.value} ${predicate.quantity.uom} posted`
  if (done > 0) return { step: 'park', code: 'command.ambiguous', detail: `more than decided: ${short}` }
  if (done === 0 && (c.goal.withdrawing || !frees)) return progress.met
  if (c.goal.withdrawing) return { step: 'withdraw', reason: short }
  if (done === 0) return afterwards(c, progress.met)
  const { reversal } = progress
  if (reversal !== null && frees && !askedSince(c, reversal.at)) {
    return {
      step: 'blocked',
      waiting: 'hold.foreign',
      code: 'hold.foreign',
      detail: `document ${reversal.reverses} was reversed by ${reversal.by}`,
      until: null,
    }
  }
  const remaining = subtractQuantity(predicate.quantity, progress.done)
  return advance(c, frees, (read) => postedSource(c, read, { predicate, remaining }))
}

export function restored(c: Case, predicate: Restored): NextStep {
  if (c.goal.state === 'met') return { step: 'none' }
  if (c.inFlight !== null) return wait('inFlight')
  if (c.unknown !== null) return settleUnknown(c, c.unknown, repeatGate(c, c.unknown, true))
  const late = failedAfterAll(c)
  if (late !== null) return late
  if (c.goal.withdrawing) return { step: 'withdraw', reason: 'no longer asked for' }
  if (cannotBeAsked(c)) return LOST_HOUR
  return advance(c, true, (read) => {
    const undone = c.newest?.state === 'applied' ? rolledBack(c, c.newest, read) : null
    if (undone !== null) return { instead: undone }
    const back = (): NextStep => ({
      step: 'met',
      evidence: { kind: 'readBack', at: read.endedAt, detail: 'nothing of our own restrictions is left' },
    })
    return restoredSource(c, read, predicate) ?? { instead: ownRung(c, read) !== null ? heldBy(c) : (namelessFlag(c, read) ?? back()) }
  })
}

const LOST_HOUR: NextStep = Object.freeze({
  step: 'park',
  code: 'command.outcomeUnknown',
  detail: 'restored hub: the target keeps no reference, so it cannot be asked whether this was posted before',
})

/** Class unsafe after a restore: what was posted in the lost hour cannot be found, and nothing else is known of it. */
function cannotBeAsked(c: Case): boolean {
  return c.policy.queryFirst && c.policy.idempotency === 'unsafe' && !c.goal.withdrawing
}

/** All of it had been answered before the backup; decided without a read, since what allows sending again may come first. */
function answeredFor(c: Case, decided: Quantity): boolean {
  let answered: Quantity = { value: '0', uom: decided.uom }
  for (const { goal, state, action } of c.commands) {
    if (goal !== c.goal.id || state !== 'applied' || action.type !== 'move' || action.quantity.uom !== decided.uom) continue
    answered = addQuantity(answered, action.quantity)
  }
  return compareQuantity(answered, decided) >= 0
}

/** What forbids sending now, cheapest first; null: nothing. A stale premise comes last, so that it is fresh when used. */
function gate(c: Case, frees: boolean): NextStep | null {
  const { policy } = c
  if (policy.sending === 'shadow') return SHADOW
  const { premise } = policy
  if (premise === 'gone') return { step: 'park', code: 'posting.premiseGone', detail: 'the decision no longer stands as it was' }
  const held = frees ? heldByAny(c) : null
  return held ?? (premise === 'stale' ? { step: 'readPremise' } : null)
}

/**
 * Taking a flag off a second time needs a fresh look at what the other holds rely on, which a repeat does not take. A
 * movement may come from a place that the goal's own scope does not name.
 */
function repeatGate(c: Case, { action }: Command, frees: boolean): NextStep | null {
  const { holds } = c.policy
  if (action.type === 'unrestrict' && holds.length > 0) return heldBy(c)
  const takesHeld = frees && action.type === 'move' && holds.some((hold) => inScope(hold.scope, action.from))
  return takesHeld ? heldBy(c) : gate(c, frees)
}

/** The next movement of a posting that is not complete: everything that may forbid it, then a fresh read, then the sources. */
function advance(c: Case, frees: boolean, sourceOf: (read: StockRead) => Source): NextStep {
  const forbidden = gate(c, frees)
  if (forbidden !== null && forbidden.step !== 'readPremise') return forbidden
  const paused = pause(c)
  if (paused !== null) return paused
  if (c.siblingUnsettled) return wait('sibling')
  const read = stockToActOn(c, '')
  if (read === null) return readStep(c, 'sources')
  const adopted = adoption(c)
  if (adopted !== null) return adopted
  const negative = frees ? negativeIn(read) : null
  if (negative !== null) {
    return { step: 'blocked', waiting: 'stock.negative', code: 'stock.negative', detail: negative, until: slowly(c, c.policy.now) }
  }
  const rung = frees ? liftableRung(c, read) : null
  const since = rung === null ? '' : holdsShownFrom(c)
  if (read.beganAt < since) return readStep(c, 'flag', since)
  const source = rung === null ? sourceOf(read) : { action: { type: 'unrestrict', lot: lotOf(c), rung } as const }
  if ('instead' in source) return source.instead
  return refusal(c, source.action) ?? forbidden ?? start(c, source.action, 0)
}

/** Complete, but a rung of ours may still keep the lot: it goes as well, unless another hold needs it. */
function afterwards(c: Case, met: NextStep): NextStep {
  const rung = c.read?.kind === 'stock' ? liftableRung(c, c.read) : null
  return rung === null ? met : advance(c, true, () => ({ instead: met }))
}

/** What a hold covers may have been moved apart for its decision: a read from before the hold does not show what relies on a flag. */
function holdsShownFrom(c: Case): string {
  return c.policy.holds.reduce((from, { setAt }) => latest(from, addMs(setAt, c.policy.lagMs)), '')
}

/** A flag concerns the whole lot, so it stays while an active hold covers stock that nothing else keeps from use. */
function liftableRung(c: Case, read: StockRead): number | null {
  return keptByFlag(c, read) ? null : ownRung(c, read)
}

function keptByFlag(c: Case, read: StockRead): boolean {
  return read.buckets.some((bucket) => isFree(bucket.stockType) && inPlant(bucket) && isHeld(c, bucket) && !isZeroQuantity(bucket.quantity))
}

/** We set a flag, and one is in force that names nobody: it may be ours, so a person has to say. */
function namelessFlag(c: Case, read: StockRead): NextStep | null {
  const nameless = read.restrictions.find((restriction) => restriction.reference === null)
  const ours = c.commands.some(
    ({ action, state, goal }) => action.type === 'restrict' && state === 'applied' && c.policy.undoes.includes(goal),
  )
  if (nameless === undefined || !ours) return null
  const detail = `a flag of rung ${nameless.rung} set by ${nameless.by} keeps no reference`
  return { step: 'blocked', waiting: 'hold.foreign', code: 'hold.foreign', detail, until: slowly(c, c.policy.now) }
}

/** Only a flag that carries our reference is ours. */
function ownRung(c: Case, read: StockRead): number | null {
  for (const restriction of read.restrictions) {
    const ours = c.commands.some(
      (command) =>
        command.action.type === 'restrict' && command.reference === restriction.reference && c.policy.undoes.includes(command.goal),
    )
    if (ours) return restriction.rung
  }
  return null
}

/**
 * The target's final no. Not taken as final while the stock had merely moved on between our read and our posting:
 * then another movement fits, a few times.
 */
function refusal(c: Case, action: Action): NextStep | null {
  const { newest } = c
  if (newest?.state !== 'refused' || askedSince(c, newest.changedAt)) return null
  let refusals = 0
  for (const command of c.commands) {
    if (command.goal === c.goal.id && command.state === 'refused' && !askedSince(c, command.changedAt)) refusals++
  }
  if (!isSame(newest.action, action) && refusals < REFUSALS_BY_RACE_MAX) return null
  return { step: 'refuse', code: 'posting.refused', detail: `${newest.reference}: ${newest.detail}` }
}

function isSame(one: Action, other: Action): boolean {
  if (one.type === 'unrestrict' && other.type === 'unrestrict') return one.rung === other.rung
  if (one.type !== 'move' || other.type !== 'move') return false
  return one.to === other.to && one.quantity.value === other.quantity.value && sameBucket(one.from, other.from)
}

interface Progress {
  readonly done: Quantity
  /** The step if `done` is all that was decided. */
  readonly met: NextStep
  /** A reversal of one of our documents by a person. */
  readonly reversal: StockDocument | null
}

/**
 * What stands under this goal's references. A command that was answered but whose document does not show has been rolled
 * back by the target; two reads prove it, before anything is repeated.
 */
function progressOf(c: Case, decided: Quantity): Progress | { readonly instead: NextStep } {
  const answers = c.policy.evidence === 'answer'
  const applied = c.commands.some((command) => command.goal === c.goal.id && command.state === 'applied')
  const read = c.read?.kind === 'stock' ? c.read : null
  if (applied && !answers && read === null) return { instead: readStep(c, 'progress') }
  let done: Quantity = { value: '0', uom: decided.uom }
  let reversal: StockDocument | null = null
  const details: string[] = []
  for (const command of c.commands) {
    if (command.goal !== c.goal.id || command.action.type !== 'move') continue
    const found = read === null ? NOTHING : documentsOf(command, read, decided.uom)
    if (found.standing > 1)
      return { instead: { step: 'park', code: 'command.ambiguous', detail: `${found.standing} documents under ${command.reference}` } }
    const undone = found.count === 0 && command.state === 'applied' && read !== null ? rolledBack(c, command, read) : null
    if (undone !== null) return { instead: undone }
    const counts = found.count > 0 ? found.net : command.state === 'applied' ? command.action.quantity : null
    if (counts === null) continue
    if (counts.uom !== decided.uom || found.otherUnit) {
      const detail = `${command.reference} is booked in another unit than ${decided.uom}`
      return { instead: { step: 'blocked', waiting: 'unit', code: 'mapping.failed', detail, until: null } }
    }
    done = addQuantity(done, counts)
    reversal ??= found.reversal
    details.push(found.number || command.detail)
  }
  const kind = answers ? 'answer' : 'readBack'
  const at = answers || read === null ? (c.newest?.changedAt ?? c.policy.now) : read.endedAt
  return { done, reversal, met: { step: 'met', evidence: { kind, at, detail: details.join(', ') } } }
}

interface Found {
  readonly count: number
  /** Documents with something left after reversals. More than one is a double. */
  readonly standing: number
  readonly net: Quantity
  readonly otherUnit: boolean
  readonly reversal: StockDocument | null
  readonly number: string
}

const NOTHING: Found = { count: 0, standing: 0, net: { value: '0', uom: '' }, otherUnit: false, reversal: null, number: '' }

function documentsOf(command: Command, read: StockRead, uom: string): Found {
  let found = NOTHING
  for (const document of read.documents) {
    if (!isDocumentOf(command, document)) continue
    let net = document.quantity
    let { otherUnit, reversal } = found
    for (const reversing of read.documents) {
      if (reversing.reverses !== document.number) continue
      reversal ??= reversing
      if (reversing.quantity.uom === net.uom) net = subtractQuantity(net, reversing.quantity)
      else otherUnit = true
    }
    otherUnit ||= net.uom !== uom
    const standing = found.standing + (isZeroQuantity(net) ? 0 : 1)
    const sum = found.count === 0 || otherUnit ? net : addQuantity(found.net, net)
    found = { count: found.count + 1, standing, net: sum, otherUnit, reversal, number: document.number }
  }
  return found
}

/** Answered `applied`, and not to be seen a lag later. Null: seen, or nothing to conclude. */
function rolledBack(c: Case, command: Command, read: StockRead): NextStep | null {
  if (c.policy.evidence === 'answer' || command.action.type !== 'move') return null
  if (traceOf(command, read) !== 'absent' || !documentsComplete(read)) return null
  const { absentAt } = command
  const detail = `${command.reference} was answered "${command.detail}" and is not to be seen`
  if (absentAt === null || absentAt < command.changedAt) return { step: 'resolve', command: command.id, outcome: 'absentOnce', detail }
  const second = addMs(absentAt, Math.max(c.policy.lagMs, 1))
  if (read.beganAt < second) return readStep(c, 'progress', second)
  if (c.policy.idempotency === 'unsafe') return { step: 'park', code: 'command.outcomeUnknown', detail }
  return { step: 'resolve', command: command.id, outcome: 'failed', detail }
}
