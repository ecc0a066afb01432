// holdpoint/model: the nouns, as schemas and types.
export { OUTCOME_SCHEMAS, READ_FAILURE_SCHEMA } from '../model/answer.ts'
export {
  type DomainEvent,
  type EventAddress,
  LANES,
  type Lane,
  type RecordedEvent,
  type SourceIdentity,
  sourceIdentityText,
} from '../model/envelope.ts'
export {
  EVENT_SCHEMAS,
  type EventType,
  GOAL_SETTLED,
  type GoalSettled,
  HoldLift,
  HoldRequest,
  InspectionDecided,
  InspectionReopened,
  InventoryMovement,
  LotQualityStatusChanged,
  LotReceiptReversed,
  LotReceived,
  LotStatus,
  TIMER_FIRED,
  type TimerFired,
} from '../model/events.ts'
export {
  type Action,
  type BucketRef,
  COMMANDS_PER_GOAL_MAX,
  type Command,
  type CommandState,
  type Evidence,
  type Goal,
  type GoalChange,
  type GoalKind,
  type GoalSpec,
  type GoalState,
  type IdempotencyClass,
  orderKeyOf,
  type Predicate,
  type Premise,
} from '../model/goal.ts'
export { Hold, HoldType, PortionScope } from '../model/hold.ts'
export { Identifier, SystemInstance } from '../model/identifier.ts'
export { DecisionLine, InspectionDecision, InspectionOutcome, InspectionSnapshot } from '../model/inspection.ts'
export { Item, Site, Supplier } from '../model/master.ts'
export {
  bucketPlace,
  OBSERVATION_SCHEMAS,
  type Observation,
  type RecordObservation,
  type RecordSeen,
  type StockDocument,
  type StockObservation,
} from '../model/observation.ts'
export { Quantity } from '../model/quantity.ts'
export { Receipt, ReceiptLine, ReceiptLot, ReceiptReversal } from '../model/receipt.ts'
export { SpecialStock, StockBucket, StockType, Whereabouts } from '../model/stock.ts'
