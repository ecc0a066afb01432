import type { Disturber } from '../disturbances.ts'
import type { Tables } from '../tables.ts'
import type { Trail } from './trail.ts'
import type { DocumentRow, Rows } from './types.ts'

/**
 * The answer of a write comes from its posting, the posting itself from an update task that may fail afterwards. Then
 * the numbers were told and nothing else is left, of everything that was to happen together.
 */
export interface UpdateTask {
  /** Like that of the tables, save that work whose update task fails is undone although it answered. */
  atomically<R>(work: () => R): R
  /** Within `atomically`: the task may fail for what was just done. `row` is what was told, if it has a number. */
  hand(row: DocumentRow | null): void
}

interface Task {
  readonly told: DocumentRow[]
  fails: boolean
}

export interface UpdateTaskDeps {
  readonly tables: Tables<Rows>
  readonly disturber: Disturber
  readonly trail: Trail
}

export function createUpdateTask(deps: UpdateTaskDeps): UpdateTask {
  const undone = new Error('update task failed')
  let current: Task | null = null

  /** The numbers stay used. */
  const forget = ({ told }: Task): void => {
    deps.tables.atomically(() => {
      for (const row of told) {
        const range = row.number.startsWith('5') ? 'receipt' : 'movement'
        deps.tables.put('number', range, { last: Number(row.number) })
        deps.trail.rolledBack(row)
      }
    })
  }
  const outermost = <R>(work: () => R): R => {
    const task: Task = { told: [], fails: false }
    current = task
    let answered: { readonly result: R } | null = null
    try {
      return deps.tables.atomically(() => {
        answered = { result: work() }
        if (task.fails) throw undone
        return answered.result
      })
    } catch (error) {
      if (error !== undone || answered === null) throw error
      forget(task)
      return (answered as { readonly result: R }).result
    } finally {
      current = null
    }
  }
  return {
    atomically: (work) => (current === null ? outermost(work) : deps.tables.atomically(work)),
    hand: (row) => {
      if (current === null) return
      if (row !== null) current.told.push(row)
      if (deps.disturber.rollsBack()) current.fails = true
    },
  }
}
