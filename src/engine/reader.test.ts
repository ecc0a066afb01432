import { describe, expect, test } from 'vitest'
import { START_MS, timeAt } from '../../test/engine/hand-runtime.ts'
import { createRig, openClock, type Rig } from '../../test/engine/rig.ts'
import { createToySystem } from '../../test/engine/toy-system.ts'
import { bucket, stock } from '../../test/reconcile/builders.ts'
import type { ConnectorSpec, ReadResult, ResourceSpec } from '../connectors/connector.ts'
import type { Lane } from '../model/envelope.ts'
import type { Observation } from '../model/observation.ts'
import type { CallEnd } from './breaker.ts'
import { createLimiters, type Limiter } from './limiter.ts'
import { createReader, type Reader, type ReadFailure } from './reader.ts'

interface Bench extends Rig {
  readonly reader: Reader
  readonly limiter: Limiter
  /** Reads as they were asked for: subjects and seconds. */
  readonly calls: string[]
  /** Who was served with a read that began when: `wisher subject began`. */
  readonly served: string[]
  /** What was told of failures: `wisher subject class since … until …`. */
  readonly failures: string[]
  readonly reports: string[]
  readonly wish: WishOf
  /** On behalf of a hold. */
  readonly urgent: WishOf
  mayCall: boolean
}

type WishOf = (subject: string, notBeforeMs: number, wisher?: string) => void

async function open(qms = createToySystem('qms-1')): Promise<Bench> {
  const rig = createRig({ qms })
  const clock = await openClock(rig)
  const calls: string[] = []
  const served: string[] = []
  const failures: string[] = []
  const reports: string[] = []
  const read = rig.qms.onRead
  rig.qms.onRead = (subjects) => {
    calls.push(`${subjects.join(' ')} at ${rig.runtime.now()}`)
    return read(subjects)
  }
  const limiters = createLimiters(rig.deps)
  const wishes =
    (lane: Lane): WishOf =>
    (subject, notBeforeMs, wisher = 'w') => {
      const serve = ({ beganAt }: Observation): void => void served.push(`${wisher} ${subject} ${Date.parse(beganAt) - START_MS}`)
      const failed = ({ class: kind, sinceMs, againMs }: ReadFailure): void =>
        void failures.push(`${wisher} ${subject} ${kind} since ${sinceMs - START_MS} until ${againMs - START_MS}`)
      const notBefore = timeAt(notBeforeMs)
      bench.reader.wish({ system: 'qms-1', resource: 'inspection', subject, lane, notBefore, wisher, serve, failed })
    }
  const bench: Bench = {
    ...rig,
    limiter: limiters.get('qms-1') as Limiter,
    calls,
    served,
    failures,
    reports,
    mayCall: true,
    reader: createReader(rig.deps, { clock, limiters, mayCall: () => bench.mayCall, report: (_, end) => void reports.push(wordOf(end)) }),
    wish: wishes('normal'),
    urgent: wishes('safety'),
  }
  return bench
}

const wordOf = ({ answered, failed: silent }: CallEnd): string => (answered ? 'answered' : silent ? 'failed' : 'nothing')

const failed = (delayMs: number | null = null): ReadResult => ({ read: 'failed', class: 'transient', delayMs, detail: '' })

