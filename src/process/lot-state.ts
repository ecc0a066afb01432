import type { SourceIdentity } from '../model/envelope.ts'
import type { InspectionDecided, LotStatus } from '../model/events.ts'
import type { PortionScope } from '../model/hold.ts'
import { activeHolds, type HoldSet } from '../model/hold-set.ts'
import type { InspectionOutcome } from '../model/inspection.ts'
import type { Quantity } from '../model/quantity.ts'
import type { StockType } from '../model/stock.ts'
import type { OpenException } from './draft.ts'

/**
 * Limits on the state of one lot, in characters where lengths differ; together they keep it below 64 kB. Beyond them the
 * lot is held by more, never by less: a further hold becomes one hold of the whole lot, a further decision is not carried
 * out, what a further hold takes out of use is not put back by itself (`input.tooLarge`).
 */
export const HOLDS_CHARACTERS_MAX = 16_000
export const SCOPES_CHARACTERS_MAX = 4_000
export const LIFTED_CHARACTERS_MAX = 4_000
export const LIFTED_OWN_MAX = 2
export const FOREIGN_MAX = 20
export const OPEN_CHARACTERS_MAX = 36_000
export const RESTORE_CHARACTERS_MAX = 1_000
export const RESTORES_OPEN_MAX = 5
export const SETTLED_MAX = 2
export const UNDOINGS_MAX = 10

export interface LotState {
  readonly key: string
  readonly erp: string | null
  readonly site: string | null
  /** A receipt has been seen: what stands in the lot did not come from before or beside Holdpoint. */
  readonly received: boolean
  /** Receipt lines of which something is left. */
  readonly receipts: number
  /** Some receipt needed no inspection: its quantity is usable by right. */
  readonly free: boolean
  readonly undecided: readonly Undecided[]
  /**
   * Holds that a decision over the whole received quantity has answered, but that still hold the portions it did not name.
   * They stay while they can only mean that receipt; the next receipt of the lot ends them.
   */
  readonly answered: readonly string[]
  readonly holds: HoldSet
  /** Of the condition goal, as the engine counts it. */
  readonly generation: number
  /** The condition of this generation has been read true since it was set. */
  readonly heldMet: boolean
  /** What placed the newest hold. */
  readonly cause: SourceIdentity | null
  /** Decisions of which a line has not been carried out. */
  readonly decisions: readonly OpenDecision[]
  /** Keys of the newest decisions that have. */
  readonly settled: readonly string[]
  /** Lines of decisions that stand, by outcome. */
  readonly outcomes: Readonly<Record<InspectionOutcome, number>>
  /** Decisions that wait until what an earlier decision of their gate had released is out of use again. */
  readonly pending: readonly PendingDecision[]
  readonly foreign: readonly ForeignHold[]
  /** Documents that took such restrictions back, newest last. */
  readonly undoings: readonly string[]
  readonly restoring: Restoring | null
  readonly status: LotStatus
  readonly exceptions: readonly OpenException[]
}

/** A receipt line of this lot without a decision, by its awaiting-inspection hold. */
export interface Undecided {
  readonly hold: string
  /** The ERP received it into stock that nobody may use. */
  readonly protected: boolean
  /** The hold holds this received quantity only, no longer the whole lot. */
  readonly narrowed: boolean
}

export interface OpenDecision {
  readonly decision: string
  /** Number and decider, for documents. */
  readonly decidedBy: string
  readonly qms: string
  readonly inspectionKey: string
  readonly version: string
  readonly cause: SourceIdentity
  readonly lines: readonly OpenLine[]
}

export interface OpenLine {
  readonly line: number
  readonly outcome: InspectionOutcome
  readonly quantity: Quantity
  readonly portion: PortionScope
  readonly state: 'open' | 'parked' | 'refused'
}

export interface PendingDecision {
  readonly decided: InspectionDecided
  readonly cause: SourceIdentity
}

/** What a person restricted, and the stock type that says so; it ends where it was placed. */
export interface ForeignHold {
  readonly hold: string
  readonly to: StockType
  /** Not yet taken back. */
  readonly left: Quantity
}

/** What holds took out of use although it had been released, and goes back once no hold covers it. */
export interface Restoring {
  readonly scope: PortionScope | null
  /** The newest lift since: who says that it may go back. */
  readonly lift: { readonly evidence: string; readonly by: string } | null
  /** Restores asked for so far. */
  readonly count: number
  readonly open: readonly { readonly name: string; readonly scope: PortionScope; readonly state: OpenLine['state'] }[]
}

export function initialLot(key: string): LotState {
  return {
    key,
    erp: null,
    site: null,
    received: false,
    receipts: 0,
    free: false,
    undecided: [],
    answered: [],
    holds: [],
    generation: 0,
    heldMet: false,
    cause: null,
    decisions: [],
    settled: [],
    outcomes: { accepted: 0, rejected: 0, quarantined: 0 },
    pending: [],
    foreign: [],
    undoings: [],
    restoring: null,
    status: 'uninspected',
    exceptions: [],
  }
}

/** Something of the lot is, or was before Holdpoint knew it, usable by right. */
export function isReleased(state: Pick<LotState, 'outcomes' | 'free' | 'received'>): boolean {
  return state.outcomes.accepted > 0 || state.free || !state.received
}

/** Holds that Holdpoint derives from inspections; every other hold contains the lot. */
export function isOwnHold(id: string): boolean {
  return id.startsWith('awaiting:') || id.startsWith('quality:') || id.startsWith('reopened:') || isLoose(id)
}

/** Somebody took stock out of inspection by hand. */
export function isLoose(id: string): boolean {
  return id.startsWith('loose:')
}

export function waitsForDecision(state: Pick<LotState, 'undecided' | 'answered'>, id: string): boolean {
  return (id.startsWith('reopened:') && !state.answered.includes(id)) || state.undecided.some((one) => one.hold === id)
}

/** The quality status of the lot as a whole; where its portions differ, they say more. */
export function statusOf(state: Pick<LotState, 'received' | 'receipts' | 'holds' | 'undecided' | 'answered' | 'outcomes'>): LotStatus {
  if (state.received && state.receipts === 0) return 'closed'
  const holds = activeHolds(state.holds)
  if (holds.some((hold) => !isOwnHold(hold.id))) return 'contained'
  const { accepted, rejected, quarantined } = state.outcomes
  const waiting = holds.some(({ id }) => waitsForDecision(state, id))
  const kinds = (accepted > 0 ? 1 : 0) + (rejected > 0 ? 1 : 0) + (quarantined > 0 ? 1 : 0) + (waiting ? 1 : 0)
  if (kinds > 1) return 'mixed'
  if (waiting) return 'inInspection'
  if (accepted > 0) return 'conformant'
  if (rejected > 0) return 'nonConformant'
  return quarantined > 0 ? 'contained' : 'uninspected'
}
