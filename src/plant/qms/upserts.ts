import type { Transaction } from './database.ts'
import { keep } from './lifecycle.ts'
import { planFor } from './plans.ts'
import { refuse } from './refusal.ts'
import { checkRequired, FIELDS, readFields, type SchemaDrift } from './schema.ts'
import type { Inspection, Status, User } from './types.ts'

export interface Writer {
  readonly user: User
  readonly transaction: Transaction
  readonly drift: SchemaDrift
  /** False: the external id is an ordinary field, and one may stand on several records. */
  readonly externalIdUnique: boolean
}

export type Written = { readonly event: 'created' | 'updated' | 'unchanged'; readonly inspection: Inspection }

const LOCKED: readonly Status[] = ['decided', 'signed', 'cancelled']

/** By the external id: creates, or changes the fields that are given. `version` may name the version that was seen. */
export function upsert(writer: Writer, given: Readonly<Record<string, unknown>>): Written {
  const { version, ...rest } = given
  const fields = readFields(writer.drift, rest)
  const externalId = fields['external_id']
  if (typeof externalId !== 'string') return create(writer, fields)
  const [existing, second] = writer.transaction.byExternalId(externalId)
  if (second !== undefined) refuse('MULTIPLE_MATCHES', `${externalId} stands on more than one record`, 'external_id')
  if (existing === undefined && version !== undefined) refuse('RACE_CONDITION', `${externalId} is on no record`, 'version')
  if (existing === undefined) return create(writer, fields)
  checkVersion(existing, version)
  return update(writer, existing, fields)
}

/** Without a look at the external id, save that it must be free where it is unique. */
export function createOnly(writer: Writer, given: Readonly<Record<string, unknown>>): Written {
  const fields = readFields(writer.drift, given)
  const externalId = fields['external_id']
  const [existing] = typeof externalId === 'string' ? writer.transaction.byExternalId(externalId) : []
  if (existing !== undefined && writer.externalIdUnique) refuse('DUPLICATE_VALUE', `${externalId} stands on ${existing.id}`, 'external_id')
  return create(writer, fields)
}

export function checkVersion(inspection: Inspection, version: unknown): void {
  if (version === undefined || version === inspection.version) return
  refuse('RACE_CONDITION', `${inspection.id} is at version ${inspection.version}`, 'version')
}

function create(writer: Writer, given: Readonly<Record<string, string | null>>): Written {
  const { transaction, user, drift } = writer
  const fields = filled(given)
  checkRequired(drift, fields)
  const plan = planFor(transaction, fields['item'] ?? '', fields['supplier'] ?? null)
  const serial = transaction.next('inspection')
  const inspection: Inspection = {
    id: `V5I${String(serial).padStart(12, '0')}`,
    number: `INS-${String(serial).padStart(6, '0')}`,
    version: 0,
    status: 'created',
    fields: { inspection_type: 'receiving', ...fields },
    plan: { number: plan.number, version: plan.version },
    characteristics: plan.characteristics,
    required_certificates: plan.required_certificates,
    certificates: [],
    results: [],
    retests: [],
    decision: null,
    superseded_decisions: [],
    created_by: user.name,
    created_at: transaction.now,
    modified_by: user.name,
    modified_at: transaction.now,
  }
  return { event: 'created', inspection: keep(writer, 'created', inspection) }
}

function update(writer: Writer, existing: Inspection, given: Readonly<Record<string, string | null>>): Written {
  const changed = Object.keys(given).filter((name) => (given[name] ?? null) !== (existing.fields[name] ?? null))
  if (changed.length === 0) return { event: 'unchanged', inspection: existing }
  const { drift, user } = writer
  const fixed = FIELDS.find(({ name, createOnly: isFixed }) => isFixed && changed.includes(name))
  if (fixed !== undefined && user.kind === 'interface')
    refuse('READ_ONLY_FIELD', `${fixed.name} is given once`, drift.renamed[fixed.name] ?? fixed.name)
  if (LOCKED.includes(existing.status)) refuse('RECORD_LOCKED', `${existing.id} is ${existing.status}`, 'status')
  const fields = filled({ ...existing.fields, ...given })
  checkRequired(drift, fields)
  return { event: 'updated', inspection: keep(writer, 'updated', { ...existing, fields }) }
}

/** A person changes fields of a record by hand, the external id too. */
export function editByHand(writer: Writer, existing: Inspection, given: Readonly<Record<string, unknown>>): Written {
  const fields = readFields(writer.drift, given)
  const externalId = fields['external_id']
  const taken = typeof externalId === 'string' && writer.transaction.byExternalId(externalId).some(({ id }) => id !== existing.id)
  if (taken && writer.externalIdUnique) refuse('DUPLICATE_VALUE', `${externalId} stands on another record`, 'external_id')
  return update(writer, existing, fields)
}

function filled(fields: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== null))
}
