/**
 * Every code, once. Codes are never renamed. A test fails if a code lacks docs/runbooks/<code>.md or a runbook its code.
 */
export type ErrorClass = 'transient' | 'rateLimit' | 'authorization' | 'data' | 'mapping' | 'contract' | 'business' | 'unknown'

export interface ErrorEntry {
  readonly title: string
  readonly class: ErrorClass
  /** Role that owns it, resolved to a person by site. */
  readonly owner: 'integration' | 'qualityPlanning' | 'quality' | 'warehouse' | 'purchasing' | 'operations'
  /** True: the engine keeps trying by itself and the exception closes when it succeeds. */
  readonly retry: boolean
}

export const ERRORS = {
  'input.malformed': { title: 'The input is not what its content type says', class: 'contract', owner: 'integration', retry: false },
  'input.tooLarge': { title: 'The input exceeds a written limit', class: 'contract', owner: 'integration', retry: false },
  'input.sourceUnknown': { title: 'No connector is configured for the source', class: 'contract', owner: 'integration', retry: false },
  'mapping.failed': { title: 'The record could not be turned into canonical events', class: 'mapping', owner: 'integration', retry: false },
  'contract.violated': { title: 'A canonical event breaks its contract', class: 'contract', owner: 'integration', retry: false },
  'identity.conflict': { title: 'Same identity, other content', class: 'data', owner: 'integration', retry: false },
  'process.failed': { title: 'A decision threw; the instance waits', class: 'unknown', owner: 'integration', retry: false },
  'decision.unmatched': { title: 'A decision arrived for a receipt that is not known', class: 'data', owner: 'quality', retry: false },
  'decision.quantityMismatch': { title: 'The decision lines do not add up to the lot', class: 'business', owner: 'quality', retry: false },
  'portion.carrierMissing': { title: 'A line divides the lot without naming a carrier', class: 'business', owner: 'quality', retry: false },
  'receipt.reversedAfterDecision': {
    title: 'A receipt was reversed after its decision',
    class: 'business',
    owner: 'quality',
    retry: false,
  },
  'inspection.cancelledElsewhere': {
    title: 'The inspection was cancelled in the QMS; cancelled is never skip',
    class: 'business',
    owner: 'quality',
    retry: false,
  },
  'inspection.late': { title: 'An inspection has not been created or decided in time', class: 'business', owner: 'quality', retry: false },
  'hold.foreign': {
    title: 'A restriction that Holdpoint did not place stands in the way',
    class: 'business',
    owner: 'warehouse',
    retry: false,
  },
  'hold.placingFailed': {
    title: 'A hold could not be placed on any rung of the ladder',
    class: 'business',
    owner: 'warehouse',
    retry: true,
  },
  'hold.heldByRung': {
    title: 'The stock posting was refused; a higher rung holds the lot',
    class: 'business',
    owner: 'warehouse',
    retry: true,
  },
  'posting.doneElsewhere': { title: 'The quantity is not where the decision left it', class: 'business', owner: 'warehouse', retry: false },
  'posting.refused': { title: 'The target refused a posting for good', class: 'business', owner: 'warehouse', retry: false },
  'posting.premiseGone': { title: 'The decision behind a release no longer stands', class: 'business', owner: 'quality', retry: false },
  'command.outcomeUnknown': {
    title: 'Sent, no answer, and the target offers no way to ask',
    class: 'unknown',
    owner: 'integration',
    retry: false,
  },
  'command.ambiguous': {
    title: 'More than one effect may stand under one reference',
    class: 'unknown',
    owner: 'integration',
    retry: false,
  },
  'plan.missing': { title: 'No released inspection plan for the item', class: 'business', owner: 'qualityPlanning', retry: false },
  'record.missing': { title: 'A record that existed is gone', class: 'data', owner: 'quality', retry: false },
  'record.duplicate': { title: 'More than one record carries the same external key', class: 'data', owner: 'quality', retry: false },
  'record.refused': { title: 'The target refused to create or change a record', class: 'business', owner: 'quality', retry: false },
  'goal.failed': { title: 'A check threw; the goals of this subject wait', class: 'unknown', owner: 'integration', retry: true },
  'action.failed': { title: 'An action threw; nothing of it was done', class: 'unknown', owner: 'integration', retry: false },
  'goal.commandsExhausted': {
    title: 'A goal used up its commands without being met',
    class: 'unknown',
    owner: 'integration',
    retry: false,
  },
  'goal.healedTwice': { title: 'The same goal was healed twice in 24 hours', class: 'business', owner: 'warehouse', retry: false },
  'target.unavailable': { title: 'A target does not answer', class: 'transient', owner: 'operations', retry: true },
  'target.unauthorized': { title: 'A target refuses our credentials', class: 'authorization', owner: 'integration', retry: true },
  'notice.undelivered': { title: 'A notice did not arrive in time', class: 'transient', owner: 'operations', retry: false },
  'stock.negative': { title: 'A negative bucket: release stops until it is explained', class: 'data', owner: 'warehouse', retry: true },
  'drift.unexplained': { title: 'A system differs and no goal explains it', class: 'data', owner: 'operations', retry: true },
  'store.schemaAhead': { title: 'The store was written by a newer version', class: 'contract', owner: 'operations', retry: false },
  'store.settingsUnsafe': { title: 'The store would lose acknowledged data', class: 'contract', owner: 'operations', retry: false },
  'store.inUse': { title: 'Another process has the store open', class: 'contract', owner: 'operations', retry: false },
  'store.olderCopy': { title: 'An older copy of the store was put in its place', class: 'data', owner: 'operations', retry: false },
  'store.failed': {
    title: 'The disk failed under the store; nothing more is accepted',
    class: 'unknown',
    owner: 'operations',
    retry: false,
  },
  'disk.low': { title: 'Intake stops: the disk is almost full', class: 'transient', owner: 'operations', retry: true },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS
