import type { Call, SweepPage } from '../connector.ts'
import { type Endpoint, sweepPage } from '../kit/json/batch-endpoint.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { type MappingSettings, toStockObservation } from './mapping.ts'

/** All lots, page by page. */
export function sweepLots(
  deps: JsonDeps,
  target: { readonly endpoint: Endpoint; readonly mapping: MappingSettings },
  asked: { readonly cursor: string | null; readonly call: Call },
): Promise<SweepPage | { readonly failed: string }> {
  return sweepPage(deps, target.endpoint, {
    ...asked,
    path: '/lots',
    list: 'lots',
    subjectOf: (lot) => `${target.mapping.instance}:${String((lot as { lot?: unknown }).lot)}`,
    observe: (lot) => toStockObservation(target.mapping, lot),
  })
}
