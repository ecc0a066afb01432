import { type Amount, amountOf, formatAmount, parseAmount } from '../amount.ts'
import type { Entity } from '../odata/edm.ts'
import type { Erp } from './erp.ts'
import { materialLock } from './locks.ts'
import { refusal } from './messages.ts'
import { MOVEMENT_TYPES, type MovementType, type Side, STOCK_TYPE_OF } from './movement-types.ts'
import type { Account, ProductRow, PurchaseOrderItemRow, PurchaseOrderRow, StockType } from './types.ts'

/** An item of a posting, understood: what moves from where to where. */
export interface Movement {
  readonly number: string
  readonly typeName: string
  readonly type: MovementType
  readonly product: ProductRow
  readonly from: Account | null
  readonly to: Account | null
  readonly base: Amount
  readonly entryUnit: string
  readonly entryQuantity: string
  readonly order: OrderItem | null
  readonly serials: readonly string[]
  readonly input: Entity
}

export interface OrderItem {
  readonly order: PurchaseOrderRow
  readonly item: PurchaseOrderItemRow
}

export interface ItemContext {
  readonly number: string
  readonly code: string
  readonly by: string
  /** Posted by the system for itself, or in the warehouse system: what stops callers does not stop it. */
  readonly system: boolean
  readonly ewm: boolean
}

/** Throws what the vendor would say; reads only. */
export function understand(erp: Erp, input: Entity, context: ItemContext): Movement {
  const typeName = text(input, 'GoodsMovementType')
  const type = MOVEMENT_TYPES.get(typeName)
  if (type === undefined) throw refusal('movementTypeUnknown', typeName)
  if (!context.system) checkCode(typeName, type, context.code)
  const order = orderItem(erp, input, { type, typeName, context })
  const material = upper(input, 'Material') || (order?.item.material ?? '')
  const product = erp.tables.get('product', material)
  if (product === null) throw refusal('materialUnknown', material)
  if (order !== null && order.item.material !== material) throw refusal('orderOtherMaterial', material, order.item.material)
  const holder = context.system ? null : erp.locks.holder(materialLock(material), context.by)
  if (holder !== null) throw refusal('materialLocked', material, holder)
  const here = accountOf(erp, input, { product, order, context })
  const usability = usabilityOf(input, order)
  const from = sided(here, type.from, usability)
  const to = type.from === null ? sided(here, type.to, usability) : receiving(erp, input, { here, type, context })
  if (from !== null && to !== null && JSON.stringify(from) === JSON.stringify(to)) throw refusal('sameBatch', context.number)
  const entryUnit = text(input, 'EntryUnit') || product.unit
  const entryQuantity = text(input, 'QuantityInEntryUnit')
  const base = inBaseUnit(product, entryUnit, entryQuantity)
  if (base === null || base <= 0n) throw refusal('quantityInvalid', context.number)
  const serials = serialsOf(input, product, base)
  return { number: context.number, typeName, type, product, from, to, base, entryUnit, entryQuantity, order, serials, input }
}

function checkCode(typeName: string, type: MovementType, code: string): void {
  if (type.codes.length === 0) throw refusal('movementTypeAutomatic', typeName)
  if (!type.codes.includes(code)) throw refusal('codeWrong', typeName, code)
}

interface Naming {
  readonly type: MovementType
  readonly typeName: string
  readonly context: ItemContext
}

/** The purchase order item a receipt or return refers to; what a type refers to must be named. */
function orderItem(erp: Erp, input: Entity, { type, context, typeName }: Naming): OrderItem | null {
  const receipt = typeName === '101' || typeName === '102'
  const field = { purchaseOrder: 'PurchaseOrder', order: 'ManufacturingOrder', delivery: 'Delivery' } as const
  const needed = receipt ? (context.code === '02' ? 'order' : 'purchaseOrder') : type.reference
  if (needed === null) return null
  const number = text(input, field[needed])
  if (number === '') throw refusal('fieldMissing', field[needed], context.number)
  if (needed !== 'purchaseOrder') return null
  const wanted = plainNumber(text(input, 'PurchaseOrderItem'))
  const order = erp.tables.get('order', number)
  const item = order?.items.find((candidate) => candidate.item === wanted)
  if (order === null || item === undefined) throw refusal('orderUnknown', number, wanted)
  return { order, item }
}

