import { expect, test } from 'vitest'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { instanceId } from './derive.ts'
import { Inbox } from './inbox.ts'
import { createMemory, type PartitionMemory } from './memory.ts'

interface Given {
  /** Named `key:lane`, in the order in which they are delivered. */
  readonly rows: readonly string[]
  readonly most: number
  readonly aheadMax?: number
  readonly memory?: PartitionMemory
}

/** What `take` hands on, turn by turn, as an owner would: filled before each. */
async function takenFrom({ rows, most, aheadMax = 100, memory = createMemory(0, 1) }: Given): Promise<string[][]> {
  const store = createMemoryStore({ installation: 'i', partitions: 1, now: () => 0, schedule: (run) => void Promise.resolve().then(run) })
  const deliveries = rows.map((row) => {
    const [key = '', lane = ''] = row.split(':')
    return { toPartition: 0, process: 'p', key, lane, entry: 0, ordinal: 0 }
  })
  const write = { partition: 0, owner: null, entries: ['{}'], deliveries, consumed: [], rows: [] }
  await store.commit({ expect: [], identities: [], raw: [], partitions: [write] })
  const inbox = new Inbox(store, memory, aheadMax)
  const taken: string[][] = []
  for (await inbox.fill(); inbox.waiting; await inbox.fill()) taken.push(inbox.take(most).map(({ sequence }) => rows[sequence - 1] ?? ''))
  return taken
}

test('what withholds stock overtakes the work of other instances', async () => {
  expect(await takenFrom({ rows: ['a:normal', 'b:safety', 'c:normal', 'd:safety'], most: 2 })).toEqual([
    ['b:safety', 'd:safety'],
    ['a:normal', 'c:normal'],
  ])
})

test('nothing overtakes within an instance: what came before the hold comes with it', async () => {
  const rows = ['a:normal', 'b:normal', 'a:critical', 'a:safety', 'a:normal', 'c:normal']
  expect(await takenFrom({ rows, most: 100 })).toEqual([['a:normal', 'a:critical', 'a:safety', 'b:normal', 'a:normal', 'c:normal']])
  expect(await takenFrom({ rows: ['b:normal', 'a:normal', 'a:safety'], most: 1 })).toEqual([['a:normal'], ['a:safety'], ['b:normal']])
})

test('without holds the order is that of arrival', async () => {
  expect(await takenFrom({ rows: ['a:normal', 'b:critical', 'a:normal'], most: 2 })).toEqual([['a:normal', 'b:critical'], ['a:normal']])
})

test('a hold far behind what is read ahead comes first, with what came before it for its instance', async () => {
  const backlog = Array.from({ length: 11 }, (_, index) => `n${index}:normal`)
  const rows = ['h:normal', ...backlog, 'h:critical', 'h:safety', 'h:normal', 'x:normal', 'y:safety']
  const taken = (await takenFrom({ rows, most: 5, aheadMax: 4 })).flat()
  expect(taken.slice(0, 4)).toEqual(['h:normal', 'h:critical', 'h:safety', 'y:safety'])
  expect(taken.slice(4)).toEqual([...backlog, 'h:normal', 'x:normal'])
})

test('beyond what is looked through at once, it is found while the backlog is worked off', async () => {
  const backlog = Array.from({ length: 60 }, (_, index) => `n${index}:normal`)
  const taken = (await takenFrom({ rows: [...backlog, 'h:safety', 'z:normal'], most: 2, aheadMax: 4 })).flat()
  expect(taken.indexOf('h:safety')).toBeLessThan(10)
  expect(taken.filter((row) => row !== 'h:safety')).toEqual([...backlog, 'z:normal'])
})

test('a hold that is brought forward waits with its instance while that is blocked', async () => {
  const memory = createMemory(0, 1)
  memory.blocked.add(instanceId('p', 'h'))
  const taken = await takenFrom({
    rows: ['a:normal', 'b:normal', 'c:normal', 'h:normal', 'h:safety', 'd:normal'],
    most: 2,
    aheadMax: 2,
    memory,
  })
  expect(taken.flat()).toEqual(['a:normal', 'b:normal', 'c:normal', 'd:normal'])
  expect(memory.skipped.map(({ sequence }) => sequence)).toEqual([4, 5])
})

/** As often as chance gives: whatever the backlog, everything comes once, in order for its instance. */
test('nothing is lost, doubled or out of order for its instance', async () => {
  let seed = 7
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * below)
  }
  for (let round = 0; round < 60; round++) {
    const rows = Array.from({ length: next(80) }, (_, index) => `k${next(6)}:${next(7) === 0 ? 'safety' : 'normal'}:${index}`)
    const taken = (await takenFrom({ rows, most: 1 + next(6), aheadMax: 1 + next(9) })).flat()
    expect([...taken].sort()).toEqual([...rows].sort())
    for (let key = 0; key < 6; key++) {
      const of = (all: readonly string[]): string[] => all.filter((row) => row.startsWith(`k${key}:`))
      expect(of(taken)).toEqual(of(rows))
    }
  }
})
