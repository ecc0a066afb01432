import Type, { type Static } from 'typebox'
import { Hold, HoldType, PortionScope } from './hold.ts'
import { Identifier, SystemInstance } from './identifier.ts'
import { DecisionLine, InspectionSnapshot } from './inspection.ts'
import { Quantity } from './quantity.ts'
import { Receipt, ReceiptReversal } from './receipt.ts'
import { SpecialStock, StockType } from './stock.ts'

/** A movement document of the ERP that touched a lot: an observation, never an error, whoever posted it. */
export const InventoryMovement = Type.Object(
  {
    erp: SystemInstance,
    lot: Identifier,
    document: Type.String({ minLength: 1 }),
    /** Reference text on the document; ours carry the configured prefix. */
    reference: Type.Union([Type.String(), Type.Null()]),
    from: Type.Union([StockType, Type.Null()]),
    to: Type.Union([StockType, Type.Null()]),
    quantity: Quantity,
    by: Type.String(),
  },
  { additionalProperties: false },
)
export type InventoryMovement = Static<typeof InventoryMovement>

/** Long enough for the holds that Holdpoint derives from an inspection key. */
const HoldId = Type.String({ minLength: 1, maxLength: 800 })

/** Somebody asks for a hold on a lot. The id is the requester's; the same id twice is one hold. */
export const HoldRequest = Type.Object(
  {
    hold: HoldId,
    lot: Identifier,
    erp: SystemInstance,
    type: HoldType,
    scope: PortionScope,
    foreign: Type.Boolean(),
    reason: Type.String({ maxLength: 500 }),
    placedBy: Type.String(),
    placedIn: Type.String(),
  },
  { additionalProperties: false },
)
export type HoldRequest = Static<typeof HoldRequest>

/** The owner's decision that the named hold no longer applies to `scope` of the lot. */
export const HoldLift = Type.Object(
  {
    hold: HoldId,
    lot: Identifier,
    erp: SystemInstance,
    scope: PortionScope,
    liftedBy: Type.String(),
    /** Decision, approval or document that lifts it. */
    evidence: Type.String(),
  },
  { additionalProperties: false },
)
export type HoldLift = Static<typeof HoldLift>

/** A receipt line's lot has arrived: what `lot` needs to know of the receipt. Emitted by inspection-gate. */
export const LotReceived = Type.Object(
  {
    lot: Identifier,
    erp: SystemInstance,
    item: Identifier,
    site: Type.String(),
    receipt: Identifier,
    lineNumber: Type.String(),
    quantity: Quantity,
    location: Type.String(),
    stockType: StockType,
    specialStock: SpecialStock,
    /** The awaiting-inspection hold of this receipt; null: no inspection is required. */
    hold: Type.Union([HoldId, Type.Null()]),
    /** The hold is in force from here on; false: everything had gone back before the receipt was known. */
    held: Type.Boolean(),
  },
  { additionalProperties: false },
)
export type LotReceived = Static<typeof LotReceived>

/** A receipt line's lot (or part of it) went back; `remaining` of the line's quantity has not. Emitted by inspection-gate. */
export const LotReceiptReversed = Type.Object(
  {
    lot: Identifier,
    erp: SystemInstance,
    receipt: Identifier,
    lineNumber: Type.String(),
    quantity: Quantity,
    remaining: Quantity,
    reversal: Identifier,
  },
  { additionalProperties: false },
)
export type LotReceiptReversed = Static<typeof LotReceiptReversed>

/**
 * The key of a usage decision: its number and the time it was taken, so that deciding again under one number is another
 * decision, while a later version of the record that repeats the decision is not. Unique per lot.
 */
const DecisionKey = Type.String({ minLength: 1, maxLength: 400 })

/**
 * The lines of one usage decision, for one lot. Emitted by inspection-gate; `premise` names the QMS version it rests on.
 * The same decision again with another version: the record has changed, the decision has not.
 */
export const InspectionDecided = Type.Object(
  {
    lot: Identifier,
    erp: SystemInstance,
    decision: DecisionKey,
    /** The decision's number, for documents. */
    number: Identifier,
    decidedBy: Type.String(),
    decidedAt: Type.String(),
    lines: Type.Array(DecisionLine, { minItems: 1 }),
    premise: Type.Object({ qms: SystemInstance, inspectionKey: Type.String(), version: Type.String() }, { additionalProperties: false }),
    /** The awaiting-inspection hold that the lines lift, portion by portion. */
    hold: HoldId,
    /** Earlier decisions of the same gate, newest last: what they and their reopening held is decided anew. */
    supersedes: Type.Array(DecisionKey, { maxItems: 20 }),
  },
  { additionalProperties: false },
)
export type InspectionDecided = Static<typeof InspectionDecided>

/** A decision no longer stands (reopened, cancelled after deciding, receipt reversed): nothing more may be released under it. */
export const InspectionReopened = Type.Object(
  { lot: Identifier, erp: SystemInstance, decision: DecisionKey, inspectionKey: Type.String(), lines: Type.Array(DecisionLine) },
  { additionalProperties: false },
)
export type InspectionReopened = Static<typeof InspectionReopened>

export const LotStatus = Type.Union([
  Type.Literal('uninspected'),
  Type.Literal('inInspection'),
  Type.Literal('conformant'),
  Type.Literal('nonConformant'),
  Type.Literal('mixed'),
  Type.Literal('contained'),
  Type.Literal('closed'),
])
export type LotStatus = Static<typeof LotStatus>

export const LotQualityStatusChanged = Type.Object(
  { lot: Identifier, status: LotStatus, holds: Type.Array(Hold) },
  { additionalProperties: false },
)
export type LotQualityStatusChanged = Static<typeof LotQualityStatusChanged>

/**
 * Goal feedback to the emitting instance, made by the engine. A goal's first setting is generation 1; another predicate, or
 * setting it again after its withdrawal, is the next.
 */
export interface GoalSettled {
  readonly goal: string
  readonly name: string
  readonly state: 'met' | 'refused' | 'parked' | 'withdrawn'
  readonly generation: number
  /** Commands of the goal that the target has carried out: for a condition, how often something had to be restricted. */
  readonly applied: number
  /** Evidence or exception code, for people. */
  readonly detail: string
}

/** A due timer, made by the engine. */
export interface TimerFired {
  readonly timer: string
  readonly generation: number
}

/** Event types and the schema of their data. Inputs come from sources; the others are emitted by processes. */
export const EVENT_SCHEMAS = {
  'holdpoint.receipt.posted.v1': Receipt,
  'holdpoint.receipt.reversed.v1': ReceiptReversal,
  'holdpoint.inspection.changed.v1': InspectionSnapshot,
  'holdpoint.inventory.moved.v1': InventoryMovement,
  'holdpoint.hold.requested.v1': HoldRequest,
  'holdpoint.hold.lifted.v1': HoldLift,
  'holdpoint.lot.received.v1': LotReceived,
  'holdpoint.lot.receiptReversed.v1': LotReceiptReversed,
  'holdpoint.inspection.decided.v1': InspectionDecided,
  'holdpoint.inspection.reopened.v1': InspectionReopened,
  'holdpoint.lot.qualityStatusChanged.v1': LotQualityStatusChanged,
} as const
export type EventType = keyof typeof EVENT_SCHEMAS
export type EventData<T extends EventType> = Static<(typeof EVENT_SCHEMAS)[T]>

/** Engine-made event types; delivered only to the instance concerned. */
export const GOAL_SETTLED = 'holdpoint.goal.settled.v1'
export const TIMER_FIRED = 'holdpoint.timer.fired.v1'
