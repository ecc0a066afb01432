import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createWorld } from '../runtime/simulated.ts'
import { createCountingErp } from './counting-erp/counting-erp.ts'

/** The same code as over sockets: an ERP announces what a person does while everything that can be disturbed is. */
async function run(seed: number): Promise<{ readonly hash: string; readonly heard: readonly string[]; readonly pending: number }> {
  const world = createWorld({ seed, hash: (text) => createHash('sha256').update(text).digest('hex') })
  world.addNode('erp')
  world.addNode('hub')
  const heard: string[] = []
  const erp = createCountingErp(
    { runtime: world.runtimeFor('erp') },
    {
      instance: 'erp-1',
      host: 'erp',
      port: 80,
      disturbances: { slowShare: 0.5, slowMsMax: 500, errorAfterCommitShare: 0.3 },
      push: { url: 'http://hub:80/v1/events', delayMsMax: 300, duplicateShare: 0.5, duplicateDelayMsMax: 2_000, batchMax: 3 },
    },
  )
  const hub = world.runtimeFor('hub')
  await hub.net.listen({ host: 'hub', port: 80, bodyBytesMax: 100_000 }, async (request) => {
    const body = JSON.parse(new TextDecoder().decode(request.body ?? new Uint8Array())) as { id: string } | { id: string }[]
    heard.push(...[body].flat().map(({ id }) => id))
    return { status: heard.length % 3 === 0 ? 503 : 202, headers: {}, body: new Uint8Array() }
  })
  await erp.start()
  for (let index = 0; index < 10; index += 1) {
    world.schedule('erp', index * 50, () => erp.people.receive({ lines: [{ material: 'RM', batches: [{ quantity: '1' }] }] }))
  }
  await world.runUntil(() => world.now() > 1_000 && erp.books.unsettled() === 0, { untilMs: 60_000 })
  return { hash: world.traceHash(), heard, pending: erp.books.unsettled() }
}

test('on the simulated wire every notice arrives, and the same seed tells the same story', async () => {
  const first = await run(1)
  expect(first.pending).toBe(0)
  expect(new Set(first.heard).size).toBe(10)
  expect(first.heard.length).toBeGreaterThan(10)
  expect((await run(1)).hash).toBe(first.hash)
  expect((await run(2)).hash).not.toBe(first.hash)
})
