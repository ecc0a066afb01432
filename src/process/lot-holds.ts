/**
 * The hold set of a lot and the one condition goal that follows from it: nothing of what is held is usable. Must never
 * leave a hold out of the condition, and never lift one that it was not told to lift.
 */
import type { Hold, PortionScope } from '../model/hold.ts'
import { activeHolds, addHold, type HoldEntry, type HoldSet, isActive, liftHold, unionOfScopes } from '../model/hold-set.ts'
import { sameScope, scopeCharacters, uniteScopes, WHOLE } from '../model/scope.ts'
import { closeException, type Draft, openException, setGoal, withdrawGoal } from './draft.ts'
import {
  HOLDS_CHARACTERS_MAX,
  isLoose,
  isOwnHold,
  isReleased,
  LIFTED_CHARACTERS_MAX,
  LIFTED_OWN_MAX,
  type LotState,
  RESTORE_CHARACTERS_MAX,
  SCOPES_CHARACTERS_MAX,
} from './lot-state.ts'
import { secondReceiptOf, sitesOf } from './policy.ts'

/** Name of the condition goal. */
export const HELD = 'held'

/** The received quantity as a portion of its own: it stands on no carrier, but in a stock type that nobody may use. */
const RECEIVED_CARRIER = 'received, in inspection stock'
export const ONLY_RECEIVED: PortionScope = { kind: 'carriers', carriers: [RECEIVED_CARRIER] }
export const ALL_BUT_RECEIVED: PortionScope = { kind: 'remainder', except: [RECEIVED_CARRIER] }

const OVERFLOW = 'overflow'
const TEXT_MAX = 100

type NewHold = Omit<Hold, 'placedAt'>

export function placeHold(draft: Draft<LotState>, given: NewHold): void {
  const { next, event } = draft
  const released = isReleased(next)
  const hold = withinLimits(draft, {
    ...given,
    reason: given.reason.slice(0, TEXT_MAX),
    placedBy: given.placedBy.slice(0, TEXT_MAX),
    placedIn: given.placedIn.slice(0, TEXT_MAX),
    placedAt: event.occurredAt,
  })
  const holds = addHold(next.holds, hold)
  if (holds === next.holds) return
  next.holds = holds
  next.cause = event.source
  narrowHolds(draft)
  const placed = activeHolds(next.holds).find((one) => one.id === hold.id)
  if (released && placed !== undefined && !isReceivedOnly(placed.scope)) rememberToRestore(draft, placed.scope)
}

/** Carriers beyond the limit: the whole lot. Holds beyond the limit: one hold of the whole lot, that only a person lifts. */
function withinLimits(draft: Draft<LotState>, given: Hold): Hold {
  const { holds } = draft.next
  if (holds.length === 0 && given.scope.kind === 'whole') return given
  let scopes = scopeCharacters(given.scope)
  let characters = charactersOf(given)
  for (const active of activeHolds(holds)) {
    scopes += scopeCharacters(active.scope)
    characters += charactersOf(active)
  }
  const hold = scopes > SCOPES_CHARACTERS_MAX ? { ...given, scope: WHOLE } : given
  if (characters <= HOLDS_CHARACTERS_MAX || holds.some((entry) => entry.id === given.id)) return hold
  openException(draft, {
    code: 'input.tooLarge',
    subject: OVERFLOW,
    detail: `too many holds to keep; ${given.id} is one of those that hold ${OVERFLOW} stands for, until a person lifts it`,
  })
  return { ...hold, id: OVERFLOW, scope: WHOLE }
}

/** What a hold takes to write down, with the traces that an awaiting-inspection hold leaves elsewhere in the state. */
function charactersOf({ id, type, reason, placedBy, placedIn }: Hold): number {
  return 220 + (type === 'awaitingInspection' ? 2 : 1) * id.length + reason.length + placedBy.length + placedIn.length
}

export interface Lift {
  readonly hold: string
  readonly scope: PortionScope
  readonly evidence: string
  readonly by: string
}

export function liftOf(draft: Draft<LotState>, { hold, scope, evidence, by }: Lift): void {
  const { next } = draft
  const holds = liftHold(next.holds, hold, scope)
  if (holds === next.holds) return
  next.holds = forgetOldLifts(holds)
  if (next.restoring !== null && next.restoring.scope !== null) next.restoring = { ...next.restoring, lift: { evidence, by } }
  if (isActive(next.holds, hold)) return
  if (next.answered.includes(hold)) next.answered = next.answered.filter((one) => one !== hold)
  if (next.undecided.some((one) => one.hold === hold)) next.undecided = next.undecided.filter((one) => one.hold !== hold)
  if (next.foreign.some((one) => one.hold === hold)) next.foreign = next.foreign.filter((one) => one.hold !== hold)
  closeException(draft, 'hold.foreign', hold)
  if (hold === OVERFLOW) closeException(draft, 'input.tooLarge', OVERFLOW)
}

/** Only what stands in the set: a decision leaves no memory of holds that were never placed. */
export function liftKnown(draft: Draft<LotState>, lift: Lift): void {
  if (draft.next.holds.some((entry) => entry.id === lift.hold && entry.hold !== null)) liftOf(draft, lift)
}

