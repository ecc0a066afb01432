/**
 * One hub in one process: real runtime, store file, engine with the processes, connectors, and the routes. Everything
 * that runs the product for real is put together here, so that tests of the whole prove what is shipped.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createCountingErpConnector } from '../connectors/counting-erp/counting-erp.ts'
import type { CountingErpSettings } from '../connectors/counting-erp/spec.ts'
import { createCountingQmsConnector } from '../connectors/counting-qms/counting-qms.ts'
import type { CountingQmsSettings } from '../connectors/counting-qms/spec.ts'
import type { Log } from '../engine/deps.ts'
import { type Engine, openEngine } from '../engine/engine.ts'
import { DEFAULT_SETTINGS, type EngineSettings } from '../engine/settings.ts'
import { inspectionGate } from '../process/inspection-gate.ts'
import { lot } from '../process/lot.ts'
import type { Process } from '../process/process.ts'
import { openRealRuntime, type RealRuntime } from '../runtime/real.ts'
import { openSqliteStore, type SqliteStore } from '../store/sqlite/sqlite-store.ts'
import { answer } from './routes.ts'

/** Plain data, so that it can be handed to another process as JSON. */
export interface HubConfig {
  /** Made if it is not there; holds the store's files and nothing else. */
  readonly directory: string
  /** 0: any free port of 127.0.0.1. */
  readonly port: number
  readonly erp: CountingErpSettings
  readonly qms: CountingQmsSettings
  readonly settings?: Partial<EngineSettings>
  /** The store's file is a backup that was put back: for one start, see docs/runbooks/store.olderCopy.md. */
  readonly restored?: boolean
}

export interface HubDeps {
  readonly log: Log
  /** The disk failed under the store: nothing passes any more. The process must end; nothing acknowledged is lost. */
  readonly onFailed: (detail: string) => void
}

export interface Hub {
  readonly url: string
  readonly engine: Engine
  readonly store: SqliteStore
  /** Takes nothing new, records the outcome of what is in flight, hands the partitions over. Safe to repeat. */
  close(): Promise<void>
}

const PARTITIONS = 4
const BODY_BYTES_MAX = 4_000_000

/** Resolves when the hub takes events. Rejects with everything closed again; with StoreRefused when the file must not be used. */
export async function openHub(deps: HubDeps, config: HubConfig): Promise<Hub> {
  const runtime = openRealRuntime({ onHandlerError: (error) => deps.log.warn('a request failed', { error: String(error) }) })
  const closers = [() => runtime.close()]
  let closed: Promise<void> | null = null
  const close = (): Promise<void> => {
    closed ??= closeAll(closers)
    return closed
  }
  try {
    const store = openStore(deps, runtime, config)
    closers.push(() => store.close())
    const engine = await openEngine({
      runtime,
      store,
      worker: runtime.ids.uuid(),
      connectors: connectorsOf(runtime, config),
      processes: new Map<string, Process>([
        [inspectionGate.name, inspectionGate as Process],
        [lot.name, lot as Process],
      ]),
      policies: { sites: { [config.erp.site]: { erp: config.erp.instance, qms: config.qms.instance } } },
      settings: { ...DEFAULT_SETTINGS, ...config.settings },
      log: deps.log,
    })
    closers.push(() => engine.close())
    const listener = await runtime.net.listen({ host: '127.0.0.1', port: config.port, bodyBytesMax: BODY_BYTES_MAX }, (request) =>
      answer({ engine, store }, request),
    )
    closers.push(() => listener.close())
    return { url: listener.url, engine, store, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Last opened, first closed: nothing new comes in, then work ends, then the file is put away. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const end of [...closers].reverse()) await end()
}

/**
 * The store's clock is wall time at the start, carried on by the monotonic clock: setting the machine's clock while the
 * hub runs never moves a lease, and setting it back before a start does not take the store's time back.
 */
function openStore(deps: HubDeps, runtime: RealRuntime, config: HubConfig): SqliteStore {
  const { clock, ids } = runtime
  const offset = clock.wallNow() - clock.monoNow()
  mkdirSync(config.directory, { recursive: true })
  return openSqliteStore({
    path: join(config.directory, 'holdpoint.db'),
    installation: ids.uuid(),
    partitions: PARTITIONS,
    now: () => Math.floor(offset + clock.monoNow()),
    schedule: (run) => setImmediate(run),
    ...(config.restored === undefined ? {} : { restored: config.restored }),
    warn: deps.log.warn,
    onFailed: deps.onFailed,
  })
}

function connectorsOf(runtime: RealRuntime, { erp, qms }: HubConfig) {
  const deps = { net: runtime.net, clock: runtime.clock }
  return new Map([
    [erp.instance, createCountingErpConnector(deps, erp)],
    [qms.instance, createCountingQmsConnector(deps, qms)],
  ])
}
