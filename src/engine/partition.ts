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
import { scopeCovers } from '../model/scope.ts'
import { type InboxRow, StoreUnavailable } from '../store/store.ts'
import type { EngineDeps, EntryCache, HubClock, PendingDelivery } from './deps.ts'
import { instanceId } from './derive.ts'
import { encodeEntry, type LateEntry, parseEntry } from './entries.ts'
import type { ExceptionRecord } from './exceptions.ts'
import type { TimerRow } from './fold.ts'
import { doubtIntents, evaluateDirty, type LedgerParts, maySend, premiseOf, takeOutcome } from './ledger.ts'
import { createMemory, type Instance, observationKey, type PartitionMemory, rememberException, rememberGoal } from './memory.ts'
import type { Outbox } from './outbox.ts'
import type { Reader } from './reader.ts'
import { eventAt, migrated, type RunParts, runDelivery } from './run.ts'
import { timerId } from './timer-id.ts'
import { applyTurn, batchOf, beginTurn, clear, type Effect, goalIn, raise, type Turn, turnIsEmpty } from './turn.ts'

const TURNS_INNER_MAX = 10_000
const PAGE = 1_000

export interface PartitionParts extends Omit<RunParts, 'deps'> {
  readonly deps: EngineDeps
  readonly clock: HubClock
  readonly cache: EntryCache
  readonly outbox: Outbox
  readonly reader: Reader
  readonly resourceOf: (system: string, resource: string) => ResourceSpec
  /** Called once when the owner has stopped, whatever the reason. */
  readonly onStopped: (owner: PartitionOwner, reason: 'released' | 'fenced' | 'failed') => void
}

/** Something done by a person or by the sweep that belongs into a turn. */
export type TurnAction = (turn: Turn) => void

export interface PartitionOwner {
  readonly partition: number
  readonly epoch: number
  /** Monotonic time until which the lease is surely ours. */
  leaseUntil: number
  /** New rows may be in the inbox. */
  nudge(): void
  /** Runs `action` inside the next turn; resolves when that turn is durable, rejects when the partition was lost first. */
  act(action: TurnAction): Promise<void>
  observe(system: string, resource: string, subject: string, observation: Observation): void
  /** Releases the key's deliveries again after a fix. */
  unblock(instance: string, actor: string): Promise<void>
  readonly memory: PartitionMemory
  readonly idle: () => boolean
  /** After a restore: what the sweep has not yet confirmed is queried before anything is sent. */
  queryFirst: boolean
  /** Stops taking work, waits for sends in flight, resolves when nothing of it runs any more. */
  drain(): Promise<void>
  /** Stops at once: the lease is gone. */
  abandon(): void
}

interface Work {
  readonly outcomes: { readonly goal: string; readonly command: string; readonly attempt: number; readonly outcome: Outcome }[]
  readonly orderKeys: Set<string>
  readonly timers: TimerRow[]
  readonly actions: { readonly action: TurnAction; readonly done: () => void; readonly lost: (reason: unknown) => void }[]
  readonly inbox: InboxRow[]
}

