import type { ErrorCode } from '../../errors.ts'
import type { DomainEvent, Lane } from '../../model/envelope.ts'
import type { InventoryMovement } from '../../model/events.ts'
import type { Action, BucketRef } from '../../model/goal.ts'
import { batchLot, derivedLot } from '../../model/lot.ts'
import type { StockDocument, StockObservation } from '../../model/observation.ts'
import type { Quantity } from '../../model/quantity.ts'
import { codeIn, type Foreign, listIn, MappingFailure, readingOf, recordIn, textIn, textOrNullIn, timeIn } from '../../model/reading.ts'
import type { Receipt, ReceiptLine, ReceiptLot, ReceiptReversal } from '../../model/receipt.ts'
import type { SpecialStock, StockBucket, StockType, Whereabouts } from '../../model/stock.ts'

/** The counting ERP's words and ours, both ways. Codes are tables; what a table does not know fails. */

const STOCK_TYPES: ReadonlyMap<string, StockType> = new Map([
  ['UNR', 'unrestricted'],
  ['QI', 'qualityInspection'],
  ['RES', 'restricted'],
  ['BLK', 'blocked'],
  ['RET', 'customerReturn'],
])
const SPECIAL_STOCKS: ReadonlyMap<string, SpecialStock> = new Map([
  ['', 'own'],
  ['K', 'supplierConsignment'],
  ['O', 'subcontractor'],
  ['B', 'customerOwned'],
  ['E', 'salesOrder'],
  ['Q', 'project'],
  ['W', 'customerConsignment'],
])
const WHEREABOUTS: ReadonlyMap<string, Whereabouts> = new Map([
  ['STOCK', 'onHand'],
  ['TRANSIT', 'inTransit'],
  ['WIP', 'wip'],
  ['SUBCON', 'atSubcontractor'],
  ['CUSTOMER', 'atCustomer'],
])
const RELEVANCE: ReadonlyMap<string, ReceiptLine['inspectionRequired']> = new Map([
  ['yes', 'required'],
  ['no', 'notRequired'],
  ['unknown', 'unknown'],
])
const UNITS: readonly (readonly [string, string])[] = [
  ['PC', 'C62'],
  ['KG', 'KGM'],
  ['G', 'GRM'],
  ['M', 'MTR'],
  ['L', 'LTR'],
]

export interface MappingSettings {
  readonly instance: string
  /** Unit codes, to UN/ECE Recommendation 20. */
  readonly units: ReadonlyMap<string, string>
}

/** The usual units and those that an installation adds. */
export function mappingSettings(instance: string, units: Readonly<Record<string, string>>): MappingSettings {
  return { instance, units: new Map([...UNITS, ...Object.entries(units)]) }
}

type Failed = { readonly ok: false; readonly code: ErrorCode; readonly causeGroup: string; readonly detail: string }

/** A notice or a bare record: both carry the record. */
function recordOf(item: unknown): Foreign {
  const record = recordIn(item, 'item')
  return record['specversion'] === undefined ? record : recordIn(record['data'], 'data')
}

/** Receipts, reversals and movements are documents: posted once, never changed. */
export function identify(item: unknown):
  | {
      readonly ok: true
      readonly identity: { readonly kind: 'immutable'; readonly record: string }
      readonly lane: Lane
      readonly occurredAt: string
    }
  | Failed {
  const reading = readingOf(() => {
    const record = recordOf(item)
    return { key: recordKey(record), lane: laneOf(record), occurredAt: timeIn(record, 'postedAt') }
  })
  if (!reading.ok) return reading
  const { key, lane, occurredAt } = reading.value
  return { ok: true, identity: { kind: 'immutable', record: key }, lane, occurredAt }
}

const RECORD_NAMES: ReadonlyMap<string, string> = new Map([
  ['goodsReceipt', 'receipt'],
  ['receiptReversal', 'receiptReversal'],
  ['movement', 'movement'],
])

function recordKey(record: Foreign): string {
  return `${codeIn(RECORD_NAMES, 'record', textIn(record, 'kind'))}/${textIn(record, 'number')}`
}

/** What may make stock usable is looked at first; a receipt also starts an inspection. */
function laneOf(record: Foreign): Lane {
  if (record['kind'] === 'goodsReceipt') return JSON.stringify(record['lines'] ?? null).includes('"UNR"') ? 'safety' : 'critical'
  return (record['to'] as Foreign | null | undefined)?.['stock'] === 'UNR' ? 'safety' : 'normal'
}

