import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { secretBytes, verifyWebhook } from './webhook.ts'

const hmac = (key: Uint8Array, text: string): Uint8Array => createHmac('sha256', key).update(text).digest()

/** The example of the Standard Webhooks reference libraries. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const SECONDS = 1614265330
const BODY = '{"test": 2432232314}'
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
const OTHER_SECRET = `whsec_${btoa('another-secret-of-32-bytes-here!')}`

const TRUST = { secrets: [SECRET], toleranceMs: 300_000, nowMs: SECONDS * 1_000 }
const HEADERS = { 'webhook-id': ID, 'webhook-timestamp': String(SECONDS), 'webhook-signature': SIGNATURE }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const verify = (change: { readonly headers?: object; readonly body?: Uint8Array; readonly trust?: object } = {}) =>
  verifyWebhook(
    hmac,
    { ...TRUST, ...change.trust },
    { headers: { ...HEADERS, ...change.headers } as Readonly<Record<string, string>>, body: change.body ?? bytes(BODY) },
  )

describe('a webhook', () => {
  test('with the signature of the standard is genuine', () => {
    expect(verify()).toEqual({ ok: true, id: ID })
  })

  test('is genuine under either secret while they are rotated, and with either of two signatures', () => {
    expect(verify({ trust: { secrets: [OTHER_SECRET, SECRET] } })).toMatchObject({ ok: true })
    expect(verify({ headers: { 'webhook-signature': `v1,${btoa('x'.repeat(32))} v1a,abc ${SIGNATURE}` } })).toMatchObject({ ok: true })
    expect(verify({ trust: { secrets: [OTHER_SECRET] } })).toMatchObject({ ok: false, reason: 'no signature fits' })
    expect(verify({ trust: { secrets: [] } })).toMatchObject({ ok: false })
  })

  test.each<[string, Parameters<typeof verify>[0]]>([
    ['another body', { body: bytes(`${BODY} `) }],
    ['a mark in front of the body', { body: bytes(`\uFEFF${BODY}`) }],
    ['a body that is no text', { body: new Uint8Array([0xff, 0xfe]) }],
    ['another id', { headers: { 'webhook-id': 'msg_other' } }],
    ['an id that borrows from the time', { headers: { 'webhook-id': `${ID}.1` } }],
    ['another time', { headers: { 'webhook-timestamp': String(SECONDS + 1) } }],
    ['a time that is none', { headers: { 'webhook-timestamp': '0x60' } }],
    ['no signature', { headers: { 'webhook-signature': undefined } }],
    ['half a signature', { headers: { 'webhook-signature': SIGNATURE.slice(0, 20) } }],
    ['a signature of another scheme', { headers: { 'webhook-signature': SIGNATURE.replace('v1', 'v1a') } }],
    ['a signature that is no base64', { headers: { 'webhook-signature': 'v1,***' } }],
    ['an empty signature', { headers: { 'webhook-signature': 'v1,' } }],
  ])('with %s is not', (_, change) => {
    expect(verify(change)).toMatchObject({ ok: false })
  })

  test.each([
    [-300_000, true],
    [-301_000, false],
    [300_000, true],
    [301_000, false],
  ])('%i ms from its time is genuine: %s', (awayMs, ok) => {
    expect(verify({ trust: { nowMs: TRUST.nowMs + awayMs } }).ok).toBe(ok)
  })
})

test.each(['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_short', 'whsec_***', ''])('%j is no secret', (secret) => {
  expect(() => secretBytes(secret)).toThrow('a webhook secret is whsec_')
})
