/** Where a posting takes from: one bucket at a time, never from what an active hold or a foreign block covers. Pure. */
import type { Action, Predicate } from '../model/goal.ts'
import { bucketPlace } from '../model/observation.ts'
import { addQuantity, compareQuantity, isNegativeQuantity, minQuantity, type Quantity } from '../model/quantity.ts'
import type { StockBucket, StockType } from '../model/stock.ts'
import { addMs } from '../model/time.ts'
import { type Blocked, blockedPortions, isPositive, replacedBy, type Standing, standingIn } from './attribution.ts'
import { type Case, lotOf, readStep, type StockRead, slowly } from './case.ts'
import { bucketRefOf, byPlace, inPlant, inScope, isFree, scopesOverlap } from './scope.ts'
import type { NextStep } from './step.ts'

type Posted = Extract<Predicate, { type: 'posted' }>
type Restored = Extract<Predicate, { type: 'restored' }>

/** The next movement, or what to do because there is none. */
export type Source = { readonly action: Extract<Action, { type: 'move' }> } | { readonly instead: NextStep }

/** What was passed over, and why: it decides who is asked when the sources do not suffice. */
interface Passed {
  held: boolean
  customerOwned: boolean
  otherUnit: boolean
  foreign: Standing | null
  /** Blocked by our own conditions. */
  standing: Quantity
}

interface Wanted {
  readonly predicate: Posted
  readonly remaining: Quantity
}

export function postedSource(c: Case, read: StockRead, wanted: Wanted): Source {
  return replacedSource(c, read, wanted) ?? openSource(c, read, wanted)
}

/**
 * What an earlier decision about the same receipt put to blocked comes first: other receipts' stock stands elsewhere. Null:
 * there is nothing of it.
 */
function replacedSource(c: Case, read: StockRead, { predicate, remaining }: Wanted): Source | null {
  const replaced = replacedBy(c, c.goal.id)
  if (replaced.size === 0) return null
  const portions = blockedPortions(c, read)
  let best: { readonly bucket: StockBucket; readonly quantity: Quantity } | null = null
  let sum: Quantity = { value: '0', uom: remaining.uom }
  for (const bucket of read.buckets) {
    if (bucket.stockType !== 'blocked' || !inPlant(bucket) || !inScope(predicate.scope, bucket)) continue
    if (bucket.quantity.uom !== remaining.uom || (isFree(predicate.to) && (isHeld(c, bucket) || bucket.specialStock === 'customerOwned')))
      continue
    const standing = standingIn(portions, bucket)
    let quantity: Quantity = { value: '0', uom: remaining.uom }
    for (const portion of standing.portions)
      if (portion.goal !== null && replaced.has(portion.goal) && portion.quantity.uom === quantity.uom)
        quantity = addQuantity(quantity, portion.quantity)
    quantity = minQuantity(quantity, standing.undoable)
    if (!isPositive(quantity)) continue
    sum = addQuantity(sum, quantity)
    if (best === null || byPlace(bucket, best.bucket) < 0) best = { bucket, quantity }
  }
  if (best === null) return null
  if (predicate.to !== 'blocked') return move(c, best.bucket, { to: predicate.to, quantity: minQuantity(best.quantity, remaining) })
  return compareQuantity(sum, remaining) < 0 ? null : { instead: standsBlocked(read, sum, 'an earlier decision') }
}

function standsBlocked(read: StockRead, { value, uom }: Quantity, by: string): NextStep {
  return { step: 'met', evidence: { kind: 'observed', at: read.endedAt, detail: `${value} ${uom} stand in blocked by ${by}` } }
}

