import { scopeCovers } from '../../src/model/scope.ts'
import type { StockDocument } from '../../src/plant/counting-erp/types.ts'
import type { DecisionLine } from '../../src/plant/counting-qms/types.ts'
import type { Run } from './run.ts'
import { TIMES } from './shape.ts'
import type { Violation } from './violation.ts'

/** Moments are compared with this much slack: the wire is not watched inside its own step. */
const SLACK_MS = 1

type HoldDecision = Run['probes']['holdDecisions'][number]

interface Freeing {
  readonly document: StockDocument
  readonly sentAtMs: number
}

/** Our documents that made quantity usable, with the moment their request was handed to the wire. */
function freeings(run: Run): Freeing[] {
  const found: Freeing[] = []
  for (const document of run.plant.erp.books.documents()) {
    if (document.causedBy === null || document.to?.stock !== 'UNR' || document.from === null || document.from.stock === 'UNR') continue
    const arrived = document.arrivedMs + run.plantClock.erp
    const sends = run.probes.sends.filter((send) => send.reference === document.causedBy && send.atMs <= arrived + SLACK_MS)
    const sentAtMs = sends.at(-1)?.atMs
    if (sentAtMs !== undefined) found.push({ document, sentAtMs })
  }
  return found
}

/** I8: nothing is freed by a request sent after a hold over it was decided, unless that hold had been lifted. */
export function checkHolds(run: Run): Violation[] {
  const violations: Violation[] = []
  for (const { document, sentAtMs } of freeings(run)) {
    const lot = `erp-1:${document.lot}`
    const known = run.probes.holdDecisions.filter((decision) => decision.lot === lot && decision.atMs >= (run.restoredAtMs ?? 0))
    const forbids = (untilMs: number): HoldDecision | null => {
      const last = known.filter((decision) => decision.atMs <= untilMs).at(-1)
      const over = last?.change === 'held' && last.scope !== null && scopeCovers(last.scope, document.from?.carrier ?? null)
      return over ? last : null
    }
    const last = forbids(sentAtMs)
    if (last === null || forbids(sentAtMs - SLACK_MS) === null) continue
    violations.push({
      invariant: 'I8',
      message: `${lot}: document ${document.number} (${document.causedBy}) freed stock, sent at ${sentAtMs}, held since ${last.atMs}`,
    })
  }
  return violations
}

/** I15 without signature, I17: every release of ours rests on an acceptance that stood in the QMS not long before it was sent. */
export function checkReleases(run: Run): Violation[] {
  const violations: Violation[] = []
  const { qms } = run.plant
  for (const { document, sentAtMs } of freeings(run)) {
    if (document.from?.stock === 'BLK' && liftedBefore(run, document.lot, sentAtMs)) continue
    const since = sentAtMs - TIMES.premiseAgeMsMax - run.shape.lagMs - TIMES.callTimeoutMs
    const stood = qms.books.inspections().some((inspection) => {
      if (inspection.attributes['lot'] !== `erp-1:${document.lot}`) return false
      const versions = qms.books.history(inspection.number)
      return versions.some((version, index) => {
        const from = version.changedAtMs + run.plantClock.qms
        const until = (versions[index + 1]?.changedAtMs ?? Number.POSITIVE_INFINITY) + run.plantClock.qms
        const accepts = version.decision?.lines.some((line) => line.usage === 'ACCEPT' && covers(line, document.from?.carrier ?? null))
        return accepts === true && from <= sentAtMs && until >= since
      })
    })
    if (!stood)
      violations.push({
        invariant: 'I15',
        message: `${document.lot}: document ${document.number} (${document.causedBy}) freed ${document.amount} from ${document.from?.stock} at ${sentAtMs} without an acceptance that stood then`,
      })
  }
  return violations
}

/** I15: not longer ago than its age limit, what a release rests on was read again. */
export function checkPremises(run: Run): Violation[] {
  const violations: Violation[] = []
  for (const { document, sentAtMs } of freeings(run)) {
    if (!run.probes.protocol.resting.has(document.causedBy ?? '')) continue
    const name = `#erp-1:${document.lot}`
    const read = run.probes.reads.some(
      ({ atMs, instance, subject }) =>
        instance === 'qms-1' && subject.endsWith(name) && atMs <= sentAtMs && atMs >= sentAtMs - TIMES.premiseAgeMsMax - SLACK_MS,
    )
    if (!read)
      violations.push({
        invariant: 'I15',
        message: `${document.lot}: document ${document.number} (${document.causedBy}) was sent at ${sentAtMs} on a decision that had not been read lately`,
      })
  }
  return violations
}

function covers({ portion }: DecisionLine, carrier: string | null): boolean {
  if (portion === null || portion.part === 'ALL') return true
  const names = portion.part === 'REST' ? portion.except : portion.carriers
  return (portion.part === 'CARRIERS') === (carrier !== null && names.includes(carrier))
}

/** A lift of a hold that had been placed on released stock gives back what the hold took out of use. */
function liftedBefore(run: Run, lot: string, sentAtMs: number): boolean {
  return run.probes.holdDecisions.some(
    (decision) => decision.lot === `erp-1:${lot}` && decision.change === 'lifted' && decision.atMs <= sentAtMs,
  )
}

/** RULES 7: what a person restricted is never freed by us: our part of blocked stock never goes below zero. */
export function checkForeignHolds(run: Run): Violation[] {
  const violations: Violation[] = []
  const own = new Map<string, bigint>()
  const total = new Map<string, bigint>()
  const add = (map: Map<string, bigint>, key: string, amount: bigint): bigint => {
    const sum = (map.get(key) ?? 0n) + amount
    map.set(key, sum)
    return sum
  }
  for (const document of run.plant.erp.books.documents()) {
    const ours = document.causedBy !== null
    const into = document.to?.stock === 'BLK'
    const out = document.from?.stock === 'BLK'
    if (into && !out) {
      add(total, document.lot, document.amount)
      if (ours) add(own, document.lot, document.amount)
    }
    if (out && !into) {
      const left = add(total, document.lot, -document.amount)
      if (ours) {
        if (add(own, document.lot, -document.amount) < 0n)
          violations.push({
            invariant: 'rule 7',
            message: `${document.lot}: document ${document.number} freed blocked stock that a person had blocked`,
          })
      } else if ((own.get(document.lot) ?? 0n) > left) own.set(document.lot, left)
    }
  }
  return violations
}
