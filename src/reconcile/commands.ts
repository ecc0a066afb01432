/**
 * The part that all goals share: what becomes of a command that is in flight, unknown or failed, and how the next one starts.
 * Must never repeat a command whose outcome is unknown, unless the class makes the repeat harmless.
 */
import { type Action, COMMANDS_PER_GOAL_MAX, type Command } from '../model/goal.ts'
import { addMs } from '../model/time.ts'
import { askedSince, type Case, latest, readStep, wait } from './case.ts'
import { onlyRestricts } from './scope.ts'
import type { NextStep } from './step.ts'
import { type Trace, traceOf } from './trace.ts'

/** How far a restored hub looks for documents of commands that it no longer knows. */
const ADOPT_AHEAD_MAX = 8

/**
 * Settles an own unknown command by reading or, where the class allows, by repeating it. `gate`: what forbids sending now
 * (an active hold, shadow, a premise), or null. A repeat may be the first execution, so the gate counts for it too.
 */
export function settleUnknown(c: Case, command: Command, gate: NextStep | null): NextStep {
  const trace = traceOf(command, c.read)
  if (trace === 'seen') return { step: 'resolve', command: command.id, outcome: 'applied', detail: 'found under its reference' }
  if (repeats(c, command) && !(c.policy.queryFirst && trace === 'unread')) {
    if (gate === null) return repeat(c, command)
    if (gate.step === 'readPremise') return gate
  }
  if (c.policy.idempotency === 'unsafe' && command.action.type === 'move' && !neverAbandoned(c)) return outcomeUnknown(command)
  return settleByReading(c, command, { trace, gate })
}

/** Classes whose target recognises the repeat; keys only as long as it remembers them. */
function repeats(c: Case, command: Command): boolean {
  const { policy, goal } = c
  if (goal.withdrawing || policy.sending === 'shadow') return false
  if (command.attempts >= policy.attemptsMax && !neverAbandoned(c)) return false
  switch (policy.idempotency) {
    case 'key':
    case 'transportId':
      return policy.now < addMs(command.firstIntentAt, policy.keyWindowMs)
    case 'externalId':
      return command.action.type !== 'cancelRecord' && command.action.type !== 'unrestrict'
    default:
      return false
  }
}

/** The first repeat goes out at once, later ones at the pace of the policy. */
function repeat(c: Case, command: Command): NextStep {
  const due = command.attempts <= 1 ? command.changedAt : addMs(command.changedAt, c.policy.retryDelayMs(command.attempts - 1))
  if (c.policy.now < due) return command.attempts < c.policy.attemptsMax ? wait('retry', due) : unavailable(command, due)
  return { step: 'resend', command: command.id, action: command.action, rung: command.rung }
}

function unavailable(command: Command, until: string): NextStep {
  const detail = `${command.reference}: ${command.detail}`
  return { step: 'blocked', waiting: 'target.unavailable', code: 'target.unavailable', detail, until }
}

/**
 * An unanswered call has either happened or never will once quiesce is over; what happened shows a lag later.
 * One read settles the classes that set a state, and restrictions. The others need two reads one lag apart. A restriction
 * that leaves no trace is taken as done: more of the same under a new reference harms nobody, and no reference stands twice.
 */
function settleByReading(c: Case, command: Command, found: { readonly trace: Trace; readonly gate: NextStep | null }): NextStep {
  const quiet = quietFrom(c, command)
  const once = oneReadSettles(c)
  const since = once ? addMs(quiet, c.policy.lagMs) : quiet
  if (c.read === null || c.read.beganAt < since || found.trace === 'unread') return readStep(c, 'outcome', since)
  const resolve = (outcome: 'applied' | 'failed' | 'absentOnce', detail: string): NextStep => ({
    step: 'resolve',
    command: command.id,
    outcome,
    detail,
  })
  if (found.trace === 'true') return resolve('applied', 'the target shows what was asked for')
  if (once && !absenceProves(c)) return resolve('applied', 'outcome not known; what is still usable is held under the next reference')
  if (once) return resolve('failed', 'not to be seen after quiesce and lag')
  if (!isAbsentOnce(command)) return resolve('absentOnce', 'not to be seen after quiesce')
  const second = addMs(command.absentAt as string, Math.max(c.policy.lagMs, 1))
  if (c.read.beganAt < second) return readStep(c, 'outcome', second)
  if (absenceProves(c)) return resolve('failed', 'not to be seen twice, one lag apart, after quiesce')
  return found.gate?.step === 'blocked' && repeats(c, command) ? found.gate : outcomeUnknown(command)
}

function oneReadSettles(c: Case): boolean {
  const { idempotency } = c.policy
  if (idempotency === 'natural' || idempotency === 'conditional') return true
  return neverAbandoned(c) && (idempotency === 'unsafe' || idempotency === 'key' || idempotency === 'transportId')
}

/** Not finding it is a proof only where the target is known to show references. */
function absenceProves(c: Case): boolean {
  const { idempotency, evidence } = c.policy
  if (idempotency === 'unsafe') return false
  return (idempotency !== 'key' && idempotency !== 'transportId') || evidence === 'readBack'
}

function outcomeUnknown(command: Command): NextStep {
  return { step: 'park', code: 'command.outcomeUnknown', detail: `${command.reference}: ${command.detail || 'no answer'}` }
}

