import { hash } from 'node:crypto'
import { createCountingErp } from '../../src/plant/counting-erp/counting-erp.ts'
import { createCountingQms } from '../../src/plant/counting-qms/counting-qms.ts'
import type { Disturbances } from '../../src/plant/disturbances.ts'
import { createNotices, type PushSettings } from '../../src/plant/notices.ts'
import type { FaultPlan } from '../../src/runtime/faults.ts'
import { createWorld } from '../../src/runtime/simulated.ts'
import type { World } from '../../src/runtime/world.ts'
import type { Runtime } from '../../src/runtime.ts'
import type { CommitFaults } from '../../src/store/memory/faults.ts'
import { createMemoryStore, type MemoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { createAim } from './aim.ts'
import { BLIND_MS, drawBlindReads } from './blind-reads.ts'
import { drawCallLimits } from './call-limits.ts'
import { checkWaiting } from './check-waiting.ts'
import { checkEnd, checkNow, checkUndecided } from './checkers.ts'
import { createHub, WORKERS } from './hub.ts'
import type { Plant } from './plant.ts'
import { createProbes } from './probes.ts'
import { DATABASE_STARTS_MS } from './protocol.ts'
import type { Run } from './run.ts'
import { drawClockSet, drawShape, type Shape, TIMES } from './shape.ts'
import { drawSharedBatch } from './shared-batch.ts'
import { openSimulatedSqlite } from './sqlite.ts'
import type { Violation } from './violation.ts'
import { startWorkload } from './workload.ts'

export interface SeedOptions {
  readonly seed: number
  readonly onTrace?: (line: string) => void
  /** Overrides of the drawn shape: for stories and exhaustive runs. */
  readonly shape?: Partial<Shape>
  readonly plan?: FaultPlan
  /** What people do; drawn from the seed unless given. */
  readonly workload?: typeof startWorkload
  readonly limits?: SeedLimits
  /** For a look at everything afterwards. */
  readonly onRun?: (run: Run) => void
}

/** Deliberate bugs are given less: what has not come right by then counts only where it does so without the bug. */
export interface SeedLimits {
  readonly convergeMsMax?: number
  readonly stepsMax?: number
}

export interface SeedResult {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly situations: ReadonlyMap<string, number>
  readonly traceHash: string
  readonly steps: number
  readonly yieldPoints: number
  readonly requests: number
  readonly virtualMs: number
  readonly shape: Shape
}

/** After faults have ended, everything must have come right within this virtual time. */
const CONVERGE_MS_MAX = 900_000
const STEPS_MAX = 3_000_000
const SLOW_CONNECTS = { connectShare: 0.6, connectMsMedian: 150 }
const LOOK_MS = 1_000
/** A machine takes longer to come back than a call to a target lasts. */
const MACHINE_DOWN_MS_MIN = TIMES.callTimeoutMs + 100
const MACHINE_DOWN_MS_MORE = 500
/** So long after calm, what nobody has decided must not be usable. */
const CALM_MS = 45_000

export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const drawn = createWorld({ seed: options.seed, hash: sha256 })
  const features = drawShape(drawn.random('shape'))
  const clockSet = drawClockSet(drawn.random('clock'), features.healAtMs)
  const blindReads = drawBlindReads(drawn.random('blind reads'), features.healAtMs)
  const sharedBatch = drawSharedBatch(drawn.random('shared batch'))
  const callLimits = drawCallLimits(drawn.random('call limits'))
  const shape: Shape = { ...features, clockSet, blindReads, sharedBatch, callLimits, ...options.shape }
  const world = createWorld({
    seed: options.seed,
    hash: sha256,
    plan: options.plan ?? { random: shape.network },
    stepsMax: options.limits?.stepsMax ?? STEPS_MAX,
    ...(shape.slowConnects ? { network: SLOW_CONNECTS } : {}),
    ...(options.onTrace === undefined ? {} : { onTrace: options.onTrace }),
  })
  const violations: Violation[] = []
  let run: Run | null = null
  try {
    run = await openRun(world, shape, options.workload ?? startWorkload)
    options.onRun?.(run)
    await drive(run, violations, options.limits?.convergeMsMax ?? CONVERGE_MS_MAX)
  } catch (reason) {
    violations.push({ invariant: 'run', message: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason) })
  }
  return {
    seed: options.seed,
    violations,
    situations: world.situations,
    traceHash: world.traceHash(),
    steps: world.counters.steps,
    yieldPoints: world.counters.yieldPoints,
    requests: world.counters.requests,
    virtualMs: world.now(),
    shape,
  }
}

