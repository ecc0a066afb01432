/**
 * What cannot be read, shown to a person: without a read nothing is sent, so a hold would wait in silence. One exception
 * per goal, place and code, all those of one system in one cause group; closed by the next read that succeeds, or with
 * the goal. Must never change a goal.
 */
import type { ErrorClass, ErrorCode } from '../errors.ts'
import { type Goal, orderKeyOf } from '../model/goal.ts'
import type { Runtime } from '../runtime.ts'
import { type Attempt, guarded } from './attempt.ts'
import { type ExceptionRecord, openException } from './exceptions.ts'
import type { PartitionMemory } from './memory.ts'
import type { ReadFailure } from './reader.ts'
import type { EngineSettings } from './settings.ts'
import { clear, goalIn, raise, type Turn } from './turn.ts'

export interface Place {
  readonly system: string
  readonly resource: string
  readonly subject: string
}

/** How a read ended that a goal waited for. Null: it was answered. */
export interface ReadEnd {
  readonly goal: string
  readonly place: Place
  readonly failure: ReadFailure | null
}

const GROUP = 'read:'
const AWAY: ErrorCode = 'target.unavailable'

const CODES: Readonly<Record<ErrorClass, ErrorCode>> = {
  mapping: 'mapping.failed',
  data: 'mapping.failed',
  business: 'mapping.failed',
  contract: 'contract.violated',
  authorization: 'target.unauthorized',
  transient: AWAY,
  rateLimit: AWAY,
  unknown: AWAY,
}

/** True: a turn has something to do about it. Asked at every try, so it looks at what is in mind only. */
export function noteReadEnd(memory: PartitionMemory, settings: EngineSettings, { goal, place, failure }: ReadEnd): boolean {
  const key = `${goal}|${subjectOf(place)}`
  const known = openOf(memory, goal).filter((record) => isOfPlace(record, place))
  // What a turn was told of may not be durable yet, and is to be closed all the same.
  if (failure === null) return memory.unread.delete(key) || known.length > 0
  const waiting = memory.goals.get(goal)
  if (waiting === undefined || waiting.state === 'parked') return false
  const code = CODES[failure.class]
  // What already shows for another reason is not shown again because the system is away as well.
  if (known.some((record) => record.code === code) || (known.length > 0 && code === AWAY)) return false
  if (!isOverdue(waiting, failure, settings)) return false
  memory.unread.add(key)
  return true
}

function openOf(memory: PartitionMemory, goal: string): ExceptionRecord[] {
  return [...(memory.exceptionsByGoal.get(goal) ?? [])].flatMap((id) => memory.exceptions.get(id) ?? [])
}

/** A target may be away for a moment. What it answers and we cannot use does not get better by waiting. */
function isOverdue({ lane }: Goal, failure: ReadFailure, settings: EngineSettings): boolean {
  if (CODES[failure.class] !== AWAY) return true
  const graceMs = lane === 'safety' ? settings.unreadSafetyMsMax : settings.unreadMsMax
  return failure.againMs - failure.sinceMs >= graceMs
}

/** What throws stops the order key of the goal only. */
export function takeReadEnd(one: Attempt, end: ReadEnd): void {
  const { turn, parts } = one
  const goal = goalIn(turn, end.goal)
  const take = (): void => noteEnd(turn, parts.deps.runtime, end)
  if (goal === undefined) take()
  else guarded(one, { orderKey: orderKeyOf(goal), goals: [goal] }, take)
}

function noteEnd(turn: Turn, { hash, sometimes }: Runtime, { goal, place, failure }: ReadEnd): void {
  const { memory } = turn
  if (failure === null) {
    sometimes('unread-seen-again')
    for (const record of [...openOf(memory, goal), ...turn.exceptions.values()])
      if (record.goal === goal && isOfPlace(record, place)) clear(turn, record.id, null)
    return
  }
  if (!memory.goals.has(goal)) return
  const code = CODES[failure.class]
  const opened = openException(hash, turn.at, {
    code,
    causeGroup: `${GROUP}${place.system}:${code}`,
    subject: subjectOf(place),
    detail: `no read since ${new Date(failure.sinceMs).toISOString()} (${failure.class}): ${failure.detail}`,
    goal,
  })
  // Tried again by itself, whatever the code says elsewhere.
  raise(turn, { ...opened, retry: true })
  sometimes('unread-shown')
}

/** The owner before may have left what it could not read: asked again, so that the answer closes it. */
export function readAgain(turn: Turn, { sometimes }: Runtime): void {
  const { memory, effects, at } = turn
  for (const record of memory.exceptions.values()) {
    if (!record.causeGroup.startsWith(GROUP) || record.goal === null) continue
    sometimes('unread-inherited')
    const goal = memory.goals.get(record.goal)
    if (goal !== undefined && isOfPlace(record, goal)) effects.push({ effect: 'read', goal, notBefore: at })
    else if (goal !== undefined && isOfPremise(record, goal)) effects.push({ effect: 'readPremise', goal })
    else clear(turn, record.id, null)
  }
}

function isOfPremise(record: ExceptionRecord, { premise }: Goal): boolean {
  return premise !== null && isOfPlace(record, { ...premise, subject: premise.key })
}

function isOfPlace({ causeGroup, subject }: ExceptionRecord, place: Place): boolean {
  return causeGroup.startsWith(GROUP) && subject === subjectOf(place)
}

/** Another subject than that of a command's exception: each closes for itself. */
function subjectOf({ system, resource, subject }: Place): string {
  return `${resource} of ${system} ${subject}`
}
