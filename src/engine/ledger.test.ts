import { describe, expect, test } from 'vitest'
import { timeAt } from '../../test/engine/hand-runtime.ts'
import { createRig, journalOf, openTold, type Rig, type RigOptions, type Told } from '../../test/engine/rig.ts'
import { createToySystem } from '../../test/engine/toy-system.ts'
import { command, create, inspection } from '../../test/reconcile/builders.ts'
import type { Outcome } from '../connectors/connector.ts'
import type { Command, Goal } from '../model/goal.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { openEngine } from './engine.ts'
import { type LedgerParts, takeOutcome } from './ledger.ts'
import { createMemory } from './memory.ts'
import { compareRebuilt } from './rebuild.ts'
import { beginTurn } from './turn.ts'

interface Open extends Told {
  readonly say: (script: string, lot?: string) => Promise<void>
  /** The goal as the rows say a second later. */
  readonly goal: () => Promise<Goal>
}

async function open(options?: RigOptions): Promise<Open> {
  const rig = await openTold(options)
  return {
    ...rig,
    say: (script, lot = 'A') => rig.tell([lot, script]),
    goal: async () => {
      await rig.runtime.advance(1_000)
      const rows = await rig.store.scanRows({ table: 'goal', after: '', limit: 10 })
      return JSON.parse(rows[0]?.body ?? '') as Goal
    },
  }
}

/** Answers of the target, one call after the other; then it does what it is told. */
function answering({ qms }: Rig, ...answers: readonly Outcome[]): void {
  const { onApply } = qms
  const left = [...answers]
  qms.onApply = async (items, beforeWrite) => {
    const next = left.shift()
    if (next === undefined) return onApply(items, beforeWrite)
    qms.applied.push(...items)
    return items.map(() => next)
  }
}

const one = ({ commands }: Goal): Command => commands[0] as Command

