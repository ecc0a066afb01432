import type { Runtime, YieldLabel } from '../runtime.ts'
import { createFaultSource, type FaultSource } from './fault-source.ts'
import { createRandomStream, type RandomStream } from './random-stream.ts'
import { createScheduler, type Life, type Scheduler, type Step } from './scheduler.ts'
import { createTrace, type Trace } from './trace.ts'
import type { WorldCounters, WorldOptions } from './world.ts'

/** What the parts of a simulated world share. */
export interface Ground {
  readonly options: WorldOptions
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly faults: FaultSource
  readonly random: (stream: string) => RandomStream
  readonly nodes: Map<string, Node>
  readonly crashListeners: ((node: string) => void)[]
  /** 'from to' → virtual time until which bytes vanish. */
  readonly cuts: Map<string, number>
  readonly counters: Counters
  readonly situations: Map<string, number>
  failure: { readonly error: unknown } | null
}

export interface Node {
  readonly name: string
  readonly boot: ((runtime: Runtime) => void | Promise<void>) | null
  life: Life
  runtime: Runtime
  skewMs: number
  restarting: Step | null
}

interface Counters extends WorldCounters {
  steps: number
  requests: number
  yieldPoints: number
  readonly yieldPointsByLabel: Map<YieldLabel, number>
}

export function createGround(options: WorldOptions): Ground {
  const streams = new Map<string, RandomStream>()
  const random = (name: string): RandomStream => {
    let stream = streams.get(name)
    if (stream === undefined) {
      stream = createRandomStream(options.seed, name)
      streams.set(name, stream)
    }
    return stream
  }
  return {
    options,
    random,
    scheduler: createScheduler(random('scheduling:ties')),
    trace: createTrace(options.onTrace),
    faults: createFaultSource(options.plan ?? {}, random('faults')),
    nodes: new Map(),
    crashListeners: [],
    cuts: new Map(),
    counters: { steps: 0, requests: 0, yieldPoints: 0, yieldPointsByLabel: new Map() },
    situations: new Map(),
    failure: null,
  }
}

/** A line of the trace that is not a step. */
export function note(ground: Ground, { node, kind, detail }: { node: string | null; kind: string; detail: string }): void {
  ground.trace.step({ time: ground.scheduler.now(), node, kind, detail })
}

/** The first failure counts; what follows is its echo. */
export function fail(ground: Ground, error: unknown): void {
  ground.failure ??= { error }
}
