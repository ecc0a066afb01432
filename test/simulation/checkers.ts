import { compareRebuilt } from '../../src/engine/rebuild.ts'
import { checkBugs } from './check-bugs.ts'
import { checkEffects, checkOverposting } from './check-effects.ts'
import { checkJournal } from './check-journal.ts'
import { checkLiveness } from './check-liveness.ts'
import { checkOrder } from './check-order.ts'
import { checkAnswers, checkProtocol } from './check-protocol.ts'
import { checkForeignHolds, checkHolds, checkPremises, checkReleases } from './check-safety.ts'
import { checkTruth } from './check-truth.ts'
import { checkUnread } from './check-waiting.ts'
import { readLedger } from './ledger-view.ts'
import type { Run } from './run.ts'
import type { Violation } from './violation.ts'

/** What must be true at every moment. */
export function checkNow(run: Run): Violation[] {
  return [
    ...run.probes.fenceBreaches.map((message) => ({ invariant: 'I12', message })),
    ...run.probes.crowds.map((message) => ({ invariant: 'I36', message })),
    ...checkBugs(run),
    ...checkProtocol(run),
    ...checkEffects(run),
    ...checkHolds(run),
    ...checkReleases(run),
    ...checkPremises(run),
    ...checkForeignHolds(run),
    ...run.plant.erp.books.violations().map((message) => ({ invariant: 'I22', message })),
    ...run.plant.qms.books.violations().map((message) => ({ invariant: 'plant', message })),
  ]
}

/** I17: while decisions are still to come, default deny has had its time. */
export async function checkUndecided(run: Run): Promise<Violation[]> {
  return checkTruth(run, await readLedger(run.store())).filter(({ invariant }) => invariant === 'I14')
}

/** What must be true once everything has come to rest; a caller asks until it is, or time is up. */
export async function checkEnd(run: Run): Promise<Violation[]> {
  const view = await readLedger(run.store())
  const violations = [
    ...checkLiveness(run, view),
    ...checkUnread(view),
    ...(await checkJournal(run, view)),
    ...checkOrder(view),
    ...checkOverposting(run, view),
    ...checkAnswers(run),
    ...checkTruth(run, view),
  ]
  for (let partition = 0; partition < run.shape.partitions; partition++) {
    for (const difference of await compareRebuilt(run.store(), partition)) {
      violations.push({
        invariant: 'I10',
        message: `rebuild of ${difference.table} ${difference.id} differs: ${difference.rebuilt?.slice(0, 300)} instead of ${difference.live?.slice(0, 300)}`,
      })
    }
  }
  return violations
}
