import type { ErrorCode } from '../../errors.ts'
import type { DomainEvent, Lane } from '../../model/envelope.ts'
import type { Action } from '../../model/goal.ts'
import type { PortionScope } from '../../model/hold.ts'
import type { DecisionLine, InspectionDecision, InspectionOutcome, InspectionSnapshot } from '../../model/inspection.ts'
import type { RecordObservation, RecordSeen } from '../../model/observation.ts'
import {
  codeIn,
  type Foreign,
  listIn,
  MappingFailure,
  readingOf,
  recordIn,
  textIn,
  textOrNullIn,
  timeIn,
  wholeNumberIn,
} from '../../model/reading.ts'

/** The counting QMS's words and ours, both ways. Codes are tables; what a table does not know fails. */

const STATUSES: ReadonlyMap<string, InspectionSnapshot['status']> = new Map([
  ['CREATED', 'created'],
  ['STARTED', 'inProgress'],
  ['DECIDED', 'decided'],
  ['REOPENED', 'reopened'],
  ['CANCELLED', 'cancelled'],
])
const OUTCOMES: ReadonlyMap<string, InspectionOutcome> = new Map([
  ['ACCEPT', 'accepted'],
  ['REJECT', 'rejected'],
  ['QUARANTINE', 'quarantined'],
])
const UNITS: readonly (readonly [string, string])[] = [
  ['PC', 'C62'],
  ['KG', 'KGM'],
  ['G', 'GRM'],
  ['M', 'MTR'],
  ['L', 'LTR'],
]

export interface MappingSettings {
  readonly instance: string
  /** Unit codes, to UN/ECE Recommendation 20. */
  readonly units: ReadonlyMap<string, string>
}

/** The usual units and those that an installation adds. */
export function mappingSettings(instance: string, units: Readonly<Record<string, string>>): MappingSettings {
  return { instance, units: new Map([...UNITS, ...Object.entries(units)]) }
}

type Failed = { readonly ok: false; readonly code: ErrorCode; readonly causeGroup: string; readonly detail: string }

/** A notice or a bare snapshot: both carry the snapshot. */
function snapshotOf(item: unknown): Foreign {
  const record = recordIn(item, 'item')
  const snapshot = record['specversion'] === undefined ? record : recordIn(record['data'], 'data')
  if (snapshot['kind'] === 'inspection') return snapshot
  throw new MappingFailure('mapping.failed', `record:${String(snapshot['kind']).slice(0, 40)}`, 'not an inspection')
}

/** Inspections carry a version that counts up by one. */
export function identify(item: unknown):
  | {
      readonly ok: true
      readonly identity: { readonly kind: 'versioned'; readonly record: string; readonly version: string; readonly compare: 'integer' }
      readonly lane: Lane
      readonly occurredAt: string
    }
  | Failed {
  const reading = readingOf(() => {
    const snapshot = snapshotOf(item)
    const { record, version } = sourceOf(snapshot)
    return { record, version, lane: laneOf(snapshot), occurredAt: timeIn(snapshot, 'changedAt') }
  })
  if (!reading.ok) return reading
  const { record, version, lane, occurredAt } = reading.value
  return { ok: true, identity: { kind: 'versioned', record, version, compare: 'integer' }, lane, occurredAt }
}

function sourceOf(snapshot: Foreign): { readonly record: string; readonly version: string } {
  return { record: `inspection/${textIn(snapshot, 'number')}`, version: String(wholeNumberIn(snapshot, 'version')) }
}

/** Anything that may withhold stock overtakes: a decision that is not pure acceptance, and one that is taken back. */
function laneOf(snapshot: Foreign): Lane {
  const { status, decision } = snapshot
  if (status === 'REOPENED' || status === 'CANCELLED') return 'safety'
  if (status !== 'DECIDED') return 'normal'
  const lines = (decision as { lines?: unknown } | null | undefined)?.lines
  return Array.isArray(lines) && lines.every((line: unknown) => (line as Foreign | null)?.['usage'] === 'ACCEPT') ? 'normal' : 'safety'
}

/**
 * An inspection without an external key was made by hand and belongs to no receipt that we know: nothing to tell
 * anybody as long as it is not decided, and a question for a person when it is.
 */
