import { formatAmount, parseAmount } from '../amount.ts'
import type { Entity } from '../odata/edm.ts'
import { batchOf, changeBatch, concerned, settleBatches } from './batches.ts'
import { announce, DAY_MS, type Erp, localDay, localSeconds, nextNumber, periodOf } from './erp.ts'
import { type Movement, plainNumber, text, understand } from './item.ts'
import { refusal } from './messages.ts'
import { USABILITY_OF } from './movement-types.ts'
import { moveSerials } from './serials.ts'
import { accountKey, bareAccount, book, checkCount } from './stock.ts'
import type { Account, BatchRow, DocumentRow, StockLine } from './types.ts'

export interface Posting {
  readonly header: Entity
  readonly items: readonly Entity[]
  readonly by: string
  /** Wall time at which it was asked for. */
  readonly arrivedMs: number
  /** Posted by the system for itself: neither period, lock nor count stops it. */
  readonly system?: true
  /** Posted in the warehouse system, where an EWM-managed location is at home. */
  readonly ewm?: true
}

/**
 * Posts a material document, whole or not at all. There is no protection against posting the same thing twice: asked
 * twice, it is done twice.
 */
export function post(erp: Erp, posting: Posting): DocumentRow {
  return erp.tables.atomically(() => {
    if (posting.items.length === 0) throw refusal('noItems')
    const dayMs = dayOf(posting.header, 'PostingDate') ?? localDay(erp)
    if (posting.system === undefined) checkPeriod(erp, dayMs, text(posting.items[0] ?? {}, 'Plant'))
    const draft = openDocument(erp, posting, dayMs)
    for (const input of posting.items) postItem(erp, posting, { draft, input })
    return closeDocument(erp, draft)
  })
}

/** A document while its items are posted one after the other. */
export interface Draft {
  readonly year: string
  readonly number: string
  readonly sequence: number
  readonly header: Entity
  readonly by: string
  readonly arrivedMs: number
  readonly items: Entity[]
  readonly serials: Entity[]
  readonly lines: StockLine[]
}

export function openDocument(erp: Erp, posting: Posting, dayMs: number): Draft {
  const { header, by, arrivedMs } = posting
  const receipt = text(header, 'GoodsMovementCode') === '01'
  const number = receipt ? nextNumber(erp, 'receipt', 5_000_000_000) : nextNumber(erp, 'movement', 4_900_000_000)
  const nowMs = erp.runtime.clock.wallNow()
  const year = new Date(dayMs).toISOString().slice(0, 4)
  return {
    year,
    number,
    sequence: Number(nextNumber(erp, 'document', 1)),
    header: {
      ...header,
      MaterialDocumentYear: year,
      MaterialDocument: number,
      InventoryTransactionType: receipt ? 'WE' : 'WA',
      DocumentDate: dayOf(header, 'DocumentDate') ?? localDay(erp),
      PostingDate: dayMs,
      CreationDate: localDay(erp, nowMs),
      CreationTime: localSeconds(erp, nowMs),
      CreatedByUser: by,
    },
    by,
    arrivedMs,
    items: [],
    serials: [],
    lines: [],
  }
}

export function closeDocument(erp: Erp, { header, ...draft }: Draft): DocumentRow {
  const { to_MaterialDocumentItem: _, ...fields } = header
  const row: DocumentRow = { ...draft, header: fields, atMs: erp.runtime.clock.wallNow(), cancelled: {} }
  erp.tables.put('document', documentKey(row), row)
  announce(erp, 'MaterialDocument.Created', { MaterialDocumentYear: row.year, MaterialDocument: row.number })
  return row
}

export function documentKey({ year, number }: { readonly year: string; readonly number: string }): string {
  return `${year}|${number}`
}

/** A time of day that comes along is cut off. */
function dayOf(entity: Entity, name: string): number | null {
  const value = entity[name]
  return typeof value === 'number' ? Math.floor(value / DAY_MS) * DAY_MS : null
}

