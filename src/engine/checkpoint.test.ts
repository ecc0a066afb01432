import { describe, expect, test } from 'vitest'
import { journalOf, openTold, type Rig, type RigOptions, request, seenBy } from '../../test/engine/rig.ts'
import { lotOf, movement } from '../../test/engine/scripted.ts'
import { createToySystem } from '../../test/engine/toy-system.ts'
import type { Batch, Store } from '../store/store.ts'
import { StoreUnavailable } from '../store/store.ts'
import { canonicalJson } from './canonical.ts'
import { catchUp, checkpointBatch, checkpointOf, hasUnwritten } from './checkpoint.ts'
import type { Engine } from './engine.ts'
import { createMemory, type PartitionMemory, type Unwritten } from './memory.ts'
import { compareRebuilt, rebuildPartition } from './rebuild.ts'
import { takeOver } from './takeover.ts'

const LOT = lotOf('A')

async function open(
  options?: RigOptions,
): Promise<Rig & { readonly engine: Engine; readonly say: (...scripts: readonly string[]) => Promise<void> }> {
  const rig = await openTold(options)
  return { ...rig, say: (...scripts) => rig.tell(...scripts.map((script): [string, string] => ['A', script])) }
}

const isCheckpoint = (batch: Batch): boolean => batch.partitions.some(({ rows }) => rows.some(({ table }) => table === 'setting'))

/** What a new owner would know, read from the store as it is. */
async function takenOver(store: Store): Promise<PartitionMemory> {
  const memory = createMemory(0, 9)
  await takeOver(store, memory, { iso: () => '2026-03-02T09:00:00.000Z', notBefore: () => undefined })
  return memory
}

function textOf({ goals, states, timers }: Unwritten): string {
  return canonicalJson([goals, states, timers].map((rows) => Object.fromEntries(rows as ReadonlyMap<string, unknown>)))
}

describe('rows', () => {
  test('follow the journal at a distance, and what several turns change is written once', async () => {
    const commits: Batch[] = []
    const counting = (store: Store): Store => ({
      ...store,
      commit: (batch) => {
        if (isCheckpoint(batch)) commits.push(batch)
        return store.commit(batch)
      },
    })
    const { runtime, store, say } = await open({ through: counting })
    await say('one')
    await say('two')
    await runtime.advance(400)
    await say('three')
    expect(await seenBy(store, 'script', LOT)).toEqual([])
    await runtime.advance(100)
    expect(await seenBy(store, 'script', LOT)).toEqual(['D1 one', 'D2 two', 'D3 three'])
    expect(commits).toHaveLength(1)
    expect(await checkpointOf(store, 0)).toEqual({ position: (await journalOf(store)).length, at: expect.any(String) })
    await runtime.advance(10_000)
    expect(commits).toHaveLength(1)
  })

  test('are complete after a clean end', async () => {
    const { engine, store, say, runtime } = await open()
    await say('goal G', 'timer late 2026-03-05T08:00:00.000Z')
    await engine.close()
    expect(await compareRebuilt(store, 0)).toEqual([])
    expect((await rebuildPartition(store, 0)).goals.size).toBe(1)
    expect(runtime.timers()).toBe(0)
  })

  test('that disagree with the journal are found', async () => {
    const { engine, store, say } = await open()
    await say('goal G')
    await engine.close()
    const [lease] = await store.leases()
    const got = await store.acquire(0, 'other', 1_000)
    const id = `script\u001f${LOT}`
    const rows = [
      { table: 'state', id, partition: 0, active: false, tag: '', body: '{"state":{}}' } as const,
      { table: 'timer', id: 'nobody set it', partition: 0, active: true, tag: '', body: '{}' } as const,
    ]
    const owner = { worker: 'other', epoch: got?.epoch ?? 0 }
    await store.commit({
      expect: [],
      identities: [],
      raw: [],
      partitions: [{ partition: 0, owner, entries: [], deliveries: [], consumed: [], rows }],
    })
    expect(lease?.live).toBe(false)
    const differences = await compareRebuilt(store, 0)
    expect(differences.map((one) => [one.table, one.rebuilt === null, one.live === null])).toEqual([
      ['state', false, false],
      ['timer', true, false],
    ])
  })
})