describe('wishes', () => {
  test('gather for a moment and travel together, up to the limit', async () => {
    const { runtime, calls, served, wish } = await open()
    wish('a', 0)
    await runtime.advance(4)
    wish('b', 0)
    await runtime.advance(1)
    expect(calls).toEqual(['a b at 5'])
    expect(served).toEqual(['w a 5', 'w b 5'])
    for (let number = 0; number < 23; number++) wish(`n${number}`, 0)
    await runtime.advance(5)
    expect(calls.slice(1).map((call) => call.split(' at ')[0]?.split(' ').length)).toEqual([10, 10, 3])
  })

  test('for one subject are one read, answered to everybody', async () => {
    const { runtime, calls, served, wish } = await open()
    wish('a', 0, 'one')
    wish('a', 0, 'other')
    wish('a', 0, 'one')
    await runtime.advance(100)
    expect(calls).toEqual(['a at 5'])
    expect(served).toEqual(['one a 5', 'other a 5'])
  })

  test('wait for their time; nobody waits for that of another', async () => {
    const { runtime, calls, served, wish } = await open()
    wish('a', 3_000, 'late')
    wish('a', 0, 'early')
    wish('b', 1_000)
    await runtime.advance(10_000)
    expect(calls).toEqual(['a at 5', 'b at 1000', 'a at 3000'])
    expect(served).toEqual(['early a 5', 'w b 1000', 'late a 3000'])
  })

  test('that come while it is being read join, unless they need a later one', async () => {
    const { runtime, calls, served, wish } = await open()
    const arrive = runtime.holdAt('read-received')
    wish('a', 0, 'first')
    await runtime.advance(5)
    wish('a', 5, 'joins')
    wish('a', 6, 'needs another')
    await runtime.advance(95)
    expect([calls, served]).toEqual([['a at 5'], []])
    arrive()
    await runtime.advance(5)
    expect(served).toEqual(['first a 5', 'joins a 5', 'needs another a 100'])
    expect(calls).toEqual(['a at 5', 'a at 100'])
  })

  test('are dated before the first byte of the request', async () => {
    const { runtime, served, wish } = await open()
    const go = runtime.holdAt('before-read')
    wish('a', 0)
    await runtime.advance(500)
    go()
    const arrive = runtime.holdAt('read-received')
    await runtime.advance(700)
    arrive()
    await runtime.rest()
    expect(served).toEqual(['w a 500'])
  })

  test('of a reader that closed are forgotten, and so is what it was reading', async () => {
    const { runtime, calls, served, wish, reader } = await open()
    const arrive = runtime.holdAt('read-received')
    wish('a', 0)
    wish('b', 1_000)
    await runtime.advance(10)
    reader.close()
    arrive()
    await runtime.advance(10_000)
    expect([calls, served]).toEqual([['a at 5'], []])
  })
})

