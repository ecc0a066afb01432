import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  BATCHES,
  changeSet,
  createS4Client,
  DOCUMENTS,
  embeddedStatuses,
  retrieval,
  type S4Client,
  STOCK,
} from '../../../test/plant/s4-client.ts'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createMemoryDisk } from '../disk.ts'
import { createS4Hana, type S4Hana } from './s4hana.ts'

let runtime: StillRuntime
let erp: S4Hana
let client: S4Client
let url: string
const HEADERS = 'A_MaterialDocumentHeader'
const BATCH_PATH = `${BATCHES}/Batch(Material='RM-100',BatchIdentifyingPlant='',Batch='B-1')`

beforeEach(async () => {
  runtime = openStillRuntime()
  const users = { HOLDPOINT: 'secret', AUDITOR: 'other' }
  const config = { instance: 'S4H', users, products: [{ product: 'RM-100' }], pageSize: 3, sessionIdleMsMax: 60_000 }
  erp = createS4Hana({ runtime, disk: createMemoryDisk() }, config)
  url = await erp.start()
  client = createS4Client(runtime, { url })
  erp.people.move({ movementType: '563', material: 'RM-100', batch: 'B-1', quantity: '100' })
})
afterEach(async () => {
  expect(erp.books.violations()).toEqual([])
  await erp.stop()
  await runtime.close()
})

const document = (quantity: string, reference = 'HP-1', batch = 'B-1'): object => ({
  GoodsMovementCode: '04',
  ReferenceDocument: reference,
  to_MaterialDocumentItem: [
    { Material: 'RM-100', Plant: '1710', StorageLocation: '171A', Batch: batch, GoodsMovementType: '321', QuantityInEntryUnit: quantity },
  ],
})
const raw = (method: string, headers: Record<string, string>): ReturnType<StillRuntime['net']['request']> =>
  runtime.net.request({
    method,
    url: `${url}${DOCUMENTS}/${HEADERS}`,
    headers: {
      authorization: `Basic ${btoa('HOLDPOINT:secret')}`,
      accept: 'application/json',
      'content-type': 'application/json',
      ...headers,
    },
    body: method !== 'POST' ? null : new TextEncoder().encode(JSON.stringify(document('1'))),
    timeoutMs: 5_000,
  })

describe('CSRF', () => {
  test('a write needs token and cookie of one session', async () => {
    const fetched = await raw('GET', { 'x-csrf-token': 'Fetch' })
    if (fetched.kind !== 'response') throw new Error(fetched.kind)
    const token = fetched.response.headers['x-csrf-token'] ?? ''
    const cookie = fetched.response.headers['set-cookie']?.split(';')[0] ?? ''
    const attempts: readonly Record<string, string>[] = [
      {},
      { cookie },
      { 'x-csrf-token': token },
      { cookie: `${cookie}x`, 'x-csrf-token': token },
    ]
    for (const headers of attempts) {
      expect(await raw('POST', headers)).toMatchObject({ response: { status: 403, headers: { 'x-csrf-token': 'Required' } } })
    }
    expect(await raw('POST', { cookie, 'x-csrf-token': token })).toMatchObject({ response: { status: 201 } })
    expect(erp.books.documentsOf('HP-1')).toHaveLength(1)
  })

  test('fetched again in a session it is the same token; a read needs none', async () => {
    await client.fetchToken()
    const first = await client.get(`${DOCUMENTS}/`, { 'x-csrf-token': 'fetch' })
    const second = await client.get(`${DOCUMENTS}/`, { 'x-csrf-token': 'fetch' })
    expect(first.headers['x-csrf-token']).toBe(second.headers['x-csrf-token'])
    expect(second.headers['set-cookie']).toBeUndefined()
    expect((await client.get(`${DOCUMENTS}/${HEADERS}`)).headers['x-csrf-token']).toBeUndefined()
  })

  test('HEAD fetches one too', async () => {
    expect(await raw('HEAD', { 'x-csrf-token': 'Fetch' })).toMatchObject({
      response: { status: 200, headers: { 'x-csrf-token': expect.any(String), 'set-cookie': expect.any(String) } },
    })
  })

  test('sessions end when they idle, when the system restarts, and when somebody ends them', async () => {
    const ends: readonly (() => Promise<void> | void)[] = [
      () => runtime.advance(60_001),
      () => erp.expireSessions(),
      async () => {
        await erp.stop()
        await erp.start()
        await client.get(DOCUMENTS)
      },
    ]
    for (const end of ends) {
      await client.fetchToken()
      expect((await client.post(document('1'))).status).toBe(201)
      await end()
      expect((await client.post(document('1'))).status).toBe(403)
      expect((await client.batch(DOCUMENTS, [retrieval(HEADERS)])).status).toBe(403)
    }
  })
})

test('who is not known is told so in HTML', async () => {
  const stranger = createS4Client(runtime, { url, password: 'wrong' })
  const answer = await stranger.get(`${DOCUMENTS}/${HEADERS}`)
  expect(answer).toMatchObject({ status: 401, headers: { 'content-type': 'text/html' } })
  erp.setUsers({ HOLDPOINT: 'wrong' })
  expect((await stranger.get(`${DOCUMENTS}/${HEADERS}`)).status).toBe(200)
  expect((await client.get('/sap/opu/odata/sap/API_NOTHING_SRV/X')).status).toBe(404)
})

