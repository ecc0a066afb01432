import { describe, expect, test } from 'vitest'
import type { HttpCall, HttpResult } from '../../../runtime.ts'
import { outcomesOf } from './batch-items.ts'
import { callJson, outcomeOf, readFailureOf } from './json-call.ts'

const NOW_MS = Date.parse('2026-11-02T08:00:00Z')
const CALL = { signal: new AbortController().signal, timeoutMs: 1_000, beforeWrite: () => true }

/** What the target answers is given; what comes out is the judgement. */
async function judge(result: HttpResult) {
  const sent: HttpCall[] = []
  const clock = { wallNow: () => NOW_MS, monoNow: () => 0, sleep: () => Promise.resolve(), setTimer: () => () => undefined }
  const net = {
    request: async (call: HttpCall) => {
      sent.push(call)
      return result
    },
    listen: () => Promise.reject(new Error('serves nobody')),
  }
  const judged = await callJson({ net, clock }, { method: 'POST', url: 'http://t/x', body: { a: 1 }, token: 'secret', call: CALL })
  return { judged, sent }
}
const answer = (status: number, body = '{}', headers: Record<string, string> = {}): HttpResult => ({
  kind: 'response',
  response: { status, headers, body: new TextEncoder().encode(body) },
})

describe('a call', () => {
  test('carries JSON, the token, the deadline and the guard', async () => {
    const { sent } = await judge(answer(200))
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer secret' },
      timeoutMs: 1_000,
    })
    expect(new TextDecoder().decode(sent[0]?.body ?? new Uint8Array())).toBe('{"a":1}')
    expect(sent[0]?.beforeWrite).toBe(CALL.beforeWrite)
    expect(sent[0]?.signal).toBe(CALL.signal)
  })

  test.each<[string, HttpResult, object]>([
    ['not sent', { kind: 'notSent', reason: 'guard' }, { result: 'later', class: 'transient', delayMs: null }],
    ['lost', { kind: 'lost', reason: 'timeout' }, { result: 'unknown' }],
    ['200 with JSON', answer(200, '{"a":1}'), { result: 'answered', body: { a: 1 } }],
    ['200 with half a JSON', answer(200, '{"a":'), { result: 'unknown' }],
    ['429', answer(429), { result: 'later', class: 'rateLimit', delayMs: null }],
    ['429 with seconds', answer(429, '', { 'Retry-After': '7' }), { result: 'later', class: 'rateLimit', delayMs: 7_000 }],
    ['429 with a date', answer(429, '', { 'retry-after': 'Mon, 02 Nov 2026 08:00:05 GMT' }), { delayMs: 5_000 }],
    ['429 with a past date', answer(429, '', { 'retry-after': 'Mon, 02 Nov 2026 07:00:00 GMT' }), { delayMs: null }],
    ['401', answer(401), { result: 'later', class: 'authorization' }],
    ['403', answer(403), { result: 'later', class: 'authorization' }],
    ['412', answer(412), { result: 'later', class: 'transient' }],
    ['408', answer(408), { result: 'unknown' }],
    ['500', answer(500), { result: 'unknown' }],
    ['503 with Retry-After', answer(503, '', { 'retry-after': '1' }), { result: 'unknown' }],
    ['400', answer(400), { result: 'refused' }],
    ['404', answer(404), { result: 'refused' }],
    ['302', answer(302), { result: 'refused' }],
  ])('answered %s is judged', async (_, result, judged) => {
    expect((await judge(result)).judged).toMatchObject(judged)
  })

  test('that failed means the same to a write and, without an effect to fear, to a read', async () => {
    const { judged } = await judge({ kind: 'lost', reason: 'timeout' })
    if (judged.result === 'answered') throw new Error('was lost')
    expect(outcomeOf(judged)).toEqual({ outcome: 'unknown', detail: 'no answer: timeout' })
    expect(readFailureOf(judged)).toEqual({ read: 'failed', class: 'transient', delayMs: null, detail: 'no answer: timeout' })
    expect(readFailureOf({ result: 'refused', detail: 'x' })).toMatchObject({ class: 'contract' })
    expect(outcomeOf({ result: 'later', class: 'rateLimit', delayMs: 5, detail: 'x' })).toEqual({
      outcome: 'later',
      class: 'rateLimit',
      delayMs: 5,
      detail: 'x',
    })
  })
})

describe('a result of an item', () => {
  test.each<[string, unknown, object]>([
    ['201', { status: 201, number: '49' }, { outcome: 'applied', detail: '49' }],
    ['200 without a number', { status: 200, code: 'ALREADY_SO' }, { outcome: 'applied', detail: 'ALREADY_SO' }],
    ['409 with the existing one', { status: 409, code: 'ID_EXISTS', number: '49' }, { outcome: 'applied', detail: '49' }],
    ['409 with the first result', { status: 409, earlier: { status: 201, number: '49' } }, { outcome: 'applied', detail: '49' }],
    ['409 with the first refusal', { status: 409, earlier: { status: 422, code: 'NO' } }, { outcome: 'refused', detail: 'NO' }],
    ['409 with nothing', { status: 409, code: 'CONFLICT' }, { outcome: 'refused', detail: 'CONFLICT' }],
    ['300', { status: 300, code: 'AMBIGUOUS' }, { outcome: 'needs-person', code: 'record.duplicate' }],
    ['412', { status: 412 }, { outcome: 'later', class: 'transient', delayMs: 1_500 }],
    ['423', { status: 423, retryAfterMs: 40 }, { outcome: 'later', class: 'transient', delayMs: 40 }],
    ['429', { status: 429 }, { outcome: 'later', class: 'rateLimit', delayMs: null }],
    ['403', { status: 403 }, { outcome: 'later', class: 'authorization' }],
    ['422', { status: 422, code: 'PERIOD_CLOSED', message: 'closed' }, { outcome: 'refused', detail: 'PERIOD_CLOSED: closed' }],
    ['500', { status: 500 }, { outcome: 'unknown' }],
    ['nonsense', { state: 'ok' }, { outcome: 'unknown' }],
    ['nothing', undefined, { outcome: 'unknown' }],
  ])('%s is one outcome', (_, result, outcome) => {
    expect(outcomesOf({ results: [result] }, 1, { lagMs: 1_500 })).toMatchObject([outcome])
  })

  test('that is missing is unknown, and there is never one too many', () => {
    expect(outcomesOf({ results: [{ status: 201 }] }, 2, { lagMs: 0 }).map(({ outcome }) => outcome)).toEqual(['applied', 'unknown'])
    expect(outcomesOf({ results: [{ status: 201 }, { status: 201 }] }, 1, { lagMs: 0 })).toHaveLength(1)
    expect(outcomesOf('ok', 2, { lagMs: 0 }).map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown'])
  })
})
