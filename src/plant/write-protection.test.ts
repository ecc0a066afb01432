import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStillRuntime, post, type StillRuntime } from '../../test/plant/still-runtime.ts'
import { createCountingErp } from './counting-erp/counting-erp.ts'
import { createCountingQms } from './counting-qms/counting-qms.ts'
import type { WriteClass } from './write-protection.ts'

/** What a request is known by, whichever class looks at which part of it. */
const MARKS = { idempotencyKey: 'k-1', transactionId: 't-1', externalId: 'x-1', fileName: 'f-1.json', ifMatch: '1' }
const WINDOW_MS = 60_000

interface Result {
  readonly status: number
  readonly number?: string
  readonly repeated?: true
  readonly earlier?: Result
}
interface System {
  /** Sends the same request, or the same with `change`. */
  send(change?: object): Promise<Result>
  effects(): number
  references(): readonly (string | null)[]
  /** Makes the next requests fail for good, or not. */
  refuse(ms: number): void
  stop(): Promise<void>
}

let runtime: StillRuntime
let system: System | null = null
beforeEach(() => {
  runtime = openStillRuntime()
})
afterEach(async () => {
  await system?.stop()
  await runtime.close()
})

async function send(url: string, item: object): Promise<Result> {
  return ((await post(runtime, url, { items: [item] })).body as { results: Result[] }).results[0] as Result
}

async function openErp(writeClass: WriteClass): Promise<System> {
  const erp = createCountingErp({ runtime }, { instance: 'erp-1', write: { class: writeClass, keyWindowMs: WINDOW_MS } })
  const url = await erp.start()
  erp.people.receive({ lines: [{ material: 'RM', batches: [{ batch: 'B', quantity: '100' }] }] })
  const from = { plant: 'P1', storageLocation: '0001', carrier: null, stock: 'QI', owner: '' }
  const item = { type: 'posting', lot: 'batch:RM/B', reference: 'HPREF', from, to: 'BLK', quantity: '10', unit: 'PC', ...MARKS }
  return {
    send: (change) => send(`${url}/movements`, { ...item, ...change }),
    effects: () => erp.books.effectsOf('HPREF'),
    references: () =>
      erp.books
        .documents()
        .slice(1)
        .map(({ reference }) => reference),
    refuse: (ms) => erp.people.closePeriod(ms),
    stop: () => erp.stop(),
  }
}

async function openQms(writeClass: WriteClass): Promise<System> {
  const qms = createCountingQms({ runtime }, { instance: 'qms-1', create: { class: writeClass, keyWindowMs: WINDOW_MS } })
  const url = await qms.start()
  const item = { key: 'key-1', reference: 'HPREF', attributes: {}, ...MARKS, ifMatch: 'none' }
  return {
    send: (change) => send(`${url}/inspections`, { ...item, ...change }),
    effects: () => qms.books.effectsOf('HPREF'),
    references: () => qms.books.inspections().map(({ reference }) => reference),
    refuse: (ms) => qms.people.closeIntake(ms),
    stop: () => qms.stop(),
  }
}

describe.each([
  ['ERP postings', openErp],
  ['QMS inspections', openQms],
])('%s', (_, open) => {
  test.each<[WriteClass, number, Partial<Result>]>([
    ['natural', 1, { status: 201, repeated: true }],
    ['key', 1, { status: 201, repeated: true }],
    ['externalId', 1, { status: 409, repeated: true }],
    ['conditional', 1, { status: 412 }],
    ['queryable', 2, { status: 201 }],
    ['transportId', 1, { status: 201, repeated: true }],
    ['file', 1, { status: 409, repeated: true, earlier: { status: 201 } }],
    ['unsafe', 2, { status: 201 }],
  ])('of class %s have %i effects after two equal requests', async (writeClass, effects, second) => {
    system = await open(writeClass)
    const first = await system.send()
    expect(first).toEqual({ status: 201, number: expect.any(String) })
    expect(await system.send()).toMatchObject(second)
    expect(system.effects()).toBe(effects)
    expect(new Set(system.references())).toEqual(new Set([writeClass === 'unsafe' ? null : 'HPREF']))
  })

  test.each<WriteClass>(['natural', 'key', 'externalId', 'conditional', 'transportId', 'file'])(
    'of class %s have one effect when two equal requests run at once',
    async (writeClass) => {
      system = await open(writeClass)
      const statuses = (await Promise.all([system.send(), system.send(), system.send()])).map(({ status }) => status)
      expect(statuses.filter((status) => status === 201).length).toBeGreaterThan(0)
      expect(system.effects()).toBe(1)
    },
  )

  test('of class key remember for their window only, those of class transportId for ever', async () => {
    system = await open('key')
    await system.send()
    await runtime.advance(WINDOW_MS - 1)
    expect(await system.send()).toMatchObject({ repeated: true })
    await runtime.advance(1)
    await system.send()
    expect(system.effects()).toBe(2)
    await system.stop()
    system = await open('transportId')
    await system.send()
    await runtime.advance(365 * 86_400_000)
    await system.send()
    expect(system.effects()).toBe(1)
  })

  test('of class conditional want to be told what was seen', async () => {
    system = await open('conditional')
    expect(await system.send({ ifMatch: undefined })).toMatchObject({ status: 428 })
    expect(await system.send({ ifMatch: '99' })).toMatchObject({ status: 412 })
    expect(system.effects()).toBe(0)
  })

  test.each<[WriteClass, number]>([
    ['key', 0],
    ['transportId', 0],
    ['file', 0],
    ['externalId', 1],
    ['natural', 1],
  ])('of class %s that were refused have %i effects when sent again', async (writeClass, effects) => {
    system = await open(writeClass)
    system.refuse(1_000)
    expect((await system.send()).status).toBe(422)
    await runtime.advance(1_000)
    await system.send()
    expect(system.effects()).toBe(effects)
  })
})

test('an external id is unique also against what people made', async () => {
  const qms = createCountingQms({ runtime }, { instance: 'qms-1' })
  system = { send: async () => ({ status: 0 }), effects: () => 0, references: () => [], refuse: () => undefined, stop: () => qms.stop() }
  const number = qms.people.create({ key: 'key-1' })
  const url = await qms.start()
  expect(await send(`${url}/inspections`, { key: 'key-1', reference: 'R', attributes: {}, externalId: 'key-1' })).toMatchObject({
    status: 409,
    number,
  })
  expect(qms.books.byKey('key-1')).toHaveLength(1)
})

test('what is rolled back is forgotten with its key', async () => {
  const erp = createCountingErp({ runtime }, { instance: 'erp-1', write: { class: 'key' } })
  system = { send: async () => ({ status: 0 }), effects: () => 0, references: () => [], refuse: () => undefined, stop: () => erp.stop() }
  const url = await erp.start()
  erp.people.receive({ lines: [{ material: 'RM', batches: [{ batch: 'B', quantity: '100' }] }] })
  const item = { type: 'restriction', lot: 'batch:RM/B', reference: 'R', ...MARKS }
  erp.disturber.script({ on: 'item', fault: 'rollback' })
  expect(await send(`${url}/movements`, item)).toMatchObject({ status: 201 })
  expect(await send(`${url}/movements`, item)).toMatchObject({ status: 201, repeated: true })
  await runtime.advance(1)
  expect(await send(`${url}/movements`, item)).not.toHaveProperty('repeated')
  expect(erp.books.effectsOf('R')).toBe(1)
})
