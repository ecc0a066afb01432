import { type Amount, formatAmount } from '../amount.ts'
import type { CallCounts } from '../call-server.ts'
import type { Counting, Effect, RolledBack } from '../counting.ts'
import type { Notices } from '../notices.ts'
import { type Lot, placeKey, type Stock } from './stock.ts'
import type { Bucket, LotVersion, Place, Receipt, Restriction, StockDocument } from './types.ts'

/** One bucket as it truly stands; `quantity` is a decimal. */
export interface BookBucket extends Place {
  readonly quantity: string
  readonly usable: boolean
}

export interface BookLot {
  readonly lot: string
  readonly material: string
  readonly batch: string | null
  readonly unit: string
  readonly buckets: readonly BookBucket[]
  readonly restriction: Restriction | null
  readonly revision: number
  readonly documents: readonly StockDocument[]
}

/** A time during which some of a lot was usable; `toMs` null: it still is. Monotonic milliseconds. */
export interface UsableSpan {
  readonly fromMs: number
  readonly toMs: number | null
}

/** The truth of the counting ERP, for tests, checkers and tables. Never lagged, never torn, never over the wire. */
export interface ErpBooks {
  lots(): readonly string[]
  lot(lot: string): BookLot | null
  /** In the order they were posted. */
  documents(): readonly StockDocument[]
  receipts(): readonly Receipt[]
  /** What callers brought about, in the order it happened, whether or not the resource stores their reference. */
  effects(): readonly Effect[]
  effectsOf(reference: string): number
  rolledBack(): readonly RolledBack[]
  /** Decimal quantity that this ERP would let somebody pick or consume now. */
  usable(lot: string): string
  /** Every past state of a lot with its time; checkers look for what was true in between. */
  history(lot: string): readonly { readonly atMs: number; readonly value: LotVersion }[]
  usableSpans(lot: string): readonly UsableSpan[]
  counts(): CallCounts & { readonly items: number; readonly repeated: number }
  /** Notices the receiver has not acknowledged, and accepted work not yet done. */
  unsettled(): number
  /** The ERP's own invariants; empty when its books are in order. */
  violations(): readonly string[]
}

export interface BooksDeps {
  readonly stock: Stock
  readonly counting: Counting
  readonly notices: Notices
  readonly receipts: ReadonlyMap<string, Receipt>
  readonly calls: () => CallCounts
}

export function createErpBooks(deps: BooksDeps): ErpBooks {
  const { stock, counting } = deps
  const usableAmount = (buckets: Iterable<Bucket>, restriction: Restriction | null): Amount => {
    let sum = 0n
    for (const bucket of buckets) if (stock.usable(bucket, restriction !== null)) sum += bucket.amount
    return sum
  }
  return {
    lots: () => stock.sortedLots(),
    lot: (key) => bookLot(stock, stock.lot(key)),
    documents: () => stock.documents(),
    receipts: () => [...deps.receipts.values()],
    effects: () => counting.effects,
    effectsOf: (reference) => counting.effectsOf(reference),
    rolledBack: () => counting.rollbacks,
    usable: (key) => {
      const lot = stock.lot(key)
      return formatAmount(lot === undefined ? 0n : usableAmount(lot.buckets.values(), lot.restriction))
    },
    history: (key) => stock.lot(key)?.history.all() ?? [],
    usableSpans: (key) => {
      const spans: UsableSpan[] = []
      for (const { atMs, value } of stock.lot(key)?.history.all() ?? []) {
        const last = spans.at(-1)
        const usable = usableAmount(value.buckets, value.restriction) > 0n
        if (usable && (last === undefined || last.toMs !== null)) spans.push({ fromMs: atMs, toMs: null })
        if (!usable && last !== undefined && last.toMs === null) spans[spans.length - 1] = { fromMs: last.fromMs, toMs: atMs }
      }
      return spans
    },
    counts: () => ({ ...deps.calls(), items: counting.items(), repeated: counting.repeated() }),
    unsettled: () => deps.notices.pending() + counting.updatesUnderWay(),
    violations: () => [...stock.lots.values()].flatMap((lot) => lotViolations(lot)),
  }
}

function bookLot(stock: Stock, lot: Lot | undefined): BookLot | null {
  if (lot === undefined) return null
  const buckets = [...lot.buckets.values()].map(({ amount, ...place }) => ({
    ...place,
    quantity: formatAmount(amount),
    usable: stock.usable({ ...place, amount }, lot.restriction !== null),
  }))
  const { material, batch, unit, restriction, revision, documents } = lot
  return { lot: lot.lot, material, batch, unit, buckets, restriction, revision, documents }
}

/** Stock is what the documents add up to, and no document is reversed for more than it moved. */
function lotViolations(lot: Lot): readonly string[] {
  const sums = new Map<string, Amount>()
  const reversed = new Map<string, Amount>()
  const add = (map: Map<string, Amount>, key: string, amount: Amount): void => {
    map.set(key, (map.get(key) ?? 0n) + amount)
  }
  for (const document of lot.documents) {
    if (document.from !== null) add(sums, placeKey(document.from), -document.amount)
    if (document.to !== null) add(sums, placeKey(document.to), document.amount)
    if (document.reverses !== null) add(reversed, document.reverses, document.amount)
  }
  const places = new Set([...sums.keys(), ...lot.buckets.keys()])
  const wrong = [...places].filter((key) => (sums.get(key) ?? 0n) !== (lot.buckets.get(key)?.amount ?? 0n))
  const amounts = new Map(lot.documents.map((document) => [document.number, document.amount]))
  const over = [...reversed].filter(([number, amount]) => amount > (amounts.get(number) ?? 0n))
  return [
    ...wrong.map((key) => `${lot.lot}: bucket ${key} is not the sum of its documents`),
    ...over.map(([number]) => `${lot.lot}: document ${number} is reversed for more than it moved`),
    ...(amounts.size === lot.documents.length ? [] : [`${lot.lot}: a document number was used twice`]),
  ]
}
