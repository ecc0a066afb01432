import { expect } from 'vitest'
import type { Command, Goal } from '../../src/model/goal.ts'
import type { Observation } from '../../src/model/observation.ts'
import { type ReconcilePolicy, reconcile } from '../../src/reconcile/reconcile.ts'
import { policy, told } from './builders.ts'

/** A row of a table: what `reconcile` is asked, and the step it must answer with. What is not named is as usual. */
export interface Golden {
  readonly name: string
  readonly goal?: Goal
  readonly observation?: Observation | null
  readonly commands?: readonly Command[]
  readonly policy?: Partial<ReconcilePolicy>
  readonly expected: string
}

/** Checks rows about this goal, where nothing is observed and nothing was sent unless they say so. */
export function checkWith(usual: Goal, usualPolicy: Partial<ReconcilePolicy> = {}): (golden: Golden) => void {
  return ({ goal = usual, observation = null, commands = [], ...golden }) => {
    expect(told(reconcile(goal, observation, commands, policy({ ...usualPolicy, ...golden.policy })))).toBe(golden.expected)
  }
}