export function toModel(
  settings: MappingSettings,
  item: unknown,
): { readonly ok: true; readonly events: readonly Omit<DomainEvent, 'receivedAt'>[] } | Failed {
  const reading = readingOf(() => {
    const record = recordOf(item)
    const source = { instance: settings.instance, record: recordKey(record), version: null }
    const occurredAt = timeIn(record, 'postedAt')
    switch (record['kind']) {
      case 'goodsReceipt': {
        const data = receipt(settings, record)
        return [{ type: 'holdpoint.receipt.posted.v1', subject: data.receipt, source, occurredAt, data }]
      }
      case 'receiptReversal': {
        const data = reversal(settings, record)
        return [{ type: 'holdpoint.receipt.reversed.v1', subject: data.receipt, source, occurredAt, data }]
      }
      default: {
        const data = movement(settings, record)
        return [{ type: 'holdpoint.inventory.moved.v1', subject: data.lot, source, occurredAt, data }]
      }
    }
  })
  return reading.ok ? { ok: true, events: reading.value } : reading
}

function receipt(settings: MappingSettings, record: Foreign): Receipt {
  const { instance } = settings
  const number = textIn(record, 'number')
  return {
    receipt: `${instance}:receipt:${number}`,
    documentType: 'purchase',
    supplier: `${instance}:supplier:${textIn(record, 'vendor')}`,
    site: textIn(record, 'plant'),
    erp: instance,
    lines: listIn(record, 'lines').map((line) => receiptLine(settings, recordIn(line, 'line'), number)),
  }
}

function receiptLine(settings: MappingSettings, line: Foreign, receiptNumber: string): ReceiptLine {
  const place = { receiptNumber, line, uom: uomOf(settings, textIn(line, 'unit')) }
  return {
    lineNumber: textIn(line, 'line'),
    item: `${settings.instance}:item:${textIn(line, 'material')}`,
    quantity: { value: textIn(line, 'quantity'), uom: place.uom },
    lots: listIn(line, 'batches').map((part) => receiptLot(settings, recordIn(part, 'batch'), place)),
    inspectionRequired: codeIn(RELEVANCE, 'inspection', textIn(line, 'inspection')),
  }
}

function receiptLot(
  settings: MappingSettings,
  part: Foreign,
  place: { readonly receiptNumber: string; readonly line: Foreign; readonly uom: string },
): ReceiptLot {
  const supplierLot = textOrNullIn(part, 'vendorBatch')
  return {
    lot: lotOf(settings, { ...place, batch: textOrNullIn(part, 'batch') }),
    quantity: { value: textIn(part, 'quantity'), uom: place.uom },
    location: textIn(part, 'storageLocation'),
    stockType: codeIn(STOCK_TYPES, 'stock', textIn(part, 'stock')),
    specialStock: codeIn(SPECIAL_STOCKS, 'owner', String(part['owner'] ?? '')),
    ...(supplierLot === null ? {} : { supplierLot }),
  }
}

/** An item without batches is told apart by receipt line. */
function lotOf(
  settings: MappingSettings,
  named: { readonly receiptNumber: string; readonly line: Foreign; readonly batch: string | null },
): string {
  const { instance } = settings
  const { line, batch } = named
  if (batch !== null) return batchLot({ erp: instance, material: textIn(line, 'material'), batch })
  return derivedLot({ erp: instance, receipt: `${instance}:receipt:${named.receiptNumber}`, line: textIn(line, 'line') })
}

function reversal(settings: MappingSettings, record: Foreign): ReceiptReversal {
  const { instance } = settings
  const receiptNumber = textIn(record, 'receipt')
  const byLine = new Map<string, ReceiptReversal['lines'][number]>()
  for (const entry of listIn(record, 'lines')) {
    const line = recordIn(entry, 'line')
    const lineNumber = textIn(line, 'line')
    const lot = lotOf(settings, { receiptNumber, line, batch: textOrNullIn(line, 'batch') })
    const quantity = { value: textIn(line, 'quantity'), uom: uomOf(settings, textIn(line, 'unit')) }
    const known = byLine.get(lineNumber) ?? { lineNumber, lots: [] }
    byLine.set(lineNumber, { ...known, lots: [...known.lots, { lot, quantity }] })
  }
  return {
    receipt: `${instance}:receipt:${receiptNumber}`,
    reversal: `${instance}:receiptReversal:${textIn(record, 'number')}`,
    site: textIn(record, 'plant'),
    erp: instance,
    lines: [...byLine.values()],
  }
}

function movement(settings: MappingSettings, record: Foreign): InventoryMovement {
  const stockTypeOf = (field: string): StockType | null => {
    const place = record[field]
    return place === null ? null : codeIn(STOCK_TYPES, 'stock', textIn(recordIn(place, field), 'stock'))
  }
  return {
    erp: settings.instance,
    lot: `${settings.instance}:${textIn(record, 'lot')}`,
    document: textIn(record, 'number'),
    reference: textOrNullIn(record, 'reference'),
    from: stockTypeOf('from'),
    to: stockTypeOf('to'),
    quantity: quantityIn(settings, record),
    by: textIn(record, 'postedBy'),
  }
}

function quantityIn(settings: MappingSettings, record: Foreign): Quantity {
  return { value: textIn(record, 'quantity'), uom: uomOf(settings, textIn(record, 'unit')) }
}

