import type { Engine } from '../engine/engine.ts'
import { postEvents } from '../http/system/events.ts'
import type { HttpRequest, HttpResponse } from '../runtime.ts'
import type { Store } from '../store/store.ts'

/** `POST /v1/events` and `GET /healthz`; everything else is answered with a problem (RFC 9457). */
export async function answer(parts: { readonly engine: Engine; readonly store: Store }, request: HttpRequest): Promise<HttpResponse> {
  const path = request.url.split('?', 1)[0] ?? ''
  if (path === '/v1/events') {
    if (request.method === 'POST') return postEvents((given) => parts.engine.accept(given), request)
    return problem(405, { code: 'methodNotAllowed', detail: 'events are posted', headers: { allow: 'POST' } })
  }
  if (path === '/healthz') {
    if (request.method === 'GET') return health(parts)
    return problem(405, { code: 'methodNotAllowed', detail: 'health is read', headers: { allow: 'GET' } })
  }
  return problem(404, { code: 'notFound', detail: `nothing is at ${path}` })
}

/** 503 as long as the store takes nothing: whoever watches is to look at its code. */
function health({ engine, store }: { readonly engine: Engine; readonly store: Store }): HttpResponse {
  const known = store.health()
  const body = {
    ok: known.ok,
    ...(known.ok ? {} : { code: known.code, detail: known.detail }),
    partitions: { owned: engine.owned().length, of: store.meta.partitions },
    schemaVersion: store.meta.schemaVersion,
  }
  return json(known.ok ? 200 : 503, body, { 'content-type': 'application/json' })
}

interface Problem {
  readonly code: string
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
}

function problem(status: number, { code, detail, headers }: Problem): HttpResponse {
  const body = { type: `/problems/${code}`, title: code, status, detail }
  return json(status, body, { 'content-type': 'application/problem+json', ...headers })
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>>): HttpResponse {
  return { status, headers, body: new TextEncoder().encode(JSON.stringify(body)) }
}
