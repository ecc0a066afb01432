import { describe, expect, test } from 'vitest'
import { createHandRuntime, type HandRuntime, START_MS } from '../../test/engine/hand-runtime.ts'
import { createRig, createStore, type Rig, type RigOptions, request, seenBy } from '../../test/engine/rig.ts'
import { lotOf, movement } from '../../test/engine/scripted.ts'
import { createToySystem, type ToyItem, type ToySystem } from '../../test/engine/toy-system.ts'
import { bucket, stock } from '../../test/reconcile/builders.ts'
import type { ChangesPage, ConnectorSpec, SweepPage } from '../connectors/connector.ts'
import type { RecordSeen } from '../model/observation.ts'
import { createMemoryStore, type MemoryStore } from '../store/memory/memory-store.ts'
import { partitionOf } from './derive.ts'
import { type Engine, openEngine } from './engine.ts'

const item = (document: string, lot = 'A'): ToyItem => ({ data: movement(document, lot) })

async function open(options?: RigOptions): Promise<Rig & { readonly engine: Engine }> {
  const rig = createRig(options)
  return { ...rig, engine: await openEngine(rig.deps) }
}

/** A later incarnation of the store, as after a restore of the backup made now. */
function restored(store: MemoryStore, runtime: HandRuntime): MemoryStore {
  const schedule = (run: () => void): void => void Promise.resolve().then(run)
  return createMemoryStore({ installation: '', partitions: 1, now: () => START_MS + runtime.now(), schedule, image: store.image() })
}

/** Serves these pages of changes, by cursor; the last one says that there is no more. */
function paging(system: ToySystem, pages: readonly (readonly ToyItem[])[]): (string | null)[] {
  const asked: (string | null)[] = []
  system.onChanges = async (cursor): Promise<ChangesPage> => {
    asked.push(cursor)
    const page = Number(cursor ?? 0)
    const next = Math.min(page + 1, pages.length)
    return { items: pages[page] ?? [], cursor: String(next), more: next < pages.length }
  }
  return asked
}

describe('what a source did not tell', () => {
  test('is asked for, page by page, and only once', async () => {
    const { engine, erp, runtime, store } = await open()
    await engine.accept(request(item('D1')))
    const asked = paging(erp, [[item('D1'), item('D2')], [item('D3')]])
    await engine.sweep()
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', lotOf('A'))).toEqual(['D1', 'D2', 'D3'])
    await engine.sweep()
    expect(asked).toEqual([null, '1', '2'])
    expect(runtime.situations.get('lost-event-found')).toBe(2)
  })

  test('is asked for from where another worker had come, and by one worker at a time', async () => {
    const rig = createRig({ partitions: 8, settings: { share: { index: 0, of: 2 } } })
    const [first, second] = [
      await openEngine(rig.deps),
      await openEngine({ ...rig.deps, worker: 'b', settings: { ...rig.deps.settings, share: { index: 1, of: 2 } } }),
    ]
    const asked = paging(rig.erp, [[item('D1')], [item('D2')], [item('D3')]])
    const owner = partitionOf('source/erp-1', 8) % 2 === 0 ? first : second
    const other = owner === first ? second : first
    await other.sweep()
    expect(asked).toEqual([])
    await owner.sweep()
    expect(asked).toEqual([null, '1', '2'])
    await owner.close()
    await rig.runtime.advance(20_000)
    asked.length = 0
    await other.sweep()
    expect(asked).toEqual(['3'])
  })

  test('in large pages is taken in by many small requests', async () => {
    const { engine, erp, runtime, store } = await open()
    paging(erp, [Array.from({ length: 450 }, (_, index) => item(`D${index}`))])
    await engine.sweep()
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', lotOf('A'))).toHaveLength(450)
  })

  test('is asked for again when a page failed', async () => {
    const { engine, erp, runtime, store } = await open()
    const asked = paging(erp, [[item('D1')], [item('D2')]])
    const { onChanges } = erp
    erp.onChanges = async (cursor) => (cursor === '1' ? { failed: '503' } : onChanges(cursor))
    await engine.sweep()
    erp.onChanges = onChanges
    await engine.sweep()
    expect(asked).toEqual([null, '1'])
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', lotOf('A'))).toEqual(['D1', 'D2'])
  })
})

