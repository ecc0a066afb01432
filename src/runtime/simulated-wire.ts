import { assert } from '../assert.ts'
import type { HttpCall, HttpRequest, HttpResponse, HttpResult, Listener, ListenOptions } from '../runtime.ts'
import type { RequestFault } from './faults.ts'
import { HANDLER_FAILED, TOO_LARGE } from './http-answers.ts'
import type { RandomStream } from './random-stream.ts'
import { drawRequest, type RequestDraw } from './request-draw.ts'
import type { Life, Scheduler, Step } from './scheduler.ts'
import type { Trace } from './trace.ts'
import { parseUrl } from './url-parts.ts'
import type { NetworkShape } from './world.ts'

type Handler = (request: HttpRequest) => Promise<HttpResponse>

export interface WireDeps {
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly random: RandomStream
  readonly shape: NetworkShape
  /** Counts the request and says what shall befall it. */
  readonly faultOf: () => { readonly fault: RequestFault | null; readonly slowMs: number }
  /** Whether bytes from one node to the other vanish at present. */
  readonly cut: (from: string, to: string) => boolean
  readonly onHandlerError: (node: string, error: unknown) => void
}

export interface Wire {
  request(life: Life, call: HttpCall): Promise<HttpResult>
  listen(life: Life, options: ListenOptions, handler: Handler): Listener
}

interface State extends WireDeps {
  /** By authority: host:port. */
  readonly ports: Map<string, Port>
}

interface Port {
  readonly life: Life
  readonly bodyBytesMax: number
  readonly handler: Handler
  /** On their way here or being served. */
  readonly open: Set<Exchange>
  /** Set once closed; resolves when nothing is open any more. */
  drained: PromiseWithResolvers<void> | null
}

/** One request, from call to answer. */
interface Exchange {
  readonly wire: State
  readonly client: Life
  readonly call: HttpCall
  readonly authority: string
  readonly path: string
  readonly draw: RequestDraw
  readonly fault: RequestFault | null
  readonly slowMs: number
  port: Port | null
  /** As it went out; null until then. */
  written: HttpRequest | null
  settled: boolean
  /** Copies of the request that are not yet answered. */
  deliveries: number
  readonly settle: (result: HttpResult) => void
}

/**
 * HTTP between nodes. Promises what the real one promises, and no more: a caller that is not told `response` or
 * `notSent` knows nothing. All draws of a request are made when it is called, so that one fault more or less leaves
 * the latencies of all others alone.
 */
export function createWire(deps: WireDeps): Wire {
  const wire: State = { ...deps, ports: new Map() }
  return {
    request: (life, call) => request(wire, life, call),
    listen: (life, options, handler) => listen(wire, { life, options, handler }),
  }
}

const FIRST_FREE_PORT = 20_000

function listen(wire: State, { life, options, handler }: { life: Life; options: ListenOptions; handler: Handler }): Listener {
  const { ports } = wire
  let number = options.port
  if (number === 0) for (number = FIRST_FREE_PORT; ports.has(`${options.host}:${number}`); ) number += 1
  const authority = `${options.host}:${number}`
  assert(!ports.has(authority), `address in use: ${authority}`)
  const port: Port = { life, bodyBytesMax: options.bodyBytesMax, handler, open: new Set(), drained: null }
  ports.set(authority, port)
  const forget = (): void => {
    if (ports.get(authority) === port) ports.delete(authority)
  }
  life.cleanups.push(() => {
    forget()
    for (const exchange of port.open) breakOrWait(exchange, exchange.draw.backMs)
  })
  return {
    url: `http://${authority}`,
    close: () => {
      forget()
      port.drained ??= Promise.withResolvers()
      if (port.open.size === 0) port.drained.resolve()
      return port.drained.promise
    },
  }
}

function request(wire: State, client: Life, call: HttpCall): Promise<HttpResult> {
  const { fault, slowMs } = wire.faultOf()
  const draw = drawRequest(wire.random, wire.shape)
  return new Promise((resolve, reject) => {
    const { authority, path } = parseUrl(call.url)
    let timer: Step | null = null
    const onAbort = (): void => exchange.settle(unanswered(exchange, 'aborted'))
    const exchange: Exchange = {
      wire,
      client,
      call,
      authority,
      path,
      draw,
      fault,
      slowMs,
      port: null,
      written: null,
      settled: false,
      deliveries: 0,
      settle: (result) => {
        if (exchange.settled || client.dead) return
        exchange.settled = true
        if (timer !== null) wire.scheduler.cancel(timer)
        call.signal?.removeEventListener('abort', onAbort)
        resolve(result)
      },
    }
    note(wire, client, { kind: 'call', detail: `${call.method} ${call.url}${fault === null ? '' : ` ${fault}`}` })
    if (call.signal?.aborted) {
      exchange.settle({ kind: 'notSent', reason: 'aborted' })
      return
    }
    call.signal?.addEventListener('abort', onAbort)
    timer = later(exchange, { afterMs: call.timeoutMs, kind: 'timeout', result: () => unanswered(exchange, 'timeout') })
    const go = (): void => {
      try {
        connect(exchange)
      } catch (error) {
        reject(error) // a guard that throws is a bug of the caller's
      }
    }
    if (draw.connectMs === 0) go()
    else wire.scheduler.push({ afterMs: draw.connectMs, life: client, kind: 'connect', run: go })
  })
}

