import { parseAmount } from '../../src/plant/amount.ts'
import type { LedgerView } from './ledger-view.ts'
import type { Run } from './run.ts'
import type { Violation } from './violation.ts'

/**
 * I14, I17, I19, I20, I21 by the plant's own books, from an oracle that knows receipts, decisions and desk holds and
 * nothing of the hub: how much of each lot may be usable, and how much must be unless something explains it.
 */
export function checkTruth(run: Run, view: LedgerView): Violation[] {
  return [...checkUsable(run, view), ...checkInspections(run, view), ...checkOwnership(view)]
}

interface Allowance {
  /** Scaled amount that may be usable at most. */
  readonly most: bigint
  readonly why: string
}

function checkUsable(run: Run, view: LedgerView): Violation[] {
  const violations: Violation[] = []
  const explained = explainedLots(run, view)
  for (const lot of run.plant.erp.books.lots()) {
    const usable = parseAmount(run.plant.erp.books.usable(lot)) ?? 0n
    const { most, why } = allowanceOf(run, view, lot)
    if (usable > most && !explained.has(`erp-1:${lot}`))
      violations.push({ invariant: 'I14', message: `${lot}: ${usable} usable, at most ${most} may be (${why})` })
    const expected = most - takenByPeople(run, lot)
    // A release of the whole lot waits while a part of it is held: shown as `heldBy`, and safe.
    const waits = view.goals.some((goal) => goal.subject === `erp-1:${lot}` && goal.state === 'open' && goal.waiting.startsWith('heldBy:'))
    if (usable < expected && !waits && !explained.has(`erp-1:${lot}`))
      violations.push({ invariant: 'I21', message: `${lot}: ${usable} usable although ${expected} is released (${why})` })
  }
  return violations
}

/** Lots for which an open exception or a hold that is still in force says why truth differs. */
function explainedLots(run: Run, view: LedgerView): ReadonlySet<string> {
  const lots = new Set<string>()
  const goals = new Map(view.goals.map((goal) => [goal.id, goal]))
  for (const exception of view.exceptions) {
    const goal = exception.goal === null ? undefined : goals.get(exception.goal)
    if (goal !== undefined) lots.add(lotOf(goal.subject))
    if (exception.instance !== null) lots.add(lotOf(exception.instance.key))
    if (exception.code === 'drift.unexplained') lots.add(exception.subject.slice(exception.subject.lastIndexOf(' ') + 1))
    const inspection = run.plant.qms.books.inspections().find((one) => `inspection/${one.number}` === exception.native?.record)
    if (inspection !== undefined) lots.add(inspection.attributes['lot'] ?? '')
    if (exception.native?.record.startsWith('receipt') === true) for (const input of view.inputs) lots.add(lotOf(input.event.subject))
  }
  return lots
}

/** The lot in a gate key, or the key itself. */
function lotOf(key: string): string {
  const parts = key.split('#')
  return parts.length === 3 ? decodeURIComponent(parts[2] as string) : key
}

function allowanceOf(run: Run, view: LedgerView, lot: string): Allowance {
  const hub = view.goals.find(
    (goal) => goal.predicate.type === 'notUsable' && goal.subject === `erp-1:${lot}` && goal.state !== 'withdrawn',
  )
  const held = run.workload.deskHolds.filter(
    (hold) => hold.lot === lot && hold.liftedAtMs === null && (run.restoredAtMs === null || hold.placedAtMs > run.restoredAtMs),
  )
  if (held.length > 0) return { most: 0n, why: `held by ${held.map((hold) => hold.hold).join(', ')}` }
  let accepted = 0n
  const why: string[] = []
  for (const { receipt, line, amount } of receiptsOf(run, lot)) {
    if (reversedFully(run, receipt, lot)) continue
    const inspection = run.plant.qms.books
      .inspections()
      .find(
        (one) =>
          one.status !== 'CANCELLED' &&
          one.attributes['lot'] === `erp-1:${lot}` &&
          one.attributes['receipt'] === `erp-1:receipt:${receipt}` &&
          one.attributes['line'] === line,
      )
    const lines = inspection?.decision?.lines ?? []
    const sum = lines.reduce((total, one) => total + (parseAmount(one.quantity) ?? 0n), 0n)
    const mixed = new Set(lines.map((one) => one.usage)).size > 1
    if (lines.length === 0 || sum !== amount || (mixed && lines.some((one) => one.portion === null))) {
      why.push(`${receipt} not decided`)
      continue
    }
    for (const one of lines) if (one.usage === 'ACCEPT') accepted += parseAmount(one.quantity) ?? 0n
    why.push(`${receipt} ${lines.map((one) => `${one.usage} ${one.quantity}`).join(' ')}`)
  }
  // A hold of the whole lot for one receipt keeps the others from use too: that is the hub's to say, and it must have said so.
  if (hub !== undefined && hub.predicate.type === 'notUsable')
    return { most: hub.predicate.scope.kind === 'whole' ? 0n : accepted, why: `${why.join('; ')}; held: ${hub.predicate.holds.join(', ')}` }
  return { most: accepted, why: why.join('; ') }
}

