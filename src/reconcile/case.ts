/**
 * One question to `reconcile`, prepared: this goal's commands and its siblings' told apart, and the observation checked
 * for whether it may prove anything. Pure; looks at every command once.
 */
import type { Command, Goal } from '../model/goal.ts'
import type { Observation, RecordObservation, StockObservation } from '../model/observation.ts'
import { addMs } from '../model/time.ts'
import type { NextStep, ReconcilePolicy } from './step.ts'

type Read<T> = T & Pick<Observation, 'beganAt' | 'endedAt' | 'source'>
export type StockRead = Read<StockObservation>
export type RecordRead = Read<RecordObservation>

export interface Case {
  readonly goal: Goal
  readonly commands: readonly Command[]
  readonly policy: ReconcilePolicy
  /** As given: may be torn (sweep) or older than the last settlement plus the lag. Enough to become suspicious. */
  readonly seen: Observation | null
  /** The observation if it may prove something. */
  readonly read: Observation | null
  /** An observation that began earlier is ignored: it may not show yet what was settled. */
  readonly floor: string
  /** Own commands: in flight; outcome unknown; the newest. */
  readonly inFlight: Command | null
  readonly unknown: Command | null
  readonly newest: Command | null
  readonly count: number
  /** A sibling's command of the order key is in flight or unknown. */
  readonly siblingUnsettled: boolean
}

export interface Question {
  readonly goal: Goal
  readonly observation: Observation | null
  readonly commands: readonly Command[]
  readonly policy: ReconcilePolicy
}

export function openCase(question: Question): Case {
  const { goal, observation, commands, policy } = question
  let inFlight: Command | null = null
  let unknown: Command | null = null
  let newest: Command | null = null
  let count = 0
  let siblingUnsettled = false
  let settledAt = policy.lastSettledAt ?? ''
  for (const command of commands) {
    const own = command.goal === goal.id
    if (own) {
      count++
      if (newest === null || command.ordinal > newest.ordinal) newest = command
    }
    if (command.state === 'intent') {
      if (own) inFlight ??= command
      else siblingUnsettled = true
    } else if (command.state === 'unknown') {
      if (own) unknown ??= command
      else siblingUnsettled = true
    } else if (command.changedAt > settledAt) settledAt = command.changedAt
  }
  const floor = settledAt === '' ? '' : addMs(settledAt, policy.lagMs)
  const read = observation !== null && observation.source === 'read' && observation.beganAt >= floor ? observation : null
  return { goal, commands, policy, seen: observation, read, floor, inFlight, unknown, newest, count, siblingUnsettled }
}

/** A read recent enough to act on, begun not before `since`. */
export function stockToActOn(c: Case, since: string): StockRead | null {
  const read = c.read
  return read !== null && read.kind === 'stock' && isRecent(c, read, since) ? read : null
}

export function recordsToActOn(c: Case, since: string): RecordRead | null {
  const read = c.read
  return read !== null && read.kind === 'record' && isRecent(c, read, since) ? read : null
}

function isRecent(c: Case, read: Observation, since: string): boolean {
  return read.beganAt >= since && read.endedAt >= addMs(c.policy.now, -c.policy.observationAgeMsMax)
}

/** A read that will be good enough: for what was settled, for `since`, and for its age. */
export function readStep(c: Case, reason: string, since = ''): NextStep {
  const oldest = addMs(c.policy.now, -c.policy.observationAgeMsMax)
  return { step: 'read', reason, notBefore: latest(c.floor, latest(since, oldest)) }
}

/** What shadow mode answers instead of sending. */
export const SHADOW: NextStep = Object.freeze({ step: 'blocked', waiting: 'shadow', code: null, detail: 'reads only', until: null })

export function lotOf(c: Case): string {
  return 'lot' in c.goal.predicate ? c.goal.predicate.lot : c.goal.subject
}

export function wait(reason: string, until: string | null = null): NextStep {
  return { step: 'wait', reason, until }
}

/** A person asked to try again after `at`. */
export function askedSince(c: Case, at: string): boolean {
  return c.policy.retryAskedAt !== null && c.policy.retryAskedAt > at
}

/** The pace at which a thing that only time or a person can change is looked at again. */
export function slowly(c: Case, from: string): string {
  return addMs(from, c.policy.retryDelayMs(c.policy.attemptsMax))
}

export function latest(one: string, other: string): string {
  return one > other ? one : other
}
