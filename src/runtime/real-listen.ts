import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HttpRequest, HttpResponse, Listener, ListenOptions } from '../runtime.ts'
import { HANDLER_FAILED, TOO_LARGE } from './http-answers.ts'

export interface ListenLimits {
  readonly connectionsMax: number
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number
  readonly headersTimeoutMs: number
  /** Longer than any client keeps an idle connection, so that it is the client who ends it. */
  readonly keepAliveMs: number
  /** `close` waits this long for answers under way, then cuts. */
  readonly drainMs: number
}

export interface ListenDeps {
  readonly limits: ListenLimits
  /** A handler threw. The caller got a bare 500. */
  readonly onHandlerError: (error: unknown) => void
}

type Handler = (request: HttpRequest) => Promise<HttpResponse>

interface Site {
  readonly deps: ListenDeps
  readonly bodyBytesMax: number
  readonly handler: Handler
  closing: boolean
}

/** Serves HTTP/1.1 on node:http. Rejects when the address cannot be had. */
export function listenReal(deps: ListenDeps, options: ListenOptions, handler: Handler): Promise<Listener> {
  const { limits } = deps
  const site: Site = { deps, bodyBytesMax: options.bodyBytesMax, handler, closing: false }
  const server = createServer(
    { requestTimeout: limits.requestTimeoutMs, headersTimeout: limits.headersTimeoutMs, keepAliveTimeout: limits.keepAliveMs },
    (request, response) => receive(site, request, response),
  )
  server.maxConnections = limits.connectionsMax
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      const { address, port, family } = server.address() as AddressInfo
      const host = family === 'IPv6' ? `[${address}]` : address
      let closed: Promise<void> | null = null
      const close = (): Promise<void> => {
        closed ??= closeServer(site, server)
        return closed
      }
      resolve({ url: `http://${host}:${port}`, close })
    })
  })
}

/** No new connection; answers under way are finished and end theirs. */
function closeServer(site: Site, server: Server): Promise<void> {
  site.closing = true
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), site.deps.limits.drainMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function receive(site: Site, request: IncomingMessage, response: ServerResponse): void {
  const declared = request.headers['content-length']
  if (declared !== undefined && Number(declared) > site.bodyBytesMax) {
    refuseLarge(request, response)
    return
  }
  if (declared === '0' || (declared === undefined && request.headers['transfer-encoding'] === undefined)) {
    void serve(site, request, { response, body: null })
    return
  }
  const chunks: Buffer[] = []
  let bytes = 0
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length
    chunks.push(chunk)
    if (bytes <= site.bodyBytesMax) return
    request.off('data', onData)
    request.off('end', onEnd)
    refuseLarge(request, response)
  }
  const onEnd = (): void => {
    const [first] = chunks
    const body = bytes === 0 || first === undefined ? null : chunks.length === 1 ? first : Buffer.concat(chunks)
    void serve(site, request, { response, body })
  }
  request.on('data', onData)
  request.on('end', onEnd) // never comes when the client breaks off; nothing is served then
}

async function serve(
  site: Site,
  request: IncomingMessage,
  { response, body }: { response: ServerResponse; body: Buffer | null },
): Promise<void> {
  let answer: HttpResponse
  try {
    answer = await site.handler({ method: request.method ?? 'GET', url: request.url ?? '/', headers: singled(request), body })
    write(site, response, answer)
  } catch (error) {
    site.deps.onHandlerError(error)
    if (!response.headersSent) write(site, response, HANDLER_FAILED)
    else response.destroy()
  }
}

function write(site: Site, response: ServerResponse, { status, headers, body }: HttpResponse): void {
  const bodiless = status === 204 || status === 304
  const framed: Record<string, string | number> = bodiless ? { ...headers } : { ...headers, 'content-length': body.length }
  if (site.closing) framed['connection'] = 'close'
  response.writeHead(status, framed)
  response.end(bodiless ? undefined : body)
}

const DISCARD_BYTES_MAX = 1_048_576
const DISCARD_MS_MAX = 1_000

/**
 * The complete answer goes out at once. Closing at once too would reset the connection under a client that is still
 * sending, and it would never read the answer (RFC 9112 §9.6); so a bounded amount is thrown away first.
 */
function refuseLarge(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(TOO_LARGE.status, { ...TOO_LARGE.headers, 'content-length': TOO_LARGE.body.length, connection: 'close' })
  response.write(TOO_LARGE.body)
  let discarded = 0
  const finish = (): void => {
    clearTimeout(timer)
    if (!response.writableEnded) response.end()
  }
  const timer = setTimeout(finish, DISCARD_MS_MAX)
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > DISCARD_BYTES_MAX) finish()
  })
  request.on('end', finish)
  request.on('close', finish)
}

/** node:http joins repeated fields itself; only `set-cookie`, which no request should carry, stays a list. */
function singled({ headers }: IncomingMessage): Record<string, string> {
  const cookies = headers['set-cookie']
  if (cookies === undefined) return headers as Record<string, string>
  return { ...headers, 'set-cookie': cookies.join('\n') } as Record<string, string>
}
