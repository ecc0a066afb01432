import { describe, expect, test } from 'vitest'
import { createHandRuntime, START_MS } from '../../test/engine/hand-runtime.ts'
import { createRig, createStore, type Rig, type RigOptions, request } from '../../test/engine/rig.ts'
import { lotOf, movement } from '../../test/engine/scripted.ts'
import { bucket, doc, stock } from '../../test/reconcile/builders.ts'
import { createMemoryStore } from '../store/memory/memory-store.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { type Engine, openEngine } from './engine.ts'

const LOT = lotOf('A')
/** Of the record that the script asks for with `goal G`. */
const SUBJECT = `${LOT}#G`

interface Drifting extends Rig {
  readonly engine: Engine
  /** What commits that touch an exception fail with. */
  failWith: Error | null
}

async function open(options: RigOptions = {}): Promise<Drifting> {
  const fault: { failWith: Error | null } = { failWith: null }
  const through = (store: Store): Store => ({
    ...store,
    commit: async (batch) => {
      const touches = batch.partitions.some(({ rows }) => rows.some(({ table }) => table === 'exception'))
      if (touches && fault.failWith !== null) throw fault.failWith
      return store.commit(batch)
    },
  })
  const rig = createRig({ through, ...options })
  return Object.assign(fault, rig, { engine: await openEngine(rig.deps) })
}

/** Usable stock of a lot that nobody has announced, seen once. */
async function openUnannounced(): Promise<Drifting> {
  const hub = await open()
  hub.qms.onSweep = async () => ({ subjects: [{ subject: LOT, observation: stock([bucket('unrestricted', 5)]) }], cursor: null })
  await hub.engine.sweep()
  return hub
}

/** A hub restored from a backup that is older than a command of ours, whose document or flag was seen once. */
async function openForgetful(trace: (reference: string) => Parameters<typeof stock>[1]): Promise<Drifting> {
  const runtime = createHandRuntime()
  const backup = createStore(runtime, 1)
  const image = backup.image()
  const before = await open({ runtime, store: backup })
  await before.engine.accept(request({ data: movement('D1', 'A', 'goal G') }))
  await runtime.advance(1_000)
  await before.engine.close()
  const [command] = before.qms.applied
  const shown = trace(command?.reference ?? '')
  const schedule = (run: () => void): void => void Promise.resolve().then(run)
  const store = createMemoryStore({ installation: '', partitions: 1, now: () => START_MS + runtime.now(), schedule, image })
  const hub = await open({ runtime, store })
  hub.qms.onSweep = async () => ({ subjects: [{ subject: SUBJECT, observation: stock([], shown) }], cursor: null })
  await hub.engine.sweep()
  return hub
}

/** The source tells again what the hub had not heard or has forgotten. */
async function tell({ engine, runtime }: Drifting): Promise<void> {
  await engine.accept(request({ data: movement('D1', 'A', 'goal G') }))
  await runtime.advance(1_000)
}

describe.each([
  ['usable stock that nobody announced', openUnannounced],
  [
    'a document of ours that the hub has forgotten',
    () => openForgetful((reference) => ({ documents: [doc(reference, 5, null, 'unrestricted')] })),
  ],
  [
    'a flag of ours that the hub has forgotten',
    () => openForgetful((reference) => ({ restrictions: [{ rung: 1, reference, by: 'INTERFACE' }] })),
  ],
] as const)('%s', (_, openDrifting) => {
  test('is shown after two sweeps, until it is explained', async () => {
    const hub = await openDrifting()
    expect(await hub.engine.exceptions()).toEqual([])
    await hub.engine.sweep()
    expect(await hub.engine.exceptions()).toMatchObject([{ code: 'drift.unexplained' }])
    await tell(hub)
    await hub.engine.sweep()
    expect(await hub.engine.exceptions()).toEqual([])
    expect(hub.logged).toEqual([])
  })

  test('is cleared by the next owner when the partition was lost just then', async () => {
    const hub = await openDrifting()
    await hub.engine.sweep()
    await tell(hub)
    hub.failWith = new StoreUnavailable('lost')
    await hub.engine.sweep()
    hub.failWith = null
    await hub.runtime.advance(2 * hub.deps.settings.leaseMs)
    expect(hub.engine.owned()).toEqual([0])
    await hub.engine.sweep()
    expect(await hub.engine.exceptions()).toEqual([])
  })

  test.each([
    ['a bug is seen', new Error('a bug'), true],
    ["a lost partition is its next owner's business", new StoreUnavailable('lost'), false],
  ])('when it cannot be noted: %s', async (_, reason, seen) => {
    for (const explained of [false, true]) {
      const hub = await openDrifting()
      if (explained) {
        await hub.engine.sweep()
        await tell(hub)
      }
      hub.failWith = reason
      await hub.engine.sweep()
      expect(hub.logged.includes('warn drift could not be noted')).toBe(seen)
      expect(hub.logged).toContain('warn partition stopped')
    }
  })
})

test('a lot that every other sweep misses is not shown', async () => {
  const hub = await openUnannounced()
  const shows = hub.qms.onSweep
  for (let time = 0; time < 2; time++) {
    hub.qms.onSweep = async () => ({ subjects: [], cursor: null })
    await hub.engine.sweep()
    hub.qms.onSweep = shows
    await hub.engine.sweep()
  }
  expect(await hub.engine.exceptions()).toEqual([])
})

test('a forgotten flag that a person has taken off is no drift any more', async () => {
  const hub = await openForgetful((reference) => ({ restrictions: [{ rung: 1, reference, by: 'INTERFACE' }] }))
  await hub.engine.sweep()
  expect(await hub.engine.exceptions()).toHaveLength(1)
  hub.qms.onSweep = async () => ({ subjects: [{ subject: SUBJECT, observation: stock([]) }], cursor: null })
  await hub.engine.sweep()
  expect(await hub.engine.exceptions()).toEqual([])
})
