import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createS4Client, DOCUMENTS, type S4Answer, type S4Client, STOCK } from '../../../test/plant/s4-client.ts'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createMemoryDisk } from '../disk.ts'
import { codeOf, type MessageName } from './messages.ts'
import { createS4Hana, type S4Hana, type S4HanaConfig } from './s4hana.ts'

let runtime: StillRuntime
let erp: S4Hana
let client: S4Client
const CONFIG: S4HanaConfig = {
  instance: 'S4H',
  users: { HOLDPOINT: 'secret' },
  products: [
    { product: 'RM-100', otherUnits: { CAR: '10' } },
    { product: 'RM-200' },
    { product: 'BULK', unit: 'KG', batchManaged: false },
    { product: 'PUMP', batchManaged: false, serialProfile: '0001' },
  ],
}

beforeEach(async () => {
  runtime = openStillRuntime()
  erp = createS4Hana({ runtime, disk: createMemoryDisk() }, CONFIG)
  client = createS4Client(runtime, { url: await erp.start() })
})
afterEach(async () => {
  expect(erp.books.violations()).toEqual([])
  await erp.stop()
  await runtime.close()
})

/** An order for 100 RM-100 with another item that is set up badly. */
function order(material = 'RM-100', stockType: '' | 'X' | 'S' = 'X'): string {
  const done = erp.people.createOrder({ supplier: 'V-7', items: [{ material, quantity: '100', stockType }] })
  if (!done.ok) throw new Error(done.message)
  return done.number
}

function receive(quantity = '100', batch = 'B-1'): void {
  const done = erp.people.receive({ order: order(), quantity, batch, supplierBatch: 'SUP-9' })
  if (!done.ok) throw new Error(done.message)
}

const item = (GoodsMovementType: string, change: object = {}): Record<string, unknown> => ({
  Material: 'RM-100',
  Plant: '1710',
  StorageLocation: '171A',
  Batch: 'B-1',
  GoodsMovementType,
  QuantityInEntryUnit: '40',
  EntryUnit: 'PC',
  ...change,
})
const move = (type: string, change: object = {}, header: object = {}): Promise<S4Answer> =>
  client.post({ GoodsMovementCode: '04', PostingDate: '/Date(1793577600000)/', to_MaterialDocumentItem: [item(type, change)], ...header })

/** Quantity by stock type. */
const stock = (batch = 'B-1'): Record<string, string> => {
  const sums: Record<string, number> = {}
  for (const row of erp.books.stock('RM-100', batch))
    sums[row.InventoryStockType] = (sums[row.InventoryStockType] ?? 0) + Number(row.quantity)
  return Object.fromEntries(Object.entries(sums).map(([type, sum]) => [type, String(sum)]))
}
const refused = (answer: S4Answer, message: MessageName): void => {
  expect([answer.status, answer.code, answer.text.slice(0, 300)]).toEqual([400, codeOf(message), expect.anything()])
}

