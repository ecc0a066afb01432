import { expect, test } from 'vitest'
import { createHandRuntime } from '../../test/engine/hand-runtime.ts'
import { createRig, createStore, journalOf, request } from '../../test/engine/rig.ts'
import { movement } from '../../test/engine/scripted.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { openEngine } from './engine.ts'

const HOUR_MS = 3_600_000

/** A worker's store says a time that is so far behind the other's. */
function behind(ms: number): (store: Store) => Store {
  return (store) => ({ ...store, databaseNow: async () => new Date(Date.parse(await store.databaseNow()) - ms).toISOString() })
}

/** Once cut, the worker is as good as gone: its lease runs out. */
function ended(line: { readonly cut: boolean }): (store: Store) => Store {
  const orCut = <T>(call: () => Promise<T>): Promise<T> => (line.cut ? Promise.reject(new StoreUnavailable('cut')) : call())
  return (store) => ({
    ...store,
    renew: (...call) => orCut(() => store.renew(...call)),
    leases: () => orCut(() => store.leases()),
    commit: (batch) => orCut(() => store.commit(batch)),
  })
}

test.each(['folded', 'ahead of the rows'])(
  'an owner whose time is hours behind the journal goes on from its newest time (%s)',
  async (how) => {
    const runtime = createHandRuntime()
    const store = createStore(runtime, 1)
    const line = { cut: false }
    const first = createRig({
      runtime,
      store,
      worker: 'a',
      through: ended(line),
      settings: { checkpointMs: how === 'folded' ? 100 : 10 * HOUR_MS },
    })
    first.qms.onApply = async (items) => items.map(() => ({ outcome: 'unknown', detail: 'reset' }) as const)
    const engine = await openEngine(first.deps)
    await engine.accept(request({ data: movement('D1', 'A', 'goal G') }))
    await runtime.advance(200)
    const known = await journalOf(store)
    line.cut = true
    const second = createRig({ runtime, store, worker: 'b', through: behind(3 * HOUR_MS) })
    await openEngine(second.deps)
    await runtime.advance(60_000)
    const entries = await journalOf(store)
    const at = entries.map((entry) => ('at' in entry ? entry.at : entry.recordedAt))
    expect(at).toEqual([...at].sort())
    expect(entries.length).toBeGreaterThan(known.length)
    expect(second.qms.applied).toHaveLength(1)
  },
)
