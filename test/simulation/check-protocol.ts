import type { Run, Violation } from './run.ts'

/** I4, I6, I8 at the moment of sending: see protocol.ts. What was under way when the store was lost is nobody's any more. */
export function checkProtocol(run: Run): Violation[] {
  const { restoredAtMs } = run
  return run.probes.protocol.breaches.flatMap(({ invariant, message, sinceMs }) =>
    (invariant === 'I8' || invariant === 'I12') && restoredAtMs !== null && sinceMs <= restoredAtMs ? [] : [{ invariant, message }],
  )
}
