import type { ErrorClass } from '../../../errors.ts'
import type { Clock, HttpResponse, Net } from '../../../runtime.ts'
import type { Call, Outcome } from '../../connector.ts'

/** JSON over HTTP: one call, and what is known after it. */
export interface JsonDeps {
  readonly net: Net
  readonly clock: Clock
}

export interface JsonRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly body: unknown
  readonly token: string | null
  /** Beside those that every call has. */
  readonly headers?: Readonly<Record<string, string>>
  readonly call: Call
}

/**
 * `answered`: 2xx with JSON. `later`: proved not done, worth another try. `refused`: the final no to the whole call.
 * `unknown`: it may have been done.
 */
export type JsonResult =
  | { readonly result: 'answered'; readonly body: unknown }
  | { readonly result: 'later'; readonly class: ErrorClass; readonly delayMs: number | null; readonly detail: string }
  | { readonly result: 'refused'; readonly detail: string }
  | { readonly result: 'unknown'; readonly detail: string }

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Never throws for anything the target or the network does. Sends at most once. */
export async function callJson(deps: JsonDeps, request: JsonRequest): Promise<JsonResult> {
  const { call } = request
  const result = await deps.net.request({
    method: request.method,
    url: request.url,
    headers: {
      accept: 'application/json',
      ...(request.body === null ? {} : { 'content-type': 'application/json' }),
      ...(request.token === null ? {} : { authorization: `Bearer ${request.token}` }),
      ...request.headers,
    },
    body: request.body === null ? null : encoder.encode(JSON.stringify(request.body)),
    timeoutMs: call.timeoutMs,
    signal: call.signal,
    beforeWrite: call.beforeWrite,
  })
  if (result.kind === 'notSent') return { result: 'later', class: 'transient', delayMs: null, detail: `not sent: ${result.reason}` }
  if (result.kind === 'lost') return { result: 'unknown', detail: `no answer: ${result.reason}` }
  return judge(result.response, deps.clock.wallNow())
}

/**
 * 5xx is unknown: a gateway's 503 does not say what the system behind it has done. 408 and 425 are answers of a server
 * that did not take the whole request in its time, which proves nothing either.
 */
function judge(response: HttpResponse, nowMs: number): JsonResult {
  const { status } = response
  if (status >= 200 && status < 300) {
    const body = parse(response.body)
    return body === undefined ? { result: 'unknown', detail: `${status} without JSON` } : { result: 'answered', body }
  }
  if (status === 429) return { result: 'later', class: 'rateLimit', delayMs: retryAfterMs(response, nowMs), detail: 'rate limited' }
  if (status === 401 || status === 403) return { result: 'later', class: 'authorization', delayMs: null, detail: `answered ${status}` }
  if (status === 412) return { result: 'later', class: 'transient', delayMs: null, detail: 'changed meanwhile' }
  if (status >= 500 || status === 408 || status === 425) return { result: 'unknown', detail: `answered ${status}` }
  return { result: 'refused', detail: `answered ${status}` }
}

/** RFC 9110 §10.2.3: seconds or a date. Null: none given, or in the past. */
function retryAfterMs(response: HttpResponse, nowMs: number): number | null {
  const field = Object.entries(response.headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1]
  if (field === undefined) return null
  const ms = /^\d{1,9}$/.test(field) ? Number(field) * 1_000 : Date.parse(field) - nowMs
  return ms >= 0 ? ms : null
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body)) as unknown
  } catch {
    return undefined
  }
}

/** A write call that was not answered means the same for each of its items. */
export function outcomeOf(result: Exclude<JsonResult, { result: 'answered' }>): Outcome {
  switch (result.result) {
    case 'later':
      return { outcome: 'later', class: result.class, delayMs: result.delayMs, detail: result.detail }
    case 'refused':
      return { outcome: 'refused', detail: result.detail }
    case 'unknown':
      return { outcome: 'unknown', detail: result.detail }
  }
}

export interface ReadFailure {
  readonly read: 'failed'
  readonly class: ErrorClass
  readonly delayMs: number | null
  readonly detail: string
}

/** A read has no effect, so whatever went wrong, it has simply not been read. */
export function readFailureOf(result: Exclude<JsonResult, { result: 'answered' }>): ReadFailure {
  if (result.result === 'later') return { read: 'failed', class: result.class, delayMs: result.delayMs, detail: result.detail }
  return { read: 'failed', class: result.result === 'refused' ? 'contract' : 'transient', delayMs: null, detail: result.detail }
}
