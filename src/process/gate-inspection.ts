/** The QMS side of an inspection gate: which decision stands, and what the lot is told of it. Any doubt keeps the lot held. */
import type { HoldRequest, InspectionDecided, InspectionReopened } from '../model/events.ts'
import type { InspectionDecision, InspectionSnapshot } from '../model/inspection.ts'
import { awaitingHold, type GateName, parseGateKey, qualityHold } from '../model/keys.ts'
import { WHOLE } from '../model/scope.ts'
import { portionOfOutcome, problemOf, sameLines, sizeProblem } from './decision-lines.ts'
import { cancelTimer, closeException, type Draft, emit, openException, setTimer } from './draft.ts'
import { DECISIONS_MAX, FORMER_MAX, type GateRecord, type GateState, RECORDS_MAX, remaining, type Standing } from './gate-state.ts'
import { deadlinesOf } from './policy.ts'

export function onSnapshot(draft: Draft<GateState>, data: InspectionSnapshot): void {
  const { next, event } = draft
  const version = event.source.version ?? ''
  const known = next.records.find((record) => record.inspection === data.inspection)
  if (event.source.version !== null && known?.version === version) return
  const record: GateRecord = {
    inspection: data.inspection,
    qms: data.qms,
    version,
    status: data.status,
    decision: kept(draft, data.status === 'decided' ? data.decision : null),
  }
  const stands = next.standing?.inspection === data.inspection ? takeStanding(draft, next.standing, record) : false
  keepRecord(draft, stands ? { ...record, decision: null } : record)
  if (next.receipt === null) waitForReceipt(draft)
  else if (next.closed) afterTheFact(draft, record)
  else {
    becomeRelevant(draft)
    noticeRecords(draft)
    considerDecision(draft)
  }
}

/** Null: none, or more than can be kept; nothing is freed by it. */
function kept(draft: Draft<GateState>, decision: InspectionDecision | null): InspectionDecision | null {
  const problem = decision === null ? null : sizeProblem(decision.lines)
  if (decision === null || problem === null) {
    closeException(draft, 'input.tooLarge')
    return decision
  }
  openException(draft, { ...problem, subject: draft.next.key, detail: `${decision.decision}: ${problem.detail}` })
  return null
}

function keepRecord(draft: Draft<GateState>, record: GateRecord): void {
  const { next } = draft
  const others = next.records.filter((known) => known.inspection !== record.inspection)
  const records = [...others, record].slice(-RECORDS_MAX)
  let decisions = records.filter(({ decision }) => decision !== null).length
  // While several records are open none decides; a decision dropped here can only keep the lot held.
  next.records = records.map((one) => (one.decision !== null && decisions-- > DECISIONS_MAX ? { ...one, decision: null } : one))
}

/** True: the same decision in a newer version of its record. Otherwise it no longer stands. */
function takeStanding(draft: Draft<GateState>, standing: Standing, record: GateRecord): boolean {
  const { decision } = record
  const same =
    decision !== null &&
    decision.decision === standing.number &&
    decision.decidedAt === standing.decidedAt &&
    sameLines(decision.lines, standing.lines)
  if (!same) {
    reopen(draft)
    return false
  }
  draft.next.standing = { ...standing, version: record.version }
  handOn(draft, decision, record)
  return true
}

/** Takes back what was handed on: nothing more is released under it, and what was released is held again. */
export function reopen(draft: Draft<GateState>): void {
  const { next, context } = draft
  const { standing, receipt } = next
  const name = parseGateKey(next.key)
  if (standing === null || receipt === null || name === null) return
  next.standing = null
  next.former = [...next.former, standing.decision].slice(-FORMER_MAX)
  const reopened: InspectionReopened = {
    lot: name.lot,
    erp: receipt.erp,
    decision: standing.decision,
    inspectionKey: next.key,
    lines: [...standing.lines],
  }
  emit(draft, 'holdpoint.inspection.reopened.v1', reopened)
  next.due = 'decision'
  setTimer(draft, 'late', deadlinesOf(context).decidedWithinMs)
}

/** Out of order: nothing is released before the receipt is known, and somebody is asked if it does not come. */
function waitForReceipt(draft: Draft<GateState>): void {
  const { next, context } = draft
  const waiting = next.records.some((record) => record.decision !== null)
  const before = draft.before.records.some((record) => record.decision !== null)
  if (waiting && !before) setTimer(draft, 'unmatched', deadlinesOf(context).unmatchedAfterMs)
  if (!waiting && before) cancelTimer(draft, 'unmatched')
  if (!waiting) closeException(draft, 'decision.unmatched')
}

function afterTheFact(draft: Draft<GateState>, record: GateRecord): void {
  if (record.decision === null) return
  openException(draft, {
    code: 'receipt.reversedAfterDecision',
    subject: draft.next.key,
    detail: `${record.decision.decision} was taken although the whole receipt has gone back`,
  })
}

/** RULES 26: what either system inspects is inspected. */
function becomeRelevant(draft: Draft<GateState>): void {
  const { next } = draft
  const name = parseGateKey(next.key)
  if (next.receipt === null || name === null || next.receipt.required || live(next).length === 0) return
  next.receipt = { ...next.receipt, required: true }
  requestHold(draft, name.lot, next.receipt.erp)
  openException(draft, {
    code: 'drift.unexplained',
    subject: next.key,
    detail: 'the QMS inspects what the ERP received as not relevant; the lot is held',
  })
}

