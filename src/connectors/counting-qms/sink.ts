import type { Call, CommandItem, Outcome, ReadResult } from '../connector.ts'
import { applyBatch, type Endpoint, readBatch } from '../kit/json/batch-endpoint.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { type MappingSettings, toCancel, toCreate, toRecordObservation } from './mapping.ts'

export interface Target {
  readonly endpoint: Endpoint
  readonly mapping: MappingSettings
}

/** `If-Match` of a create: there must be nothing under the key yet. */
const NOTHING_THERE = 'none'

/** One `POST /inspections` for all items. The external key is the record's name, so it is also what class externalId goes by. */
export function createInspections(
  deps: JsonDeps,
  target: Target,
  sent: { readonly items: readonly CommandItem[]; readonly call: Call },
): Promise<readonly Outcome[]> {
  return applyBatch(deps, target.endpoint, {
    ...sent,
    path: '/inspections',
    bodyOf: toCreate,
    knownOf: (item) => ({ externalId: item.subject, revision: NOTHING_THERE }),
  })
}

/** One `POST /inspections/cancel` for all items. */
export function cancelInspections(
  deps: JsonDeps,
  target: Target,
  sent: { readonly items: readonly CommandItem[]; readonly call: Call },
): Promise<readonly Outcome[]> {
  const { endpoint } = target
  return applyBatch(deps, endpoint, {
    ...sent,
    path: '/inspections/cancel',
    bodyOf: toCancel,
    knownOf: (item) => ({ externalId: item.reference, revision: endpoint.revisions.of(item.subject) }),
  })
}

/** One `POST /inspections/read` for all keys. */
export function readInspections(
  deps: JsonDeps,
  target: Target,
  asked: { readonly subjects: readonly string[]; readonly call: Call },
): Promise<readonly ReadResult[]> {
  return readBatch(deps, target.endpoint, {
    ...asked,
    path: '/inspections/read',
    list: 'keys',
    keys: asked.subjects,
    observe: (shown) => toRecordObservation(target.mapping, shown),
    revisionOf: (shown) => {
      const [first] = (shown as { inspections: readonly { readonly version?: unknown }[] }).inspections
      return first === undefined ? NOTHING_THERE : String(first.version)
    },
  })
}
