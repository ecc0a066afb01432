import Type, { type Static } from 'typebox'
import { Identifier, SystemInstance } from './identifier.ts'
import { Quantity } from './quantity.ts'
import { SpecialStock, StockType } from './stock.ts'

/** The quantity of one lot on a receipt line, as the ERP booked it. */
export const ReceiptLot = Type.Object(
  {
    /** Lot identifier of the ERP; for an item without lots or with serials see lot.ts. */
    lot: Identifier,
    quantity: Quantity,
    location: Type.String({ minLength: 1 }),
    stockType: StockType,
    specialStock: SpecialStock,
    supplierLot: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
export type ReceiptLot = Static<typeof ReceiptLot>

export const ReceiptLine = Type.Object(
  {
    lineNumber: Type.String({ minLength: 1 }),
    item: Identifier,
    quantity: Quantity,
    lots: Type.Array(ReceiptLot, { minItems: 1, maxItems: 500 }),
    /** Relevance as the ERP sees it. `unknown` is treated as required. */
    inspectionRequired: Type.Union([Type.Literal('required'), Type.Literal('notRequired'), Type.Literal('unknown')]),
  },
  { additionalProperties: false },
)
export type ReceiptLine = Static<typeof ReceiptLine>

/** A goods receipt as posted. Immutable in its source: a correction or reversal is a document of its own. */
export const Receipt = Type.Object(
  {
    receipt: Identifier,
    documentType: Type.Literal('purchase'),
    supplier: Identifier,
    site: Type.String({ minLength: 1 }),
    erp: SystemInstance,
    lines: Type.Array(ReceiptLine, { minItems: 1, maxItems: 500 }),
  },
  { additionalProperties: false },
)
export type Receipt = Static<typeof Receipt>

/** A reversal document: which lots of which line of a receipt went back, and how much. */
export const ReceiptReversal = Type.Object(
  {
    receipt: Identifier,
    reversal: Identifier,
    site: Type.String({ minLength: 1 }),
    erp: SystemInstance,
    lines: Type.Array(
      Type.Object(
        {
          lineNumber: Type.String({ minLength: 1 }),
          lots: Type.Array(Type.Object({ lot: Identifier, quantity: Quantity }, { additionalProperties: false }), {
            minItems: 1,
            maxItems: 500,
          }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 500 },
    ),
  },
  { additionalProperties: false },
)
export type ReceiptReversal = Static<typeof ReceiptReversal>