describe('receipts for a purchase order', () => {
  const receipt = (change: object = {}): object => ({
    GoodsMovementCode: '01',
    ReferenceDocument: 'DELIVERY-1',
    MaterialDocumentHeaderText: 'truck 7',
    to_MaterialDocumentItem: [
      {
        GoodsMovementType: '101',
        GoodsMovementRefDocType: 'B',
        PurchaseOrder: order(),
        PurchaseOrderItem: '00010',
        QuantityInEntryUnit: '60',
        ...change,
      },
    ],
  })

  test('land in inspection stock because the order item says so, and come back with numbers', async () => {
    const answer = await client.post(receipt({ Batch: 'b-1', BatchBySupplier: 'SUP-9' }))
    expect(answer.status).toBe(201)
    expect(answer.d).toMatchObject({
      MaterialDocumentYear: '2026',
      MaterialDocument: '5000000000',
      ReferenceDocument: 'DELIVERY-1',
      CreatedByUser: 'HOLDPOINT',
      PostingDate: '/Date(1793577600000)/',
      CreationTime: 'PT09H00M00S',
      to_MaterialDocumentItem: {
        results: [
          {
            MaterialDocumentItem: '1',
            Material: 'RM-100',
            Batch: 'B-1',
            BatchBySupplier: 'SUP-9',
            Supplier: 'V-7',
            InventoryStockType: '02',
            InventoryUsabilityCode: 'X',
            QuantityInBaseUnit: '60.000',
            PurchaseOrderItem: '10',
            DebitCreditCode: 'S',
          },
        ],
      },
    })
    expect(stock()).toEqual({ '02': '60' })
    expect(erp.books.usable('RM-100')).toBe('0')
  })

  test('of a badly configured item land unrestricted, at once usable', () => {
    erp.people.receive({ order: order('RM-200', ''), quantity: '5', batch: 'X' })
    expect(erp.books.usable('RM-200', 'X')).toBe('5')
    expect(erp.books.usableSpans('RM-200', 'X')).toEqual([{ fromMs: runtime.clock.wallNow(), toMs: null }])
    erp.people.createProduct({ product: 'RM-BAD', receiptStockType: '' })
    const done = erp.people.createOrder({ supplier: 'V-7', items: [{ material: 'RM-BAD', quantity: '100' }] })
    erp.people.receive({ order: done.ok ? done.number : '', quantity: '7', batch: 'Y' })
    expect(erp.books.usable('RM-BAD', 'Y')).toBe('7')
  })

  test('get a batch number where none is named', async () => {
    const answer = await client.post(receipt())
    expect(answer.d.to_MaterialDocumentItem.results[0].Batch).toBe('0000000001')
  })

  test('from production name their order instead', async () => {
    const made = { ...item('101', { InventoryUsabilityCode: 'X' }), ManufacturingOrder: '1000123', GoodsMovementRefDocType: 'F' }
    const answer = await client.post({ GoodsMovementCode: '02', to_MaterialDocumentItem: [made] })
    expect(answer.d.to_MaterialDocumentItem.results).toMatchObject([
      { InventoryStockType: '02', GoodsMovementRefDocType: 'F', PurchaseOrder: '' },
    ])
    refused(await client.post({ GoodsMovementCode: '02', to_MaterialDocumentItem: [item('101')] }), 'fieldMissing')
  })

  test('in another unit are converted', async () => {
    const answer = await client.post(receipt({ Batch: 'B-1', QuantityInEntryUnit: '2', EntryUnit: 'CAR' }))
    expect(answer.d.to_MaterialDocumentItem.results[0]).toMatchObject({ QuantityInEntryUnit: '2.000', QuantityInBaseUnit: '20.000' })
    refused(await client.post(receipt({ EntryUnit: 'PAL' })), 'unitUnknown')
  })

  test('beyond the ordered quantity, for another material or without an order are refused', async () => {
    refused(await client.post(receipt({ QuantityInEntryUnit: '100.001' })), 'orderedExceeded')
    refused(await client.post(receipt({ Material: 'RM-200' })), 'orderOtherMaterial')
    refused(await client.post(receipt({ PurchaseOrder: '4500009999' })), 'orderUnknown')
    refused(await client.post(receipt({ PurchaseOrder: '' })), 'fieldMissing')
    refused(await client.post(receipt({ StorageLocation: '171E' })), 'ewmManaged')
    expect(erp.books.documents()).toEqual([])
  })

  test('with 102 and 122 go back, as far as they came', async () => {
    receive('60')
    const { number } = erp.books.orders().at(-1) ?? { number: '' }
    const back = (type: string, quantity: string): Promise<S4Answer> => {
      const input = item(type, {
        PurchaseOrder: number,
        PurchaseOrderItem: '10',
        QuantityInEntryUnit: quantity,
        InventoryUsabilityCode: 'X',
      })
      return client.post({ GoodsMovementCode: '01', to_MaterialDocumentItem: [input] })
    }
    expect((await back('102', '10')).status).toBe(201)
    expect((await back('122', '20')).status).toBe(201)
    expect(stock()).toEqual({ '02': '30' })
    refused(await back('122', '31'), 'receivedExceeded')
  })
})

