/**
 * Delivers events to process instances and records what they decide. The shell around `decide`: loads state, calls,
 * journals. Must never decide anything itself, and never lose an event because an instance failed on it.
 */
import { assert } from '../assert.ts'
import type { DomainEvent, EventAddress, RecordedEvent } from '../model/envelope.ts'
import { GOAL_SETTLED, type GoalSettled, TIMER_FIRED, type TimerFired } from '../model/events.ts'
import { type Goal, type GoalChange, orderKeyOf } from '../model/goal.ts'
import type { Context, Decision, Process } from '../process/process.ts'
import { sameValue } from './canonical.ts'
import type { EngineDeps, PendingDelivery } from './deps.ts'
import { exceptionId, goalId, instanceId } from './derive.ts'
import type { DecisionEntry, Entry, GoalDecision, StateAfter, TimerDecision } from './entries.ts'
import { openException } from './exceptions.ts'
import { foldGoalDecision, foldTimer, type TimerRow } from './fold.ts'
import type { Instance } from './memory.ts'
import type { Route } from './routes.ts'
import { loadInstances } from './takeover.ts'
import { timerId } from './timer-id.ts'
import { clear, goalIn, raise, stageGoal, type Turn } from './turn.ts'

const STATE_BYTES_MAX = 64 * 1024
const GOALS_PER_DECISION_MAX = 1_000

export interface FrozenContext {
  readonly hash: string
  readonly value: Context
  readonly body: string
}

export interface RunParts {
  readonly deps: EngineDeps
  readonly routes: (event: DomainEvent) => readonly Route[]
  readonly contextOf: (process: Process) => FrozenContext
}

/** Decides one delivery and stages the result. Asynchronous only where rows must be read first. */
export async function runDelivery(turn: Turn, parts: RunParts, delivery: PendingDelivery): Promise<void> {
  const id = instanceId(delivery.process, delivery.key)
  if (turn.memory.blocked.has(id)) return defer(turn, delivery)
  const process = parts.deps.processes.get(delivery.process)
  assert(process !== undefined, `no process is called ${delivery.process}`)
  if (delivery.event.type === TIMER_FIRED && !timerStands(turn, delivery)) return
  const instance = turn.instances.get(id) ?? turn.memory.instances.get(id) ?? (await loadInstance(turn, parts, id))
  const context = parts.contextOf(process)
  let decision: Decision<unknown>
  let goals: GoalDecision[]
  let after: After
  try {
    decision = process.decide(instance.state, delivery.event, context.value)
    assert(decision.goals.length <= GOALS_PER_DECISION_MAX, 'a decision names at most 1,000 goals')
    after = stateAfter(instance, decision.state, process.version)
    const named = decision.goals.map((change) => goalIdOf(parts, delivery, change))
    const unread = instance.stored ? named.filter((one) => goalIn(turn, one) === undefined) : []
    if (unread.length > 0) await loadGoals(turn, parts, unread)
    goals = decision.goals.map((change, index) => goalDecision(turn, { id: named[index] as string, index }, change))
  } catch (reason) {
    return fail(turn, parts, { delivery, id, reason })
  }
  record(turn, parts, { delivery, id, process, instance, context, decision, goals, after })
}

interface Decided {
  readonly delivery: PendingDelivery
  readonly id: string
  readonly process: Process
  readonly instance: Instance
  readonly context: FrozenContext
  readonly decision: Decision<unknown>
  readonly goals: readonly GoalDecision[]
  readonly after: After
}

interface After {
  readonly state: StateAfter
  readonly changed: boolean
  /** See Instance. */
  readonly bytes: number
}

