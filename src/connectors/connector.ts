import type { ErrorClass, ErrorCode } from '../errors.ts'
import type { DomainEvent, Lane } from '../model/envelope.ts'
import type { Action, IdempotencyClass } from '../model/goal.ts'
import type { Observation } from '../model/observation.ts'

/** Everything the engine must know of a resource before it touches it. Settings per system instance. */
export interface ResourceSpec {
  readonly resource: string
  readonly idempotency: IdempotencyClass
  /** `answer` only where the contract suite proves commit before reply. */
  readonly evidence: 'answer' | 'readBack'
  /** Read-after-write lag. */
  readonly lagMs: number
  /** Longest server-side execution of a call plus clock margin: after it an unanswered call has either happened or never will. */
  readonly quiesceMs: number
  /** Classes key and transportId: how long the target remembers. 0 elsewhere. */
  readonly keyWindowMs: number
  /** Highest rung of the hold ladder. */
  readonly rungMax: number
  readonly holdsMayPass: boolean
  readonly applyBatchMax: number
  readonly readBatchMax: number
}

export interface ConnectorSpec {
  readonly name: string
  readonly version: number
  /** The system instance this connector is configured for. */
  readonly instance: string
  readonly site: string
  readonly callTimeoutMs: number
  /** Sends, reads and pages of the sweep together, of each worker. Of several a quarter is kept for holds. */
  readonly callsInFlightMax: number
  /** Of the same calls; as many may be asked at once. Below one: a call every so often. */
  readonly callsPerSecondMax: number
  readonly resources: readonly ResourceSpec[]
}

export interface Call {
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** Send guard: deadline, lease and holds, asked in the tick of the socket write. */
  readonly beforeWrite: () => boolean
}

export interface CommandItem {
  /**
   * Same for every attempt of a command, and what classes key and transportId send as their key: a restored hub derives
   * the reference of the lost hour only for the same cause, so a target cannot take another command for done.
   */
  readonly reference: string
  readonly resource: string
  readonly subject: string
  readonly action: Action
}

/** Exactly one per item. A switch over it is exhaustive. */
export type Outcome =
  /** `evidence` is what the target answered: document number, record id. */
  | { readonly outcome: 'applied'; readonly detail: string }
  /** Proved not done; try again after `delayMs` (null: the engine's own backoff). */
  | { readonly outcome: 'later'; readonly class: ErrorClass; readonly delayMs: number | null; readonly detail: string }
  | { readonly outcome: 'refused'; readonly detail: string }
  | { readonly outcome: 'unknown'; readonly detail: string }
  /** `causeGroup` joins everything that one fix would cure; without it, the code does. */
  | { readonly outcome: 'needs-person'; readonly code: ErrorCode; readonly causeGroup?: string; readonly detail: string }

export type ReadResult =
  | { readonly read: 'observed'; readonly observation: Observation }
  | { readonly read: 'failed'; readonly class: ErrorClass; readonly delayMs: number | null; readonly detail: string }

/** How duplicates, conflicts and old versions of a record are told apart. */
export type RecordIdentity =
  | { readonly kind: 'versioned'; readonly record: string; readonly version: string; readonly compare: 'integer' | 'time' | 'opaque' }
  | { readonly kind: 'immutable'; readonly record: string }
  | { readonly kind: 'unversioned'; readonly record: string }

export type Identified =
  | { readonly ok: true; readonly identity: RecordIdentity; readonly lane: Lane; readonly occurredAt: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string }

export type Mapped =
  | { readonly ok: true; readonly events: readonly Omit<DomainEvent, 'receivedAt'>[] }
  /** `causeGroup` joins everything that one fix would cure, for example `unit:XBX`. */
  | { readonly ok: false; readonly code: ErrorCode; readonly causeGroup: string; readonly detail: string }

export interface ChangesPage {
  /** Native items, each one what `identify` and `toModel` take. */
  readonly items: readonly unknown[]
  readonly cursor: string
  readonly more: boolean
}

/**
 * One system. A connector translates and reports; it never decides, never retries a write and never hides an outcome.
 * All methods are safe to call concurrently. After a crash nothing of it survives but what the target keeps.
 */
export interface Connector {
  readonly spec: ConnectorSpec
  /** Pure. Which record, which version. Everything else about the item is left to `toModel`. */
  identify(item: unknown): Identified
  /** Pure. Native item to canonical events. */
  toModel(item: unknown): Mapped
  /** One outcome per item, same order. Never throws for anything the target or network does. */
  apply(items: readonly CommandItem[], call: Call): Promise<readonly Outcome[]>
  /** One result per subject, same order; one request for as many as `readBatchMax`. */
  read(resource: string, subjects: readonly string[], call: Call): Promise<readonly ReadResult[]>
  /** Every subject the system has on this resource, for the sweep; pages may be torn against each other. */
  sweep(resource: string, cursor: string | null, call: Call): Promise<SweepPage | { readonly failed: string }>
  /** Native items since `cursor` (null: from the beginning), oldest first, overlapping rather than missing. */
  changes(cursor: string | null, call: Call): Promise<ChangesPage | { readonly failed: string }>
}

export interface SweepPage {
  readonly subjects: readonly { readonly subject: string; readonly observation: Observation }[]
  readonly cursor: string | null
}
