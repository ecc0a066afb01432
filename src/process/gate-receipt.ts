/** The receipt side of an inspection gate: what arrived, what went back. Must never count a reversal twice or below zero. */
import type { HoldLift, LotReceiptReversed, LotReceived } from '../model/events.ts'
import { awaitingHold, type GateName, parseGateKey } from '../model/keys.ts'
import { addQuantity, compareQuantity, isZeroQuantity, minQuantity, type Quantity, subtractQuantity } from '../model/quantity.ts'
import type { Receipt, ReceiptLine, ReceiptLot, ReceiptReversal } from '../model/receipt.ts'
import { WHOLE } from '../model/scope.ts'
import { cancelTimer, closeException, type Draft, emit, openException, setGoal, setTimer, withdrawGoal } from './draft.ts'
import { considerDecision, noticeRecords, reopen } from './gate-inspection.ts'
import { type GateReceipt, type GateState, REVERSALS_MAX, remaining } from './gate-state.ts'
import { deadlinesOf, sitesOf } from './policy.ts'

export function onReceipt(draft: Draft<GateState>, data: Receipt): void {
  const { next } = draft
  const name = parseGateKey(next.key)
  if (next.receipt !== null || name === null) return
  const slice = sliceOf(data, name)
  if (slice === null) return
  const { line, lot, quantity } = slice
  // A record that the QMS made of its own accord counts: relevance is the union of both views.
  const required = line.inspectionRequired !== 'notRequired' || next.records.some((record) => record.status !== 'cancelled')
  const receipt: GateReceipt = { erp: data.erp, site: data.site, quantity, required }
  next.receipt = receipt
  const received: LotReceived = {
    lot: name.lot,
    erp: data.erp,
    item: line.item,
    site: data.site,
    receipt: data.receipt,
    lineNumber: line.lineNumber,
    quantity,
    location: lot.location,
    stockType: lot.stockType,
    specialStock: lot.specialStock,
    hold: required ? awaitingHold(next.key) : null,
    held: required && !allWentBack(next.reversals, quantity),
  }
  next.held = received.held
  emit(draft, 'holdpoint.lot.received.v1', received)
  closeException(draft, 'decision.unmatched')
  if (next.records.some((record) => record.decision !== null)) cancelTimer(draft, 'unmatched')
  applyEarlyReversals(draft, receipt)
  if (!required || next.closed) return
  askForInspection(draft, data, { name, line, quantity })
  if (next.records.length > 0) noticeRecords(draft)
  considerDecision(draft)
  if (next.standing !== null) return
  next.due = 'creation'
  setTimer(draft, 'late', deadlinesOf(draft.context).createdWithinMs)
}

/** Reversals that came before their receipt leave nothing of it. */
function allWentBack(reversals: GateState['reversals'], received: Quantity): boolean {
  let back: Quantity | null = null
  for (const { quantity } of reversals) {
    if (quantity.uom === received.uom) back = back === null ? quantity : addQuantity(back, quantity)
  }
  return back !== null && compareQuantity(back, received) >= 0
}

/** The quantity of one lot on one line; a lot that stands at several locations is one quantity at the first of them. */
function sliceOf(
  data: Receipt,
  name: GateName,
): { readonly line: ReceiptLine; readonly lot: ReceiptLot; readonly quantity: Quantity } | null {
  for (const line of data.lines) {
    if (line.lineNumber !== name.line) continue
    let first: ReceiptLot | null = null
    let quantity: Quantity | null = null
    for (const lot of line.lots) {
      if (lot.lot !== name.lot) continue
      // The least protected place decides how the lot is held.
      if (first === null || lot.stockType === 'unrestricted') first = lot
      quantity = quantity === null ? lot.quantity : addQuantity(quantity, lot.quantity)
    }
    if (first !== null && quantity !== null) return { line, lot: first, quantity }
  }
  return null
}

function askForInspection(
  draft: Draft<GateState>,
  data: Receipt,
  slice: { readonly name: GateName; readonly line: ReceiptLine; readonly quantity: Quantity },
): void {
  const { next, event, context } = draft
  const { name, line, quantity } = slice
  const qms = sitesOf(context)[data.site]?.qms
  if (qms === undefined) {
    openException(draft, {
      code: 'input.sourceUnknown',
      subject: next.key,
      detail: `site ${data.site} has no QMS; the lot stays held`,
    })
    return
  }
  setGoal(draft, {
    name: 'inspection',
    system: qms,
    resource: 'inspection',
    kind: 'record',
    subject: next.key,
    lane: 'critical',
    site: data.site,
    predicate: {
      type: 'exists',
      key: next.key,
      fields: {
        item: line.item,
        lot: name.lot,
        quantity: quantity.value,
        uom: quantity.uom,
        supplier: data.supplier,
        receipt: name.receipt,
        line: name.line,
        site: data.site,
      },
    },
    cause: event.source,
    decision: null,
    line: null,
    premise: null,
    decidedBy: null,
  })
}

