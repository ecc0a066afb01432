import type { Runtime } from '../../runtime.ts'
import { type Amount, formatAmount, parseAmount } from '../amount.ts'
import type { Notices } from '../notices.ts'
import { nativeReceipt } from './native.ts'
import type { Lot, Stock } from './stock.ts'
import {
  type Bucket,
  type Done,
  MATERIAL_DEFAULT,
  type Material,
  type OwnerCode,
  type Place,
  type Receipt,
  type ReceiptLine,
  type Refusal,
  type StockCode,
} from './types.ts'

export interface ReceiveInput {
  readonly vendor?: string
  readonly plant?: string
  readonly by?: string
  readonly lines: readonly {
    readonly material: string
    readonly unit?: string
    readonly batches: readonly {
      readonly batch?: string
      readonly quantity: string
      readonly storageLocation?: string
      readonly stock?: StockCode
      readonly owner?: OwnerCode
      readonly vendorBatch?: string
    }[]
  }[]
}

/** One lot of it, or all; `quantity` left out: all that is not yet reversed. */
export interface ReverseReceiptInput {
  readonly receipt: string
  readonly lot?: string
  readonly quantity?: string
  readonly by?: string
}

/** Goods receipts and their reversals, as people post them. */
export interface ReceiptDeps {
  readonly runtime: Runtime
  readonly stock: Stock
  readonly notices: Notices
  readonly receipts: Map<string, Receipt>
  readonly materials: Readonly<Record<string, Material>>
  readonly plant: string
  readonly nextReceipt: () => string
}

export function receive(deps: ReceiptDeps, input: ReceiveInput): string {
  const number = deps.nextReceipt()
  const by = input.by ?? 'receiver'
  const plant = input.plant ?? deps.plant
  const at = new Date(deps.runtime.clock.wallNow()).toISOString()
  const lines: ReceiptLine[] = []
  input.lines.forEach((line, lineIndex) => {
    const lineNumber = String((lineIndex + 1) * 10)
    const material = deps.materials[line.material] ?? MATERIAL_DEFAULT
    line.batches.forEach((part, partIndex) => {
      const amount = parseAmount(part.quantity)
      if (amount === null || amount <= 0n) throw new Error(`not a received quantity: ${part.quantity}`)
      const batch = material.batchManaged ? (part.batch ?? `B-${number}-${lineNumber}`) : null
      lines.push({
        line: lineNumber,
        material: line.material,
        batch,
        vendorBatch: part.vendorBatch ?? null,
        storageLocation: part.storageLocation ?? '0001',
        stock: part.stock ?? material.lands,
        owner: part.owner ?? '',
        amount,
        unit: line.unit ?? material.unit,
        lot: batch === null ? lotKey('receiptLine', number, lineNumber) : lotKey('batch', line.material, batch),
        document: `${number}-${lineNumber}-${partIndex + 1}`,
      })
    })
  })
  const receipt: Receipt = { number, plant, vendor: input.vendor ?? 'V-1', by, at, lines }
  deps.receipts.set(number, receipt)
  for (const line of lines) postReceiptLine(deps, receipt, line)
  deps.notices.publish(
    'countingErp.goodsReceipt.posted',
    number,
    nativeReceipt(receipt, (name) => deps.materials[name] ?? MATERIAL_DEFAULT),
  )
  return number
}

/** `batch:RM-100/B-1`: this ERP's name of a lot. `/` and `%` inside a part are percent-encoded. */
export function lotKey(kind: 'batch' | 'receiptLine', first: string, second: string): string {
  const part = (text: string): string => text.replaceAll('%', '%25').replaceAll('/', '%2F')
  return `${kind}:${part(first)}/${part(second)}`
}

function postReceiptLine(deps: ReceiptDeps, receipt: Receipt, line: ReceiptLine): void {
  const lot = deps.stock.open({ lot: line.lot, material: line.material, batch: line.batch, unit: line.unit })
  const to: Place = { plant: receipt.plant, storageLocation: line.storageLocation, carrier: null, stock: line.stock, owner: line.owner }
  deps.stock.post({ lot, number: line.document, kind: 'receipt', from: null, to, amount: line.amount, by: receipt.by })
}

/** Buckets a reversal takes from, the least harmful first. */
const REVERSAL_ORDER: readonly StockCode[] = ['QI', 'BLK', 'RES', 'UNR', 'RET']

export function reverseReceipt(deps: ReceiptDeps, input: ReverseReceiptInput): Done {
  const receipt = deps.receipts.get(input.receipt)
  if (receipt === undefined) return refused('DOCUMENT_UNKNOWN')
  const lines = receipt.lines.filter((line) => input.lot === undefined || line.lot === input.lot)
  const plan: {
    readonly line: ReceiptLine
    readonly lot: Lot
    readonly takes: readonly { readonly bucket: Bucket; readonly amount: Amount }[]
    readonly amount: Amount
  }[] = []
  for (const line of lines) {
    const lot = deps.stock.lot(line.lot)
    const amount = input.quantity === undefined ? line.amount - reversedOf(lot, line) : parseAmount(input.quantity)
    if (lot === undefined || amount === null) return refused('REQUEST_INVALID')
    if (amount <= 0n) return refused('ALREADY_REVERSED')
    const takes = takeFrom(lot, amount)
    if (takes === null) return refused('STOCK_DEFICIT')
    plan.push({ line, lot, takes, amount })
  }
  const number = deps.nextReceipt()
  const by = input.by ?? 'receiver'
  let part = 0
  for (const { line, lot, takes } of plan) {
    takes.forEach(({ bucket, amount }) => {
      part += 1
      const document = `${number}-${line.line}-${part}`
      deps.stock.post({ lot, number: document, kind: 'receiptReversal', from: bucket, to: null, amount, by, reverses: line.document })
    })
  }
  deps.notices.publish('countingErp.goodsReceipt.reversed', number, {
    kind: 'receiptReversal',
    number,
    receipt: receipt.number,
    plant: receipt.plant,
    postedBy: by,
    postedAt: new Date(deps.runtime.clock.wallNow()).toISOString(),
    lines: plan.map(({ line, amount }) => ({
      line: line.line,
      material: line.material,
      batch: line.batch,
      quantity: formatAmount(amount),
      unit: line.unit,
    })),
  })
  return { ok: true, number }
}

function reversedOf(lot: Lot | undefined, line: ReceiptLine): Amount {
  const reversals = lot?.documents.filter(({ reverses }) => reverses === line.document) ?? []
  return reversals.reduce((sum, { amount }) => sum + amount, 0n)
}

/** Null: not enough left anywhere. */
function takeFrom(lot: Lot, amount: Amount): { readonly bucket: Bucket; readonly amount: Amount }[] | null {
  const buckets = [...lot.buckets.values()].sort((a, b) => REVERSAL_ORDER.indexOf(a.stock) - REVERSAL_ORDER.indexOf(b.stock))
  const takes: { readonly bucket: Bucket; readonly amount: Amount }[] = []
  let missing = amount
  for (const bucket of buckets) {
    if (missing === 0n || bucket.amount <= 0n) continue
    const taken = bucket.amount < missing ? bucket.amount : missing
    takes.push({ bucket, amount: taken })
    missing -= taken
  }
  return missing === 0n ? takes : null
}

function refused(reason: Refusal): Done {
  return { ok: false, reason }
}