/** A forgotten lift can only hold more: its hold, should it still come, stands. */
function forgetOldLifts(holds: HoldSet): HoldSet {
  let own = 0
  let others = 0
  const kept: HoldEntry[] = []
  for (const entry of holds.toReversed()) {
    if (entry.hold !== null) kept.push(entry)
    else if (isOwnHold(entry.id)) {
      own += 1
      // Nobody places it again, so which portions were lifted is of no more use.
      if (own <= LIFTED_OWN_MAX) kept.push(entry.lifted?.kind === 'whole' ? entry : { ...entry, lifted: WHOLE })
    } else {
      others += 50 + entry.id.length + (entry.lifted === null ? 0 : scopeCharacters(entry.lifted))
      if (others <= LIFTED_CHARACTERS_MAX) kept.push(entry)
    }
  }
  return kept.reverse()
}

/**
 * With a second receipt in the lot, the portion that an answered hold still holds may be that receipt's, which has its own
 * hold. The decision has named all that came with the first, so the hold ends.
 */
export function endAnswered(draft: Draft<LotState>): void {
  const { next } = draft
  if (next.answered.length === 0 || next.receipts < 2) return
  for (const hold of next.answered) liftKnown(draft, { hold, scope: WHOLE, evidence: 'decided in full', by: 'policy' })
}

/**
 * A receipt into inspection stock of a lot that has released stock holds its own quantity and leaves the released stock
 * alone (policy `inspectNew`); until something is released, or while it is in doubt which stock is whose, it holds the
 * whole lot.
 */
export function narrowHolds(draft: Draft<LotState>): void {
  const { next } = draft
  if (next.undecided.length === 0 || !next.received || !isReleased(next) || secondReceiptOf(draft.context) !== 'inspectNew') return
  if (activeHolds(next.holds).some(({ id }) => isLoose(id))) return
  let narrowed = false
  for (const one of next.undecided) {
    if (!one.protected || one.narrowed || !isActive(next.holds, one.hold)) continue
    next.holds = liftHold(next.holds, one.hold, ALL_BUT_RECEIVED)
    narrowed = true
  }
  if (narrowed)
    next.undecided = next.undecided.map((one) => (one.protected && isActive(next.holds, one.hold) ? { ...one, narrowed: true } : one))
}

export function isReceivedOnly(scope: PortionScope): boolean {
  return scope.kind === 'carriers' && scope.carriers.length === 1 && scope.carriers[0] === RECEIVED_CARRIER
}

/** Holds of stock that could be usable. */
export function holdsOnStock(holds: HoldSet): readonly Hold[] {
  return activeHolds(holds).filter((hold) => !isReceivedOnly(hold.scope))
}

export function rememberToRestore(draft: Draft<LotState>, scope: PortionScope): void {
  const before = draft.next.restoring ?? { scope: null, lift: null, count: 0, open: [] }
  const united = before.scope === null ? scope : uniteScopes(before.scope, scope)
  if (scopeCharacters(united) <= RESTORE_CHARACTERS_MAX) draft.next.restoring = { ...before, scope: united }
  else {
    openException(draft, {
      code: 'input.tooLarge',
      subject: 'restore',
      detail: 'too many carriers to remember; what the newest holds took out of use goes back by hand',
    })
  }
}

/**
 * Brings the condition goal in line with the hold set. `refresh`: somebody may have made something usable, so the equal
 * predicate is set again, which asks for a fresh look.
 */
export function setCondition(draft: Draft<LotState>, refresh: boolean): void {
  const { before, next } = draft
  if (next.holds === before.holds && !refresh) return
  const holds = holdsOnStock(next.holds)
  const scope = unionOfScopes(holds)
  const earlier = holdsOnStock(before.holds)
  if (scope === null) {
    if (earlier.length > 0) withdrawGoal(draft, HELD, 'no hold is left')
    return
  }
  const ids = idsOf(holds)
  const same = ids.join() === idsOf(earlier).join() && sameScope(scope, unionOfScopes(earlier))
  if (same && !refresh) return
  if (!same) {
    next.generation += 1
    next.heldMet = false
  }
  setGoal(draft, {
    name: HELD,
    system: erpOf(next),
    resource: 'inventory',
    kind: 'condition',
    subject: next.key,
    lane: 'safety',
    site: siteOf(draft),
    predicate: { type: 'notUsable', lot: next.key, scope, holds: ids },
    cause: next.cause ?? draft.event.source,
    decision: null,
    line: null,
    premise: null,
    decidedBy: null,
  })
}

function idsOf(holds: readonly Hold[]): string[] {
  return holds.map((hold) => hold.id).sort()
}

/** The lot's identifier begins with the system that owns it. */
export function erpOf(state: Pick<LotState, 'erp' | 'key'>): string {
  return state.erp ?? state.key.slice(0, state.key.indexOf(':'))
}

/** Of the receipts; for a lot that was never received here, the first site of its ERP. */
export function siteOf(draft: Draft<LotState>): string {
  const { next, context } = draft
  if (next.site !== null) return next.site
  const erp = erpOf(next)
  for (const [site, systems] of Object.entries(sitesOf(context))) if (systems.erp === erp) return site
  return erp
}
