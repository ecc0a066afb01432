import type { HubConfig } from '../../src/cli/hub.ts'

/**
 * Vendor-sized times scaled down in proportion: a call is given up before its lease ends, and everything a target may
 * still do with a call that was given up is over within quiesce.
 */
export const TIMES = {
  leaseMs: 1_500,
  callTimeoutMs: 600,
  sendDeadlineMs: 400,
  quiesceMs: 2_000,
  lagMs: 150,
  retryBaseMs: 100,
  retryCapMs: 1_000,
  checkpointMs: 100,
} as const

export interface HubPlace {
  readonly directory: string
  readonly erpUrl: string
  readonly qmsUrl: string
}

/** The ERP keeps our references and protects nothing (class queryable): the hard case. */
export function hubConfig({ directory, erpUrl, qmsUrl }: HubPlace): HubConfig {
  const { lagMs, quiesceMs, callTimeoutMs, leaseMs, sendDeadlineMs, retryBaseMs, retryCapMs, checkpointMs } = TIMES
  const limits = { site: 'P1', callTimeoutMs }
  const times = { lagMs, quiesceMs }
  return {
    directory,
    port: 0,
    erp: { ...limits, instance: 'erp-1', url: erpUrl, inventory: { ...times, idempotency: 'queryable' } },
    qms: { ...limits, instance: 'qms-1', url: qmsUrl, inspection: times, inspectionStatus: times },
    settings: {
      leaseMs,
      sendDeadlineMs,
      retryBaseMs,
      retryCapMs,
      checkpointMs,
      // Patience stays as long as in reality: a machine that is busy with something else is no dead target.
      attemptsMax: 100,
      // No sweep: it would ask again for what an acknowledgement had lost, and hide the loss.
      sweepIntervalMs: 3_600_000,
    },
  }
}
