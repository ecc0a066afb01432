import type { CallCounts } from '../call-server.ts'
import type { Counting, Effect, RolledBack } from '../counting.ts'
import type { Notices } from '../notices.ts'
import type { Records } from './records.ts'
import type { Inspection, StatusCode } from './types.ts'

/** The truth of the counting QMS, for tests, checkers and tables. Never lagged, never torn, never over the wire. */
export interface QmsBooks {
  /** Newest versions, in order of creation. */
  inspections(): readonly Inspection[]
  /** More than one: a double. */
  byKey(key: string): readonly Inspection[]
  /** Every version with its times, oldest first. */
  history(number: string): readonly Inspection[]
  /** What callers brought about, in the order it happened, whether or not the resource stores their reference. */
  effects(): readonly Effect[]
  effectsOf(reference: string): number
  rolledBack(): readonly RolledBack[]
  counts(): CallCounts & { readonly items: number; readonly repeated: number }
  /** Notices the receiver has not acknowledged, and accepted work not yet done. */
  unsettled(): number
  /** The QMS's own invariants; empty when its books are in order. */
  violations(): readonly string[]
}

export interface BooksDeps {
  readonly records: Records
  readonly counting: Counting
  readonly notices: Notices
  readonly calls: () => CallCounts
}

export function createQmsBooks(deps: BooksDeps): QmsBooks {
  const { records, counting } = deps
  return {
    inspections: () => records.all(),
    byKey: (key) => records.byKey(key),
    history: (number) => records.versions(number),
    effects: () => counting.effects,
    effectsOf: (reference) => counting.effectsOf(reference),
    rolledBack: () => counting.rollbacks,
    counts: () => ({ ...deps.calls(), items: counting.items(), repeated: counting.repeated() }),
    unsettled: () => deps.notices.pending() + counting.updatesUnderWay(),
    violations: () => records.all().flatMap(({ number }) => inspectionViolations(records.versions(number))),
  }
}

const FOLLOWS: Readonly<Record<StatusCode, readonly StatusCode[]>> = {
  CREATED: ['STARTED', 'DECIDED', 'CANCELLED'],
  STARTED: ['DECIDED', 'CANCELLED'],
  DECIDED: ['REOPENED', 'CANCELLED'],
  REOPENED: ['STARTED', 'DECIDED', 'CANCELLED'],
  CANCELLED: [],
}

function inspectionViolations(versions: readonly Inspection[]): readonly string[] {
  return versions.flatMap((inspection, index) => {
    const before = versions[index - 1]
    const name = `${inspection.number}@${inspection.version}`
    return [
      ...(inspection.version === index + 1 ? [] : [`${name}: versions have a gap`]),
      ...(before === undefined || FOLLOWS[before.status].includes(inspection.status)
        ? []
        : [`${name}: ${inspection.status} cannot follow ${before.status}`]),
      ...((inspection.decision !== null) === (inspection.status === 'DECIDED')
        ? []
        : [`${name}: ${inspection.status} with the wrong decision`]),
    ]
  })
}
