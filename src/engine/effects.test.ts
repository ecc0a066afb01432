import { describe, expect, test } from 'vitest'
import { START_MS, timeAt } from '../../test/engine/hand-runtime.ts'
import { createRig, openClock } from '../../test/engine/rig.ts'
import { hold, inspection, LOT, release } from '../../test/reconcile/builders.ts'
import type { ResourceSpec } from '../connectors/connector.ts'
import type { Goal } from '../model/goal.ts'
import { orderKeyOf } from '../model/goal.ts'
import type { Observation } from '../model/observation.ts'
import { Alarms } from './alarms.ts'
import { carryOutEffect, type EffectParts } from './effects.ts'
import type { LedgerParts } from './ledger.ts'
import { createLimiters } from './limiter.ts'
import { createMemory, rememberGoal } from './memory.ts'
import { createOutbox } from './outbox.ts'
import { createReader, type Wish } from './reader.ts'

const LAG_MS = 2_000

async function open(...goals: readonly Goal[]) {
  const rig = createRig()
  const clock = await openClock(rig)
  const memory = createMemory(0, 1)
  for (const goal of goals) rememberGoal(memory, goal, true)
  const looks: string[] = []
  const state = { stopped: false }
  const parts: EffectParts = {
    deps: rig.deps,
    clock,
    outbox: createOutbox(rig.deps, createLimiters(rig.deps)),
    reader: createReader(rig.deps, { clock, limiters: createLimiters(rig.deps), mayCall: () => true, report: () => undefined }),
    alarms: new Alarms(rig.runtime, clock),
    ledger: { resourceOf: () => ({ lagMs: LAG_MS }) as ResourceSpec } as Partial<LedgerParts> as LedgerParts,
    memory,
    look: (orderKey) => void looks.push(orderKey),
    onOutcome: () => undefined,
    onReadEnd: () => undefined,
    stopped: () => state.stopped,
    leaseUntil: () => 60_000,
    committing: () => null,
  }
  return { ...rig, parts, memory, looks, state }
}

/** Times at which observations in mind began, by key, in milliseconds. */
function began(observations: ReadonlyMap<string, Observation>): number[] {
  return [...observations.values()].map(({ beganAt }) => Date.parse(beganAt) - START_MS)
}

const target = { system: 'qms-1', resource: 'inspection', subject: LOT } as const

describe('reads', () => {
  test('of two goals of one lot are not put off by each other', async () => {
    const [holding, releasing] = [hold({ id: 'hold', ...target }), release({ id: 'release', ...target })]
    const { parts, memory, looks, runtime } = await open(holding, releasing)
    carryOutEffect(parts, { effect: 'read', goal: holding, notBefore: timeAt(0) }, timeAt(0))
    // An unknown outcome is read after quiesce.
    carryOutEffect(parts, { effect: 'read', goal: releasing, notBefore: timeAt(30_000) }, timeAt(0))
    await runtime.advance(1_000)
    expect(began(memory.observations)).toEqual([5])
    expect(looks).toEqual([orderKeyOf(holding)])
    await runtime.advance(30_000)
    expect(began(memory.observations)).toEqual([30_000])
    expect(looks).toHaveLength(2)
  })

  test.each(['safety', 'critical'] as const)('of a goal of lane %s are as urgent as the goal, of its premise too', async (lane) => {
    const goal = release({ lane, ...target, premise: { system: 'qms-1', resource: 'inspection', key: 'a', version: '1' } })
    const { parts } = await open(goal)
    const lanes: string[] = []
    const reader = { ...parts.reader, wish: (wish: Wish) => void lanes.push(wish.lane) }
    for (const effect of ['lookAfresh', 'readPremise'] as const) carryOutEffect({ ...parts, reader }, { effect, goal }, timeAt(0))
    carryOutEffect({ ...parts, reader }, { effect: 'read', goal, notBefore: timeAt(0) }, timeAt(0))
    expect(lanes).toEqual([lane, lane, lane])
  })

  test('that show everything up to now are not replaced by ones that need not', async () => {
    const goal = hold({ ...target })
    const { parts, memory, runtime } = await open(goal)
    carryOutEffect(parts, { effect: 'lookAfresh', goal }, timeAt(0))
    carryOutEffect(parts, { effect: 'read', goal, notBefore: timeAt(0) }, timeAt(0))
    await runtime.advance(100)
    expect(began(memory.observations)).toEqual([5])
    await runtime.advance(5_000)
    expect(began(memory.observations)).toEqual([LAG_MS])
  })

  test('that come back in the other order leave the newer one', async () => {
    const goal = hold({ ...target })
    const { parts, memory, runtime } = await open(goal)
    const go = runtime.holdAt('read-received')
    carryOutEffect(parts, { effect: 'read', goal, notBefore: timeAt(0) }, timeAt(0))
    await runtime.advance(10)
    memory.observations.set(`${orderKeyOf(goal)}|inspection`, {
      kind: 'record',
      records: [],
      beganAt: timeAt(7),
      endedAt: timeAt(8),
      source: 'read',
    })
    go()
    await runtime.advance(10)
    expect(began(memory.observations)).toEqual([7])
  })

  test('serve nobody once the owner has stopped, or nothing of the lot is open', async () => {
    const goal = inspection(target)
    const { parts, memory, looks, runtime, state } = await open(goal)
    carryOutEffect(parts, { effect: 'read', goal, notBefore: timeAt(0) }, timeAt(0))
    rememberGoal(memory, goal, false)
    await runtime.advance(100)
    rememberGoal(memory, goal, true)
    carryOutEffect(parts, { effect: 'read', goal, notBefore: timeAt(0) }, timeAt(100))
    state.stopped = true
    await runtime.advance(100)
    expect([began(memory.observations), looks]).toEqual([[], []])
  })

  test('of premises are kept apart, newest last, as many as are allowed', async () => {
    const premise = (key: string) => ({ system: 'qms-1', resource: 'inspection', key, version: '1' })
    const goals = ['a', 'b', 'c'].map((key) => release({ id: key, ...target, premise: premise(key) }))
    const { parts, memory, runtime } = await open(...goals)
    const kept = { ...parts, deps: { ...parts.deps, settings: { ...parts.deps.settings, premisesKeptMax: 2 } } }
    for (const goal of goals) carryOutEffect(kept, { effect: 'readPremise', goal }, timeAt(0))
    await runtime.advance(100)
    expect([...memory.premises.keys()]).toEqual(['qms-1|b|inspection', 'qms-1|c|inspection'])
    expect(memory.observations.size).toBe(0)
    // A second read of what had not caught up comes a lag later.
    carryOutEffect(kept, { effect: 'readPremise', goal: goals[2] as Goal }, timeAt(100))
    await runtime.advance(1_000)
    expect(began(memory.premises)).toEqual([5, 5])
    await runtime.advance(2_000)
    expect(began(memory.premises)).toEqual([5, 5 + LAG_MS])
  })
})

test('a wake-up looks at its order key again, the earliest first', async () => {
  const { parts, looks, runtime } = await open()
  carryOutEffect(parts, { effect: 'wake', orderKey: 'a', at: timeAt(2_000) }, timeAt(0))
  carryOutEffect(parts, { effect: 'wake', orderKey: 'a', at: timeAt(1_000) }, timeAt(0))
  carryOutEffect(parts, { effect: 'wake', orderKey: 'b', at: timeAt(1_500) }, timeAt(0))
  await runtime.advance(5_000)
  expect(looks).toEqual(['a', 'b'])
})