describe('a command', () => {
  test('is durable before it is sent, and what it reached is recorded', async () => {
    const rig = await open()
    let journal: string[] = []
    const { onApply } = rig.qms
    rig.qms.onApply = async (...call) => {
      journal = (await journalOf(rig.store)).flatMap((entry) => (entry.kind === 'goal' ? [entry.change.type] : []))
      return onApply(...call)
    }
    await rig.say('goal G')
    const goal = await rig.goal()
    expect(journal).toEqual(['command'])
    expect(goal).toMatchObject({
      state: 'met',
      evidence: { kind: 'readBack' },
      commands: [{ state: 'applied', attempts: 1, ordinal: 0, detail: 'Q-1' }],
    })
    expect(rig.qms.applied[0]?.reference).toBe(one(goal).reference)
    expect(one(goal).reference).toMatch(/^HP[0-9A-Z]{14}$/)
  })

  test('proved undone is sent again under its reference, when the target says', async () => {
    const rig = await open()
    answering(rig, { outcome: 'later', class: 'rateLimit', delayMs: 5_000, detail: 'busy' })
    await rig.say('goal G')
    expect(one(await rig.goal())).toMatchObject({ state: 'failed', attempts: 1 })
    await rig.runtime.advance(3_500)
    expect(rig.qms.applied).toHaveLength(1)
    await rig.runtime.advance(2_000)
    expect(one(await rig.goal())).toMatchObject({ state: 'applied', attempts: 2 })
    const [first, second] = rig.qms.applied
    expect(second?.reference).toBe(first?.reference)
  })

  test('without a time of the target waits longer each time; then a person knows, and it goes on until the target can', async () => {
    const rig = await open()
    const later: Outcome = { outcome: 'later', class: 'rateLimit', delayMs: null, detail: 'busy' }
    const times: number[] = []
    const { onApply } = rig.qms
    rig.qms.onApply = async (items) => {
      times.push(rig.runtime.now())
      return items.map(() => later)
    }
    await rig.say('goal G')
    await rig.runtime.advance(100_000)
    expect(await rig.engine.exceptions()).toEqual([])
    await rig.runtime.advance(3_500_000)
    const gaps = times.slice(1).map((time, index) => time - (times[index] as number))
    expect(gaps.length).toBeGreaterThan(15)
    gaps.forEach((gap, index) => {
      // Half to all of 2, 4, 8 … 300 seconds, and what the read takes.
      const ceiling = Math.min(2_000 * 2 ** index, 300_000)
      expect(gap).toBeGreaterThanOrEqual(ceiling / 2)
      expect(gap).toBeLessThanOrEqual(ceiling + 500)
    })
    expect((await rig.engine.exceptions()).map(({ code }) => code)).toEqual(['target.unavailable'])
    expect(await rig.goal()).toMatchObject({ state: 'open', waiting: 'target.unavailable' })
    rig.qms.onApply = onApply
    await rig.runtime.advance(300_500)
    expect(await rig.goal()).toMatchObject({ state: 'met', waiting: '' })
    expect(await rig.engine.exceptions()).toEqual([])
  })

  test('that nobody answered is read after quiesce: found, or not sent again before it is proved absent', async () => {
    for (const arrived of [true, false]) {
      const rig = await open()
      const { onApply } = rig.qms
      rig.qms.onApply = async (...call) => {
        rig.qms.onApply = onApply
        if (arrived) await onApply(...call)
        else rig.qms.applied.push(...call[0])
        return call[0].map(() => ({ outcome: 'unknown', detail: 'no answer' }))
      }
      await rig.say('goal G')
      expect(one(await rig.goal()).state).toBe('unknown')
      await rig.runtime.advance(5_000)
      expect(await rig.goal()).toMatchObject({ state: 'met', commands: [{ state: 'applied', attempts: arrived ? 1 : 2 }] })
      expect(rig.qms.records.size).toBe(1)
    }
  })

  test('that a person must look at parks its goal with the code it was given', async () => {
    const rig = await open()
    answering(rig, { outcome: 'needs-person', code: 'target.unauthorized', detail: 'password expired' })
    await rig.say('goal G')
    expect(await rig.goal()).toMatchObject({ state: 'parked', code: 'target.unauthorized' })
    const [exception] = await rig.engine.exceptions()
    expect(exception).toMatchObject({ code: 'target.unauthorized', causeGroup: 'target.unauthorized', detail: 'password expired' })
    expect(await rig.engine.retry(exception as never, 'anna')).toBe(true)
    await rig.runtime.advance(5_000)
    expect(await rig.goal()).toMatchObject({ state: 'met', code: null })
    expect(await rig.engine.exceptions()).toEqual([])
  })

  test('that a person must look at says what one fix would cure with it', async () => {
    const rig = await open()
    answering(rig, { outcome: 'needs-person', code: 'plan.missing', causeGroup: 'plan:RM-100', detail: 'no plan' })
    await rig.say('goal G')
    expect(await rig.goal()).toMatchObject({ state: 'parked', code: 'plan.missing' })
    expect(await rig.engine.exceptions()).toMatchObject([{ code: 'plan.missing', causeGroup: 'plan:RM-100' }])
  })
})

describe.each([
  ['before it knows that it is no longer the owner', false],
  ['after it was told so', true],
] as const)('an answer that reaches a worker %s', (_, told) => {
  test('changes nothing and is kept', async () => {
    let cut = false
    const through = (store: Store): Store => ({
      ...store,
      renew: (...call) => (cut ? Promise.reject(new StoreUnavailable('no way there')) : store.renew(...call)),
    })
    const rig = await open({ through })
    // The worker stands still with the answer in its hands.
    const answer = rig.runtime.holdAt('reply-received')
    const next = await openEngine({ ...rig.deps, store: rig.store, worker: 'worker-b' })
    await rig.say('goal G')
    await rig.runtime.advance(100)
    cut = true
    await rig.runtime.advance(20_000)
    expect(next.owned()).toEqual([0])
    cut = !told
    await rig.runtime.advance(5_000)
    expect(rig.engine.owned()).toEqual(told ? [] : [0])
    answer()
    await rig.runtime.advance(5_000)
    expect(await rig.goal()).toMatchObject({
      state: 'met',
      commands: [{ state: 'applied', attempts: 1, detail: 'found under its reference' }],
    })
    const late = (await journalOf(rig.store)).filter((entry) => entry.kind === 'late')
    expect(late).toMatchObject([{ epoch: 1, outcome: 'applied', detail: 'Q-1' }])
    expect(rig.qms.records.size).toBe(1)
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })
})