describe('movements between stock types', () => {
  test.each([
    ['321', '02', '01'],
    ['350', '02', '07'],
    ['322', '01', '02'],
    ['344', '01', '07'],
    ['343', '07', '01'],
    ['349', '07', '02'],
  ])('%s takes from %s and adds to %s', async (type, from, to) => {
    const opening = { '01': '561', '02': '563', '07': '565' }[from] ?? ''
    erp.people.move({ movementType: opening, material: 'RM-100', batch: 'B-1', quantity: '100' })
    const answer = await move(type)
    expect(answer.status).toBe(201)
    expect(stock()).toEqual({ [from]: '60', [to]: '40' })
    expect(answer.d.to_MaterialDocumentItem.results).toMatchObject([
      {
        MaterialDocumentItem: '1',
        InventoryStockType: from,
        DebitCreditCode: 'H',
        IsAutomaticallyCreated: '',
        IssuingOrReceivingStockType: to,
      },
      {
        MaterialDocumentItem: '2',
        InventoryStockType: to,
        DebitCreditCode: 'S',
        IsAutomaticallyCreated: 'X',
        MaterialDocumentParentLine: '000001',
      },
    ])
    refused(await move(type, { QuantityInEntryUnit: '61' }), 'deficit')
  })

  test.each([
    ['331', '02'],
    ['551', '01'],
    ['553', '02'],
    ['555', '07'],
    ['261', '01'],
    ['601', '01'],
  ])('%s takes from %s for good', async (type, from) => {
    const opening = { '01': '561', '02': '563', '07': '565' }[from] ?? ''
    erp.people.move({ movementType: opening, material: 'RM-100', batch: 'B-1', quantity: '100' })
    const fields = { ManufacturingOrder: '1000123', Delivery: '80000001' }
    expect((await move(type, fields, { GoodsMovementCode: '03' })).status).toBe(201)
    expect(stock()).toEqual({ [from]: '60' })
    refused(await move(type, fields), 'codeWrong')
  })

  test('261 comes back with 262; orders and deliveries must be named', async () => {
    erp.people.move({ movementType: '561', material: 'RM-100', batch: 'B-1', quantity: '100' })
    const fields = { ManufacturingOrder: '1000123' }
    await move('261', fields, { GoodsMovementCode: '03' })
    await move('262', fields, { GoodsMovementCode: '03' })
    expect(stock()).toEqual({ '01': '100' })
    refused(await move('261', {}, { GoodsMovementCode: '03' }), 'fieldMissing')
    refused(await move('601', {}, { GoodsMovementCode: '03' }), 'fieldMissing')
  })

  test('what does not exist, or does not make sense, is refused by name', async () => {
    receive()
    refused(await move('999'), 'movementTypeUnknown')
    refused(await move('701'), 'movementTypeAutomatic')
    refused(await move('321', { Material: 'RM-999' }), 'materialUnknown')
    refused(await move('321', { Batch: 'B-9' }), 'batchUnknown')
    refused(await move('321', { Batch: '' }), 'batchMissing')
    refused(await move('321', { StorageLocation: '999A' }), 'plantUnknown')
    refused(await move('321', { StorageLocation: '' }), 'fieldMissing')
    refused(await move('321', { QuantityInEntryUnit: '0' }), 'quantityInvalid')
    refused(await move('321', { QuantityInEntryUnit: '-1' }), 'quantityInvalid')
    refused(await move('321', { Material: 'BULK', EntryUnit: 'KG' }), 'batchNotManaged')
    refused(await client.post({ GoodsMovementCode: '04', to_MaterialDocumentItem: [] }), 'noItems')
    expect(stock()).toEqual({ '02': '100' })
  })

  test('a document is posted whole or not at all', async () => {
    receive()
    const items = [item('321'), item('321'), item('321')]
    refused(await client.post({ GoodsMovementCode: '04', to_MaterialDocumentItem: items }), 'deficit')
    expect(stock()).toEqual({ '02': '100' })
    expect((await client.post({ GoodsMovementCode: '04', to_MaterialDocumentItem: items.slice(1) })).status).toBe(201)
    expect(stock()).toEqual({ '02': '20', '01': '80' })
  })

  test('the other side of a transfer may be another location, batch or material', async () => {
    erp.people.move({ movementType: '561', material: 'RM-100', batch: 'B-1', quantity: '100' })
    await move('311', { IssuingOrReceivingStorageLoc: '171B' })
    await move('309', { QuantityInEntryUnit: '10', IssgOrRcvgMaterial: 'RM-200', IssgOrRcvgBatch: 'B-1' })
    expect(erp.books.stock('RM-100').map((row) => [row.StorageLocation, row.quantity])).toEqual([
      ['171A', '50'],
      ['171B', '40'],
    ])
    expect(erp.books.usable('RM-200', 'B-1')).toBe('10')
    refused(await move('311'), 'sameBatch')
  })

  test('special stock is kept apart', async () => {
    erp.people.createOrder({ supplier: 'V-8', items: [{ material: 'RM-100', quantity: '100', specialStock: 'K' }] })
    const { number } = erp.books.orders().at(-1) ?? { number: '' }
    erp.people.receive({ order: number, quantity: '10', batch: 'B-1' })
    refused(await move('321', { QuantityInEntryUnit: '1' }), 'deficit')
    const consigned = { InventorySpecialStockType: 'K', Supplier: 'V-8', QuantityInEntryUnit: '4' }
    expect((await move('321', consigned)).status).toBe(201)
    const answer = await client.get(`${STOCK}/A_MatlStkInAcctMod?$filter=Material eq 'RM-100' and InventorySpecialStockType eq 'K'`)
    expect(answer.d.results).toMatchObject([
      { InventoryStockType: '01', Supplier: 'V-8', MatlWrhsStkQtyInMatlBaseUnit: '4' },
      { InventoryStockType: '02', Supplier: 'V-8', MatlWrhsStkQtyInMatlBaseUnit: '6' },
    ])
  })

  test('every piece with a serial number is followed', async () => {
    const serials = ['S1', 'S2', 'S3']
    erp.people.receive({ order: order('PUMP'), quantity: '3', serials })
    const pump = (type: string, given: readonly string[], change: object = {}): Promise<S4Answer> => {
      const to_SerialNumbers = given.map((SerialNumber) => ({ SerialNumber }))
      return move(type, { Material: 'PUMP', Batch: '', QuantityInEntryUnit: '1', to_SerialNumbers, ...change })
    }
    expect((await pump('321', ['s2'])).status).toBe(201)
    refused(await pump('321', ['S2']), 'serialUnknown')
    refused(await pump('321', []), 'serialsWrong')
    const at = await client.get(`${STOCK}/A_MaterialSerialNumber?$filter=Material eq 'PUMP' and InventoryStockType eq '01'`)
    expect(at.d.results).toMatchObject([{ SerialNumber: 'S2' }])
  })
})

