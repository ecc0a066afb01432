import type { Runtime } from '../../runtime.ts'
import { createCallServer } from '../call-server.ts'
import type { Disk } from '../disk.ts'
import { createDisturber, type Disturbances, type Disturber } from '../disturbances.ts'
import { createNotices, type Notice, type Notices, type PushSettings } from '../notices.ts'
import { type Drift, NO_DRIFT } from '../odata/edm.ts'
import { createSessions } from '../odata/sessions.ts'
import { openTables } from '../tables.ts'
import { batchApi } from './batch-api.ts'
import { createS4Books, type S4Books } from './books.ts'
import { countApi } from './count-api.ts'
import { documentApi } from './document-api.ts'
import type { Erp, Site } from './erp.ts'
import { createGateway, type LoggedCall } from './gateway.ts'
import { createLocks } from './locks.ts'
import { orderApi, productApi } from './master-api.ts'
import type { ProductInput } from './masters.ts'
import { createS4People, type S4People } from './people.ts'
import { stockApi } from './stock-api.ts'
import { createTrail } from './trail.ts'
import type { NoticeRow, Rows } from './types.ts'
import { createUpdateTask } from './update-task.ts'

export interface S4HanaConfig {
  readonly instance: string
  readonly host?: string
  readonly port?: number
  readonly bodyBytesMax?: number
  /** Passwords by user; left out: everybody may. */
  readonly users?: Readonly<Record<string, string>>
  readonly site?: Partial<Site>
  /** Created when the disk does not know them. */
  readonly products?: readonly ProductInput[]
  readonly disturbances?: Partial<Disturbances>
  readonly push?: Partial<PushSettings>
  readonly sessionIdleMsMax?: number
  readonly pageSize?: number
  readonly changeSetOperationsMax?: number
  /** After a start, notices that are younger go out once more: nobody knows which had arrived. */
  readonly republishMs?: number
}

/**
 * A simulated ERP that speaks as S/4HANA does. What it has answered is on its disk; the object itself is the running
 * system, and another one on the same disk goes on where it ended.
 */
export interface S4Hana {
  readonly instance: string
  /** Answers the base URL; the port stays the same over restarts of the object. */
  start(): Promise<string>
  stop(): Promise<void>
  running(): boolean
  readonly people: S4People
  readonly books: S4Books
  readonly disturber: Disturber
  readonly notices: Notices
  setUsers(users: Readonly<Record<string, string>>): void
  /** Fields renamed or added from now on. */
  setDrift(drift: Partial<Drift>): void
  /** Every session ends; the next write is answered 403. */
  expireSessions(): void
  /** Up, and answering 503 for so long. */
  refuseAll(ms: number): void
}

export const DEFAULT_SITE: Site = {
  plants: { '1710': ['171A', '171B', '171Q', '171E'], '1720': ['172A'] },
  ewm: { '1710/171E': 'W171' },
  utcOffsetMinutes: 60,
}

const TABLES = ['document', 'stock', 'product', 'order', 'batch', 'count', 'serial', 'period', 'number', 'notice'] as const
const LOGGED_MAX = 200_000

