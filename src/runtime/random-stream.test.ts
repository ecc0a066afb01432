import { expect, test } from 'vitest'
import { createRandomStream, createXoshiro128 } from './random-stream.ts'

test('the generator gives the published sequence for state 1, 2, 3, 4', () => {
  const next = createXoshiro128([1, 2, 3, 4])
  expect([next(), next(), next(), next()]).toEqual([11520, 0, 5927040, 70819200])
})

test('same seed and name: same numbers; another of either: others', () => {
  const first = (seed: number, name: string): number[] => {
    const stream = createRandomStream(seed, name)
    return Array.from({ length: 8 }, () => stream.next())
  }
  expect(first(7, 'faults')).toEqual(first(7, 'faults'))
  const all = [first(7, 'faults'), first(8, 'faults'), first(7, 'network'), first(7 + 2 ** 32, 'faults')]
  expect(new Set(all.map(([number]) => number)).size).toBe(4)
})

test('neighbouring seeds are spread evenly', () => {
  const buckets = new Array<number>(10).fill(0)
  for (let seed = 0; seed < 10_000; seed++) {
    const bucket = createRandomStream(seed, 'workload').integer(10)
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
  }
  expect(Math.min(...buckets)).toBeGreaterThan(880) // 1,000 expected, standard deviation 30
  expect(Math.max(...buckets)).toBeLessThan(1_120)
})

test('helpers stay in their bounds', () => {
  const stream = createRandomStream(1, 'x')
  for (let i = 0; i < 1_000; i++) {
    expect(stream.integer(3)).toBeLessThan(3)
    const between = stream.between(5, 6)
    expect(between >= 5 && between < 6).toBe(true)
  }
  expect(stream.chance(0)).toBe(false)
  expect(stream.chance(1)).toBe(true)
  expect(stream.pick(['only'])).toBe('only')
})
