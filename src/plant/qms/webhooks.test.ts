import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import type { HttpResponse, Listener } from '../../runtime.ts'
import { createMemoryDisk, type Disk } from '../disk.ts'
import { createQms, type Qms } from './qms.ts'
import { type HmacSha256, secretBytes, webhookHeaders } from './signature.ts'
import type { WebhookSettings } from './webhooks.ts'

const hmacSha256: HmacSha256 = (key, text) => createHmac('sha256', key).update(text).digest()
const OLD = `whsec_${Buffer.from('old secret, thirty-two bytes ab.').toString('base64')}`
const NEW = `whsec_${Buffer.from('new secret, thirty-two bytes ab.').toString('base64')}`

interface Heard {
  readonly id: string
  readonly timestamp: string
  readonly signatures: readonly string[]
  readonly payload: string
  readonly type: string
}
let runtime: StillRuntime
let listener: Listener
let heard: Heard[]
let answer: () => Pick<HttpResponse, 'status'> & { readonly headers?: Readonly<Record<string, string>> }
let hold: () => Promise<void>
let release: () => void
/** Webhooks whose answer, or its loss, has reached the QMS. */
let answered: number
let randoms: number[]
let disk: Disk
let qms: Qms
beforeEach(async () => {
  randoms = []
  heard = []
  answer = () => ({ status: 204 })
  hold = async () => undefined
  disk = createMemoryDisk()
  answered = 0
  const still = openStillRuntime({ random: () => randoms.shift() ?? 0.999 })
  const request: StillRuntime['net']['request'] = async (call) => {
    const result = await still.net.request(call)
    answered += 1
    return result
  }
  runtime = { ...still, net: { request, listen: still.net.listen } }
  listener = await runtime.net.listen({ host: '127.0.0.1', port: 0, bodyBytesMax: 100_000 }, async ({ headers, body }) => {
    const payload = new TextDecoder().decode(body ?? new Uint8Array())
    heard.push({
      id: headers['webhook-id'] ?? '',
      timestamp: headers['webhook-timestamp'] ?? '',
      signatures: (headers['webhook-signature'] ?? '').split(' '),
      payload,
      type: (JSON.parse(payload) as { type: string }).type,
    })
    await hold()
    return { headers: {}, body: new Uint8Array(), ...answer() }
  })
  await open()
})
afterEach(async () => {
  await qms.stop()
  await listener.close()
  await runtime.close()
})

async function open(settings: Partial<WebhookSettings> = {}): Promise<void> {
  qms = createQms({ runtime, disk, hmacSha256 }, { webhook: { url: `${listener.url}/hooks/qms-1`, secret: OLD, ...settings } })
  await qms.start()
}
/** Every plan that is made is one message. */
const makePlan = (item = 'RM-100') => qms.people.makePlan({ item })
const settled = () => expect.poll(() => qms.books.unsettled()).toBe(0)
const expected = (secret: string, { id, timestamp, payload }: Heard) =>
  `v1,${createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(`${id}.${timestamp}.${payload}`)
    .digest('base64')}`
const ids = () => heard.map(({ id }) => id)
/** What must happen over sockets while time stands still. */
const quiet = async (count: number) => {
  await expect.poll(() => qms.books.webhookAttempts().length).toBe(count)
}

describe('a signature', () => {
  test('is that of the published sample', () => {
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampSeconds: 1614265330, payload: '{"test": 2432232314}' }
    expect(webhookHeaders(hmacSha256, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], message)).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test.each(['c2VjcmV0', `whsec_${btoa('short')}`, `whsec_${btoa('x'.repeat(65))}`])('needs a secret, which %s is not', (secret) => {
    expect(() => secretBytes(secret)).toThrow('a webhook secret')
  })

  test('is given by both secrets while they are rotated, the new one first', async () => {
    makePlan()
    await settled()
    qms.webhooks.rotateSecret(NEW)
    makePlan()
    await settled()
    qms.webhooks.retireOldSecrets()
    makePlan()
    await settled()
    const [before, between, after] = heard as [Heard, Heard, Heard]
    expect(before.signatures).toEqual([expected(OLD, before)])
    expect(between.signatures).toEqual([expected(NEW, between), expected(OLD, between)])
    expect(after.signatures).toEqual([expected(NEW, after)])
    await qms.stop()
    await open()
    makePlan()
    await settled()
    expect(heard[3]?.signatures).toEqual([expected(NEW, heard[3] as Heard)])
  })
})

