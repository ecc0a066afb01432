import type { Runtime, YieldLabel } from '../runtime.ts'
import type { FaultEvent, FaultPlan } from './faults.ts'
import type { RandomStream } from './random-stream.ts'

/** One seed, one history: virtual time, simulated processes ("nodes"), the wire between them, and what goes wrong. */
export interface World {
  readonly seed: number
  /** Virtual milliseconds since the start. The only true clock; nodes see their own. */
  now(): number
  /** Same name, same stream object. Product code never sees it. By custom: workload, faults, network, scheduling, data. */
  random(stream: string): RandomStream

  /** A simulated process. `boot` runs as a step of its own, now and after every restart, with the runtime of that life. */
  addNode(name: string, boot?: (runtime: Runtime) => void | Promise<void>): void
  /** The runtime of the node's present life; after a crash it is deaf: nothing it is asked has an effect or an answer. */
  runtimeFor(node: string): Runtime
  /** Puts a port (a store) behind the node: see `PortShape`. Bound to the node's present life, like `runtimeFor`. */
  bindPort<T extends object>(node: string, port: T, shape: PortShape): T
  /** Runs `fire` as one step after `ms`; null: belongs to nobody and survives every crash. Returns the canceller. */
  schedule(node: string | null, ms: number, fire: () => void): () => void

  /** The process is gone: memory, timers, listeners, promises. Null: stays down until `restart`. */
  crash(node: string, restartAfterMs: number | null): void
  /** Boots a crashed node; a running one is left alone. */
  restart(node: string): void
  /** No step of this node runs for `ms`; its clocks go on. */
  pause(node: string, ms: number): void
  /** Adds to the node's wall clock. Its monotonic clock does not move. */
  skewClock(node: string, ms: number): void
  /** Bytes from `from` to `to` vanish for `ms`; unless `oneWay`, the other direction too. */
  partition(from: string, to: string, options: { readonly oneWay: boolean; readonly ms: number }): void
  /** Nothing goes wrong from now on: random and planned faults end, links come back, nodes that are down boot; pauses run out. */
  heal(): void
  isUp(node: string): boolean
  /** Called at the moment of a crash, for what dies or survives with the process (a store's volatile half). */
  onCrash(listener: (node: string) => void): void

  /**
   * Runs until the virtual time or the condition (asked after every step). False: ran dry or over `untilMs` before.
   * Rejects with the first failure: a step that threw, a global that was used, a rejection nobody handled, too many steps.
   */
  runUntil(goal: number | (() => boolean), limits?: { readonly untilMs?: number }): Promise<boolean>
  /** Runs until nothing is scheduled. False: still something after `untilMs` (default: one virtual hour from now). */
  runUntilQuiet(limits?: { readonly untilMs?: number }): Promise<boolean>
  /** Ends the run with this failure. */
  fail(error: unknown): void

  /** Adds a line of the driver's own to the trace and its hash. */
  note(label: string, detail: string): void
  /** 16 hex digits over every step so far. Same seed, same code, same Node: same hash. */
  traceHash(): string
  readonly counters: WorldCounters
  /** How often each `sometimes` label was reached. */
  readonly situations: ReadonlyMap<string, number>
  /** What went wrong, as a plan that repeats the run. */
  readonly faultsTaken: readonly FaultEvent[]
}

export interface WorldOptions {
  readonly seed: number
  /** Hex SHA-256 of a UTF-8 text (the real one). */
  readonly hash: (text: string) => string
  readonly plan?: FaultPlan
  readonly network?: Partial<NetworkShape>
  /** Wall clock of all nodes at virtual time 0. */
  readonly wallStart?: number
  /** Share of faultless yield points that still let other steps go first. */
  readonly interleaveShare?: number
  /** A run beyond this many steps is a livelock and fails. */
  readonly stepsMax?: number
  /** A request handler that threw (it answered 500). By default that is a bug and fails the run. */
  readonly onHandlerError?: (node: string, error: unknown) => void
  /** One JSON line per step and per event on the wire. */
  readonly onTrace?: (line: string) => void
}

/** One-way latency, log-normal. */
export interface NetworkShape {
  readonly latencyMsMedian: number
  readonly latencySigma: number
  /** Share of requests that need a new connection first, so that the guard is asked later than the call. */
  readonly connectShare: number
  readonly connectMsMedian: number
}

export interface WorldCounters {
  readonly steps: number
  readonly requests: number
  readonly yieldPoints: number
  readonly yieldPointsByLabel: ReadonlyMap<YieldLabel, number>
}

/** How a port's methods are carried over to a node; a method not named is called directly (and must be free of effects). */
export interface PortShape {
  /** For the trace. */
  readonly name: string
  /**
   * Methods that answer a promise. Call and answer are steps of their own, so a crash may come before the effect, or
   * after it and before the answer; after a crash neither happens.
   */
  readonly async: readonly string[]
  /** Methods that take one listener and answer an unsubscriber. The listener runs as a step of the node, and dies with it. */
  readonly subscribe?: readonly string[]
  /** Virtual milliseconds of call and answer together, uniform. Default 0.1 to 2. */
  readonly latencyMs?: readonly [number, number]
}