/** Measured whole only when its last known size and what has changed since could exceed the limit together. */
function stateAfter(before: Instance, state: unknown, version: number): After {
  const after = differenceOf(before, state, version)
  const changed = !('changed' in after) || Object.keys(after.changed).length > 0 || after.gone !== undefined
  if (!changed) return { state: after, changed, bytes: before.bytes }
  const atMost = 'whole' in after ? Number.POSITIVE_INFINITY : before.bytes + JSON.stringify(after.changed).length
  const bytes = atMost <= STATE_BYTES_MAX ? atMost : JSON.stringify(state).length
  assert(bytes <= STATE_BYTES_MAX, 'the state of an instance stays below 64 kB')
  return { state: after, changed, bytes }
}

function record(turn: Turn, parts: RunParts, decided: Decided): void {
  const { delivery, decision, process, context, after } = decided
  const { event } = delivery
  if (delivery.inbox !== null) turn.consumed.push(delivery.inbox)
  if (isNothing(decided)) return
  const index = turn.entries.length
  const entry: DecisionEntry = {
    kind: 'decision',
    process: process.name,
    version: process.version,
    key: delivery.key,
    input: inputAddress(delivery, index),
    inputType: event.type,
    context: context.hash,
    recordedAt: turn.at,
    state: after.state,
    events: decision.events.map((emitted) => ({
      type: emitted.type,
      subject: emitted.subject,
      source: event.source,
      occurredAt: event.occurredAt,
      receivedAt: event.receivedAt,
      data: emitted.data,
    })),
    goals: decided.goals,
    timers: timerDecisions(turn, delivery, decision),
    exceptions: decision.exceptions,
  }
  turn.entries.push(entry)
  if (!turn.memory.contexts.has(context.hash)) turn.contexts.set(context.hash, context.body)
  const { version } = process
  if (after.changed)
    turn.instances.set(decided.id, { version, rowVersion: version, state: decision.state, stored: true, bytes: after.bytes })
  stageGoals(turn, entry)
  for (const change of entry.timers) turn.timers.set(timerId(delivery.process, delivery.key, change.timer), foldTimer(entry, change))
  stageExceptions(turn, parts, entry)
  for (const [position, emitted] of entry.events.entries()) {
    route(turn, parts, { cause: delivery, event: emitted, origin: { entry: index, ordinal: position + 1 } })
  }
}

/**
 * How a goal ended, told to an instance that it was no news to: the journal says so where the goal was settled, and that
 * nothing was decided needs no record. Facts from outside always get one.
 */
function isNothing({ delivery, instance, process, decision, goals }: Decided): boolean {
  return (
    delivery.event.type === GOAL_SETTLED &&
    decision.state === instance.state &&
    instance.rowVersion === process.version &&
    goals.length + decision.events.length + decision.timers.length + decision.exceptions.length === 0
  )
}

