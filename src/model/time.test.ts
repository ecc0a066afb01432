import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addMs } from './time.ts'

const byDate = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString()

test('a time moves as the calendar says, within a day and beyond it', () => {
  const times = fc.date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString())
  const moves = fc.oneof(fc.integer({ min: -200_000_000, max: 200_000_000 }), fc.constantFrom(0, 1, -1, 0.5, 86_400_000))
  fc.assert(fc.property(times, moves, (at, ms) => addMs(at, ms) === byDate(at, ms)))
  for (const at of ['2026-11-05T00:00:00.000Z', '2026-11-05T23:59:59.999Z', '2028-02-28T23:59:59.999Z']) {
    for (const ms of [-1, 0, 1, 9, 10, 99, 100]) expect(addMs(at, ms)).toBe(byDate(at, ms))
  }
})

test('other forms of a time are moved too, and no time is left as it is', () => {
  expect(addMs('2026-11-05T09:00:00Z', 5)).toBe('2026-11-05T09:00:00.005Z')
  expect(addMs('2026-11-05T10:00:00.000+01:00', 5)).toBe('2026-11-05T09:00:00.005Z')
  for (const at of ['', 'yesterday', '2026-11-05T99:00:00.000Z', '2026-11-05T09:7x:00.000Z']) expect(addMs(at, 5)).toBe(at)
})
