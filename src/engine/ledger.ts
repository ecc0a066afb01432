/**
 * Goals and their commands within a turn: asks `reconcile` for the next step of every goal of an order key and
 * carries it out as journal entries and effects. Must never send, never read, and never decide what `reconcile` decides.
 */
import { assert, unreachable } from '../assert.ts'
import type { Outcome, ResourceSpec } from '../connectors/connector.ts'
import type { ErrorCode } from '../errors.ts'
import { LANES } from '../model/envelope.ts'
import type { GoalSettled } from '../model/events.ts'
import { type Command, type Goal, orderKeyOf } from '../model/goal.ts'
import { addMs } from '../model/time.ts'
import { type NextStep, type ReconcilePolicy, reconcile } from '../reconcile/reconcile.ts'
import { attempt, guarded } from './attempt.ts'
import { sameValue } from './canonical.ts'
import type { EngineDeps } from './deps.ts'
import { commandId, goalId, reference } from './derive.ts'
import { openException } from './exceptions.ts'
import { observationKey } from './memory.ts'
import { settledEvent } from './run.ts'
import { changeGoal, clearGoal, goalIn, goalsOf, raise, type Turn } from './turn.ts'

const STEPS_PER_ORDER_KEY_MAX = 500
const DAY_MS = 86_400_000

export interface LedgerParts {
  readonly deps: EngineDeps
  readonly resourceOf: (system: string, resource: string) => ResourceSpec
  /** Takes a place in the target's queue, or says that there is none. Given back by the outcome or a lost turn. */
  readonly takeRoom: (goal: Goal) => boolean
  readonly giveRoom: (goal: Goal) => void
  /** After a restore, until this partition's systems have been swept. */
  readonly queryFirst: () => boolean
  /** Hub time at which this owner began. */
  readonly ownedSince: () => string
}

/** One turn's view of the ledger. */
export interface Ledger {
  readonly turn: Turn
  readonly parts: LedgerParts
}

/** Evaluates every dirty order key until nothing more follows from what is known. */
export function evaluateDirty(ledger: Ledger): void {
  const { turn } = ledger
  for (const orderKey of turn.dirty) {
    turn.dirty.delete(orderKey)
    attempt(ledger, orderKey, () => evaluateOrderKey(ledger, orderKey))
  }
}

function evaluateOrderKey(ledger: Ledger, orderKey: string): void {
  const { undoubted } = ledger.turn.memory
  if (undoubted.has(orderKey)) doubtIntents(ledger, orderKey)
  for (let steps = 0; takeFirstStep(ledger, orderKey); steps++) {
    assert(steps < STEPS_PER_ORDER_KEY_MAX, `order key ${orderKey} does not come to rest`)
  }
  ledger.turn.dirty.delete(orderKey)
  undoubted.delete(orderKey)
}

/** Takes the first step that changes something; false: everything of this order key is at rest. */
function takeFirstStep(ledger: Ledger, orderKey: string): boolean {
  const goals = goalsOf(ledger.turn, orderKey)
  // In order already but for a new one: a sort would copy the list each time.
  if (goals.some((goal, index) => index > 0 && byUrgency(goals[index - 1] as Goal, goal) > 0)) goals.sort(byUrgency)
  const commands = goals.length === 1 ? (goals[0] as Goal).commands : goals.flatMap((goal) => goal.commands)
  // Documents follow the order of decisions: while an earlier posting is on its way, a later one does not start.
  let postingAhead = false
  for (const goal of goals) {
    const step = nextStep(ledger, { goal, siblings: goals, commands, orderKey })
    const inTurn = goal.kind === 'posting' && goal.lane !== 'safety'
    if (inTurn && postingAhead && (step.step === 'send' || step.step === 'resend')) continue
    if (carryOut(ledger, goal, step)) return true
    if (inTurn && UNDER_WAY.has(step.step)) postingAhead = true
  }
  return false
}

