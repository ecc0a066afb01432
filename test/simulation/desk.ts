import type { Connector, Identified, Mapped } from '../../src/connectors/connector.ts'
import type { HoldLift, HoldRequest } from '../../src/model/events.ts'

/** What a person at a quality desk says: a hold is placed, a hold is lifted. Canonical events under their own numbers. */
export interface DeskNotice {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: 'holdpoint.hold.requested.v1' | 'holdpoint.hold.lifted.v1'
  readonly time: string
  readonly data: HoldRequest | HoldLift
}

/** A source only: it offers no resources, so no goal can point at it. */
export function createDeskConnector(instance: string): Connector {
  return {
    spec: {
      name: 'desk',
      version: 1,
      instance,
      site: 'P1',
      callTimeoutMs: 1_000,
      callsInFlightMax: 1,
      callsPerSecondMax: 1_000,
      resources: [
        {
          resource: 'none',
          idempotency: 'natural',
          evidence: 'answer',
          lagMs: 0,
          quiesceMs: 0,
          keyWindowMs: 0,
          rungMax: 0,
          holdsMayPass: false,
          applyBatchMax: 1,
          readBatchMax: 1,
        },
      ],
    },
    identify: (item): Identified => {
      const notice = item as DeskNotice
      return { ok: true, identity: { kind: 'immutable', record: `notice/${notice.id}` }, lane: 'safety', occurredAt: notice.time }
    },
    toModel: (item): Mapped => {
      const notice = item as DeskNotice
      return {
        ok: true,
        events: [
          {
            type: notice.type,
            subject: notice.data.lot,
            source: { instance, record: `notice/${notice.id}`, version: null },
            occurredAt: notice.time,
            data: notice.data,
          },
        ],
      }
    },
    apply: async (items) => items.map(() => ({ outcome: 'refused', detail: 'a desk takes no commands' })),
    read: async (_resource, subjects) =>
      subjects.map(() => ({ read: 'failed', class: 'contract', delayMs: null, detail: 'a desk shows no records' })),
    sweep: async () => ({ subjects: [], cursor: null }),
    changes: async (cursor) => ({ items: [], cursor: cursor ?? '0', more: false }),
  }
}
