/**
 * The holds of one lot as a set that forgets no lift: any order of the same holds and lifts gives the same active holds,
 * so an early release and a late hold commute. Plain JSON; entries stand in the order in which their id was first heard of.
 */
import type { Hold, PortionScope } from './hold.ts'
import { normalScope, sameScope, subtractScopes, uniteAll, uniteScopes } from './scope.ts'

export interface HoldEntry {
  readonly id: string
  /** With the portion it still holds. Null: not placed yet, or lifted as far as it was placed. */
  readonly hold: Omit<Hold, 'id'> | null
  /** Everything it has ever been lifted for, so that a hold that comes late is not placed there. */
  readonly lifted: PortionScope | null
}
export type HoldSet = readonly HoldEntry[]

/** The same id twice is one hold of both scopes. Answers the same set when nothing changed. */
export function addHold(set: HoldSet, { id, ...hold }: Hold): HoldSet {
  const known = set.find((entry) => entry.id === id)
  if (known === undefined) return [...set, { id, hold: { ...hold, scope: normalScope(hold.scope) }, lifted: null }]
  const added = known.lifted === null ? normalScope(hold.scope) : subtractScopes(hold.scope, known.lifted)
  if (added === null) return set
  const scope = known.hold === null ? added : uniteScopes(known.hold.scope, added)
  if (known.hold !== null && sameScope(scope, known.hold.scope)) return set
  return replaced(set, { ...known, hold: { ...(known.hold ?? hold), scope } })
}

/** Lifts hold `id` for `scope` of the lot, whether it has been placed or not. Answers the same set when nothing changed. */
export function liftHold(set: HoldSet, id: string, scope: PortionScope): HoldSet {
  const known = set.find((entry) => entry.id === id)
  if (known === undefined) return [...set, { id, hold: null, lifted: normalScope(scope) }]
  const lifted = known.lifted === null ? normalScope(scope) : uniteScopes(known.lifted, scope)
  if (sameScope(lifted, known.lifted)) return set
  const rest = known.hold === null ? null : subtractScopes(known.hold.scope, lifted)
  return replaced(set, { id, hold: known.hold === null || rest === null ? null : { ...known.hold, scope: rest }, lifted })
}

/** Holds that still stand, each with the portion it still holds. */
export function activeHolds(set: HoldSet): readonly Hold[] {
  const active: Hold[] = []
  for (const { id, hold } of set) if (hold !== null) active.push({ id, ...hold })
  return active
}

export function isActive(set: HoldSet, id: string): boolean {
  return set.some((entry) => entry.id === id && entry.hold !== null)
}

/** Everything that is held by anything; null: nothing is. */
export function unionOfScopes(holds: readonly { readonly scope: PortionScope }[]): PortionScope | null {
  return uniteAll(holds.map((hold) => hold.scope))
}

function replaced(set: HoldSet, entry: HoldEntry): HoldSet {
  return set.map((known) => (known.id === entry.id ? entry : known))
}
