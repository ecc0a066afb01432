import { describe, expect, test } from 'vitest'
import { timeAt } from '../../test/engine/hand-runtime.ts'
import { createRig, openClock } from '../../test/engine/rig.ts'
import { command, hold, KEY, move, on, place, record, records, rejection, release } from '../../test/reconcile/builders.ts'
import type { ResourceSpec } from '../connectors/connector.ts'
import type { Action, Goal } from '../model/goal.ts'
import { carryOutEffect, type EffectParts } from './effects.ts'
import type { LedgerParts } from './ledger.ts'
import { createLimiters } from './limiter.ts'
import { createMemory, observationKey, rememberGoal } from './memory.ts'
import { createOutbox, type Outbox, type PendingSend } from './outbox.ts'
import { beginTurn, stageGoal, type Turn } from './turn.ts'

const DEADLINE_MS = 2_000
const CALL_MS = 1_000
const FREES = move(10, 'blocked', 'unrestricted')
const BLOCKS = move(10, 'unrestricted', 'blocked')

/** A command of this action, enqueued at the start; what its guard says can be asked at any time. */
async function enqueued(action: Action, ...[change, siblings = []]: readonly [Partial<Goal>?, (readonly Goal[])?]) {
  const rig = createRig()
  const clock = await openClock(rig)
  const memory = createMemory(0, 1)
  const intent = command(action, { goal: 'posting', state: 'intent', intentAt: timeAt(0) })
  const goal = (action === BLOCKS ? rejection : release)({ id: 'posting', commands: [intent], setAt: timeAt(-1), ...change })
  for (const one of [goal, ...siblings]) rememberGoal(memory, one, true)
  const state = { leaseUntil: 10_000, stopped: false, committing: null as Turn | null }
  const sends: PendingSend[] = []
  const outbox = {
    ...createOutbox(rig.deps, createLimiters(rig.deps)),
    enqueue: (...[, send]: Parameters<Outbox['enqueue']>) => void sends.push(send),
  }
  const parts: Partial<EffectParts> = {
    deps: rig.deps,
    clock,
    outbox,
    ledger: { deps: rig.deps, resourceOf: () => ({ lagMs: 0 }) as ResourceSpec } as Partial<LedgerParts> as LedgerParts,
    memory,
    stopped: () => state.stopped,
    leaseUntil: () => state.leaseUntil,
    committing: () => state.committing,
  }
  carryOutEffect(parts as EffectParts, { effect: 'send', goal: goal.id, command: intent.id }, timeAt(0))
  const { guard } = sends[0] as PendingSend
  return { ...rig, memory, goal, state, guard }
}

describe.each([
  ['a posting that frees', FREES],
  ['one that restricts', BLOCKS],
] as const)('%s goes', (_, action) => {
  test('before its deadline, not after', async () => {
    const { guard, runtime } = await enqueued(action)
    expect(guard()).toBe(true)
    await runtime.advance(DEADLINE_MS - 1)
    expect(guard()).toBe(true)
    await runtime.advance(1)
    expect(guard()).toBe(false)
  })

  test('while the lease outlasts the call', async () => {
    const { guard, state } = await enqueued(action)
    state.leaseUntil = CALL_MS + 1
    expect(guard()).toBe(true)
    state.leaseUntil = CALL_MS
    expect(guard()).toBe(false)
  })

  test('while its owner runs and the goal is wanted', async () => {
    const { guard, state, memory, goal } = await enqueued(action)
    state.stopped = true
    expect(guard()).toBe(false)
    state.stopped = false
    expect(guard()).toBe(true)
    rememberGoal(memory, { ...goal, withdrawing: true }, true)
    expect(guard()).toBe(false)
    rememberGoal(memory, goal, false)
    expect(guard()).toBe(false)
  })
})

describe('a hold that came meanwhile', () => {
  const holding = hold({ id: 'hold', setAt: timeAt(1) })

  test('stops what frees the quantity it covers, and nothing that restricts', async () => {
    for (const [action, goes] of [
      [FREES, false],
      [BLOCKS, true],
    ] as const) {
      const { guard, memory } = await enqueued(action)
      rememberGoal(memory, holding, true)
      expect(guard()).toBe(goes)
    }
  })

  test('stops it from the moment its turn is being committed', async () => {
    const { guard, memory, state } = await enqueued(FREES)
    const turn = beginTurn(memory, timeAt(1))
    stageGoal(turn, holding)
    state.committing = turn
    expect(guard()).toBe(false)
  })

  test('does not stop it once it is withdrawn, nor on another carrier or lot', async () => {
    const others = [
      { ...holding, withdrawing: true },
      { ...holding, state: 'withdrawn' as const },
      hold({ id: 'hold' }, on('C-9')),
      hold({ id: 'hold', subject: 'erp-1:batch:RM-100/B-1' }),
    ]
    const carrier = { ...FREES, from: place('blocked', { carrier: 'C-1' }) } as Action
    for (const other of others) expect((await enqueued(carrier, {}, [other])).guard(), JSON.stringify(other)).toBe(true)
    expect((await enqueued(carrier, {}, [hold({ id: 'hold' }, on('C-1'))])).guard()).toBe(false)
  })

  test('stops taking off a flag only if it is newer than the intent', async () => {
    const unrestrict: Action = { type: 'unrestrict', lot: 'l', rung: 1 }
    expect((await enqueued(unrestrict, {}, [{ ...holding, setAt: timeAt(-1) }])).guard()).toBe(true)
    expect((await enqueued(unrestrict, {}, [{ ...holding, setAt: timeAt(0) }])).guard()).toBe(false)
  })
})

describe('the premise of a release', () => {
  const premise = { system: 'qms-1', resource: 'inspection', key: KEY, version: '2' }
  const read = (version: string, decided: boolean, beganMs: number) => ({
    ...records([record({ version, decided })]),
    beganAt: timeAt(beganMs),
    endedAt: timeAt(beganMs),
  })

  test.each([
    ['stands', read('2', true, -10), true],
    ['was decided otherwise', read('3', true, -10), false],
    ['is open again', read('2', false, -10), false],
    ['was read too long ago', read('2', true, -30_001), false],
  ] as const)('%s', async (_, seen, goes) => {
    const { guard, memory } = await enqueued(FREES, { premise })
    memory.premises.set(observationKey('qms-1', 'inspection', KEY), seen)
    expect(guard()).toBe(goes)
  })

  test('was never read', async () => {
    expect((await enqueued(FREES, { premise })).guard()).toBe(false)
  })

  test('does not matter to what restricts', async () => {
    expect((await enqueued(BLOCKS, { premise })).guard()).toBe(true)
  })
})
