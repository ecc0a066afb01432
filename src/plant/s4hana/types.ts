import type { Entity } from '../odata/edm.ts'

/** InventoryStockType: unrestricted, quality inspection, blocked, restricted use. */
export type StockType = '01' | '02' | '07' | '08'

/** Everything that keeps one quantity of stock apart from another. Names are the vendor's. */
export interface Account {
  readonly Material: string
  readonly Plant: string
  readonly StorageLocation: string
  readonly Batch: string
  readonly InventoryStockType: StockType
  readonly InventorySpecialStockType: string
  readonly Supplier: string
  readonly Customer: string
  readonly SDDocument: string
  readonly SDDocumentItem: string
}

export interface StockRow extends Account {
  /** Decimal text. A bucket that became empty stays, with 0. */
  readonly quantity: string
}

/** One bucket that gained or lost through one item of a material document. */
export interface StockLine {
  readonly item: string
  readonly account: Account
  /** Decimal text, negative for what was taken. */
  readonly quantity: string
}

export interface DocumentRow {
  readonly year: string
  readonly number: string
  /** Position among everything ever posted, from 1. */
  readonly sequence: number
  readonly header: Entity
  readonly items: readonly Entity[]
  readonly serials: readonly Entity[]
  readonly lines: readonly StockLine[]
  readonly by: string
  /** Wall time of the posting, and of the request that caused it. */
  readonly atMs: number
  readonly arrivedMs: number
  /** Items that are taken back, by the document that did it. */
  readonly cancelled: Readonly<Record<string, string>>
}

export interface ProductRow {
  readonly product: string
  readonly unit: string
  /** How many base units one of these is; decimal text. */
  readonly otherUnits: Readonly<Record<string, string>>
  readonly batchManaged: boolean
  readonly serialProfile: string
  /** What order items propose for their receipts; blank is the badly configured product. */
  readonly receiptStockType: '' | 'X' | 'S'
  readonly description: string
  readonly createdMs: number
}

export interface PurchaseOrderItemRow {
  readonly item: string
  readonly material: string
  readonly plant: string
  readonly storageLocation: string
  readonly quantity: string
  readonly unit: string
  /** Blank: receipts land unrestricted. `X`: in quality inspection. `S`: blocked. */
  readonly stockType: '' | 'X' | 'S'
  /** Special stock of the receipts: K is consignment. */
  readonly specialStock: string
  readonly overdeliveryPercent: number
  /** Received less returned and reversed, in base units. */
  readonly received: string
}

export interface PurchaseOrderRow {
  readonly number: string
  readonly supplier: string
  readonly createdMs: number
  readonly by: string
  readonly items: readonly PurchaseOrderItemRow[]
}

export interface BatchRow {
  readonly material: string
  readonly batch: string
  readonly restricted: boolean
  readonly restrictedBy: string
  readonly supplier: string
  readonly supplierBatch: string
  readonly origin: string
  readonly deletion: boolean
  readonly expiresMs: number | null
  readonly madeMs: number | null
  readonly receivedMs: number | null
  readonly createdMs: number
  /** The ETag; rises with every change. */
  readonly changedMs: number
}

/** A stock count. While it is open and blocks, nothing moves in its place. */
export interface CountRow {
  readonly year: string
  readonly number: string
  readonly plant: string
  readonly storageLocation: string
  readonly blocksPostings: boolean
  readonly by: string
  readonly createdMs: number
  readonly items: readonly CountItemRow[]
}

export interface CountItemRow {
  readonly item: string
  readonly material: string
  readonly batch: string
  /** 1 unrestricted, 2 quality inspection, 4 blocked. */
  readonly stockType: '1' | '2' | '4'
  readonly book: string
  readonly counted: string | null
  /** Document of the difference; blank: not yet posted. */
  readonly document: string
  readonly posted: boolean
}

/** Where a piece with a serial number is, or was last. */
export interface SerialRow extends Account {
  readonly SerialNumber: string
  readonly inStock: boolean
}

export interface Rows {
  readonly document: DocumentRow
  readonly stock: StockRow
  readonly product: ProductRow
  readonly order: PurchaseOrderRow
  readonly batch: BatchRow
  readonly count: CountRow
  readonly serial: SerialRow
  readonly period: { readonly closed: boolean }
  readonly number: { readonly last: number }
  readonly notice: NoticeRow
}

export interface NoticeRow {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly data: Readonly<Record<string, string>>
  readonly atMs: number
}

/** What a person hears of a thing they did. */
export type Done =
  | { readonly ok: true; readonly number: string; readonly year: string }
  | { readonly ok: false; readonly code: string; readonly message: string }
