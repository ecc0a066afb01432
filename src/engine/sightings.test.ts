import { expect, test } from 'vitest'
import { createRecent, createSightings } from './sightings.ts'

const times = (count: number): string[] => Array.from({ length: count }, (_, index) => `key ${index}`)

test('a sighting counts when the sweep before had it too', () => {
  const sightings = createSightings(10)
  sightings.begin()
  expect([sightings.again('a'), sightings.again('a'), sightings.again('b')]).toEqual([false, false, false])
  sightings.begin()
  sightings.delete('b')
  expect([sightings.again('a'), sightings.again('b')]).toEqual([true, false])
  sightings.begin()
  sightings.begin()
  expect(sightings.again('a')).toBe(false)
})

test('beyond the limit some wait, and each has its turn once those before it are shown', () => {
  const sightings = createSightings(10)
  const shown = new Set<string>()
  const keys = times(35)
  for (let sweep = 0; sweep < 8; sweep++) {
    sightings.begin()
    for (const key of keys) if (!shown.has(key) && sightings.again(key)) shown.add(key)
  }
  expect(shown.size).toBe(35)
})

test('what was added first is forgotten first', () => {
  const recent = createRecent(3)
  for (const key of times(5)) recent.add(key)
  recent.delete('key 4')
  expect(times(5).filter((key) => recent.has(key))).toEqual(['key 2', 'key 3'])
})
