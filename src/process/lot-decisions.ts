/**
 * Usage decisions of a lot as postings: each line once, restrictions first. Must never free a portion that a decision does
 * not name, and never carry out a decision on top of what an earlier one of the same gate had released.
 */
import type { SourceIdentity } from '../model/envelope.ts'
import type { GoalSettled, InspectionDecided, InspectionReopened } from '../model/events.ts'
import type { PortionScope } from '../model/hold.ts'
import { isActive, unionOfScopes } from '../model/hold-set.ts'
import type { DecisionLine } from '../model/inspection.ts'
import { qualityHold, reopenedHold } from '../model/keys.ts'
import { intersectScopes, scopeCharacters, subtractScopes, uniteAll, WHOLE } from '../model/scope.ts'
import { portionOf, portionProblem, sizeProblem } from './decision-lines.ts'
import { closeException, type Draft, openException, setGoal, withdrawGoal } from './draft.ts'
import {
  endAnswered,
  erpOf,
  HELD,
  holdsOnStock,
  liftKnown,
  liftOf,
  narrowHolds,
  placeHold,
  rememberToRestore,
  siteOf,
} from './lot-holds.ts'
import { type LotState, OPEN_CHARACTERS_MAX, type OpenDecision, type OpenLine, RESTORES_OPEN_MAX, SETTLED_MAX } from './lot-state.ts'

export function onDecided(draft: Draft<LotState>, data: InspectionDecided): void {
  const { next } = draft
  const open = next.decisions.find((known) => known.decision === data.decision)
  const pending = next.pending.find((known) => known.decided.decision === data.decision)
  if (open !== undefined) renewPremise(draft, open, data)
  else if (pending !== undefined) {
    if (pending.decided.premise.version === data.premise.version) return
    next.pending = next.pending.map((known) => (known === pending ? { ...pending, decided: data } : known))
  } else if (!next.settled.includes(data.decision)) takeDecision(draft, data)
}

function takeDecision(draft: Draft<LotState>, data: InspectionDecided): void {
  const { next } = draft
  const problem = sizeProblem(data.lines) ?? portionProblem(data.lines) ?? roomProblem(next, data)
  if (problem !== null) {
    openException(draft, { ...problem, subject: data.decision })
    return
  }
  for (const decision of [data.decision, ...data.supersedes]) forgetProblem(draft, decision)
  const reopened = data.supersedes.some((superseded) => isActive(next.holds, reopenedHold(superseded)))
  // The inspection, whichever event made it known: a late receipt must not give its postings other references.
  const cause = { instance: data.premise.qms, record: data.premise.inspectionKey, version: null }
  if (reopened && !next.heldMet) next.pending = [...next.pending, { decided: data, cause }]
  else carryOut(draft, data, cause)
}

function roomProblem(state: LotState, data: InspectionDecided): { readonly code: 'input.tooLarge'; readonly detail: string } | null {
  let characters = 0
  for (const { hold, lifted } of state.holds) {
    if (hold !== null) characters += scopeCharacters(hold.scope)
    if (lifted !== null) characters += scopeCharacters(lifted)
  }
  // Once as a line, twice in the holds that it lifts in part.
  for (const line of data.lines) characters += 2 * scopeCharacters(portionOf(line))
  for (const { lines } of [data, ...state.decisions, ...state.pending.map((pending) => pending.decided)]) {
    characters += 500
    for (const line of lines) characters += 110 + scopeCharacters(portionOf(line))
  }
  if (characters <= OPEN_CHARACTERS_MAX) return null
  return { code: 'input.tooLarge', detail: 'more decision lines of this lot are open than can be kept' }
}

function forgetProblem(draft: Draft<LotState>, decision: string): void {
  closeException(draft, 'portion.carrierMissing', decision)
  closeException(draft, 'input.tooLarge', decision)
}

/**
 * Postings first, then the lift of what they answer. The cause has no version: a later version of the record that repeats
 * the decision must lead to the same references.
 */
function carryOut(draft: Draft<LotState>, data: InspectionDecided, cause: SourceIdentity): void {
  const { next } = draft
  const { accepted, rejected, quarantined } = next.outcomes
  const count = { accepted, rejected, quarantined }
  for (const { outcome } of data.lines) count[outcome] += 1
  next.outcomes = count
  const decision: OpenDecision = {
    decision: data.decision,
    decidedBy: `${data.number} ${data.decidedBy}`,
    qms: data.premise.qms,
    inspectionKey: data.premise.inspectionKey,
    version: data.premise.version,
    cause,
    lines: restrictionsFirst(data.lines),
  }
  next.decisions = [...next.decisions, decision]
  for (const line of decision.lines) setPosting(draft, decision, line)
  liftAnswered(draft, data, uniteAll(data.lines.map(portionOf)) ?? WHOLE)
  narrowHolds(draft)
}