describe('limits', () => {
  /** Holds back every answer; subjects of each call, in order. */
  async function slow(spec: Partial<ConnectorSpec>, resource: Partial<ResourceSpec> = { readBatchMax: 1 }) {
    const bench = await open(createToySystem('qms-1', spec, resource))
    const asked: string[] = []
    const answers: (() => void)[] = []
    const { onRead } = bench.qms
    bench.qms.onRead = async (subjects) => {
      asked.push(subjects.join(' '))
      const results = await onRead(subjects)
      await new Promise<void>((resolve) => answers.push(resolve))
      return results
    }
    const answer = async (): Promise<void> => {
      answers.shift()?.()
      await bench.runtime.rest()
    }
    return { ...bench, asked, answer }
  }

  test('at most as many reads at once as the system allows; a quarter is kept for holds', async () => {
    const { runtime, asked, answer, wish, urgent } = await slow({ callsInFlightMax: 8 })
    for (let number = 0; number < 10; number++) wish(`n${number}`, 0)
    await runtime.advance(10)
    expect(asked).toHaveLength(6)
    for (let number = 0; number < 3; number++) urgent(`s${number}`, 0)
    await runtime.advance(10)
    expect(asked.slice(6)).toEqual(['s0', 's1'])
    await answer()
    expect(asked.slice(8)).toEqual(['s2'])
    await answer()
    expect(asked.slice(9)).toEqual(['n6'])
  })

  test('are shared with whatever else is asked of the system', async () => {
    const { runtime, asked, wish, urgent, limiter } = await slow({ callsInFlightMax: 2 })
    limiter.take('rest')
    wish('n', 0)
    await runtime.advance(1_000)
    expect([asked, runtime.timers()]).toEqual([[], 0])
    urgent('s', 1_000)
    await runtime.advance(5)
    expect(asked).toEqual(['s'])
    limiter.give('rest')
    expect(asked).toEqual(['s', 'n'])
  })

  test('what a hold waits for is read first, and with it what still fits', async () => {
    const { runtime, asked, answer, wish, urgent } = await slow({ callsInFlightMax: 1 }, { readBatchMax: 3 })
    for (let number = 0; number < 6; number++) wish(`n${number}`, 0)
    await runtime.advance(5)
    urgent('s', 5)
    await runtime.advance(5)
    await answer()
    await answer()
    expect(asked).toEqual(['n0 n1 n2', 's n3 n4', 'n5'])
  })

  test('a read that several wish for is as urgent as the most urgent of them', async () => {
    const { runtime, asked, wish, urgent } = await slow({ callsInFlightMax: 2 })
    for (const subject of ['n', 'a', 'b']) wish(subject, 0, 'one')
    await runtime.advance(5)
    urgent('b', 0, 'two')
    wish('b', 0, 'three')
    await runtime.advance(5)
    expect(asked).toEqual(['n', 'b'])
  })

  test('a place is given back when what waited for it has travelled with the read of a hold', async () => {
    const { runtime, asked, wish, urgent, limiter } = await slow({ callsInFlightMax: 2 }, { readBatchMax: 2 })
    limiter.take('rest')
    wish('n', 0)
    await runtime.advance(5)
    urgent('s', 0)
    await runtime.advance(5)
    limiter.give('rest')
    await runtime.rest()
    expect(asked).toEqual(['s n'])
    expect(limiter.take('rest')).toBe(true)
  })

  test('a place comes back as what it was taken, whatever was read in it', async () => {
    const { runtime, asked, answer, wish, urgent, limiter } = await slow({ callsInFlightMax: 2 })
    limiter.take('rest')
    wish('n', 0)
    await runtime.advance(5)
    urgent('s', 0)
    limiter.give('rest')
    await runtime.rest()
    await answer()
    await answer()
    expect([asked, limiter.take('rest')]).toEqual([['s', 'n'], true])
  })

  test('a wish of a hold that becomes due while others wait is not forgotten', async () => {
    const { runtime, asked, wish, urgent, limiter } = await slow({ callsInFlightMax: 2 })
    limiter.take('rest')
    urgent('s', 3_000)
    wish('n', 0)
    await runtime.advance(2_999)
    expect(asked).toEqual([])
    await runtime.advance(1)
    expect(asked).toEqual(['s'])
  })

  test('a place is given back while the breaker says no', async () => {
    const bench = await open(createToySystem('qms-1', { callsInFlightMax: 1, callsPerSecondMax: 1 }))
    bench.mayCall = false
    bench.wish('a', 0)
    await bench.runtime.advance(100)
    expect(bench.limiter.take('rest')).toBe(true)
  })

  test('nothing is read while the breaker says no; what waits is read when it says yes', async () => {
    const bench = await open()
    bench.mayCall = false
    bench.wish('a', 0)
    await bench.runtime.advance(3_000)
    expect(bench.calls).toEqual([])
    bench.mayCall = true
    await bench.runtime.advance(1_000)
    expect(bench.served).toHaveLength(1)
  })
})

