import type { Runtime } from '../../runtime.ts'
import type { Disturber } from '../disturbances.ts'
import type { Database, Transaction } from './database.ts'
import { fieldsOf, onlyKnown } from './input.ts'
import { ACTION_NAMES, act } from './lifecycle.ts'
import { BULK_MAX } from './reads.ts'
import { attempt, refuse } from './refusal.ts'
import type { Sessions } from './sessions.ts'
import type { ActionName, Inspection } from './types.ts'
import { checkVersion, createOnly, upsert, type Writer } from './upserts.ts'
import { type Call, failure } from './wire.ts'

/** An item whose answer said that it was done, and that was not. */
export interface RolledBack {
  readonly id: string
  readonly external_id: string | null
  readonly event: string
  readonly atMs: number
}

export interface WriteDeps {
  readonly runtime: Runtime
  readonly disturber: Disturber
  readonly database: Database
  readonly sessions: Sessions
  readonly externalIdUnique: boolean
  readonly rolledBack: (entry: RolledBack) => void
}

type Body = Readonly<Record<string, unknown>>
interface Done {
  readonly event: string
  readonly inspection: Inspection
}

/** `POST /objects/inspections`, a list of records; with `?idParam=external_id` what is there already is changed. */
export function writeRecords(deps: WriteDeps): (call: Call) => Body {
  return (call) => {
    const { idParam } = call.query
    if (idParam !== undefined && idParam !== 'external_id') refuse('INVALID_DATA', `${idParam} is not unique`, 'idParam')
    const write = idParam === undefined ? createOnly : upsert
    return bulk(deps, call, (transaction, given) => write(writerFor(deps, call, transaction), given))
  }
}

/** `POST /objects/inspections/actions/:action`, a list of `{id | external_id, version?, input?}`. */
export function writeActions(deps: WriteDeps): (call: Call) => Body {
  return (call) => {
    const action = ACTION_NAMES.find((name) => name === call.params['action']) ?? refuse('NOT_FOUND', `no action ${call.params['action']}`)
    return bulk(deps, call, (transaction, given) => {
      onlyKnown({ value: given, path: '' }, ['id', 'external_id', 'version', 'input'])
      return actOn(deps, { call, action, transaction }, given)
    })
  }
}

function actOn(
  deps: WriteDeps,
  at: { readonly call: Call; readonly action: ActionName; readonly transaction: Transaction },
  given: Readonly<Record<string, unknown>>,
): Done {
  const inspection = findRecord(at.transaction, given)
  checkVersion(inspection, given['version'])
  const actor = { user: at.call.user, transaction: at.transaction, hash: deps.runtime.hash }
  const input = { value: given['input'] ?? {}, path: '' }
  return { event: at.action, inspection: act(actor, { inspection, action: at.action, input }) }
}

/** By `id` or `external_id`. */
export function findRecord(transaction: Transaction, given: Readonly<Record<string, unknown>>): Inspection {
  const { id, external_id: externalId } = given
  const found = typeof id === 'string' ? [transaction.inspection(id)] : transaction.byExternalId(String(externalId))
  if (found.length > 1) refuse('MULTIPLE_MATCHES', `${externalId} stands on more than one record`, 'external_id')
  return found[0] ?? refuse('NOT_FOUND', `nothing under ${id ?? externalId}`)
}

function writerFor({ database, externalIdUnique }: WriteDeps, { user }: Call, transaction: Transaction): Writer {
  return { user, transaction, drift: database.drift(), externalIdUnique }
}

/** One transaction, one result per record: a refused record undoes no other. */
function bulk(deps: WriteDeps, call: Call, work: (transaction: Transaction, given: Readonly<Record<string, unknown>>) => Done): Body {
  const { body, fate, user } = call
  if (!Array.isArray(body) || body.length === 0) return refuse('INVALID_DATA', 'a list of records is expected')
  if (body.length > BULK_MAX) refuse('BATCH_TOO_LARGE', `at most ${BULK_MAX} records`)
  const half = Math.floor(body.length / 2)
  const sessionEnds = deps.sessions.endsMidBatch(call.sessionId)
  const reached = fate.error === 'midBatch' ? half : body.length
  return deps.database.transact(user.name, (transaction) => ({
    data: body.slice(0, reached).map((given: unknown, index) => {
      if (sessionEnds && index >= half) return failure({ type: 'INVALID_SESSION_ID', message: 'the session has ended' })
      return writeOne(deps, transaction, () => work(transaction, fieldsOf({ value: given, path: '' })))
    }),
  }))
}

function writeOne(deps: WriteDeps, transaction: Transaction, work: () => Done): Body {
  const undone = deps.disturber.rollsBack()
  const done = attempt(() => (undone ? transaction.rehearse(work) : work()))
  if (!done.ok) return failure(done.refusal)
  const { event, inspection } = done.value
  const { id, number, version, status, fields } = inspection
  const externalId = fields['external_id'] ?? null
  if (undone && event !== 'unchanged') deps.rolledBack({ id, external_id: externalId, event, atMs: deps.runtime.clock.monoNow() })
  const data = { id, number, external_id: externalId, version, status }
  if (event !== 'unchanged') return { responseStatus: 'SUCCESS', event, data }
  return { responseStatus: 'WARNING', event, data, warnings: [{ type: 'NO_CHANGE', message: 'every field had this value' }] }
}
