import { describe, expect, it } from 'vitest'
import type { Group } from './group.ts'
import { createGroupQueue, OPERATIONS_PER_GROUP_MAX, OPERATIONS_WAITING_MAX } from './queue.ts'
import { StoreUnavailable } from './store.ts'

/** A queue whose schedule and disk are worked off by hand. */
function harness() {
  const scheduled: (() => void)[] = []
  const persisted: { readonly group: Group; readonly done: (failure: StoreUnavailable | null) => void }[] = []
  const log: string[] = []
  const queue = createGroupQueue({
    schedule: (run) => scheduled.push(run),
    persist: (group, done) => persisted.push({ group, done }),
    settled: () => log.push('settled'),
  })
  const add = (name: string) =>
    queue
      .enqueue((group) => {
        group.identities.set(name, name)
        return name
      })
      .then(
        (answer) => log.push(answer),
        () => log.push(`${name} rejected`),
      )
  return {
    queue,
    scheduled,
    persisted,
    log,
    add,
    tick: () => scheduled.shift()?.(),
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  }
}

describe('the group-commit queue', () => {
  it('joins what is asked for before the turn, and answers when it is durable', async () => {
    const { add, tick, scheduled, persisted, log, settle } = harness()
    void add('a')
    void add('b')
    expect(scheduled).toHaveLength(1)
    tick()
    void add('c')
    expect([persisted.length, [...(persisted[0]?.group.identities.keys() ?? [])], scheduled.length]).toEqual([1, ['a', 'b'], 0])
    await settle()
    expect(log).toEqual([])
    persisted[0]?.done(null)
    await settle()
    expect(log).toEqual(['settled', 'a', 'b'])
    tick()
    expect([...(persisted[1]?.group.identities.keys() ?? [])]).toEqual(['c'])
  })

  it('bounds a group and keeps the order', async () => {
    const { add, tick, persisted, log, settle } = harness()
    const names = Array.from({ length: OPERATIONS_PER_GROUP_MAX + 3 }, (_, index) => `${index}`)
    for (const name of names) void add(name)
    for (let round = 0; round < 2; round++) {
      tick()
      persisted[round]?.done(null)
    }
    await settle()
    expect(persisted.map(({ group }) => group.identities.size)).toEqual([OPERATIONS_PER_GROUP_MAX, 3])
    expect(log.filter((line) => line !== 'settled')).toEqual(names)
  })

  it('refuses more than it may hold', async () => {
    const { queue, add, log, settle } = harness()
    for (let count = 0; count < OPERATIONS_WAITING_MAX; count++) void queue.enqueue(() => count)
    void add('too many')
    await settle()
    expect(log).toEqual(['too many rejected'])
  })

  it('rejects the whole group when it could not be made durable, and goes on', async () => {
    const { add, tick, persisted, log, settle } = harness()
    void add('a')
    tick()
    void add('b')
    persisted[0]?.done(new StoreUnavailable('disk'))
    tick()
    persisted[1]?.done(null)
    await settle()
    expect(log).toEqual(['settled', 'a rejected', 'b'])
  })

  it('after an abort answers nothing of before, however late the disk speaks', async () => {
    const { queue, add, tick, persisted, log, settle } = harness()
    void add('in flight')
    tick()
    void add('waiting')
    queue.abort(new StoreUnavailable('power'))
    persisted[0]?.done(null)
    void add('after')
    tick()
    persisted[1]?.done(null)
    await settle()
    expect(log).toEqual(['settled', 'in flight rejected', 'waiting rejected', 'after'])
  })

  it('drains', async () => {
    const { queue, add, tick, persisted, log, settle } = harness()
    await queue.drain()
    void add('a')
    void queue.drain().then(() => log.push('drained'))
    await settle()
    tick()
    await settle()
    expect(log).toEqual([])
    persisted[0]?.done(null)
    await settle()
    expect(log).toContain('drained')
  })
})
