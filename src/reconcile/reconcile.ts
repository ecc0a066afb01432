/**
 * The one decision: a goal against what is known of the target gives the next step. Event path, sweep, retry button, restore
 * and what-if all ask here. Pure and total. Must never answer with a step that could book twice or free what is held.
 */
import type { Command, Goal } from '../model/goal.ts'
import type { Observation } from '../model/observation.ts'
import { type Case, openCase } from './case.ts'
import { notUsable } from './condition.ts'
import { delivered } from './notice.ts'
import { posted, restored } from './posting.ts'
import { exists, notOpen } from './record.ts'
import type { NextStep, ReconcilePolicy } from './step.ts'

export type { NextStep, ReconcilePolicy } from './step.ts'

const NONE: NextStep = Object.freeze({ step: 'none' })

/**
 * `commands` are all commands of the order key (this goal's and its siblings'). `observation` is the newest read of the
 * order key or null; one that began before the last settlement plus the lag is ignored, and one of a sweep only nominates:
 * it can cause a read, and nothing else. A parked goal is left by a person's action, not by this function.
 */
export function reconcile(goal: Goal, observation: Observation | null, commands: readonly Command[], policy: ReconcilePolicy): NextStep {
  // A withdrawal ends what waits for a person too, once its commands are resolved.
  const left = goal.state === 'parked' || goal.state === 'refused'
  if (left ? !goal.withdrawing : goal.state !== 'open' && goal.state !== 'met') return NONE
  if (goal.state === 'met' && settlesOnce(goal.predicate.type)) return NONE
  const step = next(openCase({ goal, observation, commands, policy }))
  // A goal that waits for a person may still be withdrawn; it is not parked or refused a second time.
  return left && (step.step === 'park' || step.step === 'refuse') ? NONE : step
}

function next(c: Case): NextStep {
  const { predicate } = c.goal
  switch (predicate.type) {
    case 'notUsable':
      return notUsable(c, predicate)
    case 'posted':
      return posted(c, predicate)
    case 'restored':
      return restored(c, predicate)
    case 'exists':
      return exists(c, predicate)
    case 'notOpen':
      return notOpen(c, predicate)
    case 'delivered':
      return delivered(c, predicate)
  }
}

function settlesOnce(type: Goal['predicate']['type']): boolean {
  return type === 'posted' || type === 'restored' || type === 'delivered'
}
