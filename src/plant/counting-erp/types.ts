import type { Amount } from '../amount.ts'

/** The ERP's own codes. Unrestricted, quality inspection, restricted use, blocked, customer return. */
export type StockCode = 'UNR' | 'QI' | 'RES' | 'BLK' | 'RET'
export const STOCK_CODES: readonly StockCode[] = ['UNR', 'QI', 'RES', 'BLK', 'RET']

/** Special stock: own, vendor consignment, at subcontractor, customer's, sales order, project, consignment at customer. */
export type OwnerCode = '' | 'K' | 'O' | 'B' | 'E' | 'Q' | 'W'

/** Where a storage location is; it follows from the location's master data. */
export type LocationKind = 'STOCK' | 'TRANSIT' | 'WIP' | 'SUBCON' | 'CUSTOMER'

export interface Place {
  readonly plant: string
  readonly storageLocation: string
  readonly carrier: string | null
  readonly stock: StockCode
  readonly owner: OwnerCode
}

export interface Bucket extends Place {
  readonly amount: Amount
}

/** How a purchased material is set up. `lands` other than QI is the badly configured item. */
export interface Material {
  readonly unit: string
  readonly batchManaged: boolean
  readonly inspection: 'yes' | 'no' | 'unknown'
  readonly lands: StockCode
}
export const MATERIAL_DEFAULT: Material = { unit: 'PC', batchManaged: true, inspection: 'yes', lands: 'QI' }

export type DocumentKind = 'receipt' | 'receiptReversal' | 'posting' | 'transfer' | 'consumption' | 'count'

/**
 * One line of a movement document: at most one bucket loses, at most one gains. `causedBy` is what the caller named as
 * reference even where the system does not store it; the hub never sees it.
 */
export interface StockDocument {
  readonly number: string
  /** Position among everything this ERP ever posted, from 1. */
  readonly sequence: number
  readonly kind: DocumentKind
  readonly lot: string
  readonly reference: string | null
  readonly causedBy: string | null
  readonly from: Place | null
  readonly to: Place | null
  readonly amount: Amount
  readonly by: string
  readonly text: string
  readonly at: string
  readonly atMs: number
  /** When the request that caused it arrived; equals `atMs` for people. */
  readonly arrivedMs: number
  readonly reverses: string | null
}

/** The batch-restricted flag: above the stock posting, it makes every bucket of the lot unusable. */
export interface Restriction {
  readonly reference: string | null
  readonly by: string
  readonly at: string
}

export interface LotVersion {
  readonly at: string
  readonly revision: number
  readonly buckets: readonly Bucket[]
  /** How many of the lot's documents existed. */
  readonly documents: number
  readonly restriction: Restriction | null
}

export interface ReceiptLine {
  readonly line: string
  readonly material: string
  readonly batch: string | null
  readonly vendorBatch: string | null
  readonly storageLocation: string
  readonly stock: StockCode
  readonly owner: OwnerCode
  readonly amount: Amount
  readonly unit: string
  readonly lot: string
  readonly document: string
}
/** A goods receipt. `lines` has one entry for every batch of every line. */
export interface Receipt {
  readonly number: string
  readonly plant: string
  readonly vendor: string
  readonly by: string
  readonly at: string
  readonly lines: readonly ReceiptLine[]
}

/** A person's or the ERP's answer to something that was asked of it. */
export type Done = { readonly ok: true; readonly number: string } | { readonly ok: false; readonly reason: Refusal }
export type Refusal =
  | 'LOT_UNKNOWN'
  | 'STOCK_DEFICIT'
  | 'UNIT_WRONG'
  | 'AMOUNT_INVALID'
  | 'BATCH_RESTRICTED'
  | 'NOT_UNRESTRICTED'
  | 'PERIOD_CLOSED'
  | 'DOCUMENT_UNKNOWN'
  | 'ALREADY_REVERSED'
  | 'REQUEST_INVALID'
