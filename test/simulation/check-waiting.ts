import { type Command, type Goal, orderKeyOf } from '../../src/model/goal.ts'
import { BLIND_MS } from './blind-reads.ts'
import { type LedgerView, readLedger } from './ledger-view.ts'
import type { Run } from './run.ts'
import { TIMES } from './shape.ts'
import type { Violation } from './violation.ts'

const OUTAGE_MS_MAX = 10_000
/** Twice the longest outage, and what an outcome and a new owner may take. */
const SILENT_MS_MAX = 2 * OUTAGE_MS_MAX + TIMES.quiesceMs + 2 * TIMES.leaseMs
/** What concerns everything of its system. */
const OF_SYSTEM: ReadonlySet<string> = new Set(['target.unavailable', 'target.unauthorized'])

/** I34: a hold that is not in force, long after calm, is shown to a person: itself, or the system that it waits for. */
export async function checkWaiting(run: Run): Promise<Violation[]> {
  const view = await readLedger(run.store())
  const startMs = Date.parse(await run.store().databaseNow()) - run.world.now()
  return view.goals.flatMap((goal) => {
    const silentMs = run.world.now() - Math.max(unmetSinceMs(goal) - startMs, calmSinceMs(run))
    if (goal.lane !== 'safety' || goal.state !== 'open' || silentMs < SILENT_MS_MAX || isShown(goal, view)) return []
    return [{ invariant: 'I34', message: `${goal.name} ${goal.system} ${goal.subject} waits for ${Math.round(silentMs)} ms in silence` }]
  })
}

/** What could not be read until now is on its way only now. */
function calmSinceMs({ shape, world }: Run): number {
  const seenAgainMs = shape.healAtMs + BLIND_MS
  return shape.blindReads !== null && world.now() > seenAgainMs ? seenAgainMs : shape.healAtMs
}

function unmetSinceMs(goal: Goal): number {
  return Math.max(...[goal.setAt, goal.reopenedAt.at(-1) ?? '', goal.retryAskedAt ?? ''].map((at) => (at === '' ? 0 : Date.parse(at))))
}

function isShown(goal: Goal, view: LedgerView): boolean {
  if (goal.waiting.startsWith('heldBy:') || isBehindSibling(goal, view)) return true
  return view.exceptions.some(
    (exception) => exception.goal === goal.id || (OF_SYSTEM.has(exception.code) && exception.causeGroup.split(':').includes(goal.system)),
  )
}

/** Its turn comes when the outcome of another goal's command is known: that goal is judged by itself. */
function isBehindSibling(goal: Goal, { goals }: LedgerView): boolean {
  const isUnsettled = ({ state }: Command): boolean => state === 'intent' || state === 'unknown'
  return goals.some((other) => other.id !== goal.id && orderKeyOf(other) === orderKeyOf(goal) && other.commands.some(isUnsettled))
}

/** I34: what can be read again is no longer shown as unread. */
export function checkUnread(view: LedgerView): Violation[] {
  return view.exceptions.flatMap(({ causeGroup, subject }) =>
    causeGroup.startsWith('read:') ? [{ invariant: 'I34', message: `${subject} is still shown as unread` }] : [],
  )
}
