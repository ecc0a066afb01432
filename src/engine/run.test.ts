import { describe, expect, test } from 'vitest'
import { START_MS, timeAt } from '../../test/engine/hand-runtime.ts'
import { createRig, journalOf, openTold, type Rig, type RigOptions, request, seenBy, type Told } from '../../test/engine/rig.ts'
import { lotOf, movement } from '../../test/engine/scripted.ts'
import type { Process } from '../process/process.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { partitionOf } from './derive.ts'
import { type Engine, openEngine } from './engine.ts'
import type { DecisionEntry } from './entries.ts'
import type { ExceptionRecord } from './exceptions.ts'
import { compareRebuilt } from './rebuild.ts'

interface Open extends Told {
  /** Movements `[lot, script]` in one request, numbered D1, D2, … over the test. */
  readonly say: (...lines: readonly (readonly [lot: string, script: string])[]) => Promise<void>
  readonly seen: (lot: string, process?: string) => Promise<readonly string[]>
}

async function open(options?: RigOptions): Promise<Open> {
  const rig = await openTold(options)
  return {
    ...rig,
    say: rig.tell,
    seen: async (lot, process = 'script') => {
      await rig.runtime.advance(1_000)
      return seenBy(rig.store, process, lotOf(lot))
    },
  }
}

async function decisions({ store }: Rig): Promise<DecisionEntry[]> {
  return (await journalOf(store)).filter((entry) => entry.kind === 'decision')
}

async function failedOnly(engine: Engine): Promise<ExceptionRecord> {
  const open = await engine.exceptions()
  expect(open.map(({ code }) => code)).toEqual(['process.failed'])
  return open[0] as ExceptionRecord
}

describe('a decision', () => {
  test('is recorded with what it was decided on and what it changed', async () => {
    const rig = await open()
    await rig.say(['A', 'open inspection.late'])
    expect(await decisions(rig)).toMatchObject([
      {
        process: 'script',
        version: 1,
        key: lotOf('A'),
        input: { partition: 0, sequence: 1, ordinal: 0 },
        inputType: 'holdpoint.inventory.moved.v1',
        state: { whole: { seen: ['D1 open inspection.late'] } },
        exceptions: [{ change: 'open', code: 'inspection.late' }],
      },
    ])
    const [{ context }] = (await decisions(rig)) as [DecisionEntry]
    expect((await rig.store.readRows('context', [context])).get(context)?.body).toBe('{"sites":{"P1":{}}}')
  })

  test('opens and closes business exceptions, each once', async () => {
    const { engine, store, say } = await open()
    await say(['A', 'open inspection.late open inspection.late'], ['B', 'close inspection.late'])
    expect((await engine.exceptions()).map(({ subject }) => subject)).toEqual([lotOf('A')])
    await say(['A', 'close inspection.late'], ['A', 'close inspection.late'])
    expect(await engine.exceptions()).toEqual([])
    const changes = (await journalOf(store)).filter((entry) => entry.kind === 'exception').map(({ change }) => change)
    expect(changes).toEqual(['opened', 'closed'])
  })

  test('sees the policies it names, frozen', async () => {
    const rig = createRig()
    let context: unknown
    const { decide } = rig.script
    rig.script.decide = (...[state, event, given]) => {
      context = given
      return decide(state, event, given)
    }
    const engine = await openEngine({ ...rig.deps, policies: { sites: { P1: { erp: 'erp-1' } }, secrets: 'x' } })
    await engine.accept(request({ data: movement('D1', 'A') }))
    await rig.runtime.rest()
    expect(context).toEqual({ sites: { P1: { erp: 'erp-1' } } })
    expect(() => Object.assign((context as { sites: { P1: object } }).sites.P1, { erp: 'x' })).toThrow(TypeError)
  })
})