describe('a page of the sweep', () => {
  const LOT = lotOf('A')
  const page = (records: readonly RecordSeen[], subject = `${LOT}#G`): SweepPage => ({
    subjects: [{ subject, observation: { kind: 'record', records, beganAt: '', endedAt: '', source: 'sweep' } }],
    cursor: null,
  })

  test('proves nothing of a command', async () => {
    const { engine, qms, runtime, store } = await open()
    let reference = ''
    qms.onApply = async (items) => {
      reference = items[0]?.reference ?? ''
      return items.map(() => ({ outcome: 'later', class: 'rateLimit', delayMs: 600_000, detail: 'busy' }))
    }
    await engine.accept(request({ data: movement('D1', 'A', 'goal G') }))
    await runtime.advance(5_000)
    // A torn page shows the record of our command; the system itself does not.
    qms.onSweep = async () => page([{ id: 'Q-1', key: `${LOT}#G`, version: '1', status: '', open: true, decided: false, reference }])
    await engine.sweep()
    await runtime.advance(5_000)
    const [row] = await store.scanRows({ table: 'goal', after: '', limit: 1 })
    expect(JSON.parse(row?.body ?? '')).toMatchObject({ state: 'open', commands: [{ state: 'failed', attempts: 1 }] })
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1 goal G'])
  })

  test('of a subject that nobody has in mind does nothing', async () => {
    const { engine, qms, runtime } = await open()
    qms.onSweep = async () => page([], 'nobody#knows')
    await engine.sweep()
    await runtime.advance(5_000)
    expect([qms.reads, await engine.exceptions()]).toEqual([[], []])
  })

  test('counts but for the subject that breaks its contract, which is told when it begins and when it is over', async () => {
    const { engine, qms, runtime, logged } = await open()
    const shown = (subject: string, value: string): SweepPage['subjects'][number] => ({
      subject,
      observation: stock([bucket('unrestricted', value)]),
    })
    const nothing = { subject: 'nothing', observation: null as never }
    qms.onSweep = async () => ({ subjects: [shown('bad', '1.000,50'), nothing, shown('good', '1000.50')], cursor: null })
    for (let time = 0; time < 3; time++) await engine.sweep()
    await runtime.advance(1_000)
    expect((await engine.exceptions()).map(({ code, subject }) => [code, subject])).toEqual([['drift.unexplained', 'qms-1 good']])
    expect(logged).toEqual(['warn a subject cannot be swept'])
    qms.onSweep = async () => ({ subjects: [shown('bad', '1000.50')], cursor: null })
    for (let time = 0; time < 2; time++) await engine.sweep()
    expect(logged).toEqual(['warn a subject cannot be swept', 'info every subject can be swept again'])
  })

  test.each([
    ['a subject that is none', [{ subject: 7, observation: page([]).subjects[0]?.observation }]],
    ['an entry that is none', [null]],
    ['no list', 'subjects'],
  ])('with %s fails its own system only', async (_, subjects) => {
    const { engine, erp, qms, logged } = await open()
    erp.onSweep = async () => ({ subjects: subjects as unknown as SweepPage['subjects'], cursor: null })
    let swept = 0
    qms.onSweep = async () => {
      swept++
      return page([])
    }
    await engine.sweep()
    await engine.sweep()
    expect([swept, engine.owned(), logged.filter((line) => !line.includes('swept'))]).toEqual([2, [0], []])
    expect(logged.length).toBeGreaterThan(0)
  })

  test('follows the one before it until there is none', async () => {
    const { engine, qms } = await open()
    const cursors: (string | null)[] = []
    qms.onSweep = async (_, cursor) => {
      cursors.push(cursor)
      const next = Number(cursor ?? 0) + 1
      return { subjects: [], cursor: next < 3 ? String(next) : null }
    }
    await engine.sweep()
    expect(cursors).toEqual([null, '1', '2'])
  })
})

describe('a sweep', () => {
  test('comes by itself, one at a time, and not after the close', async () => {
    const { engine, erp, runtime } = await open({ settings: { sweepIntervalMs: 10_000 } })
    const asked = paging(erp, [[]])
    await runtime.advance(9_999)
    expect(asked).toHaveLength(0)
    await runtime.advance(1)
    expect(asked).toHaveLength(1)
    await Promise.all([engine.sweep(), engine.sweep()])
    expect(asked).toHaveLength(2)
    await engine.close()
    await runtime.advance(60_000)
    expect(asked).toHaveLength(2)
    expect(runtime.timers()).toBe(0)
  })

  test.each(['onChanges', 'onSweep'] as const)('goes on to the other systems when a connector throws in %s', async (method) => {
    const { engine, erp, qms, runtime } = await open()
    Object.assign(erp, { [method]: () => Promise.reject(new Error('a bug in the connector')) })
    const asked = paging(qms, [[]])
    await engine.sweep()
    expect(asked).toHaveLength(1)
    await runtime.rest()
  })
})

