/**
 * The owner of one partition: takes it over, works in turns, gives it up. Everything about the partition that changes
 * goes through its turns, one at a time. Must never let an effect out before its turn is durable, nor go on after a
 * commit whose outcome is not known.
 */
import { assert } from '../assert.ts'
import type { Outcome, ResourceSpec } from '../connectors/connector.ts'
import { TIMER_FIRED } from '../model/events.ts'
import { type Command, type Goal, orderKeyOf } from '../model/goal.ts'
import type { Observation } from '../model/observation.ts'
import { StoreUnavailable } from '../store/store.ts'
import { Alarms } from './alarms.ts'
import { notCarriedOut } from './attempt.ts'
import { checkpointBatch, hasUnwritten } from './checkpoint.ts'
import type { EngineDeps, EntryCache, PendingDelivery } from './deps.ts'
import { instanceId } from './derive.ts'
import { carryOutEffect, type EffectParts, type Sent } from './effects.ts'
import { encodeEntry, type LateEntry } from './entries.ts'
import { openException } from './exceptions.ts'
import type { TimerRow } from './fold.ts'
import type { AdjustableClock } from './hub-clock.ts'
import { Inbox } from './inbox.ts'
import { beginDoubting, evaluateDirty, type LedgerParts, takeOutcomeOrDoubt } from './ledger.ts'
import { createMemory, observationKey, type PartitionMemory } from './memory.ts'
import type { Outbox } from './outbox.ts'
import type { Reader } from './reader.ts'
import { type RunParts, runDelivery } from './run.ts'
import { loadInstances, takeOver } from './takeover.ts'
import { timerId } from './timer-id.ts'
import { applyTurn, batchOf, beginTurn, clear, type Effect, goalIn, raise, snapshot, type Turn, turnIsEmpty } from './turn.ts'
import { type ReadEnd, readAgain, takeReadEnd } from './unread.ts'

const ROUNDS_PER_TURN_MAX = 1_000
const ENTRIES_BEHIND_MAX = 1_000

export interface PartitionParts extends Omit<RunParts, 'deps'> {
  readonly deps: EngineDeps
  readonly clock: AdjustableClock
  readonly cache: EntryCache
  readonly outbox: Outbox
  readonly reader: Reader
  readonly resourceOf: (system: string, resource: string) => ResourceSpec
  /** Called once when the owner has stopped, whatever the reason. */
  readonly onStopped: (owner: PartitionOwner, reason: Stop) => void
}

/** `leaseUntil` is monotonic time. */
export interface Grant {
  readonly partition: number
  readonly epoch: number
  readonly leaseUntil: number
}

export type Stop = 'released' | 'fenced' | 'failed'

/** Something done by a person or by the sweep that belongs into a turn. It may read rows: nobody writes them meanwhile. */
export type TurnAction = (turn: Turn) => unknown

interface QueuedAction {
  readonly about: string
  readonly action: TurnAction
  readonly done: () => void
  readonly lost: (reason: unknown) => void
}

export class PartitionOwner {
  readonly partition: number
  readonly epoch: number
  readonly memory: PartitionMemory
  /** Monotonic time until which the lease is surely ours. */
  leaseUntil: number
  /** After a restore: what the sweep has not yet confirmed is queried before anything is sent. */
  queryFirst: boolean

  readonly #parts: PartitionParts
  readonly #ledger: LedgerParts
  readonly #effects: EffectParts
  readonly #alarms: Alarms
  readonly #inbox: Inbox
  #outcomes: { readonly sent: Sent; readonly outcome: Outcome }[] = []
  #readEnds: ReadEnd[] = []
  /** Effects that threw. */
  #failures: { readonly orderKey: string; readonly reason: unknown }[] = []
  #actions: QueuedAction[] = []
  #timers: TimerRow[] = []
  readonly #orderKeys = new Set<string>()
  #state: 'running' | 'draining' | 'stopped' = 'running'
  #wake: (() => void) | null = null
  #sending = 0
  #doubting = true
  #working = true
  #committing: Turn | null = null
  /** A checkpoint is due: rows are to be written that the journal is ahead of. */
  #checkpointDue = false
  #ownedSince = ''
  #cancelCheckpoint: (() => void) | null = null
  readonly #finished: Promise<void>

