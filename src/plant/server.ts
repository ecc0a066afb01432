import type { HttpRequest, HttpResponse, Listener, Runtime } from '../runtime.ts'
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

/** Counts of calls since the object was made; they outlive restarts. */
export interface CallCounts {
  readonly calls: ReadonlyMap<string, number>
  readonly rateLimited: number
  readonly errors: number
  readonly unauthorized: number
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

export function createWireServer(
  deps: { readonly runtime: Runtime; readonly disturber: Disturber },
  settings: ServerSettings,
  routes: readonly Route[],
): WireServer {
  const calls = new Map<string, number>()
  const counts = { calls, rateLimited: 0, errors: 0, unauthorized: 0 }
  let token = settings.token
  let listener: Listener | null = null
  let port = settings.port
  let generation = 0

  const run = async (route: Route, request: HttpRequest): Promise<HttpResponse> => {
    const { clock } = deps.runtime
    const arrivedMs = clock.monoNow()
    const startedIn = generation
    const fate = deps.disturber.fate(route.kind)
    if (fate.rateLimited) {
      counts.rateLimited += 1
      return json({ status: 429, body: problem('RATE_LIMITED') }, { 'retry-after': String(deps.disturber.settings().retryAfterSeconds) })
    }
    if (fate.error === 'before') return failed(counts)
    const body = parseBody(request)
    if (body === undefined) return json({ status: 400, body: problem('NOT_JSON') })
    if (fate.slowMs > 0) await clock.sleep(fate.slowMs)
    // A stopped system executes nothing: what was still waiting in it is gone.
    if (startedIn !== generation) return failed(counts)
    const reply = route.handle({ body, query: queryOf(request.url), arrivedMs, fate })
    if (fate.slowAnswerMs > 0) await clock.sleep(fate.slowAnswerMs)
    return fate.error === 'none' ? json(reply) : failed(counts)
  }

  const serve = async (request: HttpRequest): Promise<HttpResponse> => {
    const path = request.url.split('?', 1)[0] ?? request.url
    const route = routes.find((candidate) => candidate.path === path && candidate.method === request.method)
    if (route === undefined) return json({ status: 404, body: problem('NO_SUCH_RESOURCE') })
    calls.set(path, (calls.get(path) ?? 0) + 1)
    if (token !== null && headerOf(request, 'authorization') !== `Bearer ${token}`) {
      counts.unauthorized += 1
      return json({ status: 401, body: problem('UNAUTHORIZED') })
    }
    return run(route, request)
  }

  return {
    start: async () => {
      if (listener !== null) return listener.url
      listener = await deps.runtime.net.listen({ host: settings.host, port, bodyBytesMax: settings.bodyBytesMax }, serve)
      port = portOf(listener.url) ?? port
      return listener.url
    },
    stop: async () => {
      const open = listener
      listener = null
      generation += 1
      await open?.close()
    },
    running: () => listener !== null,
    setToken: (next) => {
      token = next
    },
    counts: () => counts,
  }
}

function failed(counts: { errors: number }): HttpResponse {
  counts.errors += 1
  return json({ status: 500, body: problem('INTERNAL_ERROR') })
}

function problem(code: string): { readonly code: string } {
  return { code }
}

function json(reply: Reply, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status: reply.status,
    headers: { 'content-type': 'application/json', ...headers },
    body: encoder.encode(JSON.stringify(reply.body)),
  }
}

/** Undefined: not JSON. Null: no body. */
function parseBody(request: HttpRequest): unknown {
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

function queryOf(url: string): Readonly<Record<string, string>> {
  const text = url.split('?')[1]
  return text === undefined ? {} : Object.fromEntries(new URLSearchParams(text))
}

function portOf(url: string): number | null {
  const port = Number(new URL(url).port)
  return Number.isInteger(port) && port > 0 ? port : null
}
