import type { Runtime } from '../../runtime.ts'
import { amountOf, formatAmount } from '../amount.ts'
import type { Database, Transaction } from './database.ts'
import { act } from './lifecycle.ts'
import { keepPlan } from './plans.ts'
import { type Attempt, attempt, type Refusal, refuse } from './refusal.ts'
import type {
  ActionName,
  Characteristic,
  CountDifference,
  DecisionLine,
  Inspection,
  InspectionPlan,
  Meaning,
  Status,
  User,
} from './types.ts'
import { createOnly, editByHand, type Writer } from './upserts.ts'
import { findRecord } from './writes.ts'

/** Names an inspection, and who is at the screen; the first person of the QMS where nobody is named. */
export type At = ({ readonly id: string } | { readonly external_id: string }) & { readonly by?: string }

export type Done = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly refusal: Refusal }

export interface PlanInput {
  readonly item: string
  readonly supplier?: string
  readonly status?: InspectionPlan['status']
  readonly characteristics?: readonly {
    readonly number: string
    readonly name?: string
    readonly kind?: 'variable' | 'attribute'
    readonly unit?: string
    readonly lower_limit?: string
    readonly upper_limit?: string
    readonly sample_size?: number
  }[]
  readonly required_certificates?: readonly string[]
}

export interface ResultInput {
  readonly characteristic: string
  readonly sample: string
  readonly value?: string
  readonly inspected?: number
  readonly nonconforming?: number
  readonly device?: string
}

export interface LineInput extends Pick<DecisionLine, 'outcome' | 'quantity'> {
  readonly portion?: DecisionLine['portion']
  readonly condition?: DecisionLine['condition']
}

export interface DecisionInput {
  readonly lines: readonly LineInput[]
  readonly sampled_destroyed?: string
  readonly retained?: string
  readonly count_difference?: CountDifference
}

export interface CertificateInput {
  readonly type: string
  readonly number: string
  readonly values?: readonly { readonly characteristic: string; readonly value: string }[]
}

/** People at the QMS's screens. They go through the same rules as a call; a refusal is an answer, not an error. */
export interface QmsPeople {
  /** A new plan, released at once unless said otherwise, or the next version of one. */
  makePlan(input: PlanInput, by?: string): InspectionPlan
  /** An inspection that no caller asked for. */
  create(fields: Readonly<Record<string, string>>, by?: string): Done
  start(at: At): Done
  recordResults(at: At, results: readonly ResultInput[]): Done
  /** Starts where that is due, and enters what the plan still asks for: good values unless `failing` names the characteristic. */
  inspect(at: At, failing?: readonly string[]): Done
  attachCertificate(at: At, certificate: CertificateInput): Done
  requestRetest(
    at: At,
    retest: { readonly characteristics: readonly string[]; readonly reason: string; readonly authorised_by: string },
  ): Done
  decide(at: At, decision: DecisionInput): Done
  sign(at: At, meaning?: Meaning): Done
  reopen(at: At, reason: string): Done
  cancel(at: At, reason: string): Done
  /** Changes fields by hand, the external id too; null empties one. */
  edit(at: At, fields: Readonly<Record<string, string | null>>): Done
}

export interface PeopleDeps {
  readonly runtime: Runtime
  readonly database: Database
  readonly users: readonly User[]
  readonly externalIdUnique: boolean
}

const TO_START: readonly Status[] = ['created', 'reopened']

export function createQmsPeople(deps: PeopleDeps): QmsPeople {
  const { database, runtime } = deps
  const person = (by: string | undefined): User => {
    const found = deps.users.find(({ name, kind }) => kind === 'person' && (by === undefined || name === by))
    if (found === undefined) throw new Error(`nobody called ${by} works in the QMS`)
    return found
  }
  const work = (by: string | undefined, task: (user: User, transaction: Transaction) => Inspection): Done => {
    const user = person(by)
    return doneOf(attempt(() => database.transact(user.name, (transaction) => task(user, transaction))))
  }
  const writer = (user: User, transaction: Transaction): Writer => {
    return { user, transaction, drift: database.drift(), externalIdUnique: deps.externalIdUnique }
  }
  const take = (at: At, action: ActionName, input: unknown): Done =>
    work(at.by, (user, transaction) => {
      const call = { inspection: findRecord(transaction, { ...at }), action, input: { value: input, path: '' } }
      return act({ user, transaction, hash: runtime.hash }, call)
    })
  return {
    makePlan: (input, by) => database.transact(person(by).name, (transaction) => keepPlan(transaction, { value: input, path: '' })),
    create: (fields, by) => work(by, (user, transaction) => createOnly(writer(user, transaction), fields).inspection),
    start: (at) => take(at, 'start', {}),
    recordResults: (at, results) => take(at, 'recordResults', { results }),
    inspect: (at, failing) =>
      work(at.by, (user, transaction) => {
        const actor = { user, transaction, hash: runtime.hash }
        const found = findRecord(transaction, { ...at })
        const started = TO_START.includes(found.status)
          ? act(actor, { inspection: found, action: 'start', input: { value: {}, path: '' } })
          : found
        const results = outstanding(started, failing ?? [])
        if (results.length === 0) return started
        return act(actor, { inspection: started, action: 'recordResults', input: { value: { results }, path: '' } })
      }),
    attachCertificate: (at, certificate) => take(at, 'attachCertificate', certificate),
    requestRetest: (at, retest) => take(at, 'requestRetest', retest),
    decide: (at, decision) => take(at, 'decide', decision),
    sign: (at, meaning) => take(at, 'sign', { meaning: meaning ?? 'approval', password: person(at.by).password }),
    reopen: (at, reason) => take(at, 'reopen', { reason }),
    cancel: (at, reason) => take(at, 'cancel', { reason }),
    edit: (at, fields) =>
      work(at.by, (user, transaction) => editByHand(writer(user, transaction), findRecord(transaction, { ...at }), fields).inspection),
  }
}

function doneOf(attempted: Attempt<Inspection>): Done {
  return attempted.ok ? { ok: true, id: attempted.value.id } : { ok: false, refusal: attempted.refusal }
}

/** One result for every sample and every retest that has none. */
function outstanding(inspection: Inspection, failing: readonly string[]): readonly ResultInput[] {
  return inspection.characteristics.flatMap((characteristic) => {
    const { number, sample_size } = characteristic
    const retest = inspection.retests.findLast(({ characteristics }) => characteristics.includes(number))
    const samples = Array.from({ length: retest === undefined ? sample_size : 1 }, (_, index) => String(index + 1))
    const isMissing = (sample: string): boolean =>
      !inspection.results.some((one) => one.characteristic === number && one.round === (retest?.round ?? 0) && one.sample === sample)
    return samples
      .filter(isMissing)
      .map((sample): ResultInput => ({ characteristic: number, sample, ...reading(characteristic, failing.includes(number)) }))
  })
}

function reading(characteristic: Characteristic, fails: boolean): Partial<ResultInput> {
  const { kind, number, lower_limit: lower, upper_limit: upper } = characteristic
  if (kind === 'attribute') return { inspected: 1, nonconforming: fails ? 1 : 0 }
  if (!fails) return { value: lower ?? upper ?? '0' }
  if (upper !== null) return { value: formatAmount(amountOf(upper) + amountOf('1')) }
  if (lower !== null) return { value: formatAmount(amountOf(lower) - amountOf('1')) }
  return refuse('INVALID_DATA', `nothing can fail ${number}: it has no limits`)
}
