import { describe, expect, test } from 'vitest'
import { timeAt } from '../../test/engine/hand-runtime.ts'
import { createRig, journalOf, type Rig, request } from '../../test/engine/rig.ts'
import { movement } from '../../test/engine/scripted.ts'
import { command, hold, LOT, release } from '../../test/reconcile/builders.ts'
import type { Goal } from '../model/goal.ts'
import { orderKeyOf } from '../model/goal.ts'
import { lot as lotProcess } from '../process/lot.ts'
import type { Process } from '../process/process.ts'
import { type AttemptParts, attempt } from './attempt.ts'
import { type Engine, openEngine } from './engine.ts'
import { createMemory, rememberException, rememberGoal } from './memory.ts'
import { compareRebuilt } from './rebuild.ts'
import { beginTurn, changeGoal, clear, raise, stageGoal, type Turn } from './turn.ts'

const TARGET = { system: 'qms-1', resource: 'inspection' }

describe('an order key whose evaluation throws', () => {
  /** References of lot BAD cannot be made while `broken`. */
  async function open(): Promise<Rig & { readonly engine: Engine; readonly state: { broken: boolean }; tell: Tell }> {
    const rig = createRig()
    const state = { broken: true }
    const { hash } = rig.runtime
    const runtime = {
      ...rig.runtime,
      hash: (text: string): string => {
        if (state.broken && text.includes('qms-1|erp-1:batch:RM/BAD#')) throw new Error('cannot derive')
        return hash(text)
      },
    }
    const engine = await openEngine({ ...rig.deps, runtime })
    let documents = 0
    return {
      ...rig,
      engine,
      state,
      tell: async (...lots) => {
        await engine.accept(request(...lots.map((lot) => ({ data: movement(`D${++documents}`, lot, 'goal G') }))))
        await rig.runtime.advance(1_000)
      },
    }
  }
  type Tell = (...lots: readonly string[]) => Promise<void>

  const changes = async (rig: Rig): Promise<string[]> =>
    (await journalOf(rig.store)).flatMap((entry) => (entry.kind === 'exception' ? [`${entry.change} ${entry.code}`] : []))

  test('stops no other: a person is told once, and it goes on by itself when it can', async () => {
    const rig = await open()
    await rig.tell('BAD', 'GOOD')
    expect([...rig.qms.records.values()].map(({ key }) => key)).toEqual(['erp-1:batch:RM/GOOD#G'])
    await rig.tell('OTHER')
    await rig.runtime.advance(600_000)
    expect(rig.logged).toEqual([])
    expect(rig.qms.records.size).toBe(2)
    expect(await rig.engine.exceptions()).toMatchObject([
      { code: 'goal.failed', subject: 'qms-1 erp-1:batch:RM/BAD#G', detail: 'cannot derive', class: 'unknown', retry: true },
    ])
    expect(await changes(rig)).toEqual(['opened goal.failed'])
    rig.state.broken = false
    await rig.runtime.advance(301_000)
    expect(rig.qms.records.size).toBe(3)
    expect(await rig.engine.exceptions()).toEqual([])
    expect(await changes(rig)).toEqual(['opened goal.failed', 'closed goal.failed'])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })

  test('is looked at again at once, then ever more rarely', async () => {
    const rig = await open()
    await rig.tell('BAD')
    await rig.runtime.advance(10_000)
    const soon = rig.qms.reads.length
    await rig.runtime.advance(3_600_000)
    expect(soon).toBeGreaterThan(3)
    expect(rig.qms.reads.length - soon).toBeLessThan(25)
  })

  test('is known to the next owner, who closes what has come right', async () => {
    const rig = await open()
    await rig.tell('BAD')
    await rig.engine.close()
    const next = await openEngine({ ...rig.deps, worker: 'worker-b' })
    await rig.runtime.advance(20_000)
    expect(rig.qms.records.size).toBe(1)
    expect(await next.exceptions()).toEqual([])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })
})

describe('a system without connector', () => {
  test('that the policies name is told at the start, and nothing is begun', async () => {
    const rig = createRig()
    const named = { ...lotProcess, name: 'named' } as Process
    const deps = {
      ...rig.deps,
      processes: new Map([[named.name, named]]),
      policies: { sites: { P1: { erp: 'erp-1', qms: 'qms-1' }, P2: { erp: 'erp-9', qms: 'qms-1' } } },
    }
    await expect(openEngine(deps)).rejects.toThrow('no connector is configured for erp-9, which the policies of process named name')
    expect((await rig.store.leases()).filter(({ worker }) => worker !== null)).toEqual([])
    const connectors = new Map([...rig.deps.connectors, ['erp-9', rig.erp]])
    await (await openEngine({ ...deps, connectors })).close()
  })

  test('stops only the goals that name it, also when they are doubted', async () => {
    const rig = createRig()
    const engine = await openEngine({ ...rig.deps, connectors: new Map([['erp-1', rig.erp]]) })
    for (const document of ['D1', 'D2']) {
      await engine.accept(request({ data: movement(document, 'A', 'goal G') }))
      await rig.runtime.advance(1_000)
    }
    await rig.runtime.advance(60_000)
    expect([rig.logged, engine.owned()]).toEqual([[], [0]])
    expect(await engine.exceptions()).toMatchObject([{ code: 'goal.failed', detail: expect.stringContaining('no connector offers') }])
  })
})

