/**
 * Stock that people took out of inspection by hand. Nobody can tell which receipt it belonged to, so while any receipt of
 * the lot is open, the hold `loose:…` keeps one receipt's release from being filled with another's stock.
 */
import type { InventoryMovement } from '../model/events.ts'
import { activeHolds, isActive } from '../model/hold-set.ts'
import { WHOLE } from '../model/scope.ts'
import type { Draft } from './draft.ts'
import { ALL_BUT_RECEIVED, isReceivedOnly, liftOf, ONLY_RECEIVED, placeHold } from './lot-holds.ts'
import { isLoose, type LotState, waitsForDecision } from './lot-state.ts'

export function distrust(draft: Draft<LotState>, data: InventoryMovement): void {
  const { next } = draft
  if (data.from !== 'qualityInspection' || !(isUndecided(next) || isReleasing(next))) return
  // A receipt that holds the whole lot anyway only has to go on doing so.
  const narrowed = next.undecided.some((one) => one.narrowed && isActive(next.holds, one.hold))
  if (activeHolds(next.holds).some(({ id, scope }) => isLoose(id) && (!narrowed || !isReceivedOnly(scope)))) return
  placeHold(draft, {
    id: `loose:${data.erp}:${data.document}`,
    type: 'awaitingInspection',
    scope: narrowed ? WHOLE : ONLY_RECEIVED,
    foreign: false,
    reason: `${data.by} took ${data.quantity.value} ${data.quantity.uom} out of inspection stock with document ${data.document}`,
    placedBy: 'policy',
    placedIn: 'holdpoint',
  })
}

/** Once every receipt is decided the quantities add up, whoever took which; the doubt ends with the last release. */
export function endLoose(draft: Draft<LotState>): void {
  const { next } = draft
  if (isUndecided(next)) return
  const scope = isReleasing(next) ? ALL_BUT_RECEIVED : WHOLE
  for (const { id } of activeHolds(next.holds))
    if (isLoose(id)) liftOf(draft, { hold: id, scope, evidence: 'decided in full', by: 'policy' })
}

function isUndecided(state: LotState): boolean {
  return state.undecided.length > 0 || activeHolds(state.holds).some(({ id }) => waitsForDecision(state, id))
}

function isReleasing({ decisions }: LotState): boolean {
  return decisions.some(({ lines }) => lines.some(({ outcome }) => outcome === 'accepted'))
}
