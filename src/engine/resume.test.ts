import { describe, expect, test } from 'vitest'
import { createRig, journalOf, type Rig, type RigOptions, request, seenBy } from '../../test/engine/rig.ts'
import { lotOf, movement } from '../../test/engine/scripted.ts'
import type { ToyItem } from '../../test/engine/toy-system.ts'
import type { Goal } from '../model/goal.ts'
import type { Store } from '../store/store.ts'
import { type Engine, openEngine } from './engine.ts'
import type { ExceptionRecord } from './exceptions.ts'
import { compareRebuilt } from './rebuild.ts'

const LOT = lotOf('A')
const version = (number: number, change: Partial<ToyItem> = {}): ToyItem => ({
  data: movement(`D${number}`, 'A'),
  identity: { kind: 'versioned', record: 'order/1', version: String(number), compare: 'integer' },
  ...change,
})

async function open(options?: RigOptions): Promise<Rig & { readonly engine: Engine }> {
  const rig = createRig(options)
  return { ...rig, engine: await openEngine(rig.deps) }
}

async function say(engine: Engine, ...items: readonly ToyItem[]): Promise<string[]> {
  return (await engine.accept(request(...items))).map(({ result }) => result)
}

/** The one open exception. */
async function only(engine: Engine): Promise<ExceptionRecord> {
  const open = await engine.exceptions()
  expect(open).toHaveLength(1)
  return open[0] as ExceptionRecord
}

async function parkedRows(store: Store): Promise<number> {
  return (await store.scanRows({ table: 'parked', after: '', limit: 100 })).length
}