function openSource(c: Case, read: StockRead, wanted: Wanted): Source {
  const { predicate, remaining } = wanted
  const passed: Passed = {
    held: false,
    customerOwned: false,
    otherUnit: false,
    foreign: null,
    standing: { value: '0', uom: remaining.uom },
  }
  const blocked: StockBucket[] = []
  let best: StockBucket | null = null
  let open: Quantity = { value: '0', uom: remaining.uom }
  for (const bucket of read.buckets) {
    if (!inPlant(bucket) || !inScope(predicate.scope, bucket) || !isPositive(bucket.quantity)) continue
    if (bucket.quantity.uom !== remaining.uom) passed.otherUnit = true
    else if (bucket.stockType === 'blocked') blocked.push(bucket)
    else if (rankOf(bucket, predicate.to) !== null && !(isFree(predicate.to) && isKept(c, bucket, passed))) {
      open = addQuantity(open, bucket.quantity)
      if (best === null || comesBefore(bucket, best, predicate.to)) best = bucket
    } else if (isFree(predicate.to) && bucket.stockType !== predicate.to) {
      passed.foreign ??= { undoable: passed.standing, foreign: bucket.quantity, portions: [], foreignBy: null }
    }
  }
  // Another receipt's stock would be taken for what is not shown yet; keeping from use never waits.
  const partly = isFree(predicate.to) && isPositive(open) && compareQuantity(open, remaining) < 0
  const shownLater = partly ? untilShown(c, read) : null
  if (shownLater !== null) return { instead: shownLater }
  if (best !== null) return move(c, best, { to: predicate.to, quantity: minQuantity(best.quantity, remaining) })
  return blockedSource(c, read, { ...wanted, blocked, passed })
}

/** Open stock in the order in which it is taken; null: not for this posting. Blocked stock needs to know who blocked it. */
function rankOf(bucket: StockBucket, to: StockType): number | null {
  if (bucket.stockType === to) return null
  if (isFree(to)) return bucket.stockType === 'qualityInspection' ? 0 : null
  if (to !== 'blocked') return bucket.usable ? 0 : null
  // What is usable may be another receipt's: the hold that comes with the decision takes it out of use.
  if (bucket.stockType === 'qualityInspection') return 0
  return bucket.usable ? 1 : 2
}

function comesBefore(one: StockBucket, other: StockBucket, to: StockType): boolean {
  return ((rankOf(one, to) ?? 0) - (rankOf(other, to) ?? 0) || byPlace(one, other)) < 0
}

/** An active hold by its carrier, or a customer's say (RULES.md 6), keeps a bucket from being freed. */
function isKept(c: Case, bucket: StockBucket, passed: Passed): boolean {
  const held = isHeld(c, bucket)
  if (held) passed.held = true
  else if (bucket.specialStock === 'customerOwned') passed.customerOwned = true
  return held || bucket.specialStock === 'customerOwned'
}

export function isHeld(c: Case, bucket: StockBucket): boolean {
  return c.policy.holds.some((hold) => inScope(hold.scope, bucket))
}

interface Blocking extends Wanted {
  readonly blocked: readonly StockBucket[]
  readonly passed: Passed
}

/** Nothing stands open: the part of blocked stock that our own conditions placed there. */
function blockedSource(c: Case, read: StockRead, wanted: Blocking): Source {
  const { predicate, remaining, passed } = wanted
  const portions: Blocked = wanted.blocked.length === 0 ? new Map() : blockedPortions(c, read)
  let best: { readonly bucket: StockBucket; readonly standing: Standing } | null = null
  for (const bucket of wanted.blocked) {
    const standing = standingIn(portions, bucket)
    if (isPositive(standing.foreign)) passed.foreign = standing
    if (!isPositive(standing.undoable) || (isFree(predicate.to) && isKept(c, bucket, passed))) continue
    passed.standing = addQuantity(passed.standing, standing.undoable)
    if (best === null || byPlace(bucket, best.bucket) < 0) best = { bucket, standing }
  }
  if (best !== null && predicate.to !== 'blocked') {
    return move(c, best.bucket, { to: predicate.to, quantity: minQuantity(best.standing.undoable, remaining) })
  }
  return { instead: lacking(c, read, wanted) }
}

function lacking(c: Case, read: StockRead, wanted: Blocking): NextStep {
  const { passed, remaining, predicate } = wanted
  const missing = `${remaining.value} ${remaining.uom}`
  if (predicate.to === 'blocked' && compareQuantity(passed.standing, remaining) >= 0) {
    // A rejected portion that our own hold had taken out of use already stands where the decision wants it.
    return standsBlocked(read, passed.standing, 'our own hold')
  }
  if (!read.known) {
    const detail = `the system does not know the lot; ${missing} to post`
    return { step: 'blocked', waiting: 'lotUnknown', code: 'drift.unexplained', detail, until: slowly(c, c.policy.now) }
  }
  if (passed.held) return heldBy(c)
  if (passed.customerOwned) {
    return { step: 'blocked', waiting: 'customerApproval', code: 'hold.foreign', detail: `${missing} are the customer's`, until: null }
  }
  if (passed.foreign !== null && isFree(predicate.to)) return foreignBlock(passed.foreign)
  if (passed.otherUnit) {
    return { step: 'blocked', waiting: 'unit', code: 'mapping.failed', detail: `the lot is not kept in ${remaining.uom}`, until: null }
  }
  return untilShown(c, read) ?? { step: 'park', code: 'posting.doneElsewhere', detail: `${missing} are not where the decision left them` }
}

