import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { get, openStillRuntime, post, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { amountOf } from '../amount.ts'
import { createCounting } from '../counting.ts'
import { createNotices } from '../notices.ts'
import { createErpBooks } from './books.ts'
import { type CountingErp, type CountingErpConfig, createCountingErp } from './counting-erp.ts'
import { createStock } from './stock.ts'

const LOT = 'batch:RM-100/B-1'
const QI = { plant: 'P1', storageLocation: '0001', carrier: null, stock: 'QI', owner: '' }
const open: CountingErp[] = []
let runtime: StillRuntime

beforeEach(() => {
  runtime = openStillRuntime()
})
afterEach(async () => {
  for (const erp of open.splice(0)) await erp.stop()
  await runtime.close()
})

async function startErp(config: Partial<CountingErpConfig> = {}): Promise<{ readonly erp: CountingErp; readonly url: string }> {
  const erp = createCountingErp({ runtime }, { instance: 'erp-1', ...config })
  open.push(erp)
  return { erp, url: await erp.start() }
}

function receive(erp: CountingErp, quantity = '100', material = 'RM-100'): string {
  return erp.people.receive({ vendor: 'V-7', lines: [{ material, batches: [{ batch: 'B-1', quantity }] }] })
}

interface Results {
  readonly results: readonly { readonly status: number; readonly code?: string; readonly number?: string }[]
}

async function move(url: string, change: object = {}): Promise<Results['results'][number]> {
  const item = { type: 'posting', lot: LOT, reference: 'HPREF00000000001', from: QI, to: 'UNR', quantity: '40', unit: 'PC', ...change }
  const answer = await post(runtime, `${url}/movements`, { items: [item] })
  const [result] = (answer.body as Results).results
  if (result === undefined) throw new Error(`answered ${answer.status}`)
  return result
}

async function readLot(url: string, lot = LOT): Promise<NativeLot> {
  const answer = await post(runtime, `${url}/lots/read`, { lots: [lot] })
  return (answer.body as { lots: NativeLot[] }).lots[0] as NativeLot
}

interface NativeLot {
  readonly known: boolean
  readonly etag: string
  readonly restricted: { readonly reference: string | null } | null
  readonly buckets: readonly {
    readonly stock: string
    readonly quantity: string
    readonly available: boolean
    readonly carrier: string | null
  }[]
  readonly documents: readonly { readonly number: string; readonly reference: string | null; readonly reverses: string | null }[]
}

const stocks = (lot: NativeLot): Record<string, string> => Object.fromEntries(lot.buckets.map(({ stock, quantity }) => [stock, quantity]))

describe('receipts', () => {
  test('land in quality inspection and are not available', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    const lot = await readLot(url)
    expect(lot.buckets).toMatchObject([{ stock: 'QI', quantity: '100', available: false }])
    expect(erp.books.usable(LOT)).toBe('0')
  })

  test('of a badly configured material land unrestricted, at once usable', async () => {
    const { erp } = await startErp({ materials: { 'RM-BAD': { lands: 'UNR' } } })
    receive(erp, '5', 'RM-BAD')
    expect(erp.books.usable('batch:RM-BAD/B-1')).toBe('5')
    expect(erp.books.usableSpans('batch:RM-BAD/B-1')).toEqual([{ fromMs: 0, toMs: null }])
  })

  test('of a material without batches are kept by receipt line', async () => {
    const { erp } = await startErp({ materials: { BULK: { batchManaged: false, unit: 'KG' } } })
    const number = erp.people.receive({ lines: [{ material: 'BULK', batches: [{ quantity: '12.5' }] }] })
    expect(erp.books.lot(`receiptLine:${number}/10`)).toMatchObject({ batch: null, unit: 'KG' })
  })

  test('are reversed once, from where the stock is, inspection stock first', async () => {
    const { erp, url } = await startErp()
    const number = receive(erp)
    await move(url)
    expect(erp.people.reverseReceipt({ receipt: number, quantity: '70' })).toMatchObject({ ok: true })
    expect(stocks(await readLot(url))).toEqual({ UNR: '30' })
    expect(erp.people.reverseReceipt({ receipt: number })).toMatchObject({ ok: true })
    expect(erp.people.reverseReceipt({ receipt: number })).toEqual({ ok: false, reason: 'ALREADY_REVERSED' })
    expect(erp.books.violations()).toEqual([])
  })
})

