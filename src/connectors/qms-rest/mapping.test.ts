import { describe, expect, test } from 'vitest'
import { checkEvent } from '../../model/schema.ts'
import { identify, mappingSettings, revisionOf, toCancel, toModel, toRecordObservation, toUpsert } from './mapping.ts'
import { DEFAULT_SCHEMA, qmsSchema } from './schema.ts'

const SETTINGS = mappingSettings('qms-1', DEFAULT_SCHEMA)
const KEY = 'erp-1:receipt:5#10#erp-1:batch:RM-100/B-1'

const SIGNATURE = {
  user: 'QUINN',
  printed_name: 'Quinn Engel',
  meaning: 'approval',
  signed_at: '2026-11-02T09:00:01Z',
  record_hash: 'abc',
}
/** As the QMS shows it, what is of no use to us left out. */
const SIGNED = {
  id: 'V5I000000000017',
  number: 'INS-000017',
  external_id: KEY,
  reference: 'HPREF',
  version: 5,
  status: 'signed',
  decision: {
    number: 'UD-000004',
    decided_by: 'QUINN',
    decided_at: '2026-11-02T09:00:00Z',
    lines: [
      { line: 1, outcome: 'accepted', quantity: '900.125', unit: 'PC', portion: { kind: 'remainder', except: ['HU-1', 'HU-2'] } },
      { line: 2, outcome: 'rejected', quantity: '0080', unit: 'KG', portion: { kind: 'carriers', carriers: ['HU-1', 'HU-2'] } },
      { line: 3, outcome: 'quarantined', quantity: '20', unit: 'PC', portion: null, condition: null },
    ],
    signature: SIGNATURE as object | null,
  },
  modified_at: '2026-11-02T09:00:01Z',
}
const UNSIGNED = { ...SIGNED, version: 4, status: 'decided', decision: { ...SIGNED.decision, signature: null } }
const CREATED = { ...SIGNED, version: 1, status: 'created', decision: null }
const ALL = { line: 1, outcome: 'accepted', quantity: '1', unit: 'PC', portion: { kind: 'lot' } }

const withLines = (...lines: object[]) => ({ ...SIGNED, decision: { ...SIGNED.decision, lines } })