describe('events of a process', () => {
  test('are decided in the same commit by an instance of the same partition', async () => {
    const rig = await open()
    await rig.say(['A', `tell ${lotOf('B')}`])
    expect(await rig.seen('B', 'listener')).toEqual(['told D1'])
    expect((await decisions(rig)).map(({ process, input }) => [process, input])).toEqual([
      ['script', { partition: 0, sequence: 1, ordinal: 0 }],
      // Counted back from its own record.
      ['listener', { partition: 0, sequence: -1, ordinal: 1 }],
    ])
    expect(await rig.store.readInbox(0, 0, 10)).toEqual([])
  })

  test('go by the inbox to another partition, and say where they stand', async () => {
    const rig = await open({ partitions: 8 })
    const [from, to] = [partitionOf(lotOf('A'), 8), partitionOf(lotOf('B'), 8)]
    expect(from).not.toBe(to)
    await rig.say(['A', `tell ${lotOf('B')} tell ${lotOf('B')}`])
    expect(await rig.seen('B', 'listener')).toEqual(['told D1', 'told D1'])
    const there = (await journalOf(rig.store, to)).filter((entry) => entry.kind === 'decision')
    const sequence = (await journalOf(rig.store, from)).findIndex((entry) => entry.kind === 'decision') + 1
    expect(there.map(({ input }) => input)).toEqual([
      { partition: from, sequence, ordinal: 1 },
      { partition: from, sequence, ordinal: 2 },
    ])
  })
})

describe('an instance whose process throws', () => {
  test('waits alone; what comes for it later comes after, in order, once it is mended', async () => {
    const rig = await open()
    await rig.say(['A', 'one'], ['A', 'fail'], ['A', 'two'], ['B', 'other'])
    await rig.say(['A', 'three'], ['B', 'more'])
    expect(await rig.seen('A')).toEqual(['D1 one'])
    expect(await rig.seen('B')).toEqual(['D4 other', 'D6 more'])
    const exception = await failedOnly(rig.engine)
    expect(exception).toMatchObject({ subject: `script ${lotOf('A')}`, detail: expect.stringContaining('told to fail') })
    rig.script.broken = false
    expect(await rig.engine.retry(exception, 'anna')).toBe(true)
    expect(await rig.seen('A')).toEqual(['D1 one', 'D2 fail', 'D3 two', 'D5 three'])
    expect(await rig.engine.exceptions()).toEqual([])
    expect(await rig.store.readInbox(0, 0, 10)).toEqual([])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })

  test('waits again if it is not mended', async () => {
    const rig = await open()
    await rig.say(['A', 'fail'], ['A', 'two'])
    await rig.engine.retry(await failedOnly(rig.engine), 'anna')
    await rig.say(['A', 'three'])
    expect(await rig.seen('A')).toEqual([])
    rig.script.broken = false
    await rig.engine.retry(await failedOnly(rig.engine), 'anna')
    expect(await rig.seen('A')).toEqual(['D1 fail', 'D2 two', 'D3 three'])
  })

  test('waits under a new owner too', async () => {
    const rig = await open()
    await rig.say(['A', 'fail'], ['A', 'two'])
    await rig.engine.close()
    const next = await openEngine({ ...rig.deps, worker: 'worker-b' })
    await rig.runtime.advance(1_000)
    expect(rig.script.decisions).toBe(1)
    rig.script.broken = false
    await next.retry(await failedOnly(next), 'anna')
    expect(await rig.seen('A')).toEqual(['D1 fail', 'D2 two'])
  })

  test('is told later what was said to it in the same partition', async () => {
    const rig = await open()
    const fail: Process['decide'] = () => {
      throw new Error('broken')
    }
    const { decide } = rig.listener
    rig.listener.decide = fail as typeof decide
    await rig.say(['A', `tell ${lotOf('B')}`], ['A', `tell ${lotOf('B')} tell ${lotOf('B')}`])
    // Durable: they stand in the inbox.
    expect(await rig.store.readInbox(0, 0, 10)).toHaveLength(3)
    expect(await rig.seen('A')).toHaveLength(2)
    rig.listener.decide = decide
    await rig.engine.retry(await failedOnly(rig.engine), 'anna')
    expect(await rig.seen('B', 'listener')).toEqual(['told D1', 'told D2', 'told D2'])
    expect(await rig.store.readInbox(0, 0, 10)).toEqual([])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })

  test('is told what waits for it before what is new, though nobody hints at it', async () => {
    const rig = await open({ settings: { turnItemsMax: 1 }, through: (store) => ({ ...store, onDeliveries: () => () => undefined }) })
    const { decide } = rig.listener
    rig.listener.decide = () => {
      throw new Error('broken')
    }
    const release = rig.runtime.holdAt('after-turn-commit')
    await rig.say(['A', `tell ${lotOf('B')}`], ['A', `tell ${lotOf('B')}`])
    await rig.runtime.advance(4_000)
    // The first one waits in the inbox; the second is told in the turn that lets the instance go on.
    rig.listener.decide = decide
    const retried = rig.engine.retry(await failedOnly(rig.engine), 'anna')
    await rig.runtime.rest()
    release()
    expect(await retried).toBe(true)
    await rig.runtime.advance(5_000)
    expect(await rig.seen('B', 'listener')).toEqual(['told D1', 'told D2'])
  })

  test('hears how its goals ended as it was when they did', async () => {
    const rig = await open()
    // The goal is met twice while its instance waits; when it goes on it sets the goal anew before it hears of the second.
    await rig.say(['A', 'goal G'], ['A', 'fail'])
    await rig.runtime.advance(3_000)
    expect(await rig.seen('A')).toEqual(['D1 goal G'])
    rig.script.broken = false
    await rig.engine.retry(await failedOnly(rig.engine), 'anna')
    expect(await rig.seen('A')).toEqual(['D1 goal G', 'D2 fail', 'settled G met 1'])
  })
})

