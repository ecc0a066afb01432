import type { Run } from './run.ts'
import type { Violation } from './violation.ts'

/** I35: no partition stops but for its store, whatever a system shows, and no order key throws while it is evaluated. */
export function checkBugs({ probes, world }: Run): Violation[] {
  const stops = probes.stops.filter((reason) => !reason.startsWith('StoreUnavailable'))
  const caught = ['goal-failed', 'effect-failed', 'action-failed'].reduce((sum, label) => sum + (world.situations.get(label) ?? 0), 0)
  return [
    ...stops.map((reason) => ({ invariant: 'I35', message: `a partition stopped: ${reason.slice(0, 300)}` })),
    ...(caught === 0 ? [] : [{ invariant: 'I35', message: `a guard had to catch what threw, ${caught} times` }]),
  ]
}
