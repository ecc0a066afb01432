import { describe, expect, it } from 'vitest'
import type { CommandItem } from '../../src/connectors/connector.ts'
import { createCountingErpConnector } from '../../src/connectors/counting-erp/counting-erp.ts'
import { createCountingQmsConnector } from '../../src/connectors/counting-qms/counting-qms.ts'
import type { Action, IdempotencyClass } from '../../src/model/goal.ts'
import { type CountingErp, createCountingErp } from '../../src/plant/counting-erp/counting-erp.ts'
import { type CountingQms, createCountingQms } from '../../src/plant/counting-qms/counting-qms.ts'
import type { WriteSettings } from '../../src/plant/write-items.ts'
import { openStillRuntime, type StillRuntime } from '../plant/still-runtime.ts'
import { commitsBeforeReply, describeConnector } from './connector.ts'
import { type ConnectorUnderTest, createWire, type TargetUnderTest } from './connector-harness.ts'

const CLASSES: readonly IdempotencyClass[] = ['natural', 'key', 'externalId', 'conditional', 'queryable', 'transportId', 'file', 'unsafe']
const LAG_MS = 200
const TIMES = { lagMs: LAG_MS, quiesceMs: 1_000, keyWindowMs: 60_000, readBatchMax: 3 }

interface Options {
  readonly idempotency: IdempotencyClass
  readonly evidence: 'answer' | 'readBack'
  readonly commit: WriteSettings['commit']
}

function targetOf(system: CountingErp | CountingQms, runtime: StillRuntime): TargetUnderTest {
  return {
    effects: (reference) => system.books.effectsOf(reference),
    stop: () => system.stop(),
    start: async () => {
      await system.start()
    },
    failNext: (when) => {
      const fault = ({ before: 'errorBefore', midBatch: 'errorMidBatch', after: 'errorAfter' } as const)[when]
      system.disturber.script({ on: 'write', fault })
    },
    limitNext: (seconds) => {
      system.disturber.set({ retryAfterSeconds: seconds })
      system.disturber.script({ on: 'write', fault: 'rateLimited' })
    },
    lockOut: (out) => system.setToken(out ? 'changed' : 'secret'),
    setLag: (ms) => system.disturber.set({ readLagMsMin: ms, readLagMsMax: ms }),
    rollBackNext: () => system.disturber.script({ on: 'item', fault: 'rollback' }),
    passTime: (ms) => runtime.advance(ms),
  }
}

/** Numbers commands the way the engine does: a reference and a command id of its own for each. */
function commands(resource: string): (subject: string, action: Action) => CommandItem {
  let count = 0
  return (subject, action) => {
    count += 1
    return { reference: `HP${String(count).padStart(14, '0')}`, resource, subject, action }
  }
}

async function openErp(options: Options): Promise<ConnectorUnderTest> {
  const runtime = openStillRuntime()
  const write = { class: options.idempotency, keyWindowMs: TIMES.keyWindowMs, commit: options.commit }
  const erp = createCountingErp({ runtime }, { instance: 'erp-1', token: 'secret', write, disturbances: { updateMsMax: LAG_MS } })
  const url = await erp.start()
  const wire = createWire(runtime.net)
  const connector = createCountingErpConnector(
    { net: wire, clock: runtime.clock },
    {
      instance: 'erp-1',
      site: 'P1',
      url,
      token: 'secret',
      inventory: { ...TIMES, idempotency: options.idempotency, evidence: options.evidence },
    },
  )
  const command = commands('inventory')
  let lots = 0
  const move = (change: { readonly quantity?: string } = {}): CommandItem => {
    lots += 1
    const batch = `B-${lots}`
    erp.people.receive({ lines: [{ material: 'RM-100', batches: [{ batch, quantity: '100' }] }] })
    const lot = `erp-1:batch:RM-100/${batch}`
    const from = { site: 'P1', location: '0001', carrier: null, stockType: 'qualityInspection', specialStock: 'own' } as const
    const quantity = { value: change.quantity ?? '40', uom: 'C62' }
    return command(lot, { type: 'move', lot, from, to: 'unrestricted', quantity, decidedBy: null })
  }
  return {
    connector,
    resource: 'inventory',
    target: targetOf(erp, runtime),
    wire,
    item: () => move(),
    refusedItem: () => move({ quantity: '101' }),
    unsuitableItem: () => command('erp-1:batch:RM-100/B-0', { type: 'cancelRecord', key: 'k' }),
    shows: ({ action }, observation) =>
      observation.kind === 'stock' &&
      action.type === 'move' &&
      observation.buckets.some(({ stockType, quantity }) => stockType === action.to && quantity.value === action.quantity.value),
    close: async () => {
      await erp.stop()
      await runtime.close()
    },
  }
}

