import { describe, expect, test } from 'vitest'
import { createRig, type Rig } from '../../test/engine/rig.ts'
import { createToySystem, type ToySystem } from '../../test/engine/toy-system.ts'
import type { ConnectorSpec, Outcome } from '../connectors/connector.ts'
import type { Lane } from '../model/envelope.ts'
import { createLimiters, type Limiter } from './limiter.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import type { EngineSettings } from './settings.ts'

interface Bench extends Rig {
  readonly outbox: Outbox
  readonly limiter: Limiter
  /** Batches that arrived, as subjects. */
  readonly calls: string[][]
  /** Answers the oldest call that is still open. */
  readonly answer: (outcome?: Outcome) => Promise<void>
  /** Outcomes in the order they were told: `subject outcome`. */
  readonly told: string[]
  readonly send: (
    subject: string,
    how?: { readonly lane?: Lane; readonly orderKey?: string; readonly guard?: () => boolean; readonly resource?: string },
  ) => void
}

const APPLIED: Outcome = { outcome: 'applied', detail: '' }
const UNKNOWN: Outcome = { outcome: 'unknown', detail: 'no answer' }

/** A target that answers when it is told to. */
function open(spec: Partial<ConnectorSpec> = {}, batchMax = 2, settings: Partial<EngineSettings> = {}): Bench {
  const qms: ToySystem = createToySystem('qms-1', spec, { applyBatchMax: batchMax })
  const calls: string[][] = []
  const told: string[] = []
  const waiting: ((outcome: Outcome) => void)[] = []
  qms.onApply = async (items, beforeWrite) => {
    if (!beforeWrite()) return items.map(() => ({ outcome: 'later', class: 'transient', delayMs: null, detail: 'not sent' }))
    calls.push(items.map(({ subject }) => subject))
    const outcome = await new Promise<Outcome>((resolve) => waiting.push(resolve))
    return items.map(() => outcome)
  }
  const rig = createRig({ qms, settings })
  const limiters = createLimiters(rig.deps)
  const outbox = createOutbox(rig.deps, limiters)
  return {
    ...rig,
    outbox,
    limiter: limiters.get('qms-1') as Limiter,
    calls,
    told,
    answer: async (outcome = APPLIED) => {
      waiting.shift()?.(outcome)
      await rig.runtime.rest()
    },
    send: (subject, { lane = 'normal', orderKey = subject, guard = () => true, resource = 'inspection' } = {}) => {
      if (!outbox.takeRoom('qms-1', lane)) throw new Error('no room')
      outbox.enqueue('qms-1', {
        item: { reference: subject, resource, subject, action: { type: 'cancelRecord', key: subject } },
        orderKey,
        lane,
        guard,
        done: (outcome) => void told.push(`${subject} ${outcome.outcome}`),
      })
    },
  }
}

const ANSWERED = { answered: true, failed: false }
const FAILED = { answered: false, failed: true }

describe('batches', () => {
  test('hold what was enqueued together, up to the limit of the resource', async () => {
    const { runtime, calls, send } = open()
    for (const subject of ['a', 'b', 'c']) send(subject)
    await runtime.rest()
    expect(calls).toEqual([['a', 'b'], ['c']])
  })

  test('never hold two items of one order key, nor two resources', async () => {
    const { runtime, calls, send } = open({}, 10)
    send('a1', { orderKey: 'a' })
    send('a2', { orderKey: 'a' })
    send('b')
    send('other', { resource: 'inspectionStatus' })
    send('c')
    await runtime.rest()
    expect(calls).toEqual([['a1', 'b', 'c'], ['a2'], ['other']])
  })

  test('every item gets its own outcome', async () => {
    const { runtime, qms, told, send } = open()
    qms.onApply = async (items) => items.map(({ subject }) => (subject === 'a' ? APPLIED : { outcome: 'refused', detail: '' }))
    send('a')
    send('b')
    await runtime.rest()
    expect(told).toEqual(['a applied', 'b refused'])
  })
})

