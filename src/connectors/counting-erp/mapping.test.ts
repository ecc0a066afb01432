import { describe, expect, test } from 'vitest'
import type { Action, BucketRef } from '../../model/goal.ts'
import { checkEvent } from '../../model/schema.ts'
import { fromModel, identify, mappingSettings, toModel, toStockObservation } from './mapping.ts'

const SETTINGS = mappingSettings('erp-1', {})

/** As the ERP sends it: CloudEvents around a record. */
const RECEIPT = {
  specversion: '1.0',
  id: 'erp-1-1',
  source: 'erp-1',
  type: 'countingErp.goodsReceipt.posted',
  subject: '5000000001',
  time: '2026-11-02T08:00:00.000Z',
  datacontenttype: 'application/json',
  data: {
    kind: 'goodsReceipt',
    number: '5000000001',
    plant: 'P1',
    vendor: 'V-7',
    postedBy: 'receiver',
    postedAt: '2026-11-02T09:00:00+01:00',
    lines: [
      {
        line: '10',
        material: 'RM/100',
        quantity: '1000.5',
        unit: 'KG',
        inspection: 'yes',
        batches: [
          { batch: 'B-1', vendorBatch: 'S-77', quantity: '920.5', storageLocation: '0001', stock: 'QI', owner: '' },
          { batch: 'B-2', vendorBatch: null, quantity: '80', storageLocation: '0002', stock: 'BLK', owner: 'K' },
        ],
      },
      {
        line: '20',
        material: 'BULK',
        quantity: '3',
        unit: 'PC',
        inspection: 'unknown',
        batches: [{ batch: null, vendorBatch: null, quantity: '3', storageLocation: '0001', stock: 'QI', owner: '' }],
      },
    ],
  },
}

const REVERSAL = {
  kind: 'receiptReversal',
  number: '5000000002',
  receipt: '5000000001',
  plant: 'P1',
  postedBy: 'receiver',
  postedAt: '2026-11-02T08:05:00.000Z',
  lines: [
    { line: '10', material: 'RM/100', batch: 'B-1', quantity: '20.5', unit: 'KG' },
    { line: '10', material: 'RM/100', batch: 'B-2', quantity: '80', unit: 'KG' },
    { line: '20', material: 'BULK', batch: null, quantity: '3', unit: 'PC' },
  ],
}

const PLACE = { plant: 'P1', storageLocation: '0001', carrier: 'HU-1', stock: 'QI', owner: '' }
const MOVEMENT = {
  kind: 'movement',
  number: '4900000001',
  lot: 'batch:RM-100/B-1',
  material: 'RM-100',
  batch: 'B-1',
  reference: 'HPABCDEFGHIJKLMN',
  from: PLACE,
  to: { ...PLACE, stock: 'UNR' },
  quantity: '40',
  unit: 'PC',
  postedBy: 'INTERFACE',
  postedAt: '2026-11-02T08:10:00.000Z',
  reverses: null,
}

const kg = (value: string) => ({ value, uom: 'KGM' })

/** Maps, and has the engine's own contract check agree. */
function eventsOf(item: unknown) {
  const mapped = toModel(SETTINGS, item)
  if (!mapped.ok) throw new Error(mapped.detail)
  for (const { type, data } of mapped.events) expect(checkEvent(type, data)).toEqual({ ok: true })
  return mapped.events
}

describe('a goods receipt', () => {
  test('becomes receipt.posted', () => {
    expect(eventsOf(RECEIPT)).toEqual([
      {
        type: 'holdpoint.receipt.posted.v1',
        subject: 'erp-1:receipt:5000000001',
        source: { instance: 'erp-1', record: 'receipt/5000000001', version: null },
        occurredAt: '2026-11-02T08:00:00.000Z',
        data: {
          receipt: 'erp-1:receipt:5000000001',
          documentType: 'purchase',
          supplier: 'erp-1:supplier:V-7',
          site: 'P1',
          erp: 'erp-1',
          lines: [
            {
              lineNumber: '10',
              item: 'erp-1:item:RM/100',
              quantity: kg('1000.5'),
              inspectionRequired: 'required',
              lots: [
                {
                  lot: 'erp-1:batch:RM%2F100/B-1',
                  quantity: kg('920.5'),
                  location: '0001',
                  stockType: 'qualityInspection',
                  specialStock: 'own',
                  supplierLot: 'S-77',
                },
                {
                  lot: 'erp-1:batch:RM%2F100/B-2',
                  quantity: kg('80'),
                  location: '0002',
                  stockType: 'blocked',
                  specialStock: 'supplierConsignment',
                },
              ],
            },
            {
              lineNumber: '20',
              item: 'erp-1:item:BULK',
              quantity: { value: '3', uom: 'C62' },
              inspectionRequired: 'unknown',
              lots: [
                {
                  lot: 'erp-1:receiptLine:5000000001/20',
                  quantity: { value: '3', uom: 'C62' },
                  location: '0001',
                  stockType: 'qualityInspection',
                  specialStock: 'own',
                },
              ],
            },
          ],
        },
      },
    ])
  })

  test('is the same whether it was pushed or asked for', () => {
    expect(toModel(SETTINGS, RECEIPT.data)).toEqual(toModel(SETTINGS, RECEIPT))
    expect(identify(RECEIPT.data)).toEqual(identify(RECEIPT))
  })

  test('is immutable; one that lands unrestricted travels with the holds', () => {
    expect(identify(RECEIPT)).toEqual({
      ok: true,
      identity: { kind: 'immutable', record: 'receipt/5000000001' },
      lane: 'critical',
      occurredAt: '2026-11-02T08:00:00.000Z',
    })
    const badly = JSON.parse(JSON.stringify(RECEIPT).replace('"QI"', '"UNR"')) as unknown
    expect(identify(badly)).toMatchObject({ lane: 'safety' })
  })
})

