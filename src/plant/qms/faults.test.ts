import { createHash, createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createWorld } from '../../runtime/simulated.ts'
import { createMemoryDisk } from '../disk.ts'
import type { Disturbances } from '../disturbances.ts'
import { createQms, type Qms } from './qms.ts'
import type { HmacSha256 } from './signature.ts'
import { createWireClient, type WireAnswer, type WireClient } from './wire-client.ts'

const hmacSha256: HmacSha256 = (key, text) => createHmac('sha256', key).update(text).digest()
let runtime: StillRuntime
let qms: Qms
let client: WireClient
let sleeps: number[]
beforeEach(async () => {
  const still = openStillRuntime({ random: () => 0.999 })
  sleeps = []
  const sleep = (ms: number): Promise<void> => {
    sleeps.push(ms)
    return still.clock.sleep(ms)
  }
  runtime = { ...still, clock: { ...still.clock, sleep } }
  qms = createQms({ runtime, disk: createMemoryDisk(), hmacSha256 })
  client = createWireClient(runtime, await qms.start())
  await client.logIn()
  qms.people.makePlan({ item: 'RM-100' })
})
afterEach(async () => {
  await qms.stop()
  await runtime.close()
})

const records = (...names: string[]) =>
  names.map((name) => ({ external_id: name, item: 'RM-100', lot: 'L', lot_quantity: '1', unit: 'PC', site: '1010' }))
const UPSERT = '/objects/inspections?idParam=external_id'
const create = (...names: string[]): Promise<WireAnswer> => client.post(UPSERT, records(...names))
const stored = () => qms.books.inspections().map(({ fields }) => fields['external_id'])

describe('a write call', () => {
  test.each<[string, Partial<Disturbances>, readonly [number, readonly string[]]]>([
    ['is refused and does nothing', { rateLimitedShare: 1, retryAfterSeconds: 7 }, [429, []]],
    ['fails before anything is done', { errorBeforeCommitShare: 1 }, [500, []]],
    ['fails with half of it done', { errorMidBatchShare: 1 }, [500, ['a']]],
    ['fails with all of it done', { errorAfterCommitShare: 1 }, [500, ['a', 'b', 'c']]],
  ])('%s', async (_, disturbance, [status, done]) => {
    qms.disturber.set(disturbance)
    const answer = await create('a', 'b', 'c')
    expect(answer.status).toBe(status)
    expect(answer.headers['retry-after']).toBe(status === 429 ? '7' : undefined)
    expect(stored()).toEqual(done)
    qms.disturber.set({ rateLimitedShare: 0, errorBeforeCommitShare: 0, errorMidBatchShare: 0, errorAfterCommitShare: 0 })
    expect((await create('a', 'b', 'c')).status).toBe(200)
    expect(stored()).toEqual(['a', 'b', 'c'])
  })

  test('may be answered for when nothing waits any more: late effect, lost answer', async () => {
    qms.disturber.script({ on: 'write', fault: 'slow', ms: 20_000 })
    const impatient = runtime.net.request({
      method: 'POST',
      url: `${await qms.start()}${UPSERT}`,
      headers: { authorization: String((await client.logIn()).body['sessionId']) },
      body: new TextEncoder().encode(JSON.stringify(records('a'))),
      timeoutMs: 200,
    })
    expect(await impatient).toMatchObject({ kind: 'lost' })
    expect(stored()).toEqual([])
    await runtime.advance(20_000)
    expect(stored()).toEqual(['a'])
  })

  test('that waits while the system goes down is not done', async () => {
    qms.disturber.script({ on: 'write', fault: 'slow', ms: 1_000 })
    const answer = create('a').catch((error: Error) => error)
    await expect.poll(() => sleeps).toEqual([1_000])
    const down = qms.stop()
    await runtime.advance(1_000)
    await down
    expect(stored()).toEqual([])
    expect(await answer).toMatchObject({ status: 500 })
  })

  test('may say that a record is done which is then undone; its number is used up', async () => {
    qms.disturber.script({ on: 'item', fault: 'rollback' })
    const results = await client.write(UPSERT, records('a', 'b'))
    expect(results.map(({ responseStatus, data }) => [responseStatus, data?.number])).toEqual([
      ['SUCCESS', 'INS-000001'],
      ['SUCCESS', 'INS-000002'],
    ])
    expect(stored()).toEqual(['b'])
    expect(qms.books.rolledBack()).toEqual([{ id: 'V5I000000000001', external_id: 'a', event: 'created', atMs: 0 }])
    await expect(client.show('a')).rejects.toThrow('NOT_FOUND')
    qms.disturber.script({ on: 'item', fault: 'rollback' })
    await client.write(UPSERT, records('c'))
    qms.disturber.script({ on: 'item', fault: 'rollback' })
    expect(await client.write(UPSERT, records('a', 'a'))).toMatchObject([
      { event: 'created', data: { number: 'INS-000004' } },
      { event: 'created', data: { number: 'INS-000005' } },
    ])
    expect(stored()).toEqual(['b', 'a'])
  })
})

