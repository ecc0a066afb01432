import { assert } from '../assert.ts'
import type { Clock } from '../runtime.ts'
import type { Disk } from './disk.ts'
import { createHistory, type History } from './history.ts'

/**
 * The database of a simulated system: rows by table and key, changed in transactions only. A transaction is one record
 * on the disk; opening replays them. Past states of a row stay readable, so that a read can be shown an old one.
 */
export interface Tables<S extends object> {
  get<T extends Name<S>>(table: T, key: string): S[T] | null
  /** As it stood at that monotonic time; what was loaded from the disk has always stood. */
  at<T extends Name<S>>(table: T, key: string, ms: number): S[T] | null
  /** In ascending order. */
  keys(table: Name<S>): readonly string[]
  /** Keys of rows whose index says this, and perhaps of some that do no longer: look at the row. */
  where(table: Name<S>, index: string, value: string): readonly string[]
  put<T extends Name<S>>(table: T, key: string, row: S[T]): void
  /** All of it or, if it throws, nothing. Nested calls are savepoints; the outermost is durable when it returns. */
  atomically<R>(work: () => R): R
  /** Called after the commit of the transaction that is open now; forgotten if it is undone. */
  afterCommit(act: () => void): void
}

export type Name<S> = keyof S & string

/** How rows of a table are found other than by key. Indexed values of a row do not change. */
export type Indexes<S> = { readonly [T in Name<S>]?: Readonly<Record<string, (row: S[T]) => readonly string[]>> }

interface Stored<R> {
  readonly rows: Map<string, R>
  readonly past: Map<string, History<R>>
  readonly found: Map<string, Set<string>>
  sorted: readonly string[] | null
}

type Change = readonly [table: string, key: string, row: unknown]

interface Open {
  readonly changes: Change[]
  readonly undo: (() => void)[]
  readonly after: (() => void)[]
}

const PAST_ENTRIES_MAX = 1_000

export function openTables<S extends object>(
  deps: { readonly clock: Clock; readonly disk: Disk },
  names: readonly Name<S>[],
  indexes: Indexes<S> = {},
): Tables<S> {
  const tables = new Map<string, Stored<unknown>>(names.map((name) => [name, emptyTable()]))
  let open: Open | null = null

  const tableOf = (name: string): Stored<unknown> => {
    const table = tables.get(name)
    assert(table !== undefined, `no table ${name}`)
    return table
  }
  const set = (name: string, key: string, row: unknown): void => {
    const table = tableOf(name)
    if (!table.rows.has(key)) table.sorted = null
    table.rows.set(key, row)
    const extractors = (indexes as Readonly<Record<string, Readonly<Record<string, (row: unknown) => readonly string[]>>>>)[name] ?? {}
    for (const [index, extract] of Object.entries(extractors)) {
      for (const value of extract(row)) {
        const entry = `${index}=${value}`
        table.found.set(entry, (table.found.get(entry) ?? new Set()).add(key))
      }
    }
  }
  const unset = (name: string, key: string): void => {
    const table = tableOf(name)
    table.rows.delete(key)
    table.sorted = null
  }
  const commit = ({ changes }: Open): void => {
    if (changes.length > 0) deps.disk.append(JSON.stringify(changes))
    const nowMs = deps.clock.monoNow()
    for (const [name, key, row] of changes) keepPast(tableOf(name), { key, row, atMs: nowMs })
  }
  const undoTo = ({ changes, undo, after }: Open, marks: readonly [number, number]): void => {
    for (const back of undo.splice(marks[0]).reverse()) back()
    changes.length = marks[0]
    after.length = marks[1]
  }

  for (const record of deps.disk.load()) {
    for (const [name, key, row] of JSON.parse(record) as readonly Change[]) {
      set(name, key, row)
      keepPast(tableOf(name), { key, row, atMs: Number.NEGATIVE_INFINITY })
    }
  }

  return {
    get: (name, key) => (tableOf(name).rows.get(key) ?? null) as S[typeof name] | null,
    at: (name, key, ms) => (tableOf(name).past.get(key)?.at(ms) ?? null) as S[typeof name] | null,
    keys: (name) => {
      const table = tableOf(name)
      table.sorted ??= [...table.rows.keys()].sort()
      return table.sorted
    },
    where: (name, index, value) => [...(tableOf(name).found.get(`${index}=${value}`) ?? [])].sort(),
    put: (name, key, row) => {
      assert(open !== null, 'rows change in transactions only')
      const before = tableOf(name).rows.get(key)
      open.undo.push(() => (before === undefined ? unset(name, key) : set(name, key, before)))
      open.changes.push([name, key, row])
      set(name, key, row)
    },
    atomically: (work) => {
      const outermost = open === null
      open ??= { changes: [], undo: [], after: [] }
      const mine = open
      const marks = [mine.changes.length, mine.after.length] as const
      let result: ReturnType<typeof work>
      try {
        result = work()
        if (outermost) commit(mine)
      } catch (error) {
        undoTo(mine, marks)
        throw error
      } finally {
        if (outermost) open = null
      }
      if (outermost) for (const act of mine.after) act()
      return result
    },
    afterCommit: (act) => {
      assert(open !== null, 'there is no transaction to wait for')
      open.after.push(act)
    },
  }
}

function emptyTable(): Stored<unknown> {
  return { rows: new Map(), past: new Map(), found: new Map(), sorted: [] }
}

function keepPast(
  table: Stored<unknown>,
  { key, row, atMs }: { readonly key: string; readonly row: unknown; readonly atMs: number },
): void {
  const past = table.past.get(key) ?? createHistory<unknown>(PAST_ENTRIES_MAX)
  table.past.set(key, past)
  past.add(atMs, row)
}
