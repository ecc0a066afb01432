import { describe, expect, it } from 'vitest'
import { held, inspected, moved, received, reversed } from '../../test/process/facts.ts'
import { EVENT_SCHEMAS } from './events.ts'
import { checkEvent } from './schema.ts'

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
