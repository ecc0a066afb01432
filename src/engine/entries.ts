import type { ErrorCode } from '../errors.ts'
import type { DomainEvent, EventAddress, SourceIdentity } from '../model/envelope.ts'
import type { Command, Evidence, GoalSpec, GoalState, Premise } from '../model/goal.ts'
import type { ExceptionChange } from '../process/process.ts'

/**
 * What a partition's journal holds. Rows of tables state, goal and timer are folds of these entries and nothing else
 * (fold.ts), so a rebuild needs no decision and no target. Entries are never changed or removed by the engine.
 */
export type Entry = InputEntry | ParkedEntry | DecisionEntry | GoalEntry | ExceptionEntry | LateEntry

/** An accepted input. `stale`: an older version than one already accepted; journalled, delivered to nobody. */
export interface InputEntry {
  readonly kind: 'input'
  readonly event: DomainEvent
  readonly recordedAt: string
  readonly raw: string
  /** Connector that mapped it, `name@version`. */
  readonly mappedBy: string
  readonly stale: boolean
}

/** An input that could not be accepted yet: its raw bytes wait under its native key. */
export interface ParkedEntry {
  readonly kind: 'parked'
  readonly source: SourceIdentity
  readonly recordedAt: string
  readonly raw: string
  readonly code: ErrorCode
}

/** What decided what. Internal events are addressed (partition, sequence of this entry, ordinal from 1). */
export interface DecisionEntry {
  readonly kind: 'decision'
  readonly process: string
  readonly version: number
  readonly key: string
  /** Null: a timer. A negative sequence counts back from this entry: the input arose in the same turn. */
  readonly input: EventAddress | null
  readonly inputType: string
  readonly context: string
  readonly recordedAt: string
  readonly state: StateAfter
  readonly events: readonly DomainEvent[]
  readonly goals: readonly GoalDecision[]
  readonly timers: readonly TimerDecision[]
  readonly exceptions: readonly ExceptionChange[]
}

/** The instance's state after the decision: whole, or what changed of its top-level fields. */
export type StateAfter =
  | { readonly whole: unknown }
  | { readonly changed: Readonly<Record<string, unknown>>; readonly gone?: readonly string[] }

/**
 * A goal change with what the engine derived: id and generation. `same`: an equal predicate was set again, perhaps resting
 * on a newer version of its premise.
 */
export type GoalDecision =
  | { readonly change: 'set'; readonly id: string; readonly generation: number; readonly order: number; readonly goal: GoalSpec }
  | { readonly change: 'same'; readonly id: string; readonly premise?: Premise | null }
  | { readonly change: 'withdraw'; readonly id: string; readonly reason: string }

export type TimerDecision =
  | { readonly change: 'set'; readonly timer: string; readonly generation: number; readonly dueAt: string }
  | { readonly change: 'cancel'; readonly timer: string }
  /** The firing that was this decision's input. */
  | { readonly change: 'fired'; readonly timer: string }

/** A change of a goal or of its commands that no process decided: the ledger. */
export interface GoalEntry {
  readonly kind: 'goal'
  readonly goal: string
  readonly at: string
  readonly change: GoalEntryChange
}

export type GoalEntryChange =
  /** A new command. */
  | { readonly type: 'command'; readonly command: Command }
  /** What changed of a command. */
  | { readonly type: 'commandChanged'; readonly command: string; readonly changed: Partial<Command> }
  | {
      readonly type: 'settled'
      readonly state: Extract<GoalState, 'met' | 'refused' | 'parked' | 'withdrawn'>
      readonly evidence: Evidence | null
      readonly code: ErrorCode | null
      readonly detail: string
    }
  | { readonly type: 'reopened'; readonly reason: string }
  /** A person asked to try again: what was parked is open. */
  | { readonly type: 'retried'; readonly actor: string }
  | { readonly type: 'waiting'; readonly waiting: string }

export interface ExceptionEntry {
  readonly kind: 'exception'
  readonly id: string
  readonly at: string
  readonly change: 'opened' | 'closed' | 'acted'
  readonly code: ErrorCode
  readonly detail: string
  readonly actor: string | null
  /** What the actor says is true, and why. */
  readonly reason?: string
}

/** Outcome that reached a worker after it had lost the partition: evidence, never a change of the command. */
export interface LateEntry {
  readonly kind: 'late'
  readonly command: string
  readonly epoch: number
  readonly at: string
  readonly outcome: string
  readonly detail: string
}

export function encodeEntry(entry: Entry): string {
  return JSON.stringify(entry)
}

export function parseEntry(body: string): Entry {
  return JSON.parse(body) as Entry
}
