import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStillRuntime, type StillRuntime } from '../../test/plant/still-runtime.ts'
import type { Listener } from '../runtime.ts'
import { createNotices, type Notice, type PushSettings } from './notices.ts'

let runtime: StillRuntime
let listener: Listener
let received: { readonly type: string; readonly bytes: string; readonly notices: readonly Notice[] }[]
let answer: () => number
beforeEach(async () => {
  runtime = openStillRuntime()
  received = []
  answer = () => 202
  listener = await runtime.net.listen({ host: '127.0.0.1', port: 0, bodyBytesMax: 100_000 }, async (request) => {
    const bytes = new TextDecoder().decode(request.body ?? new Uint8Array())
    const body = JSON.parse(bytes) as Notice | Notice[]
    received.push({ type: request.headers['content-type'] ?? '', bytes, notices: Array.isArray(body) ? body : [body] })
    return { status: answer(), headers: {}, body: new Uint8Array() }
  })
})
afterEach(async () => {
  await listener.close()
  await runtime.close()
})

function openNotices(push: Partial<PushSettings> = {}) {
  const notices = createNotices({ runtime }, { instance: 'erp-1', push: { url: `${listener.url}/v1/events`, ...push } })
  notices.open()
  return notices
}
const ids = () => received.flatMap(({ notices }) => notices.map(({ id }) => id))

describe('notices', () => {
  test('are CloudEvents that name the instance', async () => {
    const notices = openNotices()
    notices.publish('countingErp.thing.happened', 'T-1', { kind: 'thing' })
    await expect.poll(() => notices.pending()).toBe(0)
    expect(received).toMatchObject([{ type: 'application/cloudevents+json' }])
    expect(received[0]?.notices).toEqual([
      {
        specversion: '1.0',
        id: 'erp-1-1',
        source: 'erp-1',
        type: 'countingErp.thing.happened',
        subject: 'T-1',
        time: '2026-11-02T08:00:00.000Z',
        datacontenttype: 'application/json',
        data: { kind: 'thing' },
      },
    ])
  })

  test('are sent again, the same bytes, until they are acknowledged', async () => {
    const answers = [500, 503, 404, 202]
    answer = () => answers.shift() ?? 202
    const notices = openNotices({ retryMs: 100, retryMsMax: 150 })
    notices.publish('t', 's', {})
    for (const [count, waitMs] of [
      [1, 100],
      [2, 150],
      [3, 150],
    ] as const) {
      await expect.poll(() => received.length).toBe(count)
      await expect.poll(() => notices.pending()).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 10))
      await runtime.advance(waitMs)
    }
    await expect.poll(() => notices.pending()).toBe(0)
    expect(new Set(received.map(({ bytes }) => bytes)).size).toBe(1)
    expect(received).toHaveLength(4)
  })

  test('come twice by their share, later', async () => {
    const notices = openNotices({ duplicateShare: 1, duplicateDelayMsMax: 1_000 })
    notices.publish('t', 's', {})
    await expect.poll(() => notices.counts().duplicates).toBe(1)
    expect(ids()).toEqual(['erp-1-1'])
    await runtime.advance(1_000)
    await expect.poll(() => notices.pending()).toBe(0)
    expect(ids()).toEqual(['erp-1-1', 'erp-1-1'])
  })

  test('overtake each other by their delays', async () => {
    const delays = [0.9, 0.1, 0.5]
    await runtime.close()
    runtime = openStillRuntime({ random: () => delays.shift() ?? 0 })
    const notices = openNotices({ delayMsMax: 1_000, inFlightMax: 1 })
    for (const name of ['a', 'b', 'c']) notices.publish('t', name, {})
    for (let step = 0; step < 10; step += 1) {
      await runtime.advance(100)
      await expect.poll(() => notices.counts().attempts - notices.counts().acknowledged).toBe(0)
    }
    expect(ids()).toEqual(['erp-1-2', 'erp-1-3', 'erp-1-1'])
  })

  test('travel in batches where that is wanted', async () => {
    const notices = createNotices({ runtime }, { instance: 'erp-1', push: { url: listener.url, batchMax: 2 } })
    for (const name of ['a', 'b', 'c']) notices.publish('t', name, {})
    notices.open()
    await expect.poll(() => notices.pending()).toBe(0)
    expect(received.map(({ notices: list }) => list.length).sort()).toEqual([1, 2])
    expect(received.map(({ type }) => type).sort()).toEqual(['application/cloudevents+json', 'application/cloudevents-batch+json'].sort())
  })

  test('wait while the system is closed, or knows nobody to tell', async () => {
    const notices = openNotices()
    notices.close()
    notices.publish('t', 's', {})
    expect(notices.pending()).toBe(1)
    notices.setPush({ url: null })
    notices.open()
    expect(received).toEqual([])
    notices.setPush({ url: listener.url })
    await expect.poll(() => received.length).toBe(1)
  })

  test('can be told again, or told falsely', async () => {
    const notices = openNotices()
    notices.publish('t', 's', { truth: 1 })
    const [first] = notices.all()
    if (first === undefined) throw new Error('nothing was published')
    notices.send({ ...first, data: { truth: 2 } })
    await expect.poll(() => notices.pending()).toBe(0)
    expect(ids()).toEqual(['erp-1-1', 'erp-1-1'])
    expect(notices.all()).toHaveLength(1)
  })
})
