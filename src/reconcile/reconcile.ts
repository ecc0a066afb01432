import type { ErrorCode } from '../errors.ts'
import type { Action, Command, Evidence, Goal, IdempotencyClass } from '../model/goal.ts'
import type { PortionScope } from '../model/hold.ts'
import type { Observation } from '../model/observation.ts'

/** What `reconcile` may know besides goal, observation and commands. All of it data, all of it frozen. */
export interface ReconcilePolicy {
  readonly now: string
  readonly idempotency: IdempotencyClass
  /** `answer`: the target is proved to commit before it answers. */
  readonly evidence: 'answer' | 'readBack'
  readonly lagMs: number
  readonly quiesceMs: number
  /** Classes key and transportId: how long the target remembers a key. */
  readonly keyWindowMs: number
  /** Longest rung of this resource's hold ladder; 0 is the stock posting. */
  readonly rungMax: number
  /** A hold may be sent past an in-flight or unknown command of the same order key. */
  readonly holdsMayPass: boolean
  /** Active holds on this order key, from its condition goals (this goal excluded). */
  readonly holds: readonly { readonly goal: string; readonly ids: readonly string[]; readonly scope: PortionScope }[]
  /** Result of reading the premise: not needed, fresh and standing, gone, or not read recently enough. */
  readonly premise: 'none' | 'standing' | 'gone' | 'stale'
  /** `posting`: the policy parks goals for approval instead of sending (advice mode). */
  readonly sending: 'active' | 'shadow'
  /** After a restore, until a full sweep has passed: nothing is sent without a read of this incarnation. */
  readonly queryFirst: boolean
  readonly retryDelayMs: (attempts: number) => number
  readonly attemptsMax: number
  /** Deterministic reference of the command with this ordinal of this goal (and its cause). */
  readonly referenceOf: (ordinal: number) => string
  /** Heals of this goal in the last 24 hours. */
  readonly heals: number
  /** When the last command of this order key settled (applied, failed, refused), or null. */
  readonly lastSettledAt: string | null
}

/**
 * What to do next. Exactly one; the shell carries it out and asks again when something changed.
 * Steps that change the goal or a command are journalled; `wait` and `read` are not.
 */
export type NextStep =
  | { readonly step: 'none' }
  /** Nothing to do before `until` (null: until something else changes). */
  | { readonly step: 'wait'; readonly reason: string; readonly until: string | null }
  /** An observation that began not before `notBefore` is needed. */
  | { readonly step: 'read'; readonly reason: string; readonly notBefore: string }
  | { readonly step: 'readPremise' }
  /** A new command. `heal`: it puts right what had been met before. */
  | { readonly step: 'send'; readonly action: Action; readonly ordinal: number; readonly reference: string; readonly rung: number; readonly heal: boolean }
  /** A new attempt of a command whose last attempt is proved undone, or that the class allows to repeat. */
  | { readonly step: 'resend'; readonly command: string }
  /** Reading answered for an unknown command. `absentOnce` starts the second wait. */
  | { readonly step: 'resolve'; readonly command: string; readonly outcome: 'applied' | 'failed' | 'absentOnce'; readonly detail: string }
  /** A document with this goal's next reference exists although no command of ours is known (restored hub). */
  | { readonly step: 'adopt'; readonly action: Action; readonly ordinal: number; readonly reference: string; readonly rung: number; readonly detail: string }
  | { readonly step: 'met'; readonly evidence: Evidence }
  /** A met condition is no longer true. */
  | { readonly step: 'reopen'; readonly reason: string }
  | { readonly step: 'withdraw'; readonly reason: string }
  | { readonly step: 'park'; readonly code: ErrorCode; readonly detail: string }
  | { readonly step: 'refuse'; readonly code: ErrorCode; readonly detail: string }
  /** Open, shown with its reason; `code` opens an exception beside it. `until`: when to look again. */
  | { readonly step: 'blocked'; readonly waiting: string; readonly code: ErrorCode | null; readonly detail: string; readonly until: string | null }

/**
 * The one decision about a goal, for the event path, the sweep, the retry button, restore and what-if.
 * Pure. `commands` are all commands of the order key (this goal's and its siblings'). `observation` is the newest
 * read of the order key or null; one that began before the last settlement plus the lag is ignored.
 */
export type Reconcile = (goal: Goal, observation: Observation | null, commands: readonly Command[], policy: ReconcilePolicy) => NextStep
