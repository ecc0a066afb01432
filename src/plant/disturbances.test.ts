import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStillRuntime, post, type StillRuntime } from '../../test/plant/still-runtime.ts'
import { type CountingQms, createCountingQms } from './counting-qms/counting-qms.ts'
import type { Disturbances, ScriptedFault } from './disturbances.ts'

let runtime: StillRuntime
let qms: CountingQms
let url: string
beforeEach(async () => {
  runtime = openStillRuntime({ random: () => 0.999 })
  qms = createCountingQms({ runtime }, { instance: 'qms-1' })
  url = await qms.start()
})
afterEach(async () => {
  await qms.stop()
  await runtime.close()
})

const create = (keys: readonly string[]) =>
  post(runtime, `${url}/inspections`, {
    items: keys.map((key) => ({ key, reference: `R-${key}`, externalId: key, attributes: {} })),
  })
const read = () => post(runtime, `${url}/inspections/read`, { keys: ['a'] })

describe('a write call', () => {
  test.each<[string, Partial<Disturbances>, { readonly status: number; readonly effects: number }]>([
    ['is rate limited and does nothing', { rateLimitedShare: 1, retryAfterSeconds: 7 }, { status: 429, effects: 0 }],
    ['fails before anything is done', { errorBeforeCommitShare: 1 }, { status: 500, effects: 0 }],
    ['fails with half of it done', { errorMidBatchShare: 1 }, { status: 500, effects: 1 }],
    ['fails with all of it done', { errorAfterCommitShare: 1 }, { status: 500, effects: 3 }],
  ])('%s', async (_, disturbance, { status, effects }) => {
    qms.disturber.set(disturbance)
    const answer = await create(['a', 'b', 'c'])
    expect(answer.status).toBe(status)
    expect(answer.headers['retry-after']).toBe(status === 429 ? '7' : undefined)
    expect(qms.books.effects()).toHaveLength(effects)
  })

  test('suffers what was scripted once, then what its shares say', async () => {
    const faults: ScriptedFault[] = [
      { on: 'write', fault: 'rateLimited' },
      { on: 'write', fault: 'errorBefore' },
      { on: 'write', fault: 'errorMidBatch' },
      { on: 'write', fault: 'errorAfter' },
    ]
    qms.disturber.script(...faults)
    const answers: number[] = []
    for (const key of ['a', 'b', 'c', 'd', 'e']) answers.push((await create([key, `${key}2`])).status)
    expect(answers).toEqual([429, 500, 500, 500, 200])
    expect(qms.books.effects().map(({ subject }) => subject)).toEqual(['c', 'd', 'd2', 'e', 'e2'])
    expect(qms.books.counts()).toMatchObject({ rateLimited: 1, errors: 3 })
  })

  test('may run late, whether or not the caller waits', async () => {
    qms.disturber.set({ slowShare: 1, slowMsMax: 2_000 })
    const answer = runtime.net.request({
      method: 'POST',
      url: `${url}/inspections`,
      headers: {},
      body: new TextEncoder().encode(JSON.stringify({ items: [{ key: 'a', reference: 'R', externalId: 'a', attributes: {} }] })),
      timeoutMs: 200,
    })
    expect(await answer).toMatchObject({ kind: 'lost' })
    expect(qms.books.effects()).toEqual([])
    await runtime.advance(2_000)
    expect(qms.books.effects()).toHaveLength(1)
    expect((qms.books.effects()[0]?.atMs ?? 0) - (qms.books.effects()[0]?.arrivedMs ?? 0)).toBeGreaterThan(1_900)
  })

  test('may be answered late although it is done', async () => {
    qms.disturber.script({ on: 'write', fault: 'slowAnswer', ms: 500 })
    const answer = create(['a'])
    await expect.poll(() => qms.books.effects().length).toBe(1)
    await runtime.advance(500)
    expect((await answer).status).toBe(200)
  })
})

test('a read call fails by its own share', async () => {
  qms.disturber.set({ readErrorShare: 1, errorBeforeCommitShare: 0 })
  expect((await read()).status).toBe(500)
  expect((await create(['a'])).status).toBe(200)
  qms.disturber.set({ readErrorShare: 0 })
  expect((await read()).status).toBe(200)
})

test('shares are shares: one half happens half of the time', async () => {
  let turn = 0
  const counting = openStillRuntime({ random: () => (turn++ % 10) / 10 })
  const half = createCountingQms({ runtime: counting }, { instance: 'qms-2', disturbances: { readErrorShare: 0.5 } })
  const address = await half.start()
  const statuses: number[] = []
  for (let index = 0; index < 10; index += 1) statuses.push((await post(counting, `${address}/inspections/read`, { keys: [] })).status)
  expect(statuses.filter((status) => status === 500)).toHaveLength(5)
  await half.stop()
  await counting.close()
})
