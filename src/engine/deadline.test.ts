import { expect, test } from 'vitest'
import { createHandRuntime } from '../../test/engine/hand-runtime.ts'
import { withinDeadline } from './deadline.ts'

const open = () => {
  const { clock, ...runtime } = createHandRuntime()
  return { ...runtime, deadline: { clock, timeoutMs: 1_000, late: () => 'late' } }
}

test('a call that ends in time is what it is, and leaves no timer', async () => {
  const { timers, deadline } = open()
  expect(await withinDeadline(deadline, async () => 'answer')).toBe('answer')
  await expect(withinDeadline(deadline, () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug')
  expect(timers()).toBe(0)
})

test('a call that hangs is ended a moment after its time, its signal aborted; its end is not heard any more', async () => {
  const { advance, deadline } = open()
  const aborted: boolean[] = []
  const ended: string[] = []
  const call = (signal: AbortSignal): Promise<string> => {
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        aborted.push(signal.aborted)
        reject(new Error('aborted'))
      }),
    )
  }
  void withinDeadline(deadline, call).then((answer) => ended.push(answer))
  await advance(1_999)
  expect([ended, aborted]).toEqual([[], []])
  await advance(1)
  expect([ended, aborted]).toEqual([['late'], [true]])
})
