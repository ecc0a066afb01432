import type { Runtime } from '../../runtime.ts'
import type { Disturber } from '../disturbances.ts'
import type { Database } from './database.ts'
import { fieldsOf, list, onlyKnown, text } from './input.ts'
import { allowedActions } from './lifecycle.ts'
import { refuse } from './refusal.ts'
import { showInspection } from './schema.ts'
import type { Inspection } from './types.ts'
import { type Call, failure } from './wire.ts'

export interface ReadDeps {
  readonly runtime: Runtime
  readonly disturber: Disturber
  readonly database: Database
}

type Body = Readonly<Record<string, unknown>>

/** Records of one bulk call, written or read. */
export const BULK_MAX = 500
const PAGE_DEFAULT = 100

/** `POST …/read` with `{ids}` or `{external_ids}`: one result per key, in the order given. */
export function readByKeys(deps: ReadDeps): (call: Call) => Body {
  return ({ body }) => {
    const input = { value: body, path: '' }
    onlyKnown(input, ['ids', 'external_ids'])
    const name = fieldsOf(input)['ids'] === undefined ? 'external_ids' : 'ids'
    const given = fieldsOf(input)[name]
    if (Array.isArray(given) && given.length > BULK_MAX) refuse('BATCH_TOO_LARGE', `at most ${BULK_MAX} keys`)
    const keys = list({ value: given, path: name }, 1, BULK_MAX).map((key) => text(key, 700))
    return { data: keys.map((key) => readKey(deps, name, key)) }
  }
}

function readKey(deps: ReadDeps, name: 'ids' | 'external_ids', key: string): Body {
  const { database } = deps
  const ids = name === 'ids' ? [key] : database.byExternalId(key).map(({ id }) => id)
  const seen = ids.flatMap((id) => asOf(deps, id, 0) ?? []).filter(({ fields }) => name === 'ids' || fields['external_id'] === key)
  if (seen.length === 0) return { key, ...failure({ type: 'NOT_FOUND', message: `nothing under ${key}` }) }
  return { responseStatus: 'SUCCESS', key, records: seen.map((inspection) => showInspection(database.drift(), inspection)) }
}

/** A record as it was a read lag ago. */
function asOf({ runtime, disturber, database }: ReadDeps, id: string, tornMs: number): Inspection | null {
  return database.history(id)?.at(runtime.clock.monoNow() - disturber.readLagMs() - tornMs) ?? null
}

const FILTERS = ['status', 'item', 'supplier', 'lot', 'site'] as const

interface Query {
  readonly since: string | null
  readonly filters: Readonly<Record<string, string>>
  readonly pageSize: number
  /** Of the last record before this page. */
  readonly after: string
}

/**
 * `GET /objects/inspections?modified_since=&page_size=&page_token=` and filters by field. Times are whole seconds and
 * `modified_since` includes its own second, so that a reader who goes on from the newest time it has seen gets that
 * second once more. Each page is read at its own moment: a record that changes moves to the end and may come twice. A
 * reader that forgets the read lag misses records.
 */
export function queryPages(deps: ReadDeps): (call: Call) => Body {
  return (call) => {
    const query = readQuery(call)
    const tornMs = deps.disturber.tears() ? deps.disturber.tornMs : () => 0
    const page = pageOf(deps, query, tornMs)
    const last = page.records.at(-1)
    const next = page.more && last !== undefined ? tokenFor(call, sortKey(query, last)) : null
    const data = page.records.map((inspection) => showInspection(deps.database.drift(), inspection))
    return { data, responseDetails: { size: data.length, page_size: query.pageSize, next_page_token: next } }
  }
}

function pageOf(deps: ReadDeps, query: Query, tornMs: () => number): { readonly records: readonly Inspection[]; readonly more: boolean } {
  const matching = candidates(deps.database, query)
    .flatMap((id) => asOf(deps, id, tornMs()) ?? [])
    .filter((inspection) => isWanted(query, inspection) && sortKey(query, inspection) > query.after)
  if (query.since !== null) matching.sort((a, b) => (sortKey(query, a) < sortKey(query, b) ? -1 : 1))
  return { records: matching.slice(0, query.pageSize), more: matching.length > query.pageSize }
}

/** Ids are ascending; an older version of a record is not newer than its newest. */
function candidates(database: Database, { since, after }: Query): readonly string[] {
  if (since === null) return database.ids().filter((id) => id > after)
  return database.ids().filter((id) => (database.inspection(id)?.modified_at ?? '') >= since)
}

function isWanted({ since, filters }: Query, inspection: Inspection): boolean {
  if (since !== null && inspection.modified_at < since) return false
  return Object.entries(filters).every(([name, value]) => (name === 'status' ? inspection.status : inspection.fields[name]) === value)
}

function sortKey({ since }: Query, { id, modified_at }: Inspection): string {
  return since === null ? id : `${modified_at} ${id}`
}

function readQuery({ query }: Call): Query {
  const { modified_since: since, page_size: size, page_token: token, ...filters } = query
  const unknown = Object.keys(filters).find((name) => !FILTERS.some((filter) => filter === name))
  if (unknown !== undefined) refuse('UNKNOWN_FIELD', `no filter ${unknown}`, unknown)
  if (since !== undefined && !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(since)) {
    refuse('INVALID_DATA', 'a time in UTC with whole seconds is expected', 'modified_since')
  }
  const pageSize = Number(size ?? PAGE_DEFAULT)
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > BULK_MAX) {
    refuse('INVALID_DATA', `1 to ${BULK_MAX} is expected`, 'page_size')
  }
  return { since: since ?? null, filters, pageSize, after: token === undefined ? '' : positionIn(query, token) }
}

/** Opaque to callers, and good for the query it came from only. */
function tokenFor({ query }: Call, after: string): string {
  return btoa(JSON.stringify([queryName(query), after]))
}

function positionIn(query: Call['query'], token: string): string {
  try {
    const [name, after] = JSON.parse(atob(token)) as readonly unknown[]
    if (name === queryName(query) && typeof after === 'string') return after
  } catch {
    // Refused below, like a token of another query.
  }
  return refuse('INVALID_PAGE_TOKEN', 'the token does not belong to this query', 'page_token')
}

function queryName({ page_token: _, page_size: __, ...rest }: Call['query']): string {
  return JSON.stringify(Object.entries(rest).sort())
}

/** `GET /objects/inspections/:id/actions`: what this user may do with the record now. */
export function listActions(deps: ReadDeps): (call: Call) => Body {
  return ({ params, user }) => {
    const inspection = asOf(deps, params['id'] ?? '', 0) ?? refuse('NOT_FOUND', `nothing under ${params['id']}`)
    return { data: allowedActions(user, inspection.status) }
  }
}

/** `GET /objects/inspection_plans?item=&supplier=`. */
export function listPlans({ database }: ReadDeps): (call: Call) => Body {
  return ({ query }) => {
    const unknown = Object.keys(query).find((name) => name !== 'item' && name !== 'supplier')
    if (unknown !== undefined) refuse('UNKNOWN_FIELD', `no filter ${unknown}`, unknown)
    const { item, supplier } = query
    const isWantedPlan = (plan: { readonly item: string; readonly supplier: string | null }): boolean =>
      (item === undefined || plan.item === item) && (supplier === undefined || plan.supplier === supplier)
    return { data: database.plans().filter(isWantedPlan) }
  }
}
