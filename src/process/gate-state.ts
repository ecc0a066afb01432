import type { DecisionLine, InspectionDecision, InspectionSnapshot } from '../model/inspection.ts'
import { minQuantity, type Quantity, subtractQuantity } from '../model/quantity.ts'
import type { OpenException } from './draft.ts'

/** QMS records kept for one key; more than one is somebody's mistake. */
export const RECORDS_MAX = 5
/** Of them, how many may bring a decision that waits. */
export const DECISIONS_MAX = 2
/** Former decisions kept: a new one supersedes them by name. */
export const FORMER_MAX = 20
/** Reversal documents of one receipt line's lot kept apart; older ones are added up. */
export const REVERSALS_MAX = 40

/** Facts first; what follows from them is decided anew at every event. Limits above keep it small. */
export interface GateState {
  readonly key: string
  readonly receipt: GateReceipt | null
  readonly reversals: readonly { readonly reversal: string; readonly quantity: Quantity }[]
  /** Everything has gone back. */
  readonly closed: boolean
  /** The awaiting-inspection hold has been requested. */
  readonly held: boolean
  /** The record exists in the QMS. */
  readonly created: boolean
  readonly records: readonly GateRecord[]
  readonly standing: Standing | null
  /** Keys of decisions that were handed on and no longer stand, oldest first. */
  readonly former: readonly string[]
  /** What the timer `late` waits for. */
  readonly due: 'creation' | 'decision' | null
  readonly late: 'creation' | 'decision' | null
  readonly exceptions: readonly OpenException[]
}

export interface GateReceipt {
  readonly erp: string
  readonly site: string
  readonly quantity: Quantity
  readonly required: boolean
}

/** The newest snapshot of one QMS record with this key. */
export interface GateRecord {
  readonly inspection: string
  readonly qms: string
  readonly version: string
  readonly status: InspectionSnapshot['status']
  /** Only while it waits: a decision that was handed on is `standing`. */
  readonly decision: InspectionDecision | null
}

/** The decision that was handed on to the lot and has not been taken back. */
export interface Standing {
  readonly decision: string
  readonly number: string
  readonly inspection: string
  readonly decidedAt: string
  readonly version: string
  readonly lines: readonly DecisionLine[]
}

/** Received less what went back, never below zero; null: no receipt yet. */
export function remaining(state: Pick<GateState, 'receipt' | 'reversals'>): Quantity | null {
  if (state.receipt === null) return null
  let left = state.receipt.quantity
  for (const { quantity } of state.reversals) {
    if (quantity.uom === left.uom) left = subtractQuantity(left, minQuantity(quantity, left))
  }
  return left
}
