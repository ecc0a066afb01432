import type { Connector } from '../../src/connectors/connector.ts'
import { createCountingErpConnector } from '../../src/connectors/counting-erp/counting-erp.ts'
import { createCountingQmsConnector } from '../../src/connectors/counting-qms/counting-qms.ts'
import type { JsonDeps } from '../../src/connectors/kit/json/json-call.ts'
import { type Engine, openEngine } from '../../src/engine/engine.ts'
import { DEFAULT_SETTINGS, type EngineSettings } from '../../src/engine/settings.ts'
import { postEvents } from '../../src/http/system/events.ts'
import { inspectionGate } from '../../src/process/inspection-gate.ts'
import { lot } from '../../src/process/lot.ts'
import type { Process } from '../../src/process/process.ts'
import type { PortShape, World } from '../../src/runtime/world.ts'
import type { HttpRequest, HttpResponse, Runtime } from '../../src/runtime.ts'
import { type CommitFaults, withCommitFaults } from '../../src/store/memory/faults.ts'
import type { Store } from '../../src/store/store.ts'
import type { Aim } from './aim.ts'
import { BLIND_MS, withBlindReads } from './blind-reads.ts'
import { withinLimits } from './call-limits.ts'
import { createDeskConnector } from './desk.ts'
import { withNonsenseAnswers, withNonsenseOutcomes } from './nonsense-answers.ts'
import { type Probes, type Watch, watchConnector, watchStore } from './probes.ts'
import { noteAcknowledgement } from './protocol.ts'
import { type Shape, TIMES } from './shape.ts'
import { withShortAnswers } from './short-answers.ts'

export const STORE_PORT: PortShape = {
  name: 'store',
  async: [
    'acquire',
    'renew',
    'release',
    'leases',
    'commit',
    'readIdentities',
    'readInbox',
    'readJournal',
    'readEntries',
    'readRows',
    'scanRows',
    'readRaw',
    'databaseNow',
  ],
  subscribe: ['onDeliveries', 'onRelease'],
}

export const WORKERS = ['worker-a', 'worker-b'] as const

export const POLICIES = {
  sites: { P1: { erp: 'erp-1', qms: 'qms-1', timeZone: 'Europe/Berlin' } },
  referencePrefix: 'HP',
} as const

export interface Hub {
  /** Engines that are up now, by node. */
  readonly engines: ReadonlyMap<string, Engine>
  /** The store every worker boots with from now on. */
  useStore(store: Store): void
}

export function settingsOf(index: number): EngineSettings {
  return {
    ...DEFAULT_SETTINGS,
    leaseMs: TIMES.leaseMs,
    share: { index, of: WORKERS.length },
    sendDeadlineMs: TIMES.sendDeadlineMs,
    premiseAgeMsMax: TIMES.premiseAgeMsMax,
    sweepIntervalMs: TIMES.sweepIntervalMs,
    retryBaseMs: TIMES.retryBaseMs,
    retryCapMs: TIMES.retryCapMs,
    checkpointMs: TIMES.checkpointMs,
    // Small, so that holds are looked for behind a backlog.
    inboxAheadMax: 16,
  }
}

export interface HubParts {
  readonly world: World
  readonly shape: Shape
  readonly probes: Probes
  readonly commitFaults: CommitFaults
  readonly aim: Aim
  readonly effectsOf: Watch['effectsOf']
}

