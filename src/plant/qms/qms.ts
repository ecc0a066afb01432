import type { Runtime } from '../../runtime.ts'
import type { Disk } from '../disk.ts'
import { createDisturber, type Disturbances, type Disturber } from '../disturbances.ts'
import { createQmsBooks, type QmsBooks } from './books.ts'
import { createDatabase, type Database } from './database.ts'
import { createQmsPeople, type QmsPeople } from './people.ts'
import { listActions, listPlans, queryPages, readByKeys } from './reads.ts'
import { AS_DELIVERED, describeSchema, driftBy, type SchemaDrift } from './schema.ts'
import { createSessions, type SessionSettings, type Sessions } from './sessions.ts'
import { type HmacSha256, secretBytes } from './signature.ts'
import { createThrottle, type Throttle, type ThrottleSettings } from './throttle.ts'
import type { User } from './types.ts'
import { createWebhooks, type WebhookSettings, type Webhooks } from './webhooks.ts'
import { createWire, type Route } from './wire.ts'
import { type RolledBack, type WriteDeps, writeActions, writeRecords } from './writes.ts'

export interface QmsConfig {
  readonly host?: string
  readonly port?: number
  readonly bodyBytesMax?: number
  /** Default: the interface user INTEGRATION, the inspector INES and the quality engineer QUINN. */
  readonly users?: readonly User[]
  /** Default: true. */
  readonly externalIdUnique?: boolean
  readonly sessions?: Partial<SessionSettings>
  /** Default: no limit. */
  readonly burst?: Partial<ThrottleSettings>
  readonly logins?: Partial<ThrottleSettings>
  /** `secret` counts where the disk knows none. */
  readonly webhook?: Partial<WebhookSettings> & { readonly secret?: string }
  readonly disturbances?: Partial<Disturbances>
}

export interface QmsDeps {
  readonly runtime: Runtime
  readonly disk: Disk
  readonly hmacSha256: HmacSha256
}

/**
 * A simulated QMS: inspections as objects with an external id, lifecycle actions, sessions, signed webhooks. What is on
 * its disk outlives it; a new object on the same disk shows the same state.
 */
export interface Qms {
  /** Answers the base URL, `…/api/v1`; the port stays the same over restarts. */
  start(): Promise<string>
  stop(): Promise<void>
  running(): boolean
  /** While it lasts every call is answered 503 with a page for people. */
  setMaintenance(on: boolean): void
  /** An administrator changes the schema: renames, adds, requires. */
  driftSchema(change: Partial<SchemaDrift>): void
  /** The schema is as it was delivered. */
  restoreSchema(): void
  readonly people: QmsPeople
  readonly books: QmsBooks
  readonly disturber: Disturber
  readonly sessions: Sessions
  readonly burst: Throttle
  readonly webhooks: Webhooks
}

export const DEFAULT_USERS: readonly User[] = [
  { name: 'INTEGRATION', printed_name: 'Integration', password: 'integration-password', kind: 'interface' },
  { name: 'INES', printed_name: 'Ines Prüfer', password: 'ines-password', kind: 'person' },
  { name: 'QUINN', printed_name: 'Quinn Engel', password: 'quinn-password', kind: 'person' },
]

const DEFAULT_SECRET = 'whsec_c2ltdWxhdGVkLXFtcy13ZWJob29rLXNlY3JldC0w'
const NO_LIMIT = { delayFrom: Number.POSITIVE_INFINITY, refuseFrom: Number.POSITIVE_INFINITY, delayMs: 0 }
const BURST_DEFAULTS: ThrottleSettings = { windowMs: 5 * 60_000, ...NO_LIMIT }
const LOGIN_DEFAULTS: ThrottleSettings = { windowMs: 60_000, ...NO_LIMIT }

export function createQms(deps: QmsDeps, config: QmsConfig = {}): Qms {
  const { runtime } = deps
  const users = config.users ?? DEFAULT_USERS
  const externalIdUnique = config.externalIdUnique ?? true
  const disturber = createDisturber(deps, config.disturbances ?? {})
  const database = createDatabase(deps)
  const { secret, ...webhookSettings } = config.webhook ?? {}
  plantSecret(database, secret ?? DEFAULT_SECRET)
  const webhooks = createWebhooks({ ...deps, database }, webhookSettings)
  const sessions = createSessions({ runtime, users }, config.sessions ?? {})
  const burst = createThrottle(runtime, { ...BURST_DEFAULTS, ...config.burst })
  const logins = createThrottle(runtime, { ...LOGIN_DEFAULTS, ...config.logins })
  const rolledBack: RolledBack[] = []
  const writeDeps: WriteDeps = {
    runtime,
    disturber,
    database,
    sessions,
    externalIdUnique,
    rolledBack: (entry) => {
      rolledBack.push(entry)
    },
  }
  const setDrift = (drift: SchemaDrift): void => {
    database.transact('ADMINISTRATOR', (transaction) => transaction.put({ kind: 'drift', drift }))
  }
  const address = { host: config.host ?? '127.0.0.1', port: config.port ?? 0, bodyBytesMax: config.bodyBytesMax ?? 8 * 1_048_576 }
  const wire = createWire({ runtime, disturber, sessions, burst, logins }, address, routesOf(writeDeps))
  return {
    start: async () => {
      const url = await wire.start()
      webhooks.open()
      return url
    },
    stop: async () => {
      webhooks.close()
      sessions.endAll()
      await wire.stop()
    },
    running: wire.running,
    setMaintenance: wire.setMaintenance,
    driftSchema: (change) => setDrift(driftBy(database.drift(), change)),
    restoreSchema: () => setDrift(AS_DELIVERED),
    people: createQmsPeople({ runtime, database, users, externalIdUnique }),
    books: createQmsBooks({ database, webhooks, calls: wire.calls, rolledBack }),
    disturber,
    sessions,
    burst,
    webhooks,
  }
}

function routesOf(deps: WriteDeps): readonly Route[] {
  const objects = '/objects/inspections'
  return [
    { method: 'POST', path: objects, kind: 'write', handle: writeRecords(deps) },
    { method: 'GET', path: objects, kind: 'read', handle: queryPages(deps) },
    { method: 'POST', path: `${objects}/read`, kind: 'read', handle: readByKeys(deps) },
    { method: 'POST', path: `${objects}/actions/:action`, kind: 'write', handle: writeActions(deps) },
    { method: 'GET', path: `${objects}/:id/actions`, kind: 'read', handle: listActions(deps) },
    { method: 'GET', path: '/objects/inspection_plans', kind: 'read', handle: listPlans(deps) },
    { method: 'GET', path: '/metadata/inspections', kind: 'read', handle: () => ({ fields: describeSchema(deps.database.drift()) }) },
  ]
}

function plantSecret(database: Database, secret: string): void {
  secretBytes(secret)
  if (database.secrets().length > 0) return
  database.transact('ADMINISTRATOR', (transaction) => transaction.put({ kind: 'secrets', secrets: [secret] }))
}
