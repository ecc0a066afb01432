/** HMAC-SHA256 of a UTF-8 text. An argument, because the runtime port has no keyed hash. */
export type HmacSha256 = (key: Uint8Array, text: string) => Uint8Array

export interface WebhookRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** As it came: another writing of the same JSON has another signature. */
  readonly body: Uint8Array
}

export interface WebhookTrust {
  /** `whsec_` and base64. Two while secrets are rotated: one that fits is enough. */
  readonly secrets: readonly string[]
  /** A message whose time is further from now, on either side, is one that somebody has kept. */
  readonly toleranceMs: number
  readonly nowMs: number
}

/** `id` is the same for every delivery of a message. */
export type Verified = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly reason: string }

const SECRET_PREFIX = 'whsec_'
const SCHEME = 'v1'
/** A sender that rotates sends two. */
const SIGNATURES_MAX = 8
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Standard Webhooks 1.0.0, symmetric scheme. Pure. A message says only that something may have changed; what is true
 * must be read.
 */
export function verifyWebhook(hmac: HmacSha256, trust: WebhookTrust, { headers, body }: WebhookRequest): Verified {
  const [id, timestamp, signatures] = [headers['webhook-id'], headers['webhook-timestamp'], headers['webhook-signature']]
  if (!id || id.includes('.') || !timestamp || !signatures) return { ok: false, reason: 'a header is missing' }
  if (!/^\d{1,12}$/.test(timestamp)) return { ok: false, reason: 'webhook-timestamp is not in seconds' }
  if (Math.abs(trust.nowMs - Number(timestamp) * 1_000) > trust.toleranceMs) return { ok: false, reason: 'too old, or from the future' }
  const text = textOf(body)
  if (text === null) return { ok: false, reason: 'the body is not UTF-8' }
  const given = signatures.split(' ').slice(0, SIGNATURES_MAX).flatMap(signatureBytes)
  const fits = trust.secrets.some((secret) => {
    const expected = hmac(secretBytes(secret), `${id}.${timestamp}.${text}`)
    return given.some((signature) => isEqual(signature, expected))
  })
  return fits ? { ok: true, id } : { ok: false, reason: 'no signature fits' }
}

/** Throws on what is no secret: that is a mistake of the configuration. */
export function secretBytes(secret: string): Uint8Array {
  const bytes = secret.startsWith(SECRET_PREFIX) ? base64Bytes(secret.slice(SECRET_PREFIX.length)) : null
  if (bytes === null || bytes.length < 24 || bytes.length > 64) throw new Error('a webhook secret is whsec_ and 24 to 64 bytes in base64')
  return bytes
}

/** Nothing for another scheme, which is skipped as the standard asks. */
function signatureBytes(signature: string): readonly Uint8Array[] {
  const [scheme, text, ...rest] = signature.split(',')
  const bytes = scheme === SCHEME && text !== undefined && rest.length === 0 ? base64Bytes(text) : null
  return bytes === null ? [] : [bytes]
}

/** Takes as long for a wrong first byte as for a wrong last one. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (const [index, byte] of one.entries()) difference |= byte ^ (other[index] ?? 0)
  return difference === 0
}

function base64Bytes(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}

function textOf(body: Uint8Array): string | null {
  try {
    return decoder.decode(body)
  } catch {
    return null
  }
}