export function sha256(text: string): string {
  return hash('sha256', text, 'hex')
}

function createSystems(runtimes: { readonly erp: Runtime; readonly qms: Runtime }, shape: Shape): Pick<Plant, 'erp' | 'qms'> {
  const push = pushOf(shape)
  const erp = createCountingErp(
    { runtime: runtimes.erp },
    {
      instance: 'erp-1',
      host: 'erp',
      port: 80,
      write: {
        class: shape.erpClass,
        commit: shape.evidence === 'answer' || !shape.rollbacks ? 'beforeReply' : 'afterReply',
        keyWindowMs: TIMES.keyWindowMs,
      },
      materials: { BAD: { lands: 'UNR' }, NOLOT: { batchManaged: false } },
      disturbances: disturbancesOf(shape),
      push,
    },
  )
  const qms = createCountingQms(
    { runtime: runtimes.qms },
    {
      instance: 'qms-1',
      host: 'qms',
      port: 80,
      create: { class: shape.qmsClass, keyWindowMs: TIMES.keyWindowMs },
      disturbances: { ...disturbancesOf(shape), rollbackShare: 0 },
      push,
    },
  )
  return { erp, qms }
}

async function openRun(world: World, shape: Shape, workload: typeof startWorkload): Promise<Run> {
  const probes = createProbes()
  const aim = createAim(world, shape)
  for (const node of ['erp', 'qms', 'desk']) world.addNode(node)
  const erpRuntime = world.runtimeFor('erp')
  const qmsRuntime = world.runtimeFor('qms')
  const push = pushOf(shape)
  const { erp, qms } = createSystems({ erp: erpRuntime, qms: qmsRuntime }, shape)
  const deskRuntime = world.runtimeFor('desk')
  const desk = createNotices(
    { runtime: deskRuntime },
    { instance: 'desk-1', push: { ...push, batchMax: 1, ...(shape.aimedHolds ? { delayMsMax: 0 } : {}) } },
  )
  const urls = { erp: 'http://erp:80', qms: 'http://qms:80' }
  const stores = openStores(world, shape)
  const hub = createHub(
    {
      world,
      shape,
      probes,
      aim,
      effectsOf: (instance, reference) => (instance === 'erp-1' ? erp : qms).books.effectsOf(reference),
      commitFaults: commitFaultsOf(world, shape),
    },
    { erp: () => urls.erp, qms: () => urls.qms },
  )
  hub.useStore(stores.current())
  for (const node of WORKERS) {
    world.crash(node, null)
    world.restart(node)
    if (shape.clockSkewMs !== 0 && node === 'worker-b') world.skewClock(node, shape.clockSkewMs)
  }
  urls.erp = await started(world, erp.start())
  urls.qms = await started(world, qms.start())
  desk.open()
  const plant: Plant = { erp, qms, desk }
  switchReceivers(world, plant)
  const plantClock = { erp: world.now() - erpRuntime.clock.monoNow(), qms: world.now() - qmsRuntime.clock.monoNow() }
  const run: Run = {
    world,
    shape,
    plant,
    hub,
    probes,
    workload: workload(world, plant, shape),
    store: stores.current,
    plantClock,
    restoredAtMs: null,
  }
  aim.useDesk(run.workload)
  if (shape.restoreAtMs !== null) planRestore(run, stores)
  if (shape.clockSet !== null) planClockSet(run, stores, shape.clockSet)
  if (shape.powerLoss) world.schedule(null, shape.healAtMs * 0.5, () => stores.powerLoss())
  return run
}