describe('parked inputs', () => {
  test('come through in order, and with the last one the record is free', async () => {
    const { engine, erp, runtime, store } = await open()
    await say(engine, version(1, { fault: 'notMapped' }), version(2))
    await say(engine, version(3))
    expect(await engine.retry(await only(engine), 'anna')).toBe(false)
    expect(await parkedRows(store)).toBe(3)
    erp.mended = true
    expect(await engine.retry(await only(engine), 'anna')).toBe(true)
    expect(await say(engine, version(4))).toEqual(['recorded'])
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1', 'D2', 'D3', 'D4'])
    expect([await parkedRows(store), await engine.exceptions()]).toEqual([0, []])
    const closed = (await journalOf(store)).filter((entry) => entry.kind === 'exception' && entry.change === 'closed')
    expect(closed).toMatchObject([{ code: 'mapping.failed', actor: 'anna' }])
  })

  test('stay in their order behind one that fails again', async () => {
    const { engine, erp, store } = await open()
    await say(engine, version(1, { fault: 'notMapped' }), version(2, { fault: 'mapThrows' }), version(3))
    const exception = await only(engine)
    const { toModel } = erp
    erp.toModel = (item) => ((item as ToyItem).fault === 'notMapped' ? toModel({ ...(item as ToyItem), fault: undefined }) : toModel(item))
    expect(await engine.retry(exception, 'anna')).toBe(false)
    expect(await parkedRows(store)).toBe(2)
    // Still parked for those who come now.
    expect(await say(engine, version(4))).toEqual(['parked'])
    expect((await only(engine)).id).toBe(exception.id)
    erp.mended = true
    expect(await engine.retry(exception, 'anna')).toBe(true)
    expect([await parkedRows(store), await engine.exceptions()]).toEqual([0, []])
  })

  test('that come while others are resumed are resumed with them, not left behind', async () => {
    const { engine, erp, runtime, store } = await open()
    await say(engine, version(1, { fault: 'notMapped' }))
    erp.mended = true
    const { scanRows } = store
    let next = 2
    store.scanRows = async (query) => {
      const rows = await scanRows(query)
      // Behind the rows that were just looked at, twice.
      if (query.table === 'parked' && next <= 3) expect(await say(engine, version(next++))).toEqual(['parked'])
      return rows
    }
    expect(await engine.retry(await only(engine), 'anna')).toBe(true)
    expect(await say(engine, version(4))).toEqual(['recorded'])
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1', 'D2', 'D3', 'D4'])
    expect([await parkedRows(store), await engine.exceptions()]).toEqual([0, []])
  })

  test('that travel in the commit of the last one are not left behind', async () => {
    const { engine, erp, runtime, store } = await open()
    await say(engine, version(1, { fault: 'notMapped' }))
    erp.mended = true
    const exception = await only(engine)
    const release = runtime.holdAt('before-intake-commit')
    const other = say(engine, { data: movement('D9', 'B') })
    await runtime.rest()
    const retried = engine.retry(exception, 'anna')
    await runtime.rest()
    const late = say(engine, version(2))
    await runtime.rest()
    release()
    expect([await other, await late, await retried]).toEqual([['recorded'], ['parked'], true])
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1', 'D2'])
    expect([await parkedRows(store), await engine.exceptions()]).toEqual([0, []])
  })

  test('that a person discards are gone, and those behind them go on', async () => {
    const { engine, runtime, store } = await open()
    const forged = version(1, { data: movement('D1-forged', 'A') })
    expect(await say(engine, version(1), forged, version(2), version(3))).toEqual(['recorded', 'parked', 'parked', 'parked'])
    const conflict = await only(engine)
    expect(await engine.retry(conflict, 'anna')).toBe(false)
    expect(await engine.resolve(conflict, { actor: 'anna', reason: 'a test client' })).toBe(true)
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1', 'D2', 'D3'])
    expect([await parkedRows(store), await engine.exceptions()]).toEqual([0, []])
    // The source tells it again at the next sweep.
    expect(await say(engine, forged, version(4))).toEqual(['duplicate', 'recorded'])
    expect(await engine.exceptions()).toEqual([])
    const acted = (await journalOf(store)).filter((entry) => entry.kind === 'exception' && entry.change === 'acted')
    expect(acted).toMatchObject([{ code: 'identity.conflict', actor: 'anna', reason: 'a test client' }])
  })

  test('are discarded one at a time', async () => {
    const { engine, runtime, store } = await open()
    const forged = (name: string): ToyItem => version(1, { data: movement(name, 'A') })
    await say(engine, version(1), forged('X'), forged('Y'), version(2))
    const conflict = await only(engine)
    expect(await engine.resolve(conflict, { actor: 'anna', reason: 'copied system' })).toBe(false)
    expect([await parkedRows(store), (await only(engine)).id]).toEqual([2, conflict.id])
    expect(await say(engine, version(3))).toEqual(['parked'])
    expect(await engine.resolve(conflict, { actor: 'anna', reason: 'copied system' })).toBe(true)
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1', 'D2', 'D3'])
    expect([await parkedRows(store), await engine.exceptions()]).toEqual([0, []])
    expect(await engine.resolve(conflict, { actor: 'anna', reason: 'again' })).toBe(false)
  })

  test('that cannot be read at all are discarded too', async () => {
    const { engine, store } = await open()
    const bytes = new TextEncoder().encode('{"half')
    await engine.accept({ bytes, items: [{ instance: 'erp-1', item: '{"half', malformed: 'unexpected end' }] })
    const malformed = await only(engine)
    expect(await engine.retry(malformed, 'anna')).toBe(false)
    expect(await engine.resolve(malformed, { actor: 'anna', reason: 'cut off; it came again whole' })).toBe(true)
    expect([await parkedRows(store), await engine.exceptions()]).toEqual([0, []])
  })

  test('that were taken in meanwhile are not discarded', async () => {
    const { engine, erp, runtime, store } = await open()
    await say(engine, version(1, { fault: 'notMapped' }))
    erp.mended = true
    const exception = await only(engine)
    const release = runtime.holdAt('before-intake-commit')
    const retried = engine.retry(exception, 'anna')
    await runtime.rest()
    const resolved = engine.resolve(exception, { actor: 'bert', reason: 'not ours' })
    await runtime.rest()
    release()
    expect(await retried).toBe(true)
    await resolved
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1'])
    expect((await journalOf(store)).some((entry) => entry.kind === 'exception' && entry.change === 'acted')).toBe(false)
  })

  test('of a source that nobody knew are taken in once it is known', async () => {
    const { engine, deps, erp, runtime, store } = await open()
    const item: ToyItem = { data: movement('D1', 'A') }
    const bytes = new TextEncoder().encode(JSON.stringify(item))
    await engine.accept({ bytes, items: [{ instance: 'erp-2', item }] })
    const connectors = deps.connectors as Map<string, typeof erp>
    connectors.set('erp-2', erp)
    expect(await engine.retryGroup('input.sourceUnknown:erp-2', 'anna')).toBe(1)
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1'])
    expect([await parkedRows(store), await engine.exceptions()]).toEqual([0, []])
  })

  test('of one cause come through together; what cannot be read, or is gone, does not stop the others', async () => {
    let gone = ''
    const { engine, erp, store } = await open({
      through: (through) => ({ ...through, readRaw: async (reference) => (reference === gone ? null : through.readRaw(reference)) }),
    })
    const fault = 'notMapped'
    await engine.accept({ bytes: new Uint8Array([0xff]), items: [{ instance: '', item: '', malformed: 'no JSON' }] })
    const [malformed] = await engine.exceptions()
    for (const [document, lot] of ['A', 'B', 'C'].map((lot) => [`D-${lot}`, lot] as const))
      await say(engine, { data: movement(document, lot), fault })
    const rows = await store.scanRows({ table: 'parked', tag: 'erp-1/movement/D-B', after: '', limit: 1 })
    gone = (JSON.parse(rows[0]?.body ?? '') as { raw: string }).raw.replace(/\/\d+$/, '')
    erp.mended = true
    expect(await engine.retry(malformed as ExceptionRecord, 'anna')).toBe(false)
    expect(await engine.retryGroup('unit:XBX', 'anna')).toBe(2)
    expect((await engine.exceptions()).map(({ subject }) => subject)).toEqual(expect.arrayContaining(['erp-1/movement/D-B']))
    expect(await parkedRows(store)).toBe(2)
  })
})

