import { createHmac } from 'node:crypto'
import type { CommandItem, Connector } from '../../src/connectors/connector.ts'
import { createQmsRestConnector } from '../../src/connectors/qms-rest/qms-rest.ts'
import type { QmsRestSettings } from '../../src/connectors/qms-rest/spec.ts'
import { createMemoryDisk } from '../../src/plant/disk.ts'
import { createQms, type Qms, type QmsConfig } from '../../src/plant/qms/qms.ts'
import { openStillRuntime, type StillRuntime } from '../plant/still-runtime.ts'
import { type ConnectorUnderTest, createWire, type Wire } from './connector-harness.ts'

export const LAG_MS = 200
const TIMES = { lagMs: LAG_MS, quiesceMs: 1_000, readBatchMax: 3 }
const PASSWORD = 'integration-password'

/** The connector beside its QMS, with real sockets and a clock that stands still. */
export interface QmsRestRig {
  readonly qms: Qms
  readonly runtime: StillRuntime
  readonly wire: Wire
  readonly connector: Connector
  /** Another connector for the same QMS, as after a restart. */
  connect(settings?: Partial<QmsRestSettings>): Connector
  /** Makes the interface user's password another one, or the right one again. */
  lockOut(out: boolean): void
  create(change?: { readonly item?: string; readonly key?: string }): CommandItem
  cancel(key: string): CommandItem
  nextKey(): string
  close(): Promise<void>
}

export async function openQmsRest(
  settings: Partial<QmsRestSettings> = {},
  config: QmsConfig = {},
  chance: { readonly random?: () => number } = {},
): Promise<QmsRestRig> {
  const runtime = openStillRuntime(chance)
  const user = { name: 'INTEGRATION', printed_name: 'Integration', password: PASSWORD, kind: 'interface' as const }
  const people = { name: 'QUINN', printed_name: 'Quinn Engel', password: 'quinn-password', kind: 'person' as const }
  const hmacSha256 = (key: Uint8Array, text: string): Uint8Array => createHmac('sha256', key).update(text).digest()
  const qms = createQms({ runtime, disk: createMemoryDisk(), hmacSha256 }, { users: [user, people], ...config })
  const url = await qms.start()
  qms.people.makePlan({ item: 'RM-100' })
  const wire = createWire(runtime.net)
  const connect = (change: Partial<QmsRestSettings> = {}): Connector => {
    const credentials = { user: 'INTEGRATION', password: PASSWORD }
    const usual = { instance: 'qms-1', site: 'P1', url, credentials, inspection: TIMES, inspectionStatus: TIMES }
    return createQmsRestConnector({ net: wire, clock: runtime.clock }, { ...usual, ...settings, ...change })
  }
  let commands = 0
  let keys = 0
  const command = (resource: string, subject: string, action: CommandItem['action']): CommandItem => {
    commands += 1
    return { reference: `HP${String(commands).padStart(14, '0')}`, resource, subject, action }
  }
  const nextKey = (): string => {
    keys += 1
    return `erp-1:receipt:5#10#erp-1:batch:RM-100/B-${keys}`
  }
  return {
    qms,
    runtime,
    wire,
    connector: connect(),
    connect,
    lockOut: (out) => {
      user.password = out ? 'changed' : PASSWORD
      qms.sessions.endAll()
    },
    create: ({ item = 'RM-100', key = nextKey() } = {}) =>
      command('inspection', key, { type: 'createRecord', key, fields: fieldsOf(item, key) }),
    cancel: (key) => command('inspectionStatus', key, { type: 'cancelRecord', key }),
    nextKey,
    close: async () => {
      await qms.stop()
      await runtime.close()
    },
  }
}

/** What the gate of a receipt asks for. */
function fieldsOf(item: string, key: string): Readonly<Record<string, string>> {
  const lot = key.slice(key.lastIndexOf('#') + 1)
  const receipt = { receipt: 'erp-1:receipt:5', line: '10', site: 'P1', supplier: 'erp-1:supplier:V-1' }
  return { item: `erp-1:item:${item}`, lot, quantity: '100', uom: 'C62', ...receipt }
}

/** For the suite of the port, one of the two resources. */
export async function openUnderTest(resource: 'inspection' | 'inspectionStatus'): Promise<ConnectorUnderTest> {
  const rig = await openQmsRest()
  const { qms, runtime } = rig
  const creating = resource === 'inspection'
  const keyOf = new Map<string, string>()
  const prepared = (started: boolean): CommandItem => {
    const item = rig.cancel(rig.nextKey())
    keyOf.set(item.reference, item.subject)
    qms.people.create({ external_id: item.subject, item: 'RM-100', lot: 'L', lot_quantity: '1', unit: 'PC', site: 'P1' })
    if (started) qms.people.start({ external_id: item.subject })
    return item
  }
  return {
    connector: rig.connector,
    resource,
    wire: rig.wire,
    target: {
      effects: (reference) => (creating ? created(qms, reference) : cancelled(qms, keyOf.get(reference) ?? '')),
      stop: async () => {
        await qms.stop()
        // Until the client has seen that its idle connection is gone, what it writes there is honestly unknown.
        await new Promise((resolve) => setImmediate(resolve))
      },
      start: async () => {
        await qms.start()
      },
      failNext: (when) => {
        const fault = ({ before: 'errorBefore', midBatch: 'errorMidBatch', after: 'errorAfter' } as const)[when]
        qms.disturber.script({ on: 'write', fault })
      },
      limitNext: (seconds) => {
        qms.disturber.set({ retryAfterSeconds: seconds })
        qms.disturber.script({ on: 'write', fault: 'rateLimited' })
      },
      lockOut: rig.lockOut,
      setLag: (ms) => qms.disturber.set({ readLagMsMin: ms, readLagMsMax: ms }),
      rollBackNext: () => qms.disturber.script({ on: 'item', fault: 'rollback' }),
      passTime: (ms) => runtime.advance(ms),
    },
    item: () => (creating ? rig.create() : prepared(false)),
    // An item number that is too long for its field, and an inspection that somebody has started.
    refusedItem: () => (creating ? rig.create({ item: 'x'.repeat(41) }) : prepared(true)),
    unsuitableItem: () => ({ reference: 'HP-', resource, subject: 'k', action: { type: 'restrict', lot: 'k', rung: 1 } }),
    shows: (_, observation) =>
      observation.kind === 'record' &&
      (creating ? observation.records.length > 0 : observation.records.some(({ status }) => status === 'cancelled')),
    close: rig.close,
  }
}

/** Records that were created under a reference. */
function created({ books }: Qms, reference: string): number {
  return books.inspections().filter(({ fields }) => fields['reference'] === reference).length
}

/** How often what stands under a key was cancelled. */
function cancelled({ books }: Qms, key: string): number {
  const versions = books.byExternalId(key).flatMap(({ id }) => books.history(id))
  return versions.filter(({ status }) => status === 'cancelled').length
}