describe('an inspection', () => {
  test.each([
    ['bare', SIGNED],
    ['in CloudEvents', { specversion: '1.0', source: 'qms-1', data: SIGNED }],
  ])('decided and signed, %s, becomes inspection.changed with its lines', (_, item) => {
    const mapped = toModel(SETTINGS, item)
    expect(mapped).toEqual({
      ok: true,
      events: [
        {
          type: 'holdpoint.inspection.changed.v1',
          subject: 'qms-1:inspection:INS-000017',
          source: { instance: 'qms-1', record: 'inspection/INS-000017', version: '5' },
          occurredAt: '2026-11-02T09:00:01.000Z',
          data: {
            inspection: 'qms-1:inspection:INS-000017',
            inspectionKey: KEY,
            qms: 'qms-1',
            status: 'decided',
            decision: {
              decision: 'qms-1:decision:UD-000004',
              decidedBy: 'QUINN',
              decidedAt: '2026-11-02T09:00:00.000Z',
              lines: [
                {
                  line: 1,
                  outcome: 'accepted',
                  quantity: { value: '900.125', uom: 'C62' },
                  portion: { kind: 'remainder', except: ['HU-1', 'HU-2'] },
                },
                {
                  line: 2,
                  outcome: 'rejected',
                  quantity: { value: '80', uom: 'KGM' },
                  portion: { kind: 'carriers', carriers: ['HU-1', 'HU-2'] },
                },
                { line: 3, outcome: 'quarantined', quantity: { value: '20', uom: 'C62' }, portion: null },
              ],
            },
          },
        },
      ],
    })
    if (mapped.ok) for (const { type, data } of mapped.events) expect(checkEvent(type, data)).toEqual({ ok: true })
  })

  test.each([
    ['nobody', UNSIGNED],
    ['nobody, whatever its status says', { ...UNSIGNED, status: 'signed' }],
    ['an empty signature', { ...SIGNED, decision: { ...SIGNED.decision, signature: {} } }],
    ['nobody, on lines that nobody understands', { ...UNSIGNED, decision: { ...UNSIGNED.decision, lines: [{ outcome: 'maybe' }] } }],
  ])('decided and signed by %s is still in progress', (_, item) => {
    expect(toModel(SETTINGS, item)).toMatchObject({ ok: true, events: [{ data: { status: 'inProgress', decision: null } }] })
    expect(toRecordObservation(SETTINGS, [item])).toMatchObject({
      value: { records: [{ status: 'inProgress', open: true, decided: false }] },
    })
  })

  test.each([
    ['created', 'created'],
    ['in_progress', 'inProgress'],
    ['results_complete', 'inProgress'],
    ['reopened', 'reopened'],
    ['cancelled', 'cancelled'],
  ])('%s is %s and decides nothing', (status, ours) => {
    expect(toModel(SETTINGS, { ...CREATED, status })).toMatchObject({ ok: true, events: [{ data: { status: ours, decision: null } }] })
  })

  test('counts its versions', () => {
    expect(identify(SETTINGS, SIGNED)).toEqual({
      ok: true,
      identity: { kind: 'versioned', record: 'inspection/INS-000017', version: '5', compare: 'integer' },
      lane: 'safety',
      occurredAt: '2026-11-02T09:00:01.000Z',
    })
  })

  test.each([
    ['pure acceptance', withLines(ALL), 'normal'],
    ['anything but acceptance', withLines(ALL, { ...ALL, outcome: 'rejected' }), 'safety'],
    ['an outcome nobody knows', withLines({ ...ALL, outcome: 'conditional' }), 'safety'],
    ['a decision that is not signed', UNSIGNED, 'normal'],
    ['a decision taken back', { ...CREATED, status: 'reopened' }, 'safety'],
    ['a cancellation', { ...CREATED, status: 'cancelled' }, 'safety'],
    ['a start', { ...CREATED, status: 'in_progress' }, 'normal'],
  ])('with %s travels in its lane', (_, item, lane) => {
    expect(identify(SETTINGS, item)).toMatchObject({ ok: true, lane })
  })

  test('without an external id tells nothing, and asks when it is decided', () => {
    expect(toModel(SETTINGS, { ...CREATED, external_id: null })).toEqual({ ok: true, events: [] })
    expect(toModel(SETTINGS, { ...UNSIGNED, external_id: null })).toEqual({ ok: true, events: [] })
    expect(toModel(SETTINGS, { ...SIGNED, external_id: null })).toMatchObject({ ok: false, code: 'decision.unmatched' })
  })

  test('named in a thin notice is not an inspection: it must be read', () => {
    const notice = { type: 'inspection.signed', timestamp: SIGNED.modified_at, data: { object: 'inspection', id: SIGNED.id, version: 5 } }
    expect(identify(SETTINGS, notice)).toMatchObject({ ok: false })
    expect(toModel(SETTINGS, notice)).toMatchObject({ ok: false })
  })
})

test.each<[string, object, object]>([
  ['a conditional line', withLines({ ...ALL, outcome: 'conditional' }), { code: 'mapping.failed', causeGroup: 'outcome:conditional' }],
  ['an outcome', withLines(ALL, { ...ALL, outcome: 'MAYBE' }), { code: 'mapping.failed', causeGroup: 'outcome:MAYBE' }],
  ['a unit', withLines({ ...ALL, unit: 'XBX' }), { code: 'mapping.failed', causeGroup: 'unit:XBX' }],
  ['a portion', withLines({ ...ALL, portion: { kind: 'some' } }), { code: 'mapping.failed', causeGroup: 'portion:some' }],
  ['a status', { ...CREATED, status: 'lost' }, { code: 'mapping.failed', causeGroup: 'status:lost' }],
  ['a version', { ...CREATED, version: '3' }, { code: 'input.malformed', causeGroup: 'field:version' }],
  ['a number where a decimal text is due', withLines({ ...ALL, quantity: 0.1 }), { code: 'input.malformed', causeGroup: 'field:quantity' }],
])('%s that is not understood fails and says which fix would cure it', (_, item, failure) => {
  expect(toModel(SETTINGS, item)).toMatchObject({ ok: false, ...failure })
})