describe('a connector that hangs', () => {
  test('is given up a moment after its call timeout: the outcome is unknown, and what comes later is heard by nobody', async () => {
    const { runtime, told, logged, send, answer } = open({ callsInFlightMax: 1 }, 1)
    send('a')
    send('b')
    await runtime.advance(1_999)
    expect(told).toEqual([])
    await runtime.advance(1)
    expect(told).toEqual(['a unknown'])
    expect(logged).toEqual(['warn a connector did not end its call in time'])
    await answer()
    expect(told).toEqual(['a unknown'])
    await answer()
    expect(told).toEqual(['a unknown', 'b applied'])
    expect(runtime.timers()).toBe(0)
  })

  test('sends nothing after that', async () => {
    const { runtime, qms, send } = open()
    const written: boolean[] = []
    qms.onApply = async (items, beforeWrite) => {
      await runtime.clock.sleep(5_000)
      written.push(beforeWrite())
      return items.map(() => APPLIED)
    }
    send('a')
    await runtime.advance(10_000)
    expect(written).toEqual([false])
  })
})

describe('limits', () => {
  test('calls in flight: a quarter is kept for holds', async () => {
    const { runtime, calls, send, answer } = open({ callsInFlightMax: 4 }, 1)
    for (const subject of ['n1', 'n2', 'n3', 'n4']) send(subject)
    await runtime.rest()
    expect(calls.flat()).toEqual(['n1', 'n2', 'n3'])
    send('s1', { lane: 'safety' })
    send('s2', { lane: 'safety' })
    await runtime.rest()
    expect(calls.flat()).toEqual(['n1', 'n2', 'n3', 's1'])
    await answer()
    expect(calls.flat()).toEqual(['n1', 'n2', 'n3', 's1', 's2'])
  })

  test('a single call at a time is shared, holds first', async () => {
    const { runtime, calls, send, answer } = open({ callsInFlightMax: 1 }, 1)
    send('n1')
    send('s1', { lane: 'safety' })
    await runtime.rest()
    expect(calls.flat()).toEqual(['s1'])
    await answer()
    expect(calls.flat()).toEqual(['s1', 'n1'])
  })

  test('calls per second', async () => {
    const { runtime, calls, send, qms } = open({ callsPerSecondMax: 10, callsInFlightMax: 64 }, 1)
    qms.onApply = async (items) => {
      calls.push(items.map(({ subject }) => subject))
      return items.map(() => APPLIED)
    }
    for (let number = 0; number < 30; number++) send(`n${number}`)
    await runtime.rest()
    // Two of ten are kept for holds.
    expect(calls).toHaveLength(8)
    send('s', { lane: 'safety' })
    await runtime.rest()
    expect(calls.splice(8)).toEqual([['s']])
    await runtime.advance(1_100)
    expect(calls).toHaveLength(18)
    await runtime.advance(1_200)
    expect(calls.flat()).toEqual(Array.from({ length: 30 }, (_, number) => `n${number}`))
  })

  test('are shared with whatever else is asked of the system', async () => {
    const { runtime, calls, send, limiter } = open({ callsInFlightMax: 4 }, 1)
    for (let reads = 0; reads < 2; reads++) limiter.take('rest')
    for (const subject of ['n1', 'n2']) send(subject)
    await runtime.rest()
    expect(calls.flat()).toEqual(['n1'])
    limiter.give('rest')
    expect(calls.flat()).toEqual(['n1', 'n2'])
  })

  test('are not used up by commands that the guard stops', async () => {
    const { runtime, calls, send } = open({ callsInFlightMax: 1, callsPerSecondMax: 1 }, 1)
    send('gone', { guard: () => false })
    await runtime.rest()
    send('a')
    await runtime.rest()
    expect(calls).toEqual([['a']])
  })

  test('while calls are throttled one timer waits, however much is enqueued', async () => {
    const { runtime, send } = open({ callsPerSecondMax: 1, callsInFlightMax: 64 }, 1)
    for (let number = 0; number < 20; number++) {
      send(`n${number}`)
      await runtime.rest()
    }
    // The other is the deadline of the call that is under way.
    expect(runtime.timers()).toBe(2)
  })
})

