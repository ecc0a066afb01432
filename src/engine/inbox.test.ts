import { expect, test } from 'vitest'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { Inbox } from './inbox.ts'
import { createMemory } from './memory.ts'

/** Rows named `key:lane`, in the order they were delivered; answers the order in which `take` hands them on. */
async function takenFrom(rows: readonly string[], most: number): Promise<string[][]> {
  const store = createMemoryStore({ installation: 'i', partitions: 1, now: () => 0, schedule: (run) => void Promise.resolve().then(run) })
  const deliveries = rows.map((row) => {
    const [key = '', lane = ''] = row.split(':')
    return { toPartition: 0, process: 'p', key, lane, entry: 0, ordinal: 0 }
  })
  const write = { partition: 0, owner: null, entries: ['{}'], deliveries, consumed: [], rows: [] }
  await store.commit({ expect: [], identities: [], raw: [], partitions: [write] })
  const inbox = new Inbox(store, createMemory(0, 1), 100)
  await inbox.fill()
  const taken: string[][] = []
  while (inbox.waiting) taken.push(inbox.take(most).map(({ sequence }) => rows[sequence - 1] ?? ''))
  return taken
}

test('what withholds stock overtakes the work of other instances', async () => {
  expect(await takenFrom(['a:normal', 'b:safety', 'c:normal', 'd:safety'], 2)).toEqual([
    ['b:safety', 'd:safety'],
    ['a:normal', 'c:normal'],
  ])
})

test('nothing overtakes within an instance: what came before the hold comes with it', async () => {
  expect(await takenFrom(['a:normal', 'b:normal', 'a:critical', 'a:safety', 'a:normal', 'c:normal'], 100)).toEqual([
    ['a:normal', 'a:critical', 'a:safety', 'b:normal', 'a:normal', 'c:normal'],
  ])
  expect(await takenFrom(['b:normal', 'a:normal', 'a:safety'], 1)).toEqual([['a:normal'], ['a:safety'], ['b:normal']])
})

test('without holds the order is that of arrival', async () => {
  expect(await takenFrom(['a:normal', 'b:critical', 'a:normal'], 2)).toEqual([['a:normal', 'b:critical'], ['a:normal']])
})
