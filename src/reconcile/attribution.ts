/**
 * Whose restriction is it? Follows the documents of a lot through its blocked places, in the order they were posted,
 * and keeps for every portion who put it there. Pure. Where documents leave it open, the doubt makes less of it ours:
 * a restriction that Holdpoint did not place is never lifted by it (RULES.md 7).
 */
import type { BucketRef } from '../model/goal.ts'
import type { StockDocument } from '../model/observation.ts'
import { addQuantity, isNegativeQuantity, isZeroQuantity, minQuantity, type Quantity, subtractQuantity } from '../model/quantity.ts'
import type { StockBucket, StockType } from '../model/stock.ts'
import type { Case, StockRead } from './case.ts'
import { compareText, isFree, placeOf } from './scope.ts'
import { isDocumentOf } from './trace.ts'

/**
 * `undoable`: placed by a goal that this posting may undo. `own`: placed by us under another goal, or under a command
 * that is no longer loaded. `foreign`: placed by a person or another system.
 */
type Owner = 'undoable' | 'own' | 'foreign'

export interface Portion {
  readonly owner: Owner
  /** Stock type it came from; null: from outside. */
  readonly from: StockType | null
  readonly quantity: Quantity
  readonly document: string
  /** Of the command that put it there, if it is one of ours that is still loaded. */
  readonly goal: string | null
  readonly by: string
}

/** Portions standing in each blocked place. */
export type Blocked = ReadonlyMap<string, readonly Portion[]>

/** Whose portion a movement out of blocked takes. A person who lifts or carries takes a person's block; in every other case ours shrinks. */
const FOREIGN_FIRST: readonly Owner[] = ['foreign', 'undoable', 'own']
const OURS_FIRST: readonly Owner[] = ['undoable', 'own', 'foreign']
/** A release of ours ends no person's block, even if it met stock that a person had blocked a moment before. */
const OURS_ONLY: readonly Owner[] = ['undoable', 'own']

interface Books {
  readonly c: Case
  readonly read: StockRead
  readonly places: Map<string, Portion[]>
  /** What this posting itself has made usable, by place. */
  readonly freed: Map<string, Quantity>
}

export function blockedPortions(c: Case, read: StockRead): Blocked {
  const books: Books = { c, read, places: new Map(), freed: new Map() }
  for (const document of [...read.documents].sort(byTime)) follow(books, document)
  return books.places
}

function byTime(one: StockDocument, other: StockDocument): number {
  return compareText(one.at, other.at) || one.number.length - other.number.length || compareText(one.number, other.number)
}

function follow(books: Books, document: StockDocument): void {
  const { c, places } = books
  noteFreed(books, document)
  const out = blockedPlace(document.from)
  const into = blockedPlace(document.to)
  if (out === into) return
  if (out === null && into === null) return
  const taken = out === null ? [] : take(places.get(out) ?? [], document, books)
  if (into === null) return
  const portions = places.get(into) ?? []
  if (out === null) {
    const owner = ownerOf(c, document)
    const portion: Portion = {
      goal: goalOf(c, document),
      owner: owner === 'undoable' && document.from === null ? 'own' : owner,
      from: document.from?.stockType ?? null,
      quantity: document.quantity,
      document: document.number,
      by: document.by,
    }
    portions.push(...(portion.owner === 'undoable' ? withoutFreed(books, portion, into) : [portion]))
  } else portions.push(...taken)
  places.set(into, portions)
}

function noteFreed({ c, freed }: Books, document: StockDocument): void {
  const { from, to, quantity, reverses } = document
  if (c.goal.predicate.type !== 'posted' || to === null || from === null || reverses !== null) return
  if (!isFree(to.stockType) || isFree(from.stockType) || goalOf(c, document) !== c.goal.id) return
  const before = freed.get(placeOf(to))
  freed.set(placeOf(to), before?.uom === quantity.uom ? addQuantity(before, quantity) : quantity)
}

/** What a posting has freed and a hold took out of use since is to be restored: it is not posted a second time. */
function withoutFreed({ freed }: Books, portion: Portion, place: string): Portion[] {
  const before = freed.get(place)
  if (before === undefined || before.uom !== portion.quantity.uom || portion.from === null || !isFree(portion.from)) return [portion]
  const again = minQuantity(before, portion.quantity)
  freed.set(place, subtractQuantity(before, again))
  return [
    { ...portion, owner: 'own', quantity: again },
    { ...portion, quantity: subtractQuantity(portion.quantity, again) },
  ]
}

