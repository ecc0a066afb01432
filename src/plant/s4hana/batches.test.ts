import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BATCHES, createS4Client, DOCUMENTS, type S4Answer, type S4Client } from '../../../test/plant/s4-client.ts'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createMemoryDisk } from '../disk.ts'
import { codeOf } from './messages.ts'
import { createS4Hana, type S4Hana } from './s4hana.ts'

let runtime: StillRuntime
let erp: S4Hana
let client: S4Client
const PATH = `${BATCHES}/Batch(Material='RM-100',BatchIdentifyingPlant='',Batch='B-1')`

beforeEach(async () => {
  runtime = openStillRuntime()
  erp = createS4Hana({ runtime, disk: createMemoryDisk() }, { instance: 'S4H', products: [{ product: 'RM-100' }] })
  client = createS4Client(runtime, { url: await erp.start() })
  open('561', '171A', '60')
  open('563', '171B', '30')
  open('565', '171A', '10')
})
afterEach(async () => {
  expect(erp.books.violations()).toEqual([])
  await erp.stop()
  await runtime.close()
})

function open(movementType: string, storageLocation: string, quantity: string): void {
  expect(erp.people.move({ movementType, material: 'RM-100', batch: 'B-1', quantity, storageLocation })).toMatchObject({ ok: true })
}

async function patch(change: object, ifMatch?: string): Promise<S4Answer> {
  const etag = ifMatch ?? (await client.get(PATH)).headers['etag'] ?? ''
  return client.send(`PATCH ${PATH}`, { d: change }, { 'if-match': etag })
}
const restrict = (restricted: boolean): Promise<S4Answer> => patch({ MatlBatchIsInRstrcdUseStock: restricted })
const stock = (batch = 'B-1'): readonly string[] =>
  erp.books.stock('RM-100', batch).map((row) => `${row.StorageLocation} ${row.InventoryStockType} ${row.quantity}`)
const move = (type: string, change: object): Promise<S4Answer> =>
  client.post({
    GoodsMovementCode: '04',
    to_MaterialDocumentItem: [
      { Material: 'RM-100', Plant: '1710', StorageLocation: '171A', Batch: 'B-1', GoodsMovementType: type, EntryUnit: 'PC', ...change },
    ],
  })

describe('restricted use', () => {
  test('concerns the whole batch: everything unrestricted, wherever it is, with a document of its own', async () => {
    open('561', '171B', '5')
    expect(await restrict(true)).toMatchObject({ status: 204, text: '' })
    expect(stock()).toEqual(['171A 07 10', '171A 08 60', '171B 02 30', '171B 08 5'])
    expect(erp.books.usable('RM-100', 'B-1')).toBe('0')
    const items = erp.books
      .documents()
      .at(-1)
      ?.items.map((item) => item['GoodsMovementType'])
    expect(items).toEqual(['341', '341', '341', '341'])
    await restrict(false)
    expect(stock()).toEqual(['171A 01 60', '171A 07 10', '171B 01 5', '171B 02 30'])
  })

  test('catches what becomes unrestricted later', async () => {
    await restrict(true)
    expect((await move('321', { StorageLocation: '171B', QuantityInEntryUnit: '30' })).status).toBe(201)
    expect((await move('343', { QuantityInEntryUnit: '10' })).status).toBe(201)
    expect(stock()).toEqual(['171A 08 70', '171B 08 30'])
    expect((await move('344', { QuantityInEntryUnit: '1' })).code).toBe(codeOf('deficit'))
  })

  test('set again is a change without a posting', async () => {
    await restrict(true)
    const documents = erp.books.documents().length
    expect((await restrict(true)).status).toBe(204)
    expect(erp.books.documents()).toHaveLength(documents)
  })

  test('works while the period is closed and a count blocks postings', async () => {
    erp.people.closePeriod({})
    erp.people.openCount({ plant: '1710', storageLocation: '171A', material: 'RM-100' })
    expect((await restrict(true)).status).toBe(204)
    expect(erp.books.usable('RM-100')).toBe('0')
  })

  test('waits while another user processes the batch', async () => {
    erp.people.lock({ material: 'RM-100', batch: 'B-1', ms: 1_000 })
    expect((await restrict(true)).code).toBe(codeOf('batchLocked'))
    expect(erp.people.restrict({ material: 'RM-100', batch: 'B-1' })).toMatchObject({ ok: false })
    await runtime.advance(1_000)
    expect((await restrict(true)).status).toBe(204)
  })

  test('by posting 341 goes for the whole only', async () => {
    expect((await move('341', { QuantityInEntryUnit: '59' })).code).toBe(codeOf('restrictsWhole'))
    expect((await move('341', { QuantityInEntryUnit: '60' })).status).toBe(201)
    expect(erp.books.batch('RM-100', 'B-1')?.restricted).toBe(true)
    expect((await move('342', { QuantityInEntryUnit: '60' })).status).toBe(201)
    expect(erp.books.batch('RM-100', 'B-1')?.restricted).toBe(false)
  })
})

