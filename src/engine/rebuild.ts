/**
 * Folds a partition's journal into the rows it must have. Calls no process, no target, no clock: what cannot be
 * rebuilt this way was never decided. Used by the audit of a live store, by tests and after doubt about a store.
 */
import type { Goal } from '../model/goal.ts'
import type { Store } from '../store/store.ts'
import { canonicalJson } from './canonical.ts'
import { foldInto } from './checkpoint.ts'
import { parseEntry } from './entries.ts'
import type { StateRow, TimerRow } from './fold.ts'
import type { Unwritten } from './memory.ts'

const PAGE = 500

export interface Rebuilt {
  readonly states: ReadonlyMap<string, StateRow>
  readonly goals: ReadonlyMap<string, Goal>
  readonly timers: ReadonlyMap<string, TimerRow>
  /** Sequence of the last entry folded. */
  readonly position: number
}

export interface RowDifference {
  readonly table: 'state' | 'goal' | 'timer'
  readonly id: string
  readonly rebuilt: string | null
  readonly live: string | null
}

export async function rebuildPartition(store: Store, partition: number): Promise<Rebuilt> {
  const rows: Unwritten = { states: new Map(), goals: new Map(), timers: new Map() }
  let position = 0
  for (;;) {
    const entries = await store.readJournal(partition, position + 1, PAGE)
    for (const entry of entries) {
      foldInto(rows, parseEntry(entry.body), partition)
      position = entry.sequence
    }
    if (entries.length < PAGE) break
  }
  const timers = new Map<string, TimerRow>()
  for (const [id, timer] of rows.timers) if (timer !== null) timers.set(id, timer)
  return { states: rows.states, goals: rows.goals, timers, position }
}

/** Compares the rebuilt rows with the stored ones, byte for byte in canonical JSON, once the owner has written its checkpoint. Empty: they agree. */
export async function compareRebuilt(store: Store, partition: number): Promise<readonly RowDifference[]> {
  const rebuilt = await rebuildPartition(store, partition)
  return [
    ...(await compareTable(store, partition, { table: 'state', rebuilt: rebuilt.states })),
    ...(await compareTable(store, partition, { table: 'goal', rebuilt: rebuilt.goals })),
    ...(await compareTable(store, partition, { table: 'timer', rebuilt: rebuilt.timers })),
  ]
}

async function compareTable(
  store: Store,
  partition: number,
  { table, rebuilt }: { readonly table: RowDifference['table']; readonly rebuilt: ReadonlyMap<string, unknown> },
): Promise<RowDifference[]> {
  const differences: RowDifference[] = []
  const seen = new Set<string>()
  let after = ''
  for (;;) {
    const rows = await store.scanRows({ table, partition, after, limit: PAGE })
    for (const row of rows) {
      seen.add(row.id)
      after = row.id
      const live = canonicalJson(JSON.parse(row.body))
      const value = rebuilt.get(row.id)
      const text = value === undefined ? null : canonicalJson(value)
      if (text !== live) differences.push({ table, id: row.id, rebuilt: text, live })
    }
    if (rows.length < PAGE) break
  }
  for (const [id, value] of rebuilt) if (!seen.has(id)) differences.push({ table, id, rebuilt: canonicalJson(value), live: null })
  return differences
}
