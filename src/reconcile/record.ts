/**
 * Records. `exists` latches at the first evidence: later absence is an exception, never a recreation. `notOpen` is a standing
 * condition on a record that its own system decides: an open one is cancelled, a decided one is left alone.
 */
import type { Predicate } from '../model/goal.ts'
import type { RecordSeen } from '../model/observation.ts'
import { addMs } from '../model/time.ts'
import { askedSince, type Case, latest, type RecordRead, readStep, recordsToActOn, SHADOW, slowly, wait } from './case.ts'
import { adoption, failedAfterAll, isHeal, pause, settleUnknown, start } from './commands.ts'
import type { NextStep } from './step.ts'
import { isOpen, traceOf } from './trace.ts'

type Exists = Extract<Predicate, { type: 'exists' }>
type NotOpen = Extract<Predicate, { type: 'notOpen' }>

const HEALS_MAX = 2

export function exists(c: Case, predicate: Exists): NextStep {
  if (c.goal.state === 'met' && !c.goal.withdrawing) return latched(c, predicate)
  if (c.inFlight !== null) return wait('inFlight')
  if (c.unknown !== null) return settleUnknown(c, c.unknown, c.policy.sending === 'shadow' ? SHADOW : null)
  const late = failedAfterAll(c)
  if (late !== null) return late
  if (c.goal.withdrawing) return { step: 'withdraw', reason: c.newest?.state === 'applied' ? 'the record exists' : 'never created' }
  const { newest, policy } = c
  if (newest?.state === 'applied' && policy.evidence === 'answer') {
    return { step: 'met', evidence: { kind: 'answer', at: newest.changedAt, detail: newest.detail } }
  }
  const read = c.read?.kind === 'record' ? c.read : null
  const found = read === null ? null : foundIn(c, read, predicate.key)
  if (found !== null) return found
  if (newest?.state === 'applied') return read === null ? readStep(c, 'created') : (rolledBack(c, read) ?? create(c, predicate))
  return create(c, predicate)
}

function foundIn(c: Case, read: RecordRead, key: string): NextStep | null {
  const records = read.records.filter((record) => record.key === key)
  if (records.length > 1) return { step: 'park', code: 'record.duplicate', detail: records.map((record) => record.id).join(', ') }
  const record = records[0]
  if (record === undefined) return null
  const adopted = adoption(c)
  if (adopted !== null) return adopted
  const kind = c.newest === null ? 'observed' : 'readBack'
  return { step: 'met', evidence: { kind, at: read.endedAt, detail: record.id } }
}

/** After the first evidence, only what should not be is shown: nothing, or more than one. */
function latched(c: Case, predicate: Exists): NextStep {
  const { seen, goal, policy } = c
  if (seen === null || seen.kind !== 'record' || seen.beganAt < addMs(goal.settledAt ?? '', policy.lagMs)) return { step: 'none' }
  const records = seen.records.filter((record) => record.key === predicate.key)
  if (records.length === 1) return { step: 'none' }
  if (c.read === null) return readStep(c, 'missing', seen.beganAt)
  const ids = records.map((record) => record.id).join(', ')
  if (records.length > 1) return { step: 'blocked', waiting: 'record.duplicate', code: 'record.duplicate', detail: ids, until: null }
  return { step: 'blocked', waiting: 'record.missing', code: 'record.missing', detail: predicate.key, until: null }
}

/** Answered, yet two reads one lag apart do not show it: the target rolled it back. */
function rolledBack(c: Case, read: RecordRead): NextStep | null {
  const { newest, policy } = c
  if (newest === null || traceOf(newest, read) !== 'absent') return null
  const detail = `${newest.reference} was answered "${newest.detail}" and is not to be seen`
  if (newest.absentAt === null || newest.absentAt < newest.changedAt) {
    return { step: 'resolve', command: newest.id, outcome: 'absentOnce', detail }
  }
  const second = addMs(newest.absentAt, Math.max(policy.lagMs, 1))
  if (read.beganAt < second) return readStep(c, 'created', second)
  if (policy.idempotency === 'unsafe') return { step: 'park', code: 'command.outcomeUnknown', detail }
  return { step: 'resolve', command: newest.id, outcome: 'failed', detail }
}

