import type { Action, Command, Goal, IdempotencyClass } from '../../src/model/goal.ts'
import type { Observation } from '../../src/model/observation.ts'
import { type NextStep, type ReconcilePolicy, reconcile } from '../../src/reconcile/reconcile.ts'
import { isFree } from '../../src/reconcile/scope.ts'
import { at, goal, HOLD, LOT, OTHER, pieces, policy, WHOLE } from './builders.ts'
import { type Dice, dice, ToyTarget } from './toy-target.ts'

/**
 * The smallest shell around `reconcile`: one lot, one system, a hold that comes and goes, a release of 60 and the
 * restoration after the hold. Time moves in half seconds. Answers get lost, work is done late, the hub crashes and is
 * restored, people block, unblock, consume and reverse. What must never happen is written down in `violations`.
 */
export interface ToySettings {
  readonly seed: number
  readonly idempotency: IdempotencyClass
  readonly evidence: ReconcilePolicy['evidence']
  readonly faults: boolean
}

const TICK_MS = 500
const LAG_MS = 2_000
const QUIESCE_MS = 8_000
const TIMEOUT_MS = 3_000
const DECIDED = 60
const START_MS = Date.parse('2026-03-02T08:00:00.000Z')

interface Flight {
  readonly goal: string
  readonly command: string
  readonly action: Action
  readonly reference: string
  readonly attempt: number
  /** When the target gets round to it; null: never. */
  executeMs: number | null
  readonly answerMs: number
  answer: 'applied' | 'refused' | 'later' | 'unknown' | null
  executed: boolean
  /** What it was decided on. */
  readonly asOfMs: number
}

export class ToyHub {
  readonly violations: string[] = []
  readonly target: ToyTarget
  /** The newest step of each goal. */
  readonly steps = new Map<string, NextStep>()
  goals: Goal[]
  private readonly settings: ToySettings
  private readonly random: Dice
  private nowMs = START_MS
  /** Facts from outside: a restored hub hears of the same lift, not of another one. */
  private lifts = 0
  private observation: Observation | null = null
  private asOfMs = 0
  private reading: { readonly beganMs: number; readonly endsMs: number } | null = null
  private wantedMs: number | null = null
  private premiseMs = 0
  private lastSettledAt: string | null = null
  private flights: Flight[] = []
  private backup: Goal[] | null = null
  private queryFirst = false
  private disturbed: boolean

  constructor(settings: ToySettings) {
    this.settings = settings
    this.random = dice(settings.seed)
    this.disturbed = settings.faults
    this.target = new ToyTarget(settings.idempotency, this.random.chance(0.5) ? { qualityInspection: 100 } : { unrestricted: 100 })
    this.goals = [
      goal({ type: 'notUsable', lot: LOT, scope: WHOLE, holds: ['h1'] }, { id: HOLD, name: 'hold', setAt: this.now }),
      goal(
        { type: 'posted', lot: LOT, scope: WHOLE, quantity: pieces(DECIDED), to: 'unrestricted' },
        { id: OTHER, name: 'release', setAt: this.now },
      ),
    ]
  }

  get now(): string {
    return new Date(this.nowMs).toISOString()
  }

  find(id: string): Goal | undefined {
    return this.goals.find((known) => known.id === id)
  }

  run(seconds: number): void {
    for (let tick = 0; tick < seconds * 2; tick++) {
      this.nowMs += TICK_MS
      this.targetWorks()
      if (this.disturbed) this.disturb()
      else if (tick % 20 === 0) this.sweep()
      this.readsEnd()
      this.evaluate()
    }
  }

  /** Faults and people stop; everything open gets its time. */
  calm(): void {
    this.disturbed = false
    this.queryFirst = false
  }

  setHold(): void {
    const known = this.find(HOLD) as Goal
    this.change({
      ...known,
      generation: known.generation + 1,
      state: 'open',
      withdrawing: false,
      evidence: null,
      setAt: this.now,
      settledAt: null,
    })
    for (const open of this.goals)
      if (open.predicate.type === 'restored' && open.state === 'open') this.change({ ...open, withdrawing: true })
  }

  lift(): void {
    this.lifts++
    this.liftHold()
  }

  private liftHold(): void {
    const known = this.find(HOLD) as Goal
    if (known.state !== 'open' && known.state !== 'met') return
    this.change({ ...known, withdrawing: true })
  }

  private holdActive(): boolean {
    const known = this.find(HOLD) as Goal
    return !known.withdrawing && known.state !== 'withdrawn'
  }

  private change(next: Goal): void {
    const known = this.goals.some((one) => one.id === next.id)
    this.goals = known ? this.goals.map((one) => (one.id === next.id ? next : one)) : [...this.goals, next]
  }

