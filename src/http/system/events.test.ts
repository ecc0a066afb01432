import { describe, expect, test } from 'vitest'
import { createRig, openIntake, type Rig } from '../../../test/engine/rig.ts'
import { movement } from '../../../test/engine/scripted.ts'
import { IntakeOverloaded, type IntakeRequest } from '../../engine/intake.ts'
import type { HttpResponse } from '../../runtime.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { type Accept, postEvents } from './events.ts'

const event = (document: string, source = '/erp-1') => ({ source, data: movement(document, 'A') })

interface Answer {
  readonly status: number
  readonly headers: HttpResponse['headers']
  readonly body: unknown
}

async function post(accept: Accept, body: unknown): Promise<Answer> {
  const bytes = body instanceof Uint8Array || body === null ? body : new TextEncoder().encode(JSON.stringify(body))
  const response = await postEvents(accept, { method: 'POST', url: '/v1/events', headers: {}, body: bytes })
  return { status: response.status, headers: response.headers, body: JSON.parse(new TextDecoder().decode(response.body)) }
}

async function open(): Promise<{ readonly rig: Rig; readonly accept: Accept }> {
  const rig = createRig()
  const intake = await openIntake(rig)
  return { rig, accept: (request) => intake.accept(request) }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const refusing =
  (reason: Error): Accept =>
  () =>
    Promise.reject(reason)

test('one event is answered alone, a batch event by event', async () => {
  const { accept } = await open()
  expect(await post(accept, event('D1'))).toMatchObject({ status: 202, body: { result: 'recorded' } })
  expect(await post(accept, [event('D1'), event('D2'), event('D3', '/erp-9')])).toMatchObject({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: { results: [{ result: 'duplicate' }, { result: 'recorded' }, { result: 'parked', code: 'input.sourceUnknown' }] },
  })
  expect(await post(accept, [])).toMatchObject({ status: 200, body: { results: [] } })
})

test('the source names the system, with or without a slash; what names none belongs to none', async () => {
  const given: IntakeRequest[] = []
  const accept: Accept = async (request) => {
    given.push(request)
    return request.items.map(() => ({ result: 'recorded' }))
  }
  await post(accept, [event('D1'), event('D2', 'qms-1'), { source: 7 }, {}, null, 'x'])
  expect(given[0]?.items.map(({ instance }) => instance)).toEqual(['erp-1', 'qms-1', '', '', '', ''])
  expect(JSON.parse(new TextDecoder().decode(given[0]?.bytes))).toHaveLength(6)
})

describe('what is no event', () => {
  test.each([
    ['no JSON', text('{"source": ')],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['no object', text('7')],
    ['null', text('null')],
    ['nothing', null],
  ])('%s is refused, and kept as it came', async (_, body) => {
    const { rig, accept } = await open()
    const answer = await post(accept, body)
    expect(answer).toMatchObject({ status: 400, body: { title: 'input.malformed', status: 400 } })
    expect(answer.headers['content-type']).toBe('application/problem+json')
    const rows = await rig.store.scanRows({ table: 'parked', after: '', limit: 10 })
    const { raw, code } = JSON.parse(rows[0]?.body ?? '') as { raw: string; code: string }
    expect(code).toBe('input.malformed')
    expect(await rig.store.readRaw(raw.slice(0, raw.lastIndexOf('/')))).toEqual(body ?? new Uint8Array())
  })

  test('two that differ are both kept, however alike the complaint', async () => {
    const { rig, accept } = await open()
    await post(accept, new Uint8Array([0x22, 0xff, 0x22]))
    await post(accept, new Uint8Array([0x22, 0xfe, 0x22]))
    await post(accept, new Uint8Array([0x22, 0xfe, 0x22]))
    expect(await rig.store.scanRows({ table: 'parked', after: '', limit: 10 })).toHaveLength(2)
    const exceptions = await rig.store.scanRows({ table: 'exception', after: '', limit: 10 })
    expect(exceptions.map(({ body }) => (JSON.parse(body) as { code: string }).code)).toEqual(['input.malformed', 'input.malformed'])
  })

  test('is not called kept when it could not be', async () => {
    expect(await post(refusing(new IntakeOverloaded('intake queue is full')), text('{'))).toMatchObject({ status: 503 })
  })
})

test('a request of more than 1,000 events is refused whole', async () => {
  const given: number[] = []
  const accept: Accept = async ({ items }) => {
    given.push(items.length)
    return items.map(() => ({ result: 'recorded' }))
  }
  const many = Array.from({ length: 1_001 }, (_, index) => event(`D${index}`))
  expect(await post(accept, many)).toMatchObject({ status: 413, body: { title: 'input.tooLarge' } })
  expect(await post(accept, many.slice(1))).toMatchObject({ status: 200 })
  expect(given).toEqual([1_000])
})

test('what cannot be kept now is asked for again', async () => {
  for (const reason of [new IntakeOverloaded('intake queue is full'), new StoreUnavailable('the store is closed')]) {
    expect(await post(refusing(reason), event('D1'))).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', 'content-type': 'application/problem+json' },
      body: { type: '/problems/intake.unavailable', title: 'intake.unavailable', status: 503, detail: reason.message },
    })
  }
})

test("a bug is not answered as if it were the source's fault", async () => {
  await expect(post(refusing(new TypeError('a bug')), event('D1'))).rejects.toThrow('a bug')
})
