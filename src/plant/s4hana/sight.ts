import type { Disturber } from '../disturbances.ts'
import type { Entity, Value } from '../odata/edm.ts'
import type { Name } from '../tables.ts'
import type { Erp } from './erp.ts'
import type { Rows } from './types.ts'

/** What one call sees of the tables, and who is looking. */
export interface Sight {
  readonly by: string
  /** Wall time at which the call arrived. */
  readonly arrivedMs: number
  see<T extends Name<Rows>>(table: T, key: string): Rows[T] | null
  keys(table: Name<Rows>): readonly string[]
  where(table: Name<Rows>, index: string, value: string): readonly string[]
}

export interface Caller {
  readonly by: string
  readonly arrivedMs: number
}

/** As things truly are: for writes, and for people. */
export function clearSight(erp: Erp, caller: Caller): Sight {
  const { tables } = erp
  return { ...caller, see: (table, key) => tables.get(table, key), keys: tables.keys, where: tables.where }
}

/** Each row as it was a read lag ago; a torn read mixes ages further. One call sees one age of a row. */
export function laggedSight(erp: Erp, disturber: Disturber, caller: Caller): Sight {
  const { tables, runtime } = erp
  const nowMs = runtime.clock.monoNow()
  const torn = disturber.tears()
  const seen = new Map<string, unknown>()
  return {
    ...caller,
    keys: tables.keys,
    where: tables.where,
    see: <T extends Name<Rows>>(table: T, key: string): Rows[T] | null => {
      const id = `${table} ${key}`
      if (!seen.has(id)) {
        const lagMs = disturber.readLagMs() + (torn ? disturber.tornMs() : 0)
        seen.set(id, lagMs <= 0 ? tables.get(table, key) : tables.at(table, key, nowMs - lagMs))
      }
      return seen.get(id) as Rows[T] | null
    },
  }
}

export type Required = ReadonlyMap<string, readonly Value[]>

/** Rows of a table; where the filter demands a value that is indexed, only those. `indexed`: properties of that name. */
export function rowsOf<T extends Name<Rows>>(
  sight: Sight,
  { table, indexed }: { readonly table: T; readonly indexed: readonly string[] },
  required: Required,
): readonly Rows[T][] {
  const name = indexed.find((candidate) => required.has(candidate))
  const values = name === undefined ? null : new Set(required.get(name))
  const keys =
    name === undefined || values === null ? sight.keys(table) : [...values].flatMap((value) => sight.where(table, name, String(value)))
  return [...new Set(keys)].sort().flatMap((key) => sight.see(table, key) ?? [])
}

/** The entity of a key predicate; its text values as the conversion exits make them. */
export function keyText(key: Entity, name: string): string {
  const value = key[name]
  return typeof value === 'string' ? value.trim() : ''
}
