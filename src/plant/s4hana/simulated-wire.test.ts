import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createS4Client, DOCUMENTS } from '../../../test/plant/s4-client.ts'
import { createWorld } from '../../runtime/simulated.ts'
import { createMemoryDisk } from '../disk.ts'
import { createS4Hana, type S4Hana } from './s4hana.ts'

interface Told {
  readonly hash: string
  readonly answered: readonly string[]
  readonly booked: readonly string[]
  readonly heard: ReadonlySet<string>
  readonly published: number
  readonly violations: readonly string[]
}

/** The same code as over sockets, in virtual time: the ERP crashes twice while a client posts and the wire misbehaves. */
async function run(seed: number, rollbackShare = 0): Promise<Told> {
  const world = createWorld({
    seed,
    hash: (text) => createHash('sha256').update(text).digest('hex'),
    plan: { random: { requests: { loseReply: 0.05, duplicate: 0.05, slow: 0.1 }, slowMsMax: 300 } },
  })
  const disk = createMemoryDisk()
  let erp: S4Hana | null = null
  world.addNode('erp', async (runtime) => {
    const config = {
      instance: 'S4H',
      host: 'erp',
      port: 80,
      products: [{ product: 'RM-100' }],
      disturbances: {
        slowShare: 0.2,
        slowMsMax: 200,
        lostAfterCommitShare: 0.05,
        errorAfterCommitShare: 0.1,
        readLagMsMax: 300,
        rollbackShare,
      },
      push: { url: 'http://hub:80/v1/events', delayMsMax: 300, duplicateShare: 0.3, duplicateDelayMsMax: 1_000 },
    }
    erp = createS4Hana({ runtime, disk }, config)
    if (erp.books.documents().length === 0) erp.people.move({ movementType: '563', material: 'RM-100', batch: 'B-1', quantity: '100' })
    await erp.start()
  })
  world.addNode('hub')
  const hub = world.runtimeFor('hub')
  const heard = new Set<string>()
  await hub.net.listen({ host: 'hub', port: 80, bodyBytesMax: 100_000 }, async ({ body }) => {
    heard.add((JSON.parse(new TextDecoder().decode(body ?? new Uint8Array())) as { id: string }).id)
    return { status: 202, headers: {}, body: new Uint8Array() }
  })
  const client = createS4Client(hub, { url: 'http://erp:80', timeoutMs: 1_000 })
  const answered: string[] = []
  const work = async (): Promise<void> => {
    for (let index = 0; index < 30; index += 1) {
      const item = {
        Material: 'RM-100',
        Plant: '1710',
        StorageLocation: '171A',
        Batch: 'B-1',
        GoodsMovementType: '321',
        QuantityInEntryUnit: '1',
      }
      const { status, d } = await client.post({ GoodsMovementCode: '04', ReferenceDocument: `R-${index}`, to_MaterialDocumentItem: [item] })
      if (status === 201) answered.push(String(d.MaterialDocument))
      if (status === 403) await client.fetchToken()
      await hub.clock.sleep(100)
    }
  }
  world.schedule('hub', 100, () => void work())
  for (const atMs of [1_500, 4_000]) world.schedule(null, atMs, () => world.crash('erp', 500))
  await world.runUntil(120_000)
  const last = erp as unknown as S4Hana
  return {
    hash: world.traceHash(),
    answered,
    booked: last.books.documents().map(({ number }) => number),
    heard,
    published: last.books.notices().length,
    violations: last.books.violations(),
  }
}

const missing = ({ answered, booked }: Told): readonly string[] => answered.filter((number) => !booked.includes(number))

test('what was answered is booked and announced, through crashes; the same seed tells the same story', async () => {
  const first = await run(1)
  expect(first.violations).toEqual([])
  expect(first.answered.length).toBeGreaterThan(5)
  expect(missing(first)).toEqual([])
  expect(first.heard.size).toBe(first.published)
  expect((await run(1)).hash).toBe(first.hash)
  expect((await run(2)).hash).not.toBe(first.hash)
})

test('save what an update task took back', async () => {
  const told = await run(3, 0.3)
  expect(missing(told).length).toBeGreaterThan(0)
  expect(told.violations).toEqual([])
})

test('a link to the next page leads somewhere without a Host header too', async () => {
  const world = createWorld({ seed: 1, hash: (text) => createHash('sha256').update(text).digest('hex') })
  world.addNode('erp')
  world.addNode('hub')
  const config = { instance: 'S4H', host: 'erp', port: 80, pageSize: 1, products: [{ product: 'RM-100' }] }
  const erp = createS4Hana({ runtime: world.runtimeFor('erp'), disk: createMemoryDisk() }, config)
  await erp.start()
  for (const batch of ['A', 'B']) erp.people.move({ movementType: '561', material: 'RM-100', batch, quantity: '1' })
  const client = createS4Client(world.runtimeFor('hub'), { url: 'http://erp:80' })
  let next = ''
  world.schedule('hub', 1, () => void client.get(`${DOCUMENTS}/A_MaterialDocumentHeader`).then(({ d }) => (next = d.__next)))
  await world.runUntil(() => next !== '', { untilMs: 10_000 })
  expect(next).toBe(`http://erp:80${DOCUMENTS}/A_MaterialDocumentHeader?$skiptoken=1`)
})
