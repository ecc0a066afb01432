import { describe, expect, test } from 'vitest'
import { advanced, isKnown, parsePosition, type Seen } from './position.ts'

const NOON_MS = Date.parse('2026-11-02T12:00:00Z')
const at = (seconds: number): string => `${new Date(NOON_MS + seconds * 1_000).toISOString().slice(0, 19)}Z`
const START = parsePosition(null)

describe('a position', () => {
  test('goes back from the newest stamp by the overlap and by the time that the pass lasted', () => {
    const first = advanced(START, { items: [['a', '1', at(0)]], next: 'more', readMs: NOON_MS + 1_000 }, 5_000)
    expect(first).toMatchObject({ since: START.since, token: 'more', newest: at(0) })
    const last = advanced(first, { items: [['b', '1', at(60)]], next: null, readMs: NOON_MS + 61_000 }, 5_000)
    expect(last).toMatchObject({ since: at(-5), token: null, beganMs: null, newest: null })
    expect(parsePosition(JSON.stringify(last))).toEqual(last)
  })

  test('does not go back behind what was complete, nor move where nothing was seen', () => {
    const position = { ...START, since: at(0) }
    expect(advanced(position, { items: [['a', '1', at(1)]], next: null, readMs: NOON_MS + 2_000 }, 60_000).since).toBe(at(0))
    expect(advanced(position, { items: [], next: null, readMs: NOON_MS + 2_000 }, 1_000)).toEqual(position)
  })

  test('is not carried past the present by a stamp from the future', () => {
    const stamped: Seen[] = [
      ['a', '1', at(0)],
      ['b', '1', '2036-01-01T00:00:00Z'],
    ]
    expect(advanced(START, { items: stamped, next: null, readMs: NOON_MS + 1_000 }, 5_000).since).toBe(at(-4))
  })

  test('remembers versions that may come again, and a bounded number of them', () => {
    const many = Array.from({ length: 1_500 }, (_, index): Seen => [`R-${index}`, '1', at(index < 500 ? -60 : 0)])
    const position = advanced(START, { items: many, next: null, readMs: NOON_MS }, 5_000)
    expect(position.seen).toHaveLength(1_000)
    expect(isKnown(position, ['R-1499', '1', at(0)])).toBe(true)
    expect(isKnown(position, ['R-1499', '2', at(0)])).toBe(false)
    expect(isKnown(position, ['R-0', '1', at(-60)])).toBe(false)
  })
})
