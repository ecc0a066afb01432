import { describe, expect, test } from 'vitest'
import { createRig, journalOf, openIntake, type Rig, request } from '../../test/engine/rig.ts'
import { lotOf, movement } from '../../test/engine/scripted.ts'
import type { ToyItem } from '../../test/engine/toy-system.ts'
import type { Store, StoreHealth } from '../store/store.ts'
import { partitionOf } from './derive.ts'
import type { Entry } from './entries.ts'
import type { ExceptionRecord } from './exceptions.ts'
import type { Intake } from './intake.ts'

const item = (document: string, change: Partial<ToyItem> = {}, by = ''): ToyItem => ({ data: movement(document, 'A', by), ...change })
const version = (number: string, by = ''): ToyItem => ({
  data: movement(`D${number}`, 'A', by),
  identity: { kind: 'versioned', record: 'order/1', version: number, compare: 'integer' },
})

async function results(intake: Intake, ...items: readonly ToyItem[]): Promise<string[]> {
  const answers = await intake.accept(request(...items))
  return answers.map((answer) => (answer.result === 'parked' ? answer.code : answer.result))
}

/** The journal in words: documents that were recorded, `stale` or parked with their code. */
async function journal(store: Store, partition = 0): Promise<string[]> {
  const word = (entry: Entry): string[] => {
    if (entry.kind === 'input') return [`${(entry.event.data as { document: string }).document}${entry.stale ? ' stale' : ''}`]
    if (entry.kind === 'parked') return [`parked ${entry.source.record} ${entry.code}`]
    return entry.kind === 'exception' ? [`${entry.change} ${entry.code}`] : []
  }
  return (await journalOf(store, partition)).flatMap(word)
}

async function delivered(store: Store, partition = 0): Promise<string[]> {
  const entries = await journalOf(store, partition)
  return (await store.readInbox(partition, 0, 1_000)).map((row) => {
    const entry = entries[row.from.sequence - 1]
    return entry?.kind === 'input' ? (entry.event.data as { document: string }).document : ''
  })
}

async function open(
  options?: Parameters<typeof createRig>[0],
): Promise<{ readonly rig: Rig; readonly intake: Intake; readonly store: Rig['store'] }> {
  const rig = createRig(options)
  return { rig, intake: await openIntake(rig), store: rig.store }
}

async function exceptions(store: Store): Promise<ExceptionRecord[]> {
  const rows = await store.scanRows({ table: 'exception', activeOnly: true, after: '', limit: 100 })
  return rows.map(({ body }) => JSON.parse(body) as ExceptionRecord)
}

async function parkedRows(store: Store): Promise<number> {
  return (await store.scanRows({ table: 'parked', after: '', limit: 100 })).length
}

describe('duplicates', () => {
  test('are told within a request, across requests that travel together, and across commits', async () => {
    const { intake, store } = await open()
    expect(await results(intake, item('D1'), item('D1'), item('D2'))).toEqual(['recorded', 'duplicate', 'recorded'])
    expect(await Promise.all([results(intake, item('D3')), results(intake, item('D3'), item('D4'))])).toEqual([
      ['recorded'],
      ['duplicate', 'recorded'],
    ])
    expect(await results(intake, item('D1'))).toEqual(['duplicate'])
    expect(await journal(store)).toEqual(['D1', 'D2', 'D3', 'D4'])
    expect(await delivered(store)).toEqual(['D1', 'D2', 'D3', 'D4'])
  })

  test('a second delivery may differ around its data', async () => {
    const { intake } = await open()
    expect(await results(intake, item('D1'))).toEqual(['recorded'])
    expect(await results(intake, item('D1', { lane: 'critical' }))).toEqual(['duplicate'])
  })
})

test('an older version is journalled and delivered to nobody', async () => {
  const { intake, store } = await open()
  expect(await results(intake, version('2'), version('1'), version('3'), version('1'))).toEqual([
    'recorded',
    'stale',
    'recorded',
    'duplicate',
  ])
  expect(await journal(store)).toEqual(['D2', 'D1 stale', 'D3'])
  expect(await delivered(store)).toEqual(['D2', 'D3'])
})

