/**
 * What may be done with a lot: the only emitter of inventory goals. Combines holds, receipts, decisions and what people
 * move into one hold set and from it, at every event, the goals. Must never let a portion be usable while anything holds
 * it, and never lift a restriction that Holdpoint did not place.
 */
import { assert } from '../assert.ts'
import type { DomainEvent, RecordedEvent } from '../model/envelope.ts'
import {
  GOAL_SETTLED,
  type GoalSettled,
  type HoldLift,
  type HoldRequest,
  type InspectionDecided,
  type InspectionReopened,
  type InventoryMovement,
  type LotQualityStatusChanged,
  type LotReceiptReversed,
  type LotReceived,
} from '../model/events.ts'
import { activeHolds } from '../model/hold-set.ts'
import { isZeroQuantity } from '../model/quantity.ts'
import { WHOLE } from '../model/scope.ts'
import { type Draft, decisionOf, draftOf, emit } from './draft.ts'
import { closeLot, onDecided, onGoalSettled, onReopened, setRestore } from './lot-decisions.ts'
import { endAnswered, liftOf, placeHold, setCondition } from './lot-holds.ts'
import { endLoose } from './lot-loose.ts'
import { onMoved } from './lot-movements.ts'
import { initialLot, type LotState, statusOf } from './lot-state.ts'
import { systemsOf } from './policy.ts'
import type { Context, Decision, Process } from './process.ts'

export const lot: Process<LotState> = {
  name: 'lot',
  version: 1,
  subscribes: [
    'holdpoint.lot.received.v1',
    'holdpoint.lot.receiptReversed.v1',
    'holdpoint.hold.requested.v1',
    'holdpoint.hold.lifted.v1',
    'holdpoint.inspection.decided.v1',
    'holdpoint.inspection.reopened.v1',
    'holdpoint.inventory.moved.v1',
  ],
  contextNames: ['sites', 'referencePrefix', 'secondReceipt'],
  emits: ['inventory'],
  systemsOf,
  keysOf: (event: DomainEvent) => [(event.data as { readonly lot: string }).lot],
  partitionKeyOf: (key) => key,
  initial: initialLot,
  decide,
  migrate,
}

/** Version 1 is the first. */
function migrate(state: unknown, fromVersion: number): LotState {
  assert(fromVersion === 1, `no lot state of version ${fromVersion} is known`)
  return state as LotState
}

function decide(state: LotState, event: RecordedEvent, context: Context): Decision<LotState> {
  const draft = draftOf(state, event, context)
  const refresh = take(draft)
  endLoose(draft)
  setCondition(draft, refresh)
  setRestore(draft)
  tellStatus(draft)
  return decisionOf(draft)
}

/** True: the condition needs a fresh look although the hold set may be the same. */
function take(draft: Draft<LotState>): boolean {
  const { data, type } = draft.event
  switch (type) {
    case 'holdpoint.lot.received.v1':
      onReceived(draft, data as LotReceived)
      return false
    case 'holdpoint.lot.receiptReversed.v1':
      onReceiptReversed(draft, data as LotReceiptReversed)
      return false
    case 'holdpoint.hold.requested.v1':
      onHoldRequested(draft, data as HoldRequest)
      return false
    case 'holdpoint.hold.lifted.v1':
      onHoldLifted(draft, data as HoldLift)
      return false
    case 'holdpoint.inspection.decided.v1':
      onDecided(draft, data as InspectionDecided)
      return false
    case 'holdpoint.inspection.reopened.v1':
      onReopened(draft, data as InspectionReopened)
      return false
    case 'holdpoint.inventory.moved.v1':
      return onMoved(draft, data as InventoryMovement)
    case GOAL_SETTLED:
      onGoalSettled(draft, data as GoalSettled)
      return false
    default:
      return false
  }
}

function onReceived(draft: Draft<LotState>, data: LotReceived): void {
  const { next } = draft
  const { hold } = data
  if (hold !== null && next.undecided.some((one) => one.hold === hold)) return
  next.erp = data.erp
  next.site = data.site
  next.received = true
  next.receipts += 1
  if (hold === null) next.free = true
  else next.undecided = [...next.undecided, { hold, protected: isProtected(data), narrowed: false }]
  endAnswered(draft)
  if (hold === null || !data.held) return
  placeHold(draft, {
    id: hold,
    type: 'awaitingInspection',
    scope: WHOLE,
    foreign: false,
    reason: 'awaiting inspection',
    placedBy: 'policy',
    placedIn: 'holdpoint',
  })
}

function isProtected({ stockType }: LotReceived): boolean {
  return stockType === 'qualityInspection' || stockType === 'blocked'
}

function onReceiptReversed(draft: Draft<LotState>, data: LotReceiptReversed): void {
  const { next } = draft
  if (!isZeroQuantity(data.remaining) || next.receipts === 0) return
  next.receipts -= 1
  if (next.receipts === 0) closeLot(draft, `everything received went back, ${data.reversal} last`)
}

function onHoldRequested(draft: Draft<LotState>, data: HoldRequest): void {
  const { next } = draft
  next.erp ??= data.erp
  const awaiting = data.hold.startsWith('awaiting:') && data.type === 'awaitingInspection'
  if (awaiting && !next.undecided.some((one) => one.hold === data.hold) && !next.holds.some((entry) => entry.id === data.hold)) {
    next.undecided = [...next.undecided, { hold: data.hold, protected: false, narrowed: false }]
  }
  const { hold, type, scope, foreign, reason, placedBy, placedIn } = data
  placeHold(draft, { id: hold, type, scope, foreign, reason, placedBy, placedIn })
}

function onHoldLifted(draft: Draft<LotState>, data: HoldLift): void {
  draft.next.erp ??= data.erp
  liftOf(draft, { hold: data.hold, scope: data.scope, evidence: data.evidence, by: data.liftedBy })
}

function tellStatus(draft: Draft<LotState>): void {
  const { before, next } = draft
  if (
    next.holds === before.holds &&
    next.outcomes === before.outcomes &&
    next.receipts === before.receipts &&
    next.answered === before.answered
  )
    return
  const status = statusOf(next)
  if (status === before.status) return
  next.status = status
  const changed: LotQualityStatusChanged = { lot: next.key, status, holds: [...activeHolds(next.holds)] }
  emit(draft, 'holdpoint.lot.qualityStatusChanged.v1', changed)
}
