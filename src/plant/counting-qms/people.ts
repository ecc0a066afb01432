import type { Runtime } from '../../runtime.ts'
import type { Records } from './records.ts'
import type { DecisionLine, Done, Inspection, Refusal, StatusCode, UsageCode } from './types.ts'

/** Names an inspection: its number, or an external key that stands on one record only. */
export type InspectionName = { readonly number: string } | { readonly key: string }

export type DecideInput = InspectionName & {
  readonly by?: string
  /** Lines are numbered from 1 in the order given; a line that says nothing of its portion speaks of the whole lot. */
  readonly lines: readonly {
    readonly usage: UsageCode | string
    readonly quantity: string
    readonly unit?: string
    readonly portion?: DecisionLine['portion']
  }[]
}

/** People at the QMS's screens. A refusal is an answer, not an error. */
export interface QmsPeople {
  /** By hand: with the key of another record it makes a double, without a key nothing ties it to a receipt. */
  create(input: { readonly key?: string; readonly attributes?: Readonly<Record<string, string>>; readonly by?: string }): string
  start(input: InspectionName & { readonly by?: string }): Done
  decide(input: DecideInput): Done
  reopen(input: InspectionName & { readonly by?: string }): Done
  cancel(input: InspectionName & { readonly by?: string }): Done
  /** Somebody has the inspection open: interface changes are put off. */
  lock(key: string, ms: number): void
  /** New inspections over the interface are refused until then. */
  closeIntake(ms: number): void
}

export interface PeopleDeps {
  readonly runtime: Runtime
  readonly records: Records
  readonly nextNumber: () => string
  readonly nextDecision: () => string
  readonly closeIntake: (ms: number) => void
}

const OPEN: readonly StatusCode[] = ['CREATED', 'STARTED', 'REOPENED']

export function createQmsPeople(deps: PeopleDeps): QmsPeople {
  const { records, runtime } = deps
  const step = (name: InspectionName & { readonly by?: string }, from: readonly StatusCode[], status: StatusCode): Done =>
    change(records, name, (inspection) => {
      if (!from.includes(inspection.status)) return null
      return records.change(inspection, { status, decision: null, by: name.by ?? 'inspector' })
    })
  return {
    create: ({ key, attributes, by }) =>
      records.create({
        number: deps.nextNumber(),
        externalKey: key ?? null,
        reference: null,
        causedBy: null,
        attributes: attributes ?? {},
        by: by ?? 'inspector',
      }).number,
    start: (name) => step(name, ['CREATED', 'REOPENED'], 'STARTED'),
    decide: (input) =>
      change(records, input, (inspection) => {
        if (!OPEN.includes(inspection.status)) return null
        const by = input.by ?? 'inspector'
        const at = new Date(runtime.clock.wallNow()).toISOString()
        const lines = input.lines.map((line, index) => ({
          line: index + 1,
          usage: line.usage,
          quantity: line.quantity,
          unit: line.unit ?? 'PC',
          portion: line.portion === undefined ? ({ part: 'ALL' } as const) : line.portion,
        }))
        return records.change(inspection, { status: 'DECIDED', decision: { number: deps.nextDecision(), by, at, lines }, by })
      }),
    reopen: (name) => step(name, ['DECIDED'], 'REOPENED'),
    cancel: (name) => step(name, [...OPEN, 'DECIDED'], 'CANCELLED'),
    lock: (key, ms) => {
      records.lock(key, runtime.clock.monoNow() + ms)
    },
    closeIntake: deps.closeIntake,
  }
}

function change(records: Records, name: InspectionName, apply: (inspection: Inspection) => Inspection | null): Done {
  const found = 'number' in name ? [records.byNumber(name.number)].filter((one) => one !== null) : records.byKey(name.key)
  const [inspection, second] = found
  if (inspection === undefined) return refused('INSPECTION_UNKNOWN')
  if (second !== undefined) return refused('AMBIGUOUS')
  const changed = apply(inspection)
  return changed === null ? refused('STATUS_WRONG') : { ok: true, number: changed.number }
}

function refused(reason: Refusal): Done {
  return { ok: false, reason }
}