/** The current period and the one before are open, unless somebody closed them. */
export function checkPeriod(erp: Erp, dayMs: number, plant: string): void {
  const period = periodOf(dayMs)
  const todayMs = localDay(erp)
  const beforeMs = todayMs - new Date(todayMs).getUTCDate() * DAY_MS
  const open = period === periodOf(todayMs) || period === periodOf(beforeMs)
  if (!open || erp.tables.get('period', period)?.closed === true) throw refusal('periodClosed', period, plant)
}

function postItem(erp: Erp, posting: Posting, { draft, input }: { draft: Draft; input: Entity }): void {
  const number = String(draft.items.length + 1)
  const system = posting.system === true
  const code = text(draft.header, 'GoodsMovementCode')
  const understood = understand(erp, input, { number, code, by: posting.by, system, ewm: system || posting.ewm === true })
  const movement: Movement = { ...understood, ...settleBatches(erp, understood) }
  countOrdered(erp, movement)
  for (const line of linesOf(movement)) {
    if (!system) checkCount(erp, line.account)
    book(erp, line)
    draft.lines.push({ ...line, account: bareAccount(line.account) })
  }
  moveSerials(erp, movement)
  draft.items.push(...itemsOf(erp, draft, movement))
  draft.serials.push(...serialEntities(draft, movement))
}

function serialEntities(draft: Draft, { serials, product, number }: Movement): readonly Entity[] {
  const own = { MaterialDocument: draft.number, MaterialDocumentItem: number, MaterialDocumentYear: draft.year }
  return serials.map((SerialNumber) => ({ Material: product.product, SerialNumber, ...own }))
}

function linesOf({ number, from, to, base }: Movement): readonly StockLine[] {
  const received = to === null ? [] : [{ item: number, account: to, quantity: formatAmount(base) }]
  return from === null ? received : [{ item: number, account: from, quantity: formatAmount(-base) }, ...received]
}

/** Receipts count towards the purchase order item, returns and reversals away from it. */
function countOrdered(erp: Erp, { order, to, base, product }: Movement): void {
  if (order === null) return
  const ordered = parseAmount(order.item.quantity) ?? 0n
  const limit = ordered + (ordered * BigInt(Math.round(order.item.overdeliveryPercent * 10))) / 1000n
  const received = (parseAmount(order.item.received) ?? 0n) + (to === null ? -base : base)
  const place = `${order.order.number} ${order.item.item}`
  if (received > limit) throw refusal('orderedExceeded', formatAmount(received - limit), product.unit, product.product, place)
  if (received < 0n) throw refusal('receivedExceeded', formatAmount(-received), product.unit, product.product, place)
  const items = order.order.items.map((item) => (item.item === order.item.item ? { ...item, received: formatAmount(received) } : item))
  erp.tables.put('order', order.order.number, { ...order.order, items })
}

/** One item for the side that is named; a transfer shows its other side as a second item that the system adds. */
function itemsOf(erp: Erp, draft: Draft, movement: Movement): readonly Entity[] {
  const { from, to } = movement
  const first = from ?? to
  if (first === null) return []
  const shown = itemOf(erp, draft, { movement, account: first, number: movement.number })
  if (from === null || to === null) return [{ ...shown, DebitCreditCode: from === null ? 'S' : 'H' }]
  const second = itemOf(erp, draft, { movement, account: to, number: String(Number(movement.number) + 1) })
  const parent = { MaterialDocumentParentLine: shown['MaterialDocumentLine'] ?? '', IsAutomaticallyCreated: 'X' }
  return [
    { ...shown, DebitCreditCode: 'H', ...otherSide(to) },
    { ...second, DebitCreditCode: 'S', ...parent, ...otherSide(from) },
  ]
}

function otherSide(account: Account): Entity {
  return {
    IssgOrRcvgMaterial: account.Material,
    IssgOrRcvgBatch: account.Batch,
    IssuingOrReceivingPlant: account.Plant,
    IssuingOrReceivingStorageLoc: account.StorageLocation,
    IssuingOrReceivingStockType: account.InventoryStockType,
  }
}

interface ItemShown {
  readonly movement: Movement
  readonly account: Account
  readonly number: string
}

