import type { Call, CommandItem, Outcome, ReadResult } from '../connector.ts'
import { applyBatch, type Endpoint, readBatch, unreadable } from '../kit/json/batch-endpoint.ts'
import type { JsonDeps } from '../kit/json/json-call.ts'
import { fromModel, type MappingSettings, toStockObservation, toVendorLot } from './mapping.ts'

export interface Target {
  readonly endpoint: Endpoint
  readonly mapping: MappingSettings
}

/** One `POST /movements` for all items: postings, restrictions, ends of restrictions. */
export function applyMovements(
  deps: JsonDeps,
  target: Target,
  sent: { readonly items: readonly CommandItem[]; readonly call: Call },
): Promise<readonly Outcome[]> {
  const { endpoint, mapping } = target
  return applyBatch(deps, endpoint, {
    ...sent,
    path: '/movements',
    bodyOf: (item) => fromModel(mapping, item),
    knownOf: (item) => ({ externalId: item.reference, revision: endpoint.revisions.of(item.subject) }),
  })
}

/** One `POST /lots/read` for all subjects. */
export async function readLots(
  deps: JsonDeps,
  target: Target,
  asked: { readonly subjects: readonly string[]; readonly call: Call },
): Promise<readonly ReadResult[]> {
  const { mapping } = target
  const lots = asked.subjects.map((subject) => ({ subject, key: toVendorLot(mapping, subject) }))
  const ours = lots.flatMap(({ subject, key }) => (key === null ? [] : [{ subject, key }]))
  const results = await readBatch(deps, target.endpoint, {
    call: asked.call,
    path: '/lots/read',
    list: 'lots',
    subjects: ours.map(({ subject }) => subject),
    keys: ours.map(({ key }) => key),
    observe: (lot) => toStockObservation(mapping, lot),
    revisionOf: (lot) => {
      const { etag } = lot as { etag?: unknown }
      return typeof etag === 'string' ? etag : null
    },
  })
  const bySubject = new Map(ours.map(({ subject }, index) => [subject, results[index]]))
  return asked.subjects.map((subject) => bySubject.get(subject) ?? unreadable('mapping', `${subject} is not a lot of ${mapping.instance}`))
}
