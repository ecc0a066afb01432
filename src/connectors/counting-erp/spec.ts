import type { ConnectorSpec } from '../connector.ts'
import { type ResourceSettings, resourceSpec } from '../kit/json/resource-settings.ts'

/** One counting ERP as the hub sees it. What is left out has vendor-sized defaults. */
export interface CountingErpSettings {
  readonly instance: string
  readonly site: string
  readonly url: string
  readonly token?: string
  /** Unit codes of this ERP beyond the usual ones, to UN/ECE Recommendation 20. */
  readonly units?: Readonly<Record<string, string>>
  /** Default: class queryable, one rung above the posting. */
  readonly inventory?: ResourceSettings
  readonly callTimeoutMs?: number
  readonly callsInFlightMax?: number
  readonly callsPerSecondMax?: number
}

/** Stock of lots: under rung 0 the posting, under rung 1 the restriction of the whole lot. */
export const INVENTORY = 'inventory'

export function countingErpSpec(settings: CountingErpSettings): ConnectorSpec {
  return {
    name: 'counting-erp',
    version: 1,
    instance: settings.instance,
    site: settings.site,
    callTimeoutMs: settings.callTimeoutMs ?? 5_000,
    callsInFlightMax: settings.callsInFlightMax ?? 8,
    callsPerSecondMax: settings.callsPerSecondMax ?? 1_000,
    resources: [resourceSpec(INVENTORY, { idempotency: 'queryable', rungMax: 1 }, settings.inventory ?? {})],
  }
}
