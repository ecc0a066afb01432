import { orderKeyOf } from '../../src/model/goal.ts'
import type { LedgerView } from './ledger-view.ts'
import type { Run } from './run.ts'
import type { Violation } from './violation.ts'

/** I7, I34: every goal has come to its end, or stands open for a reason that a person can see. */
export function checkLiveness(run: Run, view: LedgerView): Violation[] {
  const violations: Violation[] = []
  const excepted = new Set(view.exceptions.flatMap((exception) => (exception.goal === null ? [] : [exception.goal])))
  /** An outcome that only a person can find out keeps everything else of its order key waiting. */
  const stuck = new Set(
    view.goals.filter((goal) => excepted.has(goal.id) && goal.commands.some((command) => command.state === 'unknown')).map(orderKeyOf),
  )
  for (const goal of view.goals) {
    const name = `${goal.name} ${goal.system} ${goal.subject}`
    if (goal.withdrawing && !excepted.has(goal.id))
      violations.push({ invariant: 'I34', message: `${name} is still being withdrawn: ${commands(goal)}` })
    else if (goal.state === 'open' && !goal.waiting.startsWith('heldBy:') && !excepted.has(goal.id) && !stuck.has(orderKeyOf(goal)))
      violations.push({ invariant: 'I7', message: `${name} is open (${goal.waiting}): ${commands(goal)}` })
    else if ((goal.state === 'parked' || goal.state === 'refused') && !excepted.has(goal.id))
      violations.push({ invariant: 'I7', message: `${name} is ${goal.state} without an exception` })
    if (goal.state === 'parked' || excepted.has(goal.id)) continue
    const unsettled = goal.commands.filter((command) => command.state === 'intent' || command.state === 'unknown')
    if (unsettled.length > 0) violations.push({ invariant: 'I34', message: `${name} is ${goal.state} with ${commands(goal)}` })
  }
  for (const [node, engine] of run.hub.engines) if (!engine.idle()) violations.push({ invariant: 'I34', message: `${node} is not idle` })
  if (run.plant.erp.books.unsettled() + run.plant.qms.books.unsettled() + run.plant.desk.pending() > 0)
    violations.push({ invariant: 'I34', message: 'a source still waits to be heard' })
  return violations
}

function commands(goal: LedgerView['goals'][number]): string {
  return goal.commands.map((command) => `${command.reference} ${command.state} x${command.attempts} ${command.detail}`).join(', ')
}