test('a restricted batch takes its serial numbers along, place by place', async () => {
  erp.people.createProduct({ product: 'VALVE', serialProfile: '0001' })
  const place = (storageLocation: string, serials: readonly string[]): unknown =>
    erp.people.move({ movementType: '561', material: 'VALVE', batch: 'V-1', quantity: String(serials.length), storageLocation, serials })
  expect([place('171A', ['S1', 'S2']), place('171B', ['S3'])]).toMatchObject([{ ok: true }, { ok: true }])
  expect(erp.people.restrict({ material: 'VALVE', batch: 'V-1' })).toMatchObject({ ok: true })
  const found = await client.get(`${STOCK}/A_MaterialSerialNumber?$filter=Material eq 'VALVE' and InventoryStockType eq '08'`)
  expect(found.d.results.map((row: Record<string, unknown>) => [row['SerialNumber'], row['StorageLocation']])).toEqual([
    ['S1', '171A'],
    ['S2', '171A'],
    ['S3', '171B'],
  ])
})

describe('the fields a caller marks a posting with', () => {
  beforeEach(() => receive())

  test('16 characters of reference and 25 of text fit, one more is refused', async () => {
    const marks = { ReferenceDocument: 'HP-234567ABCDEFG', MaterialDocumentHeaderText: 'x'.repeat(25) }
    expect((await move('321', { QuantityInEntryUnit: '1' }, marks)).status).toBe(201)
    expect((await move('321', {}, { ReferenceDocument: 'HP-234567ABCDEFGH' })).status).toBe(400)
    expect((await move('321', {}, { MaterialDocumentHeaderText: 'x'.repeat(26) })).status).toBe(400)
  })

  test('protect from nothing: asked twice it is posted twice, and both are found', async () => {
    const marks = { ReferenceDocument: 'HP-1' }
    await move('321', {}, marks)
    await move('321', {}, marks)
    expect(stock()).toEqual({ '02': '20', '01': '80' })
    const found = await client.get(
      `${DOCUMENTS}/A_MaterialDocumentHeader?$filter=ReferenceDocument eq 'HP-1'&$expand=to_MaterialDocumentItem`,
    )
    expect(found.d.results.map((header: { MaterialDocument: string }) => header.MaterialDocument)).toEqual(['4900000000', '4900000001'])
    expect(found.d.results[0].to_MaterialDocumentItem.results).toHaveLength(2)
    expect(erp.books.asked().map(({ reference, outcome }) => [reference, outcome])).toEqual([
      ['HP-1', 'posted'],
      ['HP-1', 'posted'],
    ])
  })

  test('a day is a day of the plant: by default its own, and without a time', async () => {
    await runtime.advance(15.5 * 3_600_000)
    const own = await client.post({ GoodsMovementCode: '04', to_MaterialDocumentItem: [item('321', { QuantityInEntryUnit: '1' })] })
    expect(own.d).toMatchObject({
      PostingDate: '/Date(1793664000000)/',
      CreationDate: '/Date(1793664000000)/',
      CreationTime: 'PT00H30M00S',
    })
    const cut = await move('321', { QuantityInEntryUnit: '1' }, { PostingDate: '2026-11-02T17:45:00' })
    expect(cut.d).toMatchObject({ PostingDate: '/Date(1793577600000)/' })
  })

  test('unknown ones are refused', async () => {
    expect((await move('321', { Colour: 'red' })).status).toBe(400)
    expect((await move('321', {}, { Colour: 'red' })).status).toBe(400)
  })
})

