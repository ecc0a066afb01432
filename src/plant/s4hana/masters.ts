import { parseAmount } from '../amount.ts'
import { announce, type Erp, nextNumber } from './erp.ts'
import { refusal } from './messages.ts'
import type { ProductRow, PurchaseOrderItemRow, PurchaseOrderRow } from './types.ts'

/** Products and purchase orders: what exists before anything arrives. */

export interface ProductInput {
  readonly product: string
  readonly unit?: string
  readonly otherUnits?: Readonly<Record<string, string>>
  readonly batchManaged?: boolean
  readonly serialProfile?: string
  readonly receiptStockType?: '' | 'X' | 'S'
  readonly description?: string
}

export function putProduct(erp: Erp, input: ProductInput): ProductRow {
  const row: ProductRow = {
    unit: 'PC',
    otherUnits: {},
    batchManaged: true,
    serialProfile: '',
    receiptStockType: 'X',
    description: input.product,
    ...input,
    product: input.product.toUpperCase(),
    createdMs: erp.runtime.clock.wallNow(),
  }
  erp.tables.put('product', row.product, row)
  return row
}

export interface OrderInput {
  readonly supplier: string
  readonly by: string
  readonly items: readonly (Pick<PurchaseOrderItemRow, 'material' | 'quantity'> & Partial<PurchaseOrderItemRow>)[]
}

/** Receipts land where the item's stock type says: what the product proposes, unless the buyer says otherwise. */
export function createOrder(erp: Erp, input: OrderInput): PurchaseOrderRow {
  const [plant = '', locations = []] = Object.entries(erp.site.plants)[0] ?? []
  const items = input.items.map((item, index): PurchaseOrderItemRow => {
    const product = erp.tables.get('product', item.material)
    if (product === null) throw refusal('materialUnknown', item.material)
    if ((parseAmount(item.quantity) ?? 0n) <= 0n) throw refusal('quantityInvalid', String(index + 1))
    return {
      item: String((index + 1) * 10),
      plant,
      storageLocation: locations[0] ?? '',
      unit: product.unit,
      stockType: product.receiptStockType,
      specialStock: '',
      overdeliveryPercent: 0,
      ...item,
      received: '0',
    }
  })
  const number = nextNumber(erp, 'order', 4_500_000_000)
  const row: PurchaseOrderRow = { number, supplier: input.supplier, createdMs: erp.runtime.clock.wallNow(), by: input.by, items }
  erp.tables.put('order', number, row)
  announce(erp, 'PurchaseOrder.Created', { PurchaseOrder: number })
  return row
}