  constructor(parts: PartitionParts, grant: Grant & { readonly queryFirst: boolean }) {
    const { deps, clock, outbox, reader } = parts
    this.partition = grant.partition
    this.epoch = grant.epoch
    this.leaseUntil = grant.leaseUntil
    this.queryFirst = grant.queryFirst
    this.memory = createMemory(grant.partition, grant.epoch)
    this.#parts = parts
    this.#alarms = new Alarms(deps.runtime, clock)
    this.#inbox = new Inbox(deps.store, this.memory, deps.settings.inboxAheadMax)
    this.#ledger = {
      deps,
      resourceOf: parts.resourceOf,
      takeRoom: (goal) => outbox.takeRoom(goal.system, goal.lane),
      giveRoom: (goal) => outbox.giveRoom(goal.system, goal.lane),
      queryFirst: () => this.queryFirst,
      ownedSince: () => this.#ownedSince,
    }
    this.#effects = {
      deps,
      clock,
      outbox,
      reader,
      alarms: this.#alarms,
      ledger: this.#ledger,
      memory: this.memory,
      look: (orderKey) => this.#look(orderKey),
      onOutcome: (sent, outcome) => this.#onOutcome(sent, outcome),
      onReadEnd: (end) => {
        this.#readEnds.push(end)
        this.#signal()
      },
      stopped: () => this.#state === 'stopped',
      leaseUntil: () => this.leaseUntil,
      committing: () => this.#committing,
    }
    this.#finished = this.#run()
      .catch((reason: unknown) => {
        deps.log.warn('partition stopped', {
          partition: this.partition,
          reason: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
        })
        return 'failed' as const
      })
      .then((reason) => this.#stop(reason))
  }

  /** New rows may be in the inbox. */
  nudge(): void {
    this.#inbox.hint()
    this.#signal()
  }

  /**
   * Runs `action` inside the next turn; resolves when that turn is durable, rejects when the partition was lost first. One
   * that throws rejects and changes nothing; a person is told, with `about`, until one about the same succeeds.
   */
  act(about: string, action: TurnAction): Promise<void> {
    return new Promise<void>((done, lost) => {
      if (this.#state === 'stopped') return lost(new StoreUnavailable('the partition has another owner'))
      this.#actions.push({ about, action, done, lost })
      this.#signal()
    })
  }

  /** A nomination of the sweep for an order key in mind. */
  observe(place: { readonly system: string; readonly resource: string; readonly subject: string }, observation: Observation): void {
    this.memory.observations.set(observationKey(place.system, place.resource, place.subject), observation)
    this.#look(`${place.system}|${place.subject}`)
  }

  /** Releases the deliveries of an instance again after a fix. */
  unblock(instance: string, actor: string): Promise<void> {
    return this.act(`instance ${instance.replace('\u001f', ' ')}`, (turn) => {
      for (const record of this.memory.exceptions.values()) {
        if (
          record.code === 'process.failed' &&
          record.instance !== null &&
          instanceId(record.instance.process, record.instance.key) === instance
        )
          clear(turn, record.id, actor)
      }
      this.memory.blocked.delete(instance)
      this.#inbox.returnSkipped(instance)
      for (const timer of this.memory.timers.values()) this.#arm(timer)
    })
  }

  /** Nothing is in work; waiting for time or for targets does not count. */
  idle(): boolean {
    return !this.#working && !this.#hasWork() && this.#sending === 0 && !hasUnwritten(this.memory.unwritten)
  }

  /** Stops taking work, waits for sends in flight, resolves when nothing of it runs any more. */
  async drain(): Promise<void> {
    if (this.#state === 'running') this.#state = 'draining'
    this.#signal()
    await this.#finished
  }

  /** Stops at once: the lease is gone. */
  abandon(): void {
    this.#state = 'stopped'
    this.#signal()
  }

  #signal(): void {
    this.#wake?.()
    this.#wake = null
  }

  #look(orderKey: string): void {
    this.#orderKeys.add(orderKey)
    this.#signal()
  }

  #arm(timer: TimerRow): void {
    this.#alarms.reset(`timer|${timerId(timer.process, timer.key, timer.timer)}`, timer.dueAt, () => {
      this.#timers.push(timer)
      this.#signal()
    })
  }

  async #run(): Promise<Stop> {
    const { deps, clock } = this.#parts
    // Short lives must not leave an ever longer way to the next owner.
    this.#checkpointDue = (await takeOver(deps.store, this.memory, clock)) > ENTRIES_BEHIND_MAX
    this.#ownedSince = clock.iso()
    for (const orderKey of this.memory.goalsByOrderKey.keys()) this.#orderKeys.add(orderKey)
    for (const timer of this.memory.timers.values()) this.#arm(timer)
    this.#armCheckpoint()
    for (;;) {
      if (this.#state === 'running') await this.#inbox.fill()
      if (this.#state === 'stopped') return 'fenced'
      if (this.#checkpointDue && !(await this.#checkpoint())) return 'fenced'
      if (!this.#hasWork()) {
        if (this.#state === 'draining' && this.#sending === 0) return (await this.#checkpoint()) ? 'released' : 'fenced'
        this.#working = false
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#working = true
      } else if (!(await this.#turn())) return 'fenced'
    }
  }

  #hasWork(): boolean {
    if (this.#outcomes.length > 0 || this.#actions.length > 0 || this.#checkpointDue) return true
    if (this.#state !== 'running') return false
    return this.#inbox.waiting || this.#orderKeys.size > 0 || this.#timers.length > 0 || this.#readEnds.length + this.#failures.length > 0
  }

  /** False: the partition is no longer ours. */
  async #turn(): Promise<boolean> {
    const turn = beginTurn(this.memory, this.#parts.clock.iso())
    const actions = this.#actions.splice(0)
    try {
      if (this.#doubting) {
        beginDoubting(turn)
        readAgain(turn, this.#parts.deps.runtime)
      }
      this.#doubting = false
      const most = this.#parts.deps.settings.turnItemsMax
      const ledger = { turn, parts: this.#ledger }
      const outcomes = this.#outcomes.splice(0, most)
      for (const { sent, outcome } of outcomes) takeOutcomeOrDoubt(ledger, { ...sent, goal: goalIn(turn, sent.goal), outcome })
      for (const end of this.#readEnds.splice(0, most)) takeReadEnd(ledger, end)
      for (const { orderKey, reason } of this.#failures.splice(0, most)) notCarriedOut(ledger, orderKey, reason)
      const acted = new Set<QueuedAction>()
      for (const one of actions) if (await this.#act(turn, one)) acted.add(one)
      this.#takeOrderKeys(turn, most)
      await this.#takeDeliveries(turn, most)
      await this.#settle(turn)
      const ours = await this.#commit(turn)
      // Refused whole: kept as evidence when the owner stops.
      if (!ours) this.#outcomes.push(...outcomes)
      for (const one of acted) {
        if (ours) one.done()
        else one.lost(new StoreUnavailable('the partition has another owner'))
      }
      return ours
    } catch (reason) {
      this.#giveBack(turn)
      for (const one of actions) one.lost(reason)
      throw reason
    }
  }

  /** False: it threw, and is told of. A store that fails is the trouble of all. */
  async #act(turn: Turn, { about, action, lost }: QueuedAction): Promise<boolean> {
    const { hash } = this.#parts.deps.runtime
    const undo = snapshot(turn)
    try {
      await action(turn)
      clear(turn, openException(hash, turn.at, { code: 'action.failed', subject: about, detail: '' }).id, null)
      return true
    } catch (reason) {
      if (reason instanceof StoreUnavailable) throw reason
      undo()
      this.#parts.deps.runtime.sometimes('action-failed')
      const detail = reason instanceof Error ? reason.message : 'thrown value is not an Error'
      raise(turn, openException(hash, turn.at, { code: 'action.failed', causeGroup: `action.failed:${detail}`, subject: about, detail }))
      lost(reason)
      return false
    }
  }

  #takeOrderKeys(turn: Turn, most: number): void {
    let taken = 0
    for (const orderKey of this.#orderKeys) {
      if (taken++ >= most) return
      this.#orderKeys.delete(orderKey)
      turn.dirty.add(orderKey)
    }
  }

  async #takeDeliveries(turn: Turn, most: number): Promise<void> {
    for (const timer of this.#timers.splice(0, most)) turn.pending.push(timerDelivery(timer, turn))
    if (this.#state !== 'running') return
    const rows = this.#inbox.take(most)
    if (rows.length === 0) return
    const { deps, cache } = this.#parts
    await loadInstances(deps.store, this.memory, { ids: rows.map((row) => instanceId(row.process, row.key)), processes: deps.processes })
    turn.pending.push(...(await this.#inbox.deliveries(rows, cache)))
  }

  async #settle(turn: Turn): Promise<void> {
    for (let round = 0; turn.pending.length > 0 || turn.dirty.size > 0; round++) {
      assert(round < ROUNDS_PER_TURN_MAX, 'a turn comes to rest')
      for (const delivery of turn.pending.splice(0)) await runDelivery(turn, this.#parts, delivery)
      if (turn.pending.length === 0) evaluateDirty({ turn, parts: this.#ledger })
    }
  }

  async #commit(turn: Turn): Promise<boolean> {
    const { deps } = this.#parts
    if (!turnIsEmpty(turn)) {
      const before = deps.runtime.yieldPoint('before-turn-commit')
      if (before !== undefined) await before
      this.#committing = turn
      const result = await deps.store.commit(batchOf(turn, deps.worker))
      if (result.result !== 'committed') {
        deps.runtime.sometimes('turn-fenced')
        this.#giveBack(turn)
        return false
      }
      applyTurn(turn, result.firstSequences[0] as number, deps.settings)
      this.#committing = null
      // Our own word for it: the store's hint may come late, and nothing new may overtake what waits.
      if (turn.deliveries.some(({ toPartition }) => toPartition === this.partition)) this.#inbox.hint()
      this.#armCheckpoint()
      const after = deps.runtime.yieldPoint('after-turn-commit')
      if (after !== undefined) await after
    }
    for (const effect of turn.effects) this.#carryOut(turn, effect)
    for (const [id, timer] of turn.timers) {
      if (timer === null) this.#alarms.clear(`timer|${id}`)
      else this.#arm(timer)
    }
    return true
  }

  /** The turn is durable, so what throws here cannot be taken back: a command that may not have left counts as unknown. */
  #carryOut(turn: Turn, effect: Effect): void {
    const { deps, outbox } = this.#parts
    if (effect.effect === 'send') this.#sending++
    try {
      carryOutEffect(this.#effects, effect, turn.at)
    } catch (reason) {
      deps.runtime.sometimes('effect-failed')
      if (effect.effect === 'send') {
        const goal = goalIn(turn, effect.goal) as Goal
        outbox.giveRoom(goal.system, goal.lane)
        const command = goal.commands.find(({ id }) => id === effect.command) as Command
        this.#onOutcome({ goal: goal.id, command }, { outcome: 'unknown', detail: 'it could not be sent' })
        this.#failures.push({ orderKey: orderKeyOf(goal), reason })
      } else this.#failures.push({ orderKey: 'orderKey' in effect ? effect.orderKey : orderKeyOf(effect.goal), reason })
      this.#signal()
    }
  }

  #armCheckpoint(): void {
    if (this.#cancelCheckpoint !== null || !hasUnwritten(this.memory.unwritten)) return
    const { runtime, settings } = this.#parts.deps
    this.#cancelCheckpoint = runtime.clock.setTimer(settings.checkpointMs, () => {
      this.#checkpointDue = true
      this.#signal()
    })
  }

  /** Writes the rows that the journal is ahead of. False: the partition is no longer ours. */
  async #checkpoint(): Promise<boolean> {
    const { deps, clock } = this.#parts
    this.#checkpointDue = false
    this.#cancelCheckpoint?.()
    this.#cancelCheckpoint = null
    if (!hasUnwritten(this.memory.unwritten)) return true
    const result = await deps.store.commit(checkpointBatch(this.memory, { worker: deps.worker, at: clock.iso() }))
    if (result.result !== 'committed') return false
    this.memory.unwritten = { goals: new Map(), states: new Map(), timers: new Map() }
    return true
  }

  /** Room that was taken for commands which are not going to be sent. */
  #giveBack(turn: Turn): void {
    for (const effect of turn.effects) {
      if (effect.effect !== 'send') continue
      const goal = goalIn(turn, effect.goal)
      if (goal !== undefined) this.#parts.outbox.giveRoom(goal.system, goal.lane)
    }
  }

  #onOutcome(sent: Sent, outcome: Outcome): void {
    this.#sending--
    if (this.#state === 'stopped') void this.#keepLate(sent, outcome)
    else this.#outcomes.push({ sent, outcome })
    this.#signal()
  }

  /** The lease is gone: the outcome is kept as evidence and changes nothing. */
  async #keepLate(sent: Sent, outcome: Outcome): Promise<void> {
    const { deps, clock } = this.#parts
    const { partition, epoch } = this
    deps.runtime.sometimes('late-outcome')
    const entry: LateEntry = {
      kind: 'late',
      command: sent.command.id,
      epoch,
      at: clock.iso(),
      outcome: outcome.outcome,
      detail: outcome.detail,
    }
    const write = { partition, owner: null, entries: [encodeEntry(entry)], deliveries: [], consumed: [], rows: [] }
    try {
      await deps.store.commit({ expect: [], identities: [], raw: [], partitions: [write] })
    } catch (reason) {
      deps.log.warn('a late outcome could not be kept', { command: sent.command.id, outcome: outcome.outcome, reason: String(reason) })
    }
  }

  #stop(reason: Stop): void {
    this.#state = 'stopped'
    this.#alarms.close()
    this.#cancelCheckpoint?.()
    for (const one of this.#actions.splice(0)) one.lost(new StoreUnavailable('the partition has another owner'))
    for (const { sent, outcome } of this.#outcomes.splice(0)) void this.#keepLate(sent, outcome)
    this.#parts.onStopped(this, reason)
  }
}

function timerDelivery(timer: TimerRow, turn: Turn): PendingDelivery {
  const source = { instance: 'hub', record: `timer/${timer.timer}`, version: String(timer.generation) }
  const address = { partition: turn.memory.partition, sequence: -1, ordinal: 0 }
  return {
    process: timer.process,
    key: timer.key,
    lane: 'normal',
    event: {
      type: TIMER_FIRED,
      subject: timer.key,
      source,
      occurredAt: timer.dueAt,
      receivedAt: turn.at,
      recordedAt: turn.at,
      address,
      data: { timer: timer.timer, generation: timer.generation },
    },
    inbox: null,
    origin: null,
  }
}