describe('reversal', () => {
  const cancel = (number: string, more = ''): Promise<S4Answer> =>
    client.send(`POST ${DOCUMENTS}/Cancel?MaterialDocumentYear='2026'&MaterialDocument='${number}'${more}`, null)

  test('posts the opposite document, marks the original, and is done once', async () => {
    receive()
    const { d } = await move('321')
    const answer = await cancel(d.MaterialDocument, "&PostingDate=datetime'2026-11-02T00:00:00'")
    expect(answer).toMatchObject({ status: 200, d: { MaterialDocument: '4900000001' } })
    expect(stock()).toEqual({ '02': '100' })
    const items = await client.get(`${DOCUMENTS}/A_MaterialDocumentItem?$filter=Batch eq 'B-1' and GoodsMovementType ne '101'`)
    expect(
      items.d.results.map((entity: Record<string, unknown>) => [
        entity['GoodsMovementType'],
        entity['InventoryStockType'],
        entity['DebitCreditCode'],
        entity['GoodsMovementIsCancelled'],
        entity['ReversedMaterialDocument'],
      ]),
    ).toEqual([
      ['321', '02', 'H', true, ''],
      ['321', '01', 'S', true, ''],
      ['322', '02', 'S', false, '4900000000'],
      ['322', '01', 'H', false, '4900000000'],
    ])
    refused(await cancel(d.MaterialDocument), 'alreadyCancelled')
    refused(await cancel('4900000001'), 'notReversible')
    refused(await cancel('4999999999'), 'documentUnknown')
  })

  test('of one item leaves the others', async () => {
    receive()
    const items = [item('321', { QuantityInEntryUnit: '10' }), item('350', { QuantityInEntryUnit: '20' })]
    const { d } = await client.post({ GoodsMovementCode: '04', to_MaterialDocumentItem: items })
    expect(d.to_MaterialDocumentItem.results).toHaveLength(4)
    const path = `POST ${DOCUMENTS}/CancelItem?MaterialDocumentYear='2026'&MaterialDocument='${d.MaterialDocument}'&MaterialDocumentItem='0003'`
    expect(await client.send(path, null)).toMatchObject({ status: 200, d: { GoodsMovementType: '349' } })
    expect(stock()).toEqual({ '02': '90', '01': '10' })
    expect((await cancel(d.MaterialDocument)).status).toBe(200)
    expect(stock()).toEqual({ '02': '100' })
  })

  test('of a receipt gives the order its quantity back, and needs the stock where it landed', async () => {
    receive('60')
    const [document] = erp.books.documents()
    await move('321', { QuantityInEntryUnit: '1' })
    refused(await cancel(document?.number ?? ''), 'deficit')
    await move('322', { QuantityInEntryUnit: '1' })
    expect((await cancel(document?.number ?? '')).status).toBe(200)
    expect(stock()).toEqual({})
    expect(erp.books.orders()[0]?.items[0]?.received).toBe('0')
  })
})