describe('a message', () => {
  test('is thin: it says what to read', async () => {
    makePlan()
    const fields = { external_id: 'K-1', item: 'RM-100', lot: 'B-1', lot_quantity: '100', unit: 'PC', site: '1010' }
    qms.people.create(fields)
    qms.people.start({ external_id: 'K-1' })
    await settled()
    expect(heard.map(({ payload }) => JSON.parse(payload)).sort((a, b) => (a.type < b.type ? -1 : 1))).toEqual([
      {
        type: 'inspection.created',
        timestamp: '2026-11-02T08:00:00Z',
        data: { object: 'inspection', id: 'V5I000000000001', external_id: 'K-1', version: 1 },
      },
      {
        type: 'inspection.started',
        timestamp: '2026-11-02T08:00:00Z',
        data: { object: 'inspection', id: 'V5I000000000001', external_id: 'K-1', version: 2 },
      },
      {
        type: 'inspection_plan.released',
        timestamp: '2026-11-02T08:00:00Z',
        data: { object: 'inspection_plan', id: 'IP-00001', item: 'RM-100', supplier: null, version: 1 },
      },
    ])
    expect(new Set(ids()).size).toBe(3)
  })

  test('is tried again until it is answered 2xx: same id and payload, another time and signature', async () => {
    const statuses = [500, 302, 404, 200]
    answer = () => ({ status: statuses.shift() ?? 200 })
    qms.webhooks.set({ retryAfterMs: [5_000, 60_000, 60_000] })
    makePlan()
    await quiet(1)
    await runtime.advance(5_000)
    await quiet(2)
    await runtime.advance(60_000)
    await quiet(3)
    await runtime.advance(60_000)
    await settled()
    expect(qms.books.webhookAttempts().map(({ atMs, status }) => [atMs, status])).toEqual([
      [0, 500],
      [5_000, 302],
      [65_000, 404],
      [125_000, 200],
    ])
    expect(new Set(ids()).size).toBe(1)
    expect(new Set(heard.map(({ payload }) => payload)).size).toBe(1)
    expect(heard.map(({ timestamp }) => Number(timestamp) - Number(heard[0]?.timestamp))).toEqual([0, 5, 65, 125])
    for (const one of heard) expect(one.signatures).toEqual([expected(OLD, one)])
    expect(qms.books.messages()).toMatchObject([{ end: 'delivered' }])
  })

  test('is given up after its last try', async () => {
    answer = () => ({ status: 500 })
    qms.webhooks.set({ retryAfterMs: [1_000] })
    makePlan()
    await quiet(1)
    await runtime.advance(1_000)
    await settled()
    expect(heard).toHaveLength(2)
    expect(qms.books.messages()).toMatchObject([{ end: 'exhausted' }])
  })

  test('waits as long as the receiver asks for', async () => {
    const answers = [{ status: 429, headers: { 'retry-after': '60' } }]
    answer = () => answers.shift() ?? { status: 200 }
    qms.webhooks.set({ retryAfterMs: [1_000] })
    makePlan()
    await quiet(1)
    await runtime.advance(1_000)
    await runtime.advance(59_000)
    await settled()
    expect(qms.books.webhookAttempts().map(({ atMs }) => atMs)).toEqual([0, 60_000])
  })

  test('is not sent to a receiver that is gone, until there is another', async () => {
    answer = () => ({ status: 410 })
    makePlan()
    await quiet(1)
    expect(qms.webhooks.disabled()).toBe(true)
    makePlan()
    await runtime.advance(3_600_000)
    expect(heard).toHaveLength(1)
    answer = () => ({ status: 200 })
    qms.webhooks.set({ url: listener.url })
    await settled()
    expect(new Set(ids()).size).toBe(2)
  })

  test('comes twice by a share, and again when somebody resends it', async () => {
    qms.webhooks.set({ duplicateShare: 0.5, duplicateDelayMsMax: 1_000 })
    randoms = [0.4, 0.999]
    makePlan()
    await quiet(1)
    expect(qms.books.unsettled()).toBe(1)
    await runtime.advance(1_000)
    await settled()
    qms.webhooks.resend('msg_000000000001')
    await settled()
    expect(ids()).toEqual(['msg_000000000001', 'msg_000000000001', 'msg_000000000001'])
    expect(qms.books.webhookAttempts().map(({ duplicate }) => duplicate)).toEqual([false, true, true])
  })

  test('is lost by a share', async () => {
    qms.webhooks.set({ lostShare: 0.5 })
    randoms = [0.4, 0.6]
    makePlan()
    makePlan()
    await settled()
    expect(ids()).toEqual(['msg_000000000002'])
    expect(qms.books.messages().map(({ end }) => end)).toEqual(['lost', 'delivered'])
  })

  test('comes late, and is overtaken', async () => {
    qms.webhooks.set({ delayMsMax: 1_000 })
    randoms = [0.9, 0.1]
    makePlan()
    makePlan()
    await runtime.advance(100)
    await quiet(1)
    await runtime.advance(900)
    await settled()
    expect(ids()).toEqual(['msg_000000000002', 'msg_000000000001'])
  })

  test('under way when the QMS stops counts for nothing, and is sent once more', async () => {
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    hold = () => held
    qms.webhooks.set({ inFlightMax: 1 })
    makePlan()
    makePlan()
    await expect.poll(() => ids()).toEqual(['msg_000000000001'])
    await qms.stop()
    release()
    await expect.poll(() => answered).toBe(1)
    await qms.start()
    await settled()
    expect(ids()).toEqual(['msg_000000000001', 'msg_000000000001', 'msg_000000000002'])
  })

  test('that waits for its next try when the QMS stops is sent at the start, not then', async () => {
    answer = () => ({ status: 503 })
    makePlan()
    await quiet(1)
    await qms.stop()
    await qms.start()
    await quiet(2)
    answer = () => ({ status: 200 })
    await runtime.advance(5_000)
    await settled()
    await runtime.advance(5_000)
    expect(heard).toHaveLength(3)
    expect(qms.books.webhookAttempts().map(({ status }) => status)).toEqual([503, 503, 200])
  })

  test('outlives the QMS: what was not delivered is sent by the next one on the same disk', async () => {
    answer = () => ({ status: 503 })
    makePlan()
    await quiet(1)
    await qms.stop()
    makePlan()
    expect(heard).toHaveLength(1)
    answer = () => ({ status: 200 })
    await open()
    await settled()
    expect(ids().slice(1).sort()).toEqual(['msg_000000000001', 'msg_000000000002'])
    await qms.stop()
    await open()
    expect(qms.books.unsettled()).toBe(0)
    expect(heard).toHaveLength(3)
  })
})
