import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createMemoryDisk } from '../disk.ts'
import { createQms, type Qms } from './qms.ts'
import { createWireClient, type WireClient } from './wire-client.ts'

let runtime: StillRuntime
let qms: Qms
let client: WireClient
let randoms: number[]
beforeEach(async () => {
  randoms = []
  runtime = openStillRuntime({ random: () => randoms.shift() ?? 0.999 })
  qms = createQms({ runtime, disk: createMemoryDisk(), hmacSha256: (key, text) => createHmac('sha256', key).update(text).digest() })
  client = createWireClient(runtime, await qms.start())
  await client.logIn()
  qms.people.makePlan({ item: 'RM-100' })
})
afterEach(async () => {
  await qms.stop()
  await runtime.close()
})

const create = (...names: string[]) =>
  client.write(
    '/objects/inspections?idParam=external_id',
    names.map((name) => ({ external_id: name, item: 'RM-100', lot: `LOT-${name}`, lot_quantity: '1', unit: 'PC', site: '1010' })),
  )
interface Page {
  readonly data: readonly Readonly<Record<string, unknown>>[]
  readonly responseDetails: { readonly size: number; readonly page_size: number; readonly next_page_token: string | null }
}
async function page(query: string): Promise<Page> {
  const { body } = await client.get(`/objects/inspections${query}`)
  if (body['responseStatus'] !== 'SUCCESS') throw new Error(JSON.stringify(body))
  return body as unknown as Page
}
const names = ({ data }: Page) => data.map((shown) => shown['external_id'])
async function all(query: string): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for (let token: string | null = ''; token !== null; ) {
    const next: Page = await page(`${query}${token === '' ? '' : `&page_token=${encodeURIComponent(token)}`}`)
    found.push(...names(next))
    token = next.responseDetails.next_page_token
  }
  return found
}
const change = (name: string, description: string) => qms.people.edit({ external_id: name }, { description })
const refusal = async (path: string) => ((await client.get(path)).body['errors'] as { readonly type: string }[] | undefined)?.[0]?.type

describe('a read by keys', () => {
  test('answers key by key, by id or by external id', async () => {
    await create('a', 'b')
    const read = async (keys: object) => (await client.post('/objects/inspections/read', keys)).body['data']
    expect(await read({ external_ids: ['b', 'x', 'a'] })).toMatchObject([
      { responseStatus: 'SUCCESS', key: 'b', records: [{ external_id: 'b', lot: 'LOT-b' }] },
      { responseStatus: 'FAILURE', key: 'x', errors: [{ type: 'NOT_FOUND' }] },
      { responseStatus: 'SUCCESS', key: 'a', records: [{ number: 'INS-000001' }] },
    ])
    expect(await read({ ids: ['V5I000000000002'] })).toMatchObject([{ key: 'V5I000000000002', records: [{ external_id: 'b' }] }])
  })

  test('takes 500 keys, and nothing else', async () => {
    const type = async (body: object) => {
      const answer = await client.post('/objects/inspections/read', body)
      return (answer.body['errors'] as { type: string }[] | undefined)?.[0]?.type
    }
    expect(await type({ ids: Array.from({ length: 501 }, () => 'x') })).toBe('BATCH_TOO_LARGE')
    expect(await type({ ids: Array.from({ length: 500 }, () => 'x') })).toBeUndefined()
    expect(await type({ numbers: ['INS-1'] })).toBe('UNKNOWN_FIELD')
    expect(await type({})).toBe('PARAMETER_REQUIRED')
  })

  test('shows a record as it was a read lag ago', async () => {
    qms.disturber.set({ readLagMsMin: 300, readLagMsMax: 300 })
    await create('a')
    await runtime.advance(299)
    await expect(client.show('a')).rejects.toThrow('NOT_FOUND')
    await runtime.advance(1)
    expect(await client.show('a')).toMatchObject({ version: 1, description: null })
    change('a', 'new')
    expect(await client.show('a')).toMatchObject({ version: 1, description: null })
    await runtime.advance(300)
    expect(await client.show('a')).toMatchObject({ version: 2, description: 'new' })
    qms.people.edit({ external_id: 'a' }, { external_id: 'b' })
    await expect(client.show('b')).rejects.toThrow('NOT_FOUND')
  })
})

