import { expect, test } from 'vitest'
import { createHandRuntime, timeAt } from '../../test/engine/hand-runtime.ts'
import { Alarms } from './alarms.ts'
import { createHubClock } from './hub-clock.ts'

async function open() {
  const runtime = createHandRuntime()
  const clock = createHubClock(runtime)
  await clock.adjust(async () => timeAt(runtime.now()))
  const fired: string[] = []
  const alarms = new Alarms(runtime, clock)
  const note = (what: string) => () => void fired.push(`${what} at ${clock.iso().slice(17, 23)}`)
  return { runtime, clock, alarms, fired, note }
}

test('of several wake-ups for one key the earliest stands', async () => {
  const { runtime, alarms, fired, note } = await open()
  alarms.arm('a', timeAt(3_000), note('first'))
  alarms.arm('a', timeAt(2_000), note('earlier'))
  alarms.arm('a', timeAt(4_000), note('later'))
  alarms.arm('b', timeAt(1_000), note('other key'))
  await runtime.advance(10_000)
  expect(fired).toEqual(['other key at 01.000', 'earlier at 02.000'])
  alarms.arm('a', timeAt(11_000), note('again'))
  await runtime.advance(10_000)
  expect(fired.at(-1)).toBe('again at 11.000')
})

test('a reset takes the place of what stood', async () => {
  const { runtime, alarms, fired, note } = await open()
  alarms.reset('a', timeAt(1_000), note('first'))
  alarms.reset('a', timeAt(2_000), note('second'))
  await runtime.advance(10_000)
  expect(fired).toEqual(['second at 02.000'])
})

test('what is cleared does not fire', async () => {
  const { runtime, alarms, fired, note } = await open()
  alarms.reset('a', timeAt(1_000), note('cleared'))
  alarms.clear('a')
  alarms.clear('never set')
  expect(runtime.timers()).toBe(0)
  await runtime.advance(10_000)
  expect(fired).toEqual([])
})

test('a time in the past fires at once, and nothing fires after the close', async () => {
  const { runtime, alarms, fired, note } = await open()
  alarms.arm('a', timeAt(-5_000), note('past'))
  await runtime.advance(0)
  expect(fired).toEqual(['past at 00.000'])
  alarms.arm('b', timeAt(1_000), note('never'))
  alarms.close()
  await runtime.advance(10_000)
  expect(fired).toHaveLength(1)
  expect(runtime.timers()).toBe(0)
})

test('nothing fires before its time when hub time was corrected backwards meanwhile', async () => {
  const { runtime, clock, alarms, fired, note } = await open()
  alarms.arm('a', timeAt(10_000), note('due'))
  await runtime.advance(1_000)
  await clock.adjust(async () => timeAt(runtime.now() - 40))
  await runtime.advance(9_020)
  expect(fired).toEqual([])
  await runtime.advance(100)
  expect(fired).toEqual(['due at 10.000'])
})