function restrictionsFirst(lines: readonly DecisionLine[]): readonly OpenLine[] {
  const open = lines.map(
    (line): OpenLine => ({ line: line.line, outcome: line.outcome, quantity: line.quantity, portion: portionOf(line), state: 'open' }),
  )
  return open.length === 1
    ? open
    : [...open.filter(({ outcome }) => outcome !== 'accepted'), ...open.filter(({ outcome }) => outcome === 'accepted')]
}

/** Every hold that waited for this decision, for the portions it names: of the receipt, of earlier decisions, of their reopening. */
function liftAnswered(draft: Draft<LotState>, data: InspectionDecided, portion: PortionScope): void {
  const { next } = draft
  const lift = { scope: portion, evidence: data.number, by: data.decidedBy }
  liftOf(draft, { ...lift, hold: data.hold })
  const answered = [data.hold]
  for (const superseded of data.supersedes) {
    answered.push(reopenedHold(superseded), qualityHold(superseded, 'rejected'), qualityHold(superseded, 'quarantined'))
  }
  for (const hold of answered) {
    liftKnown(draft, { ...lift, hold })
    if (isActive(next.holds, hold) && !next.answered.includes(hold)) next.answered = [...next.answered, hold]
  }
  next.undecided = next.undecided.filter((one) => one.hold !== data.hold)
  endAnswered(draft)
}

function setPosting(draft: Draft<LotState>, decision: OpenDecision, line: OpenLine): void {
  const { next } = draft
  const accepted = line.outcome === 'accepted'
  setGoal(draft, {
    name: lineName(decision.decision, line.line),
    system: erpOf(next),
    resource: 'inventory',
    kind: 'posting',
    subject: next.key,
    lane: accepted ? 'normal' : 'safety',
    site: siteOf(draft),
    predicate: {
      type: 'posted',
      lot: next.key,
      scope: line.portion,
      quantity: line.quantity,
      to: accepted ? 'unrestricted' : 'blocked',
    },
    cause: decision.cause,
    decision: decision.decision,
    line: line.line,
    premise: accepted ? { system: decision.qms, resource: 'inspection', key: decision.inspectionKey, version: decision.version } : null,
    decidedBy: decision.decidedBy,
  })
}

function lineName(decision: string, line: number): string {
  return `line:${decision}:${line}`
}

/** The same decision in a newer version of its record: open releases rest on that version from here on. */
function renewPremise(draft: Draft<LotState>, open: OpenDecision, data: InspectionDecided): void {
  if (open.version === data.premise.version) return
  const renewed = { ...open, version: data.premise.version }
  draft.next.decisions = draft.next.decisions.map((known) => (known === open ? renewed : known))
  for (const line of renewed.lines) if (line.outcome === 'accepted') setPosting(draft, renewed, line)
}

/** Nothing more is released under the decision, and what it had released is held again. Nothing is reversed. */
export function onReopened(draft: Draft<LotState>, data: InspectionReopened): void {
  const { next } = draft
  const pending = next.pending.some((known) => known.decided.decision === data.decision)
  const refused = next.exceptions.some((open) => open.subject === data.decision)
  if (!pending && !refused) next.outcomes = without(next.outcomes, data.lines)
  // After that: what only this decision had released is decided anew, not restored.
  placeHold(draft, {
    id: reopenedHold(data.decision),
    type: 'awaitingInspection',
    scope: uniteAll(data.lines.map(portionOf)) ?? WHOLE,
    foreign: false,
    reason: `${data.decision} no longer stands`,
    placedBy: 'policy',
    placedIn: 'holdpoint',
  })
  withdrawDecision(draft, data.decision)
  withdrawRestores(draft, `${data.decision} no longer stands`)
  forgetProblem(draft, data.decision)
  if (pending) next.pending = next.pending.filter((known) => known.decided.decision !== data.decision)
}

function without(outcomes: LotState['outcomes'], lines: readonly DecisionLine[]): LotState['outcomes'] {
  const { accepted, rejected, quarantined } = outcomes
  const count = { accepted, rejected, quarantined }
  for (const { outcome } of lines) count[outcome] = Math.max(0, count[outcome] - 1)
  return count
}

function withdrawDecision(draft: Draft<LotState>, decision: string): void {
  const { next } = draft
  const open = next.decisions.find((known) => known.decision === decision)
  if (open === undefined) return
  for (const { line } of open.lines) withdrawGoal(draft, lineName(decision, line), `${decision} no longer stands`)
  next.decisions = next.decisions.filter((known) => known !== open)
}