describe('what cannot be accepted', () => {
  test.each([
    ['identifyThrows', 'mapping.failed', 'cannot identify'],
    ['notIdentified', 'input.malformed', 'no number'],
    ['mapThrows', 'mapping.failed', 'cannot map'],
    ['notMapped', 'mapping.failed', 'unknown unit XBX'],
    ['breaksContract', 'contract.violated', 'holdpoint.inventory.moved.v1 /quantity'],
  ] as const)('%s parks this item and no other', async (fault, code, detail) => {
    const { intake, store } = await open()
    expect(await results(intake, item('D1'), item('D2', { fault }), item('D3'))).toEqual(['recorded', code, 'recorded'])
    expect(await delivered(store)).toEqual(['D1', 'D3'])
    expect(await exceptions(store)).toMatchObject([{ code, detail: expect.stringContaining(detail), closedAt: null }])
    expect(await parkedRows(store)).toBe(1)
    // The same again: it waits already.
    expect(await results(intake, item('D2', { fault }))).toEqual([code])
    expect([await parkedRows(store), (await exceptions(store)).length]).toEqual([1, 1])
  })

  test('a version that cannot be compared parks its record', async () => {
    const { intake, store } = await open()
    expect(await results(intake, version('1'), version('two'), item('D3'), version('2'))).toEqual([
      'recorded',
      'input.malformed',
      'recorded',
      'input.malformed',
    ])
    expect(await delivered(store)).toEqual(['D1', 'D3'])
  })

  test('data nested deeper than the stack is kept and stops nobody', async () => {
    const { intake, store } = await open()
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as never
    const [answers, others] = await Promise.all([
      intake.accept({ bytes: new Uint8Array(), items: [{ instance: 'erp-1', item: { data: deep } }] }),
      results(intake, item('D1')),
    ])
    expect(answers).toMatchObject([{ result: 'parked', code: 'input.malformed' }])
    expect(others).toEqual(['recorded'])
    expect(await parkedRows(store)).toBe(1)
  })

  test('an unknown source is kept with its bytes', async () => {
    const { intake, store } = await open()
    const { bytes } = request(item('D1'))
    const [answer] = await intake.accept({ bytes, items: [{ instance: 'erp-9', item: item('D1') }] })
    expect(answer).toMatchObject({ result: 'parked', code: 'input.sourceUnknown' })
    const [row] = await store.scanRows({ table: 'parked', after: '', limit: 10 })
    const { raw } = JSON.parse(row?.body ?? '') as { raw: string }
    expect(await store.readRaw(raw.slice(0, raw.lastIndexOf('/')))).toEqual(bytes)
  })
})

describe('a conflict', () => {
  test('parks its record: what comes later waits behind it in order, others and holds pass', async () => {
    const { intake, store } = await open()
    expect(await results(intake, version('1'))).toEqual(['recorded'])
    expect(await results(intake, version('1', 'other'), version('2'), item('D7'))).toEqual([
      'identity.conflict',
      'identity.conflict',
      'recorded',
    ])
    expect(await results(intake, version('3'), { ...version('4'), lane: 'safety' })).toEqual(['identity.conflict', 'recorded'])
    expect(await delivered(store)).toEqual(['D1', 'D7', 'D4'])
    expect(await journal(store)).toEqual([
      'D1',
      'parked order/1 identity.conflict',
      'opened identity.conflict',
      'parked order/1 identity.conflict',
      'D7',
      'parked order/1 identity.conflict',
      'D4',
    ])
    const waiting = await store.scanRows({ table: 'parked', tag: 'erp-1/order/1', after: '', limit: 10 })
    const order = waiting.map(({ body }) => (JSON.parse(body) as { raw: string }).raw)
    expect(order).toEqual([...order].sort())
    expect(order).toHaveLength(3)
    expect(await exceptions(store)).toMatchObject([{ code: 'identity.conflict', native: { instance: 'erp-1', record: 'order/1' } }])
  })

  test('parked inputs of one request keep their order beyond ten', async () => {
    const { intake, store } = await open()
    await results(intake, version('1'))
    await results(intake, version('1', 'other'), ...Array.from({ length: 12 }, (_, index) => version(String(index + 2))))
    const rows = await store.scanRows({ table: 'parked', after: '', limit: 100 })
    const places = rows.map(({ body }) => Number((JSON.parse(body) as { raw: string }).raw.split('/').at(-1)))
    expect(places).toEqual(Array.from({ length: 13 }, (_, index) => index))
  })
})

test('inputs go to the partition of their record, deliveries to that of their lot', async () => {
  const { intake, store } = await open({ partitions: 8 })
  expect(await results(intake, item('D1'))).toEqual(['recorded'])
  const home = partitionOf('erp-1/movement/D1', 8)
  const to = partitionOf(lotOf('A'), 8)
  expect(home).not.toBe(to)
  expect(await journal(store, home)).toEqual(['D1'])
  expect(await store.readInbox(to, 0, 10)).toMatchObject([
    { process: 'script', key: lotOf('A'), from: { partition: home, sequence: 1, ordinal: 0 } },
  ])
})

test('the deliveries of one request come in its order, whatever the partitions of its records', async () => {
  const { intake, store } = await open({ partitions: 8 })
  const records = Array.from({ length: 12 }, (_, index) => `D${index + 1}`)
  await results(intake, ...records.map((record) => item(record)))
  const arrived = await store.readInbox(partitionOf(lotOf('A'), 8), 0, 20)
  const homes = arrived.map(({ from }) => from.partition)
  expect(homes).toEqual(records.map((record) => partitionOf(`erp-1/movement/${record}`, 8)))
  expect(new Set(homes).size).toBeGreaterThan(3)
})

