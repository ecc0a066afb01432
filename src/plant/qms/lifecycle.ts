import type { Transaction } from './database.ts'
import { readDecision, readSignature } from './decisions.ts'
import { type Input, member, onlyKnown, text } from './input.ts'
import { refuse } from './refusal.ts'
import { areResultsComplete, readCertificate, readResults, readRetest } from './results.ts'
import type { ActionName, Inspection, Status, User } from './types.ts'

interface Step {
  readonly event: string
  /** Where it may be taken from; null: not by this kind of user. */
  readonly person: readonly Status[]
  readonly interface: readonly Status[] | null
}

const WORKING: readonly Status[] = ['in_progress', 'results_complete', 'reopened']
const UNSIGNED: readonly Status[] = ['created', ...WORKING]

/** Nobody writes the status: these steps move it. */
export const STEPS: Readonly<Record<ActionName, Step>> = {
  start: { event: 'started', person: ['created', 'reopened'], interface: ['created', 'reopened'] },
  recordResults: { event: 'results_recorded', person: ['in_progress'], interface: ['in_progress'] },
  attachCertificate: { event: 'certificate_attached', person: UNSIGNED, interface: UNSIGNED },
  requestRetest: { event: 'retest_requested', person: WORKING, interface: WORKING },
  decide: { event: 'decided', person: WORKING, interface: null },
  sign: { event: 'signed', person: ['decided'], interface: null },
  reopen: { event: 'reopened', person: ['decided', 'signed'], interface: null },
  // Over the interface only what nobody has begun.
  cancel: { event: 'cancelled', person: [...UNSIGNED, 'decided', 'signed'], interface: ['created'] },
}

export const ACTION_NAMES = Object.keys(STEPS) as readonly ActionName[]

export interface ActionCall {
  readonly inspection: Inspection
  readonly action: ActionName
  readonly input: Input
}

export interface Actor {
  readonly user: User
  readonly transaction: Transaction
  readonly hash: (text: string) => string
}

export function allowedActions(user: User, status: Status): readonly ActionName[] {
  return ACTION_NAMES.filter((action) => STEPS[action][user.kind]?.includes(status))
}

/** The next version, put into the transaction and announced. Refuses what the present state or the user does not allow. */
export function act(actor: Actor, call: ActionCall): Inspection {
  const { inspection, action } = call
  const allowed = STEPS[action][actor.user.kind]
  if (allowed === null) refuse('INSUFFICIENT_ACCESS', `${actor.user.name} may not ${action}`)
  if (!allowed.includes(inspection.status)) {
    refuse('OPERATION_NOT_ALLOWED', `${action} is not possible in ${inspection.status}`, 'status')
  }
  return keep(actor, STEPS[action].event, { ...inspection, ...changeOf(actor, call) })
}

/** Stores a changed inspection as its next version. */
export function keep({ user, transaction }: Pick<Actor, 'user' | 'transaction'>, event: string, changed: Inspection): Inspection {
  const inspection: Inspection = { ...changed, version: changed.version + 1, modified_by: user.name, modified_at: transaction.now }
  transaction.put({ kind: 'inspection', inspection })
  const { id, version, fields } = inspection
  announce(transaction, `inspection.${event}`, { object: 'inspection', id, external_id: fields['external_id'] ?? null, version })
  return inspection
}

export function announce(transaction: Transaction, type: string, data: Readonly<Record<string, string | number | null>>): void {
  const id = `msg_${String(transaction.next('message')).padStart(12, '0')}`
  transaction.put({ kind: 'message', message: { id, type, timestamp: transaction.now, data } })
}

function changeOf(actor: Actor, { inspection, action, input }: ActionCall): Partial<Inspection> {
  const stamp = { by: actor.user.name, at: actor.transaction.now }
  switch (action) {
    case 'start':
      onlyKnown(input, [])
      return { status: 'in_progress' }
    case 'recordResults': {
      const results = [...inspection.results, ...readResults(inspection, input, stamp)]
      return { results, status: areResultsComplete({ ...inspection, results }) ? 'results_complete' : 'in_progress' }
    }
    case 'attachCertificate': {
      const certificate = readCertificate(inspection, input, stamp)
      const others = inspection.certificates.filter(({ type }) => type !== certificate.type)
      return { certificates: [...others, certificate] }
    }
    case 'requestRetest':
      return { retests: [...inspection.retests, readRetest(inspection, input, stamp)], status: 'in_progress' }
    case 'decide': {
      const number = `UD-${String(actor.transaction.next('decision')).padStart(6, '0')}`
      return { decision: readDecision(inspection, input, { ...stamp, number }), status: 'decided' }
    }
    case 'sign':
      return signed(actor, inspection, input)
    case 'reopen':
      return { decision: null, superseded_decisions: supersede(inspection, input, stamp), status: 'reopened' }
    case 'cancel':
      onlyKnown(input, ['reason'])
      return { decision: null, superseded_decisions: supersede(inspection, input, stamp), status: 'cancelled' }
  }
}

function signed({ user, transaction, hash }: Actor, { decision }: Inspection, input: Input): Partial<Inspection> {
  if (decision === null) return refuse('OPERATION_NOT_ALLOWED', 'there is no decision')
  const signature = readSignature(decision, input, { user, at: transaction.now, hash })
  return { decision: { ...decision, signature }, status: 'signed' }
}

/** A decision that is taken back stays readable, with the reason. */
function supersede(
  inspection: Inspection,
  input: Input,
  stamp: { readonly by: string; readonly at: string },
): Inspection['superseded_decisions'] {
  const { decision, superseded_decisions: earlier } = inspection
  onlyKnown(input, ['reason'])
  if (decision === null) return earlier
  return [...earlier, { decision, reason: text(member(input, 'reason')), reopened_by: stamp.by, reopened_at: stamp.at }]
}