  private changeCommand(id: string, commandId: string, change: Partial<Command>): void {
    const known = this.find(id)
    if (known === undefined) return
    this.change({
      ...known,
      commands: known.commands.map((one) => (one.id === commandId ? { ...one, changedAt: this.now, ...change } : one)),
    })
  }

  private targetWorks(): void {
    for (const flight of this.flights) {
      if (!flight.executed && flight.executeMs !== null && flight.executeMs <= this.nowMs) {
        flight.executed = true
        const before = this.target.of('blocked')
        const done = this.target.execute(flight.action, flight.reference, this.nowMs)
        if (flight.answer === null) flight.answer = done
        this.check(flight, before)
      }
    }
    for (const flight of this.flights.filter(({ answerMs }) => answerMs <= this.nowMs)) this.answered(flight)
    this.flights = this.flights.filter((flight) => flight.answerMs > this.nowMs || (!flight.executed && flight.executeMs !== null))
  }

  private check(flight: Flight, blockedBefore: number): void {
    const same = this.target.booked.filter(({ sentAs }) => sentAs === flight.reference)
    // A restored hub cannot ask class unsafe what it had done: it holds again, under the same reference, rather than not at all.
    const heldAgain = this.settings.idempotency === 'unsafe' && flight.goal === HOLD
    if (same.length > 1 && !heldAgain) this.violations.push(`${flight.reference} stands ${same.length} times`)
    const releases = this.target.booked.filter(({ sentAs }) => sentAs?.startsWith(`HP-${OTHER}`))
    const posted = this.released()
    const reversed = this.target.booked.reduce(
      (sum, { document }) =>
        releases.some((one) => one.document.number === document.reverses) ? sum + Number(document.quantity.value) : sum,
      0,
    )
    if (posted - reversed > DECIDED) this.violations.push(`${posted - reversed} released, ${DECIDED} decided`)
    const race = this.target.booked.some(({ sentAs, atMs }) => sentAs === null && atMs > flight.asOfMs)
    if (!race && this.target.of('blocked') < blockedBefore && this.target.of('blocked') < this.target.foreign) {
      this.violations.push(`${this.target.foreign - this.target.of('blocked')} of a foreign block were freed`)
    }
  }

  private answered(flight: Flight): void {
    const command = this.find(flight.goal)?.commands.find(({ id }) => id === flight.command)
    if (flight.answerMs !== this.nowMs || command?.state !== 'intent' || command.attempts !== flight.attempt) return
    const answer = flight.answer ?? 'unknown'
    const detail = answer === 'applied' ? this.target.numberOf(flight.reference) : answer
    if (answer === 'later')
      this.changeCommand(flight.goal, flight.command, { state: 'failed', detail, notBefore: this.later(this.random.upTo(4)) })
    else this.changeCommand(flight.goal, flight.command, { state: answer, detail })
    if (answer !== 'unknown') this.lastSettledAt = this.now
  }

  private later(seconds: number): string {
    return new Date(this.nowMs + seconds * 1_000).toISOString()
  }

  private readsEnd(): void {
    if (this.reading !== null && this.reading.endsMs <= this.nowMs) {
      this.asOfMs = this.reading.beganMs - this.random.upTo(LAG_MS)
      this.observation = this.target.observe(this.asOfMs, { beganMs: this.reading.beganMs, endedMs: this.nowMs, tornMs: null })
      this.reading = null
    }
    if (this.reading === null && this.wantedMs !== null && this.wantedMs <= this.nowMs) {
      this.reading = { beganMs: this.nowMs, endsMs: this.nowMs + TICK_MS * (1 + this.random.upTo(3)) }
      this.wantedMs = null
    }
  }

  private disturb(): void {
    const { random, target, nowMs } = this
    const amount = 5 * (1 + random.upTo(5))
    if (random.chance(0.01)) this.lift()
    if (random.chance(0.006)) this.setHold()
    if (random.chance(0.01)) target.byHand(random.chance(0.5) ? 'unrestricted' : 'qualityInspection', 'blocked', { amount, nowMs })
    if (random.chance(0.01)) this.unblock(Math.min(amount, target.foreign))
    if (random.chance(0.005)) target.byHand('unrestricted', null, { amount, nowMs })
    if (random.chance(0.005)) target.byHand(null, random.chance(0.5) ? 'unrestricted' : 'qualityInspection', { amount, nowMs })
    if (random.chance(0.004)) this.reverseOne()
    if (random.chance(0.02))
      this.observation = target.observe(nowMs, { beganMs: nowMs, endedMs: nowMs, tornMs: nowMs - random.upTo(20_000) })
    if (random.chance(0.008)) this.crash()
    if (random.chance(0.004)) this.backup = this.goals
    if (random.chance(0.002) && this.backup !== null) this.restore(this.backup)
    if (this.queryFirst && random.chance(0.02)) this.queryFirst = false
  }