/** What came in under one line of a receipt for one lot, however many parts it had. */
function receiptsOf(run: Run, lot: string): { readonly receipt: string; readonly line: string; readonly amount: bigint }[] {
  const found = new Map<string, { receipt: string; line: string; amount: bigint }>()
  for (const receipt of run.plant.erp.books.receipts()) {
    for (const line of receipt.lines) {
      if (line.lot !== lot) continue
      const key = `${receipt.number}/${line.line}`
      const before = found.get(key)?.amount ?? 0n
      found.set(key, { receipt: receipt.number, line: line.line, amount: before + line.amount })
    }
  }
  return [...found.values()]
}

function reversedFully(run: Run, receipt: string, lot: string): boolean {
  return run.plant.erp.books
    .documents()
    .some((document) => document.kind === 'receiptReversal' && document.lot === lot && document.reverses?.startsWith(receipt) === true)
}

/** What people consumed, scrapped, blocked or counted away is no longer the hub's to make usable. */
function takenByPeople(run: Run, lot: string): bigint {
  let taken = 0n
  for (const document of run.plant.erp.books.documents()) {
    if (document.lot !== lot || document.causedBy !== null) continue
    if (document.kind === 'receipt' || document.kind === 'transfer') continue
    taken += document.amount
  }
  return taken
}

/** I19: each receipt line's lot that needs it has exactly one inspection that is not cancelled, or an exception says why not. */
function checkInspections(run: Run, view: LedgerView): Violation[] {
  const violations: Violation[] = []
  const explained = explainedLots(run, view)
  for (const receipt of run.plant.erp.books.receipts()) {
    for (const line of receipt.lines) {
      const of = run.plant.qms.books
        .inspections()
        .filter(
          (one) =>
            one.attributes['lot'] === `erp-1:${line.lot}` &&
            one.attributes['receipt'] === `erp-1:receipt:${receipt.number}` &&
            one.attributes['line'] === line.line,
        )
      const open = of.filter((one) => one.status !== 'CANCELLED')
      const name = `${receipt.number}/${line.line} ${line.lot}`
      if (of.length > 1) violations.push({ invariant: 'I19', message: `${name} has ${of.length} inspections` })
      if (open.length === 0 && !reversedFully(run, receipt.number, line.lot) && !explained.has(`erp-1:${line.lot}`))
        violations.push({ invariant: 'I19', message: `${name} has no inspection` })
    }
  }
  return violations
}

/** I20: each resource is written by its one emitter, and a record its target decides is only created or cancelled. */
function checkOwnership(view: LedgerView): Violation[] {
  const emitters: Readonly<Record<string, string>> = {
    'erp-1|inventory': 'lot',
    'qms-1|inspection': 'inspection-gate',
    'qms-1|inspectionStatus': 'inspection-gate',
  }
  return view.goals.flatMap((goal) => {
    const emitter = emitters[`${goal.system}|${goal.resource}`]
    const allowed = goal.system === 'erp-1' || goal.predicate.type === 'exists' || goal.predicate.type === 'notOpen'
    return emitter === goal.process && allowed
      ? []
      : [{ invariant: 'I20', message: `${goal.process} set ${goal.predicate.type} on ${goal.resource} of ${goal.system}` }]
  })
}
