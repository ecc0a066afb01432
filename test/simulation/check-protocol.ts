import { DEFAULT_SETTINGS } from '../../src/engine/settings.ts'
import type { Run } from './run.ts'
import { TIMES } from './shape.ts'
import type { Violation } from './violation.ts'

/** Two workers' hub clocks agree within this. */
const CLOCKS_APART_MS_MAX = 600
const SLACK_MS = 1
/** Limit of the engine's settings, and the time of a call. */
/** A read may have been on its way through a pause of its worker. */
const PAUSE_MS_MAX = 20_000
const READ_AGE_MS_MAX = DEFAULT_SETTINGS.observationAgeMsMax + TIMES.callTimeoutMs + PAUSE_MS_MAX

/** What protocol.ts saw. What was under way when the store was lost is nobody's any more. */
export function checkProtocol(run: Run): Violation[] {
  const { restoredAtMs, probes } = run
  const breaches = probes.protocol.breaches.flatMap(({ invariant, message, sinceMs, unlessRestored }) => {
    const lost = (invariant === 'I8' || invariant === 'I12') && restoredAtMs !== null && sinceMs <= restoredAtMs
    const excused = unlessRestored === true && restoredAtMs !== null && sinceMs > restoredAtMs
    return lost || excused ? [] : [{ invariant, message }]
  })
  return [...breaches, ...checkPatience(run), ...checkReads(run)]
}

/** I11: nothing is settled as not done before quiesce is over and what was done would show. */
function checkPatience({ probes, shape }: Run): Violation[] {
  const earliest = TIMES.quiesceMs + shape.lagMs
  return probes.protocol.disproved.flatMap(({ reference, afterMs }) =>
    afterMs >= earliest - CLOCKS_APART_MS_MAX
      ? []
      : [{ invariant: 'I11', message: `${reference} was settled as not done ${afterMs} ms after the doubt, and not after ${earliest}` }],
  )
}

/** What is decided is decided on a read of that very lot: not on a sweep's page, nor on one older than what was settled since. */
function checkReads({ probes, shape }: Run): Violation[] {
  const { reads, protocol } = probes
  // Entries carry hub time, reads virtual time: after a machine came back with another clock they are not the same to the millisecond.
  const apartMs = shape.clockSet === null ? SLACK_MS : CLOCKS_APART_MS_MAX
  return protocol.moves.flatMap(({ reference, orderKey, atMs, settledMs }) => {
    const since = Math.max(settledMs === null ? 0 : settledMs + shape.lagMs, atMs - READ_AGE_MS_MAX)
    const read = reads.some(
      (one) => `${one.instance}|${one.subject}` === orderKey && one.atMs >= since - apartMs && one.atMs <= atMs + apartMs,
    )
    return read
      ? []
      : [
          {
            invariant: 'I11',
            message: `${reference} of ${orderKey} was decided at ${atMs} without a read since ${since}`,
          },
        ]
  })
}

/** I13: what a connector said of an item is so in the target's own books. Asked once everything has come to rest. */
export function checkAnswers({ probes, plant, shape }: Run): Violation[] {
  const violations: Violation[] = []
  for (const [reference, { instance, unprotected, applied, last }] of probes.protocol.said) {
    const { books } = instance === 'erp-1' ? plant.erp : plant.qms
    const done = books.effectsOf(reference)
    const undone = books.rolledBack().filter((one) => one.reference === reference).length
    // Where the target knows a repeated request again, one effect answers for all of them.
    const claimed = unprotected ? applied : Math.min(applied, 1)
    if (claimed > done + undone)
      violations.push({
        invariant: 'I13',
        message: `${instance}: ${reference} was answered as applied ${applied} times, and ${done + undone} times it was`,
      })
    // A repeat may be refused while the first attempt is still under way: that refusal proves nothing.
    const doubled = (shape.network.requests?.duplicate ?? 0) > 0
    if (last === 'refused' && done > 0 && !doubled && probes.protocol.sent.get(reference) === 1)
      violations.push({ invariant: 'I13', message: `${instance}: ${reference} was answered as refused and is done` })
  }
  return violations
}