describe('postings', () => {
  test('move quantity between stock types and leave a document with the reference', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    const result = await move(url)
    expect(result).toMatchObject({ status: 201 })
    const lot = await readLot(url)
    expect(stocks(lot)).toEqual({ QI: '60', UNR: '40' })
    expect(lot.documents.at(-1)).toMatchObject({ number: result.number, reference: 'HPREF00000000001', reverses: null })
    expect(erp.books.effectsOf('HPREF00000000001')).toBe(1)
  })

  test('stand alone in a batch', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    const item = { type: 'posting', lot: LOT, from: QI, to: 'BLK', unit: 'PC' }
    const answer = await post(runtime, `${url}/movements`, {
      items: [
        { ...item, reference: 'A', quantity: '101' },
        { ...item, reference: 'B', quantity: '100' },
        { ...item, reference: 'C', quantity: '1', lot: 'batch:RM-100/B-2' },
        { nonsense: true },
      ],
    })
    expect((answer.body as Results).results).toMatchObject([
      { status: 422, code: 'STOCK_DEFICIT' },
      { status: 201 },
      { status: 422, code: 'LOT_UNKNOWN' },
      { status: 400 },
    ])
  })

  test.each([
    ['another unit', { unit: 'KG' }, 'UNIT_WRONG'],
    ['an empty bucket', { from: { ...QI, carrier: 'HU-1' } }, 'STOCK_DEFICIT'],
  ])('with %s are refused', async (_, change, code) => {
    const { erp, url } = await startErp()
    receive(erp)
    expect(await move(url, change)).toMatchObject({ status: 422, code })
    expect(erp.books.effects()).toEqual([])
  })

  test('are refused while the period is closed, put off while a person has the lot open', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    erp.people.closePeriod(1_000)
    expect(await move(url)).toMatchObject({ status: 422, code: 'PERIOD_CLOSED' })
    erp.people.lockLot(LOT, 2_000)
    await runtime.advance(1_500)
    expect(await move(url)).toMatchObject({ status: 423, retryAfterMs: 500 })
    await runtime.advance(500)
    expect(await move(url)).toMatchObject({ status: 201 })
  })
})

describe('restrictions', () => {
  test('make every bucket unusable, neither lock nor period stops them', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    await move(url)
    erp.people.closePeriod(1_000)
    erp.people.lockLot(LOT, 1_000)
    expect(erp.books.usable(LOT)).toBe('40')
    expect(await move(url, { type: 'restriction', reference: 'R1' })).toMatchObject({ status: 201 })
    expect(erp.books.usable(LOT)).toBe('0')
    expect((await readLot(url)).restricted).toMatchObject({ reference: 'R1' })
    expect(erp.people.consume({ lot: LOT, quantity: '1' })).toEqual({ ok: false, reason: 'BATCH_RESTRICTED' })
    expect(await move(url, { type: 'restriction', reference: 'R2' })).toMatchObject({ status: 200, code: 'ALREADY_SO' })
    expect(await move(url, { type: 'restrictionEnd', reference: 'R3' })).toMatchObject({ status: 201 })
    expect(erp.books.usable(LOT)).toBe('40')
    expect([...erp.books.effects()].map(({ effect }) => effect)).toEqual(['posting', 'restriction', 'restrictionEnd'])
  })

  test('that a person sets carry no reference, also over ours', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    await move(url, { type: 'restriction', reference: 'R1' })
    erp.people.restrict({ lot: LOT, by: 'mia' })
    expect((await readLot(url)).restricted).toMatchObject({ reference: null, by: 'mia' })
  })
})

describe('people', () => {
  test('block, unblock, move to a carrier, consume and count with documents of their own', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    await move(url, { quantity: '100' })
    const { people } = erp
    expect(people.transfer({ lot: LOT, from: { stock: 'UNR' }, to: { carrier: 'HU-1' }, quantity: '30' })).toMatchObject({ ok: true })
    expect(people.block({ lot: LOT, from: { carrier: 'HU-1' }, by: 'eve' })).toMatchObject({ ok: true })
    expect(people.unblock({ lot: LOT, quantity: '10' })).toMatchObject({ ok: true })
    expect(people.consume({ lot: LOT, quantity: '70', carrier: null })).toMatchObject({ ok: true })
    expect(people.consume({ lot: LOT, quantity: '11' })).toEqual({ ok: false, reason: 'STOCK_DEFICIT' })
    expect(people.count({ lot: LOT, at: { stock: 'BLK', carrier: 'HU-1' }, quantity: '-5' })).toMatchObject({ ok: true })
    expect((await readLot(url)).buckets).toMatchObject([
      { stock: 'BLK', carrier: 'HU-1', quantity: '15' },
      { stock: 'UNR', carrier: 'HU-1', quantity: '10' },
    ])
    expect((await readLot(url)).documents.slice(2).every(({ reference }) => reference === null)).toBe(true)
    expect(erp.books.violations()).toEqual([])
  })

  test('reverse a document once, while its stock is there', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    const { number = '' } = await move(url)
    expect(erp.people.reverseMovement({ number })).toMatchObject({ ok: true })
    expect(stocks(await readLot(url))).toEqual({ QI: '100' })
    expect((await readLot(url)).documents.at(-1)).toMatchObject({ reverses: number, reference: null })
    expect(erp.people.reverseMovement({ number })).toEqual({ ok: false, reason: 'ALREADY_REVERSED' })
  })

  test('may take a bucket below zero where that is allowed', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    expect(erp.people.consume({ lot: LOT, quantity: '3' })).toEqual({ ok: false, reason: 'NOT_UNRESTRICTED' })
    expect(erp.people.consume({ lot: LOT, quantity: '3', allowNegative: true })).toMatchObject({ ok: true })
    expect((await readLot(url)).buckets).toMatchObject([{ stock: 'QI' }, { stock: 'UNR', quantity: '-3', available: false }])
  })
})

