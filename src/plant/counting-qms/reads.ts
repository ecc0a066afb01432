import type { Runtime } from '../../runtime.ts'
import type { Disturber } from '../disturbances.ts'
import { limitOf, PAGE_MAX, pageOf } from '../paging.ts'
import type { Received, Reply } from '../server.ts'
import { nativeInspection, type Records } from './records.ts'

/** `POST /inspections/read` and `GET /inspections`: what stands under external keys, as it was a read lag ago. */
export interface ReadDeps {
  readonly runtime: Runtime
  readonly disturber: Disturber
  readonly records: Records
}

export function readKeys(deps: ReadDeps): (received: Received) => Reply {
  return (received) => {
    const keys = (received.body as { keys?: unknown } | null)?.keys
    if (!Array.isArray(keys) || keys.length > PAGE_MAX) return { status: 400, body: { code: 'KEYS_INVALID' } }
    return { status: 200, body: { keys: keys.map((key) => showKey(deps, String(key), 0)) } }
  }
}

/** Pages by key, every page at its own moment; in a torn page every key is shown as of another moment. */
export function sweepKeys(deps: ReadDeps): (received: Received) => Reply {
  return (received) => {
    const { page, next } = pageOf(deps.records.sortedKeys(), received.query['after'] ?? '', limitOf(received))
    const torn = deps.disturber.tears()
    return { status: 200, body: { keys: page.map((key) => showKey(deps, key, torn ? deps.disturber.tornMs() : 0)), next } }
  }
}

function showKey(deps: ReadDeps, key: string, tornMs: number): unknown {
  const atMs = deps.runtime.clock.monoNow() - deps.disturber.readLagMs() - tornMs
  const inspections = deps.records.historyOf(key)?.at(atMs) ?? []
  return { key, inspections: inspections.map((inspection) => nativeInspection(inspection)) }
}
