import { formatAmount, parseAmount } from '../../src/plant/amount.ts'
import type { CountingErp } from '../../src/plant/counting-erp/counting-erp.ts'
import type { StockDocument } from '../../src/plant/counting-erp/types.ts'
import type { CountingQms } from '../../src/plant/counting-qms/counting-qms.ts'

interface Targets {
  readonly erp: CountingErp
  readonly qms: CountingQms
}

/** What is missing by the targets' own books: notices, inspections, decisions, postings. Empty: nothing was lost. */
export function lost(targets: Targets): string[] {
  const { erp, qms } = targets
  const missing: string[] = []
  for (const system of [erp, qms]) if (system.books.unsettled() > 0) missing.push(`${system.instance}: notices are not acknowledged`)
  const inspected = new Set(qms.books.inspections().map(({ attributes }) => `${attributes['receipt']}/${attributes['line']}`))
  for (const { number, lines } of erp.books.receipts()) {
    for (const { line } of lines)
      if (!inspected.has(`erp-1:receipt:${number}/${line}`)) missing.push(`receipt ${number}/${line} has no inspection`)
  }
  for (const { number, status } of qms.books.inspections()) if (status !== 'DECIDED') missing.push(`${number} is ${status}`)
  for (const [lot, decided] of decidedByLot(qms)) {
    const posted = postedOf(erp, lot)
    if (posted.usable < decided.accepted || posted.blocked < decided.restricted)
      missing.push(`${lot}: ${text(posted)} posted of ${text({ usable: decided.accepted, blocked: decided.restricted })}`)
  }
  return missing
}

/** What is there more often, or in greater quantity, than it was decided. Empty: nothing was done twice. */
export function doubled({ erp, qms }: Targets): string[] {
  const extra: string[] = []
  for (const { instance, books } of [erp, qms]) {
    extra.push(...books.violations())
    for (const reference of new Set(books.effects().map((effect) => effect.reference)))
      if (books.effectsOf(reference) > 1) extra.push(`${instance}: ${books.effectsOf(reference)} effects under ${reference}`)
  }
  const keys = qms.books.inspections().map(({ externalKey }) => externalKey)
  if (new Set(keys).size < keys.length) extra.push('a receipt has more than one inspection')
  for (const [lot, decided] of decidedByLot(qms)) {
    const posted = postedOf(erp, lot)
    // What landed usable is blocked until its decision, and changes its place twice: for it only references tell.
    if (lot.includes('LANDS')) continue
    if (posted.usable > decided.accepted || posted.blocked > decided.restricted)
      extra.push(`${lot}: ${text(posted)} posted of ${text({ usable: decided.accepted, blocked: decided.restricted })}`)
    const documents = erp.books.lot(lot)?.documents.filter(({ causedBy }) => causedBy !== null) ?? []
    if (documents.length > decided.lines) extra.push(`${lot}: ${decided.lines} decision lines, yet ${documents.map(line).join(', ')}`)
  }
  return extra
}

interface Decided {
  accepted: bigint
  restricted: bigint
  lines: number
}

/** By the ERP's name of the lot. */
function decidedByLot(qms: CountingQms): ReadonlyMap<string, Decided> {
  const lots = new Map<string, Decided>()
  for (const { attributes, decision } of qms.books.inspections()) {
    const identifier = attributes['lot'] ?? ''
    const lot = identifier.slice(identifier.indexOf(':') + 1)
    const sums = lots.get(lot) ?? { accepted: 0n, restricted: 0n, lines: 0 }
    for (const { usage, quantity } of decision?.lines ?? []) {
      const amount = parseAmount(quantity) ?? 0n
      if (usage === 'ACCEPT') sums.accepted += amount
      else sums.restricted += amount
      sums.lines += 1
    }
    lots.set(lot, sums)
  }
  return lots
}

interface Posted {
  readonly usable: bigint
  readonly blocked: bigint
}

/** Nobody but the hub moves stock from one type to another here, so what stands is what was posted. */
function postedOf(erp: CountingErp, lot: string): Posted {
  const sum = (stock: string): bigint =>
    (erp.books.lot(lot)?.buckets ?? []).reduce((total, one) => total + (one.stock === stock ? (parseAmount(one.quantity) ?? 0n) : 0n), 0n)
  return { usable: sum('UNR'), blocked: sum('BLK') }
}

function line({ number, causedBy, from, to, amount }: StockDocument): string {
  return `${number} (${causedBy}) ${formatAmount(amount)} ${from?.stock} to ${to?.stock}`
}

function text({ usable, blocked }: Posted): string {
  return `${formatAmount(usable)} usable and ${formatAmount(blocked)} blocked`
}
