import Type, { type Static } from 'typebox'
import { Quantity } from './quantity.ts'

/** The three axes of an inventory status, and who owns the stock. A bucket is one combination of them. */
export const StockType = Type.Union([
  Type.Literal('unrestricted'),
  Type.Literal('qualityInspection'),
  Type.Literal('restricted'),
  Type.Literal('blocked'),
  Type.Literal('customerReturn'),
])
export type StockType = Static<typeof StockType>

export const Whereabouts = Type.Union([
  Type.Literal('onHand'),
  Type.Literal('inTransit'),
  Type.Literal('wip'),
  Type.Literal('atSubcontractor'),
  Type.Literal('atCustomer'),
  Type.Literal('consumed'),
  Type.Literal('shipped'),
  Type.Literal('scrapped'),
])
export type Whereabouts = Static<typeof Whereabouts>

export const SpecialStock = Type.Union([
  Type.Literal('own'),
  Type.Literal('supplierConsignment'),
  Type.Literal('subcontractor'),
  Type.Literal('customerOwned'),
  Type.Literal('salesOrder'),
  Type.Literal('project'),
  Type.Literal('customerConsignment'),
])
export type SpecialStock = Static<typeof SpecialStock>

/** One quantity of a lot as a system shows it. `usable` is that system's own answer to "may this be picked or consumed?". */
export const StockBucket = Type.Object(
  {
    site: Type.String(),
    location: Type.String(),
    /** The carrier of a portion, when the lot is divided: a sublot, handling unit or serial. Null: the lot itself. */
    carrier: Type.Union([Type.String(), Type.Null()]),
    stockType: StockType,
    whereabouts: Whereabouts,
    specialStock: SpecialStock,
    quantity: Quantity,
    usable: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type StockBucket = Static<typeof StockBucket>
