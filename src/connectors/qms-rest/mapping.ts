import type { ErrorCode } from '../../errors.ts'
import type { DomainEvent, Lane } from '../../model/envelope.ts'
import type { Action } from '../../model/goal.ts'
import type { PortionScope } from '../../model/hold.ts'
import type { DecisionLine, InspectionDecision, InspectionOutcome, InspectionSnapshot } from '../../model/inspection.ts'
import { identifierValue, lotKind } from '../../model/lot.ts'
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

/**
 * A QMS's words and ours, both ways, by the tables of an installation. A decision counts only when it is signed. Codes
 * that no table knows fail.
 */

/** What the QMS calls the fields of its records. */
export interface FieldNames {
  readonly inspection: {
    readonly id: string
    readonly number: string
    readonly externalId: string
    readonly reference: string
    /** Counts up by one. */
    readonly version: string
    readonly status: string
    readonly decision: string
    readonly modifiedAt: string
  }
  readonly decision: {
    readonly number: string
    readonly decidedBy: string
    readonly decidedAt: string
    readonly lines: string
    /** Empty until the decision is signed. */
    readonly signature: string
  }
  readonly line: {
    readonly line: string
    readonly outcome: string
    readonly quantity: string
    readonly unit: string
    readonly portion: string
  }
  readonly portion: { readonly kind: string; readonly carriers: string; readonly except: string }
}

/**
 * How a value of ours is written. `text`: as it is. `value`: without system and kind. `lotNumber`: what stands on
 * the label. `unit`: by the table of units.
 */
export type Form = 'text' | 'value' | 'lotNumber' | 'unit'

export interface CreateField {
  readonly field: string
  readonly form: Form
}

export interface MappingTables {
  readonly fields: FieldNames
  /** Fields of a new inspection, by the name that the goal gives them. What is not named here is not sent. */
  readonly create: Readonly<Record<string, CreateField>>
  /** Sent with every new inspection: fields that this QMS asks for and no goal knows. */
  readonly constants: Readonly<Record<string, string>>
  readonly statuses: Readonly<Record<string, InspectionSnapshot['status']>>
  readonly outcomes: Readonly<Record<string, InspectionOutcome>>
  readonly portions: Readonly<Record<string, PortionScope['kind']>>
  /** Unit codes, to UN/ECE Recommendation 20. Of several codes for one unit the last is written. */
  readonly units: Readonly<Record<string, string>>
}

export interface MappingSettings {
  readonly instance: string
  readonly fields: FieldNames
  readonly create: ReadonlyMap<string, CreateField>
  readonly constants: Readonly<Record<string, string>>
  readonly statuses: ReadonlyMap<string, InspectionSnapshot['status']>
  readonly outcomes: ReadonlyMap<string, InspectionOutcome>
  readonly portions: ReadonlyMap<string, PortionScope['kind']>
  readonly units: ReadonlyMap<string, string>
  /** UN/ECE Recommendation 20 to the code of the QMS. */
  readonly unitsWritten: ReadonlyMap<string, string>
}

export function mappingSettings(instance: string, tables: MappingTables): MappingSettings {
  const units = Object.entries(tables.units)
  return {
    instance,
    fields: tables.fields,
    create: new Map(Object.entries(tables.create)),
    constants: tables.constants,
    statuses: new Map(Object.entries(tables.statuses)),
    outcomes: new Map(Object.entries(tables.outcomes)),
    portions: new Map(Object.entries(tables.portions)),
    units: new Map(units),
    unitsWritten: new Map(units.map(([native, ours]) => [ours, native])),
  }
}

type Failed = { readonly ok: false; readonly code: ErrorCode; readonly causeGroup: string; readonly detail: string }

/** A record as read, or CloudEvents around one. */
function snapshotOf(item: unknown): Foreign {
  const record = recordIn(item, 'item')
  return record['specversion'] === undefined ? record : recordIn(record['data'], 'data')
}

/** Inspections carry a version that counts up by one. */
export function identify(
  settings: MappingSettings,
  item: unknown,
):
  | {
      readonly ok: true
      readonly identity: { readonly kind: 'versioned'; readonly record: string; readonly version: string; readonly compare: 'integer' }
      readonly lane: Lane
      readonly occurredAt: string
    }
  | Failed {
  const reading = readingOf(() => {
    const snapshot = snapshotOf(item)
    const { record, version } = sourceOf(settings, snapshot)
    return { record, version, lane: laneOf(settings, snapshot), occurredAt: timeIn(snapshot, settings.fields.inspection.modifiedAt) }
  })
  if (!reading.ok) return reading
  const { record, version, lane, occurredAt } = reading.value
  return { ok: true, identity: { kind: 'versioned', record, version, compare: 'integer' }, lane, occurredAt }
}

