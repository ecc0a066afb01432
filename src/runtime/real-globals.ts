/**
 * The real globals, captured before anything patches them, and the one loop that runs simulated steps with the globals
 * patched to throw. Lives beside the real runtime because only here may timers and clocks be named.
 */
const realSetImmediate = globalThis.setImmediate

export interface Turns {
  /** One simulated step. False: the run is over. Must not throw. */
  readonly step: () => boolean
  /** A forbidden global was used during a step; the use itself throws as well, but that may be caught. */
  readonly onEscape: (error: Error) => void
  /** A promise of a step was rejected and nobody handled it. */
  readonly onRejection: (reason: unknown) => void
}

/** Short runs are common in tests, long ones in simulation: batches double from the one to the other. */
const BATCH_MIN = 8
const BATCH_MAX = 256

/**
 * Calls `step` until it answers false; between two calls the microtask queue has run dry.
 *
 * Each call is an immediate of its own: Node empties the nextTick and microtask queues after every immediate, and runs
 * all immediates that were queued together without another macrotask in between. So a batch costs one trip round the
 * event loop, the order of everything is that of one trip per step, and between the first and the last immediate of a
 * batch nothing foreign runs: the globals can be patched for exactly that long, and test runners keep theirs.
 */
export function runTurns({ step, onEscape, onRejection }: Turns): Promise<void> {
  return new Promise((resolve) => {
    let more = true
    let size = BATCH_MIN
    let restore = (): void => undefined
    const enter = (): void => {
      restore = patchGlobals(onEscape)
      process.on('unhandledRejection', onRejection)
    }
    const one = (): void => {
      if (more) more = step()
    }
    const leave = (): void => {
      process.off('unhandledRejection', onRejection)
      restore()
      if (more) batch()
      else resolve()
    }
    const batch = (): void => {
      realSetImmediate(enter)
      for (let i = 0; i < size; i++) realSetImmediate(one)
      realSetImmediate(leave)
      size = Math.min(2 * size, BATCH_MAX)
    }
    batch()
  })
}

/** From here on using a clock, a timer, randomness or the network by a global throws. Returns the way back. */
function patchGlobals(onEscape: (error: Error) => void): () => void {
  const forbid = (name: string) => (): never => {
    const error = new Error(`${name} was used inside the simulation; take it from the runtime`)
    onEscape(error)
    throw error
  }
  const undo: (() => void)[] = []
  const replace = (owner: object, key: string, value: unknown): void => {
    const old = Object.getOwnPropertyDescriptor(owner, key)
    Object.defineProperty(owner, key, { value, configurable: true, writable: true, enumerable: old?.enumerable ?? false })
    undo.push(() => {
      if (old === undefined) Reflect.deleteProperty(owner, key)
      else Object.defineProperty(owner, key, old)
    })
  }
  replace(globalThis, 'Date', datelessDate(forbid))
  for (const key of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch']) replace(globalThis, key, forbid(key))
  replace(Math, 'random', forbid('Math.random'))
  replace(performance, 'now', forbid('performance.now'))
  replace(crypto, 'randomUUID', forbid('crypto.randomUUID'))
  replace(crypto, 'getRandomValues', forbid('crypto.getRandomValues'))
  replace(AbortSignal, 'timeout', forbid('AbortSignal.timeout'))
  return () => {
    for (const back of undo) back()
  }
}

/** Dates can be parsed and built from a number; the present cannot be had. The real object stays as it is for those who hold it. */
function datelessDate(forbid: (name: string) => () => never): unknown {
  const now = forbid('Date.now')
  const argumentless = forbid('new Date() without argument')
  return new Proxy(Date, {
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
    construct: (target, args, newTarget) => (args.length === 0 ? argumentless() : (Reflect.construct(target, args, newTarget) as object)),
    apply: argumentless,
  })
}
