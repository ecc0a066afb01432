import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { HttpCall, HttpRequest, HttpResult } from '../runtime.ts'
import type { FaultPlan, RequestFault } from './faults.ts'
import { createWorld } from './simulated.ts'
import type { World, WorldOptions } from './world.ts'

const sha256 = (text: string): string => hash('sha256', text)
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

interface Stage {
  readonly world: World
  readonly served: HttpRequest[]
  readonly servedAt: number[]
  readonly results: HttpResult[]
  readonly settledAt: number[]
}

interface StageInput extends Partial<WorldOptions> {
  readonly call?: Partial<HttpCall>
  readonly calls?: number
  readonly serveMs?: number
}

const CALL: HttpCall = {
  method: 'POST',
  url: 'http://erp:80/stock?lot=1',
  headers: { 'X-Key': 'k' },
  body: encode('hello'),
  timeoutMs: 1_000,
}

/** A server that echoes, and a client that calls it from 10 ms on. */
function stage({ call, calls = 1, serveMs = 0, ...options }: StageInput = {}): Stage {
  const world = createWorld({ seed: 1, hash: sha256, interleaveShare: 0, ...options })
  const made: Stage = { world, served: [], servedAt: [], results: [], settledAt: [] }
  world.addNode('erp', async (runtime) => {
    await runtime.net.listen({ host: 'erp', port: 80, bodyBytesMax: 10 }, async (request) => {
      made.served.push(request)
      made.servedAt.push(world.now())
      if (serveMs > 0) await runtime.clock.sleep(serveMs)
      return { status: 201, headers: { ETag: '7' }, body: request.body ?? encode('') }
    })
  })
  world.addNode('hub', async (runtime) => {
    await runtime.clock.sleep(10)
    for (let i = 0; i < calls; i++) {
      made.results.push(await runtime.net.request({ ...CALL, ...call }))
      made.settledAt.push(world.now())
    }
  })
  return made
}

/** The same with one fault, under many seeds, so that all forms of the fault occur. */
async function underFault(fault: RequestFault, input: StageInput = {}): Promise<Stage[]> {
  const stages: Stage[] = []
  for (let seed = 1; seed <= 40; seed++) {
    const plan: FaultPlan = { events: [{ kind: 'request', request: 1, fault, ms: 5_000 }] }
    const made = stage({ seed, plan, ...input })
    await made.world.runUntilQuiet()
    expect(made.world.faultsTaken).toEqual(plan.events)
    stages.push(made)
  }
  return stages
}

function summary(stages: readonly Stage[]): string[] {
  const words = stages.map(({ results, served }) =>
    results.map((r) => `${r.kind}${r.kind === 'response' ? '' : ` ${r.reason}`} served ${served.length}`).join(),
  )
  return [...new Set(words)].sort()
}

describe('a call', () => {
  test('arrives as from a real server, and so does the answer; nothing is shared', async () => {
    const { world, served, results } = stage()
    await world.runUntilQuiet()
    expect(served).toEqual([
      { method: 'POST', url: '/stock?lot=1', headers: { host: 'erp:80', 'x-key': 'k', 'content-length': '5' }, body: encode('hello') },
    ])
    expect(results).toEqual([
      { kind: 'response', response: { status: 201, headers: { etag: '7', 'content-length': '5' }, body: encode('hello') } },
    ])
    const [sent, got, result] = [CALL.body, served[0]?.body, results[0]]
    expect(got?.buffer).not.toBe(sent?.buffer)
    expect(result?.kind === 'response' && result.response.body.buffer).not.toBe(got?.buffer)
  })

  test('with a body beyond the limit is answered 413 unread; a handler that throws answers 500', async () => {
    const large = stage({ call: { body: encode('more than ten') } })
    await large.world.runUntilQuiet()
    expect(large.served).toEqual([])
    expect(large.results).toMatchObject([{ kind: 'response', response: { status: 413 } }])

    const errors: unknown[] = []
    const world = createWorld({ seed: 1, hash: sha256, onHandlerError: (node, error) => errors.push(node, (error as Error).message) })
    const answers: HttpResult[] = []
    world.addNode('erp', async ({ net }) => {
      await net.listen({ host: 'erp', port: 80, bodyBytesMax: 10 }, () => Promise.reject(new Error('secret')))
    })
    world.schedule(
      null,
      1,
      () =>
        void world
          .runtimeFor('erp')
          .net.request(CALL)
          .then((result) => answers.push(result)),
    )
    await world.runUntilQuiet()
    expect(errors).toEqual(['erp', 'secret'])
    expect(answers).toMatchObject([
      { kind: 'response', response: { status: 500, headers: { 'content-type': 'application/problem+json' } } },
    ])
    const [answer] = answers
    expect(answer?.kind === 'response' && new TextDecoder().decode(answer.response.body)).not.toContain('secret')
  })

  test('without a handler for its errors, a throwing handler fails the run', async () => {
    const world = createWorld({ seed: 1, hash: sha256 })
    world.addNode('erp', async ({ net }) => {
      await net.listen({ host: 'erp', port: 80, bodyBytesMax: 10 }, () => Promise.reject(new Error('a bug')))
    })
    world.schedule(null, 1, () => void world.runtimeFor('erp').net.request(CALL))
    await expect(world.runUntilQuiet()).rejects.toThrow('a bug')
  })

  test('that is aborted is notSent before the write and lost after it', async () => {
    for (const [afterMs, kind] of [
      [10.01, 'notSent'],
      [16, 'lost'],
    ] as const) {
      const stop = new AbortController()
      const network = { connectShare: 1, connectMsMedian: 5, latencyMsMedian: 100, latencySigma: 0.01 }
      const { world, results, settledAt } = stage({ network, call: { signal: stop.signal } })
      world.schedule(null, afterMs, () => stop.abort())
      await world.runUntilQuiet()
      expect(results).toEqual([{ kind, reason: 'aborted' }])
      expect(settledAt).toEqual([afterMs])
    }
  })
})