describe('a new owner', () => {
  test('knows from journal and rows what the old one knew, wherever the checkpoint stood', async () => {
    const { runtime, store, say } = await open()
    for (const step of [
      'goal G',
      'timer late 2026-03-05T08:00:00.000Z',
      'cancel late timer other 2026-03-06T08:00:00.000Z',
      'goal H withdraw G',
      'open inspection.late',
    ]) {
      await say(step)
      const ahead = await takenOver(store)
      expect(hasUnwritten(ahead.unwritten)).toBe(true)
      await runtime.advance(2_000)
      const written = await takenOver(store)
      expect(hasUnwritten(written.unwritten)).toBe(false)
      expect([...written.timers.keys()].sort()).toEqual([...ahead.timers.keys()].sort())
    }
    const whole = await rebuildPartition(store, 0)
    const memory = await takenOver(store)
    expect([...memory.timers.values()]).toEqual([...whole.timers.values()])
    for (const goal of memory.goals.values()) expect(goal).toEqual(whole.goals.get(goal.id))
    expect([...memory.exceptions.values()].map(({ code }) => code)).toEqual(['inspection.late'])
  })

  test('that folds what is ahead and writes it leaves the same rows', async () => {
    const { runtime, store, engine, say } = await open()
    await say('goal G')
    await runtime.advance(1_000)
    // The owner is gone between its turns and its checkpoint.
    await say('two', 'goal H', 'timer late 2026-03-05T08:00:00.000Z')
    const { unwritten, position } = await catchUp(store, 0)
    expect(unwritten.states.size).toBe(1)
    const lease = await store.acquire(0, 'worker-a', 10_000)
    const memory = { ...createMemory(0, lease?.epoch ?? 0), unwritten, position }
    const text = textOf(unwritten)
    await store.commit(checkpointBatch(memory, { worker: 'worker-a', at: '2026-03-02T09:00:00.000Z' }))
    expect(textOf((await catchUp(store, 0)).unwritten)).toBe('[{},{},{}]')
    expect(textOf(unwritten)).toBe(text)
    expect(await compareRebuilt(store, 0)).toEqual([])
    expect(engine.owned()).toEqual([0])
  })

  test('reads pages beyond the first', async () => {
    const { runtime, store, engine } = await open()
    const many = Array.from({ length: 1_300 }, (_, index) => ({
      data: movement(`D${index}`, `L${index}`, 'timer late 2026-03-05T08:00:00.000Z'),
    }))
    for (let from = 0; from < many.length; from += 500) await engine.accept(request(...many.slice(from, from + 500)))
    await runtime.rest()
    expect((await takenOver(store)).timers.size).toBe(1_300)
    await runtime.advance(1_000)
    const memory = await takenOver(store)
    expect([memory.timers.size, hasUnwritten(memory.unwritten)]).toEqual([1_300, false])
    expect(await compareRebuilt(store, 0)).toEqual([])
  })
})

describe('a turn whose commit', () => {
  /** A store that loses the next commit of a turn: before it is written, or after. */
  function losing(): { readonly through: (store: Store) => Store; lose: 'nothing' | 'write' | 'answer' | 'checkpoint' } {
    const state = {
      lose: 'nothing' as 'nothing' | 'write' | 'answer' | 'checkpoint',
      through: (store: Store): Store => ({
        ...store,
        commit: async (batch) => {
          const ours = batch.partitions.some(({ owner }) => owner !== null)
          const { lose } = state
          if (!ours || lose === 'nothing' || (lose === 'checkpoint') !== isCheckpoint(batch)) return store.commit(batch)
          state.lose = 'nothing'
          if (lose !== 'write') await store.commit(batch)
          throw new StoreUnavailable('lost')
        },
      }),
    }
    return state
  }

  test.each(['write', 'answer', 'checkpoint'] as const)('loses its %s leaves nothing behind that is not so', async (lose) => {
    const line = losing()
    const { runtime, store, qms, engine, say } = await open({ through: line.through })
    await say('one')
    line.lose = lose
    await say('goal G', 'timer late 2026-03-02T08:00:20.000Z')
    await runtime.advance(60_000)
    expect(engine.owned()).toEqual([0])
    expect(await seenBy(store, 'script', LOT)).toEqual([
      'D1 one',
      'D2 goal G',
      'D3 timer late 2026-03-02T08:00:20.000Z',
      'settled G met 1',
      'fired late 1',
    ])
    expect(qms.applied).toHaveLength(1)
    expect(await compareRebuilt(store, 0)).toEqual([])
  })

  test('is lost with an action tells who asked for it', async () => {
    const line = losing()
    const { engine, script, say } = await open({ through: line.through })
    await say('fail')
    const [exception] = await engine.exceptions()
    line.lose = 'write'
    script.broken = false
    await expect(engine.retry(exception as never, 'anna')).rejects.toThrow('lost')
  })

  test('is lost gives back the room that its commands had taken', async () => {
    const line = losing()
    // Room for two commands.
    const qms = createToySystem('qms-1', { callsInFlightMax: 1 }, { applyBatchMax: 1 })
    const { runtime, say } = await open({ through: line.through, qms })
    for (let time = 0; time < 4; time++) {
      await say(`goal G${time}`)
      // The next commit is that of the intent.
      line.lose = 'write'
      await runtime.advance(100)
      expect(line.lose).toBe('nothing')
      expect(qms.records.size).toBe(time)
      await runtime.advance(20_000)
      expect(qms.records.size).toBe(time + 1)
    }
  })
})
