import type { HttpRequest, HttpResponse, Listener, Runtime } from '../../runtime.ts'
import type { CallFate, Disturber } from '../disturbances.ts'
import { attempt, type Refusal, type RefusalType, refuse } from './refusal.ts'
import type { Sessions } from './sessions.ts'
import type { Throttle, Verdict } from './throttle.ts'
import type { User } from './types.ts'

export interface Call {
  readonly user: User
  readonly sessionId: string
  /** What `:name` in the path stood for. */
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
  readonly fate: CallFate
}

/** Handlers are synchronous: one call is one transaction. A refusal of the whole call is thrown. */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** `:name` stands for one segment. */
  readonly path: string
  readonly kind: 'read' | 'write'
  handle(call: Call): Readonly<Record<string, unknown>>
}

/** One call as the QMS saw it. */
export interface CallRecord {
  readonly path: string
  readonly user: string | null
  readonly arrivedMs: number
  readonly status: number
  /** Of the whole call. */
  readonly refusal: RefusalType | null
  readonly delayedMs: number
}

export interface WireSettings {
  readonly host: string
  readonly port: number
  readonly bodyBytesMax: number
}

export interface Wire {
  /** Answers the base URL. A second start keeps the port of the first. */
  start(): Promise<string>
  stop(): Promise<void>
  running(): boolean
  /** While it lasts every call is answered 503 with a page for people. */
  setMaintenance(on: boolean): void
  /** The newest `CALLS_MAX`, oldest first. */
  calls(): readonly CallRecord[]
}

export interface WireDeps {
  readonly runtime: Runtime
  readonly disturber: Disturber
  readonly sessions: Sessions
  readonly burst: Throttle
  readonly logins: Throttle
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly refusal?: RefusalType
  readonly user?: string
  readonly delayedMs?: number
}

const CALLS_MAX = 100_000
const PREFIX = '/api/v1'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function createWire(deps: WireDeps, settings: WireSettings, routes: readonly Route[]): Wire {
  const { clock, net } = deps.runtime
  const calls: CallRecord[] = []
  let listener: Listener | null = null
  let { port } = settings
  let generation = 0
  let maintenance = false

  const run = async (matched: Matched, request: HttpRequest, caller: Caller): Promise<Answer> => {
    const startedIn = generation
    const fate = deps.disturber.fate(matched.route.kind)
    if (fate.rateLimited) return tooMany(deps.disturber.settings().retryAfterSeconds)
    if (fate.error === 'before') return broken()
    if (fate.slowMs > 0) await clock.sleep(fate.slowMs)
    // A stopped system executes nothing: what was still waiting in it is gone.
    if (startedIn !== generation) return broken()
    const answer = answerOf(() => {
      const call = { ...caller, fate, params: matched.params, query: queryOf(request.url), body: bodyOf(request) }
      return matched.route.handle(call)
    })
    if (fate.slowAnswerMs > 0) await clock.sleep(fate.slowAnswerMs)
    return fate.error === 'none' ? answer : broken()
  }

  const serve = async (request: HttpRequest): Promise<Answer> => {
    const path = pathOf(request.url)
    if (path === `${PREFIX}/auth` && request.method === 'POST') return logIn(deps, request)
    const verdict = deps.burst.take()
    if (verdict.refused) return tooMany(Math.ceil(verdict.windowEndsInMs / 1_000))
    const matched = matchRoute(routes, request.method, path)
    if (matched === null) return { status: 404, body: failure({ type: 'NOT_FOUND', message: 'no such resource' }), refusal: 'NOT_FOUND' }
    const sessionId = headerOf(request, 'authorization') ?? ''
    const user = deps.sessions.use(sessionId)
    const answer =
      user === null
        ? answerOf(() => refuse('INVALID_SESSION_ID', 'the session is unknown or has ended'))
        : await run(matched, request, { user, sessionId })
    // The work is done before the delay: whoever does not wait for the answer does not know.
    if (verdict.delayMs > 0) await clock.sleep(verdict.delayMs)
    const headers = { ...answer.headers, ...burstHeaders(verdict) }
    return { ...answer, headers, delayedMs: verdict.delayMs, ...(user === null ? {} : { user: user.name }) }
  }

  const handle = async (request: HttpRequest): Promise<HttpResponse> => {
    const arrivedMs = clock.monoNow()
    if (maintenance)
      return { status: 503, headers: { 'content-type': 'text/html' }, body: encoder.encode('<h1>Scheduled maintenance</h1>') }
    const { status, body, headers, user, refusal, delayedMs } = await serve(request)
    if (calls.length >= CALLS_MAX) calls.splice(0, CALLS_MAX / 10)
    calls.push({ path: pathOf(request.url), user: user ?? null, arrivedMs, status, refusal: refusal ?? null, delayedMs: delayedMs ?? 0 })
    return { status, headers: { 'content-type': 'application/json', ...headers }, body: encoder.encode(JSON.stringify(body)) }
  }

  return {
    start: async () => {
      if (listener !== null) return `${listener.url}${PREFIX}`
      listener = await net.listen({ host: settings.host, port, bodyBytesMax: settings.bodyBytesMax }, handle)
      port = Number(new URL(listener.url).port) || port
      return `${listener.url}${PREFIX}`
    },
    stop: async () => {
      const open = listener
      listener = null
      generation += 1
      await open?.close()
    },
    running: () => listener !== null,
    setMaintenance: (on) => {
      maintenance = on
    },
    calls: () => calls,
  }
}