/** Two workers on one store, each serving `POST /v1/events` under its own name on the simulated wire. */
export function createHub(parts: HubParts, urls: { readonly erp: () => string; readonly qms: () => string }): Hub {
  const { world, shape, probes } = parts
  const engines = new Map<string, Engine>()
  let store: Store | null = null
  let lives = 0
  const watch = { probes, now: () => world.now(), aim: parts.aim, effectsOf: parts.effectsOf }

  async function boot(runtime: Runtime, node: string, index: number): Promise<void> {
    if (store === null) return
    lives += 1
    const bound = world.bindPort(node, withCommitFaults(watchStore(store, watch), parts.commitFaults), STORE_PORT)
    const connectors = new Map<string, Connector>()
    const random = world.random('short answers')
    const calm = (): boolean => !shape.shortAnswers || world.now() >= shape.healAtMs
    const times = { now: () => world.now(), untilMs: shape.healAtMs + BLIND_MS }
    const seen = shape.blindReads === null ? runtime.net : withBlindReads(runtime.net, shape.blindReads, times)
    const sane = (): boolean => !shape.nonsense || world.now() >= shape.healAtMs
    const net = withNonsenseAnswers(withShortAnswers(seen, random, calm), world.random('nonsense'), sane)
    const port = { net, clock: runtime.clock }
    const wit = world.random('nonsense outcomes')
    const speaking = (connector: Connector): Connector => withNonsenseOutcomes(connector, wit, sane)
    const limits = { now: () => world.now(), breach: (what: string): void => void probes.crowds.push(what) }
    for (const connector of connectorsOf(port, shape, urls))
      connectors.set(connector.spec.instance, withinLimits(speaking(watchConnector(connector, node, watch)), limits))
    const engine = await openEngine({
      runtime,
      store: bound,
      worker: `${node}#${lives}`,
      connectors,
      processes: new Map<string, Process>([
        [inspectionGate.name, inspectionGate as Process],
        [lot.name, lot as Process],
      ]),
      policies: POLICIES,
      settings: settingsOf(index),
      log: {
        info: () => undefined,
        warn: (message, fields = {}) => {
          world.note('warn', `${node} ${message} ${JSON.stringify(fields)}`)
          if (message === 'partition stopped') probes.stops.push(String(fields['reason']))
        },
      },
    })
    engines.set(node, engine)
    await runtime.net.listen({ host: node, port: 80, bodyBytesMax: 1_000_000 }, (request) => serve(engine, request))
  }

  async function serve(engine: Engine, request: HttpRequest): Promise<HttpResponse> {
    const response = await postEvents((given) => engine.accept(given), request)
    if (response.status < 300) noteAcknowledged(request, probes, world.now())
    return response
  }

  WORKERS.forEach((node, index) => {
    world.addNode(node, (runtime) => boot(runtime, node, index))
  })
  world.onCrash((node) => engines.delete(node))
  return {
    engines,
    useStore: (next) => {
      store = next
    },
  }
}

function noteAcknowledged(request: HttpRequest, probes: Probes, atMs: number): void {
  const body = JSON.parse(new TextDecoder().decode(request.body ?? new Uint8Array())) as unknown
  for (const event of (Array.isArray(body) ? body : [body]) as { source: string; id: string }[]) {
    probes.acknowledged.push({ atMs, source: event.source, id: event.id })
    noteAcknowledgement(probes.protocol, event.id, atMs)
  }
}

function connectorsOf(deps: JsonDeps, shape: Shape, urls: { readonly erp: () => string; readonly qms: () => string }): Connector[] {
  const limits = { site: 'P1', callTimeoutMs: TIMES.callTimeoutMs, ...shape.callLimits }
  const resource = { lagMs: shape.lagMs, quiesceMs: TIMES.quiesceMs, keyWindowMs: TIMES.keyWindowMs, holdsMayPass: shape.holdsMayPass }
  return [
    createCountingErpConnector(deps, {
      ...limits,
      instance: 'erp-1',
      url: urls.erp(),
      inventory: { ...resource, idempotency: shape.erpClass, evidence: shape.evidence, rungMax: shape.rungs ? 1 : 0 },
    }),
    createCountingQmsConnector(deps, {
      ...limits,
      instance: 'qms-1',
      url: urls.qms(),
      inspection: { ...resource, idempotency: shape.qmsClass, evidence: shape.evidence, rungMax: 0 },
      inspectionStatus: { ...resource, idempotency: 'natural', evidence: 'readBack', rungMax: 0 },
    }),
    createDeskConnector('desk-1'),
  ]
}
