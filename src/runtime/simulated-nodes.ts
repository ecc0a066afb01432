import { assert } from '../assert.ts'
import type { Runtime, YieldLabel } from '../runtime.ts'
import { fail, type Ground, type Node, note } from './ground.ts'
import { createRandomStream } from './random-stream.ts'
import type { Life } from './scheduler.ts'
import { createSimulatedRuntime, never } from './simulated-runtime.ts'
import type { Wire } from './simulated-wire.ts'

/** 5 January 2026, 08:00 UTC: a Monday. */
const WALL_START = Date.UTC(2026, 0, 5, 8)
const INTERLEAVE_SHARE = 0.25
const MONO_START_MAX = 1e7

export function addNode(ground: Ground, wire: Wire, { name, boot }: Pick<Node, 'name' | 'boot'>): void {
  assert(!ground.nodes.has(name), `two nodes named ${name}`)
  const life = createLife(name, 1)
  const node: Node = { name, boot, life, runtime: createRuntime(ground, wire, life), skewMs: 0, restarting: null }
  ground.nodes.set(name, node)
  scheduleBoot(ground, node)
}

/** The process is gone with all it was waiting for; what it has put on the wire stays there. */
export function crash(ground: Ground, wire: Wire, { node, restartAfterMs }: { node: Node; restartAfterMs: number | null }): void {
  const { life } = node
  if (life.dead) return
  note(ground, { node: node.name, kind: 'crash', detail: String(restartAfterMs) })
  life.dead = true
  for (const undo of life.cleanups) undo()
  for (const listener of ground.crashListeners) listener(node.name)
  if (restartAfterMs === null) return
  const run = (): void => restart(ground, wire, node)
  node.restarting = ground.scheduler.push({ afterMs: restartAfterMs, life: null, kind: 'restart', run })
}

export function restart(ground: Ground, wire: Wire, node: Node): void {
  if (node.restarting !== null) ground.scheduler.cancel(node.restarting)
  node.restarting = null
  if (!node.life.dead) return
  node.life = createLife(node.name, node.life.epoch + 1)
  node.runtime = createRuntime(ground, wire, node.life)
  note(ground, { node: node.name, kind: 'up', detail: String(node.life.epoch) })
  scheduleBoot(ground, node)
}

export function pause(ground: Ground, node: Node, ms: number): void {
  note(ground, { node: node.name, kind: 'pause', detail: String(ms) })
  node.life.pausedUntil = Math.max(node.life.pausedUntil, ground.scheduler.now() + ms)
}

function createLife(node: string, epoch: number): Life {
  return { node, epoch, dead: false, pausedUntil: 0, cleanups: [] }
}

function scheduleBoot(ground: Ground, { boot, life, runtime }: Node): void {
  if (boot === null) return
  const failed = (error: unknown): void => {
    if (!life.dead) fail(ground, error)
  }
  const run = (): void => void Promise.resolve(boot(runtime)).catch(failed)
  ground.scheduler.push({ afterMs: 0, life, kind: 'boot', run })
}

function createRuntime(ground: Ground, wire: Wire, life: Life): Runtime {
  const { options, scheduler } = ground
  const data = createRandomStream(options.seed, `data:${life.node}:${life.epoch}`)
  const skewMs = (): number => ground.nodes.get(life.node)?.skewMs ?? 0
  return createSimulatedRuntime(
    {
      scheduler,
      wire,
      hash: options.hash,
      wallNow: () => Math.floor((options.wallStart ?? WALL_START) + scheduler.now() + skewMs()),
      monoStart: Math.floor(data.next() * MONO_START_MAX),
      data,
      yieldPoint: (label) => yieldPoint({ ground, wire, life }, label),
      sometimes: (label) => void ground.situations.set(label, (ground.situations.get(label) ?? 0) + 1),
    },
    life,
  )
}

interface Place {
  readonly ground: Ground
  readonly wire: Wire
  readonly life: Life
}

/** Here a fault may act: the process dies, or stops for a while with the rest of the world going on. */
function yieldPoint({ ground, wire, life }: Place, label: YieldLabel): Promise<void> | undefined {
  const { counters, scheduler } = ground
  counters.yieldPoints += 1
  counters.yieldPointsByLabel.set(label, (counters.yieldPointsByLabel.get(label) ?? 0) + 1)
  const node = ground.nodes.get(life.node)
  assert(node !== undefined, `no node ${life.node}`)
  const interleave = ground.random('scheduling:interleave').next() < (ground.options.interleaveShare ?? INTERLEAVE_SHARE)
  const fault = ground.faults.atPoint(counters.yieldPoints, label)
  if (fault?.kind === 'crash') {
    crash(ground, wire, { node, restartAfterMs: fault.restartAfterMs })
    return never()
  }
  if (fault?.kind === 'pause') pause(ground, node, fault.ms)
  if (fault === null && !interleave) return undefined
  return new Promise((resolve) => {
    scheduler.push({ afterMs: 0, life, kind: label, run: resolve })
  })
}
