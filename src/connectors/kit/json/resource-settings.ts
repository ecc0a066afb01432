import type { IdempotencyClass } from '../../../model/goal.ts'
import type { ResourceSpec } from '../../connector.ts'

/** What an installation may say about a resource; the rest follows from its class. */
export type ResourceSettings = Partial<Omit<ResourceSpec, 'resource'>>

const DAY_MS = 86_400_000
/** A target that never forgets a transaction id: longer than any command lives. */
const NEVER_FORGETS_MS = 3_650 * DAY_MS

/** `usual` is what this kind of system has where the installation says nothing. */
export function resourceSpec(
  resource: string,
  usual: { readonly idempotency: IdempotencyClass; readonly rungMax: number },
  settings: ResourceSettings,
): ResourceSpec {
  const idempotency = settings.idempotency ?? usual.idempotency
  const remembersMs = idempotency === 'key' ? DAY_MS : idempotency === 'transportId' ? NEVER_FORGETS_MS : 0
  return {
    evidence: 'readBack',
    lagMs: 2_000,
    quiesceMs: 30_000,
    rungMax: usual.rungMax,
    // A conditional write past another would only be answered 412; files are worked off one after the other.
    holdsMayPass: idempotency !== 'conditional' && idempotency !== 'file',
    applyBatchMax: 100,
    readBatchMax: 200,
    ...settings,
    resource,
    idempotency,
    keyWindowMs: remembersMs === 0 ? 0 : (settings.keyWindowMs ?? remembersMs),
  }
}