describe('reading', () => {
  test('shows a lot as it was one lag ago, and the etag of then', async () => {
    const { erp, url } = await startErp({ disturbances: { readLagMsMin: 500, readLagMsMax: 500 } })
    receive(erp)
    expect((await readLot(url)).known).toBe(false)
    await runtime.advance(1_000)
    await move(url)
    const before = await readLot(url)
    await runtime.advance(499)
    expect(await readLot(url)).toEqual(before)
    expect(stocks(before)).toEqual({ QI: '100' })
    await runtime.advance(1)
    const after = await readLot(url)
    expect(stocks(after)).toEqual({ QI: '60', UNR: '40' })
    expect(after.etag).not.toBe(before.etag)
    expect(after.documents).toHaveLength(2)
  })

  test('goes through all lots in pages, each at its own time', async () => {
    const { erp, url } = await startErp()
    for (const batch of ['B-1', 'B-2', 'B-3']) erp.people.receive({ lines: [{ material: 'RM-100', batches: [{ batch, quantity: '1' }] }] })
    interface Page {
      readonly lots: readonly { readonly lot: string; readonly buckets: readonly { readonly stock: string }[] }[]
      readonly next: string | null
    }
    const first = (await get(runtime, `${url}/lots?limit=2`)).body as Page
    erp.people.move({ lot: 'batch:RM-100/B-1', from: {}, to: { stock: 'BLK' } })
    erp.people.move({ lot: 'batch:RM-100/B-3', from: {}, to: { stock: 'BLK' } })
    const second = (await get(runtime, `${url}/lots?limit=2&after=${encodeURIComponent(first.next ?? '')}`)).body as Page
    expect(first.lots.map(({ lot }) => lot)).toEqual(['batch:RM-100/B-1', 'batch:RM-100/B-2'])
    expect([first.lots[0]?.buckets[0]?.stock, second.lots[0]?.buckets[0]?.stock]).toEqual(['QI', 'BLK'])
    expect([second.lots.length, second.next]).toEqual([1, null])
  })

  test('in a torn page mixes moments of one lot', async () => {
    const { erp, url } = await startErp({ disturbances: { sweepTornShare: 1, sweepTornMsMax: 2_000 } })
    receive(erp)
    await runtime.advance(1_500)
    await move(url, { quantity: '100' })
    const page = (await get(runtime, `${url}/lots`)).body as { lots: NativeLot[] }
    expect(stocks(page.lots[0] as NativeLot)).toEqual({ QI: '100', UNR: '100' })
    expect(page.lots[0]?.documents).toHaveLength(1)
    expect(stocks(await readLot(url))).toEqual({ UNR: '100' })
  })

  test('gives native notices after a sequence, oldest first', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    await move(url)
    erp.people.block({ lot: LOT })
    interface Changes {
      readonly items: readonly { readonly data: { readonly kind: string } }[]
      readonly next: string
      readonly more: boolean
    }
    const first = (await get(runtime, `${url}/changes?after=0&limit=2`)).body as Changes
    const second = (await get(runtime, `${url}/changes?after=${first.next}&limit=2`)).body as Changes
    expect([...first.items, ...second.items].map(({ data }) => data.kind)).toEqual(['goodsReceipt', 'movement', 'movement'])
    expect([first.more, second.more]).toEqual([true, false])
  })
})

