/**
 * What leaves a partition once a turn is durable: commands to the outbox, wishes to the reader, wake-ups. The send
 * guard stands here, because it is asked in the tick of the socket write and must know what is known in that tick.
 */
import type { Outcome } from '../connectors/connector.ts'
import { type Command, type Goal, orderKeyOf } from '../model/goal.ts'
import type { Observation } from '../model/observation.ts'
import { scopeCovers } from '../model/scope.ts'
import { addMs } from '../model/time.ts'
import type { Alarms } from './alarms.ts'
import type { EngineDeps, HubClock } from './deps.ts'
import { type LedgerParts, premiseOf } from './ledger.ts'
import { observationKey, type PartitionMemory } from './memory.ts'
import type { Outbox } from './outbox.ts'
import type { Reader } from './reader.ts'
import type { Effect, Turn } from './turn.ts'
import { noteReadEnd, type Place, type ReadEnd } from './unread.ts'

export interface EffectParts {
  readonly deps: EngineDeps
  readonly clock: HubClock
  readonly outbox: Outbox
  readonly reader: Reader
  readonly alarms: Alarms
  readonly ledger: LedgerParts
  readonly memory: PartitionMemory
  /** The order key must be evaluated again. */
  readonly look: (orderKey: string) => void
  readonly onOutcome: (sent: Sent, outcome: Outcome) => void
  /** A read that a goal waits for has failed for too long, or succeeds again. */
  readonly onReadEnd: (end: ReadEnd) => void
  readonly stopped: () => boolean
  /** Monotonic time until which the lease is surely ours. */
  readonly leaseUntil: () => number
  /** The turn that is being committed: what it forbids is forbidden from now on, what it allows is not yet allowed. */
  readonly committing: () => Turn | null
}

export interface Sent {
  readonly goal: string
  readonly command: Command
}

export function carryOutEffect(parts: EffectParts, effect: Effect, at: string): void {
  const { memory, look } = parts
  switch (effect.effect) {
    case 'send':
      send(parts, effect.goal, effect.command)
      return
    case 'wake':
      parts.alarms.arm(`wake|${effect.orderKey}`, effect.at, () => look(effect.orderKey))
      return
    case 'read':
      readGoal(parts, effect.goal, { why: 'read', notBefore: effect.notBefore })
      return
    case 'lookAfresh': {
      const { lagMs } = parts.ledger.resourceOf(effect.goal.system, effect.goal.resource)
      readGoal(parts, effect.goal, { why: 'lookAfresh', notBefore: addMs(at, lagMs) })
      return
    }
    case 'readPremise': {
      const { premise } = effect.goal
      if (premise === null) return
      const { system, resource, key } = premise
      const seen = memory.premises.get(observationKey(system, resource, key))
      wish(parts, effect.goal, {
        why: 'readPremise',
        system,
        resource,
        subject: key,
        // A read that has not caught up is repeated when it may have.
        notBefore: seen === undefined ? at : latest(at, seen.beganAt, parts.ledger.resourceOf(system, resource).lagMs),
        keep: (known, observation) => keepPremise(parts, known, observation),
      })
      return
    }
    case 'waitForRoom': {
      const orderKey = orderKeyOf(effect.goal)
      const { system, lane, site } = effect.goal
      parts.outbox.whenRoom(system, lane, { key: `${memory.partition}|${orderKey}`, site, ready: () => look(orderKey) })
    }
  }
}

/** `at`, or `lagMs` after `since` if that is later. */
function latest(at: string, since: string, lagMs: number): string {
  const due = addMs(since, lagMs)
  return due > at ? due : at
}

function readGoal(parts: EffectParts, goal: Goal, wanted: Pick<Wanted, 'why' | 'notBefore'>): void {
  const { system, resource, subject } = goal
  const { observations } = parts.memory
  const keep = (key: string, observation: Observation): void => {
    // Two reads of one subject may come back in the other order.
    if ((observations.get(key)?.beganAt ?? '') <= observation.beganAt) observations.set(key, observation)
  }
  wish(parts, goal, { ...wanted, system, resource, subject, keep })
}

