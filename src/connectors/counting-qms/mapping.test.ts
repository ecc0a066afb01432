import { describe, expect, test } from 'vitest'
import { checkEvent } from '../../model/schema.ts'
import { identify, mappingSettings, toCancel, toCreate, toModel, toRecordObservation } from './mapping.ts'

const SETTINGS = mappingSettings('qms-1', {})
const KEY = 'erp-1:receipt:5#10#erp-1:batch:RM-100/B-1'

/** As the QMS shows it; a notice puts CloudEvents around it. */
const DECIDED = {
  kind: 'inspection',
  number: 'QI-17',
  externalKey: KEY,
  reference: 'HPREF',
  version: 3,
  status: 'DECIDED',
  attributes: { lot: 'B-1' },
  decision: {
    number: 'UD-4',
    by: 'ines',
    at: '2026-11-02T09:00:00.000Z',
    lines: [
      { line: 1, usage: 'ACCEPT', quantity: '900', unit: 'PC', portion: { part: 'REST', except: ['HU-1', 'HU-2'] } },
      { line: 2, usage: 'REJECT', quantity: '80', unit: 'PC', portion: { part: 'CARRIERS', carriers: ['HU-1', 'HU-2'] } },
      { line: 3, usage: 'QUARANTINE', quantity: '20', unit: 'PC', portion: null },
    ],
  },
  changedBy: 'ines',
  changedAt: '2026-11-02T09:00:01.000Z',
}
const CREATED = { ...DECIDED, version: 1, status: 'CREATED', decision: null }
const ALL = { line: 1, usage: 'ACCEPT', quantity: '1', unit: 'PC', portion: { part: 'ALL' } }

const withLines = (...lines: object[]) => ({ ...DECIDED, decision: { ...DECIDED.decision, lines } })
const pcs = (value: string) => ({ value, uom: 'C62' })

describe('an inspection', () => {
  test('decided becomes inspection.changed with its lines', () => {
    const mapped = toModel(SETTINGS, { specversion: '1.0', source: 'qms-1', data: DECIDED })
    expect(mapped).toEqual({
      ok: true,
      events: [
        {
          type: 'holdpoint.inspection.changed.v1',
          subject: 'qms-1:inspection:QI-17',
          source: { instance: 'qms-1', record: 'inspection/QI-17', version: '3' },
          occurredAt: '2026-11-02T09:00:01.000Z',
          data: {
            inspection: 'qms-1:inspection:QI-17',
            inspectionKey: KEY,
            qms: 'qms-1',
            status: 'decided',
            decision: {
              decision: 'qms-1:decision:UD-4',
              decidedBy: 'ines',
              decidedAt: '2026-11-02T09:00:00.000Z',
              lines: [
                { line: 1, outcome: 'accepted', quantity: pcs('900'), portion: { kind: 'remainder', except: ['HU-1', 'HU-2'] } },
                { line: 2, outcome: 'rejected', quantity: pcs('80'), portion: { kind: 'carriers', carriers: ['HU-1', 'HU-2'] } },
                { line: 3, outcome: 'quarantined', quantity: pcs('20'), portion: null },
              ],
            },
          },
        },
      ],
    })
    if (mapped.ok) for (const { type, data } of mapped.events) expect(checkEvent(type, data)).toEqual({ ok: true })
  })

  test.each([
    ['CREATED', 'created'],
    ['STARTED', 'inProgress'],
    ['REOPENED', 'reopened'],
    ['CANCELLED', 'cancelled'],
  ])('%s is %s and decides nothing', (status, ours) => {
    expect(toModel(SETTINGS, { ...CREATED, status })).toMatchObject({ ok: true, events: [{ data: { status: ours, decision: null } }] })
  })

  test('counts its versions', () => {
    expect(identify(DECIDED)).toEqual({
      ok: true,
      identity: { kind: 'versioned', record: 'inspection/QI-17', version: '3', compare: 'integer' },
      lane: 'safety',
      occurredAt: '2026-11-02T09:00:01.000Z',
    })
  })

  test.each([
    ['pure acceptance', withLines(ALL), 'normal'],
    ['anything but acceptance', withLines(ALL, { ...ALL, usage: 'REJECT' }), 'safety'],
    ['a usage nobody knows', withLines({ ...ALL, usage: 'MAYBE' }), 'safety'],
    ['a decision taken back', { ...CREATED, status: 'REOPENED' }, 'safety'],
    ['a cancellation', { ...CREATED, status: 'CANCELLED' }, 'safety'],
    ['a start', { ...CREATED, status: 'STARTED' }, 'normal'],
  ])('with %s travels in its lane', (_, item, lane) => {
    expect(identify(item)).toMatchObject({ ok: true, lane })
  })

  test('without a key tells nothing, and asks when it is decided', () => {
    expect(toModel(SETTINGS, { ...CREATED, externalKey: null })).toEqual({ ok: true, events: [] })
    expect(toModel(SETTINGS, { ...DECIDED, externalKey: null })).toMatchObject({ ok: false, code: 'decision.unmatched' })
  })
})

test.each<[string, object, object]>([
  ['a usage', withLines({ ...ALL, usage: 'MAYBE' }), { code: 'mapping.failed', causeGroup: 'usage:MAYBE' }],
  ['a unit', withLines({ ...ALL, unit: 'XBX' }), { code: 'mapping.failed', causeGroup: 'unit:XBX' }],
  ['a part', withLines({ ...ALL, portion: { part: 'SOME' } }), { code: 'mapping.failed', causeGroup: 'part:SOME' }],
  ['a status', { ...CREATED, status: 'LOST' }, { code: 'mapping.failed', causeGroup: 'status:LOST' }],
  ['a record', { ...CREATED, kind: 'complaint' }, { code: 'mapping.failed', causeGroup: 'record:complaint' }],
  ['a version', { ...CREATED, version: '3' }, { code: 'input.malformed', causeGroup: 'field:version' }],
])('%s that is not understood fails and says which fix would cure it', (_, item, failure) => {
  expect(toModel(SETTINGS, item)).toMatchObject({ ok: false, ...failure })
})

test('records as read show what may still go on with them', () => {
  const seen = { id: 'qms-1:inspection:QI-17', key: KEY, reference: 'HPREF' }
  const inspections = [DECIDED, { ...CREATED, status: 'REOPENED', version: 4, reference: null }, { ...CREATED, status: 'CANCELLED' }]
  expect(toRecordObservation(SETTINGS, { key: KEY, inspections })).toEqual({
    ok: true,
    value: {
      kind: 'record',
      records: [
        { ...seen, version: '3', status: 'decided', open: false, decided: true },
        { ...seen, version: '4', status: 'reopened', open: true, decided: false, reference: null },
        { ...seen, version: '1', status: 'cancelled', open: false, decided: false },
      ],
    },
  })
})

test('actions become requests of their own resource', () => {
  const reference = 'HPREF'
  expect(toCreate({ reference, action: { type: 'createRecord', key: KEY, fields: { lot: 'B-1' } } })).toEqual({
    ok: true,
    value: { key: KEY, reference, attributes: { lot: 'B-1' } },
  })
  expect(toCancel({ reference, action: { type: 'cancelRecord', key: KEY } })).toEqual({ ok: true, value: { key: KEY, reference } })
  expect(toCreate({ reference, action: { type: 'cancelRecord', key: KEY } })).toMatchObject({ causeGroup: 'action:cancelRecord' })
  expect(toCancel({ reference, action: { type: 'createRecord', key: KEY, fields: {} } })).toMatchObject({
    ok: false,
    code: 'mapping.failed',
  })
})
