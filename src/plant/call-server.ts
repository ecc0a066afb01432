import type { HttpRequest, HttpResponse, Listener, Runtime } from '../runtime.ts'
import type { CallFate, Disturber } from './disturbances.ts'

/** One call that has passed the door, with what it is going to suffer. */
export interface Call {
  readonly request: HttpRequest
  /** Monotonic and wall time of arrival: an effect may come much later. */
  readonly arrivedMs: number
  readonly arrivedWallMs: number
  readonly fate: CallFate
}

/** Handlers are synchronous: one call's work is atomic, as a database transaction would make it. */
export interface Endpoint {
  /** Under which calls are counted. */
  readonly name: string
  readonly kind: 'write' | 'read'
  handle(call: Call): HttpResponse
}

/** How one system speaks HTTP: what it offers, whom it lets in, how it fails. */
export interface Dialect {
  endpoint(request: HttpRequest): Endpoint | null
  /** The refusal of a caller who may not do this, or null. Asked before any fault strikes. */
  admit(request: HttpRequest, endpoint: Endpoint): HttpResponse | null
  failure(status: 404 | 429 | 500, headers: Readonly<Record<string, string>>): HttpResponse
}

/** Counts of calls since the object was made; they outlive restarts. */
export interface CallCounts {
  readonly calls: ReadonlyMap<string, number>
  readonly rateLimited: number
  readonly errors: number
  readonly unauthorized: number
}

export interface CallServerSettings {
  readonly host: string
  readonly port: number
  readonly bodyBytesMax: number
}

export interface CallServer {
  /** Answers the base URL. A second start keeps the port of the first. */
  start(): Promise<string>
  stop(): Promise<void>
  running(): boolean
  counts(): CallCounts
}

/** Longer than any caller waits. */
const SILENCE_MS = 600_000

export function createCallServer(
  deps: { readonly runtime: Runtime; readonly disturber: Disturber },
  settings: CallServerSettings,
  dialect: Dialect,
): CallServer {
  const { clock, net } = deps.runtime
  const calls = new Map<string, number>()
  const counts = { calls, rateLimited: 0, errors: 0, unauthorized: 0 }
  let listener: Listener | null = null
  let port = settings.port
  let generation = 0
  let silence = new AbortController()

  const failed = (): HttpResponse => {
    counts.errors += 1
    return dialect.failure(500, {})
  }
  const silent = async (): Promise<HttpResponse> => {
    await clock.sleep(SILENCE_MS, silence.signal).catch(() => undefined)
    return failed()
  }
  const run = async (endpoint: Endpoint, request: HttpRequest): Promise<HttpResponse> => {
    const arrivedMs = clock.monoNow()
    const arrivedWallMs = clock.wallNow()
    const startedIn = generation
    const fate = deps.disturber.fate(endpoint.kind)
    if (fate.rateLimited) {
      counts.rateLimited += 1
      return dialect.failure(429, { 'retry-after': String(deps.disturber.settings().retryAfterSeconds) })
    }
    if (fate.error === 'before') return failed()
    if (fate.lost === 'before') return silent()
    if (fate.slowMs > 0) await clock.sleep(fate.slowMs)
    // A stopped system executes nothing: what was still waiting in it is gone.
    if (startedIn !== generation) return failed()
    const reply = endpoint.handle({ request, arrivedMs, arrivedWallMs, fate })
    if (fate.lost === 'after') return silent()
    if (fate.slowAnswerMs > 0) await clock.sleep(fate.slowAnswerMs)
    return fate.error === 'none' ? reply : failed()
  }
  const serve = async (request: HttpRequest): Promise<HttpResponse> => {
    const endpoint = dialect.endpoint(request)
    if (endpoint === null) return dialect.failure(404, {})
    calls.set(endpoint.name, (calls.get(endpoint.name) ?? 0) + 1)
    const refused = dialect.admit(request, endpoint)
    if (refused !== null) {
      counts.unauthorized += 1
      return refused
    }
    return run(endpoint, request)
  }

  return {
    start: async () => {
      if (listener !== null) return listener.url
      silence = new AbortController()
      listener = await net.listen({ host: settings.host, port, bodyBytesMax: settings.bodyBytesMax }, serve)
      port = portOf(listener.url) ?? port
      return listener.url
    },
    stop: async () => {
      const open = listener
      listener = null
      generation += 1
      silence.abort()
      await open?.close()
    },
    running: () => listener !== null,
    counts: () => counts,
  }
}

function portOf(url: string): number | null {
  const port = Number(new URL(url).port)
  return Number.isInteger(port) && port > 0 ? port : null
}
