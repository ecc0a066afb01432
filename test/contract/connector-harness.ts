import type { Call, CommandItem, Connector } from '../../src/connectors/connector.ts'
import type { Observation } from '../../src/model/observation.ts'
import type { HttpCall, HttpResult, Net } from '../../src/runtime.ts'

/** What the suite needs of the system behind a connector: its own books, and ways to disturb it. */
export interface TargetUnderTest {
  /** How often something came about under this reference, by the target's own books, stored there or not. */
  effects(reference: string): number
  stop(): Promise<void>
  start(): Promise<void>
  /** The next write call is answered 500: nothing, the first half or all of its items done. */
  failNext(when: 'before' | 'midBatch' | 'after'): void
  /** The next write call is answered 429 with these seconds. */
  limitNext(seconds: number): void
  /** From now on the connector's credentials are wrong, or right again. */
  lockOut(out: boolean): void
  /** Reads show what was this long ago. */
  setLag(ms: number): void
  /** The next item is accepted and undone before its lag is over. */
  rollBackNext(): void
  passTime(ms: number): Promise<void>
}

export interface ConnectorUnderTest {
  readonly connector: Connector
  readonly resource: string
  readonly target: TargetUnderTest
  readonly wire: Wire
  /** A command on a subject of its own that the target will take once; prepared in the target's books. */
  item(): CommandItem
  /** One that the target refuses for good, whatever happens. */
  refusedItem(): CommandItem
  /** One that this connector has no request for. */
  unsuitableItem(): CommandItem
  /** Whether an observation of the item's subject shows it done. */
  shows(item: CommandItem, observation: Observation): boolean
  close(): Promise<void>
}

export type OpenConnector = () => Promise<ConnectorUnderTest>

/** What happens to the next call, whichever it is. */
export type WireFault =
  /** Refused before a byte was written. */
  | 'refuse'
  /** Written, never arrived. */
  | 'loseRequest'
  /** Arrived and answered; the answer is lost. */
  | 'loseReply'
  /** The caller gives up; the request arrives when `release` is called. */
  | 'delay'
  /** Arrives twice; the first answer comes back. */
  | 'duplicate'
  /** The answer breaks off in the middle. */
  | 'garble'

/** A network that does as it is told. Asks the guard where the real one would: when the bytes are about to go. */
export interface Wire extends Net {
  next(fault: WireFault): void
  /** Delivers everything that was delayed, and waits for it to be worked off. */
  release(): Promise<void>
  /** Calls handed over since the last `reset`, and those of them whose bytes went out. */
  counts(): { readonly calls: number; readonly written: number }
  reset(): void
}

export function createWire(net: Net): Wire {
  let fault: WireFault | null = null
  let delayed: (() => Promise<unknown>)[] = []
  const counts = { calls: 0, written: 0 }
  const lost: HttpResult = { kind: 'lost', reason: 'test' }

  const request = async (call: HttpCall): Promise<HttpResult> => {
    counts.calls += 1
    const chosen = fault
    fault = null
    if (chosen === 'refuse') return { kind: 'notSent', reason: 'connection refused' }
    if (call.beforeWrite !== undefined && !call.beforeWrite()) return { kind: 'notSent', reason: 'guard' }
    counts.written += 1
    const passed: HttpCall = { ...call, beforeWrite: () => true }
    const { signal: _, ...patient } = passed
    switch (chosen) {
      case 'loseRequest':
        return lost
      case 'loseReply':
        await net.request(passed)
        return lost
      case 'delay':
        delayed.push(() => net.request(patient))
        return lost
      case 'duplicate': {
        const first = await net.request(passed)
        await net.request(passed)
        return first
      }
      case 'garble': {
        const result = await net.request(passed)
        if (result.kind !== 'response') return result
        const { body } = result.response
        return { ...result, response: { ...result.response, body: body.subarray(0, Math.floor(body.length / 2)) } }
      }
      case null:
        return net.request(passed)
    }
  }
  return {
    request,
    listen: (options, handler) => net.listen(options, handler),
    next: (chosen) => {
      fault = chosen
    },
    release: async () => {
      const due = delayed
      delayed = []
      for (const deliver of due) await deliver()
    },
    counts: () => ({ ...counts }),
    reset: () => {
      counts.calls = 0
      counts.written = 0
    },
  }
}

export function callOf(change: Partial<Call> = {}): Call {
  return { signal: new AbortController().signal, timeoutMs: 5_000, beforeWrite: () => true, ...change }
}
