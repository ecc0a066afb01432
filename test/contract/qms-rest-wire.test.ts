import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { CommandItem, Connector, Outcome } from '../../src/connectors/connector.ts'
import { createQmsRestConnector } from '../../src/connectors/qms-rest/qms-rest.ts'
import { verifyWebhook } from '../../src/connectors/qms-rest/webhook.ts'
import { createMemoryDisk } from '../../src/plant/disk.ts'
import { createQms, DEFAULT_USERS, type Qms } from '../../src/plant/qms/qms.ts'
import { createWorld } from '../../src/runtime/simulated.ts'
import type { World } from '../../src/runtime/world.ts'
import type { Runtime } from '../../src/runtime.ts'
import { openQmsRest } from './qms-rest-harness.ts'

const TIMEOUT_MS = 3_000
const LAG_MS = 500
const QUIESCE_MS = 12_000
const LINES = 12
const hmacSha256 = (key: Uint8Array, text: string): Uint8Array => createHmac('sha256', key).update(text).digest()

interface Attempt {
  readonly reference: string
  readonly outcome: Outcome
}

interface Story {
  readonly qms: Qms
  readonly attempts: readonly Attempt[]
  /** Upserts that left the hub. */
  readonly writes: number
  readonly found: ReadonlySet<string>
  readonly outcomes: ReadonlySet<string>
  readonly hash: string
}

/**
 * Creates one inspection per line over a network that goes dark and a QMS that fails, delays, forgets sessions and is
 * replaced by another on its disk. Every attempt has a reference of its own, so that the books tell what each one did.
 */
async function story(seed: number): Promise<Story> {
  const world = createWorld({ seed, hash: (text) => createHash('sha256').update(text).digest('hex') })
  world.addNode('qms')
  world.addNode('hub')
  const qms = openQms(world)
  await qms.start()
  qms.people.makePlan({ item: 'RM-100' })
  for (const [atMs, forMs] of [
    [2_000, 6_000],
    [20_000, 10_000],
  ] as const) {
    world.schedule('hub', atMs, () => world.partition('hub', 'qms', { oneWay: seed % 2 === 0, ms: forMs }))
  }
  world.schedule('qms', 12_000, () => void qms.stop())
  world.schedule('qms', 16_000, () => void qms.start())
  const hub = world.runtimeFor('hub')
  const counts = { writes: 0 }
  const connector = connect(hub, counts)
  const attempts: Attempt[] = []
  const found = new Set<string>()
  for (let line = 0; line < LINES; line += 1) {
    const key = `erp-1:receipt:5#${line}#erp-1:batch:RM-100/B`
    world.schedule('hub', line * 2_000, () => void createLine({ hub, connector, attempts, found }, key))
  }
  await world.runUntil(() => found.size === LINES, { untilMs: 600_000 })
  await world.runUntilQuiet({ untilMs: world.now() + QUIESCE_MS })
  const outcomes = new Set(attempts.map(({ outcome }) => (outcome.outcome === 'later' ? `later ${outcome.class}` : outcome.outcome)))
  return { qms, attempts, writes: counts.writes, found, outcomes, hash: world.traceHash() }
}

function openQms(world: World): Qms {
  return createQms(
    { runtime: world.runtimeFor('qms'), disk: createMemoryDisk(), hmacSha256 },
    {
      host: 'qms',
      port: 80,
      sessions: { endShare: 0.1, endMidBatchShare: 0.2 },
      burst: { windowMs: 10_000, delayFrom: 20, refuseFrom: 60, delayMs: 4_000 },
      disturbances: {
        rateLimitedShare: 0.1,
        errorBeforeCommitShare: 0.1,
        errorAfterCommitShare: 0.1,
        slowShare: 0.3,
        slowMsMax: 8_000,
        readErrorShare: 0.1,
        readLagMsMax: LAG_MS,
        rollbackShare: 0.1,
      },
    },
  )
}

function connect(hub: Runtime, counts: { writes: number }): Connector {
  const [user] = DEFAULT_USERS
  const net: Runtime['net'] = {
    ...hub.net,
    request: (call) => {
      const write = call.url.includes('idParam')
      return hub.net.request({
        ...call,
        beforeWrite: () => {
          const goes = call.beforeWrite === undefined || call.beforeWrite()
          if (goes && write) counts.writes += 1
          return goes
        },
      })
    },
  }
  return createQmsRestConnector(
    { net, clock: hub.clock },
    {
      instance: 'qms-1',
      site: 'P1',
      url: 'http://qms:80/api/v1',
      credentials: { user: user?.name ?? '', password: user?.password ?? '' },
      inspection: { lagMs: LAG_MS, quiesceMs: QUIESCE_MS },
      callTimeoutMs: TIMEOUT_MS,
    },
  )
}