describe('what puts a posting off', () => {
  beforeEach(() => receive())

  test('a closed period, by its posting date', async () => {
    erp.people.closePeriod({})
    refused(await move('321'), 'periodClosed')
    expect((await move('321', {}, { PostingDate: '/Date(1793404800000)/' })).status).toBe(201)
    refused(await move('321', {}, { PostingDate: '/Date(1796083200000)/' }), 'periodClosed')
    refused(await move('321', {}, { PostingDate: '/Date(1790726400000)/' }), 'periodClosed')
    expect(erp.people.move({ movementType: '321', material: 'RM-100', batch: 'B-1', quantity: '1' }).ok).toBe(false)
    erp.people.openPeriod({})
    expect((await move('321')).status).toBe(201)
  })

  test('a user who has the material open, for a while', async () => {
    erp.people.lock({ material: 'RM-100', ms: 30_000, by: 'MUELLER' })
    const answer = await move('321')
    refused(answer, 'materialLocked')
    expect(answer.text).toContain('locked by the user MUELLER')
    expect(erp.people.move({ movementType: '321', material: 'RM-100', batch: 'B-1', quantity: '1', by: 'MUELLER' }).ok).toBe(true)
    await runtime.advance(30_000)
    expect((await move('321')).status).toBe(201)
  })

  test('a stock count, for what is counted', async () => {
    const count = erp.people.openCount({ plant: '1710', storageLocation: '171A', material: 'RM-100', batch: 'B-1' })
    refused(await move('321'), 'countOpen')
    erp.people.receive({ order: order(), quantity: '10', batch: 'B-2' })
    expect((await move('321', { Batch: 'B-2', QuantityInEntryUnit: '10' })).status).toBe(201)
    const path = '/sap/opu/odata/sap/API_PHYSICAL_INVENTORY_DOC_SRV/A_PhysInventoryDocHeader?$expand=to_PhysicalInventoryDocumentItem'
    expect((await client.get(path)).d.results).toMatchObject([
      {
        PostingIsBlockedForPhysInvtry: true,
        to_PhysicalInventoryDocumentItem: { results: [{ Batch: 'B-1', BookQtyBfrCountInMatlBaseUnit: '100' }] },
      },
    ])
    erp.people.closeCount({ number: count.ok ? count.number : '', counted: { '1': '97' } })
    expect(stock()).toEqual({ '02': '97' })
    expect(erp.people.closeCount({ number: count.ok ? count.number : '', counted: { '1': '90' } })).toMatchObject({
      code: codeOf('countPosted'),
    })
    expect((await move('321')).status).toBe(201)
    expect(erp.books.documents().map(({ items }) => items[0]?.['GoodsMovementType'])).toContain('704')
  })

  test('a stock count over the interface goes the same way', async () => {
    const root = '/sap/opu/odata/sap/API_PHYSICAL_INVENTORY_DOC_SRV'
    const opened = await client.send(`POST ${root}/A_PhysInventoryDocHeader`, {
      Plant: '1710',
      StorageLocation: '171A',
      PostingIsBlockedForPhysInvtry: true,
      to_PhysicalInventoryDocumentItem: [{ Material: 'RM-100', Batch: 'B-1', PhysicalInventoryStockType: '2' }],
    })
    expect(opened).toMatchObject({
      status: 201,
      d: { to_PhysicalInventoryDocumentItem: { results: [{ BookQtyBfrCountInMatlBaseUnit: '100' }] } },
    })
    const number = opened.d.PhysicalInventoryDocument
    const post = (): Promise<S4Answer> =>
      client.send(`POST ${root}/PostDifferences?FiscalYear='2026'&PhysicalInventoryDocument='${number}'`, null)
    refused(await move('321'), 'countOpen')
    refused(await post(), 'notCounted')
    const item = `${root}/A_PhysInventoryDocItem(FiscalYear='2026',PhysicalInventoryDocument='${number}',PhysicalInventoryDocumentItem='001')`
    expect((await client.send(`PATCH ${item}`, { QuantityInUnitOfEntry: '10.1', UnitOfEntry: 'CAR' })).status).toBe(204)
    expect(await post()).toMatchObject({ status: 200, d: { PhysInvtryAdjustmentPostingSts: 'X' } })
    expect(stock()).toEqual({ '02': '101' })
    refused(await post(), 'countPosted')
  })

  test('a location that EWM manages: only the warehouse itself may post there', async () => {
    erp.people.move({ movementType: '563', material: 'RM-100', batch: 'B-1', quantity: '5', storageLocation: '171E', ewm: true })
    const answer = await move('321', { StorageLocation: '171E', QuantityInEntryUnit: '5' })
    refused(answer, 'ewmManaged')
    expect(answer.text).toContain('EWM warehouse W171')
    expect(
      erp.people.move({ movementType: '321', material: 'RM-100', batch: 'B-1', quantity: '5', storageLocation: '171E', ewm: true }).ok,
    ).toBe(true)
  })
})

