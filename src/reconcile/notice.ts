/**
 * Notices: mail, supplier messages, pages. There is nothing to read back, so the answer is the evidence. Each has a latest
 * useful time. A channel without any protection (class unsafe) may deliver one twice after a lost answer, under the same
 * reference; that is the one harmless double (RELIABILITY, last row of the vendor classes), and never on a restored hub.
 */
import type { Command, Predicate } from '../model/goal.ts'
import { addMs } from '../model/time.ts'
import { askedSince, type Case, SHADOW, wait } from './case.ts'
import { pause, quietFrom, start } from './commands.ts'
import type { NextStep } from './step.ts'

type Delivered = Extract<Predicate, { type: 'delivered' }>

export function delivered(c: Case, predicate: Delivered): NextStep {
  const { goal, newest, policy } = c
  if (goal.state === 'met') return { step: 'none' }
  if (c.inFlight !== null) return wait('inFlight')
  if (newest?.state === 'applied') {
    if (goal.withdrawing) return { step: 'withdraw', reason: 'already delivered: a correction is due' }
    return { step: 'met', evidence: { kind: 'answer', at: newest.changedAt, detail: newest.detail } }
  }
  if (c.unknown !== null) return policy.sending === 'shadow' ? SHADOW : settleUnknownNotice(c, c.unknown, predicate)
  if (goal.withdrawing) return { step: 'withdraw', reason: 'never delivered' }
  if (isTooLate(c, predicate)) return { step: 'park', code: 'notice.undelivered', detail: `not delivered until ${predicate.until}` }
  if (newest?.state === 'refused' && !askedSince(c, newest.changedAt)) {
    return { step: 'refuse', code: 'notice.undelivered', detail: newest.detail }
  }
  if (policy.sending === 'shadow') return SHADOW
  const paused = pause(c)
  if (paused !== null) return paused
  if (policy.queryFirst) return wait('queryFirst', predicate.until)
  return start(c, { type: 'notify', to: predicate.to, subject: predicate.subject, text: predicate.text }, 0)
}

/** Repeated where the channel recognises the repeat, or where a double does no harm; otherwise a person must ask the receiver. */
function settleUnknownNotice(c: Case, command: Command, predicate: Delivered): NextStep {
  const { policy } = c
  const useful = !c.goal.withdrawing && !isTooLate(c, predicate) && !policy.queryFirst
  const due = useful && command.attempts < policy.attemptsMax ? repeatableFrom(c, command) : null
  if (due === null)
    return { step: 'park', code: 'command.outcomeUnknown', detail: `${command.reference}: ${command.detail || 'no answer'}` }
  if (policy.now < due) return wait('retry', due)
  return { step: 'resend', command: command.id, action: command.action, rung: command.rung }
}

function repeatableFrom(c: Case, command: Command): string | null {
  const { policy } = c
  switch (policy.idempotency) {
    case 'unsafe':
      return quietFrom(c, command)
    case 'key':
    case 'transportId':
      if (policy.now >= addMs(command.firstIntentAt, policy.keyWindowMs)) return null
      return paceOf(c, command)
    case 'natural':
    case 'conditional':
    case 'externalId':
      return paceOf(c, command)
    default:
      return null
  }
}

function paceOf(c: Case, command: Command): string {
  return command.attempts <= 1 ? command.changedAt : addMs(command.changedAt, c.policy.retryDelayMs(command.attempts - 1))
}

function isTooLate(c: Case, predicate: Delivered): boolean {
  return predicate.until !== null && c.policy.now > predicate.until
}