describe('the guard', () => {
  test('no: nothing is sent', async () => {
    const { world, served, results } = stage({ call: { beforeWrite: () => false } })
    await world.runUntilQuiet()
    expect(results).toEqual([{ kind: 'notSent', reason: 'guard' }])
    expect(served).toEqual([])
  })

  test('is asked when the bytes leave, which a new connection or a pause makes later than the call', async () => {
    const askedAt: number[] = []
    const network = { connectShare: 1, connectMsMedian: 50, latencySigma: 0.01 }
    const { world } = stage({ network, call: { beforeWrite: () => askedAt.push(world.now()) > 0 } })
    world.schedule(null, 20, () => world.pause('hub', 700))
    await world.runUntilQuiet()
    expect(askedAt).toEqual([720])
  })

  test('is not asked, and nothing is written, when the time runs out before there is a connection', async () => {
    let asked = 0
    const network = { connectShare: 1, connectMsMedian: 5_000 }
    const { world, served, results } = stage({ network, call: { beforeWrite: () => ++asked > 0 } })
    await world.runUntilQuiet()
    expect(asked).toBe(0)
    expect(results).toEqual([{ kind: 'notSent', reason: 'timeout' }])
    expect(served).toEqual([])
  })

  test('that throws is a bug and not an answer', async () => {
    const bug = (): boolean => {
      throw new Error('guard bug')
    }
    await expect(stage({ call: { beforeWrite: bug } }).world.runUntilQuiet()).rejects.toThrow('guard bug')
  })
})

describe('faults', () => {
  test('refuse: nothing was sent and the guard not asked', async () => {
    const ask = (): boolean => {
      throw new Error('asked')
    }
    const stages = await underFault('refuse', { call: { beforeWrite: ask } })
    expect(summary(stages)).toEqual(['notSent connection refused served 0'])
    for (const { settledAt } of stages) expect(settledAt[0]).toBeGreaterThan(10)
  })

  test('loseRequest: lost, never served', async () => {
    expect(summary(await underFault('loseRequest'))).toEqual(['lost connection reset served 0', 'lost timeout served 0'])
  })

  test('loseReply: lost although served', async () => {
    expect(summary(await underFault('loseReply'))).toEqual(['lost connection reset served 1', 'lost timeout served 1'])
  })

  test('duplicate: served twice, answered once', async () => {
    expect(summary(await underFault('duplicate'))).toEqual(['response served 2'])
  })

  test('reset: the caller gives up early, and the request may be served even afterwards', async () => {
    const stages = await underFault('reset')
    expect(summary(stages)).toEqual(['lost connection reset served 0', 'lost connection reset served 1', 'response served 1'])
    const servedAfterwards = stages.filter(({ servedAt, settledAt }) => (servedAt[0] ?? 0) > (settledAt[0] ?? 0))
    expect(servedAfterwards.length).toBeGreaterThan(2)
  })

  test('halfOpen: silence until the timeout, served or not', async () => {
    const stages = await underFault('halfOpen')
    expect(summary(stages)).toEqual(['lost timeout served 0', 'lost timeout served 1'])
    for (const { settledAt } of stages) expect(settledAt).toEqual([1_010])
  })

  test('slow: either way can be the slow one', async () => {
    expect(summary(await underFault('slow'))).toEqual(['lost timeout served 1'])
    const patient = await underFault('slow', { call: { timeoutMs: 60_000 } })
    expect(summary(patient)).toEqual(['response served 1'])
    for (const { settledAt } of patient) expect(settledAt[0]).toBeGreaterThan(5_000)
  })

  test('only the request it is meant for', async () => {
    const { world, results } = stage({ calls: 3, plan: { events: [{ kind: 'request', request: 2, fault: 'refuse' }] } })
    await world.runUntilQuiet()
    expect(results.map(({ kind }) => kind)).toEqual(['response', 'notSent', 'response'])
  })
})

