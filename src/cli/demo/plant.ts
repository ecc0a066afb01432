import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CountingErp, createCountingErp } from '../../plant/counting-erp/counting-erp.ts'
import { type CountingQms, createCountingQms } from '../../plant/counting-qms/counting-qms.ts'
import { openRealRuntime } from '../../runtime/real.ts'
import { type Hub, type HubDeps, openHub } from '../hub.ts'
import { type Cable, openCable } from './cable.ts'

export const ERP = 'erp-1'
export const QMS = 'qms-1'

/** Everything of the demonstration: two systems with their own books, a cable that can break, and the hub. */
export interface Demonstration {
  readonly erp: CountingErp
  readonly qms: CountingQms
  readonly cable: Cable
  readonly hub: Hub
  readonly urls: { readonly erp: string; readonly qms: string }
  /** Whole sweeps still look for what notices may have missed; ends everything and removes the store. */
  close(): Promise<void>
}

/** Vendor-sized times scaled down in proportion, so that doubt is resolved while somebody watches. */
const TIMES = { lagMs: 300, quiesceMs: 1_500 }
const LIMITS = { site: 'P1', callTimeoutMs: 1_000 }

export async function openDemonstration(deps: HubDeps): Promise<Demonstration> {
  const runtime = openRealRuntime({ onHandlerError: (error) => deps.log.warn('a simulated system failed', { error: String(error) }) })
  const directory = mkdtempSync(join(tmpdir(), 'holdpoint-demo-'))
  const erp = createCountingErp({ runtime }, { instance: ERP })
  const qms = createCountingQms({ runtime }, { instance: QMS })
  const urls = { erp: await erp.start(), qms: await qms.start() }
  const cable = await openCable(urls.erp)
  const hub = await openHub(deps, {
    directory,
    port: 0,
    erp: { ...LIMITS, instance: ERP, url: cable.url, inventory: { ...TIMES, idempotency: 'queryable' } },
    qms: { ...LIMITS, instance: QMS, url: urls.qms, inspection: TIMES, inspectionStatus: TIMES },
    settings: { sweepIntervalMs: 1_000, retryBaseMs: 200, retryCapMs: 1_000 },
  })
  for (const { notices } of [erp, qms]) notices.setPush({ url: `${hub.url}/v1/events` })
  return {
    erp,
    qms,
    cable,
    hub,
    urls,
    close: async () => {
      await hub.close()
      await Promise.all([erp.stop(), qms.stop()])
      await cable.close()
      await runtime.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
