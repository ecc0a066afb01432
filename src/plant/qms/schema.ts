import { assert } from '../../assert.ts'
import { parseAmount } from '../amount.ts'
import { refuse } from './refusal.ts'
import type { Decision, Inspection } from './types.ts'

/** A field of an inspection that callers write. */
export interface FieldSpec {
  readonly name: string
  readonly type: 'text' | 'decimal' | 'date' | 'picklist'
  readonly required: boolean
  /** Given when the record is made, never changed over the interface. */
  readonly createOnly: boolean
  readonly lengthMax: number
  readonly values: readonly string[]
}

const field = (name: string, spec: Partial<FieldSpec> = {}): FieldSpec => ({
  name,
  type: 'text',
  required: false,
  createOnly: false,
  lengthMax: 40,
  values: [],
  ...spec,
})

const TYPES = ['receiving', 'in_process', 'final', 'first_article', 'recurring', 'audit', 'customer_return']

export const FIELDS: readonly FieldSpec[] = [
  field('external_id', { required: true, createOnly: true, lengthMax: 700 }),
  field('item', { required: true, createOnly: true }),
  field('item_revision', { lengthMax: 10 }),
  field('lot', { required: true, createOnly: true }),
  field('supplier', { createOnly: true }),
  field('supplier_lot'),
  field('lot_quantity', { type: 'decimal', required: true }),
  field('unit', { required: true, lengthMax: 6 }),
  field('site', { required: true, createOnly: true }),
  field('receipt', { createOnly: true, lengthMax: 255 }),
  field('receipt_line', { createOnly: true }),
  field('inspection_type', { type: 'picklist', createOnly: true, values: TYPES }),
  field('needed_on', { type: 'date' }),
  field('description', { lengthMax: 255 }),
  field('reference', { createOnly: true }),
]

/** What the QMS keeps itself. */
const READ_ONLY: readonly string[] = [
  'id',
  'number',
  'version',
  'status',
  'plan',
  'characteristics',
  'required_certificates',
  'certificates',
  'certificate_status',
  'results',
  'retests',
  'decision',
  'superseded_decisions',
  'created_by',
  'created_at',
  'modified_by',
  'modified_at',
]

/** What an administrator has made of the schema since it was delivered; the database keeps it. */
export interface SchemaDrift {
  /** Delivered name to the name of today, for fields of both kinds. */
  readonly renamed: Readonly<Record<string, string>>
  /** New fields, with the value that every record shows. */
  readonly added: Readonly<Record<string, string>>
  /** Delivered fields that have become required. */
  readonly required: readonly string[]
  /** Delivered status or outcome to what is shown today. */
  readonly values: Readonly<Record<string, string>>
}

export const AS_DELIVERED: SchemaDrift = { renamed: {}, added: {}, required: [], values: {} }

/** A record's fields as given: null empties a field. Names are those of today; the result has the delivered ones. */
export function readFields(drift: SchemaDrift, given: Readonly<Record<string, unknown>>): Readonly<Record<string, string | null>> {
  const delivered = new Map(Object.entries(drift.renamed).map(([from, to]) => [to, from]))
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const known = drift.renamed[name] === undefined ? (delivered.get(name) ?? name) : ''
      if (READ_ONLY.includes(known)) refuse('READ_ONLY_FIELD', `${name} is kept by the system`, name)
      const spec = FIELDS.find((candidate) => candidate.name === known)
      if (spec === undefined) return refuse('UNKNOWN_FIELD', `inspection has no field ${name}`, name)
      return [known, value === null ? null : readValue(spec, { name, value })]
    }),
  )
}

function readValue(spec: FieldSpec, { name, value }: { readonly name: string; readonly value: unknown }): string {
  if (typeof value !== 'string' || value.trim() === '') return refuse('INVALID_DATA', 'a text is expected', name)
  if (value.length > spec.lengthMax) return refuse('INVALID_DATA', `at most ${spec.lengthMax} characters`, name)
  const amount = parseAmount(value)
  if (spec.type === 'decimal' && (amount === null || amount <= 0n)) return refuse('INVALID_DATA', 'an amount above 0 is expected', name)
  if (spec.type === 'date' && !/^\d{4}-\d{2}-\d{2}$/.test(value)) return refuse('INVALID_DATA', 'a date is expected', name)
  if (spec.type === 'picklist' && !spec.values.includes(value)) {
    return refuse('INVALID_DATA', `one of ${spec.values.join(', ')} is expected`, name)
  }
  return value
}

/** Refuses a record that lacks a required field. */
export function checkRequired(drift: SchemaDrift, fields: Readonly<Record<string, string>>): void {
  const missing = FIELDS.find(({ name, required }) => (required || drift.required.includes(name)) && fields[name] === undefined)
  if (missing === undefined) return
  const name = drift.renamed[missing.name] ?? missing.name
  refuse('PARAMETER_REQUIRED', `${name} is required`, name)
}

/** A record as it is shown today. Empty fields are null. */
export function showInspection(drift: SchemaDrift, inspection: Inspection): Readonly<Record<string, unknown>> {
  const { fields, ...kept } = inspection
  const shown = {
    ...kept,
    status: drift.values[inspection.status] ?? inspection.status,
    decision: inspection.decision === null ? null : showDecision(drift, inspection.decision),
    certificate_status: certificateStatus(inspection),
    ...Object.fromEntries(FIELDS.map(({ name }) => [name, fields[name] ?? null])),
  }
  const renamed = Object.entries(shown).map(([name, value]) => [drift.renamed[name] ?? name, value])
  return { ...Object.fromEntries(renamed), ...drift.added }
}

function showDecision(drift: SchemaDrift, decision: Decision): unknown {
  return { ...decision, lines: decision.lines.map((line) => ({ ...line, outcome: drift.values[line.outcome] ?? line.outcome })) }
}

export type CertificateStatus = 'not_required' | 'missing' | 'deviating' | 'complete'

export function certificateStatus(inspection: Inspection): CertificateStatus {
  const { required_certificates: required, certificates } = inspection
  if (certificates.some(({ deviations }) => deviations.length > 0)) return 'deviating'
  if (!required.every((type) => certificates.some((certificate) => certificate.type === type))) return 'missing'
  return required.length === 0 ? 'not_required' : 'complete'
}

/** What `GET /metadata/inspections` says: the schema of today. */
export function describeSchema(drift: SchemaDrift): unknown {
  const writable = FIELDS.map((spec) => ({
    name: drift.renamed[spec.name] ?? spec.name,
    type: spec.type,
    required: spec.required || drift.required.includes(spec.name),
    editable: true,
    create_only: spec.createOnly,
    max_length: spec.lengthMax,
    ...(spec.values.length === 0 ? {} : { values: spec.values }),
    ...(spec.name === 'external_id' ? { unique: true } : {}),
  }))
  const kept = [...READ_ONLY.map((name) => drift.renamed[name] ?? name), ...Object.keys(drift.added)]
  return [...writable, ...kept.map((name) => ({ name, editable: false }))]
}

/** Only what exists can be renamed or required. */
export function driftBy(drift: SchemaDrift, change: Partial<SchemaDrift>): SchemaDrift {
  const known = [...READ_ONLY, ...FIELDS.map(({ name }) => name)]
  const next = {
    renamed: { ...drift.renamed, ...change.renamed },
    added: { ...drift.added, ...change.added },
    required: [...drift.required, ...(change.required ?? [])],
    values: { ...drift.values, ...change.values },
  }
  for (const name of [...Object.keys(next.renamed), ...next.required]) assert(known.includes(name), `the schema has no field ${name}`)
  return next
}
