/**
 * What people move in the ERP: a restriction of theirs is adopted as a foreign hold and ends where it was placed; a loosening
 * asks for a fresh look while the lot is held. Must never end a foreign hold on anything but its own undoing.
 */
import type { InventoryMovement } from '../model/events.ts'
import { activeHolds, isActive } from '../model/hold-set.ts'
import { foreignHold } from '../model/keys.ts'
import { compareQuantity, subtractQuantity } from '../model/quantity.ts'
import { WHOLE } from '../model/scope.ts'
import type { StockType } from '../model/stock.ts'
import { type Draft, openException } from './draft.ts'
import { liftOf, placeHold } from './lot-holds.ts'
import { distrust } from './lot-loose.ts'
import { FOREIGN_MAX, type ForeignHold, type LotState, UNDOINGS_MAX } from './lot-state.ts'
import { referencePrefixOf } from './policy.ts'

/** How far a stock type is from use. */
const STRICTNESS: Readonly<Record<StockType, number>> = {
  unrestricted: 0,
  customerReturn: 1,
  restricted: 1,
  qualityInspection: 2,
  blocked: 3,
}
const STRICT_FROM = 2

/** True: something may have become usable. */
export function onMoved(draft: Draft<LotState>, data: InventoryMovement): boolean {
  const { next } = draft
  next.erp ??= data.erp
  if (data.from === data.to || isOurs(draft, data)) return false
  if (data.from !== null) endForeign(draft, data, data.from)
  if (data.from !== null && data.to !== null && isRestriction(data.from, data.to)) adopt(draft, data, data.to)
  if (data.to === null || STRICTNESS[data.to] >= STRICT_FROM) return false
  distrust(draft, data)
  return true
}

/** Two characters of the installation and 14 of a hash, or longer where the field allows. */
function isOurs(draft: Draft<LotState>, { reference }: InventoryMovement): boolean {
  return (
    reference !== null && reference.length >= 16 && reference.startsWith(referencePrefixOf(draft.context)) && /^[0-9A-Z]+$/.test(reference)
  )
}

/** Arrivals are no restriction: what a receipt was booked into is the receipt's. */
function isRestriction(from: StockType, to: StockType): boolean {
  return STRICTNESS[to] > STRICTNESS[from]
}

function adopt(draft: Draft<LotState>, data: InventoryMovement, to: StockType): void {
  const { next } = draft
  const hold = foreignHold(data.erp, data.document)
  if (next.holds.some((entry) => entry.id === hold)) return
  placeHold(draft, {
    id: hold,
    type: 'quality',
    // The document names no carrier, so the whole lot is in doubt.
    scope: WHOLE,
    foreign: true,
    reason: `document ${data.document}: ${data.quantity.value} ${data.quantity.uom} to ${to}`,
    placedBy: data.by,
    placedIn: data.erp,
  })
  if (!isActive(next.holds, hold)) return
  if (next.foreign.length >= FOREIGN_MAX) return
  next.foreign = [...next.foreign, { hold, to, left: data.quantity }]
  openException(draft, {
    code: 'hold.foreign',
    subject: hold,
    detail: `${data.by} restricted ${data.quantity.value} ${data.quantity.uom} with document ${data.document}; it ends where it was placed`,
  })
}

/**
 * A foreign hold ends when as much as it restricted is taken out of that stock type again. A smaller quantity counts
 * towards it only while it is the one hold of the lot: otherwise it is not certain whose restriction was undone.
 */
function endForeign(draft: Draft<LotState>, data: InventoryMovement, from: StockType): void {
  const { next } = draft
  const candidates = next.foreign.filter((one) => one.to === from && one.left.uom === data.quantity.uom)
  if (candidates.length === 0 || next.undoings.includes(data.document)) return
  const exact = candidates.findLast((one) => compareQuantity(one.left, data.quantity) === 0)
  const only = activeHolds(next.holds).length === 1 ? candidates[0] : undefined
  const ended = exact ?? only
  if (ended === undefined) return
  next.undoings = [...next.undoings, data.document].slice(-UNDOINGS_MAX)
  if (ended === exact || compareQuantity(data.quantity, ended.left) >= 0) {
    liftOf(draft, { hold: ended.hold, scope: WHOLE, evidence: `${data.erp}:document:${data.document}`, by: data.by })
    return
  }
  const rest: ForeignHold = { ...ended, left: subtractQuantity(ended.left, data.quantity) }
  next.foreign = next.foreign.map((one) => (one === ended ? rest : one))
}
