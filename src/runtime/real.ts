import { hash, randomFillSync } from 'node:crypto'
import type { Runtime } from '../runtime.ts'
import { createRealClock } from './real-clock.ts'
import { type ListenLimits, listenReal } from './real-listen.ts'
import { createRequester, type RequestLimits } from './real-request.ts'
import { createUuidV7 } from './uuid-v7.ts'

export interface RealRuntimeOptions {
  readonly request?: Partial<RequestLimits>
  readonly listen?: Partial<ListenLimits>
  /** A handler of `net.listen` threw; the client was answered 500. Where the log is. */
  readonly onHandlerError: (error: unknown) => void
}

export interface RealRuntime extends Runtime {
  /** Ends all outgoing connections. Listeners are closed by whoever opened them. */
  close(): Promise<void>
}

const REQUEST_LIMITS: RequestLimits = {
  connectionsPerOriginMax: 64,
  waitingPerOriginMax: 4096,
  originsMax: 64,
  connectTimeoutMs: 5_000,
  responseBytesMax: 16 * 1_048_576,
}

const LISTEN_LIMITS: ListenLimits = {
  connectionsMax: 10_000,
  requestTimeoutMs: 60_000,
  headersTimeoutMs: 15_000,
  keepAliveMs: 65_000,
  drainMs: 10_000,
}

export function openRealRuntime(options: RealRuntimeOptions): RealRuntime {
  const clock = createRealClock()
  const requester = createRequester({ ...REQUEST_LIMITS, ...options.request })
  const listenDeps = { limits: { ...LISTEN_LIMITS, ...options.listen }, onHandlerError: options.onHandlerError }
  return {
    clock,
    ids: { uuid: createUuidV7({ wallNow: clock.wallNow, random32: createRandom32() }) },
    random: { next: () => Math.random() },
    hash: (text) => hash('sha256', text),
    net: {
      request: requester.request,
      listen: (listenOptions, handler) => listenReal(listenDeps, listenOptions, handler),
    },
    yieldPoint: () => undefined,
    sometimes: () => undefined,
    close: requester.close,
  }
}

const POOL_WORDS = 1024

/** Cryptographic randomness by the block: one system call for a thousand words. */
function createRandom32(): () => number {
  const words = new Uint32Array(POOL_WORDS)
  let next = POOL_WORDS
  return () => {
    if (next === POOL_WORDS) {
      randomFillSync(words)
      next = 0
    }
    return words[next++] as number
  }
}
