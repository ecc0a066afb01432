/** HMAC-SHA256 of a UTF-8 text. An argument, because the runtime port has no keyed hash. */
export type HmacSha256 = (key: Uint8Array, text: string) => Uint8Array

export interface Signed {
  readonly id: string
  readonly timestampSeconds: number
  readonly payload: string
}

const SECRET_PREFIX = 'whsec_'
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64

/**
 * The headers of Standard Webhooks 1.0.0, symmetric scheme `v1`. While secrets are rotated there is one signature per
 * secret, separated by spaces; a receiver that knows one of them is content.
 */
export function webhookHeaders(hmac: HmacSha256, secrets: readonly string[], message: Signed): Readonly<Record<string, string>> {
  const { id, timestampSeconds, payload } = message
  const signatures = secrets.map((secret) => `v1,${toBase64(hmac(secretBytes(secret), `${id}.${timestampSeconds}.${payload}`))}`)
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampSeconds), 'webhook-signature': signatures.join(' ') }
}

/** Throws on what is not a secret: 24 to 64 bytes in base64 after `whsec_`. */
export function secretBytes(secret: string): Uint8Array {
  if (!secret.startsWith(SECRET_PREFIX)) throw new Error(`a webhook secret begins with ${SECRET_PREFIX}`)
  const bytes = Uint8Array.from(atob(secret.slice(SECRET_PREFIX.length)), (character) => character.charCodeAt(0))
  if (bytes.length >= SECRET_BYTES_MIN && bytes.length <= SECRET_BYTES_MAX) return bytes
  throw new Error(`a webhook secret has ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes`)
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
