import type { Goal } from '../model/goal.ts'
import { orderKeyOf } from '../model/goal.ts'
import type { Observation } from '../model/observation.ts'
import type { ReconcilePolicy } from '../reconcile/reconcile.ts'
import type { InboxRow } from '../store/store.ts'
import type { ExceptionRecord } from './exceptions.ts'
import type { StateRow, TimerRow } from './fold.ts'

export interface Instance {
  readonly version: number
  /** Version of the state as it stands in the journal: older until the first decision after a migration. */
  readonly rowVersion: number
  readonly state: unknown
  /** False: no state row exists yet, so none of its goals or timers can. */
  readonly stored: boolean
  /** The state has no more characters than this: those of its row when last read or written, and of what has changed since. */
  readonly bytes: number
}

/** Rows that the journal is ahead of. A timer that is null is gone. */
export interface Unwritten {
  readonly goals: Map<string, Goal>
  readonly states: Map<string, StateRow>
  readonly timers: Map<string, TimerRow | null>
}

/**
 * What the owner of a partition keeps in mind. All of it can be thrown away and read again; nothing in it is true
 * unless it was committed under the epoch. Bounded by the open work of the partition and the instance cache.
 */
export interface PartitionMemory {
  readonly partition: number
  readonly epoch: number
  /** Active goals by id. */
  readonly goals: Map<string, Goal>
  readonly goalsByOrderKey: Map<string, Set<string>>
  readonly timers: Map<string, TimerRow>
  readonly instances: Map<string, Instance>
  readonly exceptions: Map<string, ExceptionRecord>
  readonly exceptionsByGoal: Map<string, Set<string>>
  /** Subjects of open `goal.failed`: order keys that could not be evaluated. */
  readonly failing: Set<string>
  /** Order keys with intents of the owner before; see `doubtIntents`. */
  readonly undoubted: Set<string>
  /** Instances whose decision threw; their deliveries wait in the inbox. */
  readonly blocked: Set<string>
  /** Newest observation by resource of an order key. */
  readonly observations: Map<string, Observation>
  /** Newest read of a premise, by system, resource and key. */
  readonly premises: Map<string, Observation>
  /** Reads by goal and place whose failure a turn was told of. */
  readonly unread: Set<string>
  /** Before this owner nobody wrote here; see ReconcilePolicy. */
  silence: ReconcilePolicy['silence']
  /** Hub time of the last settlement on an order key, as this owner saw it. */
  readonly settledAt: Map<string, string>
  /** Inbox rows skipped because their instance is blocked. */
  readonly skipped: InboxRow[]
  /** Newest values of rows that the next checkpoint writes: more recent than what the store shows. */
  unwritten: Unwritten
  /** Sequence of the last entry of this partition that is folded into memory. */
  position: number
  /** Contexts known to be stored. */
  readonly contexts: Set<string>
}

export function createMemory(partition: number, epoch: number): PartitionMemory {
  return {
    partition,
    epoch,
    goals: new Map(),
    goalsByOrderKey: new Map(),
    timers: new Map(),
    instances: new Map(),
    exceptions: new Map(),
    exceptionsByGoal: new Map(),
    failing: new Set(),
    undoubted: new Set(),
    blocked: new Set(),
    observations: new Map(),
    premises: new Map(),
    unread: new Set(),
    silence: { until: '', ms: 0 },
    settledAt: new Map(),
    skipped: [],
    unwritten: { goals: new Map(), states: new Map(), timers: new Map() },
    position: 0,
    contexts: new Set(),
  }
}

export function rememberGoal(memory: PartitionMemory, goal: Goal, active: boolean): void {
  const orderKey = orderKeyOf(goal)
  const ids = memory.goalsByOrderKey.get(orderKey)
  if (active) {
    memory.goals.set(goal.id, goal)
    if (ids === undefined) memory.goalsByOrderKey.set(orderKey, new Set([goal.id]))
    else ids.add(goal.id)
    return
  }
  memory.goals.delete(goal.id)
  if (ids === undefined) return
  ids.delete(goal.id)
  if (ids.size > 0) return
  memory.goalsByOrderKey.delete(orderKey)
  memory.observations.delete(`${orderKey}|${goal.resource}`)
  const { premise } = goal
  if (premise !== null) memory.premises.delete(observationKey(premise.system, premise.resource, premise.key))
}

export function rememberException(memory: PartitionMemory, record: ExceptionRecord): void {
  const open = record.closedAt === null
  if (open) memory.exceptions.set(record.id, record)
  else memory.exceptions.delete(record.id)
  if (record.code === 'goal.failed') {
    if (open) memory.failing.add(record.subject)
    else memory.failing.delete(record.subject)
  }
  if (record.goal === null) return
  const ids = memory.exceptionsByGoal.get(record.goal) ?? new Set<string>()
  if (open) ids.add(record.id)
  else ids.delete(record.id)
  if (ids.size > 0) memory.exceptionsByGoal.set(record.goal, ids)
  else memory.exceptionsByGoal.delete(record.goal)
}

export function observationKey(system: string, resource: string, subject: string): string {
  return `${system}|${subject}|${resource}`
}