export function toModel(
  settings: MappingSettings,
  item: unknown,
): { readonly ok: true; readonly events: readonly Omit<DomainEvent, 'receivedAt'>[] } | Failed {
  const reading = readingOf(() => {
    const snapshot = snapshotOf(item)
    const inspectionKey = textOrNullIn(snapshot, 'externalKey')
    if (inspectionKey === null) {
      if (snapshot['status'] !== 'DECIDED') return []
      throw new MappingFailure('decision.unmatched', 'externalKey:missing', `${textIn(snapshot, 'number')} carries no external key`)
    }
    const data = inspection(settings, snapshot, inspectionKey)
    const source = { instance: settings.instance, ...sourceOf(snapshot) }
    const occurredAt = timeIn(snapshot, 'changedAt')
    return [{ type: 'holdpoint.inspection.changed.v1', subject: data.inspection, source, occurredAt, data }]
  })
  return reading.ok ? { ok: true, events: reading.value } : reading
}

function inspection(settings: MappingSettings, snapshot: Foreign, inspectionKey: string): InspectionSnapshot {
  const { instance } = settings
  return {
    inspection: `${instance}:inspection:${textIn(snapshot, 'number')}`,
    inspectionKey,
    qms: instance,
    status: codeIn(STATUSES, 'status', textIn(snapshot, 'status')),
    decision: snapshot['decision'] === null ? null : decision(settings, recordIn(snapshot['decision'], 'decision')),
  }
}

function decision(settings: MappingSettings, native: Foreign): InspectionDecision {
  return {
    decision: `${settings.instance}:decision:${textIn(native, 'number')}`,
    decidedBy: textIn(native, 'by'),
    decidedAt: timeIn(native, 'at'),
    lines: listIn(native, 'lines').map((line) => decisionLine(settings, recordIn(line, 'line'))),
  }
}

function decisionLine(settings: MappingSettings, native: Foreign): DecisionLine {
  return {
    line: wholeNumberIn(native, 'line'),
    outcome: codeIn(OUTCOMES, 'usage', textIn(native, 'usage')),
    quantity: {
      value: textIn(native, 'quantity'),
      uom: codeIn(settings.units, 'unit', textIn(native, 'unit')),
    },
    portion: native['portion'] === null ? null : portion(recordIn(native['portion'], 'portion')),
  }
}

function portion(native: Foreign): PortionScope {
  const part = textIn(native, 'part')
  switch (part) {
    case 'ALL':
      return { kind: 'whole' }
    case 'CARRIERS':
      return { kind: 'carriers', carriers: listIn(native, 'carriers').map(String) }
    case 'REST':
      return { kind: 'remainder', except: listIn(native, 'except').map(String) }
    default:
      throw new MappingFailure('mapping.failed', `part:${part}`, `unknown part ${part}`)
  }
}

/** What stands under one external key, without the times of reading. */
export function toRecordObservation(
  settings: MappingSettings,
  native: unknown,
): { readonly ok: true; readonly value: RecordObservation } | Failed {
  return readingOf(() => {
    const shown = recordIn(native, 'key')
    return { kind: 'record', records: listIn(shown, 'inspections').map((entry) => recordSeen(settings, recordIn(entry, 'inspection'))) }
  })
}

function recordSeen(settings: MappingSettings, native: Foreign): RecordSeen {
  const status = codeIn(STATUSES, 'status', textIn(native, 'status'))
  return {
    id: `${settings.instance}:inspection:${textIn(native, 'number')}`,
    key: textIn(native, 'externalKey'),
    version: String(wholeNumberIn(native, 'version')),
    status,
    open: status === 'created' || status === 'inProgress' || status === 'reopened',
    decided: status === 'decided',
    reference: textOrNullIn(native, 'reference'),
  }
}

/** The body of one item of `POST /inspections`, without the marks of its class. */
export function toCreate(command: Command): Body {
  return readingOf(() => {
    const { reference, action } = command
    if (action.type !== 'createRecord') throw unsuitable('inspection', action)
    return { key: action.key, reference, attributes: action.fields }
  })
}

/** The body of one item of `POST /inspections/cancel`, without the marks of its class. */
export function toCancel(command: Command): Body {
  return readingOf(() => {
    const { reference, action } = command
    if (action.type !== 'cancelRecord') throw unsuitable('inspectionStatus', action)
    return { key: action.key, reference }
  })
}

interface Command {
  readonly reference: string
  readonly action: Action
}
type Body = { readonly ok: true; readonly value: Foreign } | Failed

function unsuitable(resource: string, action: Action): MappingFailure {
  return new MappingFailure('mapping.failed', `action:${action.type}`, `${resource} knows no ${action.type}`)
}
