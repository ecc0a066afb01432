import type { HttpResult, Runtime } from '../../runtime.ts'
import type { Database, MessageEnd } from './database.ts'
import { type HmacSha256, secretBytes, webhookHeaders } from './signature.ts'
import type { WebhookMessage } from './types.ts'

export interface WebhookSettings {
  /** The receiver; null: messages wait. */
  readonly url: string | null
  readonly timeoutMs: number
  readonly inFlightMax: number
  /** Waits before the second, third … try. After the last one the message is given up. */
  readonly retryAfterMs: readonly number[]
  /** Every message waits up to so long before its first try, which also reorders. */
  readonly delayMsMax: number
  /** Share of messages that are never sent. */
  readonly lostShare: number
  /** Share of delivered messages that are sent once more, up to `duplicateDelayMsMax` later. */
  readonly duplicateShare: number
  readonly duplicateDelayMsMax: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export const WEBHOOK_DEFAULTS: WebhookSettings = {
  url: null,
  timeoutMs: 15_000,
  inFlightMax: 8,
  retryAfterMs: [5_000, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS],
  delayMsMax: 0,
  lostShare: 0,
  duplicateShare: 0,
  duplicateDelayMsMax: 0,
}

/** One sending. `status` null: no answer. */
export interface DeliveryAttempt {
  readonly id: string
  readonly atMs: number
  readonly status: number | null
  readonly duplicate: boolean
}

export interface Webhooks {
  set(change: Partial<WebhookSettings>): void
  /** From now on both secrets sign, the new one first. */
  rotateSecret(secret: string): void
  /** Only the newest secret signs. */
  retireOldSecrets(): void
  /** Sends a known message once more, whatever became of it. */
  resend(id: string): void
  /** Starts with what has not ended on disk. */
  open(): void
  close(): void
  /** Messages that have not ended, and duplicates under way. */
  pending(): number
  /** The receiver said 410: nothing is sent until a URL is set again. */
  disabled(): boolean
  /** The newest `ATTEMPTS_MAX`, oldest first. */
  attempts(): readonly DeliveryAttempt[]
}

export interface WebhookDeps {
  readonly runtime: Runtime
  readonly database: Database
  readonly hmacSha256: HmacSha256
}

interface Entry {
  readonly message: WebhookMessage
  readonly tries: number
  readonly duplicate: boolean
}

const ATTEMPTS_MAX = 100_000
const WEBHOOK_USER = 'WEBHOOKS'
const encoder = new TextEncoder()

export function createWebhooks(deps: WebhookDeps, initial: Partial<WebhookSettings>): Webhooks {
  const { runtime, database } = deps
  const { clock, random, net } = runtime
  let settings: WebhookSettings = { ...WEBHOOK_DEFAULTS, ...initial }
  let ready: Entry[] = []
  const timers = new Set<() => void>()
  const attempts: DeliveryAttempt[] = []
  let generation = 0
  let isOpen = false
  let isDisabled = false
  let inFlight = 0
  let duplicates = 0
  const upTo = (ms: number): number => (ms > 0 ? Math.floor(random.next() * (ms + 1)) : 0)
  const happens = (share: number): boolean => share > 0 && random.next() < share

  const later = (entry: Entry, delayMs: number): void => {
    if (delayMs <= 0) {
      ready.push(entry)
      return
    }
    const cancel = clock.setTimer(delayMs, () => {
      timers.delete(cancel)
      ready.push(entry)
      pump()
    })
    timers.add(cancel)
  }
  const end = (id: string, how: MessageEnd): void => {
    database.transact(WEBHOOK_USER, (transaction) => transaction.put({ kind: 'messageEnd', id, end: how }))
  }
  const announce = (messages: readonly WebhookMessage[]): void => {
    if (!isOpen) return
    for (const message of messages) {
      if (happens(settings.lostShare)) end(message.id, 'lost')
      else later({ message, tries: 0, duplicate: false }, upTo(settings.delayMsMax))
    }
    pump()
  }
  const settle = (entry: Entry, result: HttpResult): void => {
    const status = result.kind === 'response' ? result.response.status : null
    if (status !== null && status >= 200 && status < 300) {
      if (entry.duplicate) duplicates -= 1
      else {
        end(entry.message.id, 'delivered')
        if (happens(settings.duplicateShare)) repeat(entry.message, upTo(settings.duplicateDelayMsMax))
      }
      return
    }
    if (status === 410) isDisabled = true
    const delayMs = settings.retryAfterMs[entry.tries]
    if (delayMs !== undefined) later({ ...entry, tries: entry.tries + 1 }, Math.max(delayMs, askedDelayMs(result)))
    else if (entry.duplicate) duplicates -= 1
    else end(entry.message.id, 'exhausted')
  }
  const repeat = (message: WebhookMessage, delayMs: number): void => {
    duplicates += 1
    later({ message, tries: 0, duplicate: true }, delayMs)
  }
  const deliver = async (url: string, entry: Entry): Promise<void> => {
    const startedIn = generation
    const atMs = clock.monoNow()
    inFlight += 1
    const result = await net.request(request(deps, { url, timeoutMs: settings.timeoutMs, message: entry.message }))
    if (startedIn !== generation) return
    inFlight -= 1
    if (attempts.length >= ATTEMPTS_MAX) attempts.splice(0, ATTEMPTS_MAX / 10)
    const status = result.kind === 'response' ? result.response.status : null
    attempts.push({ id: entry.message.id, atMs, status, duplicate: entry.duplicate })
    settle(entry, result)
    pump()
  }
  const pump = (): void => {
    const { url } = settings
    while (isOpen && !isDisabled && url !== null && inFlight < settings.inFlightMax) {
      const entry = ready.shift()
      if (entry === undefined) return
      void deliver(url, entry)
    }
  }
  const setSecrets = (secrets: readonly string[]): void => {
    database.transact(WEBHOOK_USER, (transaction) => transaction.put({ kind: 'secrets', secrets }))
  }
  database.onMessages(announce)

  return {
    set: (change) => {
      settings = { ...settings, ...change }
      if (change.url !== undefined) isDisabled = false
      pump()
    },
    rotateSecret: (secret) => {
      secretBytes(secret)
      setSecrets([secret, ...database.secrets().slice(0, 1)])
    },
    retireOldSecrets: () => {
      setSecrets(database.secrets().slice(0, 1))
    },
    resend: (id) => {
      const known = database.messages().find(({ message }) => message.id === id)
      if (known !== undefined) repeat(known.message, 0)
      pump()
    },
    open: () => {
      if (isOpen) return
      isOpen = true
      for (const message of database.openMessages()) later({ message, tries: 0, duplicate: false }, upTo(settings.delayMsMax))
      pump()
    },
    close: () => {
      isOpen = false
      generation += 1
      for (const cancel of timers) cancel()
      timers.clear()
      ready = []
      inFlight = 0
      duplicates = 0
    },
    pending: () => database.openMessageCount() + duplicates,
    disabled: () => isDisabled,
    attempts: () => attempts,
  }
}

/** The same id and payload at every try; the time is that of the try. */
function request(
  { runtime, database, hmacSha256 }: WebhookDeps,
  { url, timeoutMs, message }: { readonly url: string; readonly timeoutMs: number; readonly message: WebhookMessage },
): Parameters<Runtime['net']['request']>[0] {
  const { id, ...content } = message
  const payload = JSON.stringify(content)
  const timestampSeconds = Math.floor(runtime.clock.wallNow() / 1_000)
  const headers = {
    'content-type': 'application/json',
    ...webhookHeaders(hmacSha256, database.secrets(), { id, timestampSeconds, payload }),
  }
  return { method: 'POST', url, headers, body: encoder.encode(payload), timeoutMs }
}

/** Retry-After in seconds, at most an hour. */
function askedDelayMs(result: HttpResult): number {
  const seconds = result.kind === 'response' ? Number(result.response.headers['retry-after'] ?? 0) : 0
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1_000, HOUR_MS) : 0
}
