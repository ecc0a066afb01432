/**
 * One turn of a partition's owner: work folded into one batch over staged values. Nothing of a turn is visible, in
 * memory or in the world, before its commit; a turn whose commit is not known to have succeeded is thrown away whole.
 */
import { assert } from '../assert.ts'
import type { Goal } from '../model/goal.ts'
import { orderKeyOf } from '../model/goal.ts'
import type { Batch, Delivery, RowWrite } from '../store/store.ts'
import type { PendingDelivery } from './deps.ts'
import { type Entry, encodeEntry, type GoalEntry } from './entries.ts'
import { type ExceptionRecord, exceptionEntry, exceptionRow } from './exceptions.ts'
import { foldGoalEntry, goalActive, type TimerRow } from './fold.ts'
import { type Instance, type PartitionMemory, rememberException, rememberGoal } from './memory.ts'
import type { EngineSettings } from './settings.ts'

const SETTLEMENTS_KEPT = 20_000

/** What the shell does once the turn is durable. */
export type Effect =
  | { readonly effect: 'send'; readonly goal: string; readonly command: string }
  | { readonly effect: 'read'; readonly goal: Goal; readonly notBefore: string }
  /** A process doubts: a read that shows everything up to now. */
  | { readonly effect: 'lookAfresh'; readonly goal: Goal }
  | { readonly effect: 'readPremise'; readonly goal: Goal }
  | { readonly effect: 'wake'; readonly orderKey: string; readonly at: string }
  | { readonly effect: 'waitForRoom'; readonly goal: Goal }

export interface Turn {
  readonly memory: PartitionMemory
  /** Hub time of the turn, RFC 3339. */
  readonly at: string
  readonly entries: Entry[]
  readonly deliveries: Delivery[]
  readonly consumed: number[]
  readonly goals: Map<string, Goal>
  /** Staged goals that memory does not know yet, by order key. */
  readonly newGoals: Map<string, string[]>
  /** Settled goals that were read because a process named them; unchanged, so not written back. */
  readonly loaded: Map<string, Goal>
  readonly instances: Map<string, Instance>
  /** Null: the timer is gone. */
  readonly timers: Map<string, TimerRow | null>
  readonly exceptions: Map<string, ExceptionRecord>
  readonly contexts: Map<string, string>
  /** Rows that are no fold of the journal: cursors and settings. */
  readonly rows: RowWrite[]
  /** Events for instances of this partition, decided within this turn. */
  readonly pending: PendingDelivery[]
  /** Order keys to evaluate. */
  readonly dirty: Set<string>
  readonly settled: Map<string, string>
  readonly effects: Effect[]
}

export function beginTurn(memory: PartitionMemory, at: string): Turn {
  return {
    memory,
    at,
    entries: [],
    deliveries: [],
    consumed: [],
    goals: new Map(),
    newGoals: new Map(),
    loaded: new Map(),
    instances: new Map(),
    timers: new Map(),
    exceptions: new Map(),
    contexts: new Map(),
    rows: [],
    pending: [],
    dirty: new Set(),
    settled: new Map(),
    effects: [],
  }
}

export function goalIn(turn: Turn, id: string): Goal | undefined {
  const { memory } = turn
  return turn.goals.get(id) ?? memory.goals.get(id) ?? memory.unwritten.goals.get(id) ?? turn.loaded.get(id)
}

export function stageGoal(turn: Turn, goal: Goal): void {
  const orderKey = orderKeyOf(goal)
  if (!turn.goals.has(goal.id) && !turn.memory.goals.has(goal.id)) {
    const ids = turn.newGoals.get(orderKey)
    if (ids === undefined) turn.newGoals.set(orderKey, [goal.id])
    else ids.push(goal.id)
  }
  turn.goals.set(goal.id, goal)
  turn.dirty.add(orderKey)
}

/** Goals of an order key that the owner keeps in mind, staged values first. */
export function goalsOf(turn: Turn, orderKey: string): Goal[] {
  const goals: Goal[] = []
  const collect = (id: string): void => {
    const goal = goalIn(turn, id) as Goal
    if (goalActive(goal)) goals.push(goal)
  }
  turn.memory.goalsByOrderKey.get(orderKey)?.forEach(collect)
  turn.newGoals.get(orderKey)?.forEach(collect)
  return goals
}

/** Journals a ledger entry and stages the goal it makes. */
export function changeGoal(turn: Turn, goal: Goal, change: GoalEntry['change']): Goal {
  const entry: GoalEntry = { kind: 'goal', goal: goal.id, at: turn.at, change }
  turn.entries.push(entry)
  const next = foldGoalEntry(goal, entry)
  stageGoal(turn, next)
  return next
}

/** Undoes what is staged from now on, if nothing but the evaluation of `goals`, all of the order key, stages it. */
export function savepoint(turn: Turn, orderKey: string, goals: readonly Goal[]): () => void {
  const { memory, entries, pending, effects, settled } = turn
  const lengths = [entries.length, pending.length, effects.length] as const
  const settledAt = settled.get(orderKey)
  const exceptions = turn.exceptions.size === 0 ? [] : [...turn.exceptions]
  return () => {
    ;[entries.length, pending.length, effects.length] = lengths
    for (const goal of goals) {
      if (memory.goals.get(goal.id) === goal) turn.goals.delete(goal.id)
      else turn.goals.set(goal.id, goal)
    }
    turn.exceptions.clear()
    for (const [id, record] of exceptions) turn.exceptions.set(id, record)
    if (settledAt === undefined) settled.delete(orderKey)
    else settled.set(orderKey, settledAt)
    turn.dirty.delete(orderKey)
  }
}

