import type { IdempotencyClass } from '../../model/goal.ts'
import type { ConnectorSpec, ResourceSpec } from '../connector.ts'

/** One counting QMS as the hub sees it. `create` and `cancel` are its two write resources. */
export interface CountingQmsSettings {
  readonly instance: string
  readonly site: string
  readonly url: string
  readonly token?: string
  /** Unit codes of this QMS beyond the usual ones, to UN/ECE Recommendation 20. */
  readonly units?: Readonly<Record<string, string>>
  readonly create?: Partial<ResourceSettings>
  readonly cancel?: Partial<ResourceSettings>
  readonly callTimeoutMs?: number
  readonly callsInFlightMax?: number
  readonly callsPerSecondMax?: number
}

export type ResourceSettings = Omit<ResourceSpec, 'resource' | 'rungMax'>

/** Inspections as records, by external key. */
export const INSPECTION = 'inspection'
/** Whether work on an inspection can still go on. */
export const INSPECTION_STATUS = 'inspectionStatus'

const DAY_MS = 86_400_000
/** A target that never forgets a transaction id: longer than any command lives. */
const NEVER_FORGETS_MS = 3_650 * DAY_MS

export function countingQmsSpec(settings: CountingQmsSettings): ConnectorSpec {
  return {
    name: 'counting-qms',
    version: 1,
    instance: settings.instance,
    site: settings.site,
    callTimeoutMs: settings.callTimeoutMs ?? 10_000,
    callsInFlightMax: settings.callsInFlightMax ?? 8,
    callsPerSecondMax: settings.callsPerSecondMax ?? 1_000,
    resources: [
      { ...resourceSettings('externalId', settings.create ?? {}), resource: INSPECTION, rungMax: 0 },
      { ...resourceSettings('natural', settings.cancel ?? {}), resource: INSPECTION_STATUS, rungMax: 0 },
    ],
  }
}

function resourceSettings(usual: IdempotencyClass, settings: Partial<ResourceSettings>): ResourceSettings {
  const idempotency = settings.idempotency ?? usual
  const remembers = idempotency === 'key' ? DAY_MS : idempotency === 'transportId' ? NEVER_FORGETS_MS : null
  return {
    evidence: 'readBack',
    lagMs: 2_000,
    quiesceMs: 30_000,
    holdsMayPass: true,
    applyBatchMax: 100,
    readBatchMax: 200,
    ...settings,
    idempotency,
    keyWindowMs: remembers === null ? 0 : (settings.keyWindowMs ?? remembers),
  }
}