describe('the limits of a system', () => {
  /** How many calls were under way together, of the kinds that are named. */
  async function busy(spec: Partial<ConnectorSpec>) {
    const qms = createToySystem('qms-1', spec, { applyBatchMax: 1, readBatchMax: 1 })
    const rig = await open({ qms })
    const under = { apply: 0, read: 0, sweep: 0 }
    const most = { ...under, all: 0 }
    const slowly = async <T>(kind: keyof typeof under, answer: () => Promise<T>): Promise<T> => {
      under[kind]++
      most[kind] = Math.max(most[kind], under[kind])
      most.all = Math.max(most.all, under.apply + under.read + under.sweep)
      await rig.runtime.clock.sleep(50)
      under[kind]--
      return answer()
    }
    const { onApply, onRead, onSweep, onChanges } = qms
    qms.onApply = (...call) => slowly('apply', () => onApply(...call))
    qms.onRead = (...call) => slowly('read', () => onRead(...call))
    qms.onSweep = (...call) => slowly('sweep', () => onSweep(...call))
    qms.onChanges = (...call) => slowly('sweep', () => onChanges(...call))
    return { ...rig, most }
  }

  test('hold for sends, reads and sweeps together', async () => {
    const { engine, qms, runtime, most } = await busy({ callsInFlightMax: 4 })
    await engine.accept(request(...Array.from({ length: 30 }, (_, at) => ({ data: movement(`D${at}`, `L${at}`, 'goal G') }))))
    void engine.sweep()
    await runtime.advance(20_000)
    expect(qms.records.size).toBe(30)
    // One of four is kept for holds.
    expect(most).toMatchObject({ sweep: 1, all: 3 })
  })

  test('let a sweep go last, and through to its end', async () => {
    const { engine, qms, erp, runtime, store } = await busy({ callsInFlightMax: 1 })
    const asked = [paging(erp, [[]]), paging(qms, [[item('D9')], [item('D8')]])]
    await engine.accept(request(...Array.from({ length: 5 }, (_, at) => ({ data: movement(`D${at}`, `L${at}`, 'goal G') }))))
    await runtime.advance(20)
    let over = false
    void engine.sweep().then(() => {
      over = true
    })
    await runtime.advance(20)
    // The other system does not wait for this one.
    expect(asked).toEqual([[null], []])
    await runtime.advance(20_000)
    expect([over, qms.records.size, asked]).toEqual([true, 5, [[null], [null, '1']]])
    expect(await seenBy(store, 'script', lotOf('A'))).toEqual(['D9', 'D8'])
  })

  test('keep a sweep waiting no longer than until the close', async () => {
    const { engine, qms, runtime } = await busy({ callsInFlightMax: 1, callsPerSecondMax: 0.001 })
    const asked = paging(qms, [[item('D1')], [item('D2')]])
    const over = engine.sweep()
    await runtime.advance(1_000)
    expect(asked).toEqual([null])
    await engine.close()
    await over
    expect([asked, runtime.timers()]).toEqual([[null], 0])
  })
})

describe('a sweep that does not come to its end', () => {
  const BUG = (): Promise<never> => Promise.reject(new Error('a bug in the connector'))
  const DOWN = async (): Promise<{ readonly failed: string }> => ({ failed: 'down' })

  test.each(['onChanges', 'onSweep'] as const)(
    'is told when it begins in %s, when it becomes another, and when it is over',
    async (method) => {
      const { engine, erp, logged } = await open()
      const sound = erp[method]
      for (const now of [DOWN, DOWN, BUG, BUG, DOWN, sound, sound]) {
        Object.assign(erp, { [method]: now })
        await engine.sweep()
      }
      expect(logged).toEqual([
        'warn a system cannot be swept',
        'warn connector threw in a sweep',
        'warn a system cannot be swept',
        'info a system can be swept again',
      ])
    },
  )

  test('is told of each system and resource for itself', async () => {
    const { engine, erp, qms, logged } = await open()
    Object.assign(erp, { onChanges: DOWN, onSweep: DOWN })
    Object.assign(qms, { onSweep: DOWN })
    await engine.sweep()
    expect(logged).toEqual(Array(3).fill('warn a system cannot be swept'))
  })

  test('is not over with its first page', async () => {
    const { engine, erp, logged } = await open()
    erp.onSweep = async (_, cursor) => (cursor === null ? { subjects: [], cursor: '1' } : { failed: 'down' })
    erp.onChanges = async (cursor) => (cursor === null ? { items: [], cursor: '1', more: true } : { failed: 'down' })
    for (let time = 0; time < 3; time++) await engine.sweep()
    expect(logged).toEqual(Array(2).fill('warn a system cannot be swept'))
  })

  test('because there are too many pages is told too', async () => {
    const { engine, qms, logged } = await open({ qms: createToySystem('qms-1', { callsPerSecondMax: 1_000_000 }) })
    let pages = 0
    qms.onSweep = async () => ({ subjects: [], cursor: String(++pages) })
    await engine.sweep()
    expect([pages, logged]).toEqual([100_000, ['warn a sweep came to no end']])
    qms.onChanges = async () => ({ items: [], cursor: 'the same', more: true })
    await engine.sweep()
    expect(logged).toEqual(Array(2).fill('warn a sweep came to no end'))
  })

  test('because intake is full fails its own system only, until there is room', async () => {
    const settings = { intakeQueueMax: 5 }
    const { engine, erp, qms, logged, store, runtime } = await open({ settings })
    let swept = 0
    qms.onSweep = async () => {
      swept++
      return { subjects: [], cursor: null }
    }
    const asked = paging(erp, [Array.from({ length: 6 }, (_, index) => item(`D${index}`)), [item('E1')]])
    await engine.sweep()
    await engine.sweep()
    expect([swept, asked, logged]).toEqual([2, [null, null], ['warn what a source told a sweep could not be taken in']])
    paging(erp, [[item('D1')], [item('E1')]])
    await engine.sweep()
    await runtime.advance(1_000)
    expect(await seenBy(store, 'script', lotOf('A'))).toEqual(['D1', 'E1'])
    expect(logged.at(-1)).toBe('info a system can be swept again')
  })

  test('because the hub is closing is no trouble', async () => {
    const { engine, erp, runtime, logged } = await open()
    let answer = (): void => undefined
    erp.onSweep = () =>
      new Promise((resolve) => {
        answer = () => resolve({ failed: 'not sent' })
      })
    const swept = engine.sweep()
    await runtime.rest()
    const closed = engine.close()
    answer()
    await Promise.all([swept, closed])
    expect(logged).toEqual([])
  })
})

