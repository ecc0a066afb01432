import type { Static } from 'typebox'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { held, inspected, moved, received, reversed } from '../../test/process/facts.ts'
import { bucket, doc, records, stock } from '../../test/reconcile/builders.ts'
import { EVENT_SCHEMAS } from './events.ts'
import type { Observation, RecordObservation, StockObservation } from './observation.ts'
import { OBSERVATION_SCHEMAS } from './observation.ts'
import { checkEvent, checkObservation } from './schema.ts'

describe('contracts of events', () => {
  it.each([
    received(),
    reversed(),
    inspected({ version: 1, lines: [['accepted', 1000, null]] }),
    held('H-1'),
    moved({ document: '49', from: null, to: 'blocked' }),
  ])('are kept by $type', ({ type, data }) => {
    expect(checkEvent(type, data)).toEqual({ ok: true })
  })

  const receipt = (received().data as { lines: unknown[] }).lines
  it.each([
    ['a missing field', { ...(held('H-1').data as object), lot: undefined }, ''],
    ['a field too many', { ...(held('H-1').data as object), surplus: 1 }, ''],
    ['a batch number that is no identifier', { ...(held('H-1').data as object), lot: 'B-4711' }, '/lot'],
    ['an unknown hold type', { ...(held('H-1').data as object), type: 'mood' }, '/type'],
  ])('are broken by %s', (_, data, path) => {
    const checked = checkEvent('holdpoint.hold.requested.v1', data)
    expect(checked.ok).toBe(false)
    expect(!checked.ok && checked.path.startsWith(path) && checked.message.length > 0).toBe(true)
  })

  it.each(['1.', '01', '1e3', '+1', '1,0', '', '1234567890123456789', '0.1234567890'])('have no quantity %j', (value) => {
    const data = { ...(moved({ document: '49', from: null, to: 'blocked' }).data as object), quantity: { value, uom: 'C62' } }
    expect(checkEvent('holdpoint.inventory.moved.v1', data)).toMatchObject({ ok: false, path: '/quantity/value' })
  })

  it.each(['pcs', 'K', 'KGMX', 'K-G', ''])('have no unit %j', (uom) => {
    const data = { ...(moved({ document: '49', from: null, to: 'blocked' }).data as object), quantity: { value: '1', uom } }
    expect(checkEvent('holdpoint.inventory.moved.v1', data)).toMatchObject({ ok: false, path: '/quantity/uom' })
  })

  it('have no type they do not know', () => {
    expect(checkEvent('holdpoint.lot.vanished.v1', {}).ok).toBe(false)
    expect(checkEvent('toString', {}).ok).toBe(false)
  })

  it('are named like facts', () => {
    for (const type of Object.keys(EVENT_SCHEMAS)) expect(type).toMatch(/^holdpoint\.[a-z]+\.[a-zA-Z]+\.v\d+$/)
    expect(receipt).toHaveLength(1)
  })
})

describe('what a system shows', () => {
  const shown = stock([bucket('unrestricted', '1000.5'), bucket('blocked', -3)], {
    documents: [doc('HP0', 100, 'unrestricted', 'blocked'), doc(null, 1, null, 'unrestricted')],
    restrictions: [{ rung: 1, reference: null, by: 'clerk' }],
  })
  const record = { id: 'QI-1', key: 'K', version: '1', status: '', open: true, decided: false, reference: null }

  it.each([shown, stock([]), records([record]), records([])])('keeps its contract ($kind)', (observation) => {
    expect(checkObservation(observation)).toEqual({ ok: true })
  })

  it.each(['1.000,50', 'abc', '', '1e3', ' 1', 'NaN'])('has no quantity %j', (value) => {
    expect(checkObservation(stock([bucket('unrestricted', value)]))).toMatchObject({ ok: false, path: '/buckets/0/quantity/value' })
    const documents = [doc('HP0', value, null, 'blocked')]
    expect(checkObservation(stock([], { documents }))).toMatchObject({ ok: false, path: '/documents/0/quantity/value' })
  })

  it.each([
    ['nothing', undefined, '/kind'],
    ['another kind', { ...shown, kind: 'toString' }, '/kind'],
    ['no list of documents', { ...shown, documents: null }, '/documents'],
    ['a stock type that nobody knows', stock([bucket('lost' as never, 1)]), '/buckets/0/stockType'],
    ['a version that is no text', records([{ ...record, version: 1 as never }]), '/records/0/version'],
  ])('breaks it with %s', (_, observation, path) => {
    expect(checkObservation(observation)).toMatchObject({ ok: false, path })
  })

  it('is described by schemas that agree with the types', () => {
    expectTypeOf<Static<typeof OBSERVATION_SCHEMAS.stock>>().toExtend<StockObservation>()
    expectTypeOf<Static<typeof OBSERVATION_SCHEMAS.record>>().toExtend<RecordObservation>()
    expect(Object.keys(OBSERVATION_SCHEMAS)).toEqual(['stock', 'record'] satisfies Observation['kind'][])
  })
})
