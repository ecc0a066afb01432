import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BATCHES, createS4Client, DOCUMENTS, type S4Answer, type S4Client, STOCK } from '../../../test/plant/s4-client.ts'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createMemoryDisk, type Disk } from '../disk.ts'
import { createS4Hana, type S4Hana, type S4HanaConfig } from './s4hana.ts'

let runtime: StillRuntime
let erp: S4Hana
let client: S4Client
let disk: Disk
const CONFIG: S4HanaConfig = { instance: 'S4H', products: [{ product: 'RM-100' }] }

async function begin(config: Partial<S4HanaConfig> = {}): Promise<void> {
  erp = createS4Hana({ runtime, disk }, { ...CONFIG, ...config })
  client = createS4Client(runtime, { url: await erp.start(), timeoutMs: 300 })
}
beforeEach(async () => {
  runtime = openStillRuntime()
  disk = createMemoryDisk()
  await begin()
  erp.people.move({ movementType: '563', material: 'RM-100', batch: 'B-1', quantity: '100' })
  await client.fetchToken()
})
afterEach(async () => {
  expect(erp.books.violations()).toEqual([])
  const stopped = erp.stop()
  await runtime.advance(3_600_000)
  await stopped
  await runtime.close()
})

const post = (reference: string): Promise<S4Answer> =>
  client.post({
    GoodsMovementCode: '04',
    ReferenceDocument: reference,
    to_MaterialDocumentItem: [
      { Material: 'RM-100', Plant: '1710', StorageLocation: '171A', Batch: 'B-1', GoodsMovementType: '321', QuantityInEntryUnit: '10' },
    ],
  })
const find = async (reference: string): Promise<number> =>
  (await client.get(`${DOCUMENTS}/A_MaterialDocumentHeader?$filter=ReferenceDocument eq '${reference}'`)).d.results.length

describe('a posting whose answer tells nothing', () => {
  test.each([
    ['errorBefore', 500, 0],
    ['errorAfter', 500, 1],
    ['lostBefore', 0, 0],
    ['lostAfter', 0, 1],
    ['rateLimited', 429, 0],
  ] as const)('%s: status %i, %i documents', async (fault, status, documents) => {
    erp.disturber.script({ on: 'write', fault })
    expect((await post('R-1')).status).toBe(status)
    expect(erp.books.documentsOf('R-1')).toHaveLength(documents)
    expect(await find('R-1')).toBe(documents)
  })

  test('executed late it is booked after the caller has gone', async () => {
    erp.disturber.script({ on: 'write', fault: 'slow', ms: 5_000 })
    expect((await post('R-1')).status).toBe(0)
    expect(erp.books.documentsOf('R-1')).toHaveLength(0)
    await runtime.advance(5_000)
    expect(erp.books.documentsOf('R-1')).toHaveLength(1)
  })

  test('what still waited in a stopped system never happens', async () => {
    erp.disturber.script({ on: 'write', fault: 'slow', ms: 5_000 })
    await post('R-1')
    const stopped = erp.stop()
    await runtime.advance(5_000)
    await stopped
    expect(erp.books.documentsOf('R-1')).toHaveLength(0)
  })
})

test('a document that was answered 201 and then rolled back never was; its number is gone', async () => {
  erp.disturber.script({ on: 'item', fault: 'rollback' })
  const told = await post('R-1')
  expect(told).toMatchObject({ status: 201, d: { MaterialDocument: '4900000001', to_MaterialDocumentItem: { results: [{}, {}] } } })
  expect(await find('R-1')).toBe(0)
  expect(erp.books.usable('RM-100')).toBe('0')
  expect((await post('R-1')).d.MaterialDocument).toBe('4900000002')
  expect(erp.books.asked().map(({ outcome, result }) => [outcome, result])).toEqual([
    ['rolledBack', '4900000001'],
    ['posted', '4900000002'],
  ])
})