test('a reversal becomes receipt.reversed, its parts under their lines', () => {
  expect(identify(REVERSAL)).toMatchObject({ identity: { kind: 'immutable', record: 'receiptReversal/5000000002' }, lane: 'normal' })
  expect(eventsOf(REVERSAL)).toEqual([
    {
      type: 'holdpoint.receipt.reversed.v1',
      subject: 'erp-1:receipt:5000000001',
      source: { instance: 'erp-1', record: 'receiptReversal/5000000002', version: null },
      occurredAt: '2026-11-02T08:05:00.000Z',
      data: {
        receipt: 'erp-1:receipt:5000000001',
        reversal: 'erp-1:receiptReversal:5000000002',
        site: 'P1',
        erp: 'erp-1',
        lines: [
          {
            lineNumber: '10',
            lots: [
              { lot: 'erp-1:batch:RM%2F100/B-1', quantity: kg('20.5') },
              { lot: 'erp-1:batch:RM%2F100/B-2', quantity: kg('80') },
            ],
          },
          { lineNumber: '20', lots: [{ lot: 'erp-1:receiptLine:5000000001/20', quantity: { value: '3', uom: 'C62' } }] },
        ],
      },
    },
  ])
})

describe('a movement', () => {
  test('becomes inventory.moved', () => {
    expect(identify(MOVEMENT)).toMatchObject({ identity: { kind: 'immutable', record: 'movement/4900000001' }, lane: 'safety' })
    expect(eventsOf(MOVEMENT)).toEqual([
      {
        type: 'holdpoint.inventory.moved.v1',
        subject: 'erp-1:batch:RM-100/B-1',
        source: { instance: 'erp-1', record: 'movement/4900000001', version: null },
        occurredAt: '2026-11-02T08:10:00.000Z',
        data: {
          erp: 'erp-1',
          lot: 'erp-1:batch:RM-100/B-1',
          document: '4900000001',
          reference: 'HPABCDEFGHIJKLMN',
          from: 'qualityInspection',
          to: 'unrestricted',
          quantity: { value: '40', uom: 'C62' },
          by: 'INTERFACE',
        },
      },
    ])
  })

  test('out of stock goes nowhere, and restricting ones need no hurry', () => {
    expect(eventsOf({ ...MOVEMENT, to: null, reference: null })[0]?.data).toMatchObject({ to: null, reference: null })
    expect(identify({ ...MOVEMENT, to: { ...PLACE, stock: 'BLK' } })).toMatchObject({ lane: 'normal' })
  })
})

describe('what is not understood', () => {
  const line = RECEIPT.data.lines[0]
  test.each<[string, unknown, object]>([
    ['a unit', { ...MOVEMENT, unit: 'XBX' }, { code: 'mapping.failed', causeGroup: 'unit:XBX' }],
    ['a stock type', { ...MOVEMENT, to: { ...PLACE, stock: 'ZZ' } }, { code: 'mapping.failed', causeGroup: 'stock:ZZ' }],
    ['a record', { ...MOVEMENT, kind: 'invoice' }, { code: 'mapping.failed', causeGroup: 'record:invoice' }],
    [
      'a relevance',
      { ...RECEIPT.data, lines: [{ ...line, inspection: 'maybe' }] },
      { code: 'mapping.failed', causeGroup: 'inspection:maybe' },
    ],
    ['a missing field', { ...MOVEMENT, postedBy: undefined }, { code: 'input.malformed', causeGroup: 'field:postedBy' }],
    ['a time', { ...MOVEMENT, postedAt: 'yesterday' }, { code: 'input.malformed', causeGroup: 'field:postedAt' }],
    ['no object', 17, { code: 'input.malformed' }],
    ['an envelope without data', { specversion: '1.0' }, { code: 'input.malformed', causeGroup: 'field:data' }],
  ])('%s fails and says which fix would cure it', (_, item, failure) => {
    expect(toModel(SETTINGS, item)).toMatchObject({ ok: false, ...failure })
  })

  test('is understood once the table has it', () => {
    const mapped = toModel(mappingSettings('erp-1', { XBX: 'XBX' }), { ...MOVEMENT, unit: 'XBX' })
    expect(mapped).toMatchObject({ ok: true, events: [{ data: { quantity: { value: '40', uom: 'XBX' } } }] })
  })

  test('is identified all the same, so that what comes after it waits behind it', () => {
    expect(identify({ ...MOVEMENT, unit: 'XBX' })).toMatchObject({ ok: true })
    expect(identify({ ...MOVEMENT, number: 5 })).toMatchObject({ ok: false, code: 'input.malformed' })
  })
})