interface Hub {
  readonly hub: Runtime
  readonly connector: Connector
  readonly attempts: Attempt[]
  readonly found: Set<string>
}

/** As the engine does: what is unknown is read after quiesce and, if absent, once more; what is proved undone is sent again. */
async function createLine({ hub, connector, attempts, found }: Hub, key: string): Promise<void> {
  const call = () => ({ signal: new AbortController().signal, timeoutMs: TIMEOUT_MS, beforeWrite: () => true })
  const isThere = async (): Promise<boolean> => {
    for (;;) {
      const [result] = await connector.read('inspection', [key], call())
      if (result?.read === 'observed') return result.observation.kind === 'record' && result.observation.records.length > 0
      await hub.clock.sleep(500)
    }
  }
  while (!found.has(key)) {
    const reference = `HP-${key.split('#')[1]}-${attempts.length}`
    const fields = { item: 'erp-1:item:RM-100', lot: 'erp-1:batch:RM-100/B', quantity: '1', uom: 'C62', site: 'P1' }
    const item: CommandItem = { reference, resource: 'inspection', subject: key, action: { type: 'createRecord', key, fields } }
    const [outcome] = await connector.apply([item], call())
    if (outcome === undefined) throw new Error('no outcome')
    attempts.push({ reference, outcome })
    await hub.clock.sleep(outcome.outcome === 'later' ? (outcome.delayMs ?? 300) : outcome.outcome === 'unknown' ? QUIESCE_MS : LAG_MS + 1)
    if (outcome.outcome === 'later') continue
    if (await isThere()) found.add(key)
    await hub.clock.sleep(LAG_MS + 1)
  }
}

const done = ({ books }: Qms, reference: string): number =>
  books.inspections().filter(({ fields }) => fields['reference'] === reference).length

describe.each(Array.from({ length: 20 }, (_, index) => index + 1))('over a network that goes dark and heals (seed %i)', (seed) => {
  it('everything is created once, and every outcome is true', async () => {
    const { qms, attempts, writes, found } = await story(seed)
    expect(found.size).toBe(LINES)
    expect(qms.books.inspections()).toHaveLength(LINES)
    expect(qms.books.violations()).toEqual([])
    expect(writes).toBeLessThanOrEqual(attempts.length)
    for (const { reference, outcome } of attempts) {
      const effects = done(qms, reference)
      if (outcome.outcome === 'later' || outcome.outcome === 'refused')
        expect([reference, outcome, effects]).toEqual([reference, outcome, 0])
      expect(effects).toBeLessThanOrEqual(1)
    }
  })
})

it('the same seed tells the same story, and the stories tell every outcome', async () => {
  expect((await story(1)).hash).toBe((await story(1)).hash)
  const told = new Set((await Promise.all([1, 2, 3, 4].map(story))).flatMap(({ outcomes }) => [...outcomes]))
  for (const outcome of ['applied', 'unknown', 'later transient', 'later authorization', 'later rateLimit'])
    expect([...told]).toContain(outcome)
})

it('the webhooks that the QMS signs are genuine, before, during and after a rotation of secrets', async () => {
  const rig = await openQmsRest({}, { webhook: { secret: `whsec_${btoa('a'.repeat(32))}` } })
  const secrets = [`whsec_${btoa('a'.repeat(32))}`, `whsec_${btoa('b'.repeat(32))}`] as const
  const heard: string[] = []
  const receiver = await rig.runtime.net.listen({ host: '127.0.0.1', port: 0, bodyBytesMax: 10_000 }, async ({ headers, body }) => {
    const nowMs = rig.runtime.clock.wallNow()
    const request = { headers, body: body ?? new Uint8Array() }
    const fits = secrets.map((secret) => verifyWebhook(hmacSha256, { secrets: [secret], toleranceMs: 60_000, nowMs }, request).ok)
    heard.push(fits.map((ok) => (ok ? 'yes' : 'no')).join(' '))
    return { status: 204, headers: {}, body: new Uint8Array() }
  })
  rig.qms.webhooks.set({ url: receiver.url })
  const tell = async (): Promise<void> => {
    const before = heard.length
    rig.qms.people.create({ external_id: `K-${before}`, item: 'RM-100', lot: 'L', lot_quantity: '1', unit: 'PC', site: 'P1' })
    await expect.poll(() => heard.length).toBeGreaterThan(before)
  }
  await expect.poll(() => rig.qms.books.unsettled()).toBe(0)
  heard.length = 0
  await tell()
  rig.qms.webhooks.rotateSecret(secrets[1])
  await tell()
  rig.qms.webhooks.retireOldSecrets()
  await tell()
  expect(heard).toEqual(['yes no', 'yes yes', 'no yes'])
  await rig.close()
  await receiver.close()
})
