/** Every limit and delay of the engine, in one place. Frozen at start. Milliseconds unless the name says otherwise. */
export interface EngineSettings {
  /** Two characters in front of every reference. */
  readonly referencePrefix: string
  readonly leaseMs: number
  /** Partitions this worker takes at once; others only after their lease has been dead for `leaseMs`. */
  readonly share: { readonly index: number; readonly of: number }
  /** From the durable intent to the socket write. */
  readonly sendDeadlineMs: number
  readonly premiseAgeMsMax: number
  /** Nothing is sent on an observation older than this. */
  readonly observationAgeMsMax: number
  readonly readLingerMs: number
  /** So long a system may not answer the reads of a goal before a person is told; shorter for goals of lane safety. */
  readonly unreadMsMax: number
  readonly unreadSafetyMsMax: number
  /** Between two calls to a target that does not answer; holds go on every second at the latest. */
  readonly probeIntervalMs: number
  readonly sweepIntervalMs: number
  /** How far the rows may lag behind the journal: what several turns change of a row is written once. */
  readonly checkpointMs: number
  readonly retryBaseMs: number
  readonly retryCapMs: number
  readonly attemptsMax: number
  /** Deliveries, outcomes and observations folded into one turn. */
  readonly turnItemsMax: number
  /** Inbox rows read ahead per partition. */
  readonly inboxAheadMax: number
  readonly intakeBatchMax: number
  /** Inputs waiting for the journal; beyond it intake answers 503. As many holds again still pass. */
  readonly intakeQueueMax: number
  readonly instancesCachedMax: number
  readonly premisesKeptMax: number
  readonly entriesCachedMax: number
  readonly sending: 'active' | 'shadow'
}

export const DEFAULT_SETTINGS: EngineSettings = Object.freeze({
  referencePrefix: 'HP',
  leaseMs: 10_000,
  share: Object.freeze({ index: 0, of: 1 }),
  sendDeadlineMs: 2_000,
  premiseAgeMsMax: 30_000,
  observationAgeMsMax: 10_000,
  readLingerMs: 5,
  unreadMsMax: 30_000,
  unreadSafetyMsMax: 5_000,
  probeIntervalMs: 10_000,
  sweepIntervalMs: 60_000,
  checkpointMs: 2_000,
  retryBaseMs: 1_000,
  retryCapMs: 300_000,
  attemptsMax: 8,
  turnItemsMax: 400,
  inboxAheadMax: 2_000,
  intakeBatchMax: 500,
  intakeQueueMax: 20_000,
  instancesCachedMax: 4_000,
  premisesKeptMax: 10_000,
  entriesCachedMax: 8_000,
  sending: 'active',
})