test('a restriction answered 204 may be rolled back too', async () => {
  erp.disturber.script({ on: 'item', fault: 'rollback' })
  const path = `${BATCHES}/Batch(Material='RM-100',BatchIdentifyingPlant='',Batch='B-1')`
  const restrict = (): Promise<S4Answer> => client.send(`PATCH ${path}`, { MatlBatchIsInRstrcdUseStock: true }, { 'if-match': '*' })
  expect((await restrict()).status).toBe(204)
  expect(erp.books.batch('RM-100', 'B-1')?.restricted).toBe(false)
  expect((await restrict()).status).toBe(204)
  expect(erp.books.batch('RM-100', 'B-1')?.restricted).toBe(true)
})

describe('read-after-write lag', () => {
  beforeEach(() => erp.disturber.set({ readLagMsMin: 2_000, readLagMsMax: 2_000 }))

  test('documents and stock are shown as they were, writes see the truth', async () => {
    await runtime.advance(10_000)
    await post('R-1')
    const quantity = async (): Promise<string> => {
      const answer = await client.get(`${STOCK}/A_MatlStkInAcctMod?$filter=Material eq 'RM-100' and InventoryStockType eq '02'`)
      return answer.d.results[0]?.MatlWrhsStkQtyInMatlBaseUnit
    }
    expect([await find('R-1'), await quantity()]).toEqual([0, '100'])
    for (let index = 2; index <= 10; index += 1) expect((await post(`R-${index}`)).status).toBe(201)
    expect((await post('R-11')).code).toBe('M7/021')
    await runtime.advance(2_000)
    expect([await find('R-1'), await quantity()]).toEqual([1, '0'])
  })

  test('a batch read with an old ETag is refused when it is written back', async () => {
    await runtime.advance(10_000)
    const path = `${BATCHES}/Batch(Material='RM-100',BatchIdentifyingPlant='',Batch='B-1')`
    const change = async (): Promise<number> => {
      const { headers } = await client.get(path)
      return (await client.send(`PATCH ${path}`, { CountryOfOrigin: 'DE' }, { 'if-match': headers['etag'] ?? '' })).status
    }
    expect([await change(), await change()]).toEqual([204, 412])
  })
})

test('a session may end between any two writes', async () => {
  erp.disturber.script({ on: 'session', fault: 'end' })
  expect((await post('R-1')).status).toBe(403)
  expect((await post('R-1')).status).toBe(403)
  await client.fetchToken()
  expect((await post('R-1')).status).toBe(201)
  erp.disturber.set({ sessionEndedShare: 1 })
  expect((await post('R-2')).status).toBe(403)
})

test('a page may be torn: rows of one answer are of different age', async () => {
  await runtime.advance(10_000)
  erp.disturber.set({ sweepTornShare: 1, sweepTornMsMax: 4_000 })
  await post('R-1')
  const path = `${STOCK}/A_MatlStkInAcctMod?$filter=Material eq 'RM-100'`
  const quantities = async (): Promise<readonly unknown[]> =>
    (await client.get(path)).d.results.map((row: Record<string, unknown>) => [
      row['InventoryStockType'],
      row['MatlWrhsStkQtyInMatlBaseUnit'],
    ])
  expect(await quantities()).toEqual([['02', '100']])
  await runtime.advance(4_000)
  expect(await quantities()).toEqual([
    ['01', '10'],
    ['02', '90'],
  ])
})

test('a whole system may be up and refuse everybody', async () => {
  erp.refuseAll(1_000)
  expect(await post('R-1')).toMatchObject({ status: 503, headers: { 'content-type': 'text/html' } })
  expect((await client.get(`${DOCUMENTS}/A_MaterialDocumentHeader`)).status).toBe(503)
  await runtime.advance(1_000)
  expect((await post('R-1')).status).toBe(201)
  expect(erp.books.calls().map(({ status }) => status)).toEqual([200, 503, 503, 201])
})

test('another object on the same disk goes on where the first ended', async () => {
  await post('R-1')
  const documents = erp.books.documents()
  await erp.stop()
  await begin()
  expect(erp.books.documents()).toEqual(documents)
  expect(await find('R-1')).toBe(1)
  expect((await post('R-2')).d.MaterialDocument).toBe('4900000002')
})