  /** Pages of a bulk read may be of different times. */
  private sweep(): void {
    const { nowMs } = this
    this.observation = this.target.observe(nowMs, { beganMs: nowMs, endedMs: nowMs, tornMs: nowMs - this.random.upTo(20_000) })
  }

  private unblock(amount: number): void {
    if (amount > 0 && this.target.byHand('blocked', 'unrestricted', { amount, nowMs: this.nowMs })) this.target.foreign -= amount
  }

  /** A person reverses one of our documents, if its stock is still where it went. */
  private reverseOne(): void {
    const ours = this.target.booked.filter(
      ({ sentAs, document }) => sentAs !== null && !this.target.booked.some((one) => one.document.reverses === document.number),
    )
    const chosen = ours[this.random.upTo(Math.max(ours.length - 1, 0))]?.document
    if (chosen?.from == null || chosen.to === null) return
    const amount = Number(chosen.quantity.value)
    if (chosen.to.stockType === 'blocked' && this.target.of('blocked') - this.target.foreign < amount) return
    this.target.byHand(chosen.to.stockType, chosen.from.stockType, { amount, nowMs: this.nowMs, reverses: chosen.number })
  }

  private crash(): void {
    for (const known of this.goals) {
      for (const command of known.commands) if (command.state === 'intent') this.changeCommand(known.id, command.id, { state: 'unknown' })
    }
    this.lastSettledAt = null
    this.observation = null
    this.reading = null
  }

  /** Comes back with the goals of an earlier time; hold set and lift are facts and come again. */
  private restore(backup: readonly Goal[]): void {
    const active = this.holdActive()
    this.goals = [...backup]
    this.crash()
    this.queryFirst = true
    this.lastSettledAt = new Date(this.nowMs + QUIESCE_MS).toISOString()
    this.backup = null
    if (active && !this.holdActive()) this.setHold()
    if (!active && this.holdActive()) this.liftHold()
  }

  private evaluate(): void {
    for (let step = 0; ; step++) {
      if (step > 100) throw new Error(`does not come to rest: ${JSON.stringify(this.goals)}`)
      if (!this.goals.some((known) => this.takeStep(known))) return
    }
  }

  private policyOf(known: Goal): ReconcilePolicy {
    const { settings } = this
    const hold = this.find(HOLD) as Goal
    return policy({
      now: this.now,
      idempotency: settings.idempotency,
      evidence: settings.evidence,
      lagMs: LAG_MS,
      quiesceMs: QUIESCE_MS,
      keyWindowMs: 20_000,
      rungMax: 1,
      holds: known.id !== HOLD && this.holdActive() ? [{ goal: HOLD, ids: ['h1'], scope: WHOLE, setAt: at(0) }] : [],
      undoes: known.id === HOLD ? [] : [hold.id],
      premise: known.id !== OTHER ? 'none' : this.nowMs - this.premiseMs > 30_000 ? 'stale' : 'standing',
      queryFirst: this.queryFirst,
      attemptsMax: 30,
      retryDelayMs: (attempts) => Math.min(attempts, 8) * 500,
      referenceOf: (ordinal) => `HP-${known.id}-${ordinal}`,
      heals: known.reopenedAt.length,
      lastSettledAt: this.lastSettledAt,
    })
  }

  /** True: something was written down, so look again. */
  private takeStep(known: Goal): boolean {
    const commands = this.goals.flatMap((one) => one.commands)
    const step = reconcile(known, this.observation, commands, this.policyOf(known))
    this.steps.set(known.id, step)
    switch (step.step) {
      case 'read': {
        const wanted = Math.max(this.nowMs, Date.parse(step.notBefore))
        if (this.reading === null || this.reading.beganMs < wanted) this.wantedMs = Math.min(this.wantedMs ?? wanted, wanted)
        return false
      }
      case 'readPremise':
        this.premiseMs = this.nowMs
        return true
      case 'send':
      case 'adopt':
        return this.begin(known, step)
      case 'resend':
        this.changeCommand(known.id, step.command, {
          state: 'intent',
          action: step.action,
          rung: step.rung,
          intentAt: this.now,
          absentAt: null,
          notBefore: null,
          attempts: (known.commands.find(({ id }) => id === step.command)?.attempts ?? 0) + 1,
        })
        this.send(known.id, step.command)
        return true
      case 'resolve':
        if (step.outcome === 'absentOnce') {
          const { changedAt } = known.commands.find(({ id }) => id === step.command) as Command
          this.changeCommand(known.id, step.command, { absentAt: this.now, changedAt })
        } else {
          this.changeCommand(known.id, step.command, { state: step.outcome, absentAt: null, notBefore: null })
          this.lastSettledAt = this.now
        }
        return true
      default:
        return this.settle(known, step)
    }
  }

