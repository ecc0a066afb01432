import type { Runtime } from '../../runtime.ts'
import { ODataError } from '../odata/odata-error.ts'
import type { DocumentRow } from './types.ts'

/** One thing a caller asked for, and what became of it. Wall times. */
export interface Asked {
  readonly reference: string
  /** Movement types, or the name of the function. */
  readonly what: string
  readonly arrivedMs: number
  readonly doneMs: number
  readonly outcome: 'posted' | 'refused' | 'rolledBack'
  /** Number of the document, or code of the refusal. */
  readonly result: string
}

/** What callers asked for, for tests only: nothing of it is visible over the vendor's API, and it does not outlive the process. */
export interface Trail {
  watched(asked: Pick<Asked, 'reference' | 'what' | 'arrivedMs'>, work: () => DocumentRow): DocumentRow
  rolledBack(row: DocumentRow): void
  all(): readonly Asked[]
}

const ASKED_MAX = 1_000_000

export function createTrail(deps: { readonly runtime: Runtime }): Trail {
  const trail: Asked[] = []
  const undone = new Set<string>()
  const keep = (asked: Asked): void => {
    if (trail.length >= ASKED_MAX) trail.splice(0, ASKED_MAX / 10)
    trail.push(asked)
  }
  return {
    watched: (asked, work) => {
      const doneMs = deps.runtime.clock.wallNow()
      try {
        const row = work()
        keep({ ...asked, doneMs, outcome: 'posted', result: row.number })
        return row
      } catch (error) {
        if (error instanceof ODataError) keep({ ...asked, doneMs, outcome: 'refused', result: error.code })
        throw error
      }
    },
    rolledBack: ({ number }) => {
      undone.add(number)
    },
    all: () => trail.map((asked) => (asked.outcome === 'posted' && undone.has(asked.result) ? { ...asked, outcome: 'rolledBack' } : asked)),
  }
}