export function createS4Hana(deps: { readonly runtime: Runtime; readonly disk: Disk }, config: S4HanaConfig): S4Hana {
  const { runtime } = deps
  const disturber = createDisturber(deps, config.disturbances ?? {})
  const notices = createNotices(deps, { instance: config.instance, push: config.push ?? {} })
  const sessions = createSessions(deps, { cookie: 'SAP_SESSIONID_S4H_100', idleMsMax: config.sessionIdleMsMax ?? 1_800_000 })
  const trail = createTrail(deps)
  const logged: LoggedCall[] = []
  let users = config.users ?? {}
  let drift = NO_DRIFT
  let refusingUntilMs = Number.NEGATIVE_INFINITY
  const erp: Erp = {
    runtime,
    tables: openRows(deps),
    locks: createLocks(runtime),
    site: { ...DEFAULT_SITE, ...config.site },
    publish: (row) => notices.send(cloudEvent(config.instance, row)),
  }
  const people = createS4People(erp)
  const task = createUpdateTask({ tables: erp.tables, disturber, trail })
  for (const product of config.products ?? []) {
    if (erp.tables.get('product', product.product.toUpperCase()) === null) people.createProduct(product)
  }
  const pageSize = config.pageSize ?? 200
  const gateway = createGateway({
    runtime,
    erp,
    task,
    disturber,
    sessions,
    apis: [
      documentApi({ erp, task, trail, pageSize, changeSetOperationsMax: config.changeSetOperationsMax ?? 100 }),
      stockApi(pageSize),
      batchApi({ erp, task, pageSize }),
      productApi(erp, pageSize),
      orderApi(erp, pageSize),
      countApi(erp, pageSize),
    ],
    users: () => users,
    drift: () => drift,
    unavailable: () => runtime.clock.monoNow() < refusingUntilMs,
    log: { add: (call) => keepCall(logged, call) },
    host: `${config.host ?? '127.0.0.1'}:${config.port ?? 80}`,
  })
  const server = createCallServer(
    { runtime, disturber },
    { host: config.host ?? '127.0.0.1', port: config.port ?? 0, bodyBytesMax: config.bodyBytesMax ?? 8 * 1024 * 1024 },
    gateway,
  )
  republish(erp, config.republishMs ?? 60_000)
  return {
    instance: config.instance,
    start: async () => {
      const url = await server.start()
      notices.open()
      return url
    },
    stop: async () => {
      notices.close()
      sessions.expireAll()
      await server.stop()
    },
    running: server.running,
    people,
    books: createS4Books({ erp, trail, notices, calls: () => logged, counts: server.counts }),
    disturber,
    notices,
    setUsers: (next) => {
      users = next
    },
    setDrift: (next) => {
      drift = { ...NO_DRIFT, ...next }
    },
    expireSessions: sessions.expireAll,
    refuseAll: (ms) => {
      refusingUntilMs = runtime.clock.monoNow() + ms
    },
  }
}

function openRows({ runtime, disk }: { readonly runtime: Runtime; readonly disk: Disk }): Erp['tables'] {
  return openTables<Rows>({ clock: runtime.clock, disk }, TABLES, {
    document: {
      ReferenceDocument: ({ header }) => [String(header['ReferenceDocument'] ?? '')],
      MaterialDocument: ({ number }) => [number],
      Material: ({ items }) => items.map((item) => String(item['Material'] ?? '')),
      Batch: ({ items }) => items.map((item) => String(item['Batch'] ?? '')),
      PurchaseOrder: ({ items }) => items.map((item) => String(item['PurchaseOrder'] ?? '')),
    },
    stock: { Material: ({ Material }) => [Material], Batch: ({ Batch }) => [Batch] },
    batch: { Material: ({ material }) => [material], Batch: ({ batch }) => [batch] },
    product: { Product: ({ product }) => [product] },
    order: { PurchaseOrder: ({ number }) => [number] },
    serial: { Material: ({ Material }) => [Material] },
  })
}

/** The key and nothing else: whoever wants to know more has to read. */
function cloudEvent(instance: string, row: NoticeRow): Notice {
  return {
    specversion: '1.0',
    id: row.id,
    source: `/default/sap.s4.beh/${instance}`,
    type: row.type,
    subject: row.subject,
    time: `${new Date(row.atMs).toISOString().slice(0, 19)}Z`,
    datacontenttype: 'application/json',
    data: row.data,
  }
}

function republish({ tables, runtime, publish }: Erp, ms: number): void {
  const fromMs = runtime.clock.wallNow() - ms
  for (const key of tables.keys('notice')) {
    const row = tables.get('notice', key)
    if (row !== null && row.atMs >= fromMs) publish(row)
  }
}

function keepCall(logged: LoggedCall[], call: LoggedCall): void {
  if (logged.length >= LOGGED_MAX) logged.splice(0, LOGGED_MAX / 10)
  logged.push(call)
}
