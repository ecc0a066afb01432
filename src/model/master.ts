import Type, { type Static } from 'typebox'
import { Identifier } from './identifier.ts'

/** What can be bought, made, stocked and inspected. Owner: ERP. */
export const Item = Type.Object(
  {
    item: Identifier,
    baseUom: Type.String({ minLength: 1 }),
    traceability: Type.Union([Type.Literal('none'), Type.Literal('lot'), Type.Literal('serial'), Type.Literal('lotAndSerial')]),
  },
  { additionalProperties: false },
)
export type Item = Static<typeof Item>

/** Owner: ERP for the commercial side, QMS for approval. */
export const Supplier = Type.Object({ supplier: Identifier, name: Type.String() }, { additionalProperties: false })
export type Supplier = Static<typeof Supplier>

/** A plant: time zone decides the posting date, systems decide where goals go. */
export const Site = Type.Object(
  {
    site: Type.String({ minLength: 1 }),
    timeZone: Type.String(),
    erp: Type.String(),
    qms: Type.String(),
  },
  { additionalProperties: false },
)
export type Site = Static<typeof Site>
