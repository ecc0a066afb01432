import { assert } from '../assert.ts'
import type { FaultEvent } from './faults.ts'
import { createGround, fail, type Ground, type Node, note } from './ground.ts'
import { runTurns } from './real-globals.ts'
import { NETWORK_DEFAULT } from './request-draw.ts'
import { addNode, crash, pause, restart } from './simulated-nodes.ts'
import { bindPort } from './simulated-port.ts'
import { createWire, type Wire } from './simulated-wire.ts'
import type { World, WorldOptions } from './world.ts'

/** Builds a world at virtual time 0. Nothing runs until `runUntil`. */
export function createWorld(options: WorldOptions): World {
  const ground = createGround(options)
  const { scheduler, counters } = ground
  const wire = createWire({
    scheduler,
    trace: ground.trace,
    random: ground.random('network'),
    shape: { ...NETWORK_DEFAULT, ...options.network },
    faultOf: () => {
      counters.requests += 1
      return ground.faults.ofRequest(counters.requests)
    },
    cut: (from, to) => (ground.cuts.get(`${from} ${to}`) ?? 0) > scheduler.now(),
    onHandlerError: options.onHandlerError ?? ((_, error) => fail(ground, error)),
  })
  const world: World = {
    seed: options.seed,
    now: scheduler.now,
    random: ground.random,
    ...nodeFunctions(ground, wire),
    partition: (from, to, { oneWay, ms }) => {
      note(ground, { node: from, kind: 'partition', detail: `${to} ${oneWay ? 'one way' : 'both ways'} ${ms}` })
      ground.cuts.set(`${from} ${to}`, scheduler.now() + ms)
      if (!oneWay) ground.cuts.set(`${to} ${from}`, scheduler.now() + ms)
    },
    heal: () => heal(ground, wire),
    onCrash: (listener) => void ground.crashListeners.push(listener),
    runUntil: (goal, limits) => runUntil(ground, goal, limits?.untilMs ?? Number.POSITIVE_INFINITY),
    runUntilQuiet: async (limits) => {
      const untilMs = limits?.untilMs ?? scheduler.now() + QUIET_MS_MAX
      return (await run(ground, { untilMs, reached: () => false })) === 'dry'
    },
    fail: (error) => fail(ground, error),
    note: (label, detail) => note(ground, { node: null, kind: label, detail }),
    traceHash: ground.trace.hash,
    counters,
    situations: ground.situations,
    faultsTaken: ground.faults.taken,
  }
  for (const event of options.plan?.events ?? []) planAhead(ground, world, event)
  return world
}

const STEPS_MAX = 5_000_000
const QUIET_MS_MAX = 3_600_000

type NodeFunctions = Pick<World, 'addNode' | 'runtimeFor' | 'bindPort' | 'schedule' | 'crash' | 'restart' | 'pause' | 'skewClock' | 'isUp'>

function nodeFunctions(ground: Ground, wire: Wire): NodeFunctions {
  const { scheduler } = ground
  const nodeOf = (name: string): Node => {
    const node = ground.nodes.get(name)
    assert(node !== undefined, `no node ${name}`)
    return node
  }
  return {
    addNode: (name, boot) => addNode(ground, wire, { name, boot: boot ?? null }),
    runtimeFor: (name) => nodeOf(name).runtime,
    bindPort: (name, port, shape) => bindPort({ scheduler, random: ground.random('scheduling:ports') }, nodeOf(name).life, { port, shape }),
    schedule: (name, afterMs, fire) => {
      const step = scheduler.push({ afterMs, life: name === null ? null : nodeOf(name).life, kind: 'scheduled', run: fire })
      return () => scheduler.cancel(step)
    },
    crash: (name, restartAfterMs) => crash(ground, wire, { node: nodeOf(name), restartAfterMs }),
    restart: (name) => restart(ground, wire, nodeOf(name)),
    pause: (name, ms) => pause(ground, nodeOf(name), ms),
    skewClock: (name, ms) => {
      note(ground, { node: name, kind: 'skew', detail: String(ms) })
      nodeOf(name).skewMs += ms
    },
    isUp: (name) => !nodeOf(name).life.dead,
  }
}

function heal(ground: Ground, wire: Wire): void {
  note(ground, { node: null, kind: 'heal', detail: '' })
  ground.faults.stop()
  ground.cuts.clear()
  for (const node of ground.nodes.values()) {
    restart(ground, wire, node)
  }
}

/** Faults that the plan sets at a time rather than at a point of the program. */
function planAhead(ground: Ground, world: World, event: FaultEvent): void {
  if (!('atMs' in event)) return
  const act = (): void => {
    if (event.kind === 'crashNode') world.crash(event.node, event.restartAfterMs)
    else if (event.kind === 'pauseNode') world.pause(event.node, event.ms)
    else if (event.kind === 'skewClock') world.skewClock(event.node, event.ms)
    else world.partition(event.from, event.to, event)
  }
  const fire = (): void => {
    if (ground.faults.stopped()) return
    ground.faults.record(event)
    act()
  }
  ground.scheduler.push({ afterMs: event.atMs, life: null, kind: event.kind, run: fire })
}

async function runUntil(ground: Ground, goal: number | (() => boolean), untilMs: number): Promise<boolean> {
  if (typeof goal !== 'number') return (await run(ground, { untilMs, reached: goal })) === 'reached'
  await run(ground, { untilMs: goal, reached: () => false })
  ground.scheduler.advance(goal)
  return true
}

interface Run {
  readonly untilMs: number
  /** Asked before the first step and after every one. */
  readonly reached: () => boolean
}

async function run(ground: Ground, { untilMs, reached }: Run): Promise<'reached' | 'dry' | 'late'> {
  const { scheduler, trace, counters } = ground
  const stepsMax = ground.options.stepsMax ?? STEPS_MAX
  let end: 'reached' | 'dry' | 'late' = 'dry'
  const step = (): boolean => {
    try {
      if (ground.failure !== null) return false
      if (reached()) {
        end = 'reached'
        return false
      }
      const next = scheduler.next(untilMs)
      if (next === null) {
        end = scheduler.size() === 0 ? 'dry' : 'late'
        return false
      }
      counters.steps += 1
      assert(counters.steps <= stepsMax, `more than ${stepsMax} steps: the run does not come to rest`)
      trace.step({ time: next.time, node: next.life?.node ?? null, kind: next.kind })
      const act = next.run
      next.run = null
      act?.()
      return true
    } catch (error) {
      fail(ground, error)
      return false
    }
  }
  await runTurns({ step, onEscape: (error) => fail(ground, error), onRejection: (reason) => fail(ground, reason) })
  if (ground.failure !== null) throw ground.failure.error
  return end
}
