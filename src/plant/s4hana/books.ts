import { type Amount, amountOf, formatAmount, parseAmount } from '../amount.ts'
import type { CallCounts } from '../call-server.ts'
import type { Notices } from '../notices.ts'
import { batchKey } from './batches.ts'
import type { Erp } from './erp.ts'
import type { LoggedCall } from './gateway.ts'
import { text } from './item.ts'
import { accountKey, bucketsOf } from './stock.ts'
import type { Asked, Trail } from './trail.ts'
import type { BatchRow, DocumentRow, NoticeRow, PurchaseOrderRow, StockRow } from './types.ts'

/** A time during which some of a batch was usable; `toMs` null: it still is. Wall times. */
export interface UsableSpan {
  readonly fromMs: number
  readonly toMs: number | null
}

/** The truth of the simulated ERP, for tests, checkers and tables. Never lagged, never torn, never over the vendor's API. */
export interface S4Books {
  /** In the order they were posted. */
  documents(): readonly DocumentRow[]
  /** Those that carry this reference. */
  documentsOf(reference: string): readonly DocumentRow[]
  /** Buckets with something in them. */
  stock(material?: string, batch?: string): readonly StockRow[]
  /** Decimal quantity that this ERP would let somebody pick or consume now. */
  usable(material: string, batch?: string): string
  usableSpans(material: string, batch: string): readonly UsableSpan[]
  batch(material: string, batch: string): BatchRow | null
  orders(): readonly PurchaseOrderRow[]
  notices(): readonly NoticeRow[]
  /** Calls as the gateway saw them, and what was asked for in them. Since this process began. */
  calls(): readonly LoggedCall[]
  asked(): readonly Asked[]
  counts(): CallCounts
  /** Notices the receiver has not acknowledged. */
  unsettled(): number
  /** The ERP's own invariants; empty when its books are in order. */
  violations(): readonly string[]
}

export interface S4BooksDeps {
  readonly erp: Erp
  readonly trail: Trail
  readonly notices: Notices
  readonly calls: () => readonly LoggedCall[]
  readonly counts: () => CallCounts
}

export function createS4Books(deps: S4BooksDeps): S4Books {
  const { tables } = deps.erp
  const documents = (): readonly DocumentRow[] =>
    tables
      .keys('document')
      .flatMap((key) => tables.get('document', key) ?? [])
      .sort((left, right) => left.sequence - right.sequence)
  return {
    documents,
    documentsOf: (reference) =>
      tables.where('document', 'ReferenceDocument', reference).flatMap((key) => tables.get('document', key) ?? []),
    stock: (material, batch) => {
      const rows =
        material === undefined
          ? tables.keys('stock').flatMap((key) => tables.get('stock', key) ?? [])
          : bucketsOf(deps.erp, material, batch ?? null)
      return rows.filter(({ quantity }) => quantity !== '0')
    },
    usable: (material, batch) => {
      const rows = bucketsOf(deps.erp, material, batch ?? null).filter((row) => row.InventoryStockType === '01')
      return formatAmount(rows.reduce((sum, { quantity }) => sum + amountOf(quantity), 0n))
    },
    usableSpans: (material, batch) => usableSpans(documents(), material, batch),
    batch: (material, batch) => tables.get('batch', batchKey(material, batch)),
    orders: () => tables.keys('order').flatMap((key) => tables.get('order', key) ?? []),
    notices: () => tables.keys('notice').flatMap((key) => tables.get('notice', key) ?? []),
    calls: deps.calls,
    asked: deps.trail.all,
    counts: deps.counts,
    unsettled: () => deps.notices.pending(),
    violations: () => [...stockViolations(deps.erp, documents()), ...batchViolations(deps.erp), ...orderViolations(deps.erp, documents())],
  }
}

function usableSpans(documents: readonly DocumentRow[], material: string, batch: string): readonly UsableSpan[] {
  const spans: UsableSpan[] = []
  let usable = 0n
  for (const { lines, atMs } of documents) {
    for (const { account, quantity } of lines) {
      if (account.Material === material && account.Batch === batch && account.InventoryStockType === '01') usable += amountOf(quantity)
    }
    const last = spans.at(-1)
    const open = last !== undefined && last.toMs === null
    if (usable > 0n && !open) spans.push({ fromMs: atMs, toMs: null })
    if (usable <= 0n && open) spans[spans.length - 1] = { fromMs: last.fromMs, toMs: atMs }
  }
  return spans
}

/** Stock is what the documents add up to, and never negative; no number is given twice. */
function stockViolations({ tables }: Erp, documents: readonly DocumentRow[]): readonly string[] {
  const sums = new Map<string, Amount>()
  for (const { lines } of documents) {
    for (const { account, quantity } of lines) sums.set(accountKey(account), (sums.get(accountKey(account)) ?? 0n) + amountOf(quantity))
  }
  const keys = new Set([...sums.keys(), ...tables.keys('stock')])
  const wrong = [...keys].filter((key) => (sums.get(key) ?? 0n) !== amountOf(tables.get('stock', key)?.quantity ?? '0'))
  const negative = [...keys].filter((key) => amountOf(tables.get('stock', key)?.quantity ?? '0') < 0n)
  const numbers = new Set(documents.map(({ year, number }) => `${year} ${number}`))
  return [
    ...wrong.map((key) => `bucket ${key} is not the sum of its documents`),
    ...negative.map((key) => `bucket ${key} is negative`),
    ...(numbers.size === documents.length ? [] : ['a document number was given twice']),
  ]
}

/** Nothing of a restricted batch is unrestricted, and nothing of another is restricted. */
function batchViolations(erp: Erp): readonly string[] {
  return erp.tables.keys('batch').flatMap((key) => {
    const row = erp.tables.get('batch', key)
    const wrong = row?.restricted === true ? '01' : '08'
    const rows = row === null ? [] : bucketsOf(erp, row.material, row.batch)
    return rows.some((bucket) => bucket.InventoryStockType === wrong && bucket.quantity !== '0')
      ? [`batch ${key} and its stock disagree`]
      : []
  })
}

/** What an order item has received is what the documents say of it. */
function orderViolations({ tables }: Erp, documents: readonly DocumentRow[]): readonly string[] {
  const sums = new Map<string, Amount>()
  for (const item of documents.flatMap(({ items }) => items)) {
    const key = `${text(item, 'PurchaseOrder')} ${text(item, 'PurchaseOrderItem')}`
    const amount = parseAmount(text(item, 'QuantityInBaseUnit')) ?? 0n
    sums.set(key, (sums.get(key) ?? 0n) + (text(item, 'DebitCreditCode') === 'S' ? amount : -amount))
  }
  return tables
    .keys('order')
    .flatMap((number) =>
      (tables.get('order', number)?.items ?? []).flatMap((item) =>
        (sums.get(`${number} ${item.item}`) ?? 0n) === amountOf(item.received) ? [] : [`order ${number} ${item.item} counts wrongly`],
      ),
    )
}
