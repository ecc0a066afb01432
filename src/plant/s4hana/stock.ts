import { type Amount, amountOf, formatAmount } from '../amount.ts'
import type { Erp } from './erp.ts'
import { refusal } from './messages.ts'
import { STOCK_TEXT } from './movement-types.ts'
import type { Account, CountItemRow, StockLine, StockRow } from './types.ts'

const ACCOUNT_FIELDS = [
  'Material',
  'Plant',
  'StorageLocation',
  'Batch',
  'Supplier',
  'Customer',
  'SDDocument',
  'SDDocumentItem',
  'InventorySpecialStockType',
  'InventoryStockType',
] as const satisfies readonly (keyof Account)[]

export function accountKey(account: Account): string {
  return ACCOUNT_FIELDS.map((field) => account[field]).join('|')
}

export function available(erp: Erp, account: Account): Amount {
  return amountOf(erp.tables.get('stock', accountKey(account))?.quantity ?? '0')
}

/** Books one line. Taking more than is there is refused; there is no negative stock. */
export function book(erp: Erp, line: StockLine): void {
  const { account } = line
  const change = amountOf(line.quantity)
  const quantity = available(erp, account) + change
  if (quantity < 0n) {
    const unit = erp.tables.get('product', account.Material)?.unit ?? ''
    const place = [account.Material, account.Plant, account.StorageLocation, account.Batch].join(' ').trim()
    throw refusal('deficit', STOCK_TEXT[account.InventoryStockType], formatAmount(-quantity), unit, place)
  }
  erp.tables.put('stock', accountKey(account), { ...bareAccount(account), quantity: formatAmount(quantity) })
}

export function bareAccount(account: Account): Account {
  return {
    Material: account.Material,
    Plant: account.Plant,
    StorageLocation: account.StorageLocation,
    Batch: account.Batch,
    InventoryStockType: account.InventoryStockType,
    InventorySpecialStockType: account.InventorySpecialStockType,
    Supplier: account.Supplier,
    Customer: account.Customer,
    SDDocument: account.SDDocument,
    SDDocumentItem: account.SDDocumentItem,
  }
}

/** Nothing moves where a count is open that blocks postings. */
export function checkCount(erp: Erp, account: Account): void {
  for (const key of erp.tables.keys('count')) {
    const count = erp.tables.get('count', key)
    if (count === null || !count.blocksPostings) continue
    if (count.plant !== account.Plant || count.storageLocation !== account.StorageLocation) continue
    if (!count.items.some((item) => !item.posted && covers(item, account))) continue
    throw refusal('countOpen', account.Material, account.StorageLocation, count.number)
  }
}

const COUNTED: Readonly<Record<string, string>> = { '1': '01', '2': '02', '4': '07' }

export function covers(item: CountItemRow, account: Account): boolean {
  return item.material === account.Material && item.batch === account.Batch && COUNTED[item.stockType] === account.InventoryStockType
}

/** Buckets of one batch, or of one material without batches. */
export function bucketsOf(erp: Erp, material: string, batch: string | null): readonly StockRow[] {
  return erp.tables
    .where('stock', 'Material', material)
    .map((key) => erp.tables.get('stock', key))
    .filter((row): row is StockRow => row !== null && (batch === null || row.Batch === batch))
}