/** Top-level fields that changed; one without a value is gone. A new instance, or one of another version, is written whole. */
export function differenceOf(before: Instance, state: unknown, version: number): StateAfter {
  if (!before.stored || before.rowVersion !== version || !isRecord(before.state) || !isRecord(state)) return { whole: state }
  const old = before.state
  const changed: Record<string, unknown> = {}
  for (const field in state) if (state[field] !== undefined && !sameValue(state[field], old[field])) changed[field] = state[field]
  const gone = Object.keys(old).filter((field) => state[field] === undefined && old[field] !== undefined)
  return gone.length === 0 ? { changed } : { changed, gone }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function inputAddress(delivery: PendingDelivery, index: number): DecisionEntry['input'] {
  if (delivery.origin !== null)
    return { partition: delivery.event.address.partition, sequence: delivery.origin.entry - index, ordinal: delivery.origin.ordinal }
  return delivery.inbox === null ? null : delivery.event.address
}

function stageGoals(turn: Turn, entry: DecisionEntry): void {
  for (const change of entry.goals) {
    const next = foldGoalDecision(goalIn(turn, change.id), change, { entry, partition: turn.memory.partition })
    if (next === undefined) continue
    if (change.change === 'same') {
      // An equal predicate was set again: nothing changes, but the process has reason to doubt, so look afresh.
      if (next.state === 'met' || next.state === 'open') turn.effects.push({ effect: 'lookAfresh', goal: next })
      turn.dirty.add(orderKeyOf(next))
      if (change.premise === undefined) continue
    }
    stageGoal(turn, next)
  }
}

function stageExceptions(turn: Turn, parts: RunParts, entry: DecisionEntry): void {
  const { hash } = parts.deps.runtime
  for (const change of entry.exceptions) {
    const instance = { process: entry.process, key: entry.key }
    if (change.change === 'open')
      raise(turn, openException(hash, turn.at, { code: change.code, subject: change.subject, detail: change.detail, instance }))
    else clear(turn, exceptionId(hash, [change.code, change.subject, `${entry.process}/${entry.key}`, '']), null)
  }
}

function route(
  turn: Turn,
  parts: RunParts,
  emitted: {
    readonly cause: PendingDelivery
    readonly event: DomainEvent
    readonly origin: { readonly entry: number; readonly ordinal: number }
  },
): void {
  const { cause, event, origin } = emitted
  const address = { partition: turn.memory.partition, sequence: -1, ordinal: origin.ordinal }
  for (const to of parts.routes(event)) {
    if (to.partition === turn.memory.partition) {
      turn.pending.push({
        process: to.process,
        key: to.key,
        lane: cause.lane,
        event: { ...event, address, recordedAt: turn.at },
        inbox: null,
        origin,
      })
    } else {
      turn.deliveries.push({ toPartition: to.partition, process: to.process, key: to.key, lane: cause.lane, ...origin })
    }
  }
}

/** A delivery whose instance waits for a person: what came by the inbox stays there, what arose in this turn goes there. */
function defer(turn: Turn, delivery: PendingDelivery): void {
  const { process, key, lane, inbox } = delivery
  if (inbox !== null)
    turn.memory.skipped.push({ partition: turn.memory.partition, sequence: inbox, process, key, lane, from: delivery.event.address })
  if (delivery.origin === null) return
  turn.deliveries.push({
    toPartition: turn.memory.partition,
    process: delivery.process,
    key: delivery.key,
    lane: delivery.lane,
    ...delivery.origin,
  })
}

function fail(
  turn: Turn,
  parts: RunParts,
  failure: { readonly delivery: PendingDelivery; readonly id: string; readonly reason: unknown },
): void {
  const { delivery, id, reason } = failure
  const message = reason instanceof Error ? reason.message : 'thrown value is not an Error'
  parts.deps.runtime.sometimes('process-failed')
  turn.memory.blocked.add(id)
  const instance = { process: delivery.process, key: delivery.key }
  raise(
    turn,
    openException(parts.deps.runtime.hash, turn.at, {
      code: 'process.failed',
      causeGroup: `process.failed:${delivery.process}:${message}`,
      subject: `${delivery.process} ${delivery.key}`,
      detail: `${delivery.event.type}: ${message}`,
      instance,
    }),
  )
  defer(turn, delivery)
}

async function loadInstance(turn: Turn, parts: RunParts, id: string): Promise<Instance> {
  await loadInstances(parts.deps.store, turn.memory, { ids: [id], processes: parts.deps.processes })
  return turn.memory.instances.get(id) as Instance
}

function goalIdOf(parts: RunParts, { process, key }: PendingDelivery, change: GoalChange): string {
  return goalId(parts.deps.runtime.hash, { process, key }, change.change === 'set' ? change.goal.name : change.name)
}

/** Settled goals that a process names again. */
async function loadGoals(turn: Turn, parts: RunParts, ids: readonly string[]): Promise<void> {
  for (const [id, row] of await parts.deps.store.readRows('goal', ids)) turn.loaded.set(id, JSON.parse(row.body) as Goal)
}

function goalDecision(turn: Turn, { id, index }: { readonly id: string; readonly index: number }, change: GoalChange): GoalDecision {
  const goal = goalIn(turn, id)
  if (change.change === 'withdraw') {
    const over =
      goal === undefined ||
      goal.state === 'withdrawn' ||
      goal.withdrawing ||
      (goal.kind === 'posting' && (goal.state === 'met' || goal.state === 'refused'))
    return over ? { change: 'same', id } : { change: 'withdraw', id, reason: change.reason }
  }
  if (goal === undefined)
    return { change: 'set', id, generation: 1, order: turn.entries.length * GOALS_PER_DECISION_MAX + index, goal: change.goal }
  const standing = goal.state !== 'withdrawn' && !goal.withdrawing
  if (standing && sameValue(goal.predicate, change.goal.predicate)) {
    return sameValue(goal.premise, change.goal.premise) ? { change: 'same', id } : { change: 'same', id, premise: change.goal.premise }
  }
  assert(!(standing && goal.kind === 'posting'), `posting ${goal.name} was set with another predicate`)
  return {
    change: 'set',
    id,
    generation: goal.generation + 1,
    order: turn.entries.length * GOALS_PER_DECISION_MAX + index,
    goal: change.goal,
  }
}

function timerDecisions(turn: Turn, delivery: PendingDelivery, decision: Decision<unknown>): TimerDecision[] {
  const changes: TimerDecision[] = []
  if (delivery.event.type === TIMER_FIRED) changes.push({ change: 'fired', timer: (delivery.event.data as TimerFired).timer })
  for (const change of decision.timers) {
    if (change.change === 'cancel') {
      if (timerIn(turn, timerId(delivery.process, delivery.key, change.timer)) !== undefined) changes.push(change)
      continue
    }
    const before = timerIn(turn, timerId(delivery.process, delivery.key, change.timer))
    changes.push({ change: 'set', timer: change.timer, generation: (before?.generation ?? 0) + 1, dueAt: change.dueAt })
  }
  return changes
}

function timerIn(turn: Turn, id: string): TimerRow | undefined {
  const staged = turn.timers.get(id)
  return staged === undefined ? turn.memory.timers.get(id) : (staged ?? undefined)
}

function timerStands(turn: Turn, delivery: PendingDelivery): boolean {
  const fired = delivery.event.data as TimerFired
  const timer = timerIn(turn, timerId(delivery.process, delivery.key, fired.timer))
  return timer !== undefined && timer.generation === fired.generation && timer.dueAt <= turn.at
}

/** The event that tells an instance how its goal ended. */
export function settledEvent(
  goal: Goal,
  settled: { readonly state: GoalSettled['state']; readonly detail: string; readonly at: string; readonly partition: number },
): RecordedEvent<GoalSettled> {
  const { state, detail, at, partition } = settled
  const applied = goal.commands.filter((command) => command.state === 'applied').length
  return {
    type: GOAL_SETTLED,
    subject: goal.subject,
    source: goal.cause,
    occurredAt: at,
    receivedAt: at,
    recordedAt: at,
    address: { partition, sequence: -1, ordinal: 0 },
    data: { goal: goal.id, name: goal.name, state, generation: goal.generation, applied, detail },
  }
}

/** The event that an inbox row points at. `goal` is the one a ledger entry speaks of. */
export function eventAt(entry: Entry, address: EventAddress, goal: Goal | undefined): RecordedEvent {
  if (entry.kind === 'input') return { ...entry.event, address, recordedAt: entry.recordedAt }
  if (entry.kind === 'decision') return { ...(entry.events[address.ordinal - 1] as DomainEvent), address, recordedAt: entry.recordedAt }
  assert(
    entry.kind === 'goal' && entry.change.type === 'settled',
    `no event stands at ${address.partition}.${address.sequence}.${address.ordinal}`,
  )
  assert(goal !== undefined, `goal ${entry.goal} is not known`)
  const { state, detail } = entry.change
  return settledEvent(goal, { state, detail, at: entry.at, partition: address.partition })
}
