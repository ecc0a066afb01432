import type { Entity } from '../odata/edm.ts'
import { ODataError } from '../odata/odata-error.ts'
import { batchKey, checkBatchLock } from './batches.ts'
import { countable, enterCount, openCount, postDifferences } from './counts.ts'
import { type Erp, localDay, periodOf } from './erp.ts'
import { batchLock, materialLock } from './locks.ts'
import { createOrder, type OrderInput, type ProductInput, putProduct } from './masters.ts'
import { refusal } from './messages.ts'
import { MOVEMENT_TYPES } from './movement-types.ts'
import { post, restrictBatch } from './postings.ts'
import { reverse } from './reversals.ts'
import type { Done } from './types.ts'

export interface ReceiveInput {
  readonly order: string
  readonly item?: string
  readonly quantity: string
  readonly unit?: string
  readonly batch?: string
  readonly supplierBatch?: string
  readonly storageLocation?: string
  readonly serials?: readonly string[]
  readonly by?: string
  readonly reference?: string
  readonly text?: string
}

export interface MoveInput {
  readonly movementType: string
  readonly material: string
  readonly batch?: string
  readonly quantity: string
  readonly unit?: string
  /** Default: the first plant and its first location. */
  readonly plant?: string
  readonly storageLocation?: string
  readonly toBatch?: string
  readonly toMaterial?: string
  readonly toLocation?: string
  readonly serials?: readonly string[]
  /** Any further fields of the item, under the vendor's names. */
  readonly fields?: Readonly<Record<string, string>>
  readonly by?: string
  readonly reference?: string
  readonly text?: string
  /** Done in the warehouse system. */
  readonly ewm?: boolean
}

export interface BatchInput {
  readonly material: string
  readonly batch: string
  readonly by?: string
}

export interface OpenCountInput {
  readonly plant: string
  readonly storageLocation: string
  readonly material: string
  readonly batch?: string
  readonly blocksPostings?: boolean
  readonly by?: string
}

export interface CloseCountInput {
  readonly number: string
  readonly year?: string
  readonly counted: Readonly<Record<string, string>>
  readonly by?: string
}

/**
 * What people do in the ERP, with the rules that hold for everybody. What they do is booked at once and announced; a
 * refusal is an answer. Their documents carry no reference unless they type one.
 */
export interface S4People {
  createProduct(input: ProductInput): Done
  createOrder(input: Omit<OrderInput, 'by'> & { readonly by?: string }): Done
  /** Goods receipt for an item of a purchase order, by default its first. */
  receive(input: ReceiveInput): Done
  move(input: MoveInput): Done
  reverse(input: { readonly number: string; readonly year?: string; readonly item?: string; readonly by?: string }): Done
  restrict(input: BatchInput): Done
  unrestrict(input: BatchInput): Done
  /** Counts everything of the material, or of the batch, in one place; it blocks postings unless said otherwise. */
  openCount(input: OpenCountInput): Done
  /** What was counted by item; what is not named was found as booked. The differences are posted. */
  closeCount(input: CloseCountInput): Done
  /** `2026/11`; by default the current period. */
  closePeriod(input: { readonly period?: string }): Done
  openPeriod(input: { readonly period?: string }): Done
  /** Somebody has the material, or one batch of it, open in a change screen. */
  lock(input: { readonly material: string; readonly batch?: string; readonly ms: number; readonly by?: string }): Done
  unlock(input: { readonly material: string; readonly batch?: string }): Done
}

export function createS4People(erp: Erp): S4People {
  const { tables } = erp
  const attempt = (work: () => { readonly number: string; readonly year?: string }): Done => {
    try {
      const { number, year } = tables.atomically(work)
      return { ok: true, number, year: year ?? yearOf(erp) }
    } catch (error) {
      if (error instanceof ODataError) return { ok: false, code: error.code, message: error.message }
      throw error
    }
  }
  return {
    createProduct: (input) => attempt(() => ({ number: putProduct(erp, input).product })),
    createOrder: (input) => attempt(() => createOrder(erp, { ...input, by: input.by ?? 'BUYER' })),
    receive: (input) => attempt(() => receive(erp, input)),
    move: (input) => attempt(() => move(erp, input)),
    reverse: (input) => attempt(() => reverseBy(erp, input)),
    restrict: (input) => attempt(() => flag(erp, input, true)),
    unrestrict: (input) => attempt(() => flag(erp, input, false)),
    openCount: (input) => attempt(() => count(erp, input)),
    closeCount: (input) => attempt(() => endCount(erp, input)),
    closePeriod: (input) => attempt(() => setPeriod(erp, input.period, true)),
    openPeriod: (input) => attempt(() => setPeriod(erp, input.period, false)),
    lock: ({ material, batch, ms, by }) => {
      erp.locks.lock(lockName(material, batch), by ?? 'MUELLER', ms)
      return { ok: true, number: material, year: '' }
    },
    unlock: ({ material, batch }) => {
      erp.locks.unlock(lockName(material, batch))
      return { ok: true, number: material, year: '' }
    },
  }
}