function sourceOf({ fields }: MappingSettings, snapshot: Foreign): { readonly record: string; readonly version: string } {
  const version = String(wholeNumberIn(snapshot, fields.inspection.version))
  return { record: `inspection/${textIn(snapshot, fields.inspection.number)}`, version }
}

/** Anything that may withhold stock overtakes: a decision that is not pure acceptance, and one that is taken back. */
function laneOf(settings: MappingSettings, snapshot: Foreign): Lane {
  const { fields, statuses, outcomes } = settings
  const status = statuses.get(String(snapshot[fields.inspection.status]))
  if (status === 'reopened' || status === 'cancelled') return 'safety'
  if (status !== 'decided' || !isSigned(settings, snapshot)) return 'normal'
  const lines = (snapshot[fields.inspection.decision] as Foreign)[fields.decision.lines]
  const accepts = (line: unknown): boolean => outcomes.get(String((line as Foreign | null)?.[fields.line.outcome])) === 'accepted'
  return Array.isArray(lines) && lines.every(accepts) ? 'normal' : 'safety'
}

/** Whether the record carries a decision with a signature, whatever its status says. */
function isSigned({ fields }: MappingSettings, snapshot: Foreign): boolean {
  const decision = snapshot[fields.inspection.decision] as Foreign | null | undefined
  const signature = typeof decision === 'object' && decision !== null ? decision[fields.decision.signature] : null
  if (typeof signature === 'object' && signature !== null) return Object.keys(signature).length > 0
  return signature === true || (typeof signature === 'string' && signature.trim() !== '')
}

/** A decision that nobody has signed is work in progress. */
function statusOf(settings: MappingSettings, snapshot: Foreign): InspectionSnapshot['status'] {
  const status = codeIn(settings.statuses, 'status', textIn(snapshot, settings.fields.inspection.status))
  return status === 'decided' && !isSigned(settings, snapshot) ? 'inProgress' : status
}

/**
 * An inspection without an external id was made by hand and belongs to no receipt that we know: nothing to tell
 * anybody as long as it is not decided, and a question for a person when it is.
 */
export function toModel(
  settings: MappingSettings,
  item: unknown,
): { readonly ok: true; readonly events: readonly Omit<DomainEvent, 'receivedAt'>[] } | Failed {
  const names = settings.fields.inspection
  const reading = readingOf(() => {
    const snapshot = snapshotOf(item)
    const inspectionKey = textOrNullIn(snapshot, names.externalId)
    if (inspectionKey === null) {
      if (statusOf(settings, snapshot) !== 'decided') return []
      const detail = `${textIn(snapshot, names.number)} carries no external id`
      throw new MappingFailure('decision.unmatched', `${names.externalId}:missing`, detail)
    }
    const data = inspection(settings, snapshot, inspectionKey)
    const source = { instance: settings.instance, ...sourceOf(settings, snapshot) }
    const occurredAt = timeIn(snapshot, names.modifiedAt)
    return [{ type: 'holdpoint.inspection.changed.v1', subject: data.inspection, source, occurredAt, data }]
  })
  return reading.ok ? { ok: true, events: reading.value } : reading
}

function inspection(settings: MappingSettings, snapshot: Foreign, inspectionKey: string): InspectionSnapshot {
  const { instance, fields } = settings
  const status = statusOf(settings, snapshot)
  const decided = status === 'decided' ? recordIn(snapshot[fields.inspection.decision], fields.inspection.decision) : null
  return {
    inspection: `${instance}:inspection:${textIn(snapshot, fields.inspection.number)}`,
    inspectionKey,
    qms: instance,
    status,
    decision: decided === null ? null : decision(settings, decided),
  }
}

function decision(settings: MappingSettings, native: Foreign): InspectionDecision {
  const names = settings.fields.decision
  return {
    decision: `${settings.instance}:decision:${textIn(native, names.number)}`,
    decidedBy: textIn(native, names.decidedBy),
    decidedAt: timeIn(native, names.decidedAt),
    lines: listIn(native, names.lines).map((line) => decisionLine(settings, recordIn(line, 'line'))),
  }
}

