import type { Runtime } from '../../runtime.ts'
import { pageChanges } from '../changes.ts'
import { createCounting } from '../counting.ts'
import { createDisturber, type Disturbances, type Disturber } from '../disturbances.ts'
import { createNotices, type Notices, type PushSettings } from '../notices.ts'
import { createWireServer, type Route } from '../server.ts'
import { type WriteItem, type WriteResource, type WriteSettings, writeItems } from '../write-items.ts'
import { createWriteProtection, type WriteClass } from '../write-protection.ts'
import { createQmsBooks, type QmsBooks } from './books.ts'
import { createQmsPeople, type QmsPeople } from './people.ts'
import { readKeys, sweepKeys } from './reads.ts'
import { createRecords } from './records.ts'
import { createCancels, createCreates } from './writes.ts'

export interface CountingQmsConfig {
  readonly instance: string
  readonly host?: string
  readonly port?: number
  readonly token?: string
  readonly bodyBytesMax?: number
  /** Default: class externalId, committed before the reply. */
  readonly create?: Partial<WriteSettings>
  /** Default: class natural, committed before the reply. */
  readonly cancel?: Partial<WriteSettings>
  readonly disturbances?: Partial<Disturbances>
  readonly push?: Partial<PushSettings>
}

/**
 * A QMS that counts. The object is the database and outlives its server: `stop` and `start` model an outage, and
 * nothing that was recorded is lost by them.
 */
export interface CountingQms {
  readonly instance: string
  /** Answers the base URL; the port stays the same over restarts. */
  start(): Promise<string>
  stop(): Promise<void>
  running(): boolean
  readonly people: QmsPeople
  readonly books: QmsBooks
  readonly disturber: Disturber
  readonly notices: Notices
  /** Calls without it are answered 401 from now on; null: everybody may. */
  setToken(token: string | null): void
}

const DAY_MS = 86_400_000
const REMEMBERED_MAX = 1_000_000

export function createCountingQms(deps: { readonly runtime: Runtime }, config: CountingQmsConfig): CountingQms {
  const { runtime } = deps
  const disturber = createDisturber(deps, config.disturbances ?? {})
  const notices = createNotices(deps, { instance: config.instance, push: config.push ?? {} })
  const counting = createCounting(deps)
  const records = createRecords({ runtime, notices })
  let intakeClosedUntilMs = Number.NEGATIVE_INFINITY
  const nextNumber = numbers('QI-')
  const people = createQmsPeople({
    runtime,
    records,
    nextNumber,
    nextDecision: numbers('UD-'),
    closeIntake: (ms) => {
      intakeClosedUntilMs = runtime.clock.monoNow() + ms
    },
  })
  const intakeClosed = (): boolean => runtime.clock.monoNow() < intakeClosedUntilMs
  const creates: WriteSettings = { class: 'externalId', keyWindowMs: DAY_MS, commit: 'beforeReply', ...config.create }
  const cancels: WriteSettings = { class: 'natural', keyWindowMs: DAY_MS, commit: 'beforeReply', ...config.cancel }
  const writesDeps = { runtime, records, counting, intakeClosed, onExisting: onExisting(creates.class), nextNumber }
  const writeRoute = <I extends WriteItem>(path: string, settings: WriteSettings, resource: WriteResource<I>): Route => {
    const protection = createWriteProtection(deps, { class: settings.class, windowMs: settings.keyWindowMs, entriesMax: REMEMBERED_MAX })
    return { method: 'POST', path, kind: 'write', handle: writeItems({ runtime, disturber, protection, counting }, settings, resource) }
  }
  const readDeps = { runtime, disturber, records }
  const server = createWireServer(
    { runtime, disturber },
    {
      host: config.host ?? '127.0.0.1',
      port: config.port ?? 0,
      bodyBytesMax: config.bodyBytesMax ?? 8 * 1024 * 1024,
      token: config.token ?? null,
    },
    [
      writeRoute('/inspections', creates, createCreates(writesDeps)),
      writeRoute('/inspections/cancel', cancels, createCancels(writesDeps)),
      { method: 'POST', path: '/inspections/read', kind: 'read', handle: readKeys(readDeps) },
      { method: 'GET', path: '/inspections', kind: 'read', handle: sweepKeys(readDeps) },
      { method: 'GET', path: '/changes', kind: 'read', handle: pageChanges({ runtime, disturber, notices }) },
    ],
  )
  return {
    instance: config.instance,
    start: async () => {
      const url = await server.start()
      notices.open()
      return url
    },
    stop: async () => {
      notices.close()
      await server.stop()
    },
    running: () => server.running(),
    people,
    books: createQmsBooks({ records, counting, notices, calls: () => server.counts() }),
    disturber,
    notices,
    setToken: (token) => {
      server.setToken(token)
    },
  }
}

/** Which classes have a unique index on the external key, people's records included. */
function onExisting(writeClass: WriteClass): 'create' | 'conflict' | 'keep' {
  if (writeClass === 'externalId') return 'conflict'
  return writeClass === 'natural' ? 'keep' : 'create'
}

function numbers(prefix: string): () => string {
  let next = 0
  return () => {
    next += 1
    return `${prefix}${next}`
  }
}
