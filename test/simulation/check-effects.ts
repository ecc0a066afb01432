import { scopeCovers } from '../../src/model/scope.ts'
import { parseAmount } from '../../src/plant/amount.ts'
import type { StockDocument } from '../../src/plant/counting-erp/types.ts'
import type { LedgerView } from './ledger-view.ts'
import type { Run } from './run.ts'
import type { Violation } from './violation.ts'

/** I6, I13: no reference has more than one effect in a target's own books. */
export function checkEffects(run: Run): Violation[] {
  const violations: Violation[] = []
  for (const [system, books, unsafe] of [
    ['erp-1', run.plant.erp.books, run.shape.erpClass === 'unsafe'],
    ['qms-1', run.plant.qms.books, false],
  ] as const) {
    if (unsafe) continue
    const seen = new Set<string>()
    for (const { reference, subject } of books.effects()) {
      if (seen.has(reference)) continue
      seen.add(reference)
      // What was rolled back has never been an effect.
      const standing = books.effectsOf(reference)
      if (standing > 1)
        violations.push({ invariant: 'I6', message: `${system}: ${standing} effects stand under ${reference} of ${subject}` })
    }
  }
  return violations
}

/** I22 over decision lines: what stands under a posting's references is what was decided, never more. */
export function checkOverposting(run: Run, view: LedgerView): Violation[] {
  const violations: Violation[] = []
  const byReference = new Map<string, StockDocument[]>()
  const reversed = new Set<string>()
  for (const document of run.plant.erp.books.documents()) {
    if (document.causedBy !== null) byReference.set(document.causedBy, [...(byReference.get(document.causedBy) ?? []), document])
    if (document.reverses !== null) reversed.add(document.reverses)
  }
  for (const goal of view.goals) {
    if (goal.predicate.type !== 'posted') continue
    const documents = goal.commands.flatMap((command) => byReference.get(command.reference) ?? [])
    for (const { number, from } of documents)
      if (!scopeCovers(goal.predicate.scope, from?.carrier ?? null))
        violations.push({ invariant: 'I22', message: `${goal.name} of ${goal.subject}: document ${number} moved another portion` })
    // A document taken back by a person is no longer progress of the goal, and drift is handled elsewhere.
    if (documents.some((document) => reversed.has(document.number))) continue
    const posted = documents.reduce((sum, document) => sum + document.amount, 0n)
    const decided = parseAmount(goal.predicate.quantity.value) ?? 0n
    const name = `${goal.name} of ${goal.subject}`
    if (posted > decided) violations.push({ invariant: 'I22', message: `${name}: ${posted} posted of ${decided}` })
    if (goal.state === 'met' && posted !== decided && goal.evidence?.kind !== 'observed')
      violations.push({ invariant: 'I7', message: `${name} is met with ${posted} of ${decided}: ${JSON.stringify(goal.evidence)}` })
  }
  return violations
}