test('a withdrawal waits for the command that is under way', async () => {
  const rig = await open({ settings: { sendDeadlineMs: 50_000, leaseMs: 90_000 } })
  const { onApply } = rig.qms
  const answers: (() => void)[] = []
  rig.qms.onApply = async (...call) => {
    const outcomes = await onApply(...call)
    await new Promise<void>((resolve) => answers.push(resolve))
    return outcomes
  }
  await rig.say('goal G')
  await rig.runtime.advance(100)
  await rig.say('withdraw G')
  expect(await rig.goal()).toMatchObject({ state: 'open', withdrawing: true, commands: [{ state: 'intent' }] })
  answers[0]?.()
  await rig.runtime.advance(3_000)
  expect(await rig.goal()).toMatchObject({ state: 'withdrawn', commands: [{ state: 'applied' }] })
})

test('a connector that never answers keeps nobody from closing, and its command is found by the next owner', async () => {
  const rig = await open()
  const { onApply } = rig.qms
  rig.qms.onApply = async (...call) => {
    rig.qms.onApply = onApply
    await onApply(...call)
    return new Promise(() => undefined)
  }
  await rig.say('goal G')
  const closed = rig.engine.close()
  await rig.runtime.advance(3_000)
  await closed
  await openEngine({ ...rig.deps, worker: 'worker-b' })
  await rig.runtime.advance(5_000)
  expect(await rig.goal()).toMatchObject({ state: 'met', commands: [{ state: 'applied', attempts: 1 }] })
})

test('in shadow nothing is sent, and the goal says so', async () => {
  const rig = await open({ settings: { sending: 'shadow' } })
  await rig.say('goal G')
  await rig.runtime.advance(60_000)
  expect(rig.qms.applied).toEqual([])
  expect(await rig.goal()).toMatchObject({ state: 'open', waiting: 'shadow' })
})

test('what waits for room in the queue of a slow target is sent when there is some, all of it', async () => {
  const qms = createToySystem('qms-1', { callsInFlightMax: 1 }, { applyBatchMax: 1 })
  const { onApply } = qms
  const rig = await open({ qms })
  qms.onApply = async (...call) => {
    await rig.runtime.clock.sleep(200)
    return onApply(...call)
  }
  for (let number = 0; number < 12; number++) await rig.say('goal G', `L${number}`)
  await rig.runtime.advance(6_000)
  expect(qms.records.size).toBe(12)
  expect(qms.applied).toHaveLength(12)
})

test('a time that was given for the next attempt stands', async () => {
  const rig = await open()
  answering(rig, { outcome: 'later', class: 'rateLimit', delayMs: 30_000, detail: 'busy' })
  await rig.say('goal G')
  const { notBefore, changedAt } = one(await rig.goal())
  expect(Date.parse(notBefore ?? '') - Date.parse(changedAt)).toBe(30_000)
  expect(timeAt(rig.runtime.now()) < (notBefore ?? '')).toBe(true)
})

test('an answer to an attempt that is no longer the newest, or no longer open, changes nothing', () => {
  const outcome: Outcome = { outcome: 'applied', detail: '' }
  const newest = command(create, { state: 'intent', attempts: 2 })
  for (const [standing, sent] of [
    [newest, { ...newest, attempts: 1 }],
    [{ ...newest, state: 'unknown' as const }, newest],
  ] as const) {
    const rig = createRig()
    const turn = beginTurn(createMemory(0, 1), timeAt(0))
    const ledger = { turn, parts: { deps: rig.deps } as LedgerParts }
    expect(takeOutcome(ledger, { goal: inspection({ commands: [standing] }), command: sent, outcome })).toBe(false)
    expect(takeOutcome(ledger, { goal: undefined, command: sent, outcome })).toBe(false)
    expect([turn.entries, rig.runtime.situations.get('outcome-superseded')]).toEqual([[], 2])
    expect(takeOutcome(ledger, { goal: inspection({ commands: [newest] }), command: newest, outcome })).toBe(true)
    expect(turn.entries).toHaveLength(1)
  }
})
