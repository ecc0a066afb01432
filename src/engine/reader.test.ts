import { describe, expect, test } from 'vitest'
import { START_MS, timeAt } from '../../test/engine/hand-runtime.ts'
import { createRig, openClock, type Rig } from '../../test/engine/rig.ts'
import { bucket, stock } from '../../test/reconcile/builders.ts'
import type { ReadResult } from '../connectors/connector.ts'
import type { Observation } from '../model/observation.ts'
import type { CallEnd } from './breaker.ts'
import { createReader, type Reader, type ReadFailure } from './reader.ts'

interface Bench extends Rig {
  readonly reader: Reader
  /** Reads as they were asked for: subjects and seconds. */
  readonly calls: string[]
  /** Who was served with a read that began when: `wisher subject began`. */
  readonly served: string[]
  /** What was told of failures: `wisher subject class since … until …`. */
  readonly failures: string[]
  readonly reports: string[]
  readonly wish: (subject: string, notBeforeMs: number, wisher?: string) => void
  mayCall: boolean
}

async function open(): Promise<Bench> {
  const rig = createRig()
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
  const bench: Bench = {
    ...rig,
    calls,
    served,
    failures,
    reports,
    mayCall: true,
    reader: createReader(rig.deps, { clock, mayCall: () => bench.mayCall, report: (_, end) => void reports.push(wordOf(end)) }),
    wish: (subject, notBeforeMs, wisher = 'w') => {
      const serve = ({ beganAt }: Observation): void => void served.push(`${wisher} ${subject} ${Date.parse(beganAt) - START_MS}`)
      const failed = ({ class: kind, sinceMs, againMs }: ReadFailure): void =>
        void failures.push(`${wisher} ${subject} ${kind} since ${sinceMs - START_MS} until ${againMs - START_MS}`)
      bench.reader.wish({ system: 'qms-1', resource: 'inspection', subject, notBefore: timeAt(notBeforeMs), wisher, serve, failed })
    },
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
  test('at most four reads of a resource at once', async () => {
    const { runtime, qms, calls, wish } = await open()
    const answers: (() => void)[] = []
    const read = qms.onRead
    qms.onRead = async (subjects) => {
      const results = await read(subjects)
      await new Promise<void>((resolve) => answers.push(resolve))
      return results
    }
    for (let number = 0; number < 60; number++) wish(`n${number}`, 0)
    await runtime.advance(10)
    expect(calls).toHaveLength(4)
    answers.shift()?.()
    await runtime.rest()
    expect(calls).toHaveLength(5)
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