interface Caller {
  readonly user: User
  readonly sessionId: string
}

/** `POST /auth` with `{username, password}`. Its limit is its own; half of it spent, answers come late. */
async function logIn(deps: WireDeps, request: HttpRequest): Promise<Answer> {
  const verdict = deps.logins.take()
  if (verdict.delayMs > 0) await deps.runtime.clock.sleep(verdict.delayMs)
  return answerOf(() => {
    if (verdict.refused) refuse('API_LIMIT_EXCEEDED', 'too many logins in this minute')
    const given = (bodyOf(request) ?? {}) as Readonly<Record<string, unknown>>
    const sessionId = deps.sessions.open(String(given['username']), String(given['password']))
    return sessionId === null ? refuse('AUTHENTICATION_FAILED', 'wrong user name or password') : { sessionId }
  })
}

/** A refusal is an HTTP success whose body says that it is none. */
function answerOf(work: () => Readonly<Record<string, unknown>>): Answer {
  const done = attempt(work)
  if (done.ok) return { status: 200, body: { responseStatus: 'SUCCESS', ...done.value } }
  return { status: 200, body: failure(done.refusal), refusal: done.refusal.type }
}

export function failure(refusal: Refusal): Readonly<Record<string, unknown>> {
  return { responseStatus: 'FAILURE', errors: [refusal] }
}

function tooMany(retryAfterSeconds: number): Answer {
  const body = failure({ type: 'API_LIMIT_EXCEEDED', message: 'too many calls' })
  return { status: 429, body, headers: { 'retry-after': String(retryAfterSeconds) }, refusal: 'API_LIMIT_EXCEEDED' }
}

function broken(): Answer {
  return { status: 500, body: { responseStatus: 'EXCEPTION', errors: [{ type: 'UNEXPECTED_ERROR', message: 'internal error' }] } }
}

function burstHeaders({ limit, remaining }: Verdict): Readonly<Record<string, string>> {
  return Number.isFinite(limit) ? { 'x-api-burst-limit': String(limit), 'x-api-burst-limit-remaining': String(remaining) } : {}
}

interface Matched {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

function matchRoute(routes: readonly Route[], method: string, path: string): Matched | null {
  for (const route of routes) {
    const params = route.method === method ? matchPath(`${PREFIX}${route.path}`, path) : null
    if (params !== null) return { route, params }
  }
  return null
}

function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | null {
  const [expected, given] = [pattern.split('/'), path.split('/')]
  if (expected.length !== given.length) return null
  const params: Record<string, string> = {}
  for (const [index, segment] of expected.entries()) {
    const value = given[index] ?? ''
    if (segment.startsWith(':')) params[segment.slice(1)] = value
    else if (segment !== value) return null
  }
  return params
}

function bodyOf(request: HttpRequest): unknown {
  if (request.body === null || request.body.length === 0) return null
  try {
    return JSON.parse(decoder.decode(request.body)) as unknown
  } catch {
    return refuse('INVALID_DATA', 'the body is not JSON')
  }
}

function headerOf(request: HttpRequest, name: string): string | null {
  return Object.entries(request.headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? null
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url
}

function queryOf(url: string): Readonly<Record<string, string>> {
  const given = url.split('?')[1]
  return given === undefined ? {} : Object.fromEntries(new URLSearchParams(given))
}
