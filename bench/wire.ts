import Type, { type Static } from 'typebox'
import { INSPECTION_TYPE, RECEIPT_TYPE } from './workload.ts'

/** What the simulated ERP and QMS put on the wire. Both programs check every event against these contracts. */
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const quantity = Type.String({ pattern: '^(0|[1-9]\\d{0,17})(\\.\\d{1,9})?$' })
const envelope = {
  specversion: Type.Literal('1.0'),
  id: text(200),
  subject: text(200),
  time: text(40),
  datacontenttype: Type.Literal('application/json'),
}
const closed = { additionalProperties: false }

const ReceiptLineNotice = Type.Object(
  {
    line: text(6),
    purchaseOrder: text(20),
    orderLine: text(6),
    material: text(40),
    description: text(200),
    movement: Type.Literal('101'),
    batch: text(40),
    supplierBatch: text(40),
    quantity,
    unit: text(8),
    storageLocation: text(10),
    stockType: Type.Literal('qualityInspection'),
    inspection: Type.Union([Type.Literal('required'), Type.Literal('notRequired'), Type.Literal('unknown')]),
  },
  closed,
)

export const ReceiptNotice = Type.Object(
  {
    ...envelope,
    source: Type.Literal('erp-1'),
    type: Type.Literal(RECEIPT_TYPE),
    data: Type.Object(
      {
        document: text(40),
        documentYear: Type.Integer({ minimum: 2000, maximum: 2999 }),
        documentType: Type.Literal('purchase'),
        postedAt: text(40),
        postedBy: text(40),
        supplier: Type.Object({ number: text(20), name: text(200), deliveryNote: text(40) }, closed),
        plant: text(10),
        headerText: Type.String({ maxLength: 200 }),
        lines: Type.Array(ReceiptLineNotice, { minItems: 1, maxItems: 500 }),
      },
      closed,
    ),
  },
  closed,
)
export type ReceiptNotice = Static<typeof ReceiptNotice>

export const InspectionNotice = Type.Object(
  {
    ...envelope,
    source: Type.Literal('qms-1'),
    type: Type.Literal(INSPECTION_TYPE),
    data: Type.Object(
      {
        inspection: text(40),
        version: Type.Integer({ minimum: 1 }),
        key: text(700),
        status: Type.Literal('decided'),
        decision: Type.Object(
          {
            number: text(40),
            decidedBy: text(40),
            decidedAt: text(40),
            lines: Type.Array(
              Type.Object(
                {
                  line: Type.Integer({ minimum: 1, maximum: 200 }),
                  outcome: Type.Union([Type.Literal('accepted'), Type.Literal('rejected'), Type.Literal('quarantined')]),
                  quantity,
                  unit: text(8),
                  portion: Type.Literal('whole'),
                },
                closed,
              ),
              { minItems: 1, maxItems: 200 },
            ),
          },
          closed,
        ),
      },
      closed,
    ),
  },
  closed,
)
export type InspectionNotice = Static<typeof InspectionNotice>

/** Body of `POST /qms/inspections`; the batch endpoint takes `{items:[...]}` of these. */
export interface InspectionOrder {
  /** External id. The same key again answers the record that exists. */
  readonly key: string
  readonly reference: string
  /** What an inspector needs to see: lot, item, quantity and the like. */
  readonly fields: Readonly<Record<string, string>>
}

/** Body of `POST /erp/movements`; the batch endpoint takes `{items:[...]}` of these. */
export interface MovementOrder {
  /** Idempotency key: the same key again answers the document that exists. */
  readonly key: string
  readonly reference: string
  readonly lot: string
  readonly from: string
  readonly to: string
  readonly quantity: string
  readonly unit: string
  readonly decidedBy: string
}

/** One item's answer of either target. `status` 201: done now; 200: done before under the same key; 409 and 422: refused. */
export interface ItemAnswer {
  readonly status: number
  /** Record id or document number; for a refusal the reason. */
  readonly id: string
}

/** One key's answer of `POST /qms/inspections/read` `{keys:[...]}`. */
export interface InspectionRead {
  readonly key: string
  readonly records: readonly {
    readonly id: string
    readonly version: number
    readonly status: 'open' | 'decided'
    readonly reference: string
  }[]
}

/** One lot's answer of `POST /erp/stock/read` `{lots:[...]}`. */
export interface StockRead {
  readonly lot: string
  readonly known: boolean
  readonly inspection: string
  readonly documents: readonly {
    readonly number: string
    readonly reference: string
    readonly quantity: string
    readonly at: string
  }[]
}
