/**
 * The condition `notUsable`: read, post, read, until nothing of the portion is usable. It stands until it is withdrawn.
 * Must never be given up: what would park another goal is shown here (`blocked`), and the next try comes by itself.
 */
import { type Action, COMMANDS_PER_GOAL_MAX, type Command, type Predicate } from '../model/goal.ts'
import type { PortionScope } from '../model/hold.ts'
import { bucketPlace } from '../model/observation.ts'
import { isNegativeQuantity, isZeroQuantity } from '../model/quantity.ts'
import type { StockBucket } from '../model/stock.ts'
import { addMs } from '../model/time.ts'
import { askedSince, type Case, latest, readStep, SHADOW, type StockRead, slowly, stockToActOn, wait } from './case.ts'
import { adoption, failedAfterAll, isHeal, pause, settleUnknown, siblingsQuietFrom, start } from './commands.ts'
import { bucketRefOf, byPlace, inPlant, inScope, isFree, sameBucket } from './scope.ts'
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
  const bucket = leftToBlock(c, read, predicate.scope)
  return bucket === null ? quiet(c, read) : place(c, { predicate, read, bucket })
}

/**
 * The next bucket that has to be moved: a usable one, or one that only our own rung keeps from use. That one is safe, but a
 * rung holds the whole lot, so nothing else of it could be released; the goal stays open until the posting goes through.
 */
function leftToBlock(c: Case, read: StockRead, scope: PortionScope): StockBucket | null {
  const usable = firstBucket(read.buckets, scope, (bucket) => bucket.usable)
  return usable ?? (isOwnRungInForce(c, read) ? firstBucket(read.buckets, scope, (bucket) => isFree(bucket.stockType)) : null)
}

function isOwnRungInForce(c: Case, read: StockRead): boolean {
  return read.restrictions.some(
    ({ reference }) => reference !== null && c.commands.some((one) => one.goal === c.goal.id && one.reference === reference),
  )
}

/** A met condition: any sight of usable stock is worth a read, only a fresh read reopens it. */
function standing(c: Case, scope: PortionScope): NextStep {
  const { seen, goal } = c
  if (seen === null || seen.kind !== 'stock' || seen.beganAt < goal.setAt) return { step: 'none' }
  const adopted = c.policy.queryFirst ? adoption(c) : null
  if (adopted !== null) return adopted
  const bucket = firstBucket(seen.buckets, scope, (one) => one.usable)
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
  return send(c, restriction(placing, 1))
}

/** The hold ladder: the stock posting first; what the target refuses is tried one rung higher; the posting again later. */
function climb(c: Case, placing: Placing): NextStep {
  const { read, bucket } = placing
  const { refusals, newest } = sinceLastPosting(c)
  const immovable = bucket.stockType === 'blocked'
  const lowest = immovable ? restriction(placing, 1) : posting(c, placing)
  if (refusals === 0 && !immovable) return send(c, lowest)
  const inForce = rungInForce(read)
  if (inForce > 0) return holdByRung(c, { placing, lowest, refusals, newest, inForce })
  const possible = !immovable || c.policy.rungMax > 0
  if (possible && (newest === null || newest.state === 'applied')) return send(c, lowest)
  if (newest !== null && refusals === 1 && isOther(newest.action, lowest)) return send(c, lowest)
  if (newest !== null && newest.rung < c.policy.rungMax) return send(c, restriction(placing, newest.rung + 1))
  const until = slowly(c, newest?.changedAt ?? c.policy.now)
  if (possible && c.policy.now >= until) return send(c, lowest)
  const detail = `refused on every rung: ${newest?.detail ?? 'none fits'}; ${detailOf(placing)}`
  return { step: 'blocked', waiting: 'hold.placingFailed', code: 'hold.placingFailed', detail, until }
}

interface Held {
  readonly placing: Placing
  readonly lowest: Action
  readonly refusals: number
  readonly newest: Command | null
  readonly inForce: number
}

/** Shown, never green. The posting is tried again, ever more slowly: a closed period may last a weekend. */
function holdByRung(c: Case, held: Held): NextStep {
  const { placing, lowest, refusals, newest, inForce } = held
  const pause = c.policy.retryDelayMs(c.policy.attemptsMax) * Math.max(refusals, 1)
  const until = addMs(newest?.changedAt ?? c.policy.now, pause)
  if (c.policy.now >= until && lowest.type === 'move') return send(c, lowest)
  const detail = `held by rung ${inForce}, the posting is refused: ${newest?.detail ?? ''}; ${detailOf(placing)}`
  return { step: 'blocked', waiting: `heldByRung ${inForce}`, code: 'hold.heldByRung', detail, until }
}

function posting(c: Case, { predicate, bucket }: Placing): Action {
  const { decidedBy } = c.goal
  return { type: 'move', lot: predicate.lot, from: bucketRefOf(bucket), to: 'blocked', quantity: bucket.quantity, decidedBy }
}

function restriction({ predicate }: Placing, rung: number): Action {
  return { type: 'restrict', lot: predicate.lot, rung }
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
function send(c: Case, action: Action): NextStep {
  const { refusals } = sinceLastPosting(c)
  if (refusals >= COMMANDS_PER_GOAL_MAX || c.count >= COMMANDS_OF_CONDITION_MAX) {
    return shown(c, {
      code: 'goal.commandsExhausted',
      waiting: 'commandsExhausted',
      detail: `${c.count} commands, ${refusals} refused in a row`,
    })
  }
  return start(c, action, action.type === 'restrict' ? action.rung : 0)
}

function shown(
  c: Case,
  reason: { readonly code: 'goal.healedTwice' | 'goal.commandsExhausted'; readonly waiting: string; readonly detail: string },
): NextStep {
  return { step: 'blocked', ...reason, until: slowly(c, c.policy.now) }
}

function firstBucket(buckets: readonly StockBucket[], scope: PortionScope, matches: (bucket: StockBucket) => boolean): StockBucket | null {
  let first: StockBucket | null = null
  for (const bucket of buckets) {
    if (!matches(bucket) || !inPlant(bucket) || !inScope(scope, bucket)) continue
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
function isOther(refused: Action, next: Action): boolean {
  if (refused.type !== 'move' || next.type !== 'move') return false
  return refused.quantity.value !== next.quantity.value || !sameBucket(refused.from, next.from)
}

function detailOf(placing: Placing): string {
  return `${amount(placing.bucket)} in ${bucketPlace(placing.bucket)}`
}

function amount(bucket: StockBucket): string {
  return `${bucket.quantity.value} ${bucket.quantity.uom}`
}
