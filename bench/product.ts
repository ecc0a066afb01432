/**
 * The hub, composed for the reference job: real runtime, SQLite store, engine, the two processes, and the stub as its
 * ERP and QMS. Nothing is switched off: raw input, journal, decision records, goals, commands and read-back.
 */
import { join } from 'node:path'
import { openEngine } from '../src/engine/engine.ts'
import { DEFAULT_SETTINGS } from '../src/engine/settings.ts'
import { postEvents } from '../src/http/system/events.ts'
import { inspectionGate } from '../src/process/inspection-gate.ts'
import { lot } from '../src/process/lot.ts'
import type { Process } from '../src/process/process.ts'
import { openRealRuntime } from '../src/runtime/real.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import { createBenchErp, createBenchQms } from './bench-connector.ts'
import { answerBench, tellBench } from './ipc.ts'
import { type Counters, type Mode, settingsFromArguments } from './under-test.ts'
import { ERP, QMS, SITE } from './workload.ts'

const PARTITIONS = 4
/** A request of 100 receipts is 90 kB. */
const BODY_BYTES_MAX = 4_000_000
const READ_LINGER_MS: Readonly<Record<Mode, number>> = { batched: 5, single: 50 }
const GOAL_PAGE = 200

const { mode, port, targetUrl, directory } = settingsFromArguments()
const say = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
  process.stderr.write(`product: ${message} ${JSON.stringify(fields ?? {})}\n`)
}
const runtime = openRealRuntime({ onHandlerError: (error) => say('a request failed', { error: String(error) }) })
const wallAtStart = runtime.clock.wallNow()
const monoAtStart = runtime.clock.monoNow()
const store = openSqliteStore({
  path: join(directory, 'holdpoint.db'),
  installation: 'bench',
  partitions: PARTITIONS,
  now: () => Math.floor(wallAtStart + runtime.clock.monoNow() - monoAtStart),
  schedule: (run) => setImmediate(run),
  onFailed: (detail) => {
    say(detail)
    process.exit(1)
  },
})
const target = { url: targetUrl, mode }
const deps = { net: runtime.net, clock: runtime.clock }
const engine = await openEngine({
  runtime,
  store,
  worker: runtime.ids.uuid(),
  connectors: new Map([
    [ERP, createBenchErp(deps, target)],
    [QMS, createBenchQms(deps, target)],
  ]),
  processes: new Map<string, Process>([
    [inspectionGate.name, inspectionGate as Process],
    [lot.name, lot as Process],
  ]),
  policies: { sites: { [SITE]: { erp: ERP, qms: QMS } } },
  settings: { ...DEFAULT_SETTINGS, readLingerMs: READ_LINGER_MS[mode] },
  log: { info: () => undefined, warn: say },
})
const listener = await runtime.net.listen({ host: '127.0.0.1', port, bodyBytesMax: BODY_BYTES_MAX }, (request) =>
  postEvents((input) => engine.accept(input), request),
)

/** Goals that are neither met nor settled otherwise. Goals at rest may stay active rows, so only `open` ones count. */
async function openGoals(): Promise<number> {
  let open = 0
  let after = ''
  for (;;) {
    const rows = await store.scanRows({ table: 'goal', activeOnly: true, after, limit: GOAL_PAGE })
    open += rows.filter((row) => (JSON.parse(row.body) as { readonly state?: unknown }).state === 'open').length
    const last = rows.at(-1)
    if (last === undefined || rows.length < GOAL_PAGE) return open
    after = last.id
  }
}

answerBench({
  async counters(): Promise<Counters> {
    const { rows, transactions } = store.statistics()
    return { rows, commits: transactions, open: engine.idle() ? await openGoals() : 1 }
  },
  async close() {
    await listener.close()
    await engine.close()
    await store.close()
    await runtime.close()
  },
})
tellBench('ready', null)
