/**
 * Rows from entries: the only place where the rows of tables state, goal and timer come from, live and in a rebuild.
 * Pure. Must never call `decide`, look at a clock or guess what an entry does not say.
 */
import { assert } from '../assert.ts'
import type { Action, Goal } from '../model/goal.ts'
import type { DecisionEntry, GoalDecision, GoalEntry, StateAfter, TimerDecision } from './entries.ts'

const REOPENINGS_KEPT = 8

export interface StateRow {
  readonly process: string
  readonly key: string
  readonly version: number
  readonly state: unknown
}

export interface TimerRow {
  readonly process: string
  readonly key: string
  readonly timer: string
  readonly generation: number
  readonly dueAt: string
}

export function foldState(before: unknown, entry: DecisionEntry): StateRow {
  const { process, key, version } = entry
  return { process, key, version, state: stateAfter(before, entry.state) }
}

function stateAfter(before: unknown, after: StateAfter): unknown {
  if ('whole' in after) return after.whole
  const state: Record<string, unknown> = { ...(before as Record<string, unknown>), ...after.changed }
  for (const field of after.gone ?? []) delete state[field]
  return state
}

/** A goal after a process's change of it. */
export function foldGoalDecision(
  goal: Goal | undefined,
  change: GoalDecision,
  decided: { readonly entry: DecisionEntry; readonly partition: number },
): Goal | undefined {
  const { entry, partition } = decided
  if (change.change === 'same') return goal === undefined || change.premise === undefined ? goal : { ...goal, premise: change.premise }
  if (change.change === 'withdraw') return goal === undefined ? undefined : { ...goal, withdrawing: true }
  assert(goal?.kind !== 'posting' || goal.withdrawing || goal.state === 'withdrawn', 'a posting is never superseded')
  return {
    ...change.goal,
    id: change.id,
    process: entry.process,
    key: entry.key,
    partition,
    generation: change.generation,
    state: 'open',
    withdrawing: false,
    waiting: '',
    evidence: null,
    code: null,
    setAt: entry.recordedAt,
    setOrder: change.order,
    settledAt: null,
    reopenedAt: goal?.reopenedAt ?? [],
    retryAskedAt: null,
    commands: goal?.commands ?? [],
  }
}

/** A goal after a ledger entry. */
export function foldGoalEntry(goal: Goal, entry: GoalEntry): Goal {
  const change = entry.change
  switch (change.type) {
    case 'command':
      return { ...goal, commands: [...goal.commands, change.command] }
    case 'commandChanged':
      return { ...goal, commands: goal.commands.map((known) => (known.id === change.command ? { ...known, ...change.changed } : known)) }
    case 'settled':
      return {
        ...goal,
        state: change.state,
        withdrawing: false,
        waiting: '',
        evidence: change.evidence,
        code: change.code,
        settledAt: entry.at,
      }
    case 'reopened':
      return {
        ...goal,
        state: 'open',
        evidence: null,
        code: null,
        waiting: '',
        settledAt: null,
        reopenedAt: [...goal.reopenedAt, entry.at].slice(-REOPENINGS_KEPT),
      }
    case 'retried':
      return {
        ...goal,
        state: goal.state === 'parked' || goal.state === 'refused' ? 'open' : goal.state,
        code: null,
        waiting: '',
        settledAt: null,
        retryAskedAt: entry.at,
      }
    case 'waiting':
      return { ...goal, waiting: change.waiting }
  }
}

/** A timer after a decision; null: it is gone. */
export function foldTimer(entry: DecisionEntry, change: TimerDecision): TimerRow | null {
  if (change.change !== 'set') return null
  return { process: entry.process, key: entry.key, timer: change.timer, generation: change.generation, dueAt: change.dueAt }
}

/**
 * A goal row stays active while the owner must keep it in mind: unsettled, standing, waiting for a person, with a
 * command whose outcome is open, or the record of our own restrictions (a lift and a later decision need to know them).
 */
export function goalActive(goal: Goal): boolean {
  if (goal.state === 'open' || goal.state === 'parked' || goal.withdrawing) return true
  if (goal.kind === 'condition') return goal.state === 'met' || goal.commands.length > 0
  return goal.commands.some(
    ({ state, action }) => state === 'intent' || state === 'unknown' || (goal.predicate.type === 'posted' && crossesBlocked(action)),
  )
}

/** A later decision about the same record has to know what this one put to blocked, or took from there. */
function crossesBlocked(action: Action): boolean {
  return action.type === 'move' && (action.to === 'blocked' || action.from.stockType === 'blocked')
}
