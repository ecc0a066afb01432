import type { HttpRequest, HttpResponse, Runtime } from '../runtime.ts'
import { type Call, type CallCounts, createCallServer, type Dialect, type Endpoint } from './call-server.ts'
import type { CallFate, Disturber } from './disturbances.ts'

/** What a handler answers; the server makes it JSON. */
export interface Reply {
  readonly status: number
  readonly body: unknown
}

export interface Received {
  readonly body: unknown
  readonly query: Readonly<Record<string, string>>
  /** Monotonic time of arrival: an effect may come much later. */
  readonly arrivedMs: number
  readonly fate: CallFate
}

/** Handlers are synchronous: one call's work is atomic, as a database transaction would make it. */
export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly kind: 'write' | 'read'
  handle(received: Received): Reply
}

export interface ServerSettings {
  readonly host: string
  readonly port: number
  readonly bodyBytesMax: number
  /** Expected as `Authorization: Bearer <token>`; null: everybody may. */
  readonly token: string | null
}

export interface WireServer {
  /** Answers the base URL. A second start keeps the port of the first. */
  start(): Promise<string>
  stop(): Promise<void>
  running(): boolean
  setToken(token: string | null): void
  counts(): CallCounts
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const FAILURES = { 404: 'NO_SUCH_RESOURCE', 429: 'RATE_LIMITED', 500: 'INTERNAL_ERROR' } as const

/** JSON in, JSON out, one bearer token: the door of the counting systems. */
export function createWireServer(
  deps: { readonly runtime: Runtime; readonly disturber: Disturber },
  settings: ServerSettings,
  routes: readonly Route[],
): WireServer {
  let token = settings.token
  const dialect: Dialect = {
    endpoint: (request) => {
      const path = request.url.split('?', 1)[0] ?? request.url
      const route = routes.find((candidate) => candidate.path === path && candidate.method === request.method)
      return route === undefined ? null : endpointOf(route)
    },
    admit: (request) => {
      const allowed = token === null || headerOf(request, 'authorization') === `Bearer ${token}`
      return allowed ? null : json({ status: 401, body: { code: 'UNAUTHORIZED' } })
    },
    failure: (status, headers) => json({ status, body: { code: FAILURES[status] } }, headers),
  }
  const { start, stop, running, counts } = createCallServer(deps, settings, dialect)
  return {
    start,
    stop,
    running,
    counts,
    setToken: (next) => {
      token = next
    },
  }
}

function endpointOf(route: Route): Endpoint {
  return {
    name: route.path,
    kind: route.kind,
    handle: ({ request, arrivedMs, fate }: Call) => {
      const body = parseBody(request)
      if (body === undefined) return json({ status: 400, body: { code: 'NOT_JSON' } })
      return json(route.handle({ body, query: queryOf(request.url), arrivedMs, fate }))
    },
  }
}

export function json(reply: Reply, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status: reply.status,
    headers: { 'content-type': 'application/json', ...headers },
    body: encoder.encode(JSON.stringify(reply.body)),
  }
}

/** Undefined: not JSON. Null: no body. */
export function parseBody(request: HttpRequest): unknown {
  if (request.body === null || request.body.length === 0) return null
  try {
    return JSON.parse(decoder.decode(request.body)) as unknown
  } catch {
    return undefined
  }
}

function headerOf(request: HttpRequest, name: string): string | null {
  const found = Object.entries(request.headers).find(([key]) => key.toLowerCase() === name)
  return found === undefined ? null : found[1]
}

export function queryOf(url: string): Readonly<Record<string, string>> {
  const text = url.split('?')[1]
  return text === undefined ? {} : Object.fromEntries(new URLSearchParams(text))
}