/** Looks before it creates, unless the class makes a second create harmless. */
function create(c: Case, predicate: Exists): NextStep {
  const { newest, policy } = c
  if (policy.sending === 'shadow') return SHADOW
  const refused = refusal(c)
  if (refused !== null) return refused
  const paused = pause(c)
  if (paused !== null) return paused
  if (c.siblingUnsettled) return wait('sibling')
  const harmless = policy.idempotency === 'externalId' || policy.idempotency === 'key' || policy.idempotency === 'transportId'
  const read = recordsToActOn(c, '')
  if (read === null && (!harmless || policy.queryFirst || newest?.state === 'refused')) return readStep(c, 'lookUp')
  return start(c, { type: 'createRecord', key: predicate.key, fields: predicate.fields }, 0)
}

function refusal(c: Case): NextStep | null {
  const { newest } = c
  if (newest?.state !== 'refused' || askedSince(c, newest.changedAt)) return null
  return { step: 'refuse', code: 'record.refused', detail: `${newest.reference}: ${newest.detail}` }
}

export function notOpen(c: Case, predicate: NotOpen): NextStep {
  if (c.inFlight !== null) return wait('inFlight')
  if (c.unknown !== null) return settleUnknown(c, c.unknown, c.policy.sending === 'shadow' ? SHADOW : null)
  if (c.goal.withdrawing) return { step: 'withdraw', reason: 'no longer asked for' }
  if (c.goal.state === 'met') return standing(c, predicate)
  if (c.siblingUnsettled) return wait('sibling')
  const read = recordsToActOn(c, c.goal.setAt)
  if (read === null) return refusal(c) ?? pause(c) ?? readStep(c, 'condition', c.goal.setAt)
  const open = openIn(read.records, predicate.key)
  if (open.length === 0)
    return { step: 'met', evidence: { kind: 'readBack', at: read.endedAt, detail: statusOf(read.records, predicate.key) } }
  if (open.length > 1) {
    const detail = open.map((record) => record.id).join(', ')
    return { step: 'blocked', waiting: 'record.duplicate', code: 'record.duplicate', detail, until: null }
  }
  return cancel(c, predicate)
}

function standing(c: Case, predicate: NotOpen): NextStep {
  const { seen, goal } = c
  if (seen === null || seen.kind !== 'record' || seen.beganAt < goal.setAt) return { step: 'none' }
  const open = openIn(seen.records, predicate.key)
  if (open.length === 0) return { step: 'none' }
  if (recordsToActOn(c, goal.setAt) === null) return readStep(c, 'open again', latest(goal.setAt, seen.beganAt))
  return { step: 'reopen', reason: `${open[0]?.id} is open` }
}

/** Cancelling what nobody has started or decided only restricts; what its owner refuses is the owner's to settle. */
function cancel(c: Case, predicate: NotOpen): NextStep {
  if (c.policy.sending === 'shadow') return SHADOW
  const refused = refusal(c)
  if (refused !== null) return refused
  if (isHeal(c) && c.policy.heals > HEALS_MAX && !askedSince(c, c.goal.reopenedAt.at(-1) ?? '')) {
    return { step: 'blocked', waiting: 'healedTwice', code: 'goal.healedTwice', detail: predicate.key, until: slowly(c, c.policy.now) }
  }
  return pause(c) ?? start(c, { type: 'cancelRecord', key: predicate.key }, 0)
}

function openIn(records: readonly RecordSeen[], key: string): readonly RecordSeen[] {
  return records.filter((record) => record.key === key && isOpen(record))
}

function statusOf(records: readonly RecordSeen[], key: string): string {
  const record = records.find((seen) => seen.key === key)
  return record === undefined ? 'never existed' : `${record.id}: ${record.status}`
}
