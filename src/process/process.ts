import type { ErrorCode } from '../errors.ts'
import type { DomainEvent, RecordedEvent } from '../model/envelope.ts'
import type { EventType } from '../model/events.ts'
import type { GoalChange } from '../model/goal.ts'

/** An event as a process emits it: the engine adds source, times and address from the input that caused it. */
export interface EmittedEvent {
  readonly type: EventType
  readonly subject: string
  readonly data: unknown
}

/** Timers are (instance, name, generation); setting one again raises its generation, and a stale firing is dropped. */
export type TimerChange =
  | { readonly change: 'set'; readonly timer: string; readonly dueAt: string }
  | { readonly change: 'cancel'; readonly timer: string }

/** A business exception of this instance. Opening an open one, or closing a closed one, changes nothing. */
export type ExceptionChange =
  | { readonly change: 'open'; readonly code: ErrorCode; readonly subject: string; readonly detail: string }
  | { readonly change: 'close'; readonly code: ErrorCode; readonly subject: string }

export interface Decision<S> {
  readonly state: S
  readonly events: readonly EmittedEvent[]
  readonly goals: readonly GoalChange[]
  readonly timers: readonly TimerChange[]
  readonly exceptions: readonly ExceptionChange[]
}

/** Frozen and content-addressed; the decision record keeps its hash. Only what `contextNames` lists is in it. */
export type Context = Readonly<Record<string, unknown>>

/**
 * A process manager: pure verbs over time for one key. `decide` never touches the world, never reads a clock
 * (`event.recordedAt` is the only time it knows) and never throws for a business reason.
 */
export interface Process<S = unknown> {
  readonly name: string
  /** Of the state. `migrate` brings older states up; golden states of released versions stay in the repository. */
  readonly version: number
  readonly subscribes: readonly EventType[]
  readonly contextNames: readonly string[]
  /** Resources it sets goals on. Each (system, resource) has exactly one emitting process; a goal's subject there is the instance's key. */
  readonly emits: readonly string[]
  /** Systems that the context names: the engine does not start unless each of them has a connector. */
  systemsOf?(context: Context): readonly string[]
  /** Keys of the instances that must see this event. Called for subscribed types only. */
  keysOf(event: DomainEvent): readonly string[]
  /** Instances with the same partition key share a partition, hence one commit. */
  partitionKeyOf(key: string): string
  initial(key: string): S
  /** `event` is a subscribed event, or `holdpoint.goal.settled.v1` / `holdpoint.timer.fired.v1` of this instance. */
  decide(state: S, event: RecordedEvent, context: Context): Decision<S>
  migrate(state: unknown, fromVersion: number): S
}