export function onReversal(draft: Draft<GateState>, data: ReceiptReversal): void {
  const { next } = draft
  const name = parseGateKey(next.key)
  if (name === null || next.reversals.some((known) => known.reversal === data.reversal)) return
  let quantity: Quantity | null = null
  for (const line of data.lines) {
    if (line.lineNumber !== name.line) continue
    for (const lot of line.lots) if (lot.lot === name.lot) quantity = quantity === null ? lot.quantity : addQuantity(quantity, lot.quantity)
  }
  if (quantity === null) return
  const left = remaining(next)
  next.reversals = addedUp([...next.reversals, { reversal: data.reversal, quantity }])
  if (next.receipt === null || left === null) return
  wentBack(draft, next.receipt, { reversal: data.reversal, quantity, left })
  considerDecision(draft)
}

/** The oldest two become one beyond the limit: the sum is exact, only a repetition of the older would not be known. */
function addedUp(reversals: GateState['reversals']): GateState['reversals'] {
  const [first, second, ...rest] = reversals
  if (reversals.length <= REVERSALS_MAX || first === undefined || second === undefined || first.quantity.uom !== second.quantity.uom) {
    return reversals
  }
  return [{ reversal: second.reversal, quantity: addQuantity(first.quantity, second.quantity) }, ...rest]
}

function applyEarlyReversals(draft: Draft<GateState>, receipt: GateReceipt): void {
  let left = receipt.quantity
  for (const { reversal, quantity } of draft.next.reversals) {
    wentBack(draft, receipt, { reversal, quantity, left })
    if (quantity.uom === left.uom) left = subtractQuantity(left, minQuantity(quantity, left))
  }
}

interface WentBack {
  readonly reversal: string
  readonly quantity: Quantity
  /** Before this document. */
  readonly left: Quantity
}

function wentBack(draft: Draft<GateState>, receipt: GateReceipt, { reversal, quantity, left }: WentBack): void {
  const { next } = draft
  const name = parseGateKey(next.key) as GateName
  if (quantity.uom !== left.uom || compareQuantity(quantity, left) > 0) {
    openException(draft, {
      code: 'contract.violated',
      subject: next.key,
      detail: `${reversal} takes back ${quantity.value} ${quantity.uom}, of the receipt ${left.value} ${left.uom} are left`,
    })
    if (quantity.uom !== left.uom) return
  }
  const back = minQuantity(quantity, left)
  const after = subtractQuantity(left, back)
  if (!isZeroQuantity(back)) {
    const reversed: LotReceiptReversed = {
      lot: name.lot,
      erp: receipt.erp,
      receipt: name.receipt,
      lineNumber: name.line,
      quantity: back,
      remaining: after,
      reversal,
    }
    emit(draft, 'holdpoint.lot.receiptReversed.v1', reversed)
  }
  const decided = next.standing !== null
  if (decided || (isZeroQuantity(after) && next.records.some((record) => record.decision !== null))) {
    openException(draft, {
      code: 'receipt.reversedAfterDecision',
      subject: next.key,
      detail: `${reversal} took back ${back.value} ${back.uom} of what had been decided`,
    })
  }
  if (decided) reopen(draft)
  if (isZeroQuantity(after)) close(draft, { name, erp: receipt.erp, reversal, decided })
}

/** Nothing of the receipt is left: an unstarted inspection is cancelled, and nothing waits for it any more. */
function close(
  draft: Draft<GateState>,
  closing: { readonly name: GateName; readonly erp: string; readonly reversal: string; readonly decided: boolean },
): void {
  const { next, event } = draft
  next.closed = true
  if (next.due !== null) cancelTimer(draft, 'late')
  next.due = null
  next.late = null
  for (const code of ['inspection.late', 'inspection.cancelledElsewhere', 'decision.quantityMismatch', 'portion.carrierMissing'] as const) {
    closeException(draft, code)
  }
  if (!next.held || closing.decided) return
  const lift: HoldLift = {
    hold: awaitingHold(next.key),
    lot: closing.name.lot,
    erp: closing.erp,
    scope: WHOLE,
    liftedBy: 'policy',
    evidence: closing.reversal,
  }
  emit(draft, 'holdpoint.hold.lifted.v1', lift)
  const { receipt } = next
  const qms = receipt === null ? undefined : sitesOf(draft.context)[receipt.site]?.qms
  if (receipt === null || qms === undefined) return
  withdrawGoal(draft, 'inspection', `the receipt was reversed by ${closing.reversal}`)
  setGoal(draft, {
    name: 'cancellation',
    system: qms,
    resource: 'inspectionStatus',
    kind: 'condition',
    subject: next.key,
    lane: 'normal',
    site: receipt.site,
    predicate: { type: 'notOpen', key: next.key },
    cause: event.source,
    decision: null,
    line: null,
    premise: null,
    decidedBy: null,
  })
}