/** After this an unanswered command has happened or never will. Counted from when its connection was given up. */
export function quietFrom(c: Case, command: Command): string {
  if (isAbsentOnce(command)) return command.absentAt as string
  const { quiesceMs, silence } = c.policy
  const since = latest(command.intentAt, command.changedAt)
  return addMs(since, since <= silence.until ? quiesceMs + silence.ms : quiesceMs)
}

/** The first absent reading of this attempt, not of an earlier one. */
export function isAbsentOnce(command: Command): boolean {
  return command.absentAt !== null && command.absentAt >= command.intentAt
}

/** A hold is never abandoned: no outcome parks it. */
export function neverAbandoned(c: Case): boolean {
  return c.goal.predicate.type === 'notUsable'
}

/** The newest own command if it is proved undone: its reference is used again. */
export function failedCommand(c: Case): Command | null {
  return c.newest?.state === 'failed' ? c.newest : null
}

/**
 * A failed command that is not due yet. Null: go on. Never an end: what the target could not do for now is tried again
 * until it can, and from `attemptsMax` on a person knows of it.
 */
export function pause(c: Case): NextStep | null {
  const failed = failedCommand(c)
  if (failed === null || askedSince(c, failed.changedAt)) return null
  const { policy } = c
  const due =
    failed.notBefore ?? (failed.attempts <= 1 ? failed.changedAt : addMs(failed.changedAt, policy.retryDelayMs(failed.attempts - 1)))
  if (policy.now >= due) return null
  return failed.attempts < policy.attemptsMax ? wait('retry', due) : unavailable(failed, due)
}

/** What a failed command turns out to be when its trace is found after all. */
export function failedAfterAll(c: Case): NextStep | null {
  const failed = failedCommand(c)
  if (failed === null || traceOf(failed, c.read) !== 'seen') return null
  return { step: 'resolve', command: failed.id, outcome: 'applied', detail: 'found under its reference after all' }
}

/** Starts `action`: as a new attempt of the command proved undone, else as a new command. Adoption comes before. */
export function start(c: Case, action: Action, rung: number): NextStep {
  const failed = failedCommand(c)
  if (failed !== null) return { step: 'resend', command: failed.id, action, rung }
  if (c.count >= COMMANDS_PER_GOAL_MAX && !neverAbandoned(c)) {
    return { step: 'park', code: 'goal.commandsExhausted', detail: `${c.count} commands` }
  }
  const ordinal = nextOrdinal(c)
  return { step: 'send', action, ordinal, reference: c.policy.referenceOf(ordinal), rung, heal: isHeal(c) }
}

/** An ordinal is used up by a command that was applied or refused; gaps come from adoption. */
function nextOrdinal(c: Case): number {
  return c.newest === null ? 0 : c.newest.ordinal + 1
}

/** Open again after having been met under the present predicate. */
export function isHeal(c: Case): boolean {
  const reopened = c.goal.reopenedAt.at(-1)
  return reopened !== undefined && reopened >= c.goal.setAt
}

/**
 * A trace under a reference that this goal would use next, although no command of ours is known: the hub was restored to
 * an earlier time. It is taken over as it stands, before anything is sent.
 */
export function adoption(c: Case): NextStep | null {
  if (c.read === null || failedCommand(c) !== null) return null
  const first = nextOrdinal(c)
  const ahead = c.policy.queryFirst ? ADOPT_AHEAD_MAX : 1
  for (let ordinal = first; ordinal < first + ahead; ordinal++) {
    const reference = c.policy.referenceOf(ordinal)
    const found = actionUnder(c, reference)
    if (found !== null) return { step: 'adopt', ordinal, reference, ...found }
  }
  return null
}

function actionUnder(c: Case, reference: string): { readonly action: Action; readonly rung: number; readonly detail: string } | null {
  const { read, goal } = c
  if (read === null) return null
  if (read.kind === 'record') {
    const record = read.records.find((seen) => seen.reference === reference)
    if (record === undefined || goal.predicate.type !== 'exists') return null
    return { action: { type: 'createRecord', key: record.key, fields: goal.predicate.fields }, rung: 0, detail: record.id }
  }
  const lot = goal.subject
  for (const { number, from, to, quantity, ...document } of read.documents) {
    if (document.reference !== reference || document.reverses !== null || from === null || to === null) continue
    return { action: { type: 'move', lot, from, to: to.stockType, quantity, decidedBy: goal.decidedBy }, rung: 0, detail: number }
  }
  const flag = read.restrictions.find((restriction) => restriction.reference === reference)
  return flag === undefined ? null : { action: { type: 'restrict', lot, rung: flag.rung }, rung: flag.rung, detail: `rung ${flag.rung}` }
}

/**
 * Until when a hold's read has to wait for the siblings' commands that it may have passed: a late one could still make
 * stock usable. Null: for an answer that is still to come. '': for nothing.
 */
export function siblingsQuietFrom(c: Case): string | null {
  let quiet = ''
  for (const command of c.commands) {
    if (command.goal === c.goal.id || onlyRestricts(command.action)) continue
    if (command.state === 'intent') return null
    if (command.state === 'unknown') quiet = latest(quiet, addMs(quietFrom(c, command), c.policy.lagMs))
  }
  return quiet
}
