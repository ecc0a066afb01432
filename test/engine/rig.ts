import type { EngineDeps } from '../../src/engine/deps.ts'
import { createEntryCache } from '../../src/engine/deps.ts'
import { type Engine, openEngine } from '../../src/engine/engine.ts'
import { type Entry, parseEntry } from '../../src/engine/entries.ts'
import { type AdjustableClock, createHubClock } from '../../src/engine/hub-clock.ts'
import { createIntake, type Intake } from '../../src/engine/intake.ts'
import { createRoutes } from '../../src/engine/routes.ts'
import { DEFAULT_SETTINGS, type EngineSettings } from '../../src/engine/settings.ts'
import type { Process } from '../../src/process/process.ts'
import { createMemoryStore, type MemoryStore } from '../../src/store/memory/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { createHandRuntime, type HandRuntime, START_MS } from './hand-runtime.ts'
import { createListener, createScript, movement, type Scripted } from './scripted.ts'
import { createToySystem, type ToyItem, type ToySystem } from './toy-system.ts'

/** Everything an engine is given: a hand-moved runtime, the memory store, a script and two toy systems. */
export interface Rig {
  readonly runtime: HandRuntime
  readonly store: MemoryStore
  readonly script: Scripted
  readonly listener: Scripted
  readonly erp: ToySystem
  readonly qms: ToySystem
  readonly deps: EngineDeps
  /** What the engine has logged: `level message`. */
  readonly logged: readonly string[]
}

export interface RigOptions {
  readonly partitions?: number
  readonly settings?: Partial<EngineSettings>
  /** A store with a bad connection to it, or one that looks on. */
  readonly through?: (store: Store) => Store
  readonly store?: MemoryStore
  readonly runtime?: HandRuntime
  readonly worker?: string
  readonly qms?: ToySystem
}

export function createRig(options: RigOptions = {}): Rig {
  const runtime = options.runtime ?? createHandRuntime()
  const store = options.store ?? createStore(runtime, options.partitions ?? 1)
  const script = createScript()
  const listener = createListener()
  const erp = createToySystem('erp-1')
  const qms = options.qms ?? createToySystem('qms-1')
  const logged: string[] = []
  const deps: EngineDeps = {
    runtime,
    store: options.through?.(store) ?? store,
    worker: options.worker ?? 'worker-a',
    connectors: new Map([erp, qms].map((system) => [system.spec.instance, system])),
    processes: new Map<string, Process>([script as Process, listener as Process].map((process) => [process.name, process])),
    policies: { sites: { P1: {} } },
    settings: { ...DEFAULT_SETTINGS, checkpointMs: 500, ...options.settings },
    log: { info: (message) => void logged.push(`info ${message}`), warn: (message) => void logged.push(`warn ${message}`) },
  }
  return { runtime, store, script, listener, erp, qms, deps, logged }
}

/** Commits at once; its clock is the hand-moved one. */
export function createStore(runtime: HandRuntime, partitions: number): MemoryStore {
  const schedule = (run: () => void): void => void Promise.resolve().then(run)
  return createMemoryStore({ installation: 'test', partitions, now: () => START_MS + runtime.now(), schedule })
}

export async function openClock(rig: Rig): Promise<AdjustableClock> {
  const clock = createHubClock(rig.runtime)
  await clock.adjust(() => rig.store.databaseNow())
  return clock
}

export async function openIntake(rig: Rig): Promise<Intake> {
  const { deps, store } = rig
  const routes = createRoutes(deps.processes.values(), store.meta.partitions)
  return createIntake(deps, { clock: await openClock(rig), cache: createEntryCache(100), routes })
}

/** A request of the toy ERP with these items. */
export function request(...items: readonly ToyItem[]) {
  const bytes = new TextEncoder().encode(JSON.stringify(items))
  return { bytes, items: items.map((item) => ({ instance: 'erp-1', item })) }
}

export async function journalOf(store: Store, partition = 0): Promise<Entry[]> {
  return (await store.readJournal(partition, 1, 10_000)).map(({ body }) => parseEntry(body))
}

/** What the instance has seen, as its row says after a checkpoint. */
export async function seenBy(store: Store, process: string, lot: string): Promise<readonly string[]> {
  const id = `${process}\u001f${lot}`
  const row = (await store.readRows('state', [id])).get(id)
  return row === undefined ? [] : (JSON.parse(row.body) as { state: { seen: string[] } }).state.seen
}

export interface Told extends Rig {
  readonly engine: Engine
  /** Movements `[lot, script]` in one request, numbered D1, D2, … over the test; resolves when the hub is at rest. */
  readonly tell: (...lines: readonly (readonly [lot: string, script: string])[]) => Promise<void>
}

/** A rig whose engine runs. */
export async function openTold(options?: RigOptions): Promise<Told> {
  const rig = createRig(options)
  const engine = await openEngine(rig.deps)
  let documents = 0
  return {
    ...rig,
    engine,
    tell: async (...lines) => {
      await engine.accept(request(...lines.map(([lot, script]) => ({ data: movement(`D${++documents}`, lot, script) }))))
      await rig.runtime.rest()
    },
  }
}
