import type { Runtime } from '../../runtime.ts'
import { pageChanges } from '../changes.ts'
import { createCounting } from '../counting.ts'
import { createDisturber, type Disturbances, type Disturber } from '../disturbances.ts'
import { createNotices, type Notices, type PushSettings } from '../notices.ts'
import { createWireServer } from '../server.ts'
import { type WriteSettings, writeItems } from '../write-items.ts'
import { createWriteProtection } from '../write-protection.ts'
import { createErpBooks, type ErpBooks } from './books.ts'
import { createMovements } from './movements.ts'
import { createErpPeople, type ErpPeople } from './people.ts'
import { readLots, sweepLots } from './reads.ts'
import { createStock } from './stock.ts'
import { type LocationKind, MATERIAL_DEFAULT, type Material, type Receipt } from './types.ts'

export interface CountingErpConfig {
  readonly instance: string
  readonly plant?: string
  readonly host?: string
  readonly port?: number
  readonly token?: string
  readonly bodyBytesMax?: number
  /** Default: class queryable, committed before the reply. */
  readonly write?: Partial<WriteSettings>
  /** Materials not named are managed in batches and land in quality inspection. */
  readonly materials?: Readonly<Record<string, Partial<Material>>>
  /** Locations not named hold ordinary stock. */
  readonly locations?: Readonly<Record<string, LocationKind>>
  readonly disturbances?: Partial<Disturbances>
  readonly push?: Partial<PushSettings>
  readonly historyPerLotMax?: number
}

/**
 * An ERP that counts. The object is the database and outlives its server: `stop` and `start` model an outage, and
 * nothing that was booked is lost by them.
 */
export interface CountingErp {
  readonly instance: string
  /** Answers the base URL; the port stays the same over restarts. */
  start(): Promise<string>
  stop(): Promise<void>
  running(): boolean
  readonly people: ErpPeople
  readonly books: ErpBooks
  readonly disturber: Disturber
  readonly notices: Notices
  /** Calls without it are answered 401 from now on; null: everybody may. */
  setToken(token: string | null): void
}

export function createCountingErp(deps: { readonly runtime: Runtime }, config: CountingErpConfig): CountingErp {
  const { runtime } = deps
  const settings: WriteSettings = { class: 'queryable', keyWindowMs: 86_400_000, commit: 'beforeReply', ...config.write }
  const disturber = createDisturber(deps, config.disturbances ?? {})
  const notices = createNotices(deps, { instance: config.instance, push: config.push ?? {} })
  const counting = createCounting(deps)
  const stock = createStock(deps, { locations: config.locations ?? {}, historyPerLotMax: config.historyPerLotMax ?? 10_000 })
  const receipts = new Map<string, Receipt>()
  const nextNumber = numbers(4_900_000_000)
  let periodClosedUntilMs = Number.NEGATIVE_INFINITY
  const people = createErpPeople({
    runtime,
    stock,
    notices,
    receipts,
    materials: Object.fromEntries(
      Object.entries(config.materials ?? {}).map(([name, material]) => [name, { ...MATERIAL_DEFAULT, ...material }]),
    ),
    plant: config.plant ?? 'P1',
    nextNumber,
    nextReceipt: numbers(5_000_000_000),
    closePeriod: (ms) => {
      periodClosedUntilMs = runtime.clock.monoNow() + ms
    },
  })
  const protection = createWriteProtection(deps, { class: settings.class, windowMs: settings.keyWindowMs, entriesMax: 1_000_000 })
  const periodClosed = (): boolean => runtime.clock.monoNow() < periodClosedUntilMs
  const movements = createMovements({ runtime, stock, notices, counting, periodClosed, nextNumber })
  const writeDeps = { runtime, disturber, protection, counting }
  const readDeps = { runtime, disturber, stock }
  const server = createWireServer(
    { runtime, disturber },
    {
      host: config.host ?? '127.0.0.1',
      port: config.port ?? 0,
      bodyBytesMax: config.bodyBytesMax ?? 8 * 1024 * 1024,
      token: config.token ?? null,
    },
    [
      { method: 'POST', path: '/movements', kind: 'write', handle: writeItems(writeDeps, settings, movements) },
      { method: 'POST', path: '/lots/read', kind: 'read', handle: readLots(readDeps) },
      { method: 'GET', path: '/lots', kind: 'read', handle: sweepLots(readDeps) },
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
    books: createErpBooks({ stock, counting, notices, receipts, calls: () => server.counts() }),
    disturber,
    notices,
    setToken: (token) => {
      server.setToken(token)
    },
  }
}

function numbers(start: number): () => string {
  let next = start
  return () => {
    next += 1
    return String(next)
  }
}
