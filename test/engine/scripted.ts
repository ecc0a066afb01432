import type { ErrorCode } from '../../src/errors.ts'
import type { DomainEvent } from '../../src/model/envelope.ts'
import { GOAL_SETTLED, type GoalSettled, type InventoryMovement, TIMER_FIRED, type TimerFired } from '../../src/model/events.ts'
import type { GoalChange, GoalSpec } from '../../src/model/goal.ts'
import type { Decision, EmittedEvent, ExceptionChange, Process, TimerChange } from '../../src/process/process.ts'

export const MOVED = 'holdpoint.inventory.moved.v1'
const TOLD = 'holdpoint.lot.qualityStatusChanged.v1'

/** What an instance has seen, oldest first. */
export interface Seen {
  readonly seen: readonly string[]
}

export interface Scripted extends Process<Seen> {
  /** While true the word `fail` throws. */
  broken: boolean
  decisions: number
}

/**
 * `script` does what the movement's `by` says, word by word: `fail`, `tell <lot>`, `goal <name>`, `urgent <name>` (a
 * goal of lane safety), `withdraw <name>`, `timer <name> <time>`, `cancel <name>`, `open <code>`, `close <code>`. It writes down everything it sees.
 */
export function createScript(): Scripted {
  return createScripted('script', MOVED, ['inspection'])
}

/** Writes down what `script` tells it; emits nothing. */
export function createListener(): Scripted {
  return createScripted('listener', TOLD, [])
}

function createScripted(name: string, type: typeof MOVED | typeof TOLD, emits: readonly string[]): Scripted {
  const process: Scripted = {
    name,
    version: 1,
    subscribes: [type],
    contextNames: ['sites'],
    emits,
    broken: true,
    decisions: 0,
    keysOf: (event) => [event.subject],
    partitionKeyOf: (key) => key,
    initial: () => ({ seen: [] }),
    migrate: (state) => state as Seen,
    decide: (state, event) => {
      process.decisions++
      const words = wordsOf(event)
      if (process.broken && words.includes('fail')) throw new Error('told to fail')
      return decisionOf({ seen: [...state.seen, words.join(' ')] }, event, words)
    },
  }
  return process
}

function wordsOf(event: DomainEvent): string[] {
  if (event.type === GOAL_SETTLED) {
    const { name, state, generation } = event.data as GoalSettled
    return ['settled', name, state, String(generation)]
  }
  if (event.type === TIMER_FIRED) {
    const { timer, generation } = event.data as TimerFired
    return ['fired', timer, String(generation)]
  }
  if (event.type === TOLD) return ['told', ...event.source.record.split('/').slice(1)]
  const { document, by } = event.data as InventoryMovement
  return [document, ...by.split(' ')].filter((word) => word !== '')
}

function decisionOf(state: Seen, event: DomainEvent, words: readonly string[]): Decision<Seen> {
  const events: EmittedEvent[] = []
  const goals: GoalChange[] = []
  const timers: TimerChange[] = []
  const exceptions: ExceptionChange[] = []
  words.forEach((word, index) => {
    const [one = '', other = ''] = words.slice(index + 1)
    const about = { code: one as ErrorCode, subject: event.subject }
    if (word === 'tell') events.push({ type: TOLD, subject: one, data: { lot: one, status: 'closed', holds: [] } })
    if (word === 'goal') goals.push({ change: 'set', goal: recordGoal(one, event) })
    if (word === 'urgent') goals.push({ change: 'set', goal: { ...recordGoal(one, event), lane: 'safety' } })
    if (word === 'withdraw') goals.push({ change: 'withdraw', name: one, reason: 'told to' })
    if (word === 'timer') timers.push({ change: 'set', timer: one, dueAt: other })
    if (word === 'cancel') timers.push({ change: 'cancel', timer: one })
    if (word === 'open') exceptions.push({ change: 'open', ...about, detail: '' })
    if (word === 'close') exceptions.push({ change: 'close', ...about })
  })
  return { state, events, goals, timers, exceptions }
}

/** A record named like the goal must exist in the QMS. */
function recordGoal(name: string, { subject, source }: DomainEvent): GoalSpec {
  return {
    name,
    system: 'qms-1',
    resource: 'inspection',
    kind: 'record',
    subject: `${subject}#${name}`,
    lane: 'critical',
    site: 'P1',
    predicate: { type: 'exists', key: `${subject}#${name}`, fields: {} },
    cause: source,
    decision: null,
    line: null,
    premise: null,
    decidedBy: null,
  }
}

export const lotOf = (name: string): string => `erp-1:batch:RM/${name}`

/** Native item of a toy system: movement `document` of the lot, with what the script is to do. */
export function movement(document: string, lot: string, script = ''): InventoryMovement {
  return {
    erp: 'erp-1',
    lot: lotOf(lot),
    document,
    reference: null,
    from: null,
    to: null,
    quantity: { value: '1', uom: 'C62' },
    by: script,
  }
}