/** Undoes whatever is staged from now on. */
export function snapshot(turn: Turn): () => void {
  const lists = [turn.entries, turn.deliveries, turn.consumed, turn.rows, turn.pending, turn.effects].map((list) => {
    const { length } = list
    return () => void list.splice(length)
  })
  const maps = [turn.goals, turn.loaded, turn.instances, turn.timers, turn.exceptions, turn.contexts, turn.settled].map(undoOf)
  const newGoals = [...turn.newGoals].map(([orderKey, ids]): [string, string[]] => [orderKey, [...ids]])
  const dirty = [...turn.dirty]
  return () => {
    for (const undo of [...lists, ...maps]) undo()
    turn.newGoals.clear()
    for (const [orderKey, ids] of newGoals) turn.newGoals.set(orderKey, ids)
    turn.dirty.clear()
    for (const orderKey of dirty) turn.dirty.add(orderKey)
  }
}

function undoOf(map: Map<string, unknown>): () => void {
  const entries = [...map]
  return () => {
    map.clear()
    for (const [key, value] of entries) map.set(key, value)
  }
}

export function exceptionIn(turn: Turn, id: string): ExceptionRecord | undefined {
  return turn.exceptions.get(id) ?? turn.memory.exceptions.get(id)
}

export function raise(turn: Turn, record: ExceptionRecord): void {
  if (exceptionIn(turn, record.id)?.closedAt === null) return
  turn.entries.push(exceptionEntry(record, { change: 'opened', at: turn.at, actor: null }))
  turn.exceptions.set(record.id, record)
}

/** `by`: null for the engine itself, else a person, with a reason where the exception is closed on their word. */
export function clear(turn: Turn, id: string, by: string | null | { readonly actor: string; readonly reason: string }): void {
  const record = exceptionIn(turn, id)
  if (record === undefined || record.closedAt !== null) return
  turn.entries.push(
    exceptionEntry(record, { change: 'closed', at: turn.at, ...(by === null || typeof by === 'string' ? { actor: by } : by) }),
  )
  turn.exceptions.set(id, { ...record, closedAt: turn.at })
}

export function clearGoal(turn: Turn, goal: string): void {
  for (const id of turn.memory.exceptionsByGoal.get(goal) ?? []) clear(turn, id, null)
  for (const record of turn.exceptions.values()) if (record.goal === goal) clear(turn, record.id, null)
}

export function turnIsEmpty(turn: Turn): boolean {
  return turn.entries.length === 0 && turn.consumed.length === 0 && turn.rows.length === 0
}

export function batchOf(turn: Turn, worker: string): Batch {
  const { partition, epoch } = turn.memory
  assert(turn.pending.length === 0, 'a turn ends with nothing undecided')
  const rows: RowWrite[] = [...turn.rows]
  for (const [id, body] of turn.contexts) rows.push({ table: 'context', id, partition, active: false, tag: '', body })
  for (const record of turn.exceptions.values()) rows.push(exceptionRow(record, partition))
  return {
    expect: [],
    identities: [],
    raw: [],
    partitions: [
      {
        partition,
        owner: { worker, epoch },
        entries: turn.entries.map(encodeEntry),
        deliveries: turn.deliveries,
        consumed: turn.consumed,
        rows,
      },
    ],
  }
}

/** Makes a committed turn the owner's memory. `first`: sequence that the store gave to its first entry. */
export function applyTurn(turn: Turn, first: number, settings: EngineSettings): void {
  const { memory } = turn
  const { unwritten } = memory
  if (turn.entries.length > 0) memory.position = first + turn.entries.length - 1
  for (const [id, instance] of turn.instances) {
    // Newest last, so that what has rested longest is forgotten first; it can always be read again.
    memory.instances.delete(id)
    memory.instances.set(id, instance)
    const [process, key] = id.split('\u001f') as [string, string]
    unwritten.states.set(id, { process, key, version: instance.rowVersion, state: instance.state })
  }
  trim(memory.instances, settings.instancesCachedMax)
  for (const goal of turn.goals.values()) {
    rememberGoal(memory, goal, goalActive(goal))
    unwritten.goals.set(goal.id, goal)
  }
  for (const [id, timer] of turn.timers) {
    unwritten.timers.set(id, timer)
    if (timer === null) memory.timers.delete(id)
    else memory.timers.set(id, timer)
  }
  for (const id of turn.contexts.keys()) memory.contexts.add(id)
  for (const record of turn.exceptions.values()) rememberException(memory, record)
  for (const [orderKey, at] of turn.settled) {
    memory.settledAt.delete(orderKey)
    memory.settledAt.set(orderKey, at)
  }
  // A settlement matters for one lag only.
  trim(memory.settledAt, SETTLEMENTS_KEPT)
}

function trim(kept: Map<string, unknown>, most: number): void {
  for (const id of kept.keys()) {
    if (kept.size <= most) return
    kept.delete(id)
  }
}
