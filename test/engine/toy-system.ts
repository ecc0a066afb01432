import type {
  ChangesPage,
  CommandItem,
  Connector,
  ConnectorSpec,
  Identified,
  Mapped,
  Outcome,
  ReadResult,
  RecordIdentity,
  ResourceSpec,
  SweepPage,
} from '../../src/connectors/connector.ts'
import type { Lane } from '../../src/model/envelope.ts'
import type { InventoryMovement } from '../../src/model/events.ts'
import type { RecordSeen } from '../../src/model/observation.ts'
import { MOVED } from './scripted.ts'

/** What a toy system sends: its data, and how it wants to be understood. */
export interface ToyItem {
  readonly data: InventoryMovement
  readonly identity?: RecordIdentity
  readonly lane?: Lane
  readonly fault?: 'identifyThrows' | 'notIdentified' | 'mapThrows' | 'notMapped' | 'breaksContract'
}

/** A system in memory that keeps records by key. What it does can be replaced, call by call. */
export interface ToySystem extends Connector {
  readonly records: Map<string, RecordSeen>
  /** References of the commands that arrived, in order. */
  readonly applied: CommandItem[]
  /** Subjects of each read call. */
  readonly reads: (readonly string[])[]
  /** Faults of items count no longer. */
  mended: boolean
  onApply: (items: readonly CommandItem[], beforeWrite: () => boolean) => Promise<readonly Outcome[]>
  onRead: (subjects: readonly string[]) => Promise<readonly ReadResult[]>
  onSweep: (resource: string, cursor: string | null) => Promise<SweepPage | { readonly failed: string }>
  onChanges: (cursor: string | null) => Promise<ChangesPage | { readonly failed: string }>
}

export function createToySystem(instance: string, change: Partial<ConnectorSpec> = {}, resource: Partial<ResourceSpec> = {}): ToySystem {
  const records = new Map<string, RecordSeen>()
  const applied: CommandItem[] = []
  const reads: (readonly string[])[] = []
  const times = { beganAt: '', endedAt: '', source: 'read' } as const
  const seen = (subject: string): RecordSeen[] => [...records.values()].filter(({ key }) => key === subject)
  const system: ToySystem = {
    spec: specOf(instance, change, resource),
    records,
    applied,
    reads,
    mended: false,
    identify: (item) => identify(item as ToyItem, system.mended),
    toModel: (item) => toModel(item as ToyItem, { instance, mended: system.mended }),
    apply: (items, call) => system.onApply(items, call.beforeWrite),
    read: (_resource, subjects) => system.onRead(subjects),
    sweep: (name, cursor) => system.onSweep(name, cursor),
    changes: (cursor) => system.onChanges(cursor),
    onApply: async (items, beforeWrite) => {
      if (!beforeWrite()) return items.map(() => ({ outcome: 'later', class: 'transient', delayMs: null, detail: 'not sent' }))
      applied.push(...items)
      return items.map(({ reference, subject }) => {
        const id = `Q-${records.size + 1}`
        records.set(id, { id, key: subject, version: '1', status: '', open: true, decided: false, reference })
        return { outcome: 'applied', detail: id }
      })
    },
    onRead: async (subjects) => {
      reads.push(subjects)
      return subjects.map((subject) => ({ read: 'observed', observation: { kind: 'record', records: seen(subject), ...times } }))
    },
    onSweep: async () => ({ subjects: [], cursor: null }),
    onChanges: async (cursor) => ({ items: [], cursor: cursor ?? 'end', more: false }),
  }
  return system
}

function specOf(instance: string, change: Partial<ConnectorSpec>, resource: Partial<ResourceSpec>): ConnectorSpec {
  return {
    name: 'toy',
    version: 1,
    instance,
    site: 'P1',
    callTimeoutMs: 1_000,
    callsInFlightMax: 4,
    callsPerSecondMax: 1_000,
    resources: [
      {
        resource: 'inspection',
        idempotency: 'queryable',
        evidence: 'readBack',
        lagMs: 100,
        quiesceMs: 1_000,
        keyWindowMs: 0,
        rungMax: 0,
        holdsMayPass: true,
        applyBatchMax: 10,
        readBatchMax: 10,
        ...resource,
      },
    ],
    ...change,
  }
}

function identify(item: ToyItem, mended: boolean): Identified {
  if (!mended && item.fault === 'identifyThrows') throw new Error('cannot identify')
  if (!mended && item.fault === 'notIdentified') return { ok: false, code: 'input.malformed', detail: 'no number' }
  const identity = item.identity ?? { kind: 'immutable', record: `movement/${item.data.document}` }
  return { ok: true, identity, lane: item.lane ?? 'normal', occurredAt: '2026-03-02T07:00:00.000Z' }
}

function toModel(item: ToyItem, { instance, mended }: { readonly instance: string; readonly mended: boolean }): Mapped {
  if (!mended && item.fault === 'mapThrows') throw new Error('cannot map')
  if (!mended && item.fault === 'notMapped')
    return { ok: false, code: 'mapping.failed', causeGroup: 'unit:XBX', detail: 'unknown unit XBX' }
  const { data } = item
  const identity = item.identity ?? { kind: 'immutable', record: `movement/${data.document}` }
  const version = identity.kind === 'versioned' ? identity.version : null
  const source = { instance, record: identity.record, version }
  const broken = !mended && item.fault === 'breaksContract' ? { ...data, quantity: 1 } : data
  return { ok: true, events: [{ type: MOVED, subject: data.lot, source, occurredAt: '2026-03-02T07:00:00.000Z', data: broken }] }
}