describe('a read that fails', () => {
  test('is repeated at a growing distance until it succeeds', async () => {
    const { runtime, qms, calls, served, reports, wish } = await open()
    const read = qms.onRead
    let failures = 4
    qms.onRead = async (subjects) => {
      const results = await read(subjects)
      return failures-- > 0 ? results.map(() => failed()) : results
    }
    wish('a', 0, 'one')
    wish('a', 0, 'other')
    await runtime.advance(60_000)
    expect(calls).toEqual(['a at 5', 'a at 1005', 'a at 3005', 'a at 7005', 'a at 15005'])
    expect(served).toEqual(['one a 15005', 'other a 15005'])
    expect(reports).toEqual(['failed', 'failed', 'failed', 'failed', 'answered'])
  })

  test('waits no longer than 30 seconds, or as long as the target says', async () => {
    const { runtime, qms, calls, wish } = await open()
    const read = qms.onRead
    qms.onRead = async (subjects) => (await read(subjects)).map(() => failed(subjects[0] === 'told' ? 45_000 : null))
    wish('a', 0)
    await runtime.advance(200_000)
    const times = calls.map((call) => Number(call.split(' at ')[1]))
    expect(Math.max(...times.slice(1).map((time, index) => time - (times[index] as number)))).toBe(30_000)
    calls.length = 0
    wish('told', 0)
    await runtime.advance(50_000)
    expect(calls.filter((call) => call.startsWith('told'))).toHaveLength(2)
  })

  test('is told to everybody who wished, with the time of the first failure', async () => {
    const { runtime, qms, failures, wish } = await open()
    const read = qms.onRead
    qms.onRead = async (subjects) => (await read(subjects)).map(() => failed())
    wish('a', 0, 'one')
    await runtime.advance(500)
    wish('a', 500, 'other')
    await runtime.advance(700)
    qms.onRead = read
    await runtime.advance(60_000)
    expect(failures).toEqual([
      'one a transient since 5 until 1005',
      'one a transient since 5 until 2505',
      'other a transient since 5 until 2505',
    ])
  })

  test('because the breaker says no is told as well', async () => {
    const bench = await open()
    bench.mayCall = false
    bench.wish('a', 0)
    await bench.runtime.advance(2_500)
    expect(bench.failures).toEqual([
      'w a transient since 5 until 1005',
      'w a transient since 5 until 2005',
      'w a transient since 5 until 3005',
    ])
  })

  test.each([
    ['mapping', 'answered'],
    ['contract', 'answered'],
    ['data', 'answered'],
    ['business', 'answered'],
    ['authorization', 'answered'],
    ['rateLimit', 'nothing'],
    ['transient', 'failed'],
    ['unknown', 'failed'],
  ] as const)('as %s tells the breaker: %s', async (errorClass, told) => {
    const { runtime, qms, reports, wish } = await open()
    qms.onRead = async (subjects) => subjects.map(() => ({ read: 'failed', class: errorClass, delayMs: null, detail: '' }))
    wish('a', 0)
    await runtime.advance(500)
    expect(reports).toEqual([told])
  })

  test('because the connector hangs is given up a moment after its call timeout, and repeated', async () => {
    const { runtime, qms, calls, failures, served, reports, wish } = await open()
    const read = qms.onRead
    qms.onRead = async (subjects) => {
      qms.onRead = read
      await runtime.clock.sleep(60_000)
      return read(subjects)
    }
    wish('a', 0)
    await runtime.advance(2_005)
    expect(failures).toEqual(['w a transient since 5 until 3005'])
    await runtime.advance(100_000)
    expect(served).toEqual(['w a 3005'])
    expect(reports).toEqual(['failed', 'answered'])
    // The late answer is the second call here.
    expect(calls).toHaveLength(2)
  })

  test('concerns its subject only', async () => {
    const { runtime, qms, served, reports, wish } = await open()
    const read = qms.onRead
    qms.onRead = async (subjects) => (await read(subjects)).map((result, index) => (subjects[index] === 'bad' ? failed() : result))
    wish('good', 0)
    wish('bad', 0)
    await runtime.advance(500)
    expect(served).toEqual(['w good 5'])
    expect(reports).toEqual(['answered'])
  })

  test.each(['1.000,50', 'abc'])('because a system shows the quantity %j concerns its subject only, and is repeated', async (value) => {
    const { runtime, qms, calls, served, reports, wish } = await open()
    let shown = value
    qms.onRead = async (subjects) => {
      calls.push(`${subjects.join(' ')} at ${runtime.now()}`)
      return subjects.map((subject) => ({
        read: 'observed',
        observation: stock([bucket('unrestricted', subject === 'bad' ? shown : '1000.50')]),
      }))
    }
    wish('good', 0)
    wish('bad', 0)
    await runtime.advance(5_000)
    expect([calls, served, reports]).toEqual([
      ['good bad at 5', 'bad at 1005', 'bad at 3005'],
      ['w good 5'],
      ['answered', 'answered', 'answered'],
    ])
    shown = '1000.50'
    await runtime.advance(5_000)
    expect(served).toEqual(['w good 5', 'w bad 7005'])
  })

  test.each([
    ['throws', () => Promise.reject(new Error('a bug in the connector'))],
    ['answers too few', async () => []],
  ] as const)('because the connector %s is repeated too', async (_, broken) => {
    const { runtime, qms, served, wish } = await open()
    const read = qms.onRead
    qms.onRead = broken
    wish('a', 0)
    await runtime.advance(500)
    expect(served).toEqual([])
    qms.onRead = read
    await runtime.advance(1_000)
    expect(served).toEqual(['w a 1005'])
  })
})
