/**
 * The only doors to the outside: clock, ids, randomness, network. Real and simulated implementations behave alike; in
 * simulation the globals they stand for throw. Store and log are arguments beside it; files are the store's, behind its
 * port, and signals and exits the command line's.
 */
export interface Runtime {
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly net: Net
  /** Hex SHA-256 of a UTF-8 text. */
  readonly hash: (text: string) => string
  /** Names a point where a crash, pause or lost answer is worth trying. No-op outside simulation. */
  readonly yieldPoint: (label: YieldLabel) => Promise<void> | undefined
  /** Counts a situation the simulation must have reached. No-op outside simulation. */
  readonly sometimes: (label: string) => void
}

export type YieldLabel =
  | 'before-intake-commit'
  | 'after-intake-commit'
  | 'before-turn-commit'
  | 'after-turn-commit'
  | 'intent-committed'
  | 'before-send'
  | 'reply-received'
  | 'before-outcome-commit'
  | 'after-outcome-commit'
  | 'before-read'
  | 'read-received'

export interface Clock {
  /** Milliseconds since the epoch, as the machine believes. Never orders anything between machines. */
  wallNow(): number
  /** Milliseconds from an arbitrary start; never goes back. */
  monoNow(): number
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `fire` once after `ms`, at least 1 and possibly months; the returned function cancels. */
  setTimer(ms: number, fire: () => void): () => void
}

export interface Ids {
  /** RFC 9562 version 7. */
  uuid(): string
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
}

export interface HttpRequest {
  readonly method: string
  /** Absolute URL on the way out; path with query on the way in. */
  readonly url: string
  /** Names in lower case on the way in. */
  readonly headers: Readonly<Record<string, string>>
  /** Null: no body, or an empty one. Not to be changed before the call has ended. */
  readonly body: Uint8Array | null
}
export interface HttpResponse {
  readonly status: number
  /** On arrival: names in lower case; repeated fields joined by a comma, `set-cookie` by a line feed, since its dates hold commas. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface HttpCall extends HttpRequest {
  /** From the call to the last byte of the answer, waiting for a connection included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Asked in the same tick as the socket write, as near to it as the client allows. False: nothing is sent. */
  readonly beforeWrite?: () => boolean
}

/** What is known after a call. Rejects only for a bug of the caller: a malformed URL or header, a guard that throws. */
export type HttpResult =
  | { readonly kind: 'response'; readonly response: HttpResponse }
  /** Proved never to have reached the target: guard said no, connection refused before a byte was written. */
  | { readonly kind: 'notSent'; readonly reason: string }
  /** Bytes may have arrived; the answer did not. The connection has been reset. */
  | { readonly kind: 'lost'; readonly reason: string }

export interface Listener {
  readonly url: string
  /** Takes nothing new, finishes what is under way (in reality for a bounded time), then ends. Safe to repeat. */
  close(): Promise<void>
}

export interface Net {
  request(call: HttpCall): Promise<HttpResult>
  /** Serves HTTP. A handler that throws answers 500. Bodies beyond `bodyBytesMax` are answered 413 unread. */
  listen(options: ListenOptions, handler: (request: HttpRequest) => Promise<HttpResponse>): Promise<Listener>
}

export interface ListenOptions {
  /** Name in simulation, 127.0.0.1 in reality. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly bodyBytesMax: number
}
