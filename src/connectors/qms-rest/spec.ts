import type { ConnectorSpec } from '../connector.ts'
import { type ResourceSettings, resourceSpec } from '../kit/json/resource-settings.ts'
import type { SchemaSettings } from './schema.ts'
import type { Credentials } from './session.ts'

/** One QMS as the hub sees it. What is left out has the defaults of `schema.ts`. */
export interface QmsRestSettings {
  readonly instance: string
  readonly site: string
  /** Base URL without a slash at its end. */
  readonly url: string
  readonly credentials: Credentials
  readonly schema?: SchemaSettings
  /** Creating records, by upsert on the external id. */
  readonly inspection?: ResourceSettings
  /** Cancelling what nobody has started, at the version that was read. */
  readonly inspectionStatus?: ResourceSettings
  /**
   * How far a look at the changes goes back behind what it has seen. At least as long as the QMS needs from stamping a
   * change to showing it, or what it shows late is missed until it changes again. Default: a minute.
   */
  readonly changesOverlapMs?: number
  readonly changesPageMax?: number
  /** Shorter than the hub's lease, which must outlast a call that is sent. */
  readonly callTimeoutMs?: number
  readonly loginTimeoutMs?: number
  readonly callsInFlightMax?: number
  readonly callsPerSecondMax?: number
}

/** Inspections as records, by external id. */
export const INSPECTION = 'inspection'
/** Whether work on an inspection can still go on. */
export const INSPECTION_STATUS = 'inspectionStatus'

/** Such a QMS slows down before it refuses, so the pace is what an installation may have, not what it bears. */
const CALLS_PER_SECOND = 20
const CALL_TIMEOUT_MS = 5_000
const QUIESCE_MS = 60_000

export function qmsRestSpec(settings: QmsRestSettings): ConnectorSpec {
  const usual = { quiesceMs: QUIESCE_MS }
  return {
    name: 'qms-rest',
    version: 1,
    instance: settings.instance,
    site: settings.site,
    callTimeoutMs: settings.callTimeoutMs ?? CALL_TIMEOUT_MS,
    callsInFlightMax: settings.callsInFlightMax ?? 8,
    callsPerSecondMax: settings.callsPerSecondMax ?? CALLS_PER_SECOND,
    resources: [
      resourceSpec(INSPECTION, { idempotency: 'externalId', rungMax: 0 }, { ...usual, ...settings.inspection }),
      resourceSpec(INSPECTION_STATUS, { idempotency: 'conditional', rungMax: 0 }, { ...usual, ...settings.inspectionStatus }),
    ],
  }
}