describe('a restored hub asks before it sends', () => {
  const queryFirst = async (store: MemoryStore): Promise<boolean> => !(await store.readRows('setting', ['swept.2.0'])).has('swept.2.0')

  test('until every system was caught up with and swept', async () => {
    const runtime = createHandRuntime()
    const store = restored(createStore(runtime, 1), runtime)
    const { engine, erp, qms } = await open({ runtime, store })
    const faults: (() => void)[] = [
      () => {
        erp.onChanges = async () => ({ failed: 'down' })
      },
      () => {
        qms.onChanges = () => Promise.reject(new Error('a bug in the connector'))
      },
      () => {
        erp.onSweep = async () => ({ failed: 'down' })
      },
      () => {
        qms.onSweep = () => Promise.reject(new Error('a bug in the connector'))
      },
    ]
    for (const fault of faults) {
      const before = [erp.onChanges, erp.onSweep, qms.onChanges, qms.onSweep] as const
      fault()
      await engine.sweep()
      expect(await queryFirst(store)).toBe(true)
      ;[erp.onChanges, erp.onSweep, qms.onChanges, qms.onSweep] = before
    }
    await engine.sweep()
    expect(await queryFirst(store)).toBe(false)
    expect(runtime.situations.get('restored-partition-swept')).toBe(1)
  })

  test('and asks its sources from the beginning', async () => {
    const first = await open()
    paging(first.erp, [[item('D1')], [item('D2')]])
    await first.engine.sweep()
    await first.engine.close()
    const second = await open({ runtime: first.runtime, store: restored(first.store, first.runtime) })
    const asked = paging(second.erp, [[item('D1')], [item('D2')], [item('D3')]])
    await second.engine.sweep()
    expect(asked).toEqual([null, '1', '2'])
    await second.runtime.advance(1_000)
    expect(await seenBy(second.store, 'script', lotOf('A'))).toEqual(['D1', 'D2', 'D3'])
  })

  test('also where another worker asks the sources, until that one has caught up', async () => {
    const runtime = createHandRuntime()
    const backup = createStore(runtime, 8)
    const store = restored(backup, runtime)
    const options = (index: number) => ({ runtime, store, worker: `w${index}`, settings: { share: { index, of: 2 } } })
    const [even, odd] = [await open(options(0)), await open(options(1))]
    // Each of them asks one source.
    expect(partitionOf('source/qms-1', 8) % 2).not.toBe(partitionOf('source/erp-1', 8) % 2)
    const swept = async (): Promise<number> =>
      (await store.scanRows({ table: 'setting', after: 'swept.', limit: 100 })).filter(({ id }) => id.startsWith('swept.')).length
    await even.engine.sweep()
    expect(await swept()).toBe(0)
    await odd.engine.sweep()
    expect(await swept()).toBe(4)
    await even.engine.sweep()
    expect(await swept()).toBe(8)
  })
})

test('a connector that hangs in a sweep fails its own system only, and the next sweep comes', async () => {
  const { engine, erp, qms, runtime, logged } = await open()
  const systems: string[] = []
  erp.onChanges = () => new Promise(() => undefined)
  qms.onSweep = async () => {
    systems.push('qms-1')
    return { subjects: [], cursor: null }
  }
  const swept = engine.sweep()
  await runtime.advance(2_000)
  await swept
  expect(systems).toEqual(['qms-1'])
  expect(logged).toContain('warn a system cannot be swept')
})
