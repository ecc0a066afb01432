import type { Call, SweepPage } from '../connector.ts'
import { type Endpoint, sweepPage } from '../kit/json/batch-endpoint.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { type MappingSettings, toRecordObservation } from './mapping.ts'

/** All inspections by external key, page by page. */
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