describe('records as read', () => {
  test('show what may still go on with them', () => {
    const seen = { id: 'qms-1:inspection:INS-000017', key: KEY, reference: 'HPREF' }
    const records = [SIGNED, { ...CREATED, status: 'reopened', version: 6, reference: null }, { ...CREATED, status: 'cancelled' }]
    expect(toRecordObservation(SETTINGS, records)).toEqual({
      ok: true,
      value: {
        kind: 'record',
        records: [
          { ...seen, version: '5', status: 'decided', open: false, decided: true },
          { ...seen, version: '6', status: 'reopened', open: true, decided: false, reference: null },
          { ...seen, version: '1', status: 'cancelled', open: false, decided: false },
        ],
      },
    })
  })

  test('name the one that a cancellation can mean', () => {
    const other = { ...CREATED, id: 'V5I000000000018', version: 2 }
    const cancelled = { ...other, status: 'cancelled' }
    expect(revisionOf(SETTINGS, [SIGNED])).toEqual({ id: SIGNED.id, version: 5 })
    expect(revisionOf(SETTINGS, [CREATED, cancelled])).toEqual({ id: CREATED.id, version: 1 })
    expect(revisionOf(SETTINGS, [CREATED, other])).toBeNull()
    expect(revisionOf(SETTINGS, [])).toBeNull()
  })
})

describe('a creation', () => {
  const fields = {
    item: 'erp-1:item:RM-100',
    lot: 'erp-1:batch:RM-100/1010/B%2F4711',
    quantity: '100',
    uom: 'KGM',
    supplier: 'erp-1:supplier:V-1',
    receipt: 'erp-1:receipt:5000001',
    line: '10',
    site: 'P1',
  }
  const upsert = (change: object, settings = SETTINGS) =>
    toUpsert(settings, { reference: 'HPREF', action: { type: 'createRecord', key: KEY, fields: { ...fields, ...change } } })

  test("speaks the QMS's words", () => {
    expect(upsert({ other: 'what the table does not name is not sent' })).toEqual({
      ok: true,
      value: {
        external_id: KEY,
        reference: 'HPREF',
        item: 'RM-100',
        lot: 'B/4711',
        lot_quantity: '100',
        unit: 'KG',
        supplier: 'V-1',
        receipt: '5000001',
        receipt_line: '10',
        site: 'P1',
      },
    })
    expect(upsert({ lot: 'erp-1:serial:PUMP-7/00012' })).toMatchObject({ value: { lot: '00012' } })
    expect(upsert({ lot: 'erp-1:receiptLine:5000001/10' })).toMatchObject({ value: { lot: '5000001/10' } })
  })

  test('of a unit that no table knows fails', () => {
    expect(upsert({ uom: 'XBX' })).toMatchObject({ ok: false, code: 'mapping.failed', causeGroup: 'unit:XBX' })
  })

  test('and the reading of it follow the tables of the installation', () => {
    const settings = mappingSettings(
      'qms-1',
      qmsSchema({
        fields: { inspection: { externalId: 'ext__c', status: 'state__c' }, line: { quantity: 'qty__c' } },
        create: { lot: { field: 'lot__c', form: 'text' } },
        constants: { category: 'receiving' },
        statuses: { done: 'decided' },
        outcomes: { ok: 'accepted' },
        units: { EA: 'C62' },
      }),
    )
    expect(upsert({ uom: 'C62' }, settings)).toMatchObject({
      value: { ext__c: KEY, lot__c: fields.lot, category: 'receiving', unit: 'EA', item: 'RM-100' },
    })
    const lines = [{ line: 1, outcome: 'ok', qty__c: '7', unit: 'PC', portion: null }]
    const native = { ...SIGNED, ext__c: KEY, state__c: 'done', decision: { ...SIGNED.decision, lines } }
    expect(toModel(settings, native)).toMatchObject({
      events: [{ data: { inspectionKey: KEY, decision: { lines: [{ outcome: 'accepted', quantity: { value: '7', uom: 'C62' } }] } } }],
    })
  })
})

test('an action that belongs to another resource has no request', () => {
  const reference = 'HPREF'
  expect(toCancel({ reference, action: { type: 'cancelRecord', key: KEY } })).toEqual({ ok: true, value: { key: KEY } })
  expect(toUpsert(SETTINGS, { reference, action: { type: 'cancelRecord', key: KEY } })).toMatchObject({ causeGroup: 'action:cancelRecord' })
  expect(toCancel({ reference, action: { type: 'createRecord', key: KEY, fields: {} } })).toMatchObject({
    ok: false,
    code: 'mapping.failed',
  })
})