async function openQms(resource: 'inspection' | 'inspectionStatus', options: Options): Promise<ConnectorUnderTest> {
  const runtime = openStillRuntime()
  const write = { class: options.idempotency, keyWindowMs: TIMES.keyWindowMs, commit: options.commit }
  const creating = resource === 'inspection'
  const qms = createCountingQms(
    { runtime },
    { instance: 'qms-1', token: 'secret', [creating ? 'create' : 'cancel']: write, disturbances: { updateMsMax: LAG_MS } },
  )
  const url = await qms.start()
  const wire = createWire(runtime.net)
  const settings = { ...TIMES, idempotency: options.idempotency, evidence: options.evidence }
  const connector = createCountingQmsConnector(
    { net: wire, clock: runtime.clock },
    { instance: 'qms-1', site: 'P1', url, token: 'secret', inspection: TIMES, inspectionStatus: TIMES, [resource]: settings },
  )
  const command = commands(resource)
  let keys = 0
  const nextKey = (): string => {
    keys += 1
    return `erp-1:receipt:5#10#erp-1:batch:RM-100/B-${keys}`
  }
  const create = (key: string): CommandItem => command(key, { type: 'createRecord', key, fields: { lot: key } })
  const cancel = (key: string, started: boolean): CommandItem => {
    qms.people.create({ key })
    if (started) qms.people.start({ key })
    return command(key, { type: 'cancelRecord', key })
  }
  return {
    connector,
    resource,
    target: targetOf(qms, runtime),
    wire,
    item: () => (creating ? create(nextKey()) : cancel(nextKey(), false)),
    // An external key that is too long for its field, and an inspection that somebody has started.
    refusedItem: () => (creating ? create(`${nextKey()}${'x'.repeat(700)}`) : cancel(nextKey(), true)),
    unsuitableItem: () => command('k', { type: 'restrict', lot: 'k', rung: 1 }),
    shows: (_, observation) =>
      observation.kind === 'record' &&
      (creating ? observation.records.length > 0 : observation.records.some(({ status }) => status === 'cancelled')),
    close: async () => {
      await qms.stop()
      await runtime.close()
    },
  }
}

const COMMITTED = { evidence: 'answer', commit: 'beforeReply' } as const
const READ_BACK = { evidence: 'readBack', commit: 'beforeReply' } as const

for (const idempotency of CLASSES) {
  describeConnector(`counting-erp, inventory, class ${idempotency}`, () => openErp({ ...READ_BACK, idempotency }))
  describeConnector(`counting-qms, inspection, class ${idempotency}`, () => openQms('inspection', { ...READ_BACK, idempotency }))
}
for (const idempotency of ['natural', 'conditional', 'queryable'] as const) {
  describeConnector(`counting-qms, inspectionStatus, class ${idempotency}`, () =>
    openQms('inspectionStatus', { ...READ_BACK, idempotency }),
  )
}
describeConnector('counting-erp, inventory, evidence answer', () => openErp({ ...COMMITTED, idempotency: 'queryable' }))
describeConnector('counting-qms, inspection, evidence answer', () => openQms('inspection', { ...COMMITTED, idempotency: 'externalId' }))

/** The check behind the evidence `answer` must be able to say no. */
describe('the proof of commit before reply', () => {
  const opens = {
    'the ERP': (commit: WriteSettings['commit']) => openErp({ idempotency: 'queryable', evidence: 'answer', commit }),
    'the QMS': (commit: WriteSettings['commit']) => openQms('inspection', { idempotency: 'externalId', evidence: 'answer', commit }),
  }
  it.each(Object.entries(opens))('fails for %s when it works after answering, or takes back', async (_, open) => {
    const late = await open('afterReply')
    expect(await commitsBeforeReply(late)).toBe(false)
    await late.close()
    const fickle = await open('beforeReply')
    fickle.target.rollBackNext()
    expect(await commitsBeforeReply(fickle)).toBe(false)
    await fickle.close()
    const sound = await open('beforeReply')
    expect(await commitsBeforeReply(sound)).toBe(true)
    await sound.close()
  })
})