function receive(erp: Erp, input: ReceiveInput): { readonly number: string; readonly year: string } {
  const order = erp.tables.get('order', input.order)
  const item: Entity = {
    GoodsMovementType: '101',
    PurchaseOrder: input.order,
    PurchaseOrderItem: input.item ?? order?.items[0]?.item ?? '',
    QuantityInEntryUnit: input.quantity,
    EntryUnit: input.unit ?? '',
    Batch: input.batch ?? '',
    BatchBySupplier: input.supplierBatch ?? '',
    StorageLocation: input.storageLocation ?? '',
    ...withSerials(input.serials),
  }
  return post(erp, { header: headerOf('01', input), items: [item], by: input.by ?? 'RECEIVER', arrivedMs: erp.runtime.clock.wallNow() })
}

function move(erp: Erp, input: MoveInput): { readonly number: string; readonly year: string } {
  const [plant = '', locations = []] = Object.entries(erp.site.plants)[0] ?? []
  const item: Entity = {
    GoodsMovementType: input.movementType,
    Material: input.material,
    Batch: input.batch ?? '',
    Plant: input.plant ?? plant,
    StorageLocation: input.storageLocation ?? locations[0] ?? '',
    QuantityInEntryUnit: input.quantity,
    EntryUnit: input.unit ?? '',
    IssgOrRcvgBatch: input.toBatch ?? '',
    IssgOrRcvgMaterial: input.toMaterial ?? '',
    IssuingOrReceivingStorageLoc: input.toLocation ?? '',
    ...withSerials(input.serials),
    ...input.fields,
  }
  const [code = ''] = MOVEMENT_TYPES.get(input.movementType)?.codes ?? []
  return post(erp, {
    header: headerOf(code, input),
    items: [item],
    by: input.by ?? 'CLERK',
    arrivedMs: erp.runtime.clock.wallNow(),
    ...(input.ewm === true ? { ewm: true } : {}),
  })
}

function headerOf(code: string, { reference, text }: Pick<MoveInput, 'reference' | 'text'>): Entity {
  return { GoodsMovementCode: code, ReferenceDocument: reference ?? '', MaterialDocumentHeaderText: text ?? '' }
}

function withSerials(serials: readonly string[] | undefined): Entity {
  return serials === undefined ? {} : { to_SerialNumbers: serials.map((SerialNumber) => ({ SerialNumber })) }
}

function reverseBy(erp: Erp, input: Parameters<S4People['reverse']>[0]): { readonly number: string; readonly year: string } {
  return reverse(erp, {
    year: input.year ?? yearOf(erp),
    number: input.number,
    item: input.item ?? null,
    dayMs: null,
    by: input.by ?? 'CLERK',
    arrivedMs: erp.runtime.clock.wallNow(),
  })
}

function flag(erp: Erp, { material, batch, by }: BatchInput, restricted: boolean): { readonly number: string } {
  const row = erp.tables.get('batch', batchKey(material, batch))
  if (row === null) throw refusal('batchUnknown', batch, material)
  checkBatchLock(erp, row, by ?? 'CLERK')
  if (row.restricted !== restricted) restrictBatch(erp, row, { restricted, by: by ?? 'CLERK' })
  return { number: batch }
}

function count(erp: Erp, input: OpenCountInput): { readonly number: string; readonly year: string } {
  const items = countable(erp, input, { material: input.material, batch: input.batch ?? null })
  return openCount(erp, { ...input, items, blocksPostings: input.blocksPostings ?? true, by: input.by ?? 'COUNTER' })
}

function endCount(erp: Erp, input: CloseCountInput): { readonly number: string; readonly year: string } {
  const key = { year: input.year ?? yearOf(erp), number: input.number }
  const asBooked = Object.fromEntries(enterCount(erp, key, {}).items.map(({ item, book }) => [item, book]))
  enterCount(erp, key, { ...asBooked, ...input.counted })
  return postDifferences(erp, key, input.by ?? 'COUNTER')
}

function setPeriod(erp: Erp, named: string | undefined, closed: boolean): { readonly number: string } {
  const period = named ?? periodOf(localDay(erp))
  erp.tables.put('period', period, { closed })
  return { number: period }
}

function lockName(material: string, batch: string | undefined): string {
  return batch === undefined ? materialLock(material) : batchLock(material, batch)
}

function yearOf(erp: Erp): string {
  return new Date(localDay(erp)).toISOString().slice(0, 4)
}