describe('a decision beyond a written limit', () => {
  test('of its state is refused, whether it grows at once, between two checkpoints or after them', async () => {
    for (const pauseMs of [0, 1_000]) {
      const rig = await open()
      for (const size of [30_000, 30_000, 30_000]) {
        await rig.say(['A', 'x'.repeat(size)])
        await rig.runtime.advance(pauseMs)
      }
      await rig.say(['B', 'x'.repeat(70_000)])
      expect((await rig.seen('A')).map(({ length }) => length)).toEqual([30_003, 30_003])
      expect(await rig.seen('B')).toEqual([])
      const exceptions = await rig.engine.exceptions()
      expect(exceptions.map(({ code, instance }) => `${code} ${instance?.key}`).sort()).toEqual(
        ['A', 'B'].map((lot) => `process.failed ${lotOf(lot)}`),
      )
      expect(await compareRebuilt(rig.store, 0)).toEqual([])
    }
  })

  test('of its state is refused by the next owner too', async () => {
    const rig = await open({ settings: { checkpointMs: 3_600_000 } })
    await rig.say(['A', 'x'.repeat(30_000)])
    await rig.say(['A', 'x'.repeat(30_000)])
    // Not handed over: the next owner folds the state from the journal.
    const image = rig.store.image()
    const store = createMemoryStore({
      installation: 'test',
      partitions: 1,
      now: () => START_MS + rig.runtime.now(),
      schedule: (run) => run(),
      image,
    })
    const next = await openEngine({ ...rig.deps, worker: 'worker-b', store })
    await rig.runtime.advance(30_000)
    await next.accept(request({ data: movement('D3', 'A', 'x'.repeat(30_000)) }))
    await rig.runtime.advance(1_000)
    expect((await next.exceptions()).map(({ code }) => code)).toEqual(['process.failed'])
  })

  test('of its state is told from one that says something new each time', async () => {
    const rig = await open()
    const steady = {
      ...rig.script,
      name: 'steady',
      decide: (_: unknown, { source }: { source: { record: string } }) => ({
        ...NOTHING,
        state: { seen: [source.record + 'x'.repeat(20_000)] },
      }),
    }
    const engine = await openEngine({ ...rig.deps, worker: 'b', processes: new Map([['steady', steady as unknown as Process]]) })
    await rig.engine.close()
    await rig.runtime.advance(30_000)
    for (let number = 0; number < 8; number++) await engine.accept(request({ data: movement(`D${number}`, 'A') }))
    await rig.runtime.advance(1_000)
    expect(await engine.exceptions()).toEqual([])
    expect(await seenBy(rig.store, 'steady', lotOf('A'))).toEqual([`movement/D7${'x'.repeat(20_000)}`])
  })

  test('of its goals is refused', async () => {
    const rig = await open()
    const goals = (count: number): string => Array.from({ length: count }, (_, index) => `goal G${index}`).join(' ')
    await rig.say(['A', goals(1_001)], ['B', goals(1_000)])
    expect((await failedOnly(rig.engine)).detail).toContain('1,000 goals')
    expect(await rig.seen('A')).toEqual([])
    expect(await rig.store.scanRows({ table: 'goal', after: '', limit: 2_000 })).toHaveLength(1_000)
  })
})

const NOTHING = { events: [], goals: [], timers: [], exceptions: [] }

