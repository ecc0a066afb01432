/**
 * The guard around everything that concerns one order key: what throws there is a bug or an answer that nobody expected,
 * and stops this key only. Nothing that was staged before the throw stays, and a person is told. Must never hide a throw.
 */
import type { ResourceSpec } from '../connectors/connector.ts'
import { type Goal, orderKeyOf } from '../model/goal.ts'
import { addMs } from '../model/time.ts'
import type { EngineDeps } from './deps.ts'
import { exceptionId } from './derive.ts'
import { openException } from './exceptions.ts'
import { clear, type Effect, exceptionIn, goalsOf, raise, savepoint, type Turn } from './turn.ts'

const HOLDS_NAMED_MAX = 20

export interface AttemptParts {
  readonly deps: EngineDeps
  /** Throws where no connector offers it. */
  readonly resourceOf: (system: string, resource: string) => ResourceSpec
  readonly giveRoom: (goal: Goal) => void
}

/** A turn in which an order key is evaluated. */
export interface Attempt {
  readonly turn: Turn
  readonly parts: AttemptParts
}

/** Evaluates the goals of the order key: the result stays whole or not at all. */
export function attempt(one: Attempt, orderKey: string, evaluate: () => void): void {
  const { turn, parts } = one
  const before = turn.effects.length
  if (!guarded(one, { orderKey, goals: goalsOf(turn, orderKey) }, evaluate)) return
  const { failing } = turn.memory
  if (failing.size + turn.exceptions.size === 0) return
  // What waits for a read has not been evaluated with what it will show.
  const asks = turn.effects.slice(before).some(({ effect }) => effect === 'read' || effect === 'readPremise')
  if (!asks) clear(turn, exceptionId(parts.deps.runtime.hash, ['goal.failed', subjectOf(orderKey), '', '']), null)
}

interface Place {
  readonly orderKey: string
  /** All that the work may change. */
  readonly goals: readonly Goal[]
}

/** False: it threw. Nothing that it staged stays, and a person is told. */
export function guarded(one: Attempt, place: Place, work: () => void): boolean {
  const { turn, parts } = one
  const { orderKey, goals } = place
  const undo = savepoint(turn, orderKey, goals)
  const before = turn.effects.length
  try {
    work()
    return true
  } catch (reason) {
    for (const effect of turn.effects.slice(before)) {
      const goal = effect.effect === 'send' ? goals.find(({ id }) => id === effect.goal) : undefined
      if (goal !== undefined) parts.giveRoom(goal)
    }
    undo()
    const since = fail(one, { orderKey, goals, reason })
    lookAgain(one, { orderKey, goals, since })
    return false
  }
}

/** What was decided for the order key could not be carried out. Decided again later: a read might be what failed. */
export function notCarriedOut(one: Attempt, orderKey: string, reason: unknown): void {
  const { turn } = one
  const since = fail(one, { orderKey, goals: goalsOf(turn, orderKey), reason })
  turn.effects.push({ effect: 'wake', orderKey, at: addMs(turn.at, waitMsOf(one, since)) })
}

interface Failure extends Place {
  readonly reason: unknown
}

/** Tells a person. Answers since when the trouble lasts. */
function fail({ turn, parts }: Attempt, { orderKey, goals, reason }: Failure): string {
  const { deps } = parts
  const message = reason instanceof Error ? reason.message : 'thrown value is not an Error'
  const unmet = unmetHolds(goals)
  deps.runtime.sometimes('goal-failed')
  const opening = openException(deps.runtime.hash, turn.at, {
    code: 'goal.failed',
    causeGroup: `goal.failed:${message}`,
    subject: subjectOf(orderKey),
    detail: `${unmet}${message}`,
  })
  const standing = exceptionIn(turn, opening.id)
  const open = standing !== undefined && standing.closedAt === null
  // Another hold has come, or one is gone: the exception says which ones wait now.
  if (open && !standing.detail.startsWith(unmet)) clear(turn, opening.id, null)
  raise(turn, opening)
  return open ? standing.openedAt : turn.at
}

function subjectOf(orderKey: string): string {
  return orderKey.replace('|', ' ')
}

/** Holds that must be in force and of which nobody knows whether they are. */
function unmetHolds(goals: readonly Goal[]): string {
  const holds = goals.flatMap(({ predicate, withdrawing, state }) =>
    predicate.type === 'notUsable' && !withdrawing && state !== 'withdrawn' ? predicate.holds : [],
  )
  if (holds.length === 0) return ''
  const more = holds.length > HOLDS_NAMED_MAX ? ` and ${holds.length - HOLDS_NAMED_MAX} more` : ''
  return `not held for certain: ${holds.slice(0, HOLDS_NAMED_MAX).join(', ')}${more}; `
}

/** As long as the trouble has lasted, so it doubles, within the bounds of every retry. */
function waitMsOf({ turn, parts }: Attempt, since: string): number {
  const { retryBaseMs, retryCapMs } = parts.deps.settings
  return Math.min(Math.max(Date.parse(turn.at) - Date.parse(since), retryBaseMs), retryCapMs)
}

/**
 * A fresh look may show what can be evaluated. Where no connector is there to look, only a start with other settings helps.
 */
function lookAgain(one: Attempt, { orderKey, goals, since }: Place & { readonly since: string }): void {
  const { turn, parts } = one
  const { connectors } = parts.deps
  const notBefore = addMs(turn.at, waitMsOf(one, since))
  const doubts = (effect: Effect): boolean => effect.effect === 'lookAfresh' && orderKeyOf(effect.goal) === orderKey
  turn.effects.splice(0, turn.effects.length, ...turn.effects.filter((effect) => !doubts(effect)))
  const looked = new Set<string>()
  for (const goal of goals) {
    const offered = connectors.get(goal.system)?.spec.resources.some(({ resource }) => resource === goal.resource)
    if (offered !== true || looked.has(goal.resource)) continue
    looked.add(goal.resource)
    turn.effects.push({ effect: 'read', goal, notBefore })
  }
}
