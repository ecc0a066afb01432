import { Compile } from 'typebox/compile'
import type { Identified, Mapped } from '../src/connectors/connector.ts'
import type { Action, BucketRef } from '../src/model/goal.ts'
import type { InspectionSnapshot } from '../src/model/inspection.ts'
import type { RecordObservation, StockObservation } from '../src/model/observation.ts'
import type { Receipt } from '../src/model/receipt.ts'
import type { StockType } from '../src/model/stock.ts'
import { InspectionNotice, type InspectionRead, ReceiptNotice, type StockRead } from './wire.ts'
import { batchId, INSPECTION_TYPE, LOCATION, RECEIPT_TYPE, receiptId, SITE } from './workload.ts'

/** The bench's wire and the hub's words, both ways. Pure. */
const receiptCheck = Compile(ReceiptNotice)
const inspectionCheck = Compile(InspectionNotice)

interface Envelope {
  readonly type?: unknown
  readonly subject?: unknown
  readonly time?: unknown
  readonly data?: { readonly version?: unknown }
}

export function identify(item: unknown): Identified {
  const { type, subject, time, data } = (item ?? {}) as Envelope
  if (typeof subject !== 'string' || typeof time !== 'string') return malformed('subject or time is missing')
  if (type === RECEIPT_TYPE)
    return { ok: true, identity: { kind: 'immutable', record: `receipt/${subject}` }, lane: 'critical', occurredAt: time }
  if (type !== INSPECTION_TYPE || typeof data?.version !== 'number') return malformed('neither a receipt nor an inspection')
  const identity = { kind: 'versioned', record: `inspection/${subject}`, version: String(data.version), compare: 'integer' } as const
  return { ok: true, identity, lane: 'normal', occurredAt: time }
}

function malformed(detail: string): Identified {
  return { ok: false, code: 'input.malformed', detail }
}

export function toModel(item: unknown): Mapped {
  if (receiptCheck.Check(item)) return receiptToModel(item)
  if (inspectionCheck.Check(item)) return inspectionToModel(item)
  return { ok: false, code: 'mapping.failed', causeGroup: 'bench:contract', detail: 'the notice breaks its contract' }
}

function receiptToModel({ data, source, time }: ReceiptNotice): Mapped {
  const receipt: Receipt = {
    receipt: receiptId(data.document),
    documentType: data.documentType,
    supplier: `${source}:supplier:${data.supplier.number}`,
    site: data.plant,
    erp: source,
    lines: data.lines.map((line) => {
      const quantity = { value: line.quantity, uom: line.unit }
      return {
        lineNumber: line.line,
        item: `${source}:item:${line.material}`,
        quantity,
        lots: [
          {
            lot: batchId(line.material, line.batch),
            quantity,
            location: line.storageLocation,
            stockType: line.stockType,
            specialStock: 'own',
            supplierLot: line.supplierBatch,
          },
        ],
        inspectionRequired: line.inspection,
      }
    }),
  }
  const identity = { instance: source, record: `receipt/${data.document}`, version: null }
  return {
    ok: true,
    events: [{ type: 'holdpoint.receipt.posted.v1', subject: receipt.receipt, source: identity, occurredAt: time, data: receipt }],
  }
}

function inspectionToModel({ data, source, time }: InspectionNotice): Mapped {
  const snapshot: InspectionSnapshot = {
    inspection: `${source}:inspection:${data.inspection}`,
    inspectionKey: data.key,
    qms: source,
    status: data.status,
    decision: {
      decision: `${source}:decision:${data.decision.number}`,
      decidedBy: data.decision.decidedBy,
      decidedAt: data.decision.decidedAt,
      lines: data.decision.lines.map(({ line, outcome, quantity, unit, portion }) => ({
        line,
        outcome,
        quantity: { value: quantity, uom: unit },
        portion: { kind: portion },
      })),
    },
  }
  const identity = { instance: source, record: `inspection/${data.inspection}`, version: String(data.version) }
  const type = 'holdpoint.inspection.changed.v1'
  return { ok: true, events: [{ type, subject: snapshot.inspection, source: identity, occurredAt: time, data: snapshot }] }
}

/** Path and body of a command; null: these targets cannot do it. */
export function fromModel(action: Action, reference: string): { readonly path: string; readonly body: object } | null {
  if (action.type === 'createRecord') {
    const { key, fields } = action
    return { path: '/qms/inspections', body: { key, reference, fields } }
  }
  if (action.type !== 'move') return null
  const { lot, from, to, quantity, decidedBy } = action
  const body = {
    key: reference,
    reference,
    lot,
    from: from.stockType,
    to,
    quantity: quantity.value,
    unit: quantity.uom,
    decidedBy: decidedBy ?? '',
  }
  return { path: '/erp/movements', body }
}

const place = (stockType: StockType): BucketRef => ({ site: SITE, location: LOCATION, carrier: null, stockType, specialStock: 'own' })
const INSPECTION_STOCK = place('qualityInspection')
const UNRESTRICTED = place('unrestricted')

/** Released stock is picked at once: it shows as a document, not as a bucket. */
export function toStockObservation(read: StockRead): StockObservation {
  const inspection = {
    ...INSPECTION_STOCK,
    whereabouts: 'onHand',
    quantity: { value: read.inspection, uom: 'C62' },
    usable: false,
  } as const
  return {
    kind: 'stock',
    known: read.known,
    buckets: read.known && read.inspection !== '0' ? [inspection] : [],
    documents: read.documents.map(({ number, reference, quantity, at }) => ({
      number,
      reference,
      from: INSPECTION_STOCK,
      to: UNRESTRICTED,
      quantity: { value: quantity, uom: 'C62' },
      by: 'HOLDPOINT',
      at,
      reverses: null,
    })),
    restrictions: [],
  }
}

export function toRecordObservation({ key, records }: InspectionRead): RecordObservation {
  return {
    kind: 'record',
    records: records.map(({ id, version, status, reference }) => ({
      id,
      key,
      version: String(version),
      status,
      open: status === 'open',
      decided: status === 'decided',
      reference,
    })),
  }
}