/** Steps of a goal that goes on by itself. */
const UNDER_WAY: ReadonlySet<NextStep['step']> = new Set(['wait', 'read', 'readPremise', 'send', 'resend'])

function byUrgency(one: Goal, other: Goal): number {
  return LANES.indexOf(one.lane) - LANES.indexOf(other.lane) || compare(one.setAt, other.setAt) || one.setOrder - other.setOrder
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

interface Asked {
  readonly goal: Goal
  readonly orderKey: string
  /** All goals of the order key. */
  readonly siblings: readonly Goal[]
  readonly commands: readonly Command[]
}

const NONE: readonly never[] = []

function nextStep(ledger: Ledger, asked: Asked): NextStep {
  const { goal, commands } = asked
  const observation = ledger.turn.memory.observations.get(observationKey(goal.system, goal.resource, goal.subject)) ?? null
  return reconcile(goal, observation, commands, new Policy(ledger, asked))
}

/** Asked for every step of every goal, and most steps ask for little: what costs something is worked out when it is asked for. */
class Policy implements ReconcilePolicy {
  readonly #ledger: Ledger
  readonly #asked: Asked
  #holds: ReconcilePolicy['holds'] | null = null
  #undoes: readonly string[] | null = null
  #replaced: ReconcilePolicy['replaced'] | null = null
  readonly now: string
  readonly idempotency: ReconcilePolicy['idempotency']
  readonly evidence: ReconcilePolicy['evidence']
  readonly lagMs: number
  readonly quiesceMs: number
  readonly keyWindowMs: number
  readonly rungMax: number
  readonly holdsMayPass: boolean

  constructor(ledger: Ledger, asked: Asked) {
    const { system, resource } = asked.goal
    const spec = ledger.parts.resourceOf(system, resource)
    this.#ledger = ledger
    this.#asked = asked
    this.now = ledger.turn.at
    this.idempotency = spec.idempotency
    this.evidence = spec.evidence
    this.lagMs = spec.lagMs
    this.quiesceMs = spec.quiesceMs
    this.keyWindowMs = spec.keyWindowMs
    this.rungMax = spec.rungMax
    this.holdsMayPass = spec.holdsMayPass
  }

  get observationAgeMsMax(): number {
    return this.#settings.observationAgeMsMax
  }
  get referencePrefix(): string {
    return this.#settings.referencePrefix
  }
  get sending(): ReconcilePolicy['sending'] {
    return this.#settings.sending
  }
  get attemptsMax(): number {
    return this.#settings.attemptsMax
  }
  get queryFirst(): boolean {
    return this.#ledger.parts.queryFirst()
  }
  get silence(): ReconcilePolicy['silence'] {
    return this.#ledger.turn.memory.silence
  }
  get retryAskedAt(): string | null {
    return this.#asked.goal.retryAskedAt
  }
  get heals(): number {
    const { goal } = this.#asked
    return goal.reopenedAt.length === 0 ? 0 : healsSince(goal, this.now)
  }
  get holds(): ReconcilePolicy['holds'] {
    const { goal, siblings } = this.#asked
    this.#holds ??= siblings.length === 1 ? NONE : holdsOf(goal, siblings)
    return this.#holds
  }
  get undoes(): readonly string[] {
    const { goal, siblings } = this.#asked
    this.#undoes ??= undoesOf(this.#ledger.parts, goal, siblings)
    return this.#undoes
  }
  get replaced(): ReconcilePolicy['replaced'] {
    this.#replaced ??= replacedOf(this.#asked.siblings)
    return this.#replaced
  }
  get premise(): ReconcilePolicy['premise'] {
    return premiseOf(this.#ledger.turn, this.#ledger.parts, this.#asked.goal)
  }
  get lastSettledAt(): string | null {
    return settledBefore(this.#ledger, this.#asked.orderKey, this.quiesceMs)
  }
  retryDelayMs(attempts: number): number {
    return backoffMs(this.#ledger.parts.deps, attempts)
  }
  referenceOf(ordinal: number): string {
    const { runtime, store } = this.#ledger.parts.deps
    const { goal } = this.#asked
    return reference(runtime.hash, { prefix: this.referencePrefix, installation: store.meta.installation, goal, ordinal })
  }

  get #settings(): EngineDeps['settings'] {
    return this.#ledger.parts.deps.settings
  }
}

function holdsOf(goal: Goal, siblings: readonly Goal[]): ReconcilePolicy['holds'] {
  return siblings.flatMap(({ id, predicate, withdrawing, state, setAt }) =>
    id !== goal.id && predicate.type === 'notUsable' && !withdrawing && state !== 'withdrawn'
      ? [{ goal: id, ids: predicate.holds, scope: predicate.scope, setAt }]
      : [],
  )
}

/** After a restore, what the lost hours had sent last may still be on its way: no read counts before quiesce is over. */
function settledBefore({ turn, parts }: Ledger, orderKey: string, quiesceMs: number): string | null {
  const settled = turn.settled.get(orderKey) ?? turn.memory.settledAt.get(orderKey) ?? null
  if (!parts.queryFirst()) return settled
  const quiet = addMs(parts.ownedSince(), quiesceMs)
  return settled !== null && settled > quiet ? settled : quiet
}

function healsSince(goal: Goal, now: string): number {
  const since = addMs(now, -DAY_MS)
  return goal.reopenedAt.filter((at) => at > since).length
}

/** Whose restrictions a posting may take back; see ReconcilePolicy. */
function undoesOf(parts: LedgerParts, goal: Goal, siblings: readonly Goal[]): readonly string[] {
  if (goal.predicate.type === 'restored') return [goalId(parts.deps.runtime.hash, goal, goal.predicate.condition)]
  if (goal.predicate.type !== 'posted') return NONE
  const replaced = replacedOf(siblings).flatMap(({ posting, by }) => (by === goal.id ? [posting] : []))
  return [...siblings.filter((sibling) => sibling.predicate.type === 'notUsable').map((sibling) => sibling.id), ...replaced]
}

/** One decision about a record stands at a time, and a posting's cause is its record. */
function replacedOf(siblings: readonly Goal[]): ReconcilePolicy['replaced'] {
  const restricting = siblings.filter(({ predicate }) => predicate.type === 'posted' && predicate.to === 'blocked')
  if (restricting.length === 0) return NONE
  return restricting.flatMap((posting) =>
    siblings.flatMap((by) =>
      by.predicate.type === 'posted' && by.decision !== posting.decision && sameCause(by, posting)
        ? [{ posting: posting.id, by: by.id }]
        : [],
    ),
  )
}

function sameCause({ cause: one }: Goal, { cause: other }: Goal): boolean {
  return one.instance === other.instance && one.record === other.record && one.version === other.version
}

/** Capped exponential with full jitter. */
function backoffMs(deps: EngineDeps, attempts: number): number {
  const ceiling = Math.min(deps.settings.retryCapMs, deps.settings.retryBaseMs * 2 ** Math.min(attempts, 20))
  return Math.ceil(ceiling / 2 + (deps.runtime.random.next() * ceiling) / 2)
}

export function premiseOf(turn: Pick<Turn, 'memory' | 'at'>, parts: LedgerParts, goal: Goal): ReconcilePolicy['premise'] {
  const { premise } = goal
  if (premise === null) return 'none'
  const seen = turn.memory.premises.get(observationKey(premise.system, premise.resource, premise.key))
  if (seen === undefined || seen.kind !== 'record') return 'stale'
  if (seen.beganAt < addMs(turn.at, -parts.deps.settings.premiseAgeMsMax)) return 'stale'
  const record = seen.records[0]
  if (record === undefined) return mayBeLate(seen.beganAt, parts, goal) ? 'stale' : 'gone'
  if (seen.records.length > 1) return 'gone'
  if (record.version === premise.version) return record.decided ? 'standing' : 'gone'
  // A read that shows an older version than the one we were told of has not caught up yet.
  return precedes(record.version, premise.version) ? 'stale' : 'gone'
}

/** Right after the decision was told a read may show the record as it was before it existed. */
function mayBeLate(readBeganAt: string, parts: LedgerParts, { premise, setAt }: Goal): boolean {
  if (premise === null) return false
  const { lagMs } = parts.resourceOf(premise.system, premise.resource)
  return readBeganAt < addMs(setAt, lagMs)
}

/** Versions that are not whole numbers have no order: another one is a newer one. */
function precedes(version: string, other: string): boolean {
  return /^\d+$/.test(version) && /^\d+$/.test(other) && BigInt(version) < BigInt(other)
}

function carryOut(ledger: Ledger, goal: Goal, step: NextStep): boolean {
  const { turn, parts } = ledger
  switch (step.step) {
    case 'none':
      return false
    case 'wait':
      if (step.until !== null) turn.effects.push({ effect: 'wake', orderKey: orderKeyOf(goal), at: step.until })
      return false
    case 'read':
      turn.effects.push({ effect: 'read', goal, notBefore: step.notBefore })
      return false
    case 'readPremise':
      // Thrown here, where it is told; nobody could be told once the turn is durable.
      if (goal.premise !== null) parts.resourceOf(goal.premise.system, goal.premise.resource)
      turn.effects.push({ effect: 'readPremise', goal })
      return false
    case 'send':
      return start(ledger, goal, step)
    case 'resend':
      return repeat(ledger, goal, step)
    case 'resolve':
      return resolve(ledger, goal, step)
    case 'adopt':
      parts.deps.runtime.sometimes('command-adopted')
      settleCommand(turn, goal, newCommand(turn, goal, { ...step, state: 'applied' }))
      return true
    case 'met':
      return settle(turn, goal, { state: 'met', code: null, detail: step.evidence.detail, evidence: step.evidence })
    case 'withdraw':
      return settle(turn, goal, { state: 'withdrawn', code: null, detail: step.reason, evidence: null })
    case 'park':
      parts.deps.runtime.sometimes(`parked ${step.code}`)
      return settleWithException(ledger, goal, { state: 'parked', code: step.code, detail: step.detail })
    case 'refuse':
      return settleWithException(ledger, goal, { state: 'refused', code: step.code, detail: step.detail })
    case 'reopen':
      parts.deps.runtime.sometimes('condition-reopened')
      changeGoal(turn, goal, { type: 'reopened', reason: step.reason })
      return true
    case 'blocked':
      return block(ledger, goal, step)
    default:
      return unreachable(step, 'next step')
  }
}

function start(ledger: Ledger, goal: Goal, step: Extract<NextStep, { step: 'send' }>): boolean {
  const { turn, parts } = ledger
  if (!parts.takeRoom(goal)) {
    turn.effects.push({ effect: 'waitForRoom', goal })
    return false
  }
  const command = newCommand(turn, goal, { ...step, state: 'intent', detail: '' })
  turn.effects.push({ effect: 'send', goal: goal.id, command: command.id })
  if (step.heal) parts.deps.runtime.sometimes('healed')
  const next = goal.waiting === '' ? goal : changeGoal(turn, goal, { type: 'waiting', waiting: '' })
  putCommand(turn, next, command)
  return true
}

function newCommand(
  turn: Turn,
  goal: Goal,
  step: Pick<Command, 'action' | 'ordinal' | 'reference' | 'rung' | 'state' | 'detail'>,
): Command {
  return {
    id: commandId(goal.id, step.ordinal),
    goal: goal.id,
    ordinal: step.ordinal,
    reference: step.reference,
    action: step.action,
    rung: step.rung,
    state: step.state,
    attempts: 1,
    firstIntentAt: turn.at,
    intentAt: turn.at,
    changedAt: turn.at,
    absentAt: null,
    notBefore: null,
    detail: step.detail,
  }
}

function repeat(ledger: Ledger, goal: Goal, step: Extract<NextStep, { step: 'resend' }>): boolean {
  const { turn, parts } = ledger
  const command = commandOf(goal, step.command)
  if (!parts.takeRoom(goal)) {
    turn.effects.push({ effect: 'waitForRoom', goal })
    return false
  }
  turn.effects.push({ effect: 'send', goal: goal.id, command: command.id })
  const { action, rung } = step
  const attempts = command.attempts + 1
  putCommand(turn, goal, {
    ...command,
    action,
    rung,
    state: 'intent',
    attempts,
    intentAt: turn.at,
    changedAt: turn.at,
    absentAt: null,
    notBefore: null,
  })
  return true
}

function resolve(ledger: Ledger, goal: Goal, step: Extract<NextStep, { step: 'resolve' }>): boolean {
  const { turn, parts } = ledger
  const command = commandOf(goal, step.command)
  parts.deps.runtime.sometimes(`unknown-resolved-${step.outcome}`)
  if (step.outcome === 'absentOnce') {
    putCommand(turn, goal, { ...command, absentAt: turn.at, detail: step.detail })
    return true
  }
  settleCommand(turn, goal, { ...command, state: step.outcome, changedAt: turn.at, absentAt: null, notBefore: null, detail: step.detail })
  return true
}

function settleCommand(turn: Turn, goal: Goal, command: Command): Goal {
  turn.settled.set(orderKeyOf(goal), turn.at)
  return putCommand(turn, goal, command)
}

/** Journals a new command, or what changed of a known one. */
function putCommand(turn: Turn, goal: Goal, command: Command): Goal {
  const known = goal.commands.find((one) => one.id === command.id)
  if (known === undefined) return changeGoal(turn, goal, { type: 'command', command })
  const changed = Object.fromEntries(Object.entries(command).filter(([field, value]) => !sameValue(value, known[field as keyof Command])))
  return changeGoal(turn, goal, { type: 'commandChanged', command: command.id, changed })
}

interface Settlement {
  readonly state: GoalSettled['state']
  readonly code: ErrorCode | null
  readonly detail: string
  readonly evidence: Goal['evidence']
}

export function settle(turn: Turn, goal: Goal, settlement: Settlement): boolean {
  const entry = turn.entries.length
  const next = changeGoal(turn, goal, { type: 'settled', ...settlement })
  if (settlement.code === null) clearGoal(turn, goal.id)
  turn.pending.push({
    process: goal.process,
    key: goal.key,
    lane: goal.lane,
    event: settledEvent(next, { state: settlement.state, detail: settlement.detail, at: turn.at, partition: turn.memory.partition }),
    inbox: null,
    origin: { entry, ordinal: 0 },
  })
  return true
}

function settleWithException(
  ledger: Ledger,
  goal: Goal,
  end: { readonly state: 'parked' | 'refused'; readonly code: ErrorCode; readonly causeGroup?: string; readonly detail: string },
): boolean {
  const { turn, parts } = ledger
  const { state, ...why } = end
  raise(turn, openException(parts.deps.runtime.hash, turn.at, { ...why, subject: `${goal.system} ${goal.subject}`, goal: goal.id }))
  return settle(turn, goal, { state, code: end.code, detail: end.detail, evidence: null })
}

function block(ledger: Ledger, goal: Goal, step: Extract<NextStep, { step: 'blocked' }>): boolean {
  const { turn, parts } = ledger
  if (step.until !== null) turn.effects.push({ effect: 'wake', orderKey: orderKeyOf(goal), at: step.until })
  if (step.code !== null)
    raise(
      turn,
      openException(parts.deps.runtime.hash, turn.at, {
        code: step.code,
        subject: `${goal.system} ${goal.subject}`,
        detail: step.detail,
        goal: goal.id,
      }),
    )
  if (goal.waiting === step.waiting) return false
  parts.deps.runtime.sometimes(`waiting ${step.waiting.split(':')[0]}`)
  changeGoal(turn, goal, { type: 'waiting', waiting: step.waiting })
  return true
}

function commandOf(goal: Goal, id: string): Command {
  const command = goal.commands.find((known) => known.id === id)
  assert(command !== undefined, `goal ${goal.id} has no command ${id}`)
  return command
}

interface Answer {
  readonly goal: Goal | undefined
  readonly command: Command
  readonly outcome: Outcome
}

/** The outcome of one attempt. An outcome of an attempt that is no longer the newest changes nothing. */
export function takeOutcome(ledger: Ledger, answer: Answer): boolean {
  const { turn, parts } = ledger
  const { goal, outcome } = answer
  const command = goal?.commands.find((known) => known.id === answer.command.id)
  if (goal === undefined || command === undefined || command.state !== 'intent' || command.attempts !== answer.command.attempts) {
    parts.deps.runtime.sometimes('outcome-superseded')
    return false
  }
  const changed = { ...command, changedAt: turn.at, detail: outcome.detail }
  parts.deps.runtime.sometimes(`outcome-${outcome.outcome}`)
  switch (outcome.outcome) {
    case 'applied':
    case 'refused':
      settleCommand(turn, goal, { ...changed, state: outcome.outcome })
      return true
    case 'unknown':
      putCommand(turn, goal, { ...changed, state: 'unknown' })
      return true
    case 'later':
      settleCommand(turn, goal, {
        ...changed,
        state: 'failed',
        notBefore: addMs(turn.at, outcome.delayMs ?? backoffMs(parts.deps, command.attempts)),
      })
      return true
    case 'needs-person': {
      const failed = settleCommand(turn, goal, { ...changed, state: 'failed' })
      const { outcome: _, ...why } = outcome
      return settleWithException(ledger, failed, { state: 'parked', ...why })
    }
    default:
      return unreachable(outcome, 'outcome')
  }
}

/**
 * As `takeOutcome`, but what throws stops this order key only. The answer is lost by it, so the command counts as unknown.
 */
export function takeOutcomeOrDoubt(ledger: Ledger, answer: Answer): void {
  const { turn } = ledger
  const { goal } = answer
  if (goal === undefined) return void takeOutcome(ledger, answer)
  const orderKey = orderKeyOf(goal)
  const place = { orderKey, goals: [goal, ...goalsOf(turn, orderKey).filter(({ id }) => id !== goal.id)] }
  if (guarded(ledger, place, () => void takeOutcome(ledger, answer))) return
  const outcome: Outcome = { outcome: 'unknown', detail: 'the outcome could not be taken' }
  guarded(ledger, place, () => void takeOutcome(ledger, { ...answer, outcome }))
}

/** Everything that the owner before left open is evaluated, and what it may or may not have sent is doubted with that. */
export function beginDoubting({ memory, dirty }: Turn): void {
  for (const goal of memory.goals.values()) {
    const orderKey = orderKeyOf(goal)
    if (goal.commands.some(({ state }) => state === 'intent')) memory.undoubted.add(orderKey)
    dirty.add(orderKey)
  }
}

/** A durable intent whose sender is gone may or may not have reached the target. */
function doubtIntents({ turn, parts }: Ledger, orderKey: string): void {
  for (const { id, commands } of goalsOf(turn, orderKey)) {
    for (const command of commands) {
      if (command.state !== 'intent') continue
      parts.deps.runtime.sometimes('intent-doubted')
      const detail = 'the sender stopped before the answer'
      putCommand(turn, goalIn(turn, id) as Goal, { ...command, state: 'unknown', changedAt: turn.at, detail })
    }
  }
}