interface Wanted extends Place {
  readonly why: 'read' | 'lookAfresh' | 'readPremise'
  readonly notBefore: string
  readonly keep: (key: string, observation: Observation) => void
}

function wish(parts: EffectParts, goal: Goal, wanted: Wanted): void {
  const { memory } = parts
  const { system, resource, subject, notBefore } = wanted
  const orderKey = orderKeyOf(goal)
  const tell = (failure: ReadEnd['failure']): void => {
    const end: ReadEnd = { goal: goal.id, place: { system, resource, subject }, failure }
    if (!parts.stopped() && noteReadEnd(memory, parts.deps.settings, end)) parts.onReadEnd(end)
  }
  parts.reader.wish({
    system,
    resource,
    subject,
    lane: goal.lane,
    notBefore,
    // By goal and reason: what one goal must wait for is not to keep another waiting, nor to be served by less.
    wisher: `${memory.partition}.${memory.epoch}|${goal.id}|${wanted.why}`,
    failed: tell,
    serve: (observation) => {
      tell(null)
      if (parts.stopped() || !memory.goalsByOrderKey.has(orderKey)) return
      wanted.keep(observationKey(system, resource, subject), observation)
      parts.look(orderKey)
    },
  })
}

/** Premises serve for seconds only; the oldest go first. */
function keepPremise({ memory, deps }: EffectParts, key: string, observation: Observation): void {
  memory.premises.delete(key)
  memory.premises.set(key, observation)
  for (const oldest of memory.premises.keys()) {
    if (memory.premises.size <= deps.settings.premisesKeptMax) return
    memory.premises.delete(oldest)
  }
}

function send(parts: EffectParts, goalId: string, commandId: string): void {
  const goal = parts.memory.goals.get(goalId) as Goal
  const command = goal.commands.find((one) => one.id === commandId) as Command
  const { subject, resource, system, lane } = goal
  const intentMono = parts.deps.runtime.clock.monoNow()
  parts.outbox.enqueue(system, {
    item: { reference: command.reference, resource, subject, action: command.action },
    orderKey: orderKeyOf(goal),
    lane,
    guard: () => maySend(parts, { goal: goalId, command }, intentMono),
    done: (outcome) => parts.onOutcome({ goal: goalId, command }, outcome),
  })
}

/** Deadline, lease, holds and premise, as known in this very tick. */
function maySend(parts: EffectParts, sent: Sent, intentMono: number): boolean {
  const { deps, memory, clock } = parts
  const now = deps.runtime.clock.monoNow()
  const goal = memory.goals.get(sent.goal)
  if (parts.stopped() || goal === undefined || goal.withdrawing) return false
  if (now - intentMono >= deps.settings.sendDeadlineMs) return false
  if (parts.leaseUntil() - now <= (deps.connectors.get(goal.system)?.spec.callTimeoutMs ?? 0)) return false
  if (!frees(sent.command)) return true
  const premise = premiseOf({ memory, at: clock.iso() }, parts.ledger, goal)
  if (premise === 'gone' || premise === 'stale') return false
  const staged = parts.committing()
  const orderKey = orderKeyOf(goal)
  for (const id of memory.goalsByOrderKey.get(orderKey) ?? []) {
    if (forbids(memory.goals.get(id), sent.command) || forbids(staged?.goals.get(id), sent.command)) return false
  }
  for (const id of staged?.newGoals.get(orderKey) ?? []) if (forbids(staged?.goals.get(id), sent.command)) return false
  return true
}

/** An active hold over the quantity that the command would free. */
function forbids(sibling: Goal | undefined, { action, intentAt }: Command): boolean {
  if (sibling?.predicate.type !== 'notUsable' || sibling.withdrawing || sibling.state === 'withdrawn') return false
  // A flag concerns the whole lot: the holds known at its intent were weighed, a newer one forbids.
  return action.type === 'move' ? scopeCovers(sibling.predicate.scope, action.from.carrier) : sibling.setAt >= intentAt
}

/** Only a movement towards free use, or a flag taken off, frees stock; everything else restricts or writes records. */
function frees({ action }: Command): boolean {
  return action.type === 'unrestrict' || (action.type === 'move' && action.to === 'unrestricted')
}