describe('a server that is gone', () => {
  test('before the call: refused, silent, or a dead connection that swallows the bytes', async () => {
    const stages: Stage[] = []
    for (let seed = 1; seed <= 60; seed++) {
      const made = stage({ seed })
      made.world.schedule(null, 5, () => made.world.crash('erp', null))
      await made.world.runUntilQuiet()
      stages.push(made)
    }
    expect(summary(stages)).toEqual([
      'lost connection reset served 0',
      'lost timeout served 0',
      'notSent connection refused served 0',
      'notSent timeout served 0',
    ])
  })

  test('while it serves: the effect may stand, the answer never comes; after the restart it serves again', async () => {
    const kinds = new Set<string>()
    for (let seed = 1; seed <= 20; seed++) {
      const made = stage({ seed, serveMs: 300, calls: 2 })
      made.world.schedule(null, 200, () => made.world.crash('erp', 0.01))
      await made.world.runUntilQuiet()
      const [first, second] = made.results
      kinds.add(first?.kind === 'lost' ? first.reason : 'other')
      expect(second?.kind).toBe('response')
      expect(made.served.length).toBe(2)
    }
    expect([...kinds].sort()).toEqual(['connection reset', 'timeout'])
  })

  test('paused: it serves late, and the caller may have stopped waiting', async () => {
    const { world, served, results } = stage()
    world.schedule(null, 5, () => world.pause('erp', 3_000))
    await world.runUntilQuiet()
    expect(results).toEqual([{ kind: 'lost', reason: 'timeout' }])
    expect(served.length).toBe(1)
  })

  test('a client that crashes has sent what it has sent', async () => {
    const { world, served, results } = stage({ network: { latencyMsMedian: 50, latencySigma: 0.01, connectShare: 0 } })
    world.schedule(null, 20, () => world.crash('hub', null))
    await world.runUntilQuiet()
    expect(served.length).toBe(1)
    expect(results).toEqual([])
  })
})

describe('a partition', () => {
  test('of the way out: nothing is served; of the way back: served without an answer; then it is over', async () => {
    for (const [from, to, servedFirst] of [
      ['hub', 'erp', 0],
      ['erp', 'hub', 1],
    ] as const) {
      const { world, served, results } = stage({ calls: 2 })
      world.partition(from, to, { oneWay: true, ms: 500 })
      await world.runUntil(900)
      expect(served.length).toBe(servedFirst)
      await world.runUntilQuiet()
      expect(results[0]).toMatchObject({ reason: 'timeout' })
      expect(results[1]).toMatchObject({ kind: 'response' })
    }
  })
})

describe('a listener', () => {
  test('has its address alone, refuses after close, and close waits for answers under way', async () => {
    const world = createWorld({ seed: 3, hash: sha256 })
    const events: string[] = []
    world.addNode('erp', async ({ net, clock }) => {
      const listener = await net.listen({ host: 'erp', port: 0, bodyBytesMax: 10 }, async () => {
        await clock.sleep(100)
        events.push('answered')
        return { status: 200, headers: {}, body: encode('') }
      })
      await expect(
        net.listen({ host: 'erp', port: Number(new URL(listener.url).port), bodyBytesMax: 1 }, () => Promise.reject()),
      ).rejects.toThrow('in use')
      void net.request({ ...CALL, url: `${listener.url}/x` }).then(({ kind }) => events.push(`first ${kind}`))
      await clock.sleep(50)
      await Promise.all([listener.close(), listener.close()])
      events.push('closed')
      const late = await net.request({ ...CALL, url: `${listener.url}/x` })
      events.push(`late ${late.kind}`)
    })
    await world.runUntilQuiet()
    expect(events.slice(0, 2)).toEqual(['answered', 'closed'])
    expect(events).toContain('first response')
    expect(events).not.toContain('late response')
  })
})