describe('limits', () => {
  const withHealth = (health: () => StoreHealth) => (store: Store) => ({ ...store, health })

  test('a nearly full disk takes holds only', async () => {
    let health: StoreHealth = { ok: false, code: 'disk.low', detail: '1 % free' }
    const { intake, store } = await open({ through: withHealth(() => health) })
    await expect(results(intake, item('D1'))).rejects.toThrow('disk.low: 1 % free')
    await expect(results(intake, item('D2', { lane: 'safety' }), item('D3'))).rejects.toThrow('disk.low')
    expect(await results(intake, item('D2', { lane: 'safety' }))).toEqual(['recorded'])
    health = { ok: false, code: 'store.failed', detail: 'EIO' }
    await expect(results(intake, item('D4', { lane: 'safety' }))).rejects.toThrow('store.failed: EIO')
    health = { ok: true }
    expect(await results(intake, item('D1'))).toEqual(['recorded'])
    expect(await journal(store)).toEqual(['D2', 'D1'])
  })

  test('a full queue refuses what does not fit, and what waits is recorded', async () => {
    const { intake, store } = await open({ settings: { intakeQueueMax: 3, intakeBatchMax: 2 } })
    const first = results(intake, item('D1'))
    const waiting = [results(intake, item('D2'), item('D3')), results(intake, item('D4'))]
    await expect(results(intake, item('D5'))).rejects.toMatchObject({ name: 'IntakeOverloaded' })
    expect([await first, ...(await Promise.all(waiting))]).toEqual([['recorded'], ['recorded', 'recorded'], ['recorded']])
    expect(await results(intake, item('D5'), item('D6'), item('D7'))).toEqual(['recorded', 'recorded', 'recorded'])
    expect(await journal(store)).toEqual(['D1', 'D2', 'D3', 'D4', 'D5', 'D6', 'D7'])
  })
})

test('past a full queue holds still pass, as many again', async () => {
  const { intake, store } = await open({ settings: { intakeQueueMax: 2, intakeBatchMax: 2 } })
  const hold = (record: string): ToyItem => item(record, { lane: 'safety' })
  // The first is on its way at once.
  const sent = [[item('D1')], [item('D2'), item('D3')], [item('D4')], [hold('H1'), item('D5')], [hold('H1')], [hold('H2')], [hold('H3')]]
  const ends = await Promise.allSettled(sent.map((items) => results(intake, ...items)))
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled', 'rejected'])
  expect(await journal(store)).toEqual(['D1', 'D2', 'D3', 'H1', 'H2'])
})

describe('a commit', () => {
  test('that is outdated is decided again from what another worker wrote', async () => {
    const first = createRig()
    let race: (() => Promise<unknown>) | null = null
    const racing = (store: Store): Store => ({
      ...store,
      commit: async (batch) => {
        const before = race
        race = null
        await before?.()
        return store.commit(batch)
      },
    })
    const second = createRig({ runtime: first.runtime, store: first.store, through: racing, worker: 'worker-b' })
    const [one, other] = [await openIntake(first), await openIntake(second)]
    race = () => results(one, version('2'), item('D9'))
    expect(await results(other, version('1'), item('D9'), item('D8'))).toEqual(['stale', 'duplicate', 'recorded'])
    race = () => results(one, item('D8', {}, 'other'))
    expect(await results(other, item('D8', {}, 'another'))).toEqual(['identity.conflict'])
    expect(first.runtime.situations.get('intake-outdated')).toBe(2)
    expect((await journal(first.store)).filter((word) => !word.startsWith('parked'))).toEqual([
      'D2',
      'D9',
      'D1 stale',
      'D8',
      'opened identity.conflict',
    ])
  })

  test('that always loses its race gives up; nothing was kept', async () => {
    const { intake, store } = await open({ through: (through) => ({ ...through, commit: async () => ({ result: 'outdated' }) }) })
    await expect(results(intake, item('D1'))).rejects.toMatchObject({ name: 'IntakeOverloaded' })
    expect(await journal(store)).toEqual([])
  })

  test('whose outcome is not known is acknowledged to nobody, and the next one goes on', async () => {
    let broken = true
    const { intake, store } = await open({
      through: (through) => ({ ...through, commit: (batch) => (broken ? Promise.reject(new Error('away')) : through.commit(batch)) }),
    })
    await expect(results(intake, item('D1'))).rejects.toThrow('away')
    broken = false
    expect(await results(intake, item('D1'))).toEqual(['recorded'])
    expect(await journal(store)).toEqual(['D1'])
  })
})
