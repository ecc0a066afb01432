/**
 * Rows follow the journal at a distance of at most `checkpointMs`: what several turns change of a row is written once.
 * A new owner folds what the journal is ahead. Must never write a row that the journal, up to the checkpoint's
 * position, would not give.
 */
import { assert } from '../assert.ts'
import type { Goal } from '../model/goal.ts'
import { orderKeyOf } from '../model/goal.ts'
import type { Batch, RowWrite, Store } from '../store/store.ts'
import { instanceId } from './derive.ts'
import { type Entry, parseEntry } from './entries.ts'
import { foldGoalDecision, foldGoalEntry, foldState, foldTimer, goalActive, type StateRow } from './fold.ts'
import type { PartitionMemory, Unwritten } from './memory.ts'
import { timerId } from './timer-id.ts'

const PAGE = 1_000

export function hasUnwritten({ goals, states, timers }: Unwritten): boolean {
  return goals.size + states.size + timers.size > 0
}

/** What a checkpoint says about itself. `at`: hub time, so that the next owner's begins no earlier. */
interface Checkpoint {
  readonly position: number
  readonly at: string
}

/** Everything unwritten, and the position of the journal that the rows then stand for. One commit of rows only. */
export function checkpointBatch(memory: PartitionMemory, { worker, at }: { readonly worker: string; readonly at: string }): Batch {
  const { partition, epoch, unwritten } = memory
  const rows: RowWrite[] = []
  for (const [id, row] of unwritten.states) {
    const body = JSON.stringify(row)
    const instance = memory.instances.get(id)
    if (instance !== undefined) memory.instances.set(id, { ...instance, bytes: body.length })
    rows.push({ table: 'state', id, partition, active: false, tag: '', body })
  }
  for (const goal of unwritten.goals.values()) {
    rows.push({ table: 'goal', id: goal.id, partition, active: goalActive(goal), tag: orderKeyOf(goal), body: JSON.stringify(goal) })
  }
  for (const [id, timer] of unwritten.timers) {
    if (timer === null) rows.push({ table: 'timer', id, deleted: true })
    else rows.push({ table: 'timer', id, partition, active: true, tag: '', body: JSON.stringify(timer) })
  }
  rows.push({
    table: 'setting',
    id: checkpointId(partition),
    partition,
    active: false,
    tag: '',
    body: JSON.stringify({ position: memory.position, at } satisfies Checkpoint),
  })
  const write = { partition, owner: { worker, epoch }, entries: [], deliveries: [], consumed: [], rows }
  return { expect: [], identities: [], raw: [], partitions: [write] }
}

/** Position up to which the rows of the partition have been written; 0: none yet. */
export async function checkpointOf(store: Store, partition: number): Promise<Checkpoint> {
  const id = checkpointId(partition)
  const row = (await store.readRows('setting', [id])).get(id)
  return row === undefined ? { position: 0, at: '' } : (JSON.parse(row.body) as Checkpoint)
}

function checkpointId(partition: number): string {
  return `checkpoint.${partition}`
}

export interface CaughtUp {
  readonly unwritten: Unwritten
  readonly position: number
  /** Entries that had to be folded. */
  readonly behind: number
  /** Newest hub time of the checkpoint and of the entries after it; '' in an empty journal. */
  readonly newestAt: string
}

/** Folds the entries after the checkpoint into what will be the unwritten rows of the new owner. */
export async function catchUp(store: Store, partition: number): Promise<CaughtUp> {
  const unwritten: Unwritten = { goals: new Map(), states: new Map(), timers: new Map() }
  const checkpoint = await checkpointOf(store, partition)
  let { position, at: newestAt } = checkpoint
  for (;;) {
    const page = await store.readJournal(partition, position + 1, PAGE)
    const entries = page.map((entry) => parseEntry(entry.body))
    await loadBases(store, unwritten, entries)
    for (const entry of entries) foldInto(unwritten, entry, partition)
    newestAt = entries.map(timeOf).reduce(latest, newestAt)
    position = page.at(-1)?.sequence ?? position
    if (page.length < PAGE) break
  }
  return { unwritten, position, behind: position - checkpoint.position, newestAt }
}

function timeOf(entry: Entry): string {
  return 'at' in entry ? entry.at : entry.recordedAt
}

function latest(one: string, other: string): string {
  return one > other ? one : other
}

/** The rows that entries change, as they stand in the store. */
async function loadBases(store: Store, unwritten: Unwritten, entries: readonly Entry[]): Promise<void> {
  const states = new Set<string>()
  const goals = new Set<string>()
  for (const entry of entries) {
    if (entry.kind === 'goal') goals.add(entry.goal)
    if (entry.kind !== 'decision') continue
    states.add(instanceId(entry.process, entry.key))
    for (const { id } of entry.goals) goals.add(id)
  }
  for (const [id, row] of await store.readRows('state', missingIn(unwritten.states, states)))
    unwritten.states.set(id, JSON.parse(row.body) as StateRow)
  for (const [id, row] of await store.readRows('goal', missingIn(unwritten.goals, goals)))
    unwritten.goals.set(id, JSON.parse(row.body) as Goal)
}

function missingIn(known: ReadonlyMap<string, unknown>, wanted: ReadonlySet<string>): string[] {
  return [...wanted].filter((id) => !known.has(id))
}

/** One entry, folded into rows. The only fold of the journal, for a takeover and for a rebuild from the beginning. */
export function foldInto(rows: Unwritten, entry: Entry, partition: number): void {
  if (entry.kind === 'goal') {
    const goal = rows.goals.get(entry.goal)
    assert(goal !== undefined, `the journal changes goal ${entry.goal} that it never set`)
    rows.goals.set(entry.goal, foldGoalEntry(goal, entry))
    return
  }
  if (entry.kind !== 'decision') return
  const instance = instanceId(entry.process, entry.key)
  rows.states.set(instance, foldState(rows.states.get(instance)?.state, entry))
  for (const change of entry.goals) {
    const goal = foldGoalDecision(rows.goals.get(change.id), change, { entry, partition })
    if (goal !== undefined) rows.goals.set(change.id, goal)
  }
  for (const change of entry.timers) rows.timers.set(timerId(entry.process, entry.key, change.timer), foldTimer(entry, change))
}
