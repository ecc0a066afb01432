import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import type { Listener } from '../../runtime.ts'
import { createMemoryDisk, type Disk } from '../disk.ts'
import { createS4Hana, type S4Hana, type S4HanaConfig } from './s4hana.ts'

interface Heard {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly source: string
  readonly time: string
  readonly data: Readonly<Record<string, string>>
}

let runtime: StillRuntime
let hub: Listener
let disk: Disk
let heard: Heard[]
let status: number
let refused: number
let draws: number[]
const running: S4Hana[] = []

beforeEach(async () => {
  draws = []
  runtime = openStillRuntime({ random: () => draws.shift() ?? 0.5 })
  disk = createMemoryDisk()
  heard = []
  status = 202
  refused = 0
  hub = await runtime.net.listen({ host: '127.0.0.1', port: 0, bodyBytesMax: 100_000 }, async ({ body }) => {
    if (status < 300) heard.push(JSON.parse(new TextDecoder().decode(body ?? new Uint8Array())))
    else refused += 1
    return { status, headers: {}, body: new Uint8Array() }
  })
})
afterEach(async () => {
  for (const erp of running.splice(0)) await erp.stop()
  await hub.close()
  await runtime.close()
})

async function begin(push: S4HanaConfig['push'] = {}): Promise<S4Hana> {
  const config = { instance: 'S4H', products: [{ product: 'RM-100' }], push: { url: `${hub.url}/v1/events`, ...push } }
  const erp = createS4Hana({ runtime, disk }, config)
  running.push(erp)
  await erp.start()
  return erp
}

async function settled(erp: S4Hana): Promise<void> {
  const deadline = performance.now() + 5_000
  while (erp.books.unsettled() > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    await runtime.advance(100)
  }
}

test('carry the key and nothing else', async () => {
  const erp = await begin()
  const { number } = erp.people.createOrder({ supplier: 'V-7', items: [{ material: 'RM-100', quantity: '100' }] }) as { number: string }
  erp.people.receive({ order: number, quantity: '60', batch: 'B-1' })
  erp.people.restrict({ material: 'RM-100', batch: 'B-1' })
  await settled(erp)
  expect(heard.map(({ type, data }) => [type, data])).toEqual([
    ['sap.s4.beh.purchaseorder.v1.PurchaseOrder.Created.v1', { PurchaseOrder: number }],
    ['sap.s4.beh.batch.v1.Batch.Created.v1', { Material: 'RM-100', BatchIdentifyingPlant: '', Batch: 'B-1' }],
    ['sap.s4.beh.materialdocument.v1.MaterialDocument.Created.v1', { MaterialDocumentYear: '2026', MaterialDocument: '5000000000' }],
    ['sap.s4.beh.batch.v1.Batch.Changed.v1', { Material: 'RM-100', BatchIdentifyingPlant: '', Batch: 'B-1' }],
  ])
  expect(heard[0]).toMatchObject({ source: '/default/sap.s4.beh/S4H', time: '2026-11-02T08:00:00Z', subject: number })
  expect(new Set(heard.map(({ id }) => id)).size).toBe(heard.length)
})

test('of what was refused there are none', async () => {
  const erp = await begin()
  expect(erp.people.move({ movementType: '321', material: 'RM-100', batch: 'B-1', quantity: '1' }).ok).toBe(false)
  expect(erp.books.notices()).toEqual([])
  erp.people.move({ movementType: '561', material: 'RM-100', batch: 'B-1', quantity: '1' })
  await settled(erp)
  const before = heard.length
  expect(erp.people.move({ movementType: '309', material: 'RM-100', batch: 'B-1', toBatch: 'NEW', quantity: '2' }).ok).toBe(false)
  expect(erp.books.unsettled()).toBe(0)
  expect([heard.length, erp.books.batch('RM-100', 'NEW')]).toEqual([before, null])
})

test('may be lost, doubled and late', async () => {
  const lossy = await begin({ lostShare: 1 })
  lossy.people.move({ movementType: '561', material: 'RM-100', batch: 'B-1', quantity: '1' })
  expect(lossy.books.unsettled()).toBe(0)
  expect(lossy.notices.counts().lost).toBe(2)
  lossy.notices.setPush({ lostShare: 0, duplicateShare: 1, duplicateDelayMsMax: 500, delayMsMax: 500 })
  lossy.people.move({ movementType: '561', material: 'RM-100', batch: 'B-1', quantity: '1' })
  await settled(lossy)
  expect(heard.map(({ type }) => type.includes('MaterialDocument'))).toEqual([true, true])
  expect(heard[0]).toEqual(heard[1])
})

test('may overtake each other', async () => {
  const erp = await begin({ delayMsMax: 1_000 })
  draws = [0.9, 0.1]
  erp.people.move({ movementType: '561', material: 'RM-100', batch: 'B-1', quantity: '1' })
  await settled(erp)
  expect(heard.map(({ data }) => data['MaterialDocument'] ?? data['Batch'])).toEqual(['4900000000', 'B-1'])
})

test('not acknowledged before a restart go out again, with the same id', async () => {
  const first = await begin()
  status = 503
  first.people.move({ movementType: '561', material: 'RM-100', batch: 'B-1', quantity: '1' })
  while (refused < 2) await new Promise((resolve) => setImmediate(resolve))
  await first.stop()
  status = 202
  const second = await begin()
  await settled(second)
  expect(heard.map(({ id }) => id)).toEqual(first.books.notices().map(({ id }) => id))
  await second.stop()
  await runtime.advance(61_000)
  heard = []
  await settled(await begin())
  expect(heard).toEqual([])
})