export function createPartitionOwner(parts: PartitionParts, partition: number, epoch: number, leaseUntil: number): PartitionOwner {
  const { deps, clock, outbox, reader } = parts
  const { runtime, store, settings } = deps
  const memory = createMemory(partition, epoch)
  const work: Work = { outcomes: [], orderKeys: new Set(), timers: [], actions: [], inbox: [] }
  const alarms = new Map<string, { readonly at: number; readonly cancel: () => void }>()
  const ledger: LedgerParts = {
    deps,
    resourceOf: parts.resourceOf,
    takeRoom: (goal) => outbox.takeRoom(goal.system, goal.lane),
    queryFirst: () => owner.queryFirst,
  }
  let state: 'running' | 'draining' | 'stopped' = 'running'
  let wake: (() => void) | null = null
  let inboxCursor = 0
  let inboxHint = true
  let sending = 0
  let doubting = true

  const signal = (): void => {
    wake?.()
    wake = null
  }

  const owner: PartitionOwner = {
    partition,
    epoch,
    leaseUntil,
    memory,
    queryFirst: false,
    nudge: () => {
      inboxHint = true
      signal()
    },
    act: (action) =>
      new Promise<void>((done, lost) => {
        if (state === 'stopped') return lost(new StoreUnavailable('the partition has another owner'))
        work.actions.push({ action, done, lost })
        signal()
      }),
    observe: (system, resource, subject, observation) => {
      memory.observations.set(observationKey(system, resource, subject), observation)
      look(`${system}|${subject}`)
    },
    unblock: (instance, actor) =>
      owner.act((turn) => {
        memory.blocked.delete(instance)
        for (const record of memory.exceptions.values()) {
          if (
            record.code === 'process.failed' &&
            record.instance !== null &&
            instanceId(record.instance.process, record.instance.key) === instance
          )
            clear(turn, record.id, actor)
        }
        const rows = memory.skipped.splice(0)
        work.inbox.unshift(...rows)
        for (const timer of memory.timers.values()) armTimer(timer)
      }),
    idle: () =>
      work.outcomes.length === 0 &&
      work.orderKeys.size === 0 &&
      work.timers.length === 0 &&
      work.actions.length === 0 &&
      work.inbox.length === 0 &&
      !inboxHint &&
      sending === 0,
    drain: async () => {
      if (state === 'running') state = 'draining'
      signal()
      await finished
    },
    abandon: () => {
      if (state === 'stopped') return
      state = 'stopped'
      signal()
    },
  }

  function look(orderKey: string): void {
    work.orderKeys.add(orderKey)
    signal()
  }

  function armAt(key: string, at: string, fire: () => void): void {
    const due = Date.parse(at)
    const known = alarms.get(key)
    if (known !== undefined && known.at <= due && known.at > clock.ms()) return
    known?.cancel()
    const cancel = runtime.clock.setTimer(Math.max(0, due - clock.ms()), () => {
      alarms.delete(key)
      if (state === 'running') fire()
    })
    alarms.set(key, { at: due, cancel })
  }

  function armTimer(timer: TimerRow): void {
    const key = `timer|${timerId(timer.process, timer.key, timer.timer)}`
    alarms.get(key)?.cancel()
    alarms.delete(key)
    armAt(key, timer.dueAt, () => {
      work.timers.push(timer)
      signal()
    })
  }

  async function takeOver(): Promise<void> {
    for await (const row of pages('goal')) {
      const goal = JSON.parse(row) as Goal
      rememberGoal(memory, goal, true)
      if (goal.commands.length > 0) memory.settledAt.set(orderKeyOf(goal), clock.iso())
      work.orderKeys.add(orderKeyOf(goal))
    }
    for await (const row of pages('timer')) {
      const timer = JSON.parse(row) as TimerRow
      memory.timers.set(timerId(timer.process, timer.key, timer.timer), timer)
      armTimer(timer)
    }
    for await (const row of pages('exception')) {
      const record = JSON.parse(row) as ExceptionRecord
      rememberException(memory, record)
      if (record.code === 'process.failed' && record.instance !== null)
        memory.blocked.add(instanceId(record.instance.process, record.instance.key))
    }
  }

  async function* pages(table: 'goal' | 'timer' | 'exception'): AsyncGenerator<string> {
    let after = ''
    for (;;) {
      const rows = await store.scanRows({ table, partition, activeOnly: true, after, limit: PAGE })
      for (const row of rows) yield row.body
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return
      after = last.id
    }
  }

  async function run(): Promise<'released' | 'fenced' | 'failed'> {
    await takeOver()
    for (;;) {
      if (state === 'stopped') return 'fenced'
      if (inboxHint && work.inbox.length < settings.inboxAheadMax && state === 'running') await readInbox()
      if (!hasWork()) {
        if (state === 'draining' && sending === 0) return 'released'
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const ended = await oneTurn()
      if (ended !== null) return ended
    }
  }

  function hasWork(): boolean {
    if (work.outcomes.length > 0 || work.actions.length > 0) return true
    if (state === 'draining') return false
    return inboxHint || work.inbox.length > 0 || work.orderKeys.size > 0 || work.timers.length > 0
  }

  async function readInbox(): Promise<void> {
    inboxHint = false
    const rows = await store.readInbox(partition, inboxCursor, settings.inboxAheadMax)
    for (const row of rows) {
      inboxCursor = row.sequence
      if (memory.blocked.has(instanceId(row.process, row.key))) memory.skipped.push(row)
      else work.inbox.push(row)
    }
    if (rows.length === settings.inboxAheadMax) inboxHint = true
  }

  async function oneTurn(): Promise<'fenced' | 'failed' | null> {
    const turn = beginTurn(memory, clock.iso())
    const actions = work.actions.splice(0)
    try {
      if (doubting) doubtIntents(turn, ledger)
      doubting = false
      for (const one of work.outcomes.splice(0, settings.turnItemsMax))
        takeOutcome(turn, ledger, goalIn(turn, one.goal), one.command, one.attempt, one.outcome)
      for (const one of actions) one.action(turn)
      takeOrderKeys(turn)
      await takeDeliveries(turn)
      await settleTurn(turn)
      const ended = await commitTurn(turn)
      for (const one of actions) {
        if (ended === null) one.done()
        else one.lost(new StoreUnavailable('the partition has another owner'))
      }
      return ended
    } catch (reason) {
      giveBack(turn)
      for (const one of actions) one.lost(reason)
      throw reason
    }
  }

  function takeOrderKeys(turn: Turn): void {
    let taken = 0
    for (const orderKey of work.orderKeys) {
      if (taken++ >= settings.turnItemsMax) return
      work.orderKeys.delete(orderKey)
      turn.dirty.add(orderKey)
    }
  }

  async function takeDeliveries(turn: Turn): Promise<void> {
    for (const timer of work.timers.splice(0, settings.turnItemsMax)) turn.pending.push(timerDelivery(timer, turn.at))
    if (state !== 'running' || work.inbox.length === 0) return
    const rows = nextRows()
    await loadStates(rows)
    for (const delivery of await deliveriesOf(rows)) turn.pending.push(delivery)
  }

  /** Holds first, then in order of arrival: a hold may pass pending work, nothing else may. */
  function nextRows(): InboxRow[] {
    const safety = work.inbox.filter((row) => row.lane === 'safety')
    if (safety.length === 0 || safety.length === work.inbox.length) return work.inbox.splice(0, settings.turnItemsMax)
    const rest = work.inbox.filter((row) => row.lane !== 'safety')
    const taken = [...safety.splice(0, settings.turnItemsMax)]
    taken.push(...rest.splice(0, settings.turnItemsMax - taken.length))
    work.inbox.splice(0, work.inbox.length, ...safety, ...rest)
    return taken
  }

  async function loadStates(rows: readonly InboxRow[]): Promise<void> {
    const missing = new Set<string>()
    for (const row of rows) {
      const id = instanceId(row.process, row.key)
      if (!memory.instances.has(id)) missing.add(id)
    }
    if (missing.size === 0) return
    const found = await store.readRows('state', [...missing])
    for (const id of missing) {
      const [name, key] = id.split('\u001f') as [string, string]
      const process = deps.processes.get(name)
      if (process === undefined) continue
      const row = found.get(id)
      memory.instances.set(
        id,
        row === undefined
          ? { version: process.version, state: process.initial(key), stored: false }
          : migrated(process, JSON.parse(row.body) as { version: number; state: unknown }),
      )
    }
  }

  async function deliveriesOf(rows: readonly InboxRow[]): Promise<PendingDelivery[]> {
    const missing = rows.filter((row) => parts.cache.get(row.from.partition, row.from.sequence) === undefined).map((row) => row.from)
    const read = new Map<string, ReturnType<typeof parseEntry>>()
    if (missing.length > 0) {
      for (const entry of await store.readEntries(missing)) read.set(`${entry.partition}.${entry.sequence}`, parseEntry(entry.body))
    }
    const deliveries: PendingDelivery[] = []
    for (const row of rows) {
      const entry = parts.cache.get(row.from.partition, row.from.sequence) ?? read.get(`${row.from.partition}.${row.from.sequence}`)
      assert(entry !== undefined, `entry ${row.from.partition}.${row.from.sequence} is missing`)
      const goal = entry.kind === 'goal' ? await goalById(entry.goal) : undefined
      deliveries.push({
        process: row.process,
        key: row.key,
        lane: row.lane,
        event: eventAt(entry, row.from, () => goal),
        inbox: row.sequence,
        origin: null,
      })
    }
    return deliveries
  }

  async function goalById(id: string): Promise<Goal | undefined> {
    const known = memory.goals.get(id)
    if (known !== undefined) return known
    const row = (await store.readRows('goal', [id])).get(id)
    return row === undefined ? undefined : (JSON.parse(row.body) as Goal)
  }

  async function settleTurn(turn: Turn): Promise<void> {
    for (let round = 0; turn.pending.length > 0 || turn.dirty.size > 0; round++) {
      assert(round < TURNS_INNER_MAX, 'a turn comes to rest')
      while (turn.pending.length > 0) {
        const delivery = turn.pending.shift() as PendingDelivery
        if (delivery.inbox !== null && memory.blocked.has(instanceId(delivery.process, delivery.key))) {
          memory.skipped.push({
            partition,
            sequence: delivery.inbox,
            process: delivery.process,
            key: delivery.key,
            lane: delivery.lane,
            from: delivery.event.address,
          })
          continue
        }
        await runDelivery(turn, parts, delivery)
      }
      evaluateDirty(turn, ledger)
    }
  }

  async function commitTurn(turn: Turn): Promise<'fenced' | 'failed' | null> {
    if (!turnIsEmpty(turn)) {
      const pause = runtime.yieldPoint('before-turn-commit')
      if (pause !== undefined) await pause
      const result = await store.commit(batchOf(turn, deps.worker))
      if (result.result !== 'committed') {
        runtime.sometimes('turn-fenced')
        giveBack(turn)
        return 'fenced'
      }
      applyTurn(turn)
      trimInstances(turn)
      const after = runtime.yieldPoint('after-turn-commit')
      if (after !== undefined) await after
    }
    for (const effect of turn.effects) carryOut(turn, effect)
    for (const timer of turn.timers.values()) if (timer !== null) armTimer(timer)
    return null
  }

  function giveBack(turn: Turn): void {
    for (const effect of turn.effects) {
      if (effect.effect !== 'send') continue
      const goal = goalIn(turn, effect.goal)
      if (goal !== undefined) outbox.giveRoom(goal.system, goal.lane)
    }
  }

  /** Least recently staged first: a stored instance can always be read again. */
  function trimInstances(turn: Turn): void {
    for (const [id, instance] of turn.instances) {
      memory.instances.delete(id)
      memory.instances.set(id, { ...instance, stored: true } satisfies Instance)
    }
    for (const id of memory.instances.keys()) {
      if (memory.instances.size <= settings.instancesCachedMax) return
      memory.instances.delete(id)
    }
  }

  function carryOut(turn: Turn, effect: Effect): void {
    switch (effect.effect) {
      case 'send':
        return send(effect.goal, effect.command)
      case 'wake':
        return armAt(`wake|${effect.orderKey}`, effect.at, () => look(effect.orderKey))
      case 'read':
        return wish(effect.goal.system, effect.goal.resource, effect.goal.subject, effect.notBefore, orderKeyOf(effect.goal))
      case 'readPremise':
        return wishPremise(turn, effect.goal)
      case 'waitForRoom': {
        const orderKey = orderKeyOf(effect.goal)
        return outbox.whenRoom(effect.goal.system, effect.goal.lane, {
          key: `${partition}|${orderKey}`,
          site: effect.goal.site,
          ready: () => look(orderKey),
        })
      }
    }
  }

  function wish(system: string, resource: string, subject: string, notBefore: string, orderKey: string): void {
    reader.wish({
      system,
      resource,
      subject,
      notBefore,
      wisher: `${partition}.${epoch}|${orderKey}`,
      serve: (observation) => {
        if (state === 'stopped' || !memory.goalsByOrderKey.has(orderKey)) return
        memory.observations.set(observationKey(system, resource, subject), observation)
        look(orderKey)
      },
    })
  }

  function wishPremise(turn: Turn, goal: Goal): void {
    const { premise } = goal
    if (premise === null) return
    const orderKey = orderKeyOf(goal)
    reader.wish({
      system: premise.system,
      resource: premise.resource,
      subject: premise.key,
      notBefore: turn.at,
      wisher: `${partition}.${epoch}|${orderKey}|premise`,
      serve: (observation) => {
        if (state === 'stopped') return
        rememberPremise(observationKey(premise.system, premise.resource, premise.key), observation)
        look(orderKey)
      },
    })
  }

  /** Premises serve for seconds only; the oldest go first. */
  function rememberPremise(key: string, observation: Observation): void {
    memory.premises.delete(key)
    memory.premises.set(key, observation)
    for (const oldest of memory.premises.keys()) {
      if (memory.premises.size <= settings.inboxAheadMax) return
      memory.premises.delete(oldest)
    }
  }

  function send(goalId: string, commandId: string): void {
    const goal = memory.goals.get(goalId) as Goal
    const command = goal.commands.find((one) => one.id === commandId) as Command
    const attempt = command.attempts
    const intentMono = runtime.clock.monoNow()
    sending++
    outbox.enqueue(goal.system, {
      item: { reference: command.reference, command: command.id, resource: goal.resource, subject: goal.subject, action: command.action },
      orderKey: orderKeyOf(goal),
      lane: goal.lane,
      guard: () => guard(goalId, command, intentMono),
      done: (outcome) => {
        sending--
        if (state === 'stopped') void keepLateOutcome(command, outcome)
        else work.outcomes.push({ goal: goalId, command: commandId, attempt, outcome })
        signal()
      },
    })
  }

  /** Asked in the tick of the socket write: deadline, lease, holds and premise as known in this very tick. */
  function guard(goalId: string, command: Command, intentMono: number): boolean {
    if (state === 'stopped') return false
    const now = runtime.clock.monoNow()
    if (now - intentMono >= settings.sendDeadlineMs) return false
    const goal = memory.goals.get(goalId)
    if (goal === undefined) return false
    const timeoutMs = deps.connectors.get(goal.system)?.spec.callTimeoutMs ?? 0
    if (owner.leaseUntil - now <= timeoutMs) return false
    if (!frees(command)) return maySend(memory, goalId, command, () => false)
    if (premiseOf({ memory, at: clock.iso() }, ledger, goal) === 'gone') return false
    return maySend(
      memory,
      goalId,
      command,
      (action, condition) =>
        action.type === 'move' && condition.predicate.type === 'notUsable' && scopeCovers(condition.predicate.scope, action.from.carrier),
    )
  }

  async function keepLateOutcome(command: Command, outcome: Outcome): Promise<void> {
    runtime.sometimes('late-outcome')
    const entry: LateEntry = { kind: 'late', command: command.id, epoch, at: clock.iso(), outcome: outcome.outcome, detail: outcome.detail }
    try {
      await store.commit({
        expect: [],
        identities: [],
        raw: [],
        partitions: [{ partition, owner: null, entries: [encodeEntry(entry)], deliveries: [], consumed: [], rows: [] }],
      })
    } catch (reason) {
      deps.log.warn('a late outcome could not be kept', { command: command.id, outcome: outcome.outcome, reason: String(reason) })
    }
  }

  function timerDelivery(timer: TimerRow, at: string): PendingDelivery {
    const source = { instance: 'hub', record: `timer/${timer.timer}`, version: String(timer.generation) }
    return {
      process: timer.process,
      key: timer.key,
      lane: 'normal',
      event: {
        type: TIMER_FIRED,
        subject: timer.key,
        source,
        occurredAt: timer.dueAt,
        receivedAt: at,
        recordedAt: at,
        address: { partition, sequence: -1, ordinal: 0 },
        data: { timer: timer.timer, generation: timer.generation },
      },
      inbox: null,
      origin: null,
    }
  }

  const finished: Promise<void> = run()
    .catch((reason: unknown) => {
      deps.log.warn('partition stopped', { partition, reason: reason instanceof Error ? reason.message : String(reason) })
      return 'failed' as const
    })
    .then((reason) => {
      state = 'stopped'
      for (const alarm of alarms.values()) alarm.cancel()
      for (const one of work.actions.splice(0)) one.lost(new StoreUnavailable('the partition has another owner'))
      parts.onStopped(owner, reason)
    })
  return owner
}

/** Only a movement towards free use frees stock; everything else restricts or writes records. */
function frees(command: Command): boolean {
  return command.action.type === 'move' && command.action.to === 'unrestricted'
}