describe('the server', () => {
  test('stops and starts on the same port with the stock it had; what was still waiting is gone', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    erp.disturber.script({ on: 'write', fault: 'slow', ms: 800 })
    const waiting = move(url).catch(() => 'no result')
    await expect.poll(() => erp.books.counts().calls.get('/movements')).toBe(1)
    const stopped = erp.stop()
    await runtime.advance(800)
    await stopped
    expect(await waiting).toBe('no result')
    await expect(readLot(url)).rejects.toThrow('notSent')
    expect(await erp.start()).toBe(url)
    expect(stocks(await readLot(url))).toEqual({ QI: '100' })
  })

  test('lets nobody in without the token', async () => {
    const { url, erp } = await startErp({ token: 'secret' })
    expect((await post(runtime, `${url}/lots/read`, { lots: [] })).status).toBe(401)
    erp.setToken(null)
    expect((await post(runtime, `${url}/lots/read`, { lots: [] })).status).toBe(200)
  })

  test('answers what it cannot use with 400 or 404', async () => {
    const { url } = await startErp()
    expect((await post(runtime, `${url}/movements`, {})).status).toBe(400)
    expect((await post(runtime, `${url}/nothing`, {})).status).toBe(404)
    expect((await get(runtime, `${url}/changes?after=x`)).status).toBe(400)
  })
})

describe('an update task', () => {
  test('works after the answer', async () => {
    const { erp, url } = await startErp({ write: { commit: 'afterReply' }, disturbances: { updateMsMax: 1_000 } })
    receive(erp)
    expect(await move(url)).toMatchObject({ status: 201 })
    expect([erp.books.effects().length, erp.books.unsettled()]).toEqual([0, 2])
    await runtime.advance(1_000)
    expect(erp.books.effectsOf('HPREF00000000001')).toBe(1)
  })

  test('that fails leaves nothing but a number that was never used', async () => {
    const { erp, url } = await startErp()
    receive(erp)
    erp.disturber.script({ on: 'item', fault: 'rollback' })
    const { number } = await move(url)
    await runtime.advance(1)
    expect(erp.books.rolledBack()).toEqual([{ reference: 'HPREF00000000001', subject: LOT, number }])
    expect(stocks(await readLot(url))).toEqual({ QI: '100' })
    expect(erp.books.effects()).toEqual([])
  })

  test('finds the stock as it then is', async () => {
    const { erp, url } = await startErp({ write: { commit: 'afterReply' } })
    receive(erp)
    await move(url, { quantity: '80' })
    erp.people.move({ lot: LOT, from: {}, to: { stock: 'BLK' }, quantity: '50' })
    await runtime.advance(1)
    expect(erp.books.rolledBack()).toHaveLength(1)
    expect(stocks(await readLot(url))).toEqual({ QI: '50', BLK: '50' })
  })
})

test('the books notice stock that no document explains', () => {
  const stock = createStock({ runtime }, { locations: {}, historyPerLotMax: 10 })
  const notices = createNotices({ runtime }, { instance: 'erp-1', push: {} })
  const calls = () => ({ calls: new Map<string, number>(), rateLimited: 0, errors: 0, unauthorized: 0 })
  const books = createErpBooks({ stock, counting: createCounting({ runtime }), notices, receipts: new Map(), calls })
  const lot = stock.open({ lot: LOT, material: 'RM-100', batch: 'B-1', unit: 'PC' })
  const place = { plant: 'P1', storageLocation: '0001', carrier: null, stock: 'QI', owner: '' } as const
  stock.post({ lot, number: '1', kind: 'receipt', from: null, to: place, amount: amountOf('10'), by: 'x' })
  expect(books.violations()).toEqual([])
  lot.buckets.set('P1|0001||QI|', { ...place, amount: amountOf('11') })
  expect(books.violations()).toHaveLength(1)
  stock.post({ lot, number: '2', kind: 'receiptReversal', from: place, to: null, amount: amountOf('11'), by: 'x', reverses: '1' })
  expect(books.violations().at(-1)).toContain('reversed for more')
  stock.post({ lot, number: '2', kind: 'count', from: null, to: place, amount: amountOf('1'), by: 'x' })
  expect(books.violations().at(-1)).toContain('used twice')
})

test('usable spans follow stock and restriction', async () => {
  const { erp, url } = await startErp()
  receive(erp)
  await runtime.advance(10)
  await move(url)
  await runtime.advance(10)
  erp.people.restrict({ lot: LOT })
  await runtime.advance(10)
  erp.people.unrestrict({ lot: LOT })
  expect(erp.books.usableSpans(LOT)).toEqual([
    { fromMs: 10, toMs: 20 },
    { fromMs: 30, toMs: null },
  ])
})
