import type { Foreign } from '../../model/reading.ts'
import type { Call } from '../connector.ts'
import { callJson, type JsonDeps } from '../kit/json/json-call.ts'
import { type Failure, failureOf, resultsIn, verdictOf } from './answers.ts'
import type { ErrorMeaning, QmsSchema } from './schema.ts'
import type { Session } from './session.ts'

export interface QmsRequest {
  readonly method: 'GET' | 'POST'
  /** After the base URL, with its query. */
  readonly path: string
  readonly body: unknown
  readonly call: Call
}

/** `failed`: proved that nothing was done. `unknown`: it may have been. */
export type QmsResult =
  /** `retryLostMs`: when a record may be sent again that lost its session in the middle of the call. */
  | { readonly result: 'answered'; readonly body: Foreign; readonly retryLostMs: 0 | null }
  | { readonly result: 'failed'; readonly failure: Failure; readonly meaning: ErrorMeaning | null }
  | { readonly result: 'unknown'; readonly detail: string }

export interface QmsClient {
  /** Asked once more, in what is left of its time, when the session had ended. */
  read(request: QmsRequest): Promise<QmsResult>
  /**
   * Sent at most once. When the session had ended, the QMS refused before it did anything; a new session is then
   * opened, and the caller may ask again at once.
   */
  write(request: QmsRequest): Promise<QmsResult>
}

export interface ClientParts {
  readonly url: string
  readonly schema: QmsSchema
  readonly session: Session
}

export function createClient(deps: JsonDeps, parts: ClientParts): QmsClient {
  const { session } = parts
  return {
    read: async (request) => {
      const untilMs = deps.clock.monoNow() + request.call.timeoutMs
      const first = await attempt(deps, parts, { request, untilMs })
      return hasEnded(first) ? attempt(deps, parts, { request, untilMs }) : first
    },
    write: async (request) => {
      const untilMs = deps.clock.monoNow() + request.call.timeoutMs
      const only = await attempt(deps, parts, { request, untilMs })
      if (!hasEnded(only)) return only
      const renewed = await session.token({ signal: request.call.signal, waitMs: untilMs - deps.clock.monoNow() })
      return renewed.ok ? only : { result: 'failed', failure: renewed.failure, meaning: null }
    },
  }
}

function hasEnded(result: QmsResult): boolean {
  return result.result === 'failed' && result.meaning === 'session'
}

interface Attempt {
  readonly request: QmsRequest
  readonly untilMs: number
}

async function attempt(deps: JsonDeps, { url, schema, session }: ClientParts, { request, untilMs }: Attempt): Promise<QmsResult> {
  const { method, path, body, call } = request
  const opened = await session.token({ signal: call.signal, waitMs: untilMs - deps.clock.monoNow() })
  if (!opened.ok) return { result: 'failed', failure: opened.failure, meaning: null }
  const { token } = opened
  const timeoutMs = untilMs - deps.clock.monoNow()
  if (timeoutMs <= 0) return failed(null, { class: 'transient', delayMs: null, detail: 'not sent: the login took all the time' })
  const headers = { [schema.session.header]: `${schema.session.prefix}${token}` }
  const result = await callJson(deps, { method, url: `${url}${path}`, body, token: null, headers, call: { ...call, timeoutMs } })
  if (result.result === 'unknown') return result
  if (result.result === 'refused') return failed(null, { class: 'contract', delayMs: null, detail: result.detail })
  if (result.result === 'later') {
    const { class: errorClass, delayMs, detail } = result
    if (errorClass !== 'authorization') return failed(null, { class: errorClass, delayMs, detail })
    // 401 and 403 are answered before anything is done, by a QMS that says so in HTTP.
    return failed('session', { class: errorClass, delayMs: session.end(token), detail })
  }
  const answer = verdictOf(schema, result.body)
  if (answer.verdict === 'unclear') return { result: 'unknown', detail: answer.detail }
  if (answer.verdict === 'failed') {
    const failure = failureOf(answer.meaning, answer.detail)
    return failed(answer.meaning, answer.meaning === 'session' ? { ...failure, delayMs: session.end(token) } : failure)
  }
  // A session may end between two records of one call.
  const lost = resultsIn(schema, answer.record)?.some((one) => isSessionLoss(schema, one)) ?? false
  if (!lost) session.worked(token)
  return { result: 'answered', body: answer.record, retryLostMs: lost ? session.end(token) : null }
}

function isSessionLoss(schema: QmsSchema, result: unknown): boolean {
  const answer = verdictOf(schema, result)
  return answer.verdict === 'failed' && answer.meaning === 'session'
}

function failed(meaning: ErrorMeaning | null, failure: Failure): QmsResult {
  return { result: 'failed', failure, meaning }
}
