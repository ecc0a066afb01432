import { formatAmount } from '../amount.ts'
import type { Lot, Stock } from './stock.ts'
import type { Bucket, OwnerCode, Place, Receipt, Restriction, StockCode, StockDocument } from './types.ts'
import { STOCK_CODES } from './types.ts'

/** The ERP's JSON: what it shows and announces. Plain values only; nothing here changes anything. */

export function nativePlace(place: Place | null): unknown {
  if (place === null) return null
  return { plant: place.plant, storageLocation: place.storageLocation, carrier: place.carrier, stock: place.stock, owner: place.owner }
}

function nativeBucket(stock: Stock, bucket: Bucket, shown: { readonly unit: string; readonly restricted: boolean }): unknown {
  return {
    plant: bucket.plant,
    storageLocation: bucket.storageLocation,
    carrier: bucket.carrier,
    stock: bucket.stock,
    owner: bucket.owner,
    locationKind: stock.locationKind(bucket.storageLocation),
    quantity: formatAmount(bucket.amount),
    unit: shown.unit,
    available: stock.usable(bucket, shown.restricted),
  }
}

export function nativeDocument(document: StockDocument, unit: string): unknown {
  return {
    number: document.number,
    reference: document.reference,
    from: nativePlace(document.from),
    to: nativePlace(document.to),
    quantity: formatAmount(document.amount),
    unit,
    postedBy: document.by,
    postedAt: document.at,
    text: document.text,
    reverses: document.reverses,
  }
}

/** The parts of a lot a reader sees; torn pages take them from different versions. */
export interface LotView {
  readonly buckets: readonly Bucket[]
  readonly documents: number
  readonly restriction: Restriction | null
  readonly revision: number
}

/** Documents shown per lot: the newest of them. */
const DOCUMENTS_SHOWN_MAX = 1_000

export function nativeLot(stock: Stock, lot: Lot, view: LotView): unknown {
  const { restriction } = view
  const shown = { unit: lot.unit, restricted: restriction !== null }
  return {
    lot: lot.lot,
    known: true,
    material: lot.material,
    batch: lot.batch,
    unit: lot.unit,
    etag: String(view.revision),
    restricted: restriction === null ? null : { reference: restriction.reference, by: restriction.by, at: restriction.at },
    buckets: view.buckets.map((bucket) => nativeBucket(stock, bucket, shown)),
    documents: lot.documents
      .slice(Math.max(0, view.documents - DOCUMENTS_SHOWN_MAX), view.documents)
      .map((document) => nativeDocument(document, lot.unit)),
  }
}

export function nativeReceipt(receipt: Receipt, materials: (material: string) => { readonly inspection: string }): unknown {
  const numbers = [...new Set(receipt.lines.map(({ line }) => line))]
  return {
    kind: 'goodsReceipt',
    number: receipt.number,
    plant: receipt.plant,
    vendor: receipt.vendor,
    postedBy: receipt.by,
    postedAt: receipt.at,
    lines: numbers.map((number) => nativeReceiptLine(receipt, number, materials)),
  }
}

function nativeReceiptLine(receipt: Receipt, number: string, materials: (material: string) => { readonly inspection: string }): unknown {
  const parts = receipt.lines.filter(({ line }) => line === number)
  const first = parts[0]
  return {
    line: number,
    material: first?.material,
    quantity: formatAmount(parts.reduce((sum, part) => sum + part.amount, 0n)),
    unit: first?.unit,
    inspection: materials(first?.material ?? '').inspection,
    batches: parts.map((part) => ({
      batch: part.batch,
      vendorBatch: part.vendorBatch,
      quantity: formatAmount(part.amount),
      storageLocation: part.storageLocation,
      stock: part.stock,
      owner: part.owner,
    })),
  }
}

/** Null: not a place. The plant of a place is always stated. */
export function parsePlace(value: unknown): Place | null {
  if (typeof value !== 'object' || value === null) return null
  const { plant, storageLocation, carrier, stock, owner } = value as Record<string, unknown>
  if (typeof plant !== 'string' || typeof storageLocation !== 'string' || !isStockCode(stock)) return null
  if (carrier !== null && typeof carrier !== 'string') return null
  if (typeof owner !== 'string' || !['', 'K', 'O', 'B', 'E', 'Q', 'W'].includes(owner)) return null
  return { plant, storageLocation, carrier, stock, owner: owner as OwnerCode }
}

export function isStockCode(value: unknown): value is StockCode {
  return STOCK_CODES.some((code) => code === value)
}