function uomOf(settings: MappingSettings, unit: string): string {
  return codeIn(settings.units, 'unit', unit)
}

/** A lot as the ERP shows it, without the times of reading. */
export function toStockObservation(
  settings: MappingSettings,
  native: unknown,
): { readonly ok: true; readonly value: StockObservation } | Failed {
  return readingOf(() => {
    const lot = recordIn(native, 'lot')
    const restricted = lot['restricted'] === null ? null : recordIn(lot['restricted'], 'restricted')
    return {
      kind: 'stock',
      known: lot['known'] === true,
      buckets: listIn(lot, 'buckets').map((entry) => bucket(settings, recordIn(entry, 'bucket'))),
      documents: listIn(lot, 'documents').map((entry) => document(settings, recordIn(entry, 'document'))),
      restrictions:
        restricted === null ? [] : [{ rung: 1, reference: textOrNullIn(restricted, 'reference'), by: textIn(restricted, 'by') }],
    }
  })
}

function bucket(settings: MappingSettings, native: Foreign): StockBucket {
  return {
    ...bucketRef(native),
    whereabouts: codeIn(WHEREABOUTS, 'locationKind', textIn(native, 'locationKind')),
    quantity: quantityIn(settings, native),
    usable: native['available'] === true,
  }
}

function bucketRef(native: Foreign): BucketRef {
  return {
    site: textIn(native, 'plant'),
    location: textIn(native, 'storageLocation'),
    carrier: textOrNullIn(native, 'carrier'),
    stockType: codeIn(STOCK_TYPES, 'stock', textIn(native, 'stock')),
    specialStock: codeIn(SPECIAL_STOCKS, 'owner', String(native['owner'] ?? '')),
  }
}

function document(settings: MappingSettings, native: Foreign): StockDocument {
  const placeOf = (field: string): BucketRef | null => (native[field] === null ? null : bucketRef(recordIn(native[field], field)))
  return {
    number: textIn(native, 'number'),
    reference: textOrNullIn(native, 'reference'),
    from: placeOf('from'),
    to: placeOf('to'),
    quantity: quantityIn(settings, native),
    by: textIn(native, 'postedBy'),
    at: timeIn(native, 'postedAt'),
    reverses: textOrNullIn(native, 'reverses'),
  }
}

/** The rungs of this ERP's hold ladder above the posting. */
const RUNG_RESTRICTED = 1

/** The body of one item of `POST /movements`, without the marks of its class. */
export function fromModel(
  settings: MappingSettings,
  command: { readonly reference: string; readonly action: Action },
): { readonly ok: true; readonly value: Foreign } | Failed {
  return readingOf(() => {
    const { reference, action } = command
    switch (action.type) {
      case 'move':
        return {
          type: 'posting',
          reference,
          lot: vendorLot(settings, action.lot),
          from: vendorPlace(action.from),
          to: codeFor(STOCK_TYPES, 'stockType', action.to),
          quantity: action.quantity.value,
          unit: codeFor(settings.units, 'uom', action.quantity.uom),
          text: action.decidedBy ?? '',
        }
      case 'restrict':
      case 'unrestrict':
        if (action.rung !== RUNG_RESTRICTED) throw new MappingFailure('mapping.failed', `rung:${action.rung}`, `no rung ${action.rung}`)
        return {
          type: action.type === 'restrict' ? 'restriction' : 'restrictionEnd',
          reference,
          lot: vendorLot(settings, action.lot),
        }
      default:
        throw new MappingFailure('mapping.failed', `action:${action.type}`, `inventory knows no ${action.type}`)
    }
  })
}

/** The ERP's own key of a lot, which encodes its parts as identifiers do: the identifier without the instance. Null: not a lot of this ERP. */
export function toVendorLot(settings: MappingSettings, lot: string): string | null {
  const prefix = `${settings.instance}:`
  return lot.startsWith(prefix) ? lot.slice(prefix.length) : null
}

function vendorLot(settings: MappingSettings, lot: string): string {
  const key = toVendorLot(settings, lot)
  if (key === null) throw new MappingFailure('mapping.failed', `lot:${lot}`, `${lot} is not a lot of ${settings.instance}`)
  return key
}

function vendorPlace(place: BucketRef): Foreign {
  return {
    plant: place.site,
    storageLocation: place.location,
    carrier: place.carrier,
    stock: codeFor(STOCK_TYPES, 'stockType', place.stockType),
    owner: codeFor(SPECIAL_STOCKS, 'specialStock', place.specialStock),
  }
}

/** The first code that means this. */
function codeFor<T extends string>(table: ReadonlyMap<string, T>, kind: string, meaning: T): string {
  for (const [code, known] of table) if (known === meaning) return code
  throw new MappingFailure('mapping.failed', `${kind}:${meaning}`, `no code for ${kind} ${meaning}`)
}