describe('a goal that waits for a person', () => {
  const refuse: Rig['qms']['onApply'] = async (items) => items.map(() => ({ outcome: 'refused', detail: 'no such plan' }))

  async function refused(): Promise<Rig & { readonly engine: Engine; readonly accepting: Rig['qms']['onApply'] }> {
    const rig = await open()
    const accepting = rig.qms.onApply
    rig.qms.onApply = refuse
    await say(rig.engine, { data: movement('D1', 'A', 'goal G') })
    await rig.runtime.advance(5_000)
    expect(await only(rig.engine)).toMatchObject({ code: 'record.refused' })
    return { ...rig, accepting }
  }

  async function goalOf(store: Store): Promise<Goal> {
    const rows = await store.scanRows({ table: 'goal', after: '', limit: 10 })
    return JSON.parse(rows[0]?.body ?? '') as Goal
  }

  test('goes on when asked to, under a new reference, and its exception closes', async () => {
    const { engine, runtime, store, qms, accepting } = await refused()
    expect((await goalOf(store)).state).toBe('refused')
    qms.onApply = accepting
    expect(await engine.retry(await only(engine), 'anna')).toBe(true)
    await runtime.advance(5_000)
    expect(await goalOf(store)).toMatchObject({ state: 'met', retryAskedAt: expect.any(String) })
    expect(await engine.exceptions()).toEqual([])
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1 goal G', 'settled G refused 1', 'settled G met 1'])
    const [first, second] = (await goalOf(store)).commands
    expect(first?.reference).not.toBe(second?.reference)
  })

  test('is withdrawn by a person who says why, never met, and stays so', async () => {
    const { engine, runtime, store, qms, accepting } = await refused()
    expect(await engine.resolve(await only(engine), { actor: 'anna', reason: 'posted by hand' })).toBe(true)
    qms.onApply = accepting
    await runtime.advance(60_000)
    expect(await goalOf(store)).toMatchObject({ state: 'withdrawn', commands: [{ state: 'refused' }] })
    expect(await engine.exceptions()).toEqual([])
    expect(await seenBy(store, 'script', LOT)).toContain('settled G withdrawn 1')
    const closed = (await journalOf(store)).filter((entry) => entry.kind === 'exception' && entry.change === 'closed')
    expect(closed).toMatchObject([{ actor: 'anna', reason: 'posted by hand' }])
    expect(await compareRebuilt(store, 0)).toEqual([])
  })

  test('is taken as it stands in its turn, though a checkpoint comes between', async () => {
    const { engine, runtime, store, qms, accepting } = await refused()
    // Refused a second time, and tried again before the rows are written.
    await engine.retry(await only(engine), 'anna')
    await runtime.advance(400)
    const exception = await only(engine)
    qms.onApply = accepting
    const { readRows } = store
    store.readRows = async (table, ids) => {
      const rows = await readRows(table, ids)
      if (table === 'goal') {
        store.readRows = readRows
        await runtime.advance(500)
      }
      return rows
    }
    expect(await engine.retry(exception, 'anna')).toBe(true)
    await runtime.advance(5_000)
    expect((await goalOf(store)).commands.map(({ state, ordinal }) => `${ordinal} ${state}`)).toEqual([
      '0 refused',
      '1 refused',
      '2 applied',
    ])
    expect(await compareRebuilt(store, 0)).toEqual([])
  })
})

test('what no retry can mend, or waits elsewhere, is left alone', async () => {
  const { engine, runtime, script, deps } = await open({ settings: { share: { index: 0, of: 1 } } })
  await say(engine, { data: movement('D1', 'A', 'open inspection.late') })
  await runtime.rest()
  expect(await engine.retry(await only(engine), 'anna')).toBe(false)
  await expect(engine.resolve(await only(engine), { actor: 'anna', reason: ' ' })).rejects.toThrow('a statement has a reason')
  expect(await engine.resolve(await only(engine), { actor: 'anna', reason: 'decided on paper' })).toBe(true)
  expect(await engine.exceptions()).toEqual([])
  await say(engine, { data: movement('D2', 'B', 'fail') })
  await runtime.rest()
  const failed = (await engine.exceptions()).find(({ code }) => code === 'process.failed') as ExceptionRecord
  const other = await openEngine({ ...deps, worker: 'worker-b' })
  expect(other.owned()).toEqual([])
  script.broken = false
  expect(await other.retry(failed, 'anna')).toBe(false)
  expect(await engine.resolve(failed, { actor: 'anna', reason: 'no matter' })).toBe(false)
  expect(await engine.retry(failed, 'anna')).toBe(true)
})