/** What was to go back still is, once no hold covers it: it is asked for anew then. */
function withdrawRestores(draft: Draft<LotState>, reason: string): void {
  const { restoring } = draft.next
  if (restoring === null || restoring.open.length === 0) return
  for (const { name } of restoring.open) withdrawGoal(draft, name, reason)
  const scopes = restoring.open.map((open) => open.scope)
  draft.next.restoring = { ...restoring, open: [], scope: uniteAll(restoring.scope === null ? scopes : [restoring.scope, ...scopes]) }
}

/** Nothing of any receipt is left: there is nothing more to release. */
export function closeLot(draft: Draft<LotState>, reason: string): void {
  const { next } = draft
  for (const { decision, lines } of next.decisions) for (const { line } of lines) withdrawGoal(draft, lineName(decision, line), reason)
  next.decisions = []
  next.pending = []
  withdrawRestores(draft, reason)
}

export function onGoalSettled(draft: Draft<LotState>, settled: GoalSettled): void {
  const { next } = draft
  if (settled.name === HELD) {
    if (settled.applied > 0) restrictedByUs(draft, settled)
    if (settled.state !== 'met' || settled.generation < next.generation) return
    next.heldMet = true
    const { pending } = next
    next.pending = pending.length === 0 ? pending : []
    for (const { decided, cause } of pending) carryOut(draft, decided, cause)
  } else if (settled.name.startsWith('line:')) lineSettled(draft, settled)
  else restoreSettled(draft, settled)
}

/**
 * The condition had to take something out of use, so that much has to go back once nothing covers it: also what a release
 * had freed before the hold was known (a restored hub, a hold that overtook it).
 */
function restrictedByUs(draft: Draft<LotState>, { state }: GoalSettled): void {
  if (state !== 'met' && state !== 'withdrawn') return
  rememberToRestore(draft, WHOLE)
  const { restoring } = draft.next
  // The hold may have ended before it was known that it had restricted anything.
  if (restoring?.lift === null) draft.next.restoring = { ...restoring, lift: { evidence: 'hold ended', by: 'policy' } }
}

function lineSettled(draft: Draft<LotState>, { name, state }: GoalSettled): void {
  const { next } = draft
  for (const open of next.decisions) {
    const line = open.lines.find((one) => lineName(open.decision, one.line) === name)
    if (line === undefined) continue
    const over = state === 'met' || state === 'withdrawn'
    const lines = over ? open.lines.filter((one) => one !== line) : open.lines.map((one) => (one === line ? { ...line, state } : one))
    if (lines.length > 0) next.decisions = next.decisions.map((known) => (known === open ? { ...open, lines } : known))
    else {
      next.decisions = next.decisions.filter((known) => known !== open)
      next.settled = [...next.settled, open.decision].slice(-SETTLED_MAX)
    }
    return
  }
}

function restoreSettled(draft: Draft<LotState>, { name, state }: GoalSettled): void {
  const { restoring } = draft.next
  if (restoring === null || !restoring.open.some((open) => open.name === name)) return
  const over = state === 'met' || state === 'withdrawn'
  const open = over
    ? restoring.open.filter((one) => one.name !== name)
    : restoring.open.map((one) => (one.name === name ? { ...one, state } : one))
  draft.next.restoring = { ...restoring, open }
}

/**
 * Puts back what holds had taken out of use, once nothing covers it. Releases of the same portion go first: they may take
 * from what our own restriction holds, and only the rest is to be restored.
 */
export function setRestore(draft: Draft<LotState>): void {
  const { next } = draft
  const { restoring } = next
  if (restoring === null || restoring.scope === null || restoring.lift === null || next.pending.length > 0) return
  const covered = unionOfScopes(holdsOnStock(next.holds))
  const due = covered === null ? restoring.scope : subtractScopes(restoring.scope, covered)
  if (due === null || releasing(next, due) || restoring.open.length >= RESTORES_OPEN_MAX) return
  const count = restoring.count + 1
  const name = `restore:${count}`
  next.restoring = {
    scope: covered === null ? null : intersectScopes(restoring.scope, covered),
    lift: restoring.lift,
    count,
    open: [...restoring.open, { name, scope: due, state: 'open' }],
  }
  setGoal(draft, {
    name,
    system: erpOf(next),
    resource: 'inventory',
    kind: 'posting',
    subject: next.key,
    lane: 'normal',
    site: siteOf(draft),
    predicate: { type: 'restored', lot: next.key, scope: due, condition: HELD },
    cause: draft.event.source,
    decision: restoring.lift.evidence,
    line: count,
    premise: null,
    decidedBy: `${restoring.lift.evidence} ${restoring.lift.by}`,
  })
}

function releasing(state: LotState, scope: PortionScope): boolean {
  return state.decisions.some((open) =>
    open.lines.some((line) => line.outcome === 'accepted' && intersectScopes(line.portion, scope) !== null),
  )
}
