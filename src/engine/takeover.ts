/** What a new owner reads before its first turn: open goals, timers, exceptions and blocked instances of the partition. */
import type { Goal } from '../model/goal.ts'
import { orderKeyOf } from '../model/goal.ts'
import type { Process } from '../process/process.ts'
import type { Row, Store } from '../store/store.ts'
import { catchUp } from './checkpoint.ts'
import { instanceId } from './derive.ts'
import type { ExceptionRecord } from './exceptions.ts'
import { goalActive, type StateRow, type TimerRow } from './fold.ts'
import type { AdjustableClock } from './hub-clock.ts'
import { type Instance, type PartitionMemory, rememberException, rememberGoal } from './memory.ts'
import { timerId } from './timer-id.ts'

const PAGE = 1_000

/**
 * Hub time begins no earlier than the newest time in the partition's journal, whoever's clock wrote it. How long ago
 * another owner's commands settled is not known, so they count as settled now. Answers how many entries the rows were behind.
 */
export async function takeOver(store: Store, memory: PartitionMemory, clock: Pick<AdjustableClock, 'iso' | 'notBefore'>): Promise<number> {
  const { partition } = memory
  const { unwritten, position, behind, newestAt } = await catchUp(store, partition)
  if (newestAt !== '') clock.notBefore(newestAt)
  const at = clock.iso()
  if (newestAt !== '') memory.silence = { until: newestAt, ms: Date.parse(at) - Date.parse(newestAt) }
  memory.unwritten = unwritten
  memory.position = position
  for await (const body of pages(store, partition, 'goal')) keepGoal(memory, JSON.parse(body) as Goal, at)
  for (const goal of unwritten.goals.values()) keepGoal(memory, goal, at)
  for await (const body of pages(store, partition, 'timer')) {
    const timer = JSON.parse(body) as TimerRow
    memory.timers.set(timerId(timer.process, timer.key, timer.timer), timer)
  }
  for (const [id, timer] of unwritten.timers) {
    if (timer === null) memory.timers.delete(id)
    else memory.timers.set(id, timer)
  }
  for await (const body of pages(store, partition, 'exception')) {
    const record = JSON.parse(body) as ExceptionRecord
    rememberException(memory, record)
    if (record.code === 'process.failed' && record.instance !== null)
      memory.blocked.add(instanceId(record.instance.process, record.instance.key))
  }
  return behind
}

function keepGoal(memory: PartitionMemory, goal: Goal, at: string): void {
  rememberGoal(memory, goal, goalActive(goal))
  if (goal.commands.length > 0) memory.settledAt.set(orderKeyOf(goal), at)
}

async function* pages(store: Store, partition: number, table: 'goal' | 'timer' | 'exception'): AsyncGenerator<string> {
  let after = ''
  for (;;) {
    const rows = await store.scanRows({ table, partition, activeOnly: true, after, limit: PAGE })
    for (const row of rows) yield row.body
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    after = last.id
  }
}

/** Reads the states of instances that are not in mind; one without a row starts from its process's initial state. */
export async function loadInstances(
  store: Store,
  memory: PartitionMemory,
  wanted: { readonly ids: Iterable<string>; readonly processes: ReadonlyMap<string, Process> },
): Promise<void> {
  const missing = [...new Set(wanted.ids)].filter((id) => !memory.instances.has(id))
  if (missing.length === 0) return
  const unread = missing.filter((id) => !memory.unwritten.states.has(id))
  const found = unread.length === 0 ? new Map<string, Row>() : await store.readRows('state', unread)
  for (const id of missing) {
    const [name, key] = id.split('\u001f') as [string, string]
    const process = wanted.processes.get(name)
    if (process === undefined) continue
    const body = found.get(id)?.body
    const row = memory.unwritten.states.get(id) ?? (body === undefined ? undefined : (JSON.parse(body) as StateRow))
    if (row === undefined) memory.instances.set(id, newInstance(process, key))
    else memory.instances.set(id, instanceOf(process, row, body?.length ?? JSON.stringify(row).length))
  }
}

function newInstance(process: Process, key: string): Instance {
  return { version: process.version, rowVersion: process.version, state: process.initial(key), stored: false, bytes: 0 }
}

function instanceOf(process: Process, row: StateRow, bytes: number): Instance {
  const state = row.version === process.version ? row.state : process.migrate(row.state, row.version)
  return { version: process.version, rowVersion: row.version, state, stored: true, bytes }
}
