import { expect, test } from 'vitest'
import { createHandRuntime, START_MS, timeAt } from '../../test/engine/hand-runtime.ts'
import { createHubClock } from './hub-clock.ts'

/** A database whose clock is `aheadMs` ahead of the runtime's and that takes `there` and `back` to answer. */
function database(runtime: ReturnType<typeof createHandRuntime>, aheadMs: number, [there, back]: readonly [number, number] = [0, 0]) {
  return async (): Promise<string> => {
    await runtime.advance(there)
    const answer = timeAt(runtime.now() + aheadMs)
    await runtime.advance(back)
    return answer
  }
}

test('hub time is the database time, carried on', async () => {
  const runtime = createHandRuntime()
  const clock = createHubClock(runtime)
  await clock.adjust(database(runtime, 60_000))
  expect(clock.iso()).toBe(timeAt(60_000))
  await runtime.advance(1_500)
  expect(clock.iso()).toBe(timeAt(61_500))
  expect(clock.ms()).toBe(START_MS + 61_500)
})

test('it is never ahead of the database', async () => {
  for (const travel of [
    [0, 0],
    [100, 0],
    [0, 100],
    [200, 200],
    [0, 3_000],
  ] as const) {
    const runtime = createHandRuntime()
    const clock = createHubClock(runtime)
    await clock.adjust(database(runtime, 0, travel))
    expect(clock.ms()).toBeLessThanOrEqual(START_MS + runtime.now())
    await runtime.advance(10)
    await clock.adjust(database(runtime, 0))
    expect(clock.ms()).toBe(START_MS + runtime.now())
  }
})

test('a slow answer is thrown away, unless there is nothing better', async () => {
  const runtime = createHandRuntime()
  const clock = createHubClock(runtime)
  await clock.adjust(database(runtime, 0))
  await clock.adjust(database(runtime, 0, [300, 300]))
  expect(clock.ms()).toBe(START_MS + runtime.now())
})

test('it begins no earlier than it is told, and does not stand still until the database has caught up', async () => {
  const runtime = createHandRuntime()
  const clock = createHubClock(runtime)
  await clock.adjust(database(runtime, 0))
  clock.notBefore(timeAt(-60_000))
  expect(clock.iso()).toBe(timeAt(0))
  clock.notBefore(timeAt(60_000))
  expect(clock.iso()).toBe(timeAt(60_000))
  await runtime.advance(1_000)
  await clock.adjust(database(runtime, 0))
  expect(clock.iso()).toBe(timeAt(61_000))
  await clock.adjust(database(runtime, 90_000))
  expect(clock.iso()).toBe(timeAt(91_000))
})

test('it never goes back, and its text follows', async () => {
  const runtime = createHandRuntime()
  const clock = createHubClock(runtime)
  await clock.adjust(database(runtime, 5_000))
  const before = clock.iso()
  await clock.adjust(database(runtime, 1_000))
  expect(clock.iso()).toBe(before)
  await runtime.advance(3_999)
  expect(clock.iso()).toBe(before)
  await runtime.advance(11)
  expect(clock.iso()).toBe(timeAt(5_010))
})
