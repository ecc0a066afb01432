import type { Foreign } from '../../model/reading.ts'
import type { Call, ChangesPage, SweepPage } from '../connector.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { resultsIn } from './answers.ts'
import type { QmsResult } from './client.ts'
import { toRecordObservation } from './mapping.ts'
import { advanced, isKnown, type PageSeen, parsePosition, restarted, type Seen, stampMs, wholeSeconds } from './position.ts'
import type { Target } from './sink.ts'

export interface Paging {
  readonly cursor: string | null
  readonly call: Call
}

type Failed = { readonly failed: string }

/**
 * One page of all inspections. Those without an external id belong to no receipt. What cannot be mapped is left out: a
 * sweep only nominates, and the read that follows for a subject that is missing here says why. Two records under one
 * external id are seen together only where they share a page.
 */
export async function sweepInspections(deps: JsonDeps, target: Target, { cursor, call }: Paging): Promise<SweepPage | Failed> {
  const beganAt = isoNow(deps)
  const page = pageIn(target, await ask(target, pageQuery(target, cursor, target.resource.readBatchMax), call))
  if ('failed' in page) return page
  const times = { beganAt, endedAt: isoNow(deps), source: 'sweep' } as const
  const byKey = new Map<string, unknown[]>()
  for (const native of page.natives) {
    const key = (native as Foreign | null)?.[target.mapping.fields.inspection.externalId]
    if (typeof key === 'string' && key !== '') byKey.set(key, [...(byKey.get(key) ?? []), native])
  }
  const subjects = [...byKey].flatMap(([subject, natives]) => {
    const observed = toRecordObservation(target.mapping, natives)
    return observed.ok ? [{ subject, observation: { ...observed.value, ...times } }] : []
  })
  return { subjects, cursor: page.next }
}

export interface ChangesAsked extends Paging {
  readonly overlapMs: number
  readonly pageMax: number
}

/** One page of what was modified since the cursor. */
export async function changedInspections(
  deps: JsonDeps,
  target: Target,
  { cursor, call, overlapMs, pageMax }: ChangesAsked,
): Promise<ChangesPage | Failed> {
  const position = parsePosition(cursor)
  const readMs = deps.clock.wallNow()
  const since = { [target.schema.request.modifiedSince]: wholeSeconds(stampMs(position.since) ?? 0) }
  const result = await ask(target, { ...since, ...pageQuery(target, position.token, pageMax) }, call)
  // A page token may have grown too old. Without this the cursor would ask with it for ever.
  if (result.result === 'failed' && result.meaning === 'pageToken' && position.token !== null) {
    return { items: [], cursor: JSON.stringify(restarted(position)), more: true }
  }
  const page = pageIn(target, result)
  if ('failed' in page) return page
  const items: Seen[] = []
  for (const native of page.natives) {
    const one = seenOf(target, native)
    // All records carry these; where one does not, the fields have changed, and going on would miss records for good.
    if (one === null) return { failed: `${target.schema.paths.list} shows records without id or time of modification` }
    items.push(one)
  }
  const seen: PageSeen = { items, next: page.next, readMs }
  return {
    items: page.natives.filter((_, index) => !isKnown(position, items[index] as Seen)),
    cursor: JSON.stringify(advanced(position, seen, overlapMs)),
    more: page.next !== null,
  }
}

function seenOf({ mapping }: Target, native: unknown): Seen | null {
  const { id, version, modifiedAt } = mapping.fields.inspection
  const record = (native ?? {}) as Foreign
  const [given, stamp] = [record[id], stampMs(record[modifiedAt])]
  return typeof given === 'string' && stamp !== null ? [given, String(record[version]), wholeSeconds(stamp)] : null
}

function pageQuery({ schema }: Target, token: string | null, size: number): Readonly<Record<string, string>> {
  const { pageSize, pageToken } = schema.request
  return { [pageSize]: String(size), ...(token === null ? {} : { [pageToken]: token }) }
}

function ask({ client, schema }: Target, query: Readonly<Record<string, string>>, call: Call): Promise<QmsResult> {
  const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return client.read({ method: 'GET', path: `${schema.paths.list}?${text.join('&')}`, body: null, call })
}

function pageIn({ schema }: Target, result: QmsResult): { readonly natives: readonly unknown[]; readonly next: string | null } | Failed {
  if (result.result === 'unknown') return { failed: result.detail }
  if (result.result === 'failed') return { failed: result.failure.detail }
  const natives = resultsIn(schema, result.body)
  const details = result.body[schema.envelope.page]
  if (natives === null || typeof details !== 'object' || details === null) return { failed: `${schema.paths.list} did not answer a page` }
  const next = (details as Foreign)[schema.envelope.nextPage]
  return { natives, next: typeof next === 'string' && next !== '' ? next : null }
}

function isoNow(deps: JsonDeps): string {
  return new Date(deps.clock.wallNow()).toISOString()
}