describe('the batch master', () => {
  test('is protected by its ETag', async () => {
    const { headers, d } = await client.get(PATH)
    expect(headers['etag']).toBe(`W/"datetimeoffset'2026-11-02T08%3A00%3A00.0000000Z'"`)
    expect(d.__metadata.etag).toBe(headers['etag'])
    expect((await client.send(`PATCH ${PATH}`, { CountryOfOrigin: 'DE' })).status).toBe(428)
    expect((await patch({ CountryOfOrigin: 'DE' })).status).toBe(204)
    const stale = await patch({ MatlBatchIsInRstrcdUseStock: true }, headers['etag'])
    expect(stale.status).toBe(412)
    expect(erp.books.batch('RM-100', 'B-1')).toMatchObject({ restricted: false, origin: 'DE' })
  })

  test('takes known, changeable fields only', async () => {
    expect((await patch({ Batch: 'B-2' })).status).toBe(400)
    expect((await patch({ LastChangeDateTime: '/Date(0)/' })).status).toBe(400)
    expect((await patch({ Colour: 'red' })).status).toBe(400)
    expect((await client.send(`PATCH ${PATH.replace('B-1', 'B-9')}`, {}, { 'if-match': '*' })).status).toBe(404)
  })

  test('is found without caring for small letters, and by supplier batch', async () => {
    await patch({ BatchBySupplier: 'SUP-9' })
    expect((await client.get(PATH.replace('B-1', 'b-1'))).status).toBe(200)
    const found = await client.get(`${BATCHES}/Batch?$filter=Material eq 'RM-100' and BatchBySupplier eq 'SUP-9'`)
    expect(found.d.results).toMatchObject([{ Batch: 'B-1', MatlBatchIsInRstrcdUseStock: false }])
  })

  test('can be created ahead of its stock, once', async () => {
    const input = { Material: 'RM-100', BatchIdentifyingPlant: '', Batch: 'new', ShelfLifeExpirationDate: '/Date(1796083200000)/' }
    expect(await client.send(`POST ${BATCHES}/Batch`, input)).toMatchObject({ status: 201, d: { Batch: 'NEW' } })
    expect((await client.send(`POST ${BATCHES}/Batch`, input)).code).toBe(codeOf('batchExists'))
  })
})

test('a split makes a batch with its own status and the origin of the first', async () => {
  await patch({ BatchBySupplier: 'SUP-9', CountryOfOrigin: 'DE' })
  const split = { QuantityInEntryUnit: '20', IssgOrRcvgBatch: 'B-1-A' }
  expect((await move('309', split)).status).toBe(201)
  expect(stock('B-1-A')).toEqual(['171A 01 20'])
  expect(erp.books.batch('RM-100', 'B-1-A')).toMatchObject({ restricted: false, supplierBatch: 'SUP-9', origin: 'DE' })
  await restrict(true)
  expect(stock('B-1-A')).toEqual(['171A 01 20'])
  const documents = await client.get(`${DOCUMENTS}/A_MaterialDocumentItem?$filter=Batch eq 'B-1-A'`)
  expect(documents.d.results).toMatchObject([{ IssgOrRcvgBatch: 'B-1', DebitCreditCode: 'S' }])
})

test('a split of a restricted batch is restricted, until it is freed by itself', async () => {
  await restrict(true)
  expect((await move('309', { QuantityInEntryUnit: '20', IssgOrRcvgBatch: 'B-1-A' })).status).toBe(201)
  expect((await move('311', { QuantityInEntryUnit: '10', IssuingOrReceivingStorageLoc: '171B' })).status).toBe(201)
  expect(stock()).toEqual(['171A 07 10', '171A 08 30', '171B 02 30', '171B 08 10'])
  expect(stock('B-1-A')).toEqual(['171A 08 20'])
  erp.people.unrestrict({ material: 'RM-100', batch: 'B-1-A' })
  expect(stock('B-1-A')).toEqual(['171A 01 20'])
  expect(erp.books.usable('RM-100', 'B-1')).toBe('0')
})

test('stock in inspection is split by releasing a part of it into a batch of its own', async () => {
  const part = { StorageLocation: '171B', QuantityInEntryUnit: '10', IssgOrRcvgBatch: 'B-1-A' }
  expect((await move('321', part)).status).toBe(201)
  expect(stock('B-1-A')).toEqual(['171B 01 10'])
  expect(stock()).toContain('171B 02 20')
})
