import { Decimal } from 'decimal.js'
import Type, { type Static } from 'typebox'

/** An exact amount. `value` is a decimal string (never a float), `uom` a UN/ECE Recommendation 20 code such as C62, KGM, MTR. */
export const Quantity = Type.Object(
  {
    value: Type.String({ pattern: '^-?(0|[1-9]\\d{0,17})(\\.\\d{1,9})?$' }),
    uom: Type.String({ minLength: 1, maxLength: 8 }),
  },
  { additionalProperties: false },
)
export type Quantity = Static<typeof Quantity>
