import { expect, test, vi } from 'vitest'
import { openRealRuntime } from './real.ts'

const { clock, ids, hash, random } = openRealRuntime({ onHandlerError: () => undefined })

test('the hash of a text is that of its UTF-8 bytes', () => {
  // FIPS 180-4 example for "abc"; the second from `printf 'ü' | sha256sum`.
  expect(hash('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(hash('ü')).toBe('607474ca475a9724d7360aba71a56d5df77e61350e3f724cfa1f46e857e2d85f')
})

test('sleeping takes its time, and ends early when told', async () => {
  const begun = clock.monoNow()
  await clock.sleep(30)
  expect(clock.monoNow() - begun).toBeGreaterThan(28)
  const stop = new AbortController()
  const sleep = clock.sleep(10_000, stop.signal)
  stop.abort(new Error('enough'))
  await expect(sleep).rejects.toThrow('enough')
  await expect(clock.sleep(1, stop.signal)).rejects.toThrow('enough')
})

test('a timer fires once, or never when cancelled', async () => {
  const fired: string[] = []
  clock.setTimer(5, () => fired.push('kept'))
  clock.setTimer(5, () => fired.push('cancelled'))()
  await clock.sleep(30)
  expect(fired).toEqual(['kept'])
})

test('a wait beyond 24.8 days is a wait', () => {
  vi.useFakeTimers()
  try {
    const fired: number[] = []
    const days = 24 * 3_600_000
    clock.setTimer(60 * days, () => fired.push(60))
    const cancel = clock.setTimer(30 * days, () => fired.push(30))
    vi.advanceTimersByTime(26 * days)
    expect(fired).toEqual([])
    cancel()
    vi.advanceTimersByTime(33 * days)
    expect(fired).toEqual([])
    vi.advanceTimersByTime(2 * days)
    expect(fired).toEqual([60])
  } finally {
    vi.useRealTimers()
  }
})

test('ids carry the time, random numbers lie in [0, 1)', () => {
  const [before, id, after] = [Date.now(), ids.uuid(), Date.now()]
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
  expect(ms >= before && ms <= after).toBe(true)
  expect(new Set(Array.from({ length: 5_000 }, () => ids.uuid())).size).toBe(5_000)
  const number = random.next()
  expect(number >= 0 && number < 1).toBe(true)
})
