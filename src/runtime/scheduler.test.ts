import { expect, test } from 'vitest'
import { createRandomStream } from './random-stream.ts'
import { createScheduler, type Life, type Scheduler } from './scheduler.ts'

function schedulerOf(seed: number): Scheduler {
  return createScheduler(createRandomStream(seed, 'ties'))
}

function newLife(): Life {
  return { node: 'a', epoch: 1, dead: false, pausedUntil: 0, cleanups: [] }
}

function drain(scheduler: Scheduler): { at: number; kind: string }[] {
  const done: { at: number; kind: string }[] = []
  for (let step = scheduler.next(Infinity); step !== null; step = scheduler.next(Infinity))
    done.push({ at: scheduler.now(), kind: step.kind })
  return done
}

const nothing = (): void => undefined

test('steps come in the order of their times, whatever the order of pushing', () => {
  const scheduler = schedulerOf(1)
  const random = createRandomStream(2, 'times')
  const times = Array.from({ length: 2_000 }, () => random.integer(500))
  for (const afterMs of times) scheduler.push({ afterMs, life: null, kind: 'x', run: nothing })
  expect(drain(scheduler).map(({ at }) => at)).toEqual(times.sort((a, b) => a - b))
})

test('the order of simultaneous steps is a matter of the seed', () => {
  const orderOf = (seed: number): string => {
    const scheduler = schedulerOf(seed)
    for (const kind of 'abcdefgh') scheduler.push({ afterMs: 5, life: null, kind, run: nothing })
    return drain(scheduler)
      .map(({ kind }) => kind)
      .join('')
  }
  expect(orderOf(1)).toBe(orderOf(1))
  expect(new Set([1, 2, 3, 4, 5, 6, 7, 8].map(orderOf)).size).toBeGreaterThan(6)
})

test('a cancelled step is not run, and thousands of them do not stay', () => {
  const scheduler = schedulerOf(1)
  scheduler.push({ afterMs: 9, life: null, kind: 'kept', run: nothing })
  for (let i = 0; i < 10_000; i++) scheduler.cancel(scheduler.push({ afterMs: i % 20, life: null, kind: 'cancelled', run: nothing }))
  expect(scheduler.size()).toBeLessThan(1_100)
  expect(drain(scheduler)).toEqual([{ at: 9, kind: 'kept' }])
  expect(scheduler.size()).toBe(0)
})

test('a dead life has no steps left; a paused one has them later', () => {
  const scheduler = schedulerOf(1)
  const dead = newLife()
  const paused = newLife()
  scheduler.push({ afterMs: 1, life: dead, kind: 'dead', run: nothing })
  scheduler.push({ afterMs: 2, life: paused, kind: 'paused', run: nothing })
  scheduler.push({ afterMs: 3, life: null, kind: 'free', run: nothing })
  dead.dead = true
  paused.pausedUntil = 100
  expect(drain(scheduler)).toEqual([
    { at: 3, kind: 'free' },
    { at: 100, kind: 'paused' },
  ])
})

test('steps beyond the limit stay', () => {
  const scheduler = schedulerOf(1)
  scheduler.push({ afterMs: 10, life: null, kind: 'later', run: nothing })
  expect(scheduler.next(9.999)).toBe(null)
  expect(scheduler.size()).toBe(1)
  expect(scheduler.next(10)?.kind).toBe('later')
})
