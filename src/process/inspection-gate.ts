/**
 * A received quantity of a lot waits for its inspection: from the receipt, over the record in the QMS, to the decision.
 * Places the awaiting-inspection hold, asks for the inspection, and hands on only decisions that are valid and still stand.
 * Must never free anything itself, and never take a cancelled inspection for a passed one.
 */
import { assert } from '../assert.ts'
import type { DomainEvent, RecordedEvent } from '../model/envelope.ts'
import { GOAL_SETTLED, type GoalSettled, TIMER_FIRED, type TimerFired } from '../model/events.ts'
import type { InspectionSnapshot } from '../model/inspection.ts'
import { gateKey, parseGateKey } from '../model/keys.ts'
import type { Receipt, ReceiptReversal } from '../model/receipt.ts'
import { type Draft, decisionOf, draftOf, openException, setTimer } from './draft.ts'
import { inTime, onSnapshot } from './gate-inspection.ts'
import { onReceipt, onReversal } from './gate-receipt.ts'
import type { GateState } from './gate-state.ts'
import { deadlinesOf, systemsOf } from './policy.ts'
import type { Context, Decision, Process } from './process.ts'

export const inspectionGate: Process<GateState> = {
  name: 'inspection-gate',
  version: 1,
  subscribes: ['holdpoint.receipt.posted.v1', 'holdpoint.receipt.reversed.v1', 'holdpoint.inspection.changed.v1'],
  contextNames: ['sites', 'inspectionDeadlines'],
  emits: ['inspection', 'inspectionStatus'],
  systemsOf,
  keysOf,
  partitionKeyOf: (key) => parseGateKey(key)?.lot ?? key,
  initial: (key) => ({
    key,
    receipt: null,
    reversals: [],
    closed: false,
    held: false,
    created: false,
    records: [],
    standing: null,
    former: [],
    due: null,
    late: null,
    exceptions: [],
  }),
  decide,
  migrate,
}

function keysOf(event: DomainEvent): readonly string[] {
  if (event.type === 'holdpoint.inspection.changed.v1') return [(event.data as InspectionSnapshot).inspectionKey]
  const { receipt, lines } = event.data as Receipt | ReceiptReversal
  const keys: string[] = []
  for (const line of lines) for (const { lot } of line.lots) keys.push(gateKey({ receipt, line: line.lineNumber, lot }))
  return keys.length === 1 ? keys : [...new Set(keys)]
}

/** Version 1 is the first. */
function migrate(state: unknown, fromVersion: number): GateState {
  assert(fromVersion === 1, `no gate state of version ${fromVersion} is known`)
  return state as GateState
}

function decide(state: GateState, event: RecordedEvent, context: Context): Decision<GateState> {
  const draft = draftOf(state, event, context)
  switch (event.type) {
    case 'holdpoint.receipt.posted.v1':
      onReceipt(draft, event.data as Receipt)
      break
    case 'holdpoint.receipt.reversed.v1':
      onReversal(draft, event.data as ReceiptReversal)
      break
    case 'holdpoint.inspection.changed.v1':
      onSnapshot(draft, event.data as InspectionSnapshot)
      break
    case GOAL_SETTLED:
      onSettled(draft, event.data as GoalSettled)
      break
    case TIMER_FIRED:
      onTimer(draft, (event.data as TimerFired).timer)
      break
  }
  return decisionOf(draft)
}

/** The record exists: creation is in time from here on, whether or not the QMS has told us of it. */
function onSettled(draft: Draft<GateState>, settled: GoalSettled): void {
  if (settled.name !== 'inspection' || settled.state !== 'met' || draft.next.created) return
  draft.next.created = true
  if (draft.next.late === 'creation') inTime(draft)
}

function onTimer(draft: Draft<GateState>, timer: string): void {
  const { next } = draft
  if (timer === 'late') tooLate(draft)
  else if (next.receipt === null) {
    openException(draft, {
      code: 'decision.unmatched',
      subject: next.key,
      detail: 'decided, but no receipt with this key has come; nothing is released',
    })
  }
}

function tooLate(draft: Draft<GateState>): void {
  const { next, context } = draft
  const late = next.due
  if (next.closed || next.standing !== null || late === null) return
  next.due = late === 'creation' ? 'decision' : null
  if (late === 'creation') {
    const { createdWithinMs, decidedWithinMs } = deadlinesOf(context)
    setTimer(draft, 'late', Math.max(0, decidedWithinMs - createdWithinMs))
    if (next.created) return
  }
  next.late = late
  openException(draft, {
    code: 'inspection.late',
    subject: next.key,
    detail: late === 'creation' ? 'no inspection has been created in time' : 'no decision has been taken in time',
  })
}