/** Before one lag has passed since the goal was set, stock may be there without being shown. Null: what is shown is all. */
function untilShown(c: Case, read: StockRead): NextStep | null {
  const shownFrom = addMs(c.goal.setAt, c.policy.lagMs)
  return read.beganAt < shownFrom ? readStep(c, 'sources', shownFrom) : null
}

function foreignBlock(standing: Standing): NextStep {
  const { foreign, foreignBy } = standing
  const who = foreignBy === null ? 'not by us' : `by ${foreignBy.by}, document ${foreignBy.document}`
  return {
    step: 'blocked',
    waiting: 'hold.foreign',
    code: 'hold.foreign',
    detail: `${foreign.value} ${foreign.uom} kept back ${who}`,
    until: null,
  }
}

/** The active holds that touch what this goal would free, or null. */
export function heldByAny(c: Case): NextStep | null {
  const { predicate } = c.goal
  if (c.policy.holds.length === 0 || !('scope' in predicate)) return null
  return c.policy.holds.some((hold) => scopesOverlap(hold.scope, predicate.scope)) ? heldBy(c) : null
}

export function heldBy(c: Case): NextStep {
  const ids = [...new Set(c.policy.holds.flatMap((hold) => hold.ids))].sort()
  return { step: 'blocked', waiting: `heldBy:${ids.join(',')}`, code: null, detail: 'an active hold covers it', until: null }
}

/** The next portion of the condition's restrictions to go back to where it came from; null: nothing of it is left. */
export function restoredSource(c: Case, read: StockRead, predicate: Restored): Source | null {
  const portions = blockedPortions(c, read)
  let best: { readonly bucket: StockBucket; readonly standing: Standing } | null = null
  let foreign: Standing | null = null
  for (const bucket of read.buckets) {
    if (bucket.stockType !== 'blocked' || !inPlant(bucket) || !inScope(predicate.scope, bucket) || !isPositive(bucket.quantity)) continue
    const standing = standingIn(portions, bucket)
    if (isPositive(standing.foreign)) foreign = standing
    if (!isPositive(standing.undoable)) continue
    if (isHeld(c, bucket)) return { instead: heldBy(c) }
    if (best === null || byPlace(bucket, best.bucket) < 0) best = { bucket, standing }
  }
  if (best !== null) return goBack(c, best.bucket, best.standing)
  return foreign !== null && placedUnseen(c, read) ? { instead: foreignBlock(foreign) } : null
}

function goBack(c: Case, bucket: StockBucket, standing: Standing): Source | null {
  const to = standing.portions[0]?.from ?? null
  if (to === null) return null
  let quantity: Quantity = { value: '0', uom: bucket.quantity.uom }
  for (const portion of standing.portions) if (portion.from === to) quantity = addQuantity(quantity, portion.quantity)
  return move(c, bucket, { to, quantity: minQuantity(quantity, standing.undoable) })
}

/** Restrictions of ours whose documents are not to be found: what is blocked may be theirs, and is not touched. */
function placedUnseen(c: Case, read: StockRead): boolean {
  return c.commands.some(
    (command) =>
      command.state === 'applied' &&
      command.action.type === 'move' &&
      command.action.to === 'blocked' &&
      c.policy.undoes.includes(command.goal) &&
      !read.documents.some((document) => document.reference === command.reference || document.number === command.detail),
  )
}

function move(c: Case, bucket: StockBucket, part: { readonly to: StockType; readonly quantity: Quantity }): Source {
  const { decidedBy } = c.goal
  return { action: { type: 'move', lot: lotOf(c), from: bucketRefOf(bucket), to: part.to, quantity: part.quantity, decidedBy } }
}

/** The place of a negative bucket anywhere in the lot: nothing is released until it is explained. */
export function negativeIn(read: StockRead): string | null {
  const bucket = read.buckets.find((seen) => isNegativeQuantity(seen.quantity))
  return bucket === undefined ? null : `${bucket.quantity.value} ${bucket.quantity.uom} in ${bucketPlace(bucket)}`
}
