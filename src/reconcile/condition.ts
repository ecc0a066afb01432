/**
 * The condition `notUsable`: read, post, read, until nothing of the portion is usable. It stands until it is withdrawn.
 * Must never be given up: what would park another goal is shown here (`blocked`), and the next try comes by itself.
 */
import { type Action, COMMANDS_PER_GOAL_MAX, type Command, type Predicate } from '../model/goal.ts'
import type { PortionScope } from '../model/hold.ts'
import { bucketPlace } from '../model/observation.ts'
import { isNegativeQuantity, isZeroQuantity } from '../model/quantity.ts'
import type { StockBucket } from '../model/stock.ts'
import { addMs, askedSince, type Case, latest, readStep, SHADOW, type StockRead, slowly, stockToActOn, wait } from './case.ts'
import { adoption, failedAfterAll, isHeal, pause, settleUnknown, siblingsQuietFrom, start } from './commands.ts'
import { bucketRefOf, byPlace, inPlant, inScope, sameBucket } from './scope.ts'
import type { NextStep } from './step.ts'
import { traceOf } from './trace.ts'

type NotUsable = Extract<Predicate, { type: 'notUsable' }>

/** Reopenings in 24 hours that are healed without asking anybody. */
const HEALS_MAX = 2
/** A standing condition may outlive many movements; beyond this its row would grow without a limit. */
const COMMANDS_OF_CONDITION_MAX = 10 * COMMANDS_PER_GOAL_MAX

export function notUsable(c: Case, predicate: NotUsable): NextStep {
  if (c.inFlight !== null) return wait('inFlight')
  if (c.unknown !== null) return settleUnknown(c, c.unknown, c.policy.sending === 'shadow' ? SHADOW : null)
  if (c.goal.withdrawing) return { step: 'withdraw', reason: 'no longer asked for' }
  if (c.goal.state === 'met') return standing(c, predicate.scope)
  const read = stockToActOn(c, c.goal.setAt)
  if (read === null) return pause(c) ?? readStep(c, 'condition', c.goal.setAt)
  const bucket = firstUsable(read.buckets, predicate.scope)
  return bucket === null ? quiet(c, read) : place(c, { predicate, read, bucket })
}

/** A met condition: any sight of usable stock is worth a read, only a fresh read reopens it. */
function standing(c: Case, scope: PortionScope): NextStep {
  const { seen, goal } = c
  if (seen === null || seen.kind !== 'stock' || seen.beganAt < goal.setAt) return { step: 'none' }
  const adopted = c.policy.queryFirst ? adoption(c) : null
  if (adopted !== null) return adopted
  const bucket = firstUsable(seen.buckets, scope)
  if (bucket === null) return { step: 'none' }
  const read = stockToActOn(c, goal.setAt)
  if (read === null) return readStep(c, 'usable again', latest(goal.setAt, seen.beganAt))
  return { step: 'reopen', reason: `${amount(bucket)} usable in ${bucketPlace(bucket)}` }
}

/**
 * Nothing is usable. It counts once no sibling's command can make something usable any more. A restored hub first takes
 * over what it had done: a lift must know which restrictions are its own.
 */
function quiet(c: Case, read: StockRead): NextStep {
  const adopted = c.policy.queryFirst ? adoption(c) : null
  if (adopted !== null) return adopted
  const quietFrom = siblingsQuietFrom(c)
  if (quietFrom === null) return wait('passedCommandInFlight')
  // What the hold was placed for shows one lag later at the latest; an earlier read may act, but proves nothing.
  const since = latest(quietFrom, addMs(c.goal.setAt, c.policy.lagMs))
  if (read.beganAt < since) return readStep(c, 'passedCommand', since)
  const detail = read.known ? `nothing usable in ${read.buckets.length} buckets` : 'the system does not know the lot'
  return { step: 'met', evidence: { kind: 'readBack', at: read.endedAt, detail } }
}

interface Placing {
  readonly predicate: NotUsable
  readonly read: StockRead
  readonly bucket: StockBucket
}

function place(c: Case, placing: Placing): NextStep {
  const adopted = failedAfterAll(c) ?? adoption(c) ?? rolledBack(c, placing.read)
  if (adopted !== null) return adopted
  if (c.policy.sending === 'shadow') return SHADOW
  const reopened = c.goal.reopenedAt.at(-1) ?? ''
  if (isHeal(c) && c.policy.heals > HEALS_MAX && !askedSince(c, reopened)) {
    return shown(c, { code: 'goal.healedTwice', waiting: 'healedTwice', detail: detailOf(placing) })
  }
  const waiting = pause(c)
  if (waiting !== null) return waiting
  if (c.siblingUnsettled && !c.policy.holdsMayPass) return besideSibling(c, placing)
  return climb(c, placing)
}

/** Answered `applied`, and yet a later read shows neither the document nor the effect. Repeating a restriction is harmless. */
function rolledBack(c: Case, read: StockRead): NextStep | null {
  const { newest, policy } = c
  if (newest?.state !== 'applied' || policy.evidence === 'answer' || policy.idempotency === 'unsafe') return null
  if (traceOf(newest, read) !== 'absent' || newest.action.type !== 'move') return null
  return { step: 'resolve', command: newest.id, outcome: 'failed', detail: 'answered, but rolled back by the target' }
}

