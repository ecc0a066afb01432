import type { Run, Violation } from './run.ts'
import { TIMES } from './shape.ts'

/** Two workers' hub clocks agree within this. */
const CLOCKS_APART_MS_MAX = 600

/** What protocol.ts saw. What was under way when the store was lost is nobody's any more. */
export function checkProtocol(run: Run): Violation[] {
  const { restoredAtMs, probes } = run
  const breaches = probes.protocol.breaches.flatMap(({ invariant, message, sinceMs }) =>
    (invariant === 'I8' || invariant === 'I12') && restoredAtMs !== null && sinceMs <= restoredAtMs ? [] : [{ invariant, message }],
  )
  return [...breaches, ...checkPatience(run)]
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
