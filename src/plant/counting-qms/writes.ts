import type { Runtime } from '../../runtime.ts'
import type { Counting } from '../counting.ts'
import type { WriteItem, WriteResource } from '../write-items.ts'
import { type ItemResult, marksOf } from '../write-protection.ts'
import type { Records } from './records.ts'
import type { Inspection } from './types.ts'

/** The user that calls of the interface are booked under. */
export const INTERFACE_USER = 'INTERFACE'

export interface CreateItem extends WriteItem {
  readonly key: string
  readonly attributes: Readonly<Record<string, string>>
}
export interface CancelItem extends WriteItem {
  readonly key: string
}

export interface WritesDeps {
  readonly runtime: Runtime
  readonly records: Records
  readonly counting: Counting
  readonly intakeClosed: () => boolean
  /** What a second create under a key that stands already meets: nothing, a conflict, or its own wish fulfilled. */
  readonly onExisting: 'create' | 'conflict' | 'keep'
  readonly nextNumber: () => string
}

/** `POST /inspections`. */
export function createCreates(deps: WritesDeps): WriteResource<CreateItem> {
  return {
    parse: parseCreate,
    subject: (item) => item.key,
    revision: (item) => deps.records.byKey(item.key)[0]?.number ?? null,
    obstacle: (item) => createObstacle(deps, item),
    nextNumber: () => deps.nextNumber(),
    execute: ({ item, number, stored, arrivedMs }) => {
      deps.counting.effect({ reference: item.reference, subject: item.key, effect: 'created', arrivedMs })
      deps.records.create({
        number,
        externalKey: item.key,
        reference: stored,
        causedBy: item.reference,
        attributes: item.attributes,
        by: INTERFACE_USER,
      })
    },
  }
}

/** The field that holds a caller's key. */
const KEY_LENGTH_MAX = 700

function createObstacle(deps: WritesDeps, item: CreateItem): ItemResult | null {
  if (item.key.length > KEY_LENGTH_MAX) return { status: 422, code: 'KEY_TOO_LONG', message: `at most ${KEY_LENGTH_MAX} characters` }
  const [existing] = deps.onExisting === 'create' ? [] : deps.records.byKey(item.key)
  if (existing !== undefined) {
    return { status: deps.onExisting === 'conflict' ? 409 : 200, code: 'ID_EXISTS', number: existing.number }
  }
  return deps.intakeClosed() ? { status: 422, code: 'INTAKE_CLOSED', message: 'no new inspections now' } : null
}

/** `POST /inspections/cancel`: only what nobody has started. */
export function createCancels(deps: WritesDeps): WriteResource<CancelItem> {
  const target = (key: string): Inspection | null => deps.records.byKey(key)[0] ?? null
  return {
    parse: parseCancel,
    subject: (item) => item.key,
    revision: (item) => {
      const inspection = target(item.key)
      return inspection === null ? null : String(inspection.version)
    },
    obstacle: (item) => cancelObstacle(deps, item),
    nextNumber: (item) => target(item.key)?.number ?? '',
    execute: ({ item, arrivedMs }) => {
      const inspection = target(item.key)
      if (inspection === null) return
      deps.counting.effect({ reference: item.reference, subject: item.key, effect: 'cancelled', arrivedMs })
      deps.records.change(inspection, { status: 'CANCELLED', decision: null, by: INTERFACE_USER })
    },
  }
}

function cancelObstacle(deps: WritesDeps, item: CancelItem): ItemResult | null {
  const [inspection, second] = deps.records.byKey(item.key)
  if (inspection === undefined) return { status: 422, code: 'INSPECTION_UNKNOWN', message: `nothing under ${item.key}` }
  if (second !== undefined) return { status: 300, code: 'AMBIGUOUS', message: `${item.key} stands on more than one inspection` }
  if (inspection.status === 'CANCELLED') return { status: 200, code: 'ALREADY_CANCELLED', number: inspection.number }
  const lockedMs = deps.records.lockedUntilMs(item.key) - deps.runtime.clock.monoNow()
  if (lockedMs > 0) return { status: 423, code: 'INSPECTION_LOCKED', message: 'edited by another user', retryAfterMs: lockedMs }
  if (inspection.status === 'CREATED') return null
  return { status: 422, code: 'ALREADY_STARTED', message: `${inspection.number} is ${inspection.status}` }
}

function parseCreate(raw: unknown): CreateItem | null {
  const item = parseCancel(raw)
  if (item === null) return null
  const { attributes } = raw as Record<string, unknown>
  if (typeof attributes !== 'object' || attributes === null) return null
  const texts = Object.entries(attributes).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return { ...item, attributes: Object.fromEntries(texts) }
}

function parseCancel(raw: unknown): CancelItem | null {
  if (typeof raw !== 'object' || raw === null) return null
  const fields = raw as Record<string, unknown>
  const { key, reference } = fields
  return typeof key === 'string' && typeof reference === 'string' ? { key, reference, ...marksOf(fields) } : null
}
