import type { HttpRequest, HttpResponse, Runtime } from '../../runtime.ts'
import type { Call, Dialect, Endpoint } from '../call-server.ts'
import type { Disturber } from '../disturbances.ts'
import type { Drift } from '../odata/edm.ts'
import type { ODataApi, ODataDeps } from '../odata/odata-api.ts'
import { answer } from '../odata/odata-root.ts'
import { basicCredentials, type Sessions } from '../odata/sessions.ts'
import type { Erp } from './erp.ts'
import { clearSight, laggedSight, type Sight } from './sight.ts'
import type { UpdateTask } from './update-task.ts'

export interface GatewayDeps {
  readonly runtime: Runtime
  readonly erp: Erp
  readonly task: UpdateTask
  readonly disturber: Disturber
  readonly sessions: Sessions
  readonly apis: readonly ODataApi<Sight>[]
  /** Passwords by user; none: everybody may, as `ANONYMOUS`. */
  readonly users: () => Readonly<Record<string, string>>
  readonly drift: () => Drift
  /** True while the system is up but serves nobody. */
  readonly unavailable: () => boolean
  readonly log: CallLog
  /** Host and port in addresses, for callers who send no Host header. */
  readonly host: string
}

/** One call as the gateway saw it, whatever of the answer arrived. Times are wall times. */
export interface LoggedCall {
  readonly atMs: number
  readonly by: string
  readonly method: string
  readonly url: string
  readonly status: number
}
export interface CallLog {
  add(call: LoggedCall): void
}

const BASE = '/sap/opu/odata/sap/'
const TARGET = /^\/sap\/opu\/odata\/sap\/(\w+)(?:;[^/?]*)?\/?([^?]*)(?:\?(.*))?$/
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The vendor's gateway: basic authentication, CSRF tokens bound to a session cookie, one root for each service. */
export function createGateway(deps: GatewayDeps): Dialect {
  return {
    endpoint: (request) => endpointOf(deps, request),
    admit: (request, endpoint) => {
      const refused = refusalOf(deps, request, endpoint)
      if (refused !== null) logCall(deps, request, refused.status)
      return refused
    },
    failure: (status, headers) => page(status, FAILURES[status], headers),
  }
}

const FAILURES = { 404: 'Service cannot be reached', 429: 'Too many requests', 500: 'Internal Server Error' } as const

function endpointOf(deps: GatewayDeps, request: HttpRequest): Endpoint | null {
  const [, name = '', path = '', query = ''] = TARGET.exec(request.url) ?? []
  const api = deps.apis.find(({ namespace }) => namespace === name)
  if (api === undefined) return null
  return {
    name: `${request.method} ${name}/${path.replace(/\(.*$/, '')}`,
    kind: isRead(request) || isReadBatch(path, request) ? 'read' : 'write',
    handle: (call) => handle(deps, { api, path, query }, call),
  }
}

function isRead({ method }: HttpRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** A batch that only retrieves is a read, although it is posted. */
function isReadBatch(path: string, request: HttpRequest): boolean {
  return path === '$batch' && !bodyText(request).includes('multipart/mixed')
}

function refusalOf(deps: GatewayDeps, request: HttpRequest, endpoint: Endpoint): HttpResponse | null {
  if (deps.unavailable()) return page(503, 'Service temporarily unavailable', {})
  if (userOf(deps, request) === null)
    return page(401, 'Unauthorized', { 'www-authenticate': 'Basic realm="SAP NetWeaver Application Server"' })
  if (isRead(request)) return null
  if (deps.disturber.endsSession()) deps.sessions.end(request)
  if (!deps.sessions.refused(request)) return null
  const headers = { 'content-type': 'text/plain', 'x-csrf-token': 'Required' }
  return { status: 403, headers, body: encoder.encode(`CSRF token validation failed (${endpoint.kind})`) }
}

function userOf({ users }: GatewayDeps, request: HttpRequest): string | null {
  const known = users()
  if (Object.keys(known).length === 0) return 'ANONYMOUS'
  const given = basicCredentials(request)
  return given !== null && Object.hasOwn(known, given.user) && known[given.user] === given.password ? given.user : null
}

interface Target {
  readonly api: ODataApi<Sight>
  readonly path: string
  readonly query: string
}

function handle(deps: GatewayDeps, { api, path, query }: Target, { request, arrivedWallMs, fate }: Call): HttpResponse {
  const { erp, runtime } = deps
  const caller = { by: userOf(deps, request) ?? '', arrivedMs: arrivedWallMs }
  const odata: ODataDeps<Sight> = {
    api,
    drift: deps.drift,
    atomically: deps.task.atomically,
    frame: () => ({
      namespace: api.namespace,
      transactionId: runtime.ids.uuid().replaceAll('-', '').toUpperCase(),
      wallMs: runtime.clock.wallNow(),
    }),
    nextBoundary: () => runtime.ids.uuid().replaceAll('-', '').toUpperCase(),
  }
  const reply = answer(odata, {
    method: isRead(request) ? 'GET' : request.method,
    path,
    query,
    headers: request.headers,
    body: bodyText(request),
    root: `http://${request.headers['host'] ?? deps.host}${BASE}${api.namespace}/`,
    reads: laggedSight(erp, deps.disturber, caller),
    writes: clearSight(erp, caller),
    breaksOff: fate.error === 'midBatch',
  })
  logCall(deps, request, reply.status)
  return {
    status: reply.status,
    headers: { ...reply.headers, ...deps.sessions.fetched(request) },
    body: encoder.encode(request.method === 'HEAD' ? '' : (reply.body ?? '')),
  }
}

function logCall(deps: GatewayDeps, request: HttpRequest, status: number): void {
  const atMs = deps.runtime.clock.wallNow()
  deps.log.add({ atMs, by: basicCredentials(request)?.user ?? '', method: request.method, url: request.url, status })
}

function bodyText({ body }: HttpRequest): string {
  return body === null ? '' : decoder.decode(body)
}

/** What stands before the gateway answers in HTML, not in OData. */
function page(status: number, text: string, headers: Readonly<Record<string, string>>): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/html', ...headers },
    body: encoder.encode(`<html><body><h1>${text}</h1></body></html>`),
  }
}
