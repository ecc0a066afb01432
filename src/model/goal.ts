import type { Lane, SourceIdentity } from './envelope.ts'
import type { PortionScope } from './hold.ts'
import type { Quantity } from './quantity.ts'
import type { StockBucket, StockType } from './stock.ts'

export type GoalKind = 'condition' | 'posting' | 'record' | 'notice'

/** How a target protects a write against being done twice (per resource, proved by the contract suite). */
export type IdempotencyClass = 'natural' | 'key' | 'externalId' | 'conditional' | 'queryable' | 'transportId' | 'file' | 'unsafe'

/** What must be true in the target. Never an absolute stock level. */
export type Predicate =
  /** condition, inventory: no quantity of `scope` is usable. `holds`: the ids that demand it; another set is another generation. */
  | { readonly type: 'notUsable'; readonly lot: string; readonly scope: PortionScope; readonly holds: readonly string[] }
  /** posting, inventory: under the goal's decision line, `quantity` of `scope` has been moved to `to`. */
  | { readonly type: 'posted'; readonly lot: string; readonly scope: PortionScope; readonly quantity: Quantity; readonly to: StockType }
  /** posting, inventory: what the commands of condition goal `condition` took out of use is back where it stood. */
  | { readonly type: 'restored'; readonly lot: string; readonly scope: PortionScope; readonly condition: string }
  /** record: a record with external key `key` exists. `fields` is what a create would send. */
  | { readonly type: 'exists'; readonly key: string; readonly fields: Readonly<Record<string, string>> }
  /** condition, record status: the record `key` is not open (cancelled, or decided long ago, or never existed). */
  | { readonly type: 'notOpen'; readonly key: string }
  /** notice: this text has reached this person or address, not later than `until`. */
  | { readonly type: 'delivered'; readonly to: string; readonly subject: string; readonly text: string; readonly until: string | null }

/**
 * A release rests on a decision in its owner system: it is read again, not older than `policy.premiseAgeMsMax`,
 * before a command that frees stock is sent, and must still be `decided` at `version`.
 */
export interface Premise {
  readonly system: string
  readonly resource: string
  readonly key: string
  readonly version: string
}

/** What a process asks for. `name` is the process's own handle, unique in the instance; its goal id is derived by the engine. */
export interface GoalSpec {
  readonly name: string
  readonly system: string
  readonly resource: string
  readonly kind: GoalKind
  /** Lot or record: with the system it is the order key. */
  readonly subject: string
  readonly lane: Lane
  readonly site: string
  readonly predicate: Predicate
  /** The input that caused it: part of every reference. */
  readonly cause: SourceIdentity
  /** Postings only: identity of the decision line. */
  readonly decision: string | null
  readonly line: number | null
  readonly premise: Premise | null
  /** For documents: decision number and human decider. */
  readonly decidedBy: string | null
}

/** Changes; what is not named stays. Setting an equal predicate changes nothing but asks for a fresh observation. */
export type GoalChange =
  | { readonly change: 'set'; readonly goal: GoalSpec }
  | { readonly change: 'withdraw'; readonly name: string; readonly reason: string }

export type GoalState = 'open' | 'met' | 'parked' | 'refused' | 'superseded' | 'withdrawn' | 'skipped' | 'excluded'

/** Where a movement takes from: one bucket as last observed. */
export interface BucketRef {
  readonly site: string
  readonly location: string
  readonly carrier: string | null
  readonly stockType: StockType
  readonly specialStock: StockBucket['specialStock']
}

/** One thing to do at a target. Derived by `reconcile`; processes never name one. */
export type Action =
  | {
      readonly type: 'move'
      readonly lot: string
      readonly from: BucketRef
      readonly to: StockType
      readonly quantity: Quantity
      readonly decidedBy: string | null
    }
  /** A rung of the hold ladder above the stock posting: sets a flag on the lot. */
  | { readonly type: 'restrict'; readonly lot: string; readonly rung: number }
  /** Takes back a rung that our own command had set, after the last hold was lifted. */
  | { readonly type: 'unrestrict'; readonly lot: string; readonly rung: number }
  | { readonly type: 'createRecord'; readonly key: string; readonly fields: Readonly<Record<string, string>> }
  | { readonly type: 'cancelRecord'; readonly key: string }
  | { readonly type: 'notify'; readonly to: string; readonly subject: string; readonly text: string }

/**
 * `intent` is durable before the first byte; `sending` is known to the sender only and never stored.
 * `unknown`: sent, no answer. `failed`: proved not done. `refused`: the target's final no.
 */
export type CommandState = 'intent' | 'applied' | 'unknown' | 'failed' | 'refused'

/** One attempt series towards a goal, with its own quantity and reference. */
export interface Command {
  readonly id: string
  readonly goal: string
  /** Counts earlier commands of this goal and cause that ended applied or refused, never attempts. */
  readonly ordinal: number
  /** Written into the target's document: prefix and 14 base32 characters. */
  readonly reference: string
  readonly action: Action
  readonly rung: number
  readonly state: CommandState
  readonly attempts: number
  /** Hub wall time of the first intent: a target that remembers keys counts its window from there. */
  readonly firstIntentAt: string
  /** Hub wall time of the newest intent, and of the newest change; RFC 3339. */
  readonly intentAt: string
  readonly changedAt: string
  /** When the first `absent` was read for an unknown outcome; a second one, a lag later, proves it. */
  readonly absentAt: string | null
  /** Earliest next attempt after `failed`. */
  readonly notBefore: string | null
  /** Document number, answer or refusal text, for people. */
  readonly detail: string
}

/** What made a goal green. */
export interface Evidence {
  readonly kind: 'answer' | 'readBack' | 'observed'
  readonly at: string
  readonly detail: string
}

/** A goal with everything needed to take its next step. Stored as one row; every change is a journal entry first. */
export interface Goal extends GoalSpec {
  readonly id: string
  readonly process: string
  readonly key: string
  readonly partition: number
  readonly generation: number
  readonly state: GoalState
  /** Withdrawal was asked for, but a command is in flight or unknown. */
  readonly withdrawing: boolean
  /** Why an open goal does not move: active holds, a rung of the ladder, a wait. Empty: nothing in the way. */
  readonly waiting: string
  readonly evidence: Evidence | null
  /** Exception code when parked or refused. */
  readonly code: string | null
  readonly setAt: string
  /** Order among goals set at the same moment: documents of one order key follow the order of decisions. */
  readonly setOrder: number
  readonly settledAt: string | null
  /** When it stopped being met, newest last, at most 8: after two heals in 24 hours a person is asked. */
  readonly reopenedAt: readonly string[]
  /** When a person last asked to try again. */
  readonly retryAskedAt: string | null
  readonly commands: readonly Command[]
}

/** Order key: one command in flight per system and subject, over all resources of that system. */
export function orderKeyOf(goal: { readonly system: string; readonly subject: string }): string {
  return `${goal.system}|${goal.subject}`
}

/** Commands a goal may have before it is parked for a person (`goal.commandsExhausted`). */
export const COMMANDS_PER_GOAL_MAX = 40
