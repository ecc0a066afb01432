import type { Runtime } from '../../runtime.ts'
import { createHistory, type History } from '../history.ts'
import type { Notices } from '../notices.ts'
import type { Decision, Inspection, StatusCode } from './types.ts'

export interface NewInspection {
  readonly number: string
  readonly externalKey: string | null
  readonly reference: string | null
  readonly causedBy: string | null
  readonly attributes: Readonly<Record<string, string>>
  readonly by: string
}

export interface InspectionChange {
  readonly status: StatusCode
  readonly decision: Decision | null
  readonly by: string
}

/**
 * The inspections: every change is a new version, announced as a whole snapshot. An external key may stand on more
 * than one record; whether it can is the write resource's affair.
 */
export interface Records {
  create(input: NewInspection): Inspection
  /** The next version of a known inspection. */
  change(inspection: Inspection, change: InspectionChange): Inspection
  byNumber(number: string): Inspection | null
  byKey(key: string): readonly Inspection[]
  /** Past states of everything that stands under one key. */
  historyOf(key: string): History<readonly Inspection[]> | undefined
  sortedKeys(): readonly string[]
  /** Newest version of each, in order of creation. */
  all(): readonly Inspection[]
  /** Every version, oldest first. */
  versions(number: string): readonly Inspection[]
  /** Until then a person has the inspection open. */
  lock(key: string, untilMs: number): void
  lockedUntilMs(key: string): number
}

const HISTORY_PER_KEY_MAX = 10_000

export function createRecords(deps: { readonly runtime: Runtime; readonly notices: Notices }): Records {
  const { clock } = deps.runtime
  const versions = new Map<string, Inspection[]>()
  const keys = new Map<string, { readonly numbers: string[]; readonly history: History<readonly Inspection[]> }>()
  const locks = new Map<string, number>()
  let sorted: readonly string[] | null = []

  const byNumber = (number: string): Inspection | null => versions.get(number)?.at(-1) ?? null
  const byKey = (key: string): readonly Inspection[] => (keys.get(key)?.numbers ?? []).flatMap((number) => byNumber(number) ?? [])

  const keep = (inspection: Inspection): Inspection => {
    const known = versions.get(inspection.number)
    if (known === undefined) versions.set(inspection.number, [inspection])
    else known.push(inspection)
    const key = inspection.externalKey
    if (key !== null) {
      const entry = keys.get(key) ?? { numbers: [], history: createHistory<readonly Inspection[]>(HISTORY_PER_KEY_MAX) }
      if (!keys.has(key)) {
        keys.set(key, entry)
        sorted = null
      }
      if (known === undefined) entry.numbers.push(inspection.number)
      entry.history.add(clock.monoNow(), byKey(key))
    }
    deps.notices.publish('countingQms.inspection.changed', inspection.number, nativeInspection(inspection))
    return inspection
  }
  const now = (): { readonly changedAt: string; readonly changedAtMs: number } => ({
    changedAt: new Date(clock.wallNow()).toISOString(),
    changedAtMs: clock.monoNow(),
  })

  return {
    create: ({ by, ...input }) => keep({ ...input, version: 1, status: 'CREATED', decision: null, changedBy: by, ...now() }),
    change: (inspection, { by, ...change }) => keep({ ...inspection, ...change, version: inspection.version + 1, changedBy: by, ...now() }),
    byNumber,
    byKey,
    historyOf: (key) => keys.get(key)?.history,
    sortedKeys: () => {
      sorted ??= [...keys.keys()].sort()
      return sorted
    },
    all: () => [...versions.values()].flatMap((list) => list.at(-1) ?? []),
    versions: (number) => versions.get(number) ?? [],
    lock: (key, untilMs) => {
      locks.set(key, untilMs)
    },
    lockedUntilMs: (key) => locks.get(key) ?? Number.NEGATIVE_INFINITY,
  }
}

/** The snapshot as the QMS shows and announces it. */
export function nativeInspection(inspection: Inspection): unknown {
  const { number, externalKey, reference, version, status, attributes, decision, changedBy, changedAt } = inspection
  return { kind: 'inspection', number, externalKey, reference, version, status, attributes, decision, changedBy, changedAt }
}
