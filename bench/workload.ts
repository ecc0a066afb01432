/**
 * The reference job as arithmetic: flow n is one receipt into one lot. Everything about a flow follows from n, so load
 * generator and counting stub agree without talking, and the stub can tell from any call which flow it belongs to.
 *
 * A lot takes four receipts; they differ in quantity, so a stock movement names its flow by lot and quantity. Lots come
 * in generations of 512.
 */
const RECEIPTS_PER_LOT = 4
const LOTS = 512
export const ERP = 'erp-1'
export const QMS = 'qms-1'
export const SITE = '1010'
export const LOCATION = '0001'
export const RECEIPT_TYPE = 'bench.receipt.posted.v1'
export const INSPECTION_TYPE = 'bench.inspection.completed.v1'

const RECEIPT_PREFIX = 'R'
const RECEIPT_DIGITS = 9
const QUANTITY_FIRST = 900
const QUANTITY_STEP = 10

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0')

export const lotOf = (flow: number): number => Math.floor(flow / RECEIPTS_PER_LOT)
const indexInLot = (flow: number): number => flow % RECEIPTS_PER_LOT
export const quantityOf = (flow: number): number => QUANTITY_FIRST + QUANTITY_STEP * indexInLot(flow)
/**
 * The flow sent as number `position`. The receipts of one lot are sent `stride` positions apart, so with four times
 * `stride` flows in the system all four of a lot are on their way at once, and their order can break.
 */
export function flowAt(position: number, stride: number): number {
  const block = Math.floor(position / (stride * RECEIPTS_PER_LOT))
  const inBlock = position % (stride * RECEIPTS_PER_LOT)
  return (block * stride + (inBlock % stride)) * RECEIPTS_PER_LOT + Math.floor(inBlock / stride)
}

/** What the ERP shows of a lot nobody has moved yet: all its receipts are posted there before the first notice leaves. */
export const LOT_QUANTITY = Array.from({ length: RECEIPTS_PER_LOT }, (_, index) => QUANTITY_FIRST + QUANTITY_STEP * index).reduce(
  (a, b) => a + b,
  0,
)

export const receiptNumber = (flow: number): string => RECEIPT_PREFIX + pad(flow, RECEIPT_DIGITS)
export const batchNumber = (lot: number): string => `B-${pad(lot % LOTS, 3)}-${pad(Math.floor(lot / LOTS), 5)}`
export const materialOf = (lot: number): string => `RM-${100 + (lot % 10)}`

export const receiptId = (document: string): string => `${ERP}:receipt:${document}`
export const batchId = (material: string, batch: string): string => `${ERP}:batch:${material}/${batch}`
/** External id of the inspection of a receipt line's lot. */
export const inspectionKey = (receipt: string, line: string, lot: string): string => `${receipt}#${line}#${lot}`

const KEY_NUMBER_FROM = `${ERP}:receipt:${RECEIPT_PREFIX}`.length

/** The flow an inspection key belongs to, or -1. */
export function flowOfKey(key: string): number {
  if (!key.startsWith(`${ERP}:receipt:${RECEIPT_PREFIX}`)) return -1
  const flow = Number(key.slice(KEY_NUMBER_FROM, KEY_NUMBER_FROM + RECEIPT_DIGITS))
  return Number.isInteger(flow) ? flow : -1
}

/** The lot number behind a lot identifier (`erp-1:batch:RM-103/B-013-00002`), or -1. */
export function lotOfId(id: string): number {
  const at = id.indexOf('/B-')
  if (at < 0) return -1
  const lot = Number(id.slice(at + 7)) * LOTS + Number(id.slice(at + 3, at + 6))
  return Number.isInteger(lot) ? lot : -1
}

/** The flow that a quantity of a lot belongs to, or -1 when no receipt of the lot has this quantity. */
export function flowOfMovement(lot: number, quantity: string): number {
  const index = (Number(quantity) - QUANTITY_FIRST) / QUANTITY_STEP
  if (lot < 0 || !Number.isInteger(index) || index < 0 || index >= RECEIPTS_PER_LOT) return -1
  return lot * RECEIPTS_PER_LOT + index
}

/** The receipt notice on the wire: a CloudEvent of about 0.9 kB, ASCII only. `at` is RFC 3339. */
export function receiptEvent(flow: number, at: string): string {
  const document = receiptNumber(flow)
  const lot = lotOf(flow)
  const batch = batchNumber(lot)
  const quantity = quantityOf(flow)
  const order = 4500000000 + Math.floor(flow / 10)
  return (
    `{"specversion":"1.0","id":"${ERP}/receipt/${document}","source":"${ERP}","type":"${RECEIPT_TYPE}","subject":"${document}",` +
    `"time":"${at}","datacontenttype":"application/json","data":{"document":"${document}","documentYear":2026,"documentType":"purchase",` +
    `"postedAt":"${at}","postedBy":"GR-CLERK-${10 + (flow % 7)}","supplier":{"number":"S-${1000 + (flow % 40)}","name":"Northern Forge and Castings Ltd.",` +
    `"deliveryNote":"DN-${70000000 + flow}"},"plant":"${SITE}","headerText":"Goods receipt for purchase order ${order}, dock 4, unloaded and counted by the early shift",` +
    `"lines":[{"line":"1","purchaseOrder":"${order}","orderLine":"00010","material":"${materialOf(lot)}",` +
    `"description":"Forged ring blank 42CrMo4, turned, 180 x 60","movement":"101","batch":"${batch}","supplierBatch":"H-${880000 + lot}",` +
    `"quantity":"${quantity}","unit":"C62","storageLocation":"${LOCATION}","stockType":"qualityInspection","inspection":"required"}]}}`
  )
}

export interface CompletedInspection {
  readonly flow: number
  readonly key: string
  readonly at: string
}

/** The notice of a completed inspection on the wire: a CloudEvent of about 0.6 kB, ASCII only. */
export function inspectionEvent({ flow, key, at }: CompletedInspection): string {
  const number = `QI-${pad(flow, RECEIPT_DIGITS)}`
  return (
    `{"specversion":"1.0","id":"${QMS}/inspection/${number}@2","source":"${QMS}","type":"${INSPECTION_TYPE}","subject":"${number}",` +
    `"time":"${at}","datacontenttype":"application/json","data":{"inspection":"${number}","version":2,"key":"${key}","status":"decided",` +
    `"decision":{"number":"UD-${pad(flow, RECEIPT_DIGITS)}","decidedBy":"inspector-${1 + (flow % 9)}","decidedAt":"${at}",` +
    `"lines":[{"line":1,"outcome":"accepted","quantity":"${quantityOf(flow)}","unit":"C62","portion":"whole"}]}}}`
  )
}
