import { expect, test } from 'vitest'
import { createFaultSource } from './fault-source.ts'
import type { FaultEvent, FaultPlan } from './faults.ts'
import { createRandomStream } from './random-stream.ts'

const sourceOf = (plan: FaultPlan) => createFaultSource(plan, createRandomStream(1, 'faults'))

test('planned faults strike at their point and their request, and are kept', () => {
  const events: FaultEvent[] = [
    { kind: 'pause', point: 2, ms: 7 },
    { kind: 'request', request: 3, fault: 'slow', ms: 9 },
  ]
  const source = sourceOf({ events })
  expect([1, 2, 3].map((point) => source.atPoint(point, 'before-read'))).toEqual([null, events[0], null])
  expect([1, 2, 3].map((request) => source.ofRequest(request).fault)).toEqual([null, null, 'slow'])
  expect(source.taken).toEqual(events)
})

test('two faults at one place are refused', () => {
  const twice = (event: FaultEvent) => () => sourceOf({ events: [event, event] })
  expect(twice({ kind: 'pause', point: 2, ms: 7 })).toThrow('two faults at yield point 2')
  expect(twice({ kind: 'request', request: 3, fault: 'slow' })).toThrow('two faults for request 3')
})

test('rates hold, and hot points are ten times as dangerous', () => {
  const source = sourceOf({
    random: { crash: 0.01, pause: 0.02, pauseMsMax: 1_000, restartAfterMsMax: 50, requests: { refuse: 0.1, slow: 0.2 }, slowMsMax: 100 },
  })
  const count = { crash: 0, pause: 0, hotCrash: 0, refuse: 0, slow: 0 }
  const lengths = new Set<number>()
  for (let i = 1; i <= 10_000; i++) {
    const cold = source.atPoint(i, 'before-read')
    if (cold !== null) count[cold.kind] += 1
    if (cold?.kind === 'pause') lengths.add(cold.ms)
    if (source.atPoint(i, 'before-send')?.kind === 'crash') count.hotCrash += 1
    const { fault, slowMs } = source.ofRequest(i)
    if (fault === 'refuse' || fault === 'slow') count[fault] += 1
    expect(slowMs).toBeLessThanOrEqual(100)
  }
  const expected = { crash: 100, pause: 200, hotCrash: 1_000, refuse: 1_000, slow: 2_000 }
  for (const [name, mean] of Object.entries(expected)) {
    expect(count[name as keyof typeof count]).toBeGreaterThan(mean * 0.7)
    expect(count[name as keyof typeof count]).toBeLessThan(mean * 1.3)
  }
  expect(lengths.size).toBeGreaterThan(50)
  expect(Math.min(...lengths)).toBeLessThan(10)
  expect(Math.max(...lengths)).toBeGreaterThan(500)
})

test('once stopped, neither the plan nor the dice strike', () => {
  const source = sourceOf({
    events: [
      { kind: 'pause', point: 1, ms: 7 },
      { kind: 'request', request: 1, fault: 'refuse' },
    ],
    random: { crash: 1, requests: { slow: 1 } },
  })
  source.stop()
  expect(source.stopped()).toBe(true)
  expect(source.atPoint(1, 'before-send')).toBe(null)
  expect(source.ofRequest(1).fault).toBe(null)
  expect(source.taken).toEqual([])
})
