/** A decision in the making: a shallow copy of the state whose fields are replaced, never changed in place, and what is to follow. */
import type { ErrorCode } from '../errors.ts'
import type { RecordedEvent } from '../model/envelope.ts'
import type { EventData, EventType } from '../model/events.ts'
import type { GoalChange, GoalSpec } from '../model/goal.ts'
import { addMs } from '../model/time.ts'
import type { Context, Decision, EmittedEvent, ExceptionChange, TimerChange } from './process.ts'

/** Exceptions this instance has open, so that it closes what it opened and nothing else. */
export interface OpenException {
  readonly code: ErrorCode
  readonly subject: string
}

export interface Draft<S> {
  readonly before: S
  readonly next: { -readonly [K in keyof S]: S[K] }
  readonly event: RecordedEvent
  readonly context: Context
  readonly events: EmittedEvent[]
  readonly goals: GoalChange[]
  readonly timers: TimerChange[]
  readonly exceptions: ExceptionChange[]
}

export function draftOf<S extends object>(state: S, event: RecordedEvent, context: Context): Draft<S> {
  return { before: state, next: { ...state }, event, context, events: [], goals: [], timers: [], exceptions: [] }
}

/** Nothing changed: the very same state, so that the shell can tell at a glance. */
export function decisionOf<S extends object>(draft: Draft<S>): Decision<S> {
  const { before, next, events, goals, timers, exceptions } = draft
  return { state: sameFields(before, next as S) ? before : (next as S), events, goals, timers, exceptions }
}

/** Events about one lot: all that the two processes emit. */
type LotEvent = { [T in EventType]: EventData<T> extends { readonly lot: string } ? T : never }[EventType]

export function emit<T extends LotEvent>(draft: Draft<object>, type: T, data: EventData<T> & { readonly lot: string }): void {
  draft.events.push({ type, subject: data.lot, data })
}

export function setGoal(draft: Draft<object>, goal: GoalSpec): void {
  draft.goals.push({ change: 'set', goal })
}

export function withdrawGoal(draft: Draft<object>, name: string, reason: string): void {
  draft.goals.push({ change: 'withdraw', name, reason })
}

export function setTimer(draft: Draft<object>, timer: string, afterMs: number): void {
  draft.timers.push({ change: 'set', timer, dueAt: addMs(draft.event.recordedAt, afterMs) })
}

export function cancelTimer(draft: Draft<object>, timer: string): void {
  draft.timers.push({ change: 'cancel', timer })
}

interface Excepting {
  readonly exceptions: readonly OpenException[]
}

export function openException(draft: Draft<Excepting>, exception: OpenException & { readonly detail: string }): void {
  const { code, subject } = exception
  if (draft.next.exceptions.some((open) => open.code === code && open.subject === subject)) return
  draft.next.exceptions = [...draft.next.exceptions, { code, subject }]
  draft.exceptions.push({ change: 'open', ...exception })
}

/** `subject` left out: whatever it is about. */
export function closeException(draft: Draft<Excepting>, code: ErrorCode, subject?: string): void {
  const closing = draft.next.exceptions.filter((open) => open.code === code && (subject === undefined || open.subject === subject))
  if (closing.length === 0) return
  draft.next.exceptions = draft.next.exceptions.filter((open) => !closing.includes(open))
  for (const open of closing) draft.exceptions.push({ change: 'close', ...open })
}

function sameFields<S extends object>(before: S, next: S): boolean {
  for (const name in before) if (before[name] !== next[name]) return false
  return true
}