  private begin(known: Goal, step: Extract<NextStep, { step: 'send' | 'adopt' }>): boolean {
    const { action, ordinal, reference, rung } = step
    const id = `${known.id}.${ordinal}`
    const command: Command = {
      id,
      goal: known.id,
      ordinal,
      reference,
      action,
      rung,
      state: step.step === 'send' ? 'intent' : 'applied',
      attempts: 1,
      firstIntentAt: this.now,
      intentAt: this.now,
      changedAt: this.now,
      absentAt: null,
      notBefore: null,
      detail: step.step === 'adopt' ? step.detail : '',
    }
    this.change({ ...known, commands: [...known.commands, command] })
    if (step.step === 'send') this.send(known.id, id)
    else this.lastSettledAt = this.now
    return true
  }

  private send(id: string, commandId: string): void {
    const command = this.find(id)?.commands.find((one) => one.id === commandId) as Command
    const { action, reference, attempts } = command
    const frees = action.type === 'unrestrict' || (action.type === 'move' && isFree(action.to))
    if (frees && this.holdActive()) this.violations.push(`${reference} was sent under an active hold`)
    const others = this.goals
      .flatMap((one) => one.commands)
      .filter((one) => one.id !== commandId && (one.state === 'intent' || one.state === 'unknown'))
    if (frees && others.length > 0) this.violations.push(`${reference} was sent beside ${others[0]?.reference}`)
    const { random } = this
    const troubled = this.disturbed && random.chance(0.35)
    const executeMs = this.nowMs + TICK_MS * (troubled ? random.upTo(QUIESCE_MS / TICK_MS - 1) : 1)
    const flight: Flight = {
      goal: id,
      command: commandId,
      action,
      reference,
      attempt: attempts,
      executeMs,
      answerMs: executeMs,
      answer: null,
      executed: false,
      asOfMs: this.asOfMs,
    }
    this.flights.push(troubled ? { ...flight, ...this.trouble() } : flight)
  }

  /** The target says later; the call is lost on the way; rolled back after the answer; or the answer is lost. */
  private trouble(): Partial<Flight> {
    const soon = this.nowMs + TICK_MS
    const kind = this.random.upTo(9)
    if (kind < 3) return { executeMs: null, answer: 'later', answerMs: soon }
    if (kind < 5) return { executeMs: null, answer: 'unknown', answerMs: this.nowMs + TIMEOUT_MS }
    if (kind < 6 && this.settings.evidence === 'readBack') return { executeMs: null, answer: 'applied', answerMs: soon }
    return { answer: 'unknown', answerMs: this.nowMs + TIMEOUT_MS }
  }

  private settle(known: Goal, step: NextStep): boolean {
    switch (step.step) {
      case 'met':
        if (known.id === HOLD) this.checkHeld()
        this.change({ ...known, state: 'met', withdrawing: false, evidence: step.evidence, settledAt: this.now })
        return true
      case 'withdraw':
        this.change({ ...known, state: 'withdrawn', withdrawing: false, settledAt: this.now })
        if (known.id === HOLD) this.beginRestore()
        return true
      case 'park':
      case 'refuse':
        if (known.id === HOLD) this.violations.push(`the hold was given up: ${step.code}`)
        this.change({ ...known, state: step.step === 'park' ? 'parked' : 'refused', code: step.code, settledAt: this.now })
        return true
      case 'reopen':
        this.change({ ...known, state: 'open', evidence: null, settledAt: null, reopenedAt: [...known.reopenedAt, this.now] })
        return true
      default:
        return false
    }
  }

  /** What was released under the decision, reversed or not. */
  released(): number {
    const releases = this.target.booked.filter(({ sentAs }) => sentAs?.startsWith(`HP-${OTHER}`))
    return releases.reduce((sum, { document }) => sum + Number(document.quantity.value), 0)
  }

  /** Met means: usable by nobody, and nothing under way that could change that. */
  private checkHeld(): void {
    const coming = this.flights.filter(
      ({ action, executed, executeMs }) =>
        !executed && executeMs !== null && (action.type === 'unrestrict' || (action.type === 'move' && isFree(action.to))),
    )
    if (coming.length > 0) this.violations.push(`met while ${coming[0]?.reference} was still to come`)
  }

  /** One goal per lift, the same one when the lift comes again after a restore. */
  private beginRestore(): void {
    const id = `goal-restore-${this.lifts}`
    if (this.find(id) !== undefined) return
    this.change(goal({ type: 'restored', lot: LOT, scope: WHOLE, condition: 'hold' }, { id, name: id, setAt: this.now }))
  }
}
