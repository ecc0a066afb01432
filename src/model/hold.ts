import Type, { type Static } from 'typebox'

const Carrier = Type.String({ minLength: 1, maxLength: 100 })

/**
 * The part of a lot that a hold, decision line or goal speaks of. `whole`: every quantity of the lot, wherever it is.
 * `carriers`: only what stands on the named sublots, handling units, serials or segregated locations.
 * `remainder`: everything of the lot except the named carriers.
 */
export const PortionScope = Type.Union([
  Type.Object({ kind: Type.Literal('whole') }, { additionalProperties: false }),
  Type.Object(
    { kind: Type.Literal('carriers'), carriers: Type.Array(Carrier, { minItems: 1, maxItems: 200 }) },
    { additionalProperties: false },
  ),
  Type.Object(
    { kind: Type.Literal('remainder'), except: Type.Array(Carrier, { minItems: 1, maxItems: 200 }) },
    { additionalProperties: false },
  ),
])
export type PortionScope = Static<typeof PortionScope>

export const HoldType = Type.Union([
  Type.Literal('awaitingInspection'),
  Type.Literal('quality'),
  Type.Literal('regulatory'),
  Type.Literal('customer'),
  Type.Literal('engineering'),
  Type.Literal('recall'),
  Type.Literal('inventoryDispute'),
  Type.Literal('expiry'),
  Type.Literal('safety'),
])
export type HoldType = Static<typeof HoldType>

/**
 * One member of a lot's hold set. Holds are additive; a lift names the hold ids it lifts and leaves the others.
 * A lift that arrives before its hold still lifts it (the set remembers both), so order never matters.
 * `foreign`: Holdpoint did not place it and never lifts it; it ends where it was placed.
 */
export const Hold = Type.Object(
  {
    id: Type.String(),
    type: HoldType,
    scope: PortionScope,
    foreign: Type.Boolean(),
    reason: Type.String(),
    placedBy: Type.String(),
    placedIn: Type.String(),
    placedAt: Type.String(),
  },
  { additionalProperties: false },
)
export type Hold = Static<typeof Hold>
