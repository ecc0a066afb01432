import type { IdempotencyClass } from '../../model/goal.ts'
import type { ConnectorSpec } from '../connector.ts'

/** One counting ERP as the hub sees it. What is left out follows from the class and the defaults below. */
export interface CountingErpSettings {
  readonly instance: string
  readonly site: string
  readonly url: string
  readonly token?: string
  /** Unit codes of this ERP beyond the usual ones, to UN/ECE Recommendation 20. */
  readonly units?: Readonly<Record<string, string>>
  readonly idempotency?: IdempotencyClass
  readonly evidence?: 'answer' | 'readBack'
  readonly lagMs?: number
  readonly quiesceMs?: number
  readonly keyWindowMs?: number
  readonly rungMax?: number
  readonly holdsMayPass?: boolean
  readonly applyBatchMax?: number
  readonly readBatchMax?: number
  readonly callTimeoutMs?: number
  readonly callsInFlightMax?: number
  readonly callsPerSecondMax?: number
}

/** The one write resource: stock of lots, under rung 0 the posting and rung 1 the restriction of the whole lot. */
export const INVENTORY = 'inventory'

const DAY_MS = 86_400_000
/** A target that never forgets a transaction id: longer than any command lives. */
const NEVER_FORGETS_MS = 3_650 * DAY_MS

export function countingErpSpec(settings: CountingErpSettings): ConnectorSpec {
  const idempotency = settings.idempotency ?? 'queryable'
  return {
    name: 'counting-erp',
    version: 1,
    instance: settings.instance,
    site: settings.site,
    callTimeoutMs: settings.callTimeoutMs ?? 10_000,
    callsInFlightMax: settings.callsInFlightMax ?? 8,
    callsPerSecondMax: settings.callsPerSecondMax ?? 1_000,
    resources: [
      {
        resource: INVENTORY,
        idempotency,
        evidence: settings.evidence ?? 'readBack',
        lagMs: settings.lagMs ?? 2_000,
        quiesceMs: settings.quiesceMs ?? 30_000,
        keyWindowMs: keyWindowMs(idempotency, settings.keyWindowMs),
        rungMax: settings.rungMax ?? 1,
        // A conditional write past another would only be answered 412; files are worked off one after the other.
        holdsMayPass: settings.holdsMayPass ?? (idempotency !== 'conditional' && idempotency !== 'file'),
        applyBatchMax: settings.applyBatchMax ?? 100,
        readBatchMax: settings.readBatchMax ?? 200,
      },
    ],
  }
}

function keyWindowMs(idempotency: IdempotencyClass, keyWindow: number | undefined): number {
  if (idempotency === 'key') return keyWindow ?? DAY_MS
  return idempotency === 'transportId' ? (keyWindow ?? NEVER_FORGETS_MS) : 0
}
