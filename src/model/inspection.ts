import Type, { type Static } from 'typebox'
import { PortionScope } from './hold.ts'
import { Identifier, SystemInstance } from './identifier.ts'
import { Quantity } from './quantity.ts'

export const InspectionOutcome = Type.Union([Type.Literal('accepted'), Type.Literal('rejected'), Type.Literal('quarantined')])
export type InspectionOutcome = Static<typeof InspectionOutcome>

/** One line of a usage decision. Only a line whose portion is the whole lot or names a carrier may free stock. */
export const DecisionLine = Type.Object(
  {
    line: Type.Integer({ minimum: 1, maximum: 200 }),
    outcome: InspectionOutcome,
    quantity: Quantity,
    /** Null: the source named no carrier. */
    portion: Type.Union([PortionScope, Type.Null()]),
  },
  { additionalProperties: false },
)
export type DecisionLine = Static<typeof DecisionLine>

export const InspectionDecision = Type.Object(
  {
    decision: Identifier,
    decidedBy: Type.String({ minLength: 1 }),
    decidedAt: Type.String(),
    lines: Type.Array(DecisionLine, { minItems: 1, maxItems: 200 }),
  },
  { additionalProperties: false },
)
export type InspectionDecision = Static<typeof InspectionDecision>

/**
 * An inspection as the QMS shows it: a versioned snapshot. `inspectionKey` is the external id Holdpoint gave it,
 * `{receipt}#{line}#{lot}`; it ties the snapshot to its gate without any look-up.
 */
export const InspectionSnapshot = Type.Object(
  {
    inspection: Identifier,
    inspectionKey: Type.String({ minLength: 3, maxLength: 700 }),
    qms: SystemInstance,
    status: Type.Union([
      Type.Literal('created'),
      Type.Literal('inProgress'),
      Type.Literal('decided'),
      Type.Literal('reopened'),
      Type.Literal('cancelled'),
    ]),
    decision: Type.Union([InspectionDecision, Type.Null()]),
  },
  { additionalProperties: false },
)
export type InspectionSnapshot = Static<typeof InspectionSnapshot>
