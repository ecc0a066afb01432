import type { ConnectorSpec } from '../connector.ts'
import { type ResourceSettings, resourceSpec } from '../kit/json/resource-settings.ts'

/** One counting QMS as the hub sees it. What is left out has vendor-sized defaults. */
export interface CountingQmsSettings {
  readonly instance: string
  readonly site: string
  readonly url: string
  readonly token?: string
  /** Unit codes of this QMS beyond the usual ones, to UN/ECE Recommendation 20. */
  readonly units?: Readonly<Record<string, string>>
  /** Creating records. Default: class externalId. */
  readonly inspection?: ResourceSettings
  /** Cancelling what nobody has started. Default: class natural. */
  readonly inspectionStatus?: ResourceSettings
  readonly callTimeoutMs?: number
  readonly callsInFlightMax?: number
  readonly callsPerSecondMax?: number
}

/** Inspections as records, by external key. */
export const INSPECTION = 'inspection'
/** Whether work on an inspection can still go on. */
export const INSPECTION_STATUS = 'inspectionStatus'

export function countingQmsSpec(settings: CountingQmsSettings): ConnectorSpec {
  return {
    name: 'counting-qms',
    version: 1,
    instance: settings.instance,
    site: settings.site,
    callTimeoutMs: settings.callTimeoutMs ?? 5_000,
    callsInFlightMax: settings.callsInFlightMax ?? 8,
    callsPerSecondMax: settings.callsPerSecondMax ?? 1_000,
    resources: [
      resourceSpec(INSPECTION, { idempotency: 'externalId', rungMax: 0 }, settings.inspection ?? {}),
      resourceSpec(INSPECTION_STATUS, { idempotency: 'natural', rungMax: 0 }, settings.inspectionStatus ?? {}),
    ],
  }
}
