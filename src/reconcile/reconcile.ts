/**
 * The one decision: a goal against what is known of the target gives the next step. Event path, sweep, retry button, restore
 * and what-if all ask here. Pure and total. Must never answer with a step that could book twice or free what is held.
 */
import type { Command, Goal } from '../model/goal.ts'
import type { Observation } from '../model/observation.ts'
import { openCase } from './case.ts'
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
  const ended =
    goal.state !== 'open' && goal.state !== 'met' && !(goal.withdrawing && (goal.state === 'parked' || goal.state === 'refused'))
  if (ended) return NONE
  const { predicate } = goal
  if (goal.state === 'met' && settlesOnce(predicate.type)) return NONE
  const c = openCase({ goal, observation, commands, policy })
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