function blockedPlace(ref: BucketRef | null): string | null {
  return ref !== null && ref.stockType === 'blocked' ? placeOf(ref) : null
}

function ownerOf(c: Case, document: StockDocument): Owner {
  const goal = goalOf(c, document)
  if (goal !== null) return c.policy.undoes.includes(goal) ? 'undoable' : 'own'
  if (document.reverses !== null) return 'foreign'
  return document.reference?.startsWith(c.policy.referencePrefix) ? 'own' : 'foreign'
}

function goalOf(c: Case, document: StockDocument): string | null {
  return c.commands.find((command) => isDocumentOf(command, document))?.goal ?? null
}

/** Postings that goal `by` takes the place of. */
export function replacedBy({ policy }: Case, by: string | null): ReadonlySet<string> {
  return new Set(policy.replaced.flatMap((pair) => (pair.by === by ? [pair.posting] : [])))
}

/** Class unsafe keeps no reference: what looks like a person's lift may be one of ours that a restored hub has forgotten. */
function orderOf(books: Books, document: StockDocument): readonly Owner[] {
  if (ownerOf(books.c, document) !== 'foreign') return OURS_ONLY
  if (document.to === null || books.c.policy.idempotency === 'unsafe') return OURS_FIRST
  if (document.reverses === null) return FOREIGN_FIRST
  const reversed = books.read.documents.find(({ number }) => number === document.reverses)
  return reversed !== undefined && ownerOf(books.c, reversed) === 'foreign' ? FOREIGN_FIRST : OURS_FIRST
}

/**
 * Takes the document's quantity out of `portions`: what it reverses first, then what its decision takes the place of, then by
 * owner, oldest first. Returns what was taken.
 */
function take(portions: Portion[], document: StockDocument, books: Books): Portion[] {
  const taken: Portion[] = []
  let left = document.quantity
  const takeFrom = (matches: (portion: Portion) => boolean): void => {
    for (let index = 0; index < portions.length && isPositive(left); index++) {
      const portion = portions[index] as Portion
      if (portion.quantity.uom !== left.uom || !matches(portion)) continue
      const part = minQuantity(portion.quantity, left)
      taken.push({ ...portion, quantity: part })
      portions[index] = { ...portion, quantity: subtractQuantity(portion.quantity, part) }
      left = subtractQuantity(left, part)
    }
  }
  if (document.reverses !== null) takeFrom((portion) => portion.document === document.reverses)
  const replaced = books.c.policy.replaced.length === 0 ? null : replacedBy(books.c, goalOf(books.c, document))
  if (replaced !== null && replaced.size > 0) takeFrom((portion) => portion.goal !== null && replaced.has(portion.goal))
  for (const owner of orderOf(books, document)) takeFrom((portion) => portion.owner === owner)
  return taken
}

/** What stands in one blocked bucket: how much of it may be undone, and how much is a foreign block. */
export interface Standing {
  readonly undoable: Quantity
  readonly foreign: Quantity
  /** The undoable portions with something left, oldest first. */
  readonly portions: readonly Portion[]
  /** The newest foreign portion, for people. */
  readonly foreignBy: Portion | null
}

/** Never more than the bucket less everything that others put there; in doubt about units, nothing. */
export function standingIn(blocked: Blocked, bucket: StockBucket): Standing {
  const zero: Quantity = { value: '0', uom: bucket.quantity.uom }
  let mine = zero
  let own = zero
  let foreign = zero
  let foreignBy: Portion | null = null
  let comparable = true
  const undoable: Portion[] = []
  for (const portion of blocked.get(placeOf(bucket)) ?? []) {
    if (!isPositive(portion.quantity)) continue
    if (portion.owner === 'foreign') foreignBy = portion
    if (portion.quantity.uom !== zero.uom) comparable = false
    else if (portion.owner === 'undoable') {
      mine = addQuantity(mine, portion.quantity)
      undoable.push(portion)
    } else if (portion.owner === 'own') own = addQuantity(own, portion.quantity)
    else foreign = addQuantity(foreign, portion.quantity)
  }
  const room = comparable ? subtractQuantity(bucket.quantity, addQuantity(own, foreign)) : zero
  const free = isPositive(room) ? minQuantity(mine, room) : zero
  const rest = subtractQuantity(subtractQuantity(bucket.quantity, free), own)
  return { undoable: free, foreign: isPositive(rest) ? rest : zero, portions: undoable, foreignBy }
}

export function isPositive(quantity: Quantity): boolean {
  return !isNegativeQuantity(quantity) && !isZeroQuantity(quantity)
}
