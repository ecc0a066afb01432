import type { Database, MessageEnd } from './database.ts'
import type { Inspection, InspectionPlan, Status, WebhookMessage } from './types.ts'
import type { DeliveryAttempt, Webhooks } from './webhooks.ts'
import type { CallRecord } from './wire.ts'
import type { RolledBack } from './writes.ts'

/** The truth of the QMS, for tests and tables. Never lagged, never torn, never over the wire. */
export interface QmsBooks {
  /** Newest versions, in order of creation. */
  inspections(): readonly Inspection[]
  /** More than one: a double. */
  byExternalId(externalId: string): readonly Inspection[]
  /** Every version, oldest first. */
  history(id: string): readonly Inspection[]
  plans(): readonly InspectionPlan[]
  /** Of this object's life; disks do not keep them. */
  calls(): readonly CallRecord[]
  rolledBack(): readonly RolledBack[]
  messages(): readonly { readonly message: WebhookMessage; readonly end: MessageEnd | null }[]
  /** What was sent, and what was answered. */
  webhookAttempts(): readonly DeliveryAttempt[]
  /** Messages under way. */
  unsettled(): number
  /** Transactions on disk. */
  transactions(): number
  /** The QMS's own invariants; empty when its books are in order. */
  violations(): readonly string[]
}

export interface BooksDeps {
  readonly database: Database
  readonly webhooks: Webhooks
  readonly calls: () => readonly CallRecord[]
  readonly rolledBack: readonly RolledBack[]
}

export function createQmsBooks({ database, webhooks, calls, rolledBack }: BooksDeps): QmsBooks {
  const inspections = (): readonly Inspection[] => database.ids().flatMap((id) => database.inspection(id) ?? [])
  const history = (id: string): readonly Inspection[] => (database.history(id)?.all() ?? []).map(({ value }) => value)
  return {
    inspections,
    byExternalId: (externalId) => database.byExternalId(externalId),
    history,
    plans: () => database.plans(),
    calls,
    rolledBack: () => rolledBack,
    messages: () => database.messages(),
    webhookAttempts: () => webhooks.attempts(),
    unsettled: () => webhooks.pending(),
    transactions: () => database.transactions(),
    violations: () => [
      ...database.ids().flatMap((id) => historyViolations(history(id))),
      ...messageViolations(inspections(), database.messages()),
    ],
  }
}

/** Every version is announced once. */
function messageViolations(
  inspections: readonly Inspection[],
  messages: readonly { readonly message: WebhookMessage }[],
): readonly string[] {
  const announced = messages.map(({ message }) => `${message.data['id']}@${message.data['version']}`)
  const versions = inspections.flatMap(({ id, version }) => Array.from({ length: version }, (_, index) => `${id}@${index + 1}`))
  const once = new Set(announced)
  return [
    ...versions.filter((name) => !once.has(name)).map((name) => `${name}: nobody was told`),
    ...(once.size === announced.length ? [] : ['a version was announced twice']),
  ]
}

/** Beside staying as it is. */
const FOLLOWS: Readonly<Record<Status, readonly Status[]>> = {
  created: ['in_progress', 'cancelled'],
  in_progress: ['results_complete', 'decided', 'cancelled'],
  results_complete: ['in_progress', 'decided', 'cancelled'],
  decided: ['signed', 'reopened', 'cancelled'],
  signed: ['reopened', 'cancelled'],
  reopened: ['in_progress', 'decided', 'cancelled'],
  cancelled: [],
}

/** What no sequence of versions of one inspection may show. */
export function historyViolations(versions: readonly Inspection[]): readonly string[] {
  return versions.flatMap((inspection, index) => {
    const before = versions[index - 1]
    const { status, decision } = inspection
    const name = `${inspection.id}@${inspection.version}`
    const follows = before === undefined ? status === 'created' : before.status === status || FOLLOWS[before.status].includes(status)
    const found: readonly (readonly [boolean, string])[] = [
      [inspection.version === index + 1, 'versions have a gap'],
      [follows, `${status} cannot follow ${before?.status ?? 'nothing'}`],
      [(decision !== null) === (status === 'decided' || status === 'signed'), `${status} with the wrong decision`],
      [(decision !== null && decision.signature !== null) === (status === 'signed'), `${status} with the wrong signature`],
      [before === undefined || inspection.results.length >= before.results.length, 'a result has gone'],
    ]
    return found.filter(([holds]) => !holds).map(([, sentence]) => `${name}: ${sentence}`)
  })
}