const BUCKET: BucketRef = { site: 'P1', location: '0001', carrier: 'HU-1', stockType: 'qualityInspection', specialStock: 'customerOwned' }

describe('an action', () => {
  test('to move becomes a posting', () => {
    const action: Action = {
      type: 'move',
      lot: 'erp-1:batch:RM-100/B-1',
      from: BUCKET,
      to: 'unrestricted',
      quantity: kg('12.5'),
      decidedBy: 'UD-1 ines',
    }
    expect(fromModel(SETTINGS, { reference: 'HPREF', action })).toEqual({
      ok: true,
      value: {
        type: 'posting',
        reference: 'HPREF',
        lot: 'batch:RM-100/B-1',
        from: { plant: 'P1', storageLocation: '0001', carrier: 'HU-1', stock: 'QI', owner: 'B' },
        to: 'UNR',
        quantity: '12.5',
        unit: 'KG',
        text: 'UD-1 ines',
      },
    })
  })

  test.each([
    ['restrict', 'restriction'],
    ['unrestrict', 'restrictionEnd'],
  ] as const)('to %s becomes a %s', (type, vendor) => {
    expect(fromModel(SETTINGS, { reference: 'HPREF', action: { type, lot: 'erp-1:batch:RM-100/B-1', rung: 1 } })).toEqual({
      ok: true,
      value: { type: vendor, reference: 'HPREF', lot: 'batch:RM-100/B-1' },
    })
  })

  test.each<[string, Action, string]>([
    ['a rung there is not', { type: 'restrict', lot: 'erp-1:batch:RM-100/B-1', rung: 2 }, 'rung:2'],
    ['a foreign lot', { type: 'restrict', lot: 'erp-2:batch:RM-100/B-1', rung: 1 }, 'lot:erp-2:batch:RM-100/B-1'],
    ['a record', { type: 'cancelRecord', key: 'k' }, 'action:cancelRecord'],
  ])('on %s has no request', (_, action, causeGroup) => {
    expect(fromModel(SETTINGS, { reference: 'HPREF', action })).toMatchObject({ ok: false, code: 'mapping.failed', causeGroup })
  })
})

describe('a lot as read', () => {
  const native = {
    lot: 'batch:RM-100/B-1',
    known: true,
    material: 'RM-100',
    batch: 'B-1',
    unit: 'PC',
    etag: '7',
    restricted: { reference: 'HPREF', by: 'INTERFACE', at: '2026-11-02T08:10:00.000Z' },
    buckets: [{ ...PLACE, owner: 'B', locationKind: 'TRANSIT', quantity: '5', unit: 'PC', available: false }],
    documents: [
      { ...MOVEMENT, text: '', kind: undefined },
      { ...MOVEMENT, number: '4900000002', reference: null, from: MOVEMENT.to, to: null, reverses: '4900000001' },
    ],
  }

  test('shows buckets, documents and restrictions', () => {
    const place = { site: 'P1', location: '0001', carrier: 'HU-1', stockType: 'qualityInspection', specialStock: 'own' }
    const document = {
      number: '4900000001',
      reference: 'HPABCDEFGHIJKLMN',
      from: place,
      to: { ...place, stockType: 'unrestricted' },
      quantity: { value: '40', uom: 'C62' },
      by: 'INTERFACE',
      at: '2026-11-02T08:10:00.000Z',
      reverses: null,
    }
    expect(toStockObservation(SETTINGS, native)).toEqual({
      ok: true,
      value: {
        kind: 'stock',
        known: true,
        buckets: [{ ...BUCKET, whereabouts: 'inTransit', quantity: { value: '5', uom: 'C62' }, usable: false }],
        documents: [document, { ...document, number: '4900000002', reference: null, from: document.to, to: null, reverses: '4900000001' }],
        restrictions: [{ rung: 1, reference: 'HPREF', by: 'INTERFACE' }],
      },
    })
  })

  test('with a code nobody knows is not read at all', () => {
    const strange = { ...native, buckets: [{ ...native.buckets[0], stock: 'ZZ' }] }
    expect(toStockObservation(SETTINGS, strange)).toMatchObject({ ok: false, causeGroup: 'stock:ZZ' })
  })
})
