import { formatAmount } from '../amount.ts'
import type { Entity } from '../odata/edm.ts'
import { announce, type Erp, localDay, nextNumber } from './erp.ts'
import { type Movement, text } from './item.ts'
import { batchLock } from './locks.ts'
import { refusal } from './messages.ts'
import { BATCH_STATUS } from './movement-types.ts'
import { bucketsOf } from './stock.ts'
import type { Account, BatchRow, StockRow } from './types.ts'

export function batchKey(material: string, batch: string): string {
  return `${material}|${batch}`
}

export function batchOf(erp: Erp, account: Pick<Account, 'Material' | 'Batch'>): BatchRow | null {
  return account.Batch === '' ? null : erp.tables.get('batch', batchKey(account.Material, account.Batch))
}

/** Where stock of this account really stands: nothing of a restricted batch is unrestricted. */
export function standing(erp: Erp, account: Account): Account {
  if (account.InventoryStockType !== '01' || batchOf(erp, account)?.restricted !== true) return account
  return { ...account, InventoryStockType: '08' }
}

/**
 * The accounts of a movement with their batches: a receipt opens the batch it names or gets the next number, a transfer
 * to a new batch splits, everything else needs a batch that exists.
 */
export function settleBatches(erp: Erp, movement: Movement): Pick<Movement, 'from' | 'to'> {
  const { from, to, product, input } = movement
  if (!product.batchManaged && from !== null) return { from, to }
  if (from !== null && from.Batch === '') throw refusal('batchMissing', product.product)
  if (from !== null && batchOf(erp, from) === null) throw refusal('batchUnknown', from.Batch, product.product)
  if (BATCH_STATUS[movement.typeName] !== undefined && from !== null) changeStatus(erp, movement, from)
  if (to === null) return { from, to }
  if (from === null) return { from, to: product.batchManaged ? standing(erp, receivedInto(erp, to, movement)) : to }
  if (to.Batch === '') throw refusal('batchMissing', to.Material)
  if (batchOf(erp, to) === null) openBatch(erp, to, inherited(erp, from, input))
  if (BATCH_STATUS[movement.typeName] !== undefined) return { from, to }
  // A move from place to place or batch to batch takes restricted stock along; a change of the stock type does not.
  const moves = movement.type.from === '01' && movement.type.to === '01'
  return { from: moves ? standing(erp, from) : from, to: standing(erp, to) }
}

function receivedInto(erp: Erp, to: Account, { input, order }: Movement): Account {
  const account = to.Batch === '' ? { ...to, Batch: nextNumber(erp, 'batch', 1).padStart(10, '0') } : to
  const known = batchOf(erp, account)
  const receivedMs = localDay(erp)
  const named = namedIn(input)
  if (known === null) openBatch(erp, account, { ...named, supplier: order?.order.supplier ?? '', receivedMs })
  else {
    const supplierBatch = named.supplierBatch || known.supplierBatch
    const news = known.receivedMs !== receivedMs || known.supplierBatch !== supplierBatch
    if (news) changeBatch(erp, known, { receivedMs, supplierBatch })
  }
  return account
}

function namedIn(input: Entity): Pick<BatchRow, 'supplierBatch' | 'expiresMs' | 'madeMs'> {
  return {
    supplierBatch: text(input, 'BatchBySupplier'),
    expiresMs: dayOf(input, 'ShelfLifeExpirationDate'),
    madeMs: dayOf(input, 'ManufactureDate'),
  }
}

function dayOf(input: Entity, name: string): number | null {
  const value = input[name]
  return typeof value === 'number' ? value : null
}

/** A batch split of one material keeps origin and dates, and the restriction; the new batch has its own status from then on. */
function inherited(erp: Erp, from: Account, input: Entity): Partial<BatchRow> {
  const parent = batchOf(erp, from)
  const own = namedIn(input)
  if (parent === null) return own
  const { supplier, origin, restricted, restrictedBy } = parent
  return {
    supplier,
    origin,
    restricted,
    restrictedBy,
    supplierBatch: own.supplierBatch || parent.supplierBatch,
    expiresMs: own.expiresMs ?? parent.expiresMs,
    madeMs: own.madeMs ?? parent.madeMs,
    receivedMs: parent.receivedMs,
  }
}

export function openBatch(erp: Erp, { Material, Batch }: Pick<Account, 'Material' | 'Batch'>, input: Partial<BatchRow>): BatchRow {
  const nowMs = erp.runtime.clock.wallNow()
  const row: BatchRow = {
    restricted: false,
    restrictedBy: '',
    supplier: '',
    supplierBatch: '',
    origin: '',
    deletion: false,
    expiresMs: null,
    madeMs: null,
    receivedMs: null,
    ...input,
    material: Material,
    batch: Batch,
    createdMs: nowMs,
    changedMs: nowMs,
  }
  erp.tables.put('batch', batchKey(Material, Batch), row)
  announceBatch(erp, row, 'Created')
  return row
}

export function changeBatch(erp: Erp, before: BatchRow, change: Partial<BatchRow>): BatchRow {
  const changedMs = Math.max(erp.runtime.clock.wallNow(), before.changedMs + 1)
  const row: BatchRow = { ...before, ...change, changedMs }
  erp.tables.put('batch', batchKey(row.material, row.batch), row)
  announceBatch(erp, row, 'Changed')
  return row
}

function announceBatch(erp: Erp, { material, batch }: BatchRow, event: string): void {
  announce(erp, `Batch.${event}`, { Material: material, BatchIdentifyingPlant: '', Batch: batch })
}

export function checkBatchLock(erp: Erp, { material, batch }: Pick<BatchRow, 'material' | 'batch'>, by: string): void {
  const holder = erp.locks.holder(batchLock(material, batch), by)
  if (holder !== null) throw refusal('batchLocked', batch, material, holder)
}

/** Buckets that a change of the batch's status moves. */
export function concerned(erp: Erp, { material, batch }: BatchRow, restricted: boolean): readonly StockRow[] {
  const stock = restricted ? '01' : '08'
  return bucketsOf(erp, material, batch).filter((row) => row.InventoryStockType === stock && row.quantity !== '0')
}

/** 341 and 342 as a posting: only for the whole batch in one place, since the status is the batch's. */
function changeStatus(erp: Erp, movement: Movement, from: Account): void {
  const batch = batchOf(erp, from)
  const restricted = BATCH_STATUS[movement.typeName] === true
  if (batch === null) return
  const [only, ...others] = concerned(erp, batch, restricted)
  const place = only?.Plant === from.Plant && only.StorageLocation === from.StorageLocation
  if (only === undefined || others.length > 0 || !place || only.quantity !== formatAmount(movement.base)) {
    throw refusal('restrictsWhole', from.Batch, from.Plant, from.StorageLocation)
  }
  changeBatch(erp, batch, { restricted, restrictedBy: restricted ? 'POSTING' : '' })
}