/** The posting would have to pass a sibling's command, which this target does not allow; a higher rung is independent of it. */
function besideSibling(c: Case, placing: Placing): NextStep {
  const { newest } = c
  const taken = rungInForce(placing.read) > 0 || (newest !== null && newest.rung > 0 && newest.state !== 'failed')
  if (c.policy.rungMax < 1 || taken) return wait('sibling')
  return send(c, { type: 'restrict', lot: placing.predicate.lot, rung: 1 }, 1)
}

/** The hold ladder: the stock posting first; what the target refuses is tried one rung higher. */
function climb(c: Case, placing: Placing): NextStep {
  const { predicate, read, bucket } = placing
  const move: Action = {
    type: 'move',
    lot: predicate.lot,
    from: bucketRefOf(bucket),
    to: 'blocked',
    quantity: bucket.quantity,
    decidedBy: c.goal.decidedBy,
  }
  const { refusals, newest } = sinceLastPosting(c)
  const immovable = bucket.stockType === 'blocked'
  if (refusals === 0 && !immovable) return send(c, move, 0)
  const inForce = rungInForce(read)
  if (inForce > 0) {
    const until = slowly(c, newest?.changedAt ?? c.policy.now)
    if (newest !== null && !immovable && c.policy.now >= until) return send(c, move, 0)
    const detail = `held by rung ${inForce}, the posting is refused: ${newest?.detail ?? ''}; ${detailOf(placing)}`
    return { step: 'blocked', waiting: `heldByRung ${inForce}`, code: 'hold.heldByRung', detail, until }
  }
  if (refusals === 1 && newest?.state === 'refused' && isOther(newest.action, move) && !immovable) return send(c, move, 0)
  const next = newest === null ? 1 : newest.state === 'refused' ? newest.rung + 1 : 0
  if (next === 0 && !immovable) return send(c, move, 0)
  if (next <= c.policy.rungMax) return send(c, { type: 'restrict', lot: predicate.lot, rung: Math.max(next, 1) }, Math.max(next, 1))
  const until = slowly(c, newest?.changedAt ?? c.policy.now)
  if (newest !== null && c.policy.now >= until)
    return immovable ? send(c, { type: 'restrict', lot: predicate.lot, rung: 1 }, 1) : send(c, move, 0)
  const detail = `refused on every rung: ${newest?.detail ?? ''}; ${detailOf(placing)}`
  return { step: 'blocked', waiting: 'hold.placingFailed', code: 'hold.placingFailed', detail, until }
}

/** Refusals since the last stock posting that went through (or since a person asked again), and the newest settled command since. */
function sinceLastPosting(c: Case): { readonly refusals: number; readonly newest: Command | null } {
  let posted = -1
  for (const command of c.commands) {
    if (command.goal === c.goal.id && command.state === 'applied' && command.rung === 0) posted = Math.max(posted, command.ordinal)
  }
  let refusals = 0
  let newest: Command | null = null
  for (const command of c.commands) {
    if (command.goal !== c.goal.id || command.ordinal <= posted || askedSince(c, command.changedAt)) continue
    if (command.state !== 'refused' && command.state !== 'applied') continue
    if (command.state === 'refused') refusals++
    if (newest === null || command.ordinal > newest.ordinal) newest = command
  }
  return { refusals, newest }
}

/** Limits count here, where something new would be sent: a failed command's next attempt adds nothing. */
function send(c: Case, action: Action, rung: number): NextStep {
  const { refusals } = sinceLastPosting(c)
  if (refusals >= COMMANDS_PER_GOAL_MAX || c.count >= COMMANDS_OF_CONDITION_MAX) {
    return shown(c, {
      code: 'goal.commandsExhausted',
      waiting: 'commandsExhausted',
      detail: `${c.count} commands, ${refusals} refused in a row`,
    })
  }
  return start(c, action, rung)
}

function shown(
  c: Case,
  reason: { readonly code: 'goal.healedTwice' | 'goal.commandsExhausted'; readonly waiting: string; readonly detail: string },
): NextStep {
  return { step: 'blocked', ...reason, until: slowly(c, c.policy.now) }
}

function firstUsable(buckets: readonly StockBucket[], scope: PortionScope): StockBucket | null {
  let first: StockBucket | null = null
  for (const bucket of buckets) {
    if (!bucket.usable || !inPlant(bucket) || !inScope(scope, bucket)) continue
    if (isNegativeQuantity(bucket.quantity) || isZeroQuantity(bucket.quantity)) continue
    if (first === null || comesBefore(bucket, first)) first = bucket
  }
  return first
}

/** What a posting can move comes before what only a flag can stop. */
function comesBefore(one: StockBucket, other: StockBucket): boolean {
  const movable = Number(one.stockType === 'blocked') - Number(other.stockType === 'blocked')
  return (movable || byPlace(one, other)) < 0
}

function rungInForce(read: StockRead): number {
  let rung = 0
  for (const restriction of read.restrictions) rung = Math.max(rung, restriction.rung)
  return rung
}

/** The stock moved on between the read and the refused posting; another posting may fit. */
function isOther(refused: Action, move: Extract<Action, { type: 'move' }>): boolean {
  if (refused.type !== 'move') return false
  return refused.quantity.value !== move.quantity.value || !sameBucket(refused.from, move.from)
}

function detailOf(placing: Placing): string {
  return `${amount(placing.bucket)} usable in ${bucketPlace(placing.bucket)}`
}

function amount(bucket: StockBucket): string {
  return `${bucket.quantity.value} ${bucket.quantity.uom}`
}