describe('timers', () => {
  test('fire once, when they are due', async () => {
    const rig = await open()
    await rig.say(['A', `timer late ${timeAt(60_000)}`])
    await rig.runtime.advance(59_000)
    expect(rig.script.decisions).toBe(1)
    await rig.runtime.advance(1_100)
    expect(rig.script.decisions).toBe(2)
    await rig.runtime.advance(600_000)
    expect((await rig.seen('A')).slice(1)).toEqual(['fired late 1'])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })

  test('set again fire at the new time only; cancelled not at all', async () => {
    const rig = await open()
    await rig.say(['A', `timer late ${timeAt(10_000)}`], ['B', `timer late ${timeAt(10_000)}`])
    await rig.say(['A', `timer late ${timeAt(20_000)}`], ['B', 'cancel late'])
    await rig.runtime.advance(15_000)
    expect(rig.script.decisions).toBe(4)
    await rig.runtime.advance(60_000)
    expect((await rig.seen('A')).at(-1)).toBe('fired late 2')
    expect(await rig.seen('B')).toHaveLength(2)
  })

  test('that came due while they were being set again are dropped', async () => {
    const rig = await open()
    await rig.say(['A', `timer late ${timeAt(10_000)}`])
    const release = rig.runtime.holdAt('before-turn-commit')
    await rig.runtime.advance(9_990)
    await rig.say(['A', `timer late ${timeAt(20_000)}`])
    await rig.runtime.advance(100)
    release()
    await rig.runtime.advance(5_000)
    expect(rig.script.decisions).toBe(2)
    await rig.runtime.advance(6_000)
    expect((await rig.seen('A')).at(-1)).toBe('fired late 2')
  })

  test('in the past fire at once, and survive their owner', async () => {
    const rig = await open()
    await rig.say(['A', `timer late ${timeAt(-1)}`], ['B', `timer late ${timeAt(50_000)}`])
    expect((await rig.seen('A')).at(-1)).toBe('fired late 1')
    await rig.engine.close()
    const next = await openEngine({ ...rig.deps, worker: 'worker-b' })
    await rig.runtime.advance(60_000)
    expect((await rig.seen('B')).at(-1)).toBe('fired late 1')
    await next.close()
  })

  test('of an instance that waits fire when it goes on', async () => {
    const rig = await open()
    await rig.say(['A', `timer late ${timeAt(5_000)}`], ['A', 'fail'])
    await rig.runtime.advance(10_000)
    expect(await rig.seen('A')).toHaveLength(1)
    rig.script.broken = false
    await rig.engine.retry(await failedOnly(rig.engine), 'anna')
    expect((await rig.seen('A')).slice(1)).toEqual(['D2 fail', 'fired late 1'])
  })
})

describe('goals', () => {
  test('set again with an equal predicate, or withdrawn twice, change nothing', async () => {
    const rig = await open()
    await rig.say(['A', 'goal G'])
    await rig.runtime.advance(3_000)
    await rig.say(['A', 'goal G'], ['A', 'withdraw none'])
    const changes = (await decisions(rig)).flatMap(({ goals }) => goals.map(({ change }) => change))
    expect(changes).toEqual(['set', 'same', 'same'])
    expect(rig.qms.applied).toHaveLength(1)
    await rig.say(['A', 'withdraw G'], ['A', 'withdraw G'])
    const later = (await decisions(rig)).flatMap(({ goals }) => goals.map(({ change }) => change)).slice(3)
    expect(later).toEqual(['withdraw', 'same'])
  })

  test('set again after their withdrawal are another generation', async () => {
    const rig = await open()
    await rig.say(['A', 'goal G'])
    await rig.runtime.advance(3_000)
    await rig.say(['A', 'withdraw G'])
    await rig.runtime.advance(3_000)
    await rig.say(['A', 'goal G'])
    await rig.runtime.advance(3_000)
    const seen = await rig.seen('A')
    expect(seen.filter((what) => what.startsWith('settled'))).toEqual(['settled G met 1', 'settled G withdrawn 1', 'settled G met 2'])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })
})

test('a newer version of a process brings older states up and writes them whole', async () => {
  const rig = await open()
  await rig.say(['A', 'one'])
  await rig.engine.close()
  const newer = {
    ...rig.script,
    version: 2,
    migrate: (state: unknown, from: number) => ({ seen: [...(state as { seen: string[] }).seen, `migrated from ${from}`] }),
  }
  const processes = new Map([...rig.deps.processes, ['script', newer as unknown as Process]])
  const next = await openEngine({ ...rig.deps, worker: 'worker-b', processes })
  await next.accept(request({ data: movement('D9', 'A') }))
  expect(await rig.seen('A')).toEqual(['D1 one', 'migrated from 1', 'D9'])
  expect((await decisions(rig)).map(({ version, state }) => [version, 'whole' in state])).toEqual([
    [1, true],
    [2, true],
  ])
  expect(await compareRebuilt(rig.store, 0)).toEqual([])
})
