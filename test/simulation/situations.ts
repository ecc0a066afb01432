/**
 * What a run over many seeds must have met, each in at least one of a hundred seeds: a workload that never gets into
 * trouble proves nothing.
 */
export const SITUATIONS_REQUIRED: readonly string[] = [
  'input-duplicate',
  'input-conflict',
  'input-stale',
  'outcome-unknown',
  'outcome-later',
  'outcome-refused',
  'unknown-resolved-applied',
  'unknown-resolved-failed',
  'intent-doubted',
  'partition-taken-over',
  'turn-fenced',
  'late-outcome',
  'condition-reopened',
  'healed',
  'lost-event-found',
  'command-adopted',
  'restored-partition-swept',
  'waiting heldBy',
  'parked posting.premiseGone',
  'parked posting.doneElsewhere',
  'parked command.outcomeUnknown',
  'unknown-resolved-absentOnce',
  'lease-lost',
  'partition-failed',
  'intake-outdated',
  'sweep-failed',
  'forgotten-document',
  'breaker-opened',
  'observation-refused',
  'subject-not-swept',
  'clock-set-back',
  'clock-set-forward',
  'unread-shown',
  'unread-seen-again',
  'unread-inherited',
]

export const SHARE_MIN = 0.01
