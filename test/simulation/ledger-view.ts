import { type DecisionEntry, type Entry, type GoalEntry, type InputEntry, parseEntry } from '../../src/engine/entries.ts'
import type { ExceptionRecord } from '../../src/engine/exceptions.ts'
import type { Goal } from '../../src/model/goal.ts'
import type { Row, RowTable, Store } from '../../src/store/store.ts'

/** Everything the hub has written down, read through the store's own port. */
export interface LedgerView {
  readonly entries: readonly { readonly partition: number; readonly sequence: number; readonly entry: Entry }[]
  readonly inputs: readonly (InputEntry & { readonly partition: number; readonly sequence: number })[]
  readonly decisions: readonly DecisionEntry[]
  readonly ledger: readonly GoalEntry[]
  readonly goals: readonly Goal[]
  readonly exceptions: readonly ExceptionRecord[]
  readonly parked: readonly { readonly source: { readonly instance: string; readonly record: string }; readonly raw: string }[]
}

export async function readLedger(store: Store): Promise<LedgerView> {
  const entries: { partition: number; sequence: number; entry: Entry }[] = []
  for (let partition = 0; partition < store.meta.partitions; partition++) {
    for (let from = 1; ; ) {
      const page = await store.readJournal(partition, from, 1_000)
      for (const one of page) entries.push({ partition, sequence: one.sequence, entry: parseEntry(one.body) })
      const last = page.at(-1)
      if (last === undefined || page.length < 1_000) break
      from = last.sequence + 1
    }
  }
  return {
    entries,
    inputs: entries.flatMap(({ partition, sequence, entry }) => (entry.kind === 'input' ? [{ ...entry, partition, sequence }] : [])),
    decisions: entries.flatMap(({ entry }) => (entry.kind === 'decision' ? [entry] : [])),
    ledger: entries.flatMap(({ entry }) => (entry.kind === 'goal' ? [entry] : [])),
    goals: (await rows(store, 'goal')).map((row) => JSON.parse(row.body) as Goal),
    exceptions: (await rows(store, 'exception')).filter((row) => row.active).map((row) => JSON.parse(row.body) as ExceptionRecord),
    parked: (await rows(store, 'parked')).map((row) => JSON.parse(row.body) as LedgerView['parked'][number]),
  }
}

async function rows(store: Store, table: RowTable): Promise<Row[]> {
  const all: Row[] = []
  for (let after = ''; ; ) {
    const page = await store.scanRows({ table, after, limit: 1_000 })
    all.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < 1_000) return all
    after = last.id
  }
}
