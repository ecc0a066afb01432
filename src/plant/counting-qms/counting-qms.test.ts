import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { get, openStillRuntime, post, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createCounting } from '../counting.ts'
import { createNotices } from '../notices.ts'
import { createQmsBooks } from './books.ts'
import { type CountingQms, createCountingQms } from './counting-qms.ts'
import { createRecords } from './records.ts'

const KEY = 'erp-1:receipt:5#10#erp-1:batch:RM/B'
let runtime: StillRuntime
let qms: CountingQms
let url: string
beforeEach(async () => {
  runtime = openStillRuntime()
  qms = createCountingQms({ runtime }, { instance: 'qms-1' })
  url = await qms.start()
})
afterEach(async () => {
  await qms.stop()
  await runtime.close()
})

interface Result {
  readonly status: number
  readonly code?: string
  readonly number?: string
}
interface Native {
  readonly number: string
  readonly version: number
  readonly status: string
  readonly decision: unknown
}

async function write(path: string, item: object): Promise<Result> {
  const answer = await post(runtime, `${url}${path}`, { items: [{ reference: 'HPREF', externalId: KEY, ...item }] })
  return (answer.body as { results: Result[] }).results[0] as Result
}
const create = (key = KEY) => write('/inspections', { key, externalId: key, attributes: { lot: 'B' } })
const cancel = (key = KEY) => write('/inspections/cancel', { key, externalId: `cancel ${key}` })

async function read(key = KEY): Promise<readonly Native[]> {
  const answer = await post(runtime, `${url}/inspections/read`, { keys: [key] })
  return (answer.body as { keys: { inspections: Native[] }[] }).keys[0]?.inspections ?? []
}

describe('an inspection', () => {
  test('is created under its key, and every change is a version', async () => {
    expect(await create()).toEqual({ status: 201, number: 'QI-1' })
    const { people } = qms
    expect(people.start({ key: KEY })).toEqual({ ok: true, number: 'QI-1' })
    people.decide({
      key: KEY,
      by: 'ines',
      lines: [
        { usage: 'ACCEPT', quantity: '90', portion: { part: 'REST', except: ['HU-1'] } },
        { usage: 'REJECT', quantity: '10', portion: { part: 'CARRIERS', carriers: ['HU-1'] } },
      ],
    })
    expect(await read()).toMatchObject([
      {
        version: 3,
        status: 'DECIDED',
        decision: {
          number: 'UD-1',
          by: 'ines',
          lines: [
            { line: 1, usage: 'ACCEPT' },
            { line: 2, usage: 'REJECT' },
          ],
        },
      },
    ])
    people.reopen({ key: KEY })
    people.decide({ key: KEY, lines: [{ usage: 'REJECT', quantity: '100' }] })
    expect(qms.books.history('QI-1').map(({ version, status }) => `${version} ${status}`)).toEqual([
      '1 CREATED',
      '2 STARTED',
      '3 DECIDED',
      '4 REOPENED',
      '5 DECIDED',
    ])
    expect(qms.books.history('QI-1').map(({ decision }) => decision?.number ?? null)).toEqual([null, null, 'UD-1', null, 'UD-2'])
    expect(qms.books.violations()).toEqual([])
  })

  test('takes only steps that follow', async () => {
    await create()
    const { people } = qms
    expect(people.reopen({ key: KEY })).toEqual({ ok: false, reason: 'STATUS_WRONG' })
    expect(people.start({ key: 'nothing' })).toEqual({ ok: false, reason: 'INSPECTION_UNKNOWN' })
    people.cancel({ key: KEY })
    expect(people.decide({ key: KEY, lines: [] })).toEqual({ ok: false, reason: 'STATUS_WRONG' })
    people.create({ key: KEY })
    expect(people.start({ key: KEY })).toEqual({ ok: false, reason: 'AMBIGUOUS' })
    expect(people.start({ number: 'QI-2' })).toMatchObject({ ok: true })
  })

  test('is cancelled over the interface only before anybody starts', async () => {
    expect(await cancel()).toMatchObject({ status: 422, code: 'INSPECTION_UNKNOWN' })
    await create()
    expect(await cancel()).toEqual({ status: 201, number: 'QI-1' })
    expect(await write('/inspections/cancel', { key: KEY, reference: 'HPOTHER', externalId: 'x' })).toMatchObject({
      status: 200,
      code: 'ALREADY_CANCELLED',
    })
    await create('key-2')
    qms.people.start({ key: 'key-2' })
    expect(await cancel('key-2')).toMatchObject({ status: 422, code: 'ALREADY_STARTED' })
    qms.people.create({ key: 'key-2' })
    expect(await cancel('key-2')).toMatchObject({ status: 300, code: 'AMBIGUOUS' })
  })

  test('that a person has open is put off; new ones are refused while intake is closed', async () => {
    await create()
    qms.people.lock(KEY, 1_000)
    expect(await cancel()).toMatchObject({ status: 423, retryAfterMs: 1_000 })
    qms.people.closeIntake(1_000)
    expect(await create('key-2')).toMatchObject({ status: 422, code: 'INTAKE_CLOSED' })
    await runtime.advance(1_000)
    expect((await cancel()).status).toBe(201)
    expect((await create('key-2')).status).toBe(201)
  })

  test('shows late', async () => {
    qms.disturber.set({ readLagMsMin: 300, readLagMsMax: 300 })
    await create()
    await runtime.advance(299)
    expect(await read()).toEqual([])
    await runtime.advance(1)
    expect(await read()).toHaveLength(1)
  })
})

test('the sweep goes through all keys in pages', async () => {
  for (const key of ['c', 'a', 'b']) await create(key)
  interface Page {
    readonly keys: readonly { readonly key: string }[]
    readonly next: string | null
  }
  const first = (await get(runtime, `${url}/inspections?limit=2`)).body as Page
  const second = (await get(runtime, `${url}/inspections?limit=2&after=${first.next}`)).body as Page
  expect([...first.keys, ...second.keys].map(({ key }) => key)).toEqual(['a', 'b', 'c'])
  expect(second.next).toBeNull()
})

test('every version is announced as a snapshot', async () => {
  await create()
  qms.people.decide({ key: KEY, lines: [{ usage: 'ACCEPT', quantity: '1' }] })
  const changes = (await get(runtime, `${url}/changes?after=0`)).body as { items: { readonly data: Native }[] }
  expect(changes.items.map(({ data }) => [data.version, data.status])).toEqual([
    [1, 'CREATED'],
    [2, 'DECIDED'],
  ])
})

test('the books notice a step that cannot follow', () => {
  const notices = createNotices({ runtime }, { instance: 'qms-1', push: {} })
  const records = createRecords({ runtime, notices })
  const calls = () => ({ calls: new Map<string, number>(), rateLimited: 0, errors: 0, unauthorized: 0 })
  const books = createQmsBooks({ records, counting: createCounting({ runtime }), notices, calls })
  const made = records.create({ number: 'QI-1', externalKey: 'k', reference: null, causedBy: null, attributes: {}, by: 'x' })
  expect(books.violations()).toEqual([])
  records.change({ ...made, version: 4 }, { status: 'REOPENED', decision: { number: 'U', by: 'x', at: '', lines: [] }, by: 'x' })
  expect(books.violations()).toHaveLength(3)
})
