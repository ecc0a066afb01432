import { formatAmount } from '../../plant/amount.ts'
import { shortHold, shortLot, word } from './journal.ts'
import type { Paint } from './paper.ts'
import { ERP, QMS } from './plant.ts'
import { type LotVerdict, textOf, type Verdict } from './verdict.ts'

const WIDTHS = [8, 43, 10] as const
const CODES = 'UNR usable, BLK blocked, QI in inspection'

/** Each lot in each system, by the system's own books, and next to it what the hub believes and why. */
export function printTable(verdict: Verdict, paint: Paint): string {
  const rule = paint('dim', '─'.repeat(96))
  const blocks = verdict.lots.map((lot) => `${rule}\n${lotRows(lot, paint).join('\n')}`)
  return `${blocks.join('\n')}\n${rule}\n${paint('dim', `By the books of ${ERP} and ${QMS} themselves. ${CODES}.`)}\n`
}

function lotRows(lot: LotVerdict, paint: Paint): string[] {
  const { erp, qms, goals } = lot
  const mark = lot.differences.length === 0 ? paint('good', '✓ as declared') : paint('bad', '✗ not as declared')
  const documents = erp.documents.filter(({ kind }) => kind === 'posting')
  return [
    `${paint('bold', shortLot(lot.id))}  ${lot.story}  ${mark}`,
    row([
      ERP,
      textOf(erp.stock),
      `${erp.usable} usable`,
      documents.map(({ number, by, amount }) => `${number} ${by} ${formatAmount(amount)}`).join(', '),
    ]),
    ...qms.map(({ number, status, decision }) =>
      row([
        QMS,
        `${number} ${(decision?.lines ?? []).map(({ usage, quantity }) => `${usage} ${quantity}`).join(', ')}`,
        status,
        decision?.number ?? '',
      ]),
    ),
    ...goals
      .filter(({ state }) => state !== 'withdrawn')
      .map((goal) =>
        row([
          'hub',
          goalText(goal),
          goal.state,
          goal.evidence === null ? (goal.code ?? '') : `${goal.evidence.kind}: ${shortLot(goal.evidence.detail)}`,
        ]),
      ),
    ...lot.differences.map((difference) => paint('bad', `  ${difference}`)),
  ]
}

function goalText(goal: LotVerdict['goals'][number]): string {
  const { predicate } = goal
  switch (predicate.type) {
    case 'posted':
      return `line ${goal.line}: ${predicate.quantity.value} ${word(predicate.to)}`
    case 'notUsable':
      return `no held part usable: ${shortHold(goal)}`
    case 'exists':
      return 'an inspection exists'
    default:
      return predicate.type
  }
}

function row(cells: readonly string[]): string {
  return `  ${cells.map((cell, index) => (index < WIDTHS.length ? cell.padEnd(WIDTHS[index] ?? 0) : cell)).join(' ')}`
}
