/**
 * What the one decision is asked with and what it answers. Data only; the shell builds the policy and carries out the step.
 */
import type { ErrorCode } from '../errors.ts'
import type { Action, Evidence, IdempotencyClass } from '../model/goal.ts'
import type { PortionScope } from '../model/hold.ts'

/** What `reconcile` may know besides goal, observation and commands. All of it data, all of it frozen. */
export interface ReconcilePolicy {
  readonly now: string
  readonly idempotency: IdempotencyClass
  /**
   * `answer`: the target is proved to commit before it answers. `readBack`: what it did shows under the command's reference
   * one lag later at the latest; class unsafe keeps no reference, there the document number of the answer must show.
   */
  readonly evidence: 'answer' | 'readBack'
  readonly lagMs: number
  readonly quiesceMs: number
  /** Classes key and transportId: how long the target remembers a key, counted from the first intent. */
  readonly keyWindowMs: number
  /** Nothing is sent on an observation that ended longer ago than this. */
  readonly observationAgeMsMax: number
  /** Longest rung of this resource's hold ladder; 0 is the stock posting. */
  readonly rungMax: number
  /** A hold may be sent past an in-flight or unknown command of the same order key. */
  readonly holdsMayPass: boolean
  /** Active holds on this order key, from its condition goals (this goal excluded). */
  readonly holds: readonly {
    readonly goal: string
    readonly ids: readonly string[]
    readonly scope: PortionScope
    readonly setAt: string
  }[]
  /**
   * Goals of this order key whose restrictions this posting may undo. `posted`: every `notUsable` goal of the order key,
   * whatever its state, and postings that it replaces; `restored`: the one that its predicate names. Empty elsewhere.
   * Restrictions of other goals (another rejected line's posting to blocked) and of people stay.
   */
  readonly undoes: readonly string[]
  /**
   * Pairs of postings of which the second belongs to a decision that took the place of the first one's, about the same
   * record. What the first put to blocked is the second's before anybody else's. It is in `undoes` of the second as well.
   */
  readonly replaced: readonly { readonly posting: string; readonly by: string }[]
  /** Starts every reference of this installation: tells our documents whose command is no longer loaded from foreign ones. */
  readonly referencePrefix: string
  /** Result of reading the premise: not needed, fresh and standing, gone, or not read recently enough. */
  readonly premise: 'none' | 'standing' | 'gone' | 'stale'
  /** `shadow`: reads only. */
  readonly sending: 'active' | 'shadow'
  /**
   * After a restore, until a full sweep has passed: nothing is sent without a read of this incarnation. What the lost hour had
   * sent last may still be on its way, so the shell lets `lastSettledAt` be the start of the incarnation plus quiesce.
   */
  readonly queryFirst: boolean
  readonly retryDelayMs: (attempts: number) => number
  readonly attemptsMax: number
  /**
   * Deterministic reference of the command with this ordinal of this goal (and its cause). Two goals of one order key
   * never share one.
   */
  readonly referenceOf: (ordinal: number) => string
  /** Reopenings of this goal in the last 24 hours, the present one included. */
  readonly heals: number
  /** When a person last asked to try again. Refusals, attempts and heals before it no longer count. Null: never. */
  readonly retryAskedAt: string | null
  /** When the last command of this order key settled (applied, failed, refused), or null. */
  readonly lastSettledAt: string | null
  /**
   * Between `until` and the present owner's beginning nobody wrote anything: `ms` by a clock that somebody may have set forward
   * while the hub was down. So that time does not count towards the quiesce of what was sent before.
   */
  readonly silence: { readonly until: string; readonly ms: number }
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
  | {
      readonly step: 'send'
      readonly action: Action
      readonly ordinal: number
      readonly reference: string
      readonly rung: number
      readonly heal: boolean
    }
  /**
   * A new attempt of a command whose last attempt is proved undone, or that the class allows to repeat; same command,
   * same reference. `action` and `rung` replace the command's: after a proved failure the stock may have moved on, so
   * the quantity may be smaller or the bucket another. For an unknown command they are always the command's own.
   */
  | { readonly step: 'resend'; readonly command: string; readonly action: Action; readonly rung: number }
  /**
   * Reading answered for an unknown command, or for one that was answered `applied` and then rolled back by the target.
   * `absentOnce` starts the second wait: the shell sets `absentAt` and changes nothing else; a new attempt clears it.
   */
  | { readonly step: 'resolve'; readonly command: string; readonly outcome: 'applied' | 'failed' | 'absentOnce'; readonly detail: string }
  /** A document or record with a coming reference of this goal exists although no command of ours is known (restored hub). */
  | {
      readonly step: 'adopt'
      readonly action: Action
      readonly ordinal: number
      readonly reference: string
      readonly rung: number
      readonly detail: string
    }
  | { readonly step: 'met'; readonly evidence: Evidence }
  /** A met condition is no longer true. */
  | { readonly step: 'reopen'; readonly reason: string }
  | { readonly step: 'withdraw'; readonly reason: string }
  | { readonly step: 'park'; readonly code: ErrorCode; readonly detail: string }
  | { readonly step: 'refuse'; readonly code: ErrorCode; readonly detail: string }
  /**
   * Shown with its reason; `code` opens an exception beside it. `until`: when to look again. The goal's state stays what it
   * is: open, or met for a record that has gone missing.
   */
  | {
      readonly step: 'blocked'
      readonly waiting: string
      readonly code: ErrorCode | null
      readonly detail: string
      readonly until: string | null
    }