test('documents are posted under the name of the caller', async () => {
  const auditor = createS4Client(runtime, { url, user: 'AUDITOR', password: 'other' })
  expect((await auditor.post(document('1'))).d.CreatedByUser).toBe('AUDITOR')
})

describe('$batch', () => {
  const create = (quantity: string, reference: string): { path: string; body: object } => ({
    path: HEADERS,
    body: document(quantity, reference),
  })

  test('each change set is posted whole or not at all, the others go on', async () => {
    const answer = await client.batch(DOCUMENTS, [
      changeSet([create('10', 'A-1'), create('20', 'A-2')]),
      changeSet([create('10', 'B-1'), create('900', 'B-2')]),
      retrieval(`${HEADERS}?$filter=ReferenceDocument%20eq%20'A-2'`),
      retrieval(`${HEADERS}?$filter=Nothing%20eq%201`),
      changeSet([create('5', 'C-1')]),
    ])
    expect(answer.status).toBe(202)
    expect(answer.headers['content-type']).toMatch(/^multipart\/mixed; ?boundary=/)
    expect(embeddedStatuses(answer)).toEqual(['201', '201', '400', '200', '400', '201'])
    expect(answer.text).toContain('M7/021')
    expect(erp.books.documents().map(({ header }) => header['ReferenceDocument'])).toEqual(['', 'A-1', 'A-2', 'C-1'])
  })

  test('a batch in a change set sees what came before it', async () => {
    const answer = await client.batch(DOCUMENTS, [changeSet([create('60', 'A-1'), create('60', 'A-2')])])
    expect(embeddedStatuses(answer)).toEqual(['400'])
    expect(erp.books.usable('RM-100')).toBe('0')
  })

  test('a changed batch master in a change set needs its ETag too', async () => {
    const part = `Content-Type: application/http\r\n\r\nPATCH ${BATCH_PATH} HTTP/1.1\r\nContent-Type: application/json\r\nIf-Match: W/"old"\r\n\r\n{"CountryOfOrigin":"DE"}\r\n`
    const answer = await client.batch(BATCHES, [`Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\n${part}--inner--\r\n`])
    expect(embeddedStatuses(answer)).toEqual(['412'])
  })

  test('a change set whose update task fails is gone as a whole, though it was answered', async () => {
    await client.fetchToken()
    erp.disturber.script({ on: 'item', fault: 'rollback' })
    const answer = await client.batch(DOCUMENTS, [changeSet([create('1', 'A-1'), create('1', 'A-2')]), changeSet([create('1', 'A-3')])])
    expect(embeddedStatuses(answer)).toEqual(['201', '201', '201'])
    expect(erp.books.documents().map(({ header, number }) => [header['ReferenceDocument'], number])).toEqual([
      ['', '4900000000'],
      ['A-3', '4900000003'],
    ])
    expect(erp.books.asked().map(({ outcome }) => outcome)).toEqual(['rolledBack', 'rolledBack', 'posted'])
  })

  test('torn in the middle it has done its first half, and nobody is told', async () => {
    await client.fetchToken()
    erp.disturber.script({ on: 'write', fault: 'errorMidBatch' })
    const answer = await client.batch(DOCUMENTS, [changeSet([create('1', 'A-1')]), changeSet([create('1', 'A-2')])])
    expect(answer.status).toBe(500)
    expect(erp.books.documents().map(({ header }) => header['ReferenceDocument'])).toEqual(['', 'A-1'])
  })
})

test('pages are the server’s, and their links can be followed', async () => {
  for (let index = 0; index < 6; index += 1) await client.post(document('1', `R-${index}`))
  const first = await client.get(`${DOCUMENTS}/${HEADERS}?$select=ReferenceDocument&$inlinecount=allpages`)
  expect(first.d.results).toHaveLength(3)
  expect(first.d.__count).toBe('7')
  const seen = [...first.d.results]
  let next: string | undefined = first.d.__next
  while (next !== undefined) {
    expect(next.startsWith(url)).toBe(true)
    const page = await client.get(next.slice(url.length))
    seen.push(...page.d.results)
    next = page.d.__next
  }
  expect(seen.map((header) => header.ReferenceDocument)).toEqual(['', 'R-0', 'R-1', 'R-2', 'R-3', 'R-4', 'R-5'])
})

test('another release calls a field differently', async () => {
  erp.setDrift({
    renamed: { 'A_MatlStkInAcctMod.MatlWrhsStkQtyInMatlBaseUnit': 'StockQuantity' },
    added: { 'A_MatlStkInAcctMod.ABC': 'A' },
  })
  const answer = await client.get(`${STOCK}/A_MatlStkInAcctMod`)
  expect(answer.d.results).toMatchObject([{ StockQuantity: '100', ABC: 'A' }])
  expect(answer.d.results[0]).not.toHaveProperty('MatlWrhsStkQtyInMatlBaseUnit')
  erp.setDrift({})
  expect((await client.get(`${STOCK}/A_MatlStkInAcctMod`)).d.results).toMatchObject([{ MatlWrhsStkQtyInMatlBaseUnit: '100' }])
})
