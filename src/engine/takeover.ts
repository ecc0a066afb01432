/** What a new owner reads before its first turn: open goals, timers, exceptions and blocked instances of the partition. */
import type { Goal } from '../model/goal.ts'
import { orderKeyOf } from '../model/goal.ts'
import type { Process } from '../process/process.ts'
import type { Store } from '../store/store.ts'
import { instanceId } from './derive.ts'
import type { ExceptionRecord } from './exceptions.ts'
import type { TimerRow } from './fold.ts'
import { type Instance, type PartitionMemory, rememberException, rememberGoal } from './memory.ts'
import { timerId } from './timer-id.ts'

const PAGE = 1_000

/** `at`: hub time; how long ago another owner's commands settled is not known, so they count as settled now. */
export async function takeOver(store: Store, memory: PartitionMemory, at: string): Promise<void> {
  for await (const body of pages(store, memory.partition, 'goal')) {
    const goal = JSON.parse(body) as Goal
    rememberGoal(memory, goal, true)
    if (goal.commands.length > 0) memory.settledAt.set(orderKeyOf(goal), at)
  }
  for await (const body of pages(store, memory.partition, 'timer')) {
    const timer = JSON.parse(body) as TimerRow
    memory.timers.set(timerId(timer.process, timer.key, timer.timer), timer)
  }
  for await (const body of pages(store, memory.partition, 'exception')) {
    const record = JSON.parse(body) as ExceptionRecord
    rememberException(memory, record)
    if (record.code === 'process.failed' && record.instance !== null)
      memory.blocked.add(instanceId(record.instance.process, record.instance.key))
  }
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
  const found = await store.readRows('state', missing)
  for (const id of missing) {
    const [name, key] = id.split('\u001f') as [string, string]
    const process = wanted.processes.get(name)
    const row = found.get(id)
    if (process !== undefined)
      memory.instances.set(
        id,
        row === undefined
          ? { version: process.version, rowVersion: process.version, state: process.initial(key), stored: false, bytes: 0 }
          : migrated(process, row.body),
      )
  }
}

function migrated(process: Process, body: string): Instance {
  const row = JSON.parse(body) as { readonly version: number; readonly state: unknown }
  const state = row.version === process.version ? row.state : process.migrate(row.state, row.version)
  return { version: process.version, rowVersion: row.version, state, stored: true, bytes: body.length }
}
