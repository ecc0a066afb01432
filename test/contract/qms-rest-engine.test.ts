import { createHash, createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { createCountingErpConnector } from '../../src/connectors/counting-erp/counting-erp.ts'
import { createQmsRestConnector } from '../../src/connectors/qms-rest/qms-rest.ts'
import { type Engine, openEngine } from '../../src/engine/engine.ts'
import { DEFAULT_SETTINGS } from '../../src/engine/settings.ts'
import { type CountingErp, createCountingErp } from '../../src/plant/counting-erp/counting-erp.ts'
import { createMemoryDisk } from '../../src/plant/disk.ts'
import { createQms, type Qms } from '../../src/plant/qms/qms.ts'
import { inspectionGate } from '../../src/process/inspection-gate.ts'
import { lot } from '../../src/process/lot.ts'
import type { Process } from '../../src/process/process.ts'
import { createWorld } from '../../src/runtime/simulated.ts'
import type { World } from '../../src/runtime/world.ts'
import { createMemoryStore } from '../../src/store/memory/memory-store.ts'

interface Plant {
  readonly world: World
  readonly erp: CountingErp
  readonly qms: Qms
  readonly engine: () => Engine | undefined
}

const POLICIES = { sites: { P1: { erp: 'erp-1', qms: 'qms-1', timeZone: 'Europe/Berlin' } }, referencePrefix: 'HP' }
const hmacSha256 = (key: Uint8Array, text: string): Uint8Array => createHmac('sha256', key).update(text).digest()

/** The whole hub between an ERP and the QMS, in simulated time, with the QMS's sessions ending all the time. */
async function openPlant(seed: number): Promise<Plant> {
  const world = createWorld({ seed, hash: (text) => createHash('sha256').update(text).digest('hex') })
  for (const node of ['erp', 'qms']) world.addNode(node)
  const erp = createCountingErp(
    { runtime: world.runtimeFor('erp') },
    { instance: 'erp-1', host: 'erp', port: 80, write: { class: 'queryable', keyWindowMs: 0, commit: 'beforeReply' } },
  )
  const qms = createQms(
    { runtime: world.runtimeFor('qms'), disk: createMemoryDisk(), hmacSha256 },
    { host: 'qms', port: 80, sessions: { endShare: 0.2, endMidBatchShare: 0.2 }, disturbances: { readLagMsMax: 500 } },
  )
  const urls = { erp: await erp.start(), qms: await qms.start() }
  let engine: Engine | undefined
  const store = createMemoryStore({
    installation: 'test',
    partitions: 2,
    now: () => world.now(),
    schedule: (run) => void Promise.resolve().then(run),
  })
  world.addNode('hub', async (runtime) => {
    const deps = { net: runtime.net, clock: runtime.clock }
    const place = { site: 'P1', callTimeoutMs: 2_000 }
    const times = { lagMs: 500, quiesceMs: 5_000 }
    const credentials = { user: 'INTEGRATION', password: 'integration-password' }
    const tables = { inspection: times, inspectionStatus: times, changesOverlapMs: 2_000 }
    const connectors = [
      createCountingErpConnector(deps, { ...place, instance: 'erp-1', url: urls.erp, inventory: { ...times, idempotency: 'queryable' } }),
      createQmsRestConnector(deps, { ...place, ...tables, instance: 'qms-1', url: urls.qms, credentials }),
    ]
    engine = await openEngine({
      runtime,
      store,
      worker: 'hub#1',
      connectors: new Map(connectors.map((connector) => [connector.spec.instance, connector])),
      processes: new Map([inspectionGate as Process, lot as Process].map((process) => [process.name, process])),
      policies: POLICIES,
      settings: { ...DEFAULT_SETTINGS, sweepIntervalMs: 2_000 },
      log: { info: () => undefined, warn: (message, fields) => world.note('warn', `${message} ${JSON.stringify(fields)}`) },
    })
  })
  return { world, erp, qms, engine: () => engine }
}

it.each([1, 2, 3])('a lot is held, inspected, and released once its decision is signed (seed %i)', async (seed) => {
  const { world, erp, qms, engine } = await openPlant(seed)
  const until = async (what: string, reached: () => boolean): Promise<void> => {
    const deadlineMs = world.now() + 120_000
    await world.runUntil(reached, { untilMs: deadlineMs })
    expect([what, reached(), await engine()?.exceptions()]).toEqual([what, true, []])
  }
  const receive = (batch: string): string => {
    return erp.people.receive({ lines: [{ material: 'RM-100', batches: [{ batch, quantity: '100' }] }] })
  }
  qms.people.makePlan({ item: 'RM-100' })
  const taken = receive('B-1')
  receive('B-2')
  await until('inspections', () => qms.books.inspections().length === 2)
  const [first, second] = qms.books
    .inspections()
    .toSorted((one, other) => (one.fields['lot'] ?? '').localeCompare(other.fields['lot'] ?? ''))
  erp.people.reverseReceipt({ receipt: taken })
  await until('a cancellation', () => qms.books.history(first?.id ?? '').at(-1)?.status === 'cancelled')
  const at = { id: second?.id ?? '' }
  qms.people.inspect(at)
  qms.people.decide(at, { lines: [{ outcome: 'accepted', quantity: '100', portion: { kind: 'lot' } }] })
  await world.runUntil(() => false, { untilMs: world.now() + 20_000 })
  expect(erp.books.usable('batch:RM-100/B-2')).toBe('0')
  qms.people.sign(at)
  await until('a release', () => erp.books.usable('batch:RM-100/B-2') === '100')
  expect(qms.books.violations()).toEqual([])
  expect(qms.books.inspections()).toHaveLength(2)
})
