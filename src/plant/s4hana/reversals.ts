import { formatAmount, parseAmount } from '../amount.ts'
import type { Entity } from '../odata/edm.ts'
import { standing } from './batches.ts'
import { type Erp, localDay } from './erp.ts'
import { text } from './item.ts'
import { materialLock } from './locks.ts'
import { refusal } from './messages.ts'
import { BATCH_STATUS, MOVEMENT_TYPES } from './movement-types.ts'
import { checkPeriod, closeDocument, documentKey, openDocument } from './postings.ts'
import { moveSerial } from './serials.ts'
import { book, checkCount } from './stock.ts'
import type { DocumentRow, StockLine } from './types.ts'

export interface Reversal {
  readonly year: string
  readonly number: string
  /** Null: every item that is not taken back yet. */
  readonly item: string | null
  readonly dayMs: number | null
  readonly by: string
  readonly arrivedMs: number
  readonly header?: Entity
}

/** Posts the opposite of a document or of one of its items, if what it brought is still where it was brought. */
export function reverse(erp: Erp, reversal: Reversal): DocumentRow {
  return erp.tables.atomically(() => {
    const { year, number } = reversal
    const original = erp.tables.get('document', documentKey(reversal))
    if (original === null) throw refusal('documentUnknown', number, year)
    const items = itemsToReverse(original, reversal.item)
    const dayMs = reversal.dayMs ?? localDay(erp)
    checkPeriod(erp, dayMs, text(items[0] ?? {}, 'Plant'))
    const header = { ...reversal.header, GoodsMovementCode: text(original.header, 'GoodsMovementCode') }
    const draft = openDocument(erp, { header, items: [], by: reversal.by, arrivedMs: reversal.arrivedMs }, dayMs)
    const cancelled: Record<string, string> = { ...original.cancelled }
    for (const item of items) {
      cancelled[text(item, 'MaterialDocumentItem')] = draft.number
      const opposite = reverseItem(erp, original, { item, by: reversal.by, number: String(draft.items.length + 1) })
      draft.lines.push(...opposite.lines)
      const own = { MaterialDocumentYear: draft.year, MaterialDocument: draft.number }
      draft.items.push(...opposite.items.map((entity) => ({ ...entity, ...own })))
      draft.serials.push(...opposite.serials.map((entity) => ({ ...entity, ...own })))
    }
    const reversed = original.items.map((item) =>
      isCancelled(original, item, cancelled) ? { ...item, GoodsMovementIsCancelled: true } : item,
    )
    erp.tables.put('document', documentKey(original), { ...original, items: reversed, cancelled })
    return closeDocument(erp, draft)
  })
}

function itemsToReverse(original: DocumentRow, wanted: string | null): readonly Entity[] {
  const named = original.items.filter((item) => text(item, 'IsAutomaticallyCreated') === '')
  const items = wanted === null ? named : named.filter((item) => text(item, 'MaterialDocumentItem') === wanted)
  if (items.length === 0) throw refusal('documentUnknown', original.number, original.year)
  const open = items.filter((item) => original.cancelled[text(item, 'MaterialDocumentItem')] === undefined)
  const [first] = items
  if (open.length === 0) throw refusal('alreadyCancelled', original.number, text(first ?? {}, 'MaterialDocumentItem'))
  const reversible = open.every((item) => {
    const type = text(item, 'GoodsMovementType')
    const taken = text(item, 'ReversedMaterialDocument') !== '' || BATCH_STATUS[type] !== undefined
    return !taken && (MOVEMENT_TYPES.get(type)?.reversedBy ?? null) !== null
  })
  if (!reversible) throw refusal('notReversible', original.number, original.year)
  return open
}

/** A second item of a transfer goes with its first. */
function isCancelled(original: DocumentRow, item: Entity, cancelled: Readonly<Record<string, string>>): boolean {
  const parent = text(item, 'MaterialDocumentParentLine')
  const owner = original.items.find((other) => parent !== '' && text(other, 'MaterialDocumentLine') === parent) ?? item
  return cancelled[text(owner, 'MaterialDocumentItem')] !== undefined
}

interface Opposite {
  readonly items: readonly Entity[]
  readonly serials: readonly Entity[]
  readonly lines: readonly StockLine[]
}

function reverseItem(erp: Erp, original: DocumentRow, { item, by, number }: { item: Entity; by: string; number: string }): Opposite {
  const old = text(item, 'MaterialDocumentItem')
  const material = text(item, 'Material')
  const holder = erp.locks.holder(materialLock(material), by)
  if (holder !== null) throw refusal('materialLocked', material, holder)
  const lines = original.lines
    .filter((line) => line.item === old)
    .map((line) => ({ item: number, account: standing(erp, line.account), quantity: formatAmount(-(parseAmount(line.quantity) ?? 0n)) }))
    .sort((left, right) => Number(right.quantity.startsWith('-')) - Number(left.quantity.startsWith('-')))
  for (const line of lines) {
    checkCount(erp, line.account)
    book(erp, line)
  }
  const from = lines.find(({ quantity }) => quantity.startsWith('-'))?.account ?? null
  const to = lines.find(({ quantity }) => !quantity.startsWith('-'))?.account ?? null
  const serials = original.serials.filter((entity) => text(entity, 'MaterialDocumentItem') === old)
  for (const entity of serials) moveSerial(erp, { material, serial: text(entity, 'SerialNumber') }, { from, to })
  uncount(erp, item)
  return {
    lines,
    items: oppositeItems(original, { item, number }),
    serials: serials.map((entity) => ({ ...entity, MaterialDocumentItem: number })),
  }
}

function oppositeItems(original: DocumentRow, { item, number }: { item: Entity; number: string }): readonly Entity[] {
  const line = text(item, 'MaterialDocumentLine')
  const pair = [item, ...original.items.filter((other) => text(other, 'MaterialDocumentParentLine') === line)]
  const type = MOVEMENT_TYPES.get(text(item, 'GoodsMovementType'))?.reversedBy ?? ''
  return pair.map((entity, index) => ({
    ...entity,
    MaterialDocumentItem: String(Number(number) + index),
    MaterialDocumentLine: String(Number(number) + index).padStart(6, '0'),
    MaterialDocumentParentLine: index === 0 ? '' : number.padStart(6, '0'),
    GoodsMovementType: type,
    DebitCreditCode: text(entity, 'DebitCreditCode') === 'S' ? 'H' : 'S',
    ReversedMaterialDocumentYear: original.year,
    ReversedMaterialDocument: original.number,
    ReversedMaterialDocumentItem: text(entity, 'MaterialDocumentItem'),
  }))
}

/** The purchase order item gets back what the reversed item had counted. */
function uncount(erp: Erp, item: Entity): void {
  const order = erp.tables.get('order', text(item, 'PurchaseOrder'))
  if (order === null) return
  const amount = parseAmount(text(item, 'QuantityInBaseUnit')) ?? 0n
  const change = text(item, 'DebitCreditCode') === 'S' ? -amount : amount
  const items = order.items.map((candidate) =>
    candidate.item === text(item, 'PurchaseOrderItem')
      ? { ...candidate, received: formatAmount((parseAmount(candidate.received) ?? 0n) + change) }
      : candidate,
  )
  erp.tables.put('order', order.number, { ...order, items })
}
