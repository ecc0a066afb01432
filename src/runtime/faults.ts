import type { YieldLabel } from '../runtime.ts'

/** What the simulated wire may do to one request. */
export type RequestFault =
  /** No connection: `notSent`, the guard is not asked. */
  | 'refuse'
  /** Written, never delivered. The caller sees a reset or its timeout. */
  | 'loseRequest'
  /** Delivered and served; the answer vanishes. The caller sees a reset or its timeout. */
  | 'loseReply'
  /** Delivered and served twice, the second time later; the first answer to arrive counts. */
  | 'duplicate'
  /** The caller sees a reset at some moment; the request may still be delivered, even after that. */
  | 'reset'
  /** No error until the timeout; delivered or not. */
  | 'halfOpen'
  /** One of the two ways takes longer by up to `slowMsMax`. */
  | 'slow'

/**
 * One fault, as data: a list of these repeats a run exactly, so a failing run is shrunk by dropping entries.
 * Yield points and requests are counted over the whole world, from 1.
 */
export type FaultEvent =
  | { readonly kind: 'crash'; readonly point: number; readonly restartAfterMs: number | null }
  | { readonly kind: 'pause'; readonly point: number; readonly ms: number }
  | { readonly kind: 'request'; readonly request: number; readonly fault: RequestFault; readonly ms?: number }
  | { readonly kind: 'crashNode'; readonly atMs: number; readonly node: string; readonly restartAfterMs: number | null }
  | { readonly kind: 'pauseNode'; readonly atMs: number; readonly node: string; readonly ms: number }
  | { readonly kind: 'skewClock'; readonly atMs: number; readonly node: string; readonly ms: number }
  | {
      readonly kind: 'partition'
      readonly atMs: number
      readonly from: string
      readonly to: string
      readonly oneWay: boolean
      readonly ms: number
    }

export interface FaultPlan {
  readonly events?: readonly FaultEvent[]
  /** Drawn from the seed's `faults` stream on top of `events`, until `World.heal`. */
  readonly random?: FaultRates
}

/** Probabilities; what is not named does not happen. */
export interface FaultRates {
  /** Per yield point; times ten at the hot ones (`HOT_LABELS`). */
  readonly crash?: number
  readonly pause?: number
  readonly pauseMsMax?: number
  readonly restartAfterMsMax?: number
  /** Per request. */
  readonly requests?: Partial<Readonly<Record<RequestFault, number>>>
  readonly slowMsMax?: number
}

/** Where a fault hurts most: something is durable or sent, and its other half is not. */
export const HOT_LABELS: ReadonlySet<YieldLabel> = new Set(['intent-committed', 'before-send', 'reply-received', 'before-outcome-commit'])