describe('reading', () => {
  test('stock is shown by bucket, empty buckets too', async () => {
    receive()
    await move('321', { QuantityInEntryUnit: '100' })
    const answer = await client.get(
      `${STOCK}/A_MatlStkInAcctMod?$filter=Material eq 'RM-100' and Batch eq 'B-1'&$select=InventoryStockType,MatlWrhsStkQtyInMatlBaseUnit`,
    )
    expect(answer.d.results).toMatchObject([
      { InventoryStockType: '01', MatlWrhsStkQtyInMatlBaseUnit: '100' },
      { InventoryStockType: '02', MatlWrhsStkQtyInMatlBaseUnit: '0' },
    ])
    const whole = await client.get(`${STOCK}/A_MaterialStock('RM-100')?$expand=to_MatlStkInAcctMod`)
    expect(whole.d).toMatchObject({ MaterialBaseUnit: 'PC', to_MatlStkInAcctMod: { results: [{ Batch: 'B-1' }, { Batch: 'B-1' }] } })
  })

  test('documents are found by creation date and time, and by their items', async () => {
    receive()
    await runtime.advance(3_600_000)
    await move('321')
    const later = await client.get(
      `${DOCUMENTS}/A_MaterialDocumentHeader?$filter=CreationDate ge datetime'2026-11-02T00:00:00' and CreationTime ge time'PT10H00M00S'&$orderby=MaterialDocument desc`,
    )
    expect(later.d.results).toMatchObject([{ MaterialDocument: '4900000000', CreationTime: 'PT10H00M00S' }])
    const one = await client.get(
      `${DOCUMENTS}/A_MaterialDocumentItem(MaterialDocumentYear='2026',MaterialDocument='5000000000',MaterialDocumentItem='0001')/to_MaterialDocumentHeader`,
    )
    expect(one.d).toMatchObject({ MaterialDocument: '5000000000' })
  })

  test('products, plants and orders', async () => {
    const product = await client.get(`/sap/opu/odata/sap/API_PRODUCT_SRV/A_Product('RM-100')?$expand=to_Plant`)
    expect(product.d).toMatchObject({
      IsBatchManagementRequired: true,
      QltyMgmtInProcmtIsActive: false,
      to_Plant: { results: [{ Plant: '1710' }, { Plant: '1720' }] },
    })
    const number = order('RM-200', '')
    const items = await client.get(`/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrder('${number}')/to_PurchaseOrderItem`)
    expect(items.d.results).toMatchObject([{ PurchaseOrderItem: '10', StockType: '', OrderQuantity: '100', IsCompletelyDelivered: false }])
  })
})