function accountOf(
  erp: Erp,
  input: Entity,
  { product, order, context }: { product: ProductRow; order: OrderItem | null; context: ItemContext },
): Account {
  const Plant = text(input, 'Plant') || (order?.item.plant ?? '')
  const StorageLocation = text(input, 'StorageLocation') || (order?.item.storageLocation ?? '')
  checkPlace(erp, { Plant, StorageLocation }, context)
  const special = text(input, 'InventorySpecialStockType') || (order?.item.specialStock ?? '')
  const supplier = text(input, 'Supplier') || (order?.order.supplier ?? '')
  const Batch = upper(input, 'Batch')
  if (Batch !== '' && !product.batchManaged) throw refusal('batchNotManaged', product.product)
  return {
    Material: product.product,
    Plant,
    StorageLocation,
    Batch,
    InventoryStockType: '01',
    InventorySpecialStockType: special,
    Supplier: special === 'K' || special === 'O' ? supplier : '',
    Customer: special === 'W' || special === 'B' ? text(input, 'Customer') : '',
    SDDocument: special === 'E' ? text(input, 'SpecialStockIdfgSalesOrder') : '',
    SDDocumentItem: special === 'E' ? text(input, 'SpecialStockIdfgSalesOrderItem') : '',
  }
}

function checkPlace(erp: Erp, { Plant, StorageLocation }: Pick<Account, 'Plant' | 'StorageLocation'>, context: ItemContext): void {
  if (Plant === '') throw refusal('fieldMissing', 'Plant', context.number)
  if (StorageLocation === '') throw refusal('fieldMissing', 'StorageLocation', context.number)
  if (!(erp.site.plants[Plant] ?? []).includes(StorageLocation)) throw refusal('plantUnknown', Plant, StorageLocation)
  const warehouse = erp.site.ewm[`${Plant}/${StorageLocation}`]
  if (warehouse !== undefined && !context.ewm) throw refusal('ewmManaged', Plant, StorageLocation, warehouse)
}

function sided(here: Account, side: Side, usability: StockType): Account | null {
  return side === null ? null : { ...here, InventoryStockType: side === 'usability' ? usability : side }
}

function usabilityOf(input: Entity, order: OrderItem | null): StockType {
  const code = text(input, 'InventoryUsabilityCode') || (order?.item.stockType ?? '')
  return STOCK_TYPE_OF[code] ?? '01'
}

/** The other side of a transfer: what is not named stays as it is. */
function receiving(
  erp: Erp,
  input: Entity,
  { here, type, context }: { here: Account; type: MovementType; context: ItemContext },
): Account | null {
  if (type.to === null) return null
  const Material = upper(input, 'IssgOrRcvgMaterial') || here.Material
  const product = erp.tables.get('product', Material)
  if (product === null) throw refusal('materialUnknown', Material)
  const Plant = text(input, 'IssuingOrReceivingPlant') || here.Plant
  const StorageLocation = text(input, 'IssuingOrReceivingStorageLoc') || here.StorageLocation
  checkPlace(erp, { Plant, StorageLocation }, context)
  const Batch = product.batchManaged ? upper(input, 'IssgOrRcvgBatch') || here.Batch : ''
  const stock = type.to === 'usability' ? here.InventoryStockType : type.to
  return { ...here, Material, Plant, StorageLocation, Batch, InventoryStockType: stock }
}

/** Null: no quantity, or not a unit of the product. */
export function inBaseUnit(product: ProductRow, unit: string, quantity: string): Amount | null {
  const amount = parseAmount(quantity)
  if (amount === null || unit === product.unit) return amount
  const factor = product.otherUnits[unit]
  if (factor === undefined) throw refusal('unitUnknown', unit, product.product)
  return (amount * amountOf(factor)) / amountOf('1')
}

function serialsOf(input: Entity, product: ProductRow, base: Amount): readonly string[] {
  const given = (input['to_SerialNumbers'] as readonly Entity[] | undefined) ?? []
  const serials = given.map((entity) => upper(entity, 'SerialNumber'))
  if (product.serialProfile === '' && serials.length === 0) return []
  const needed = product.serialProfile === '' ? '0' : formatAmount(base)
  if (String(new Set(serials).size) !== needed) throw refusal('serialsWrong', needed, product.product, String(serials.length))
  return serials
}

export function text(entity: Entity, name: string): string {
  const value = entity[name]
  return typeof value === 'string' ? value.trim() : ''
}

/** Materials, batches and serial numbers know no small letters. */
export function upper(entity: Entity, name: string): string {
  return text(entity, name).toUpperCase()
}

/** Item numbers come with and without leading zeros. */
export function plainNumber(value: string): string {
  return value.replace(/^0+(?=\d)/, '')
}