describe('a busy system', () => {
  const answered = async () => {
    const answer = client.get('/metadata/inspections')
    let isDone = false
    void answer.finally(() => {
      isDone = true
    })
    await expect.poll(() => runtime.advance(500).then(() => isDone)).toBe(true)
    const { status, headers } = await answer
    return [status, headers['x-api-burst-limit-remaining'], qms.books.calls().at(-1)?.delayedMs]
  }

  test('delays beyond its burst limit, refuses far beyond it, and forgets with the window', async () => {
    qms.burst.set({ windowMs: 300_000, delayFrom: 2, refuseFrom: 3, delayMs: 500 })
    await runtime.advance(300_000)
    expect(await answered()).toEqual([200, '1', 0])
    expect(await answered()).toEqual([200, '0', 0])
    expect(await answered()).toEqual([200, '0', 500])
    const refused = await client.get('/metadata/inspections')
    expect(refused).toMatchObject({ status: 429, body: { errors: [{ type: 'API_LIMIT_EXCEEDED' }] } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(200)
    await runtime.advance(300_000)
    expect(await answered()).toEqual([200, '1', 0])
  })

  test('does the work before the delay', async () => {
    qms.burst.set({ delayFrom: 0, delayMs: 60_000 })
    const answer = create('a')
    await expect.poll(() => stored()).toEqual(['a'])
    await expect.poll(() => sleeps).toEqual([60_000])
    await runtime.advance(60_000)
    expect((await answer).status).toBe(200)
  })
})

describe('a system that is down', () => {
  test('refuses connections, keeps its port, and has lost nothing', async () => {
    await create('a')
    await qms.stop()
    expect(qms.running()).toBe(false)
    await expect(create('b')).rejects.toThrow()
    await qms.start()
    await client.logIn()
    expect(await client.show('a')).toMatchObject({ external_id: 'a' })
  })

  test('for maintenance answers with a page for people', async () => {
    qms.setMaintenance(true)
    expect(await create('a')).toMatchObject({ status: 503, headers: { 'content-type': 'text/html' } })
    qms.setMaintenance(false)
    expect((await create('a')).status).toBe(200)
  })
})

test('a body that is not JSON, or a path that leads nowhere, is answered', async () => {
  const url = await qms.start()
  const authorization = String((await client.logIn()).body['sessionId'])
  const send = async (path: string, body: string) => {
    const headers = { authorization }
    const result = await runtime.net.request({
      method: 'POST',
      url: `${url}${path}`,
      headers,
      body: new TextEncoder().encode(body),
      timeoutMs: 5_000,
    })
    if (result.kind !== 'response') throw new Error(result.reason)
    return [result.response.status, new TextDecoder().decode(result.response.body)]
  }
  expect(await send(UPSERT, '{')).toEqual([200, expect.stringContaining('INVALID_DATA')])
  expect(await send('/auth', '{')).toEqual([200, expect.stringContaining('INVALID_DATA')])
  expect(await client.get('/objects/inspections/%E0%A4%A/actions')).toMatchObject({ body: { errors: [{ type: 'NOT_FOUND' }] } })
  expect(await send('/nowhere', '{}')).toEqual([404, expect.stringContaining('NOT_FOUND')])
})

test('the books know every call', async () => {
  await create('a')
  await client.get('/nowhere')
  expect(qms.books.calls()).toMatchObject([
    { path: '/api/v1/auth', user: null, status: 200, refusal: null },
    { path: '/api/v1/objects/inspections', user: 'INTEGRATION', status: 200, refusal: null },
    { path: '/api/v1/nowhere', user: null, status: 404, refusal: 'NOT_FOUND' },
  ])
})

/** The same code on the simulated wire, with everything that can be disturbed, and a QMS that is replaced by another on its disk. */
async function run(seed: number): Promise<{ readonly hash: string; readonly heard: readonly string[]; readonly known: readonly string[] }> {
  const world = createWorld({ seed, hash: (text) => createHash('sha256').update(text).digest('hex') })
  world.addNode('qms')
  world.addNode('hub')
  const disk = createMemoryDisk()
  const heard: string[] = []
  const known: string[] = []
  const hub = world.runtimeFor('hub')
  await hub.net.listen({ host: 'hub', port: 80, bodyBytesMax: 100_000 }, async ({ headers }) => {
    heard.push(headers['webhook-id'] ?? '')
    return { status: heard.length % 3 === 0 ? 503 : 204, headers: {}, body: new Uint8Array() }
  })
  const openQms = (): Qms =>
    createQms(
      { runtime: world.runtimeFor('qms'), disk, hmacSha256 },
      {
        host: 'qms',
        port: 80,
        sessions: { endShare: 0.1, endMidBatchShare: 0.1 },
        disturbances: { errorBeforeCommitShare: 0.2, errorMidBatchShare: 0.2, errorAfterCommitShare: 0.2, slowShare: 0.5, slowMsMax: 500 },
        webhook: {
          url: 'http://hub:80/hook',
          delayMsMax: 300,
          duplicateShare: 0.3,
          duplicateDelayMsMax: 1_000,
          retryAfterMs: Array(20).fill(1_000),
        },
      },
    )
  let current = openQms()
  await current.start()
  current.people.makePlan({ item: 'RM-100' })
  const wanted = Array.from({ length: 10 }, (_, index) => `K-${index}`)
  world.schedule('qms', 200, () => {
    void current.stop().then(() => {
      current = openQms()
      return current.start()
    })
  })
  const upsertAll = async (): Promise<void> => {
    const caller = createWireClient(hub, 'http://qms:80/api/v1')
    for (let tries = 0; tries < 200 && known.length < wanted.length; tries += 1) {
      try {
        const results = await caller.write(UPSERT, records(...wanted))
        if (results.every(({ data }) => data !== undefined)) known.push(...results.map(({ data }) => data?.id ?? ''))
      } catch {
        await hub.clock.sleep(100)
        await caller.logIn().catch(() => undefined)
      }
    }
  }
  world.schedule('hub', 0, () => {
    void upsertAll()
  })
  await world.runUntil(() => world.now() > 5_000 && known.length > 0 && current.books.unsettled() === 0, { untilMs: 300_000 })
  expect(current.books.violations()).toEqual([])
  expect(current.books.inspections()).toHaveLength(10)
  expect(current.books.messages().every(({ end }) => end === 'delivered')).toBe(true)
  return { hash: world.traceHash(), heard, known }
}

test('on the simulated wire nothing is done twice or lost, and the same seed tells the same story', async () => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 20; seed += 1) {
    const { hash, heard, known } = await run(seed)
    hashes.add(hash)
    expect(new Set(known).size, `seed ${seed}`).toBe(10)
    expect(new Set(heard).size, `seed ${seed}`).toBe(11)
    expect(heard.length, `seed ${seed}`).toBeGreaterThan(11)
  }
  expect(hashes.size).toBe(20)
  expect(hashes).toContain((await run(1)).hash)
})
