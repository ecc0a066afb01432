import { describe, expect, test } from 'vitest'
import { at, command, create, hold, inspection, LOT, release } from '../../test/reconcile/builders.ts'
import type { Goal } from '../model/goal.ts'
import type { ExceptionRecord } from './exceptions.ts'
import { createMemory, rememberGoal } from './memory.ts'
import { DEFAULT_SETTINGS } from './settings.ts'
import { applyTurn, batchOf, beginTurn, changeGoal, clear, clearGoal, goalIn, goalsOf, raise, stageGoal, turnIsEmpty } from './turn.ts'

const open = (...goals: readonly Goal[]) => {
  const memory = createMemory(3, 7)
  for (const goal of goals) rememberGoal(memory, goal, true)
  return { memory, turn: beginTurn(memory, at(60)) }
}

const record = (id: string, goal: string | null = null): ExceptionRecord => ({
  id,
  code: 'posting.refused',
  class: 'business',
  owner: 'warehouse',
  retry: false,
  causeGroup: 'posting.refused',
  subject: id,
  detail: '',
  goal,
  instance: null,
  native: null,
  openedAt: at(60),
  closedAt: null,
})

describe('until it is applied', () => {
  test('a turn is seen by itself and by nobody else', () => {
    const [known, fresh] = [hold({ id: 'known' }), hold({ id: 'fresh' })]
    const { memory, turn } = open(known)
    changeGoal(turn, known, { type: 'waiting', waiting: 'x' })
    stageGoal(turn, fresh)
    raise(turn, record('e'))
    expect(goalsOf(turn, `erp-1|${LOT}`).map(({ id, waiting }) => [id, waiting])).toEqual([
      ['known', 'x'],
      ['fresh', ''],
    ])
    expect(beginTurn(memory, at(61)).goals.size).toBe(0)
    expect([memory.goals.get('known'), memory.goals.size, memory.exceptions.size, memory.position]).toEqual([known, 1, 0, 0])
    applyTurn(turn, 11, DEFAULT_SETTINGS)
    expect([memory.goals.get('known')?.waiting, memory.goals.has('fresh'), memory.exceptions.has('e')]).toEqual(['x', true, true])
    expect(memory.position).toBe(12)
    expect([...memory.unwritten.goals.keys()]).toEqual(['known', 'fresh'])
  })

  test('it takes what was staged before what is in mind, unwritten or loaded', () => {
    const { memory, turn } = open(hold({ id: 'g', waiting: 'in mind' }))
    memory.unwritten.goals.set('g', hold({ id: 'g', waiting: 'unwritten' }))
    memory.unwritten.goals.set('old', release({ id: 'old', waiting: 'unwritten' }))
    turn.loaded.set('old', release({ id: 'old', waiting: 'stored' }))
    turn.loaded.set('older', release({ id: 'older', waiting: 'stored' }))
    expect(['g', 'old', 'older', 'none'].map((id) => goalIn(turn, id)?.waiting)).toEqual(['in mind', 'unwritten', 'stored', undefined])
    stageGoal(turn, hold({ id: 'g', waiting: 'staged' }))
    expect(goalIn(turn, 'g')?.waiting).toBe('staged')
  })
})

describe('applied', () => {
  test('it forgets goals that are over, and what was seen for them', () => {
    const goal = inspection({ id: 'g', commands: [command(create)] })
    const { memory, turn } = open(goal)
    const orderKey = `qms-1|${goal.subject}`
    memory.observations.set(`${orderKey}|inspection`, { kind: 'record', records: [], beganAt: '', endedAt: '', source: 'read' })
    changeGoal(turn, goal, { type: 'settled', state: 'met', evidence: null, code: null, detail: '' })
    applyTurn(turn, 1, DEFAULT_SETTINGS)
    expect([memory.goals.size, memory.goalsByOrderKey.size, memory.observations.size]).toEqual([0, 0, 0])
    expect(memory.unwritten.goals.get('g')?.state).toBe('met')
  })

  test('it keeps the instances that were used last', () => {
    const { memory } = open()
    const settings = { ...DEFAULT_SETTINGS, instancesCachedMax: 2 }
    for (const key of ['a', 'b', 'a', 'c']) {
      const turn = beginTurn(memory, at(60))
      turn.instances.set(`p\u001f${key}`, { version: 1, rowVersion: 1, state: { key }, stored: true, bytes: 0 })
      applyTurn(turn, 1, settings)
    }
    expect([...memory.instances.keys()]).toEqual(['p\u001fa', 'p\u001fc'])
    expect(memory.unwritten.states.get('p\u001fb')).toEqual({ process: 'p', key: 'b', version: 1, state: { key: 'b' } })
  })

  test('a timer that is gone is gone in mind and at the next checkpoint', () => {
    const { memory, turn } = open()
    const timer = { process: 'p', key: 'a', timer: 't', generation: 1, dueAt: at(90) }
    memory.timers.set('t', timer)
    turn.timers.set('t', null)
    applyTurn(turn, 1, DEFAULT_SETTINGS)
    expect([memory.timers.size, memory.unwritten.timers.get('t')]).toEqual([0, null])
  })
})

describe('exceptions', () => {
  test('are opened and closed once, and again', () => {
    const { memory, turn } = open()
    for (let time = 0; time < 2; time++) raise(turn, record('e'))
    for (let time = 0; time < 2; time++) clear(turn, 'e', 'anna')
    clear(turn, 'unknown', null)
    expect(turn.entries.map((entry) => entry.kind === 'exception' && [entry.change, entry.actor])).toEqual([
      ['opened', null],
      ['closed', 'anna'],
    ])
    applyTurn(turn, 1, DEFAULT_SETTINGS)
    expect(memory.exceptions.size).toBe(0)
    const next = beginTurn(memory, at(61))
    raise(next, record('e'))
    expect(next.entries).toHaveLength(1)
  })

  test('of a goal are closed with it, those of others are not', () => {
    const { memory, turn } = open()
    raise(turn, record('one', 'g'))
    raise(turn, record('other', 'h'))
    applyTurn(turn, 1, DEFAULT_SETTINGS)
    const next = beginTurn(memory, at(61))
    raise(next, record('two', 'g'))
    clearGoal(next, 'g')
    applyTurn(next, 3, DEFAULT_SETTINGS)
    expect([...memory.exceptions.keys()]).toEqual(['other'])
    expect([...memory.exceptionsByGoal.keys()]).toEqual(['h'])
  })
})

test('a batch is fenced by the epoch, and refused while something is undecided', () => {
  const { turn } = open()
  expect(turnIsEmpty(turn)).toBe(true)
  raise(turn, record('e'))
  turn.contexts.set('hash', '{}')
  expect(turnIsEmpty(turn)).toBe(false)
  const [write] = batchOf(turn, 'worker-a').partitions
  expect(write).toMatchObject({ partition: 3, owner: { worker: 'worker-a', epoch: 7 } })
  expect(write?.rows.map((row) => row.table)).toEqual(['context', 'exception'])
  turn.pending.push({} as never)
  expect(() => batchOf(turn, 'worker-a')).toThrow('nothing undecided')
})
