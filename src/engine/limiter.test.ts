import { describe, expect, test } from 'vitest'
import { createHandRuntime, type HandRuntime } from '../../test/engine/hand-runtime.ts'
import { type CallPool, createLimiter, type Limiter } from './limiter.ts'

interface Bench {
  readonly runtime: HandRuntime
  readonly limiter: Limiter
  /** Who was given a place, in order. */
  readonly woken: string[]
  readonly waits: (pool: CallPool, key: string) => void
}

function open(callsInFlightMax: number, callsPerSecondMax = 1_000_000): Bench {
  const runtime = createHandRuntime()
  const limiter = createLimiter(runtime, { callsInFlightMax, callsPerSecondMax })
  const woken: string[] = []
  return { runtime, limiter, woken, waits: (pool, key) => limiter.wait(pool, key, () => void woken.push(key)) }
}

/** Takes every place that there is for the pool. */
function fill({ limiter }: Bench, pool: CallPool): number {
  let taken = 0
  while (taken < 1_000 && limiter.take(pool)) taken++
  return taken
}

describe('places', () => {
  test.each([
    [1, { sweep: 1, rest: 0, safety: 0 }],
    [2, { sweep: 1, rest: 0, safety: 1 }],
    [3, { sweep: 1, rest: 1, safety: 1 }],
    [4, { sweep: 2, rest: 1, safety: 1 }],
    [8, { sweep: 5, rest: 1, safety: 2 }],
    [64, { sweep: 47, rest: 1, safety: 16 }],
  ])('of %i: the sweep leaves one to the rest, and both leave a quarter to holds', (most, left) => {
    const bench = open(most)
    expect({ sweep: fill(bench, 'sweep'), rest: fill(bench, 'rest'), safety: fill(bench, 'safety') }).toEqual(left)
  })

  test('are all for holds where there are as many', () => {
    const bench = open(8)
    expect([fill(bench, 'safety'), fill(bench, 'rest'), fill(bench, 'sweep')]).toEqual([8, 0, 0])
  })

  test('the last of all is none for the sweep, whoever has the others', () => {
    const bench = open(2)
    expect([bench.limiter.take('safety'), bench.limiter.take('sweep'), bench.limiter.take('rest')]).toEqual([true, false, true])
  })

  test('come back at the end of a call, to the most urgent, and then to who has waited longest', () => {
    const bench = open(4)
    fill(bench, 'rest')
    fill(bench, 'safety')
    for (const key of ['n1', 'n2']) bench.waits('rest', key)
    bench.waits('sweep', 'page')
    for (const key of ['s1', 's2']) bench.waits('safety', key)
    for (const pool of ['rest', 'rest'] as const) bench.limiter.give(pool)
    expect(bench.woken).toEqual(['s1', 's2'])
    for (const pool of ['safety', 'safety', 'rest'] as const) bench.limiter.give(pool)
    expect(bench.woken).toEqual(['s1', 's2', 'n1', 'n2'])
    for (const pool of ['rest', 'rest'] as const) bench.limiter.give(pool)
    expect(bench.woken).toEqual(['s1', 's2', 'n1', 'n2', 'page'])
  })

  test('are not taken past somebody who waits, by the less urgent or by those who come later', () => {
    const bench = open(2)
    fill(bench, 'rest')
    bench.waits('rest', 'n')
    expect([bench.limiter.take('sweep'), bench.limiter.take('rest'), bench.limiter.take('safety')]).toEqual([false, false, true])
    bench.waits('safety', 's')
    bench.limiter.give('rest')
    expect(bench.woken).toEqual(['s'])
    expect(bench.limiter.take('rest')).toBe(false)
  })

  test('that come free while somebody begins to wait are told at once', () => {
    const bench = open(1)
    bench.waits('sweep', 'page')
    expect(bench.woken).toEqual(['page'])
  })

  test('are waited for once by the same key, which keeps its turn', () => {
    const bench = open(1)
    fill(bench, 'rest')
    for (const key of ['a', 'b', 'a']) bench.waits('rest', key)
    for (let times = 0; times < 3; times++) bench.limiter.give('rest')
    expect(bench.woken).toEqual(['a', 'b'])
  })

  test('that are given back unused go to the next, also within the call that was told', () => {
    const bench = open(1)
    fill(bench, 'rest')
    bench.limiter.wait('rest', 'a', () => bench.limiter.giveUnused('rest'))
    bench.waits('rest', 'b')
    bench.limiter.give('rest')
    expect(bench.woken).toEqual(['b'])
    expect(bench.limiter.take('safety')).toBe(false)
  })

  test.each([1, 1_000])('are given to nobody after the close, at %i calls per second', async (perSecond) => {
    const bench = open(1, perSecond)
    fill(bench, 'rest')
    bench.waits('rest', 'a')
    bench.limiter.close()
    bench.limiter.give('rest')
    await bench.runtime.advance(10_000)
    expect(bench.woken).toEqual([])
  })
})

describe('calls per second', () => {
  test('are as many at once, less a quarter for holds and one from the sweep', () => {
    const bench = open(1_000, 10)
    expect([fill(bench, 'sweep'), fill(bench, 'rest'), fill(bench, 'safety')]).toEqual([7, 1, 2])
  })

  test('come back evenly, to holds first; one timer waits for them', async () => {
    const bench = open(1_000, 10)
    fill(bench, 'safety')
    for (const key of ['n1', 'n2', 'n3']) bench.waits('rest', key)
    for (const key of ['s1', 's2']) bench.waits('safety', key)
    expect(bench.runtime.timers()).toBe(1)
    await bench.runtime.advance(100)
    expect(bench.woken).toEqual(['s1'])
    await bench.runtime.advance(100)
    expect(bench.woken).toEqual(['s1', 's2'])
    // The rest waits until what is kept for holds is there again.
    await bench.runtime.advance(299)
    expect(bench.woken).toHaveLength(2)
    await bench.runtime.advance(1)
    expect(bench.woken).toHaveLength(3)
    await bench.runtime.advance(200)
    expect([bench.woken, bench.runtime.timers()]).toEqual([['s1', 's2', 'n1', 'n2', 'n3'], 0])
  })

  test.each([
    [0.5, 2_000],
    [1, 1_000],
    [1.5, 667],
  ])('of %s: one at a time, for whoever', async (perSecond, everyMs) => {
    for (const pool of ['safety', 'rest', 'sweep'] as const) {
      const bench = open(8, perSecond)
      expect(fill(bench, pool)).toBe(1)
      bench.waits(pool, 'a')
      await bench.runtime.advance(everyMs - 1)
      expect(bench.woken).toEqual([])
      await bench.runtime.advance(1)
      expect(bench.woken).toEqual(['a'])
    }
  })

  test('are not spent by a place that was given back unused', () => {
    const bench = open(8, 1)
    expect(bench.limiter.take('rest')).toBe(true)
    bench.limiter.giveUnused('rest')
    expect(bench.limiter.take('rest')).toBe(true)
    bench.limiter.give('rest')
    expect(bench.limiter.take('rest')).toBe(false)
  })
})

test('a place that is free costs no timer', () => {
  const bench = open(64, 1_000)
  for (let call = 0; call < 500; call++) {
    expect(bench.limiter.take('rest')).toBe(true)
    bench.limiter.give('rest')
  }
  expect(bench.runtime.timers()).toBe(0)
})