function itemOf(erp: Erp, draft: Draft, { movement, account, number }: ItemShown): Entity {
  const { to_SerialNumbers: _, ...given } = movement.input
  const { Supplier, Customer, SDDocument, SDDocumentItem, ...place } = account
  const { order } = movement
  return {
    ...given,
    ...place,
    MaterialDocumentYear: draft.year,
    MaterialDocument: draft.number,
    MaterialDocumentItem: number,
    MaterialDocumentLine: number.padStart(6, '0'),
    GoodsMovementType: movement.typeName,
    BatchBySupplier: batchOf(erp, account)?.supplierBatch ?? '',
    Supplier: Supplier || (order?.order.supplier ?? text(given, 'Supplier')),
    Customer: Customer || text(given, 'Customer'),
    SpecialStockIdfgSalesOrder: SDDocument,
    SpecialStockIdfgSalesOrderItem: SDDocumentItem,
    InventoryUsabilityCode: USABILITY_OF[account.InventoryStockType],
    GoodsMovementRefDocType: order !== null ? 'B' : text(given, 'ManufacturingOrder') === '' ? '' : 'F',
    PurchaseOrder: order?.order.number ?? '',
    PurchaseOrderItem: order?.item.item ?? plainNumber(text(given, 'PurchaseOrderItem')),
    EntryUnit: movement.entryUnit,
    QuantityInEntryUnit: movement.entryQuantity,
    MaterialBaseUnit: movement.product.unit,
    QuantityInBaseUnit: formatAmount(movement.base),
    EWMWarehouse: erp.site.ewm[`${account.Plant}/${account.StorageLocation}`] ?? '',
    GoodsMovementIsCancelled: false,
  }
}

/**
 * The flag on the batch master. It concerns the whole batch: everything of it that is unrestricted, in every plant and
 * location, becomes restricted with a document of its own, or the other way round.
 */
export function restrictBatch(erp: Erp, batch: BatchRow, change: { readonly restricted: boolean; readonly by: string }): void {
  const moved = concerned(erp, batch, change.restricted)
  changeBatch(erp, batch, { restricted: change.restricted, restrictedBy: change.restricted ? change.by : '' })
  if (moved.length === 0) return
  const posting: Posting = {
    header: { GoodsMovementCode: '04' },
    items: [],
    by: change.by,
    arrivedMs: erp.runtime.clock.wallNow(),
    system: true,
  }
  const draft = openDocument(erp, posting, localDay(erp))
  for (const { quantity, ...account } of moved) {
    const other: Account = { ...account, InventoryStockType: change.restricted ? '08' : '01' }
    postStatusItem(erp, draft, { from: account, to: other, quantity, typeName: change.restricted ? '341' : '342' })
  }
  closeDocument(erp, draft)
}

interface StatusItem {
  readonly from: Account
  readonly to: Account
  readonly quantity: string
  readonly typeName: string
}

function postStatusItem(erp: Erp, draft: Draft, { from, to, quantity, typeName }: StatusItem): void {
  const number = String(draft.items.length + 1)
  const { Supplier, Customer, SDDocument, SDDocumentItem, InventoryStockType: _, ...fields } = from
  const input: Entity = { ...fields, GoodsMovementType: typeName, QuantityInEntryUnit: quantity, Supplier, Customer }
  const special = { SpecialStockIdfgSalesOrder: SDDocument, SpecialStockIdfgSalesOrderItem: SDDocumentItem }
  const context = { number, code: '04', by: draft.by, system: true, ewm: true }
  const movement: Movement = {
    ...understand(erp, { ...input, ...withSerials(erp, from) }, context),
    from,
    to,
    input: { ...input, ...special },
  }
  for (const line of linesOf(movement)) {
    book(erp, line)
    draft.lines.push(line)
  }
  moveSerials(erp, movement)
  draft.items.push(...itemsOf(erp, draft, movement))
  draft.serials.push(...serialEntities(draft, movement))
}

function withSerials(erp: Erp, account: Account): Entity {
  const serials = erp.tables.where('serial', 'Material', account.Material).flatMap((key) => {
    const row = erp.tables.get('serial', key)
    return row?.inStock === true && accountKey(row) === accountKey(account) ? [{ SerialNumber: row.SerialNumber }] : []
  })
  return serials.length === 0 ? {} : { to_SerialNumbers: serials }
}
