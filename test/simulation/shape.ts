import type { WriteClass } from '../../src/plant/write-protection.ts'
import type { FaultRates } from '../../src/runtime/faults.ts'
import type { RandomStream } from '../../src/runtime/random-stream.ts'
import type { BlindReads } from './blind-reads.ts'
import type { CallLimits } from './call-limits.ts'
import type { SharedBatch } from './shared-batch.ts'

/**
 * What one seed is about. Each seed first draws which features and faults are on at all (swarm testing), so that rare
 * combinations meet without everything always happening at once. Times are virtual milliseconds, scaled down in
 * proportion from vendor-sized defaults: call timeout < quiesce, lag < quiesce, lease > call timeout.
 */
export interface Shape {
  readonly store: 'sqlite' | 'memory'
  readonly partitions: number
  readonly erpClass: WriteClass
  readonly qmsClass: WriteClass
  readonly evidence: 'answer' | 'readBack'
  readonly lagMs: number
  readonly slowMsMax: number
  readonly holdsMayPass: boolean
  readonly rungs: boolean
  readonly receipts: number
  readonly people: boolean
  readonly holds: boolean
  readonly reversals: boolean
  readonly portions: boolean
  readonly conflicts: boolean
  readonly periodCloses: boolean
  readonly rollbacks: boolean
  readonly landsUnrestricted: boolean
  readonly lateDecisions: boolean
  readonly restoreAtMs: number | null
  readonly powerLoss: boolean
  readonly commitFaults: boolean
  readonly outages: boolean
  readonly clockSkewMs: number
  /** The machine under workers and store starts anew, and its clock is another one. */
  readonly clockSet: { readonly atMs: number; readonly byMs: number } | null
  readonly pushDelayMsMax: number
  readonly pushDuplicateShare: number
  readonly pushBatchMax: number
  readonly errorShare: number
  /** Trouble aimed at sends and releases: see aim.ts. */
  readonly aimedPauses: boolean
  readonly aimedHolds: boolean
  /** Connections take long to open, so that the send guard is asked well after the call. */
  readonly slowConnects: boolean
  /** Answers that leave out an item's result. */
  readonly shortAnswers: boolean
  /** Quantities that are none: see nonsense-answers.ts. */
  readonly nonsense: boolean
  /** These three are drawn apart from the rest. */
  readonly blindReads: BlindReads | null
  readonly sharedBatch: SharedBatch | null
  readonly callLimits: CallLimits
  readonly network: FaultRates
  /** Faults, and the workload, end here; then everything must come right. */
  readonly healAtMs: number
}

/** Settings of every seed: see DEFAULT_SETTINGS for the real sizes. */
export const TIMES = {
  leaseMs: 4_000,
  callTimeoutMs: 1_000,
  sendDeadlineMs: 500,
  quiesceMs: 4_000,
  premiseAgeMsMax: 6_000,
  sweepIntervalMs: 8_000,
  retryBaseMs: 200,
  retryCapMs: 4_000,
  checkpointMs: 500,
  keyWindowMs: 60_000,
} as const

const ERP_CLASSES: readonly WriteClass[] = [
  'queryable',
  'queryable',
  'queryable',
  'key',
  'conditional',
  'transportId',
  'file',
  'externalId',
  'natural',
  'unsafe',
]
const QMS_CLASSES: readonly WriteClass[] = ['externalId', 'externalId', 'queryable', 'key', 'transportId']

const HOUR_MS = 3_600_000

/** From a stream of its own: to add this fault has left the histories of other seeds as they were. */
export function drawClockSet(random: RandomStream, healAtMs: number): Shape['clockSet'] {
  if (random.next() >= 0.2) return null
  const sign = random.next() < 0.6 ? -1 : 1
  return { atMs: 5_000 + random.next() * (healAtMs - 10_000), byMs: sign * Math.round((1 + random.next() * 5) * HOUR_MS) }
}

export function drawShape(random: RandomStream): Omit<Shape, 'clockSet' | 'blindReads' | 'sharedBatch' | 'callLimits'> {
  const chance = (share: number): boolean => random.next() < share
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)] as T
  const upTo = (most: number): number => Math.floor(random.next() * most)
  const workerFaults = chance(0.7)
  const wireFaults = chance(0.7)
  const erpClass = pick(ERP_CLASSES)
  const qmsClass = pick(QMS_CLASSES)
  // A wire that delivers one request twice beats every protocol where the target keeps no key.
  const doublesAreSafe = erpClass !== 'queryable' && erpClass !== 'unsafe' && qmsClass !== 'queryable'
  const store = chance(0.5) ? 'sqlite' : 'memory'
  return {
    store,
    partitions: 4,
    erpClass,
    qmsClass,
    evidence: chance(0.75) ? 'readBack' : 'answer',
    lagMs: pick([0, 0, 400, 1_200]),
    slowMsMax: chance(0.5) ? 2_000 : 0,
    holdsMayPass: chance(0.7),
    rungs: chance(0.6),
    receipts: 1 + upTo(4),
    people: chance(0.6),
    holds: chance(0.6),
    reversals: chance(0.35),
    portions: chance(0.4),
    conflicts: chance(0.25),
    periodCloses: chance(0.25),
    rollbacks: chance(0.2),
    landsUnrestricted: chance(0.3),
    lateDecisions: chance(0.3),
    restoreAtMs: store === 'memory' && chance(0.4) ? 10_000 + upTo(30_000) : null,
    powerLoss: store === 'memory' && chance(0.3),
    commitFaults: chance(0.3),
    outages: chance(0.3),
    clockSkewMs: chance(0.3) ? upTo(2 * 864_000_000) - 864_000_000 : 0,
    pushDelayMsMax: pick([0, 200, 3_000]),
    pushDuplicateShare: pick([0, 0.1, 0.5]),
    pushBatchMax: pick([1, 5]),
    errorShare: chance(0.5) ? 0.08 : 0,
    network: {
      crash: workerFaults ? 0.0015 : 0,
      pause: workerFaults ? 0.0015 : 0,
      pauseMsMax: 15_000,
      restartAfterMsMax: 6_000,
      slowMsMax: 1_500,
      requests: wireFaults
        ? {
            refuse: 0.02,
            loseRequest: 0.02,
            loseReply: 0.05,
            duplicate: doublesAreSafe ? 0.03 : 0,
            reset: 0.02,
            halfOpen: 0.01,
            slow: 0.03,
          }
        : {},
    },
    healAtMs: 40_000 + upTo(20_000),
    aimedPauses: chance(0.3),
    aimedHolds: chance(0.3),
    slowConnects: chance(0.35),
    shortAnswers: chance(0.25),
    nonsense: chance(0.2),
  }
}
