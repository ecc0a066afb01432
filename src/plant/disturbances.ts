import type { Runtime } from '../runtime.ts'

/**
 * What goes wrong at a simulated system, as shares of calls (0 to 1) and bounds in milliseconds. All of it can be
 * changed while the system runs; `CALM` is a system without faults.
 */
export interface Disturbances {
  /** Share of calls answered 429 with Retry-After, nothing done. */
  readonly rateLimitedShare: number
  readonly retryAfterSeconds: number
  /** Shares of write calls answered 500: nothing done, some items done, everything done. */
  readonly errorBeforeCommitShare: number
  readonly errorMidBatchShare: number
  readonly errorAfterCommitShare: number
  /** Shares of write calls that are never answered: nothing done, everything done. */
  readonly lostBeforeCommitShare: number
  readonly lostAfterCommitShare: number
  /**
   * Share of write calls that run late: the effect comes up to `slowMsMax` after arrival, whether or not the caller
   * still listens. Quiesce must be longer.
   */
  readonly slowShare: number
  readonly slowMsMax: number
  /** Share of calls whose answer comes late although the work is done. */
  readonly slowAnswerShare: number
  readonly slowAnswerMsMax: number
  /** Share of accepted items that are undone after the answer, at the latest `updateMsMax` later. */
  readonly rollbackShare: number
  /** With `commit: 'afterReply'`, or for an item to be undone: time between answer and update task. */
  readonly updateMsMax: number
  /** Share of write calls before which the caller's session has ended, in systems with sessions. */
  readonly sessionEndedShare: number
  /** Share of read calls answered 500. */
  readonly readErrorShare: number
  /** Reads show each record as it was this long ago, drawn per record and read. */
  readonly readLagMsMin: number
  readonly readLagMsMax: number
  /** Share of sweep pages put together from parts of different age, up to `sweepTornMsMax`. */
  readonly sweepTornShare: number
  readonly sweepTornMsMax: number
}

export const CALM: Disturbances = {
  rateLimitedShare: 0,
  retryAfterSeconds: 1,
  errorBeforeCommitShare: 0,
  errorMidBatchShare: 0,
  errorAfterCommitShare: 0,
  lostBeforeCommitShare: 0,
  lostAfterCommitShare: 0,
  slowShare: 0,
  slowMsMax: 0,
  slowAnswerShare: 0,
  slowAnswerMsMax: 0,
  rollbackShare: 0,
  updateMsMax: 0,
  sessionEndedShare: 0,
  readErrorShare: 0,
  readLagMsMin: 0,
  readLagMsMax: 0,
  sweepTornShare: 0,
  sweepTornMsMax: 0,
}

/** One fault for the next call of its kind, before any share is drawn. For tests that need the fault to happen. */
export type ScriptedFault =
  | { readonly on: 'write' | 'read'; readonly fault: 'rateLimited' | 'errorBefore' | 'errorAfter' | 'errorMidBatch' }
  | { readonly on: 'write' | 'read'; readonly fault: 'lostBefore' | 'lostAfter' }
  | { readonly on: 'write' | 'read'; readonly fault: 'slow' | 'slowAnswer'; readonly ms: number }
  | { readonly on: 'item'; readonly fault: 'rollback' }
  | { readonly on: 'session'; readonly fault: 'end' }

/** What one call will suffer. */
export interface CallFate {
  readonly rateLimited: boolean
  readonly error: 'none' | 'before' | 'midBatch' | 'after'
  /** The caller hears nothing, ever. */
  readonly lost: 'none' | 'before' | 'after'
  readonly slowMs: number
  readonly slowAnswerMs: number
}

/** The current settings and the draws from them. Draws use the runtime's randomness only where a share is above 0. */
export interface Disturber {
  settings(): Disturbances
  set(change: Partial<Disturbances>): void
  script(...faults: readonly ScriptedFault[]): void
  fate(kind: 'write' | 'read'): CallFate
  rollsBack(): boolean
  /** True when the session of the write call that has just arrived has ended. */
  endsSession(): boolean
  updateDelayMs(): number
  readLagMs(): number
  tornMs(): number
  /** True when the page now being read is to be torn. */
  tears(): boolean
}

export function createDisturber(deps: { readonly runtime: Runtime }, initial: Partial<Disturbances>): Disturber {
  let settings: Disturbances = { ...CALM, ...initial }
  const scripted: ScriptedFault[] = []
  const happens = (share: number): boolean => share > 0 && deps.runtime.random.next() < share
  const upTo = (ms: number): number => (ms > 0 ? Math.floor(deps.runtime.random.next() * (ms + 1)) : 0)
  const takeScripted = (on: ScriptedFault['on']): ScriptedFault | null => {
    const index = scripted.findIndex((fault) => fault.on === on)
    return index < 0 ? null : (scripted.splice(index, 1)[0] ?? null)
  }
  const drawError = (kind: 'write' | 'read'): CallFate['error'] => {
    if (kind === 'read') return happens(settings.readErrorShare) ? 'before' : 'none'
    if (happens(settings.errorBeforeCommitShare)) return 'before'
    if (happens(settings.errorMidBatchShare)) return 'midBatch'
    return happens(settings.errorAfterCommitShare) ? 'after' : 'none'
  }
  const drawLoss = (kind: 'write' | 'read'): CallFate['lost'] => {
    if (kind === 'read') return 'none'
    if (happens(settings.lostBeforeCommitShare)) return 'before'
    return happens(settings.lostAfterCommitShare) ? 'after' : 'none'
  }
  return {
    settings: () => settings,
    set: (change) => {
      settings = { ...settings, ...change }
    },
    script: (...faults) => {
      scripted.push(...faults)
    },
    fate: (kind) => {
      const fault = takeScripted(kind)
      if (fault !== null) return fateOf(fault)
      return {
        rateLimited: happens(settings.rateLimitedShare),
        error: drawError(kind),
        lost: drawLoss(kind),
        slowMs: kind === 'write' && happens(settings.slowShare) ? upTo(settings.slowMsMax) : 0,
        slowAnswerMs: happens(settings.slowAnswerShare) ? upTo(settings.slowAnswerMsMax) : 0,
      }
    },
    rollsBack: () => takeScripted('item') !== null || happens(settings.rollbackShare),
    endsSession: () => takeScripted('session') !== null || happens(settings.sessionEndedShare),
    updateDelayMs: () => upTo(settings.updateMsMax),
    readLagMs: () => settings.readLagMsMin + upTo(settings.readLagMsMax - settings.readLagMsMin),
    tornMs: () => upTo(settings.sweepTornMsMax),
    tears: () => happens(settings.sweepTornShare),
  }
}

const UNHARMED: CallFate = { rateLimited: false, error: 'none', lost: 'none', slowMs: 0, slowAnswerMs: 0 }

function fateOf(scripted: ScriptedFault): CallFate {
  switch (scripted.fault) {
    case 'rateLimited':
      return { ...UNHARMED, rateLimited: true }
    case 'errorBefore':
      return { ...UNHARMED, error: 'before' }
    case 'errorMidBatch':
      return { ...UNHARMED, error: 'midBatch' }
    case 'errorAfter':
      return { ...UNHARMED, error: 'after' }
    case 'lostBefore':
      return { ...UNHARMED, lost: 'before' }
    case 'lostAfter':
      return { ...UNHARMED, lost: 'after' }
    case 'slow':
      return { ...UNHARMED, slowMs: scripted.ms }
    case 'slowAnswer':
      return { ...UNHARMED, slowAnswerMs: scripted.ms }
    case 'rollback':
    case 'end':
      return UNHARMED
  }
}