describe('room', () => {
  /** Fills every place of the pool with commands that never go out. */
  function fill({ outbox }: Bench, lane: Lane = 'normal'): number {
    let taken = 0
    while (outbox.takeRoom('qms-1', lane)) taken++
    return taken
  }
  function wait({ outbox }: Bench, woken: string[]): (key: string, site?: string) => void {
    return (key, site = 'P1') => outbox.whenRoom('qms-1', 'normal', { key, site, ready: () => void woken.push(key) })
  }

  test('is two batches for each call, and holds have their own', () => {
    const bench = open({ callsInFlightMax: 3 }, 5)
    expect(fill(bench)).toBe(30)
    expect(bench.outbox.takeRoom('qms-1', 'critical')).toBe(false)
    expect(fill(bench, 'safety')).toBe(30)
  })

  test('is told to one at a time, sites in turn, each key once', async () => {
    const bench = open()
    fill(bench)
    const woken: string[] = []
    const waits = wait(bench, woken)
    for (const key of ['a1', 'a2', 'a1', 'a3']) waits(key, 'A')
    for (const key of ['b1', 'b2']) waits(key, 'B')
    const order: string[] = []
    for (let place = 0; place < 6; place++) {
      bench.outbox.giveRoom('qms-1', 'normal')
      order.push(...woken.splice(0))
      bench.outbox.takeRoom('qms-1', 'normal')
    }
    expect(order).toEqual(['a1', 'b1', 'a2', 'b2', 'a3'])
  })

  test('that came free meanwhile is told at once', async () => {
    const bench = open()
    fill(bench)
    bench.outbox.giveRoom('qms-1', 'normal')
    const woken: string[] = []
    wait(bench, woken)('a')
    await bench.runtime.advance(10)
    expect(woken).toEqual(['a'])
  })

  test('that nobody takes is offered to the next', async () => {
    const bench = open()
    fill(bench)
    const woken: string[] = []
    for (const key of ['gone', 'gone too', 'c']) wait(bench, woken)(key)
    bench.outbox.giveRoom('qms-1', 'normal')
    await bench.runtime.advance(1_000)
    expect(woken).toEqual(['gone', 'gone too', 'c'])
    expect(bench.runtime.timers()).toBe(0)
  })

  test('comes back with every outcome', async () => {
    const bench = open({ callsInFlightMax: 1 }, 1)
    expect(fill(bench)).toBe(2)
    for (let given = 0; given < 2; given++) bench.outbox.giveRoom('qms-1', 'normal')
    bench.send('a', { guard: () => false })
    bench.send('b')
    await bench.runtime.rest()
    expect(fill(bench)).toBe(1)
    await bench.answer(UNKNOWN)
    expect(bench.told).toEqual(['a later', 'b unknown'])
    expect(fill(bench)).toBe(1)
  })
})

