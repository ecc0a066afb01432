import type { Call, ChangesPage, SweepPage } from '../connector.ts'
import { changesPage, type Endpoint, sweepPage } from '../kit/json/batch-endpoint.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { type MappingSettings, toRecordObservation } from './mapping.ts'

/** What comes in by asking: native notices since a cursor, and all inspections by external key, page by page. */

export function changesOf(
  deps: JsonDeps,
  place: { readonly url: string; readonly token: string | null },
  asked: { readonly cursor: string | null; readonly call: Call },
): Promise<ChangesPage | { readonly failed: string }> {
  return changesPage(deps, place, asked)
}

export function sweepInspections(
  deps: JsonDeps,
  target: { readonly endpoint: Endpoint; readonly mapping: MappingSettings },
  asked: { readonly cursor: string | null; readonly call: Call },
): Promise<SweepPage | { readonly failed: string }> {
  return sweepPage(deps, target.endpoint, {
    ...asked,
    path: '/inspections',
    list: 'keys',
    subjectOf: (shown) => String((shown as { key?: unknown }).key),
    observe: (shown) => toRecordObservation(target.mapping, shown),
  })
}