function decisionLine(settings: MappingSettings, native: Foreign): DecisionLine {
  const names = settings.fields.line
  const portion = native[names.portion]
  return {
    line: wholeNumberIn(native, names.line),
    outcome: codeIn(settings.outcomes, 'outcome', textIn(native, names.outcome)),
    quantity: {
      value: decimal(textIn(native, names.quantity)),
      uom: codeIn(settings.units, 'unit', textIn(native, names.unit)),
    },
    portion: portion === null || portion === undefined ? null : portionScope(settings, recordIn(portion, names.portion)),
  }
}

/** As written; zeros in front say nothing, and our contract has none. */
function decimal(value: string): string {
  return value.replace(/^(-?)0+(?=\d)/, '$1')
}

function portionScope(settings: MappingSettings, native: Foreign): PortionScope {
  const names = settings.fields.portion
  const kind = codeIn(settings.portions, 'portion', textIn(native, names.kind))
  switch (kind) {
    case 'whole':
      return { kind }
    case 'carriers':
      return { kind, carriers: listIn(native, names.carriers).map(String) }
    case 'remainder':
      return { kind, except: listIn(native, names.except).map(String) }
  }
}

/** The records that stand under one external id, without the times of reading. */
export function toRecordObservation(
  settings: MappingSettings,
  natives: readonly unknown[],
): { readonly ok: true; readonly value: RecordObservation } | Failed {
  return readingOf(() => ({ kind: 'record', records: natives.map((native) => recordSeen(settings, recordIn(native, 'record'))) }))
}

function recordSeen(settings: MappingSettings, native: Foreign): RecordSeen {
  const names = settings.fields.inspection
  const status = statusOf(settings, native)
  return {
    id: `${settings.instance}:inspection:${textIn(native, names.number)}`,
    key: textIn(native, names.externalId),
    version: String(wholeNumberIn(native, names.version)),
    status,
    open: status === 'created' || status === 'inProgress' || status === 'reopened',
    decided: status === 'decided',
    reference: textOrNullIn(native, names.reference),
  }
}

/** Which record an action speaks of, and the version that was read. */
export interface RecordRevision {
  readonly id: string
  readonly version: number
}

/** The only open record, else the only one. Null: none, or more than one to choose from. */
export function revisionOf(settings: MappingSettings, natives: readonly unknown[]): RecordRevision | null {
  const names = settings.fields.inspection
  const reading = readingOf(() => {
    const records = natives.map((native) => recordIn(native, 'record'))
    const open = records.filter((record) => recordSeen(settings, record).open)
    const [only, second] = open.length > 0 ? open : records
    if (only === undefined || second !== undefined) return null
    return { id: textIn(only, names.id), version: wholeNumberIn(only, names.version) }
  })
  return reading.ok ? reading.value : null
}

/** One record of an upsert by the external id. */
export function toUpsert(settings: MappingSettings, command: Command): Body {
  return readingOf(() => {
    const { reference, action } = command
    if (action.type !== 'createRecord') throw unsuitable('inspection', action)
    const names = settings.fields.inspection
    const sent = Object.entries(action.fields).flatMap(([name, value]) => {
      const target = settings.create.get(name)
      return target === undefined ? [] : [[target.field, written(settings, target.form, value)]]
    })
    return { ...settings.constants, ...Object.fromEntries(sent), [names.externalId]: action.key, [names.reference]: reference }
  })
}

function written(settings: MappingSettings, form: Form, value: string): string {
  switch (form) {
    case 'text':
      return value
    case 'value':
      return identifierValue(value)
    case 'lotNumber':
      return lotNumber(value)
    case 'unit':
      return codeIn(settings.unitsWritten, 'unit', value)
  }
}

/** Of a batch or serial the last part; a lot that is a receipt line has no number of its own. */
function lotNumber(lot: string): string {
  const value = identifierValue(lot)
  const kind = lotKind(lot)
  if (kind !== 'batch' && kind !== 'serial') return value
  return value
    .slice(value.lastIndexOf('/') + 1)
    .replaceAll('%2F', '/')
    .replaceAll('%25', '%')
}

/** Whose cancellation is asked for: its external id. */
export function toCancel(command: Command): { readonly ok: true; readonly value: { readonly key: string } } | Failed {
  return readingOf(() => {
    const { action } = command
    if (action.type !== 'cancelRecord') throw unsuitable('inspectionStatus', action)
    return { key: action.key }
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