/** Nothing runs outside the world's steps: drive it until the server is up. */
async function started(world: World, start: Promise<string>): Promise<string> {
  let url: string | null = null
  void start.then((known) => {
    url = known
  })
  await world.runUntil(() => url !== null, { untilMs: world.now() + 10_000 })
  if (url === null) throw new Error('a simulated system did not start')
  return url
}

function pushOf(shape: Shape): Partial<PushSettings> {
  return {
    url: 'http://worker-a:80/v1/events',
    batchMax: shape.pushBatchMax,
    delayMsMax: shape.pushDelayMsMax,
    duplicateShare: shape.pushDuplicateShare,
    duplicateDelayMsMax: 8_000,
    timeoutMs: 2_000,
    retryMs: 300,
    retryMsMax: 3_000,
  }
}

function disturbancesOf(shape: Shape): Partial<Disturbances> {
  return {
    rateLimitedShare: shape.errorShare / 2,
    errorBeforeCommitShare: shape.errorShare,
    errorMidBatchShare: shape.errorShare / 2,
    errorAfterCommitShare: shape.errorShare,
    slowShare: shape.slowMsMax > 0 ? 0.15 : 0,
    slowMsMax: shape.slowMsMax,
    rollbackShare: shape.rollbacks && shape.evidence === 'readBack' ? 0.1 : 0,
    // Together they are the lag: what an answer promised may be done later, and be shown later still.
    updateMsMax: shape.evidence === 'readBack' ? shape.lagMs / 2 : 0,
    readErrorShare: shape.errorShare,
    readLagMsMax: shape.evidence === 'readBack' ? shape.lagMs / 2 : shape.lagMs,
    sweepTornShare: 0.3,
    sweepTornMsMax: 3_000,
  }
}

/** Sources talk to whichever worker they know; now and then they are told of the other. */
function switchReceivers(world: World, plant: Plant): void {
  let turn = 0
  const next = (): void => {
    turn += 1
    const url = `http://${WORKERS[turn % WORKERS.length]}:80/v1/events`
    for (const notices of [plant.erp.notices, plant.qms.notices, plant.desk]) notices.setPush({ url })
    world.schedule(null, 3_000, next)
  }
  next()
}

/** A bad connection to the store: commits that never arrive, and commits whose answer is lost although they are durable. */
function commitFaultsOf(world: World, shape: Shape): CommitFaults {
  const random = world.random('store')
  return {
    next: () => {
      if (!shape.commitFaults || world.now() >= shape.healAtMs) return 'none'
      const draw = random.next()
      return draw < 0.01 ? 'answerLost' : draw < 0.015 ? 'failed' : 'none'
    },
    slowly: (run) => void world.schedule(null, 1, run),
  }
}

interface Stores {
  readonly current: () => Store
  readonly powerLoss: () => void
  /** A copy of everything durable now, and a way to go on from it. */
  readonly image: () => () => void
  /** The machine starts anew, with its clock set: everything durable stays. */
  readonly startAnew: (clockByMs: number) => void
}

function openStores(world: World, shape: Shape): Stores {
  let clockMs = DATABASE_STARTS_MS
  const now = (): number => clockMs + Math.floor(world.now())
  const random = world.random('store')
  const schedule = (run: () => void): void =>
    void world.schedule(null, 0.2 + random.next() * (shape.commitFaults && random.next() < 0.03 ? 3_000 : 3), run)
  const options = { installation: 'simulated', partitions: shape.partitions, now, schedule }
  if (shape.store === 'sqlite') {
    let store = openSimulatedSqlite(options)
    return {
      current: () => store,
      powerLoss: () => undefined,
      image: () => () => undefined,
      startAnew: (clockByMs) => {
        clockMs += clockByMs
        const ended = store
        store = openSimulatedSqlite({ ...options, image: ended.image() })
        void ended.close()
      },
    }
  }
  let store: MemoryStore = createMemoryStore(options)
  return {
    current: () => store,
    powerLoss: () => store.powerLoss({ inFlightSurvives: random.next() < 0.5 }),
    image: () => {
      const image = store.image()
      return () => {
        store.powerLoss()
        store = createMemoryStore({ ...options, image })
      }
    },
    startAnew: (clockByMs) => {
      clockMs += clockByMs
      // What was being written when the machine went down is on the disk or not; nobody is told later.
      store.powerLoss({ inFlightSurvives: random.next() < 0.5 })
      const { meta, state } = store.image()
      // No restore: the incarnation stays.
      store = createMemoryStore({ ...options, image: { meta: { ...meta, incarnation: meta.incarnation - 1 }, state } })
    },
  }
}