describe('what is staged for an order key', () => {
  const orderKey = `qms-1|${LOT}`
  const other = `qms-1|${LOT}2`

  function open(...goals: readonly Goal[]) {
    const rig = createRig()
    const memory = createMemory(0, 1)
    for (const goal of goals) rememberGoal(memory, goal, true)
    const turn = beginTurn(memory, timeAt(60_000))
    const given: string[] = []
    const parts: AttemptParts = {
      deps: rig.deps,
      resourceOf: () => {
        throw new Error('not asked')
      },
      giveRoom: ({ id }) => void given.push(id),
    }
    return {
      memory,
      turn,
      given,
      run: (evaluate: () => void) => attempt({ turn, parts }, orderKey, evaluate),
      situations: rig.runtime.situations,
    }
  }

  /** Everything that an evaluation can stage. */
  function stageAll(turn: Turn, goal: Goal): void {
    const next = changeGoal(turn, goal, { type: 'command', command: command({ type: 'restrict', lot: LOT, rung: 1 }) })
    changeGoal(turn, next, { type: 'waiting', waiting: 'x' })
    turn.effects.push({ effect: 'send', goal: goal.id, command: 'c' }, { effect: 'wake', orderKey, at: timeAt(0) })
    turn.settled.set(orderKey, timeAt(1))
    raise(turn, record('new'))
    clear(turn, 'known', null)
    clear(turn, 'staged', null)
    turn.pending.push({} as never)
  }

  const record = (id: string) =>
    ({ id, code: 'posting.refused', subject: id, detail: '', goal: null, openedAt: timeAt(0), closedAt: null }) as never

  test('is gone when it throws, with its room; what was staged before stays', () => {
    const [known, changed, fresh] = [
      hold({ id: 'known', ...TARGET }),
      hold({ id: 'changed', ...TARGET }),
      release({ id: 'fresh', ...TARGET }),
    ]
    const { memory, turn, given, run } = open(known, changed)
    rememberException(memory, record('known'))
    changeGoal(turn, changed, { type: 'waiting', waiting: 'before' })
    stageGoal(turn, fresh)
    stageGoal(turn, release({ id: 'other', ...TARGET, subject: `${LOT}2` }))
    raise(turn, record('staged'))
    turn.effects.push({ effect: 'send', goal: 'changed', command: 'before' }, { effect: 'lookAfresh', goal: fresh })
    turn.settled.set(orderKey, timeAt(2))
    turn.dirty.delete(orderKey)
    const before = structuredClone({ ...turn, memory: null })
    run(() => {
      for (const goal of [known, turn.goals.get('changed') as Goal, fresh]) stageAll(turn, goal)
      throw new Error('too bad')
    })
    expect(given).toEqual(['known', 'changed', 'fresh'])
    const [told] = [...turn.exceptions.values()].filter(({ code }) => code === 'goal.failed')
    expect(told?.detail).toBe('not held for certain: awaiting:1, awaiting:1; too bad')
    turn.exceptions.delete(told?.id ?? '')
    expect(turn.entries.pop()).toMatchObject({ kind: 'exception', change: 'opened', code: 'goal.failed' })
    expect(turn.effects.splice(1)).toMatchObject([{ effect: 'read', goal: { resource: 'inspection' }, notBefore: timeAt(61_000) }])
    turn.effects.push({ effect: 'lookAfresh', goal: fresh })
    expect({ ...turn, memory: null }).toEqual(before)
    expect([...turn.dirty]).toEqual([other])
  })

  test('stays when nothing throws', () => {
    const known = hold({ id: 'known', ...TARGET })
    const { turn, given, run, situations } = open(known)
    run(() => stageAll(turn, known))
    expect([turn.entries.length, turn.effects.length, turn.goals.get('known')?.waiting, given]).toEqual([3, 2, 'x', []])
    expect(situations.get('goal-failed')).toBeUndefined()
  })

  test('names each hold that came while it could not be evaluated', () => {
    const { turn, run } = open(release({ ...TARGET }))
    const details = (): string[] => [...turn.exceptions.values()].map(({ detail }) => detail)
    const fail = (message: string): void =>
      run(() => {
        throw new Error(message)
      })
    fail('too bad')
    fail('still bad')
    expect(details()).toEqual(['too bad'])
    stageGoal(turn, hold({ id: 'h', ...TARGET }))
    fail('too bad')
    fail('still bad')
    expect(details()).toEqual(['not held for certain: awaiting:1; too bad'])
    expect(turn.entries.map((entry) => entry.kind === 'exception' && entry.change)).toEqual(['opened', 'closed', 'opened'])
  })

  test('closes the exception once it has been evaluated with what it asked for', () => {
    const goal = hold({ ...TARGET })
    const { turn, run } = open(goal)
    const closed = (): boolean[] => [...turn.exceptions.values()].map(({ closedAt }) => closedAt !== null)
    run(() => {
      throw new Error('too bad')
    })
    run(() => void turn.effects.push({ effect: 'read', goal, notBefore: timeAt(0) }))
    expect(closed()).toEqual([false])
    run(() => void turn.effects.push({ effect: 'wake', orderKey: orderKeyOf(goal), at: timeAt(0) }))
    expect(closed()).toEqual([true])
  })
})