describe('the breaker', () => {
  async function fail(bench: Bench, times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      bench.send(`f${time}`)
      await bench.runtime.rest()
      await bench.answer(UNKNOWN)
    }
  }

  test('opens after five calls without an answer, and lets one probe through every ten seconds', async () => {
    const bench = open()
    await fail(bench, 4)
    expect(bench.outbox.mayCall('qms-1')).toBe(true)
    await fail(bench, 1)
    expect(bench.runtime.situations.get('breaker-opened')).toBe(1)
    expect([bench.outbox.mayCall('qms-1'), bench.outbox.takeRoom('qms-1', 'normal')]).toEqual([false, false])
    await bench.runtime.advance(9_999)
    expect(bench.outbox.mayCall('qms-1')).toBe(false)
    await bench.runtime.advance(1)
    expect([bench.outbox.mayCall('qms-1'), bench.outbox.mayCall('qms-1')]).toEqual([true, false])
  })

  test('lets holds probe every second', async () => {
    const bench = open()
    await fail(bench, 5)
    expect(bench.outbox.takeRoom('qms-1', 'safety')).toBe(false)
    await bench.runtime.advance(1_000)
    expect([bench.outbox.takeRoom('qms-1', 'normal'), bench.outbox.takeRoom('qms-1', 'safety')]).toEqual([false, true])
    expect(bench.outbox.takeRoom('qms-1', 'safety')).toBe(false)
  })

  test.each([
    [3_000, 1_000],
    [200, 200],
  ])('probes every %i ms when that is set, for holds every %i ms', async (probeIntervalMs, safetyMs) => {
    for (const [lane, dueMs] of [
      ['normal', probeIntervalMs],
      ['safety', safetyMs],
    ] as const) {
      const bench = open({}, 2, { probeIntervalMs })
      await fail(bench, 5)
      await bench.runtime.advance(dueMs - 1)
      expect(bench.outbox.takeRoom('qms-1', lane)).toBe(false)
      await bench.runtime.advance(1)
      expect(bench.outbox.takeRoom('qms-1', lane)).toBe(true)
    }
  })

  test('closes with any answer: a refusal, or a read', async () => {
    for (const answered of [
      async (bench: Bench) => {
        bench.send('probe')
        await bench.runtime.rest()
        await bench.answer({ outcome: 'refused', detail: '' })
      },
      async (bench: Bench) => bench.outbox.report('qms-1', ANSWERED),
    ]) {
      const bench = open()
      await fail(bench, 5)
      await bench.runtime.advance(10_000)
      await answered(bench)
      expect(bench.outbox.mayCall('qms-1')).toBe(true)
    }
  })

  test('counts reads that fail, and no answers between', async () => {
    const { outbox } = open()
    for (let time = 0; time < 4; time++) outbox.report('qms-1', FAILED)
    outbox.report('qms-1', ANSWERED)
    for (let time = 0; time < 4; time++) outbox.report('qms-1', FAILED)
    expect(outbox.mayCall('qms-1')).toBe(true)
    outbox.report('qms-1', FAILED)
    expect(outbox.mayCall('qms-1')).toBe(false)
  })

  test('wakes who waits when the next probe is due, each key once', async () => {
    const bench = open()
    await fail(bench, 5)
    const woken: string[] = []
    const waits = (key: string, lane: Lane) => bench.outbox.whenRoom('qms-1', lane, { key, site: 'P1', ready: () => void woken.push(key) })
    for (let time = 0; time < 3; time++) {
      waits('n', 'normal')
      waits('s', 'safety')
    }
    await bench.runtime.advance(1_000)
    expect(woken).toEqual(['s'])
    await bench.runtime.advance(9_000)
    expect(woken).toEqual(['s', 'n'])
  })
})

describe('the guard', () => {
  test('that says no before the batch is formed sends nothing, and says so', async () => {
    const { runtime, calls, told, send } = open()
    send('a', { guard: () => false })
    send('b')
    await runtime.rest()
    expect([calls, told]).toEqual([[['b']], ['a later']])
  })

  test.each([0, 1])('that throws after %i answers has not said yes: nothing of it is sent, and the others are', async (answers) => {
    const { runtime, calls, told, send, logged, outbox } = open()
    let asked = 0
    send('a', {
      guard: () => {
        if (asked++ < answers) return true
        throw new Error('a bug in the guard')
      },
    })
    await runtime.rest()
    send('b')
    await runtime.rest()
    expect([calls, told]).toEqual([[['b']], ['a later']])
    expect(logged).toEqual(['warn a send guard threw'])
    expect(outbox.mayCall('qms-1')).toBe(true)
  })

  test('that says no at the socket stops the whole batch', async () => {
    const { runtime, calls, told, send } = open()
    let asked = 0
    send('a', { guard: () => ++asked < 2 })
    send('b')
    await runtime.rest()
    expect([calls, told]).toEqual([[], ['a later', 'b later']])
  })

  test('that stops all there is of a resource does not keep the next one waiting', async () => {
    const { runtime, calls, send } = open()
    send('a', { guard: () => false })
    send('b', { resource: 'inspectionStatus' })
    await runtime.rest()
    expect(calls).toEqual([['b']])
  })

  test('says nothing about the target', async () => {
    const { runtime, outbox, send } = open()
    for (let time = 0; time < 6; time++) {
      let asked = 0
      send(`a${time}`, { guard: () => ++asked < 2 })
      await runtime.rest()
    }
    expect(outbox.mayCall('qms-1')).toBe(true)
  })
})

describe('a connector that breaks its promise', () => {
  test.each([
    ['throws', () => Promise.reject(new Error('a bug in the connector'))],
    ['answers too few', async () => [APPLIED]],
  ] as const)('%s: nobody knows what was done', async (_, apply) => {
    const { runtime, qms, told, send, outbox } = open()
    qms.onApply = apply as ToySystem['onApply']
    send('a')
    send('b')
    await runtime.rest()
    expect(told).toEqual(['a unknown', 'b unknown'])
    expect(outbox.stats).toEqual({ calls: 1, items: 2 })
  })
})
