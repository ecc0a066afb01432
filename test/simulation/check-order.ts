import { foldGoalDecision, foldGoalEntry } from '../../src/engine/fold.ts'
import { type Goal, orderKeyOf } from '../../src/model/goal.ts'
import type { LedgerView } from './ledger-view.ts'
import type { Violation } from './violation.ts'

/**
 * I8, its second half: documents follow the order of decisions, only holds overtake. No posting is sent while one of the
 * same lot that was decided earlier is on its way by itself: neither ended, nor shown as waiting for something.
 */
export function checkOrder(view: LedgerView): Violation[] {
  const goals = new Map<string, Goal>()
  const violations: Violation[] = []
  for (const { partition, entry } of view.entries) {
    if (entry.kind === 'decision') {
      for (const change of entry.goals) {
        const next = foldGoalDecision(goals.get(change.id), change, { entry, partition })
        if (next !== undefined) goals.set(change.id, next)
      }
    }
    if (entry.kind !== 'goal') continue
    const goal = goals.get(entry.goal)
    if (goal === undefined) continue
    const next = foldGoalEntry(goal, entry)
    goals.set(goal.id, next)
    if (!inTurn(next) || intents(next) <= intents(goal)) continue
    for (const other of goals.values()) {
      if (other.id !== next.id && inTurn(other) && orderKeyOf(other) === orderKeyOf(next) && isUnderWay(other) && isEarlier(other, next))
        violations.push({
          invariant: 'I8',
          message: `${next.name} of ${next.subject} was sent before ${other.name}, which was decided earlier`,
        })
    }
  }
  return violations
}

function inTurn({ kind, lane }: Goal): boolean {
  return kind === 'posting' && lane !== 'safety'
}

/** Attempts so far. */
function intents({ commands }: Goal): number {
  return commands.reduce((sum, { attempts, state }) => sum + (state === 'intent' ? attempts : attempts - 1), 0)
}

function isUnderWay({ state, waiting, withdrawing }: Goal): boolean {
  return state === 'open' && waiting === '' && !withdrawing
}

function isEarlier(one: Goal, other: Goal): boolean {
  return one.setAt < other.setAt || (one.setAt === other.setAt && one.setOrder < other.setOrder)
}