/** What was late has happened. */
export function inTime(draft: Draft<GateState>): void {
  draft.next.late = null
  closeException(draft, 'inspection.late')
}

/** The QMS has at least one record with this key: it is there in time, and there is one of them, and it is not cancelled. */
export function noticeRecords(draft: Draft<GateState>): void {
  const { next } = draft
  next.created = true
  if (next.late === 'creation') inTime(draft)
  const count = live(next).length
  if (count > 1) {
    openException(draft, {
      code: 'record.duplicate',
      subject: next.key,
      detail: `${count} open inspections carry this key; none of them decides`,
    })
  } else closeException(draft, 'record.duplicate')
  if (count === 0) {
    openException(draft, { code: 'inspection.cancelledElsewhere', subject: next.key, detail: 'cancelled in the QMS; the lot stays held' })
  } else closeException(draft, 'inspection.cancelledElsewhere')
}

function live(state: Pick<GateState, 'records'>): readonly GateRecord[] {
  return state.records.filter((record) => record.status !== 'cancelled')
}

/** Hands a waiting decision on if it is the only one, adds up and says which portion it means. */
export function considerDecision(draft: Draft<GateState>): void {
  const { next } = draft
  const quantity = remaining(next)
  const records = live(next)
  const record = records[0]
  if (quantity === null || next.closed || next.standing !== null) return
  if (record === undefined || records.length > 1 || record.decision === null) {
    // A decision that was wrong and has been taken back needs no correction any more.
    closeException(draft, 'decision.quantityMismatch')
    closeException(draft, 'portion.carrierMissing')
    return
  }
  const { decision } = record
  const problem = problemOf(decision.lines, quantity)
  for (const code of ['decision.quantityMismatch', 'portion.carrierMissing'] as const) {
    if (code !== problem?.code) closeException(draft, code)
  }
  if (problem !== null) {
    openException(draft, { ...problem, subject: next.key, detail: `${decision.decision}: ${problem.detail}` })
    return
  }
  next.standing = {
    decision: decisionKey(next, record, decision),
    number: decision.decision,
    inspection: record.inspection,
    decidedAt: decision.decidedAt,
    version: record.version,
    lines: decision.lines,
  }
  keepRecord(draft, { ...record, decision: null })
  closeException(draft, 'receipt.reversedAfterDecision')
  if (next.late !== null) inTime(draft)
  if (next.due !== null) cancelTimer(draft, 'late')
  next.due = null
  handOn(draft, decision, record)
}

/** Number and time, so that a hub that sees only a later version derives the same key; decided again at the same time: version too. */
function decisionKey(state: Pick<GateState, 'former'>, record: GateRecord, decision: InspectionDecision): string {
  const key = `${decision.decision}@${decision.decidedAt}`
  return state.former.includes(key) ? `${key}@${record.version}` : key
}

/** Restrictions first: what is not accepted has its own hold before the awaiting-inspection hold is lifted. */
function handOn(draft: Draft<GateState>, decision: InspectionDecision, record: GateRecord): void {
  const { next } = draft
  const { standing, receipt } = next
  const name = parseGateKey(next.key)
  if (standing === null || receipt === null || name === null) return
  if (draft.before.standing?.decision !== standing.decision) {
    requestQualityHold(draft, { name, standing, decision, record, outcome: 'rejected' })
    requestQualityHold(draft, { name, standing, decision, record, outcome: 'quarantined' })
  }
  const decided: InspectionDecided = {
    lot: name.lot,
    erp: receipt.erp,
    decision: standing.decision,
    number: standing.number,
    decidedBy: decision.decidedBy,
    decidedAt: decision.decidedAt,
    lines: decision.lines,
    premise: { qms: record.qms, inspectionKey: next.key, version: standing.version },
    hold: awaitingHold(next.key),
    supersedes: [...next.former],
  }
  emit(draft, 'holdpoint.inspection.decided.v1', decided)
}

interface QualityHold {
  readonly name: GateName
  readonly standing: Standing
  readonly decision: InspectionDecision
  readonly record: GateRecord
  readonly outcome: 'rejected' | 'quarantined'
}

function requestQualityHold(draft: Draft<GateState>, { name, standing, decision, record, outcome }: QualityHold): void {
  const { receipt } = draft.next
  const scope = portionOfOutcome(decision.lines, outcome)
  if (scope === null || receipt === null) return
  const request: HoldRequest = {
    hold: qualityHold(standing.decision, outcome),
    lot: name.lot,
    erp: receipt.erp,
    type: 'quality',
    scope,
    foreign: false,
    reason: `${outcome} under ${decision.decision}`,
    placedBy: decision.decidedBy,
    placedIn: record.qms,
  }
  emit(draft, 'holdpoint.hold.requested.v1', request)
}

export function requestHold(draft: Draft<GateState>, lot: string, erp: string): void {
  draft.next.held = true
  const request: HoldRequest = {
    hold: awaitingHold(draft.next.key),
    lot,
    erp,
    type: 'awaitingInspection',
    scope: WHOLE,
    foreign: false,
    reason: 'awaiting inspection',
    placedBy: 'policy',
    placedIn: 'holdpoint',
  }
  emit(draft, 'holdpoint.hold.requested.v1', request)
}
