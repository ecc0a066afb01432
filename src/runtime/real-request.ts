import { type Dispatcher, Pool } from 'undici'
import type { HttpCall, HttpResult } from '../runtime.ts'
import { parseUrl } from './url-parts.ts'

export interface RequestLimits {
  /** Connections to one scheme, host and port; each carries one request at a time. */
  readonly connectionsPerOriginMax: number
  /** Calls of one origin that wait for a connection; one more is answered `notSent`. */
  readonly waitingPerOriginMax: number
  /** Origins with open connections; the one opened first is closed for one more. */
  readonly originsMax: number
  readonly connectTimeoutMs: number
  /** A longer answer counts as lost. */
  readonly responseBytesMax: number
}

export interface Requester {
  request(call: HttpCall): Promise<HttpResult>
  /** Ends all connections; calls under way end as `lost` or `notSent`, later ones as `notSent`. */
  close(): Promise<void>
}

interface Origin {
  readonly pool: Pool
  waiting: number
}

/**
 * Calls over undici pools with kept-alive connections, HTTP/1.1, no pipelining, no redirects, no retries.
 *
 * How near the guard is to the write: undici calls `onRequestStart` when a connected, idle socket has been given to
 * the request. In that same synchronous run it builds the header text and hands header and body to the socket, which
 * tries the system call at once. Between guard and write lie some microseconds of string building, no await and no
 * queue; waiting for a connection, the TLS handshake and the check of a reused socket all come before. Where the
 * kernel's send buffer is full the tail of the body leaves later; the head has left.
 */
export function createRequester(limits: RequestLimits): Requester {
  const origins = new Map<string, Origin>()
  let closed = false
  return {
    request: (call) =>
      new Promise((resolve, reject) => {
        const { origin, path } = parseUrl(call.url)
        if (closed) return resolve({ kind: 'notSent', reason: 'closed' })
        const target = origins.get(origin) ?? openOrigin(origins, origin, limits)
        if (call.signal?.aborted) return resolve({ kind: 'notSent', reason: 'aborted' })
        if (target.waiting >= limits.waitingPerOriginMax) return resolve({ kind: 'notSent', reason: 'too many calls are waiting' })
        const exchange = new Exchange({ call, target, resolve, reject, bytesMax: limits.responseBytesMax })
        const { method, headers, body } = call
        // undici may go on reading the bytes later, when the kernel takes only a part; callers do not change them.
        target.pool.dispatch({ method: method as Dispatcher.HttpMethod, path, headers, body, headersTimeout: 0, bodyTimeout: 0 }, exchange)
      }),
    close: async () => {
      closed = true
      const open = [...origins.values()]
      origins.clear()
      await Promise.all(open.map(({ pool }) => pool.destroy()))
    },
  }
}

function openOrigin(origins: Map<string, Origin>, origin: string, limits: RequestLimits): Origin {
  for (const [name, { pool }] of origins) {
    if (origins.size < limits.originsMax) break
    origins.delete(name)
    void pool.close() // ends when its calls have
  }
  const pool = new Pool(origin, {
    connections: limits.connectionsPerOriginMax,
    pipelining: 1,
    connectTimeout: limits.connectTimeoutMs,
    allowH2: false,
  })
  const opened: Origin = { pool, waiting: 0 }
  origins.set(origin, opened)
  return opened
}

interface ExchangeInput {
  readonly call: HttpCall
  readonly target: Origin
  readonly resolve: (result: HttpResult) => void
  readonly reject: (bug: unknown) => void
  readonly bytesMax: number
}

const NOTHING = new Uint8Array(0)
/** Thrown into undici to keep a request from being written; the connection stays. */
const WITHHELD = new Error('not to be written')
const GIVEN_UP = new Error('given up')

/** One call, from the queue to its result. Settles exactly once. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #input: ExchangeInput
  readonly #timer: NodeJS.Timeout
  /** Set while the request is on a connection. */
  #controller: Dispatcher.DispatchController | null = null
  #queued = true
  #settled = false
  #status = 0
  #headers: Record<string, string> = {}
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(input: ExchangeInput) {
    this.#input = input
    input.target.waiting += 1
    this.#timer = setTimeout(() => this.#giveUp('timeout'), input.call.timeoutMs)
    input.call.signal?.addEventListener('abort', this.#onAbort)
  }

  /** undici is about to write, in this very tick. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#leaveQueue()
    // Settled: the time ran out in the queue. On a connection already: undici lost that one and would send a second time.
    if (this.#settled || this.#controller !== null) throw WITHHELD
    const { beforeWrite } = this.#input.call
    let allowed: boolean
    try {
      allowed = beforeWrite === undefined || beforeWrite()
    } catch (bug) {
      this.#end()
      this.#input.reject(bug)
      throw WITHHELD
    }
    if (!allowed) this.#settle({ kind: 'notSent', reason: 'guard' })
    if (this.#settled) throw WITHHELD // also when the guard aborted the call
    this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status
    this.#headers = flattened(headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    this.#chunks.push(chunk)
    if (this.#bytes > this.#input.bytesMax) this.#giveUp('answer too large')
  }

  onResponseEnd(): void {
    const [first] = this.#chunks
    const body = first === undefined ? NOTHING : this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks)
    this.#settle({ kind: 'response', response: { status: this.#status, headers: this.#headers, body } })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error & { code?: string }): void {
    this.#leaveQueue()
    if (this.#settled) return
    if (error.code === 'UND_ERR_INVALID_ARG') {
      this.#end()
      this.#input.reject(error) // a malformed header or path is a bug of the caller's
    } else {
      this.#settleUnanswered(error.code ?? error.name)
    }
  }

  readonly #onAbort = (): void => this.#giveUp('aborted')

  /** No answer is wanted any more; a connection that may still carry one is destroyed. */
  #giveUp(reason: string): void {
    if (this.#settled) return
    this.#settleUnanswered(reason)
    this.#controller?.abort(GIVEN_UP)
  }

  #settleUnanswered(reason: string): void {
    this.#settle({ kind: this.#controller === null ? 'notSent' : 'lost', reason })
  }

  #settle(result: HttpResult): void {
    if (this.#settled) return
    this.#end()
    this.#input.resolve(result)
  }

  #end(): void {
    this.#settled = true
    clearTimeout(this.#timer)
    this.#input.call.signal?.removeEventListener('abort', this.#onAbort)
  }

  #leaveQueue(): void {
    if (this.#queued) this.#input.target.waiting -= 1
    this.#queued = false
  }
}

/** Repeated fields become one: cookies on lines of their own, since their dates hold commas, others joined by a comma. */
function flattened(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  for (const name in headers) {
    const value = headers[name]
    if (typeof value !== 'string') headers[name] = (value ?? []).join(name === 'set-cookie' ? '\n' : ', ')
  }
  return headers as Record<string, string>
}