/** The store is lost and an older copy takes its place: workers start anew on it. */
function planRestore(run: Run, stores: Stores): void {
  const { world, shape } = run
  const at = shape.restoreAtMs as number
  const age = 2_000 + world.random('store').next() * 12_000
  let restore: (() => void) | null = null
  world.schedule(null, Math.max(0, at - age), () => {
    restore = stores.image()
  })
  world.schedule(null, at, () => {
    restart(run, stores, () => restore?.())
    run.restoredAtMs = world.now()
    run.probes.epochs = new Map()
    run.probes.protocol.settledMs.clear()
    world.note('restore', `from a copy ${Math.round(age)} ms old`)
  })
}

/** The machine under the hub goes down and comes back with another clock. */
function planClockSet(run: Run, stores: Stores, { atMs, byMs }: NonNullable<Shape['clockSet']>): void {
  const { world } = run
  const downMs = MACHINE_DOWN_MS_MIN + world.random('clock').next() * MACHINE_DOWN_MS_MORE
  world.schedule(null, atMs, () => {
    for (const node of WORKERS) world.crash(node, null)
  })
  world.schedule(null, atMs + downMs, () => {
    restart(run, stores, () => stores.startAnew(byMs))
    world.note('clock set', `by ${byMs} ms`)
    world.runtimeFor('desk').sometimes(byMs < 0 ? 'clock-set-back' : 'clock-set-forward')
  })
}

/** All workers end at once, something happens to the store, and they start on what it is now. */
function restart({ world, hub, probes }: Run, stores: Stores, happen: () => void): void {
  for (const node of WORKERS) world.crash(node, null)
  happen()
  const store = stores.current()
  hub.useStore(store)
  void store.databaseNow().then((now) => {
    probes.protocol.databaseStartsMs = Date.parse(now) - Math.floor(world.now())
  })
  for (const node of WORKERS) world.restart(node)
}

async function drive(run: Run, violations: Violation[], convergeMsMax: number): Promise<void> {
  const { world, shape, plant, workload } = run
  for (let look = LOOK_MS * 5; look < shape.healAtMs; look += LOOK_MS * 5) {
    await world.runUntil(look)
    violations.push(...checkNow(run))
    if (violations.length > 0) return
  }
  await world.runUntil(shape.healAtMs)
  world.heal()
  for (const system of [plant.erp, plant.qms]) {
    system.disturber.set({
      rateLimitedShare: 0,
      errorBeforeCommitShare: 0,
      errorMidBatchShare: 0,
      errorAfterCommitShare: 0,
      slowShare: 0,
      rollbackShare: 0,
      readErrorShare: 0,
    })
    if (!system.running()) void system.start()
  }
  for (const node of WORKERS) world.restart(node)
  if (shape.blindReads !== null) {
    await world.runUntil(shape.healAtMs + BLIND_MS)
    violations.push(...checkNow(run), ...(await checkWaiting(run)))
    if (violations.length > 0) return
  }
  if (shape.lateDecisions) {
    await world.runUntil(world.now() + CALM_MS)
    violations.push(...(await checkUndecided(run)))
    if (violations.length > 0) return
  }
  const deadline = world.now() + convergeMsMax
  let wrong: readonly Violation[] = []
  for (let waitMs = 4_000; world.now() < deadline; waitMs = Math.min(60_000, waitMs * 1.5)) {
    await world.runUntil(world.now() + waitMs)
    violations.push(...checkNow(run), ...(await checkWaiting(run)))
    if (violations.length > 0) return
    workload.finish()
    if (workload.undecided() > 0) continue
    wrong = await checkEnd(run)
    if (wrong.length === 0) return
  }
  violations.push(...wrong)
}