describe('a query', () => {
  test('goes through all records in pages', async () => {
    await create('c', 'a', 'b')
    const first = await page('?page_size=2')
    expect(names(first)).toEqual(['c', 'a'])
    expect(first.responseDetails).toMatchObject({ size: 2, page_size: 2 })
    expect(await all('?page_size=2')).toEqual(['c', 'a', 'b'])
    expect(await all('?page_size=3')).toEqual(['c', 'a', 'b'])
  })

  test('filters by fields and status', async () => {
    await create('a', 'b')
    qms.people.start({ external_id: 'b' })
    expect(await all('?lot=LOT-a')).toEqual(['a'])
    expect(await all('?status=in_progress&item=RM-100')).toEqual(['b'])
    expect(await all('?status=in_progress&lot=LOT-a')).toEqual([])
  })

  test('since a time includes that whole second: nothing of it is missed, and some comes again', async () => {
    await create('a')
    await runtime.advance(400)
    await create('b')
    await runtime.advance(600)
    await create('c')
    expect((await client.show('b'))['modified_at']).toBe('2026-11-02T08:00:00Z')
    expect(await all('?modified_since=2026-11-02T08:00:00Z')).toEqual(['a', 'b', 'c'])
    expect(await all('?modified_since=2026-11-02T08:00:01Z')).toEqual(['c'])
    change('a', 'new')
    expect(await all('?modified_since=2026-11-02T08:00:01Z&page_size=1')).toEqual(['a', 'c'])
    expect(await all('?modified_since=2026-11-02T08:00:02Z')).toEqual([])
  })

  test('shows what changes between two pages again, at the end', async () => {
    await create('a', 'b', 'c')
    const first = await page('?modified_since=2026-11-02T08:00:00Z&page_size=2')
    await runtime.advance(1_000)
    change('a', 'new')
    const token = encodeURIComponent(first.responseDetails.next_page_token ?? '')
    const second = await page(`?modified_since=2026-11-02T08:00:00Z&page_size=2&page_token=${token}`)
    expect([names(first), names(second)]).toEqual([
      ['a', 'b'],
      ['c', 'a'],
    ])
  })

  test('misses what its read lag hides from a reader without overlap', async () => {
    qms.disturber.set({ readLagMsMin: 2_000, readLagMsMax: 2_000 })
    await create('late')
    await runtime.advance(1_500)
    expect(await all('?modified_since=2026-11-02T08:00:00Z')).toEqual([])
    await runtime.advance(500)
    expect(await all('?modified_since=2026-11-02T08:00:01Z')).toEqual([])
    expect(await all('?modified_since=2026-11-02T08:00:00Z')).toEqual(['late'])
  })

  test('may tear a page: each record as of another moment', async () => {
    await create('a', 'b')
    await runtime.advance(1_000)
    change('a', 'new')
    change('b', 'new')
    qms.disturber.set({ sweepTornShare: 0.5, sweepTornMsMax: 1_000 })
    randoms = [0.1, 0.9, 0]
    expect((await page('')).data.map(({ description }) => description)).toEqual([null, 'new'])
  })

  test.each([
    ['?colour=red', 'UNKNOWN_FIELD'],
    ['?modified_since=yesterday', 'INVALID_DATA'],
    ['?modified_since=2026-11-02T08:00:00.000Z', 'INVALID_DATA'],
    ['?page_size=0', 'INVALID_DATA'],
    ['?page_size=501', 'INVALID_DATA'],
    ['?page_token=nonsense', 'INVALID_PAGE_TOKEN'],
  ])('%s is refused: %s', async (query, type) => {
    expect(await refusal(`/objects/inspections${query}`)).toBe(type)
  })

  test('takes a page token of its own only', async () => {
    await create('a', 'b')
    const token = encodeURIComponent((await page('?page_size=1')).responseDetails.next_page_token ?? '')
    expect(await refusal(`/objects/inspections?page_size=1&page_token=${token}`)).toBeUndefined()
    expect(await refusal(`/objects/inspections?page_size=1&lot=LOT-b&page_token=${token}`)).toBe('INVALID_PAGE_TOKEN')
  })
})

test('what does not exist has no actions, and plans have no other filters', async () => {
  expect(await refusal('/objects/inspections/V5I000000000009/actions')).toBe('NOT_FOUND')
  expect(await refusal('/objects/inspection_plans?colour=red')).toBe('UNKNOWN_FIELD')
})