/** Finds the other side. Where there is none, that is noticed before a byte is written, or a dead connection swallows the bytes. */
function connect(exchange: Exchange): void {
  const { wire, draw, client } = exchange
  if (exchange.settled) return
  const roundMs = draw.outMs + draw.backMs
  const port = wire.ports.get(exchange.authority) ?? null
  if (exchange.fault === 'refuse' || (port === null && draw.variantA < 0.5)) {
    later(exchange, { afterMs: roundMs, kind: 'refused', result: () => ({ kind: 'notSent', reason: 'connection refused' }) })
    return
  }
  const cut = port !== null && wire.cut(client.node, port.life.node)
  const connected = port === null ? draw.variantA >= 0.75 : !cut || draw.variantA >= 0.5
  if (!connected) return // nobody answers the attempt to connect; the timeout will say `notSent`
  if (!write(exchange) || cut) return
  exchange.port = port
  if (port === null) breakOrWait(exchange, roundMs)
  else dispatch(exchange, port)
}

/** Asks the guard and, in the same tick, takes the bytes. False: nothing was sent. */
function write(exchange: Exchange): boolean {
  const { wire, call, client } = exchange
  if (call.beforeWrite !== undefined && !call.beforeWrite()) {
    exchange.settle({ kind: 'notSent', reason: 'guard' })
    return false
  }
  if (exchange.settled || client.dead) return false // the guard aborted the call, or its own node
  const body = call.body === null || call.body.length === 0 ? null : copyOf(call.body)
  const headers: Record<string, string> = { host: exchange.authority, ...lowerCased(call.headers) }
  if (body !== null) headers['content-length'] = String(body.length)
  exchange.written = { method: call.method, url: exchange.path, headers, body }
  note(wire, client, { kind: 'write', detail: exchange.path })
  if (body !== null) wire.trace.bytes(body)
  return true
}

/** The bytes are under way: they arrive or not, whatever becomes of the client. */
function dispatch(exchange: Exchange, port: Port): void {
  const { wire, draw, fault } = exchange
  const roundMs = draw.outMs + draw.backMs
  if (fault === 'reset') reset(exchange, 2 * draw.variantB * roundMs)
  if (fault === 'loseRequest') breakOrWait(exchange, roundMs)
  if (fault === 'loseRequest' || ((fault === 'reset' || fault === 'halfOpen') && draw.variantA < 0.5)) return
  const outMs = draw.outMs + (fault === 'slow' && draw.variantA < 0.5 ? exchange.slowMs : 0)
  port.open.add(exchange)
  const deliver = (afterMs: number, kind: string): void => {
    exchange.deliveries += 1
    wire.scheduler.push({ afterMs, life: port.life, kind, run: () => serve(exchange, port) })
  }
  deliver(outMs, 'request')
  if (fault === 'duplicate') deliver(outMs + draw.duplicateMs, 'duplicate')
}

function serve(exchange: Exchange, port: Port): void {
  const { written, wire } = exchange
  assert(written !== null, 'a request is served that was never written')
  const { body } = written
  if (body !== null && body.length > port.bodyBytesMax) {
    answer(exchange, port, TOO_LARGE)
    return
  }
  const failed = (error: unknown): void => {
    if (port.life.dead) return
    wire.onHandlerError(port.life.node, error)
    answer(exchange, port, HANDLER_FAILED)
  }
  // Each delivery gets bytes of its own: a handler may keep or change what it was given.
  const own = { ...written, headers: { ...written.headers }, body: body === null ? null : copyOf(body) }
  try {
    port.handler(own).then((response) => answer(exchange, port, response), failed)
  } catch (error) {
    failed(error)
  }
}

function answer(exchange: Exchange, port: Port, response: HttpResponse): void {
  if (port.life.dead) return
  exchange.deliveries -= 1
  if (exchange.deliveries === 0) port.open.delete(exchange)
  if (port.open.size === 0) port.drained?.resolve()
  const { wire, draw, fault, client } = exchange
  const body = copyOf(response.body)
  note(wire, port.life, { kind: 'answer', detail: String(response.status) })
  wire.trace.bytes(body)
  if (exchange.settled || client.dead || fault === 'halfOpen' || wire.cut(port.life.node, client.node)) return
  if (fault === 'loseReply') {
    breakOrWait(exchange, draw.backMs)
    return
  }
  const headers = { ...lowerCased(response.headers), 'content-length': String(body.length) }
  const afterMs = draw.backMs + (fault === 'slow' && draw.variantA >= 0.5 ? exchange.slowMs : 0)
  const result: HttpResult = { kind: 'response', response: { status: response.status, headers, body } }
  later(exchange, { afterMs, kind: 'reply', result: () => result })
}

/** The connection is of no more use: the caller hears a reset, or nothing until its timeout. */
function breakOrWait(exchange: Exchange, afterMs: number): void {
  if (exchange.settled || exchange.client.dead || exchange.fault === 'halfOpen' || exchange.draw.variantB < 0.5) return
  reset(exchange, afterMs)
}

function reset(exchange: Exchange, afterMs: number): void {
  later(exchange, { afterMs, kind: 'reset', result: () => unanswered(exchange, 'connection reset') })
}

function unanswered({ written }: Exchange, reason: string): HttpResult {
  return { kind: written === null ? 'notSent' : 'lost', reason }
}

interface Later {
  readonly afterMs: number
  readonly kind: string
  readonly result: () => HttpResult
}

/** Settles the exchange in a step of its client. */
function later(exchange: Exchange, { afterMs, kind, result }: Later): Step {
  return exchange.wire.scheduler.push({ afterMs, life: exchange.client, kind, run: () => exchange.settle(result()) })
}

function note({ trace, scheduler }: State, { node }: Life, line: { kind: string; detail: string }): void {
  trace.step({ time: scheduler.now(), node, ...line })
}

/** Not `slice`, which shares memory when the bytes are a Buffer. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

/** Header names arrive in lower case, as from a real server. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  const lower: Record<string, string> = {}
  for (const name of Object.keys(headers)) lower[name.toLowerCase()] = headers[name] as string
  return lower
}
