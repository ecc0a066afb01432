import type { Runtime } from '../../runtime.ts'
import type { Disk } from '../disk.ts'
import { createHistory, type History } from '../history.ts'
import { AS_DELIVERED, type SchemaDrift } from './schema.ts'
import type { Inspection, InspectionPlan, WebhookMessage } from './types.ts'

/** What became of a webhook message. `exhausted`: no try was left. `lost`: the QMS forgot it. */
export type MessageEnd = 'delivered' | 'exhausted' | 'lost'

export type Change =
  | { readonly kind: 'inspection'; readonly inspection: Inspection }
  | { readonly kind: 'plan'; readonly plan: InspectionPlan }
  | { readonly kind: 'message'; readonly message: WebhookMessage }
  | { readonly kind: 'messageEnd'; readonly id: string; readonly end: MessageEnd }
  | { readonly kind: 'drift'; readonly drift: SchemaDrift }
  /** Newest first. */
  | { readonly kind: 'secrets'; readonly secrets: readonly string[] }

type Counter = 'inspection' | 'plan' | 'decision' | 'message'

/** One record on disk. */
interface Committed {
  readonly at: string
  readonly by: string
  readonly counters: Readonly<Record<Counter, number>>
  readonly changes: readonly Change[]
}

/** What one call or one person does at once. It sees its own changes; nobody else sees them before it ends. */
export interface Transaction {
  readonly by: string
  /** Now, in whole seconds. */
  readonly now: string
  inspection(id: string): Inspection | null
  byExternalId(externalId: string): readonly Inspection[]
  plan(item: string, supplier: string | null): InspectionPlan | null
  put(change: Change): void
  /** Numbers are never given twice, whatever becomes of the transaction. */
  next(counter: Counter): number
  /** Does the work and forgets what it changed. */
  rehearse<T>(work: () => T): T
}

export interface Database {
  /** All of `work` or, when it throws or the disk fails, nothing of it. Appends one record if anything changed. */
  transact<T>(by: string, work: (transaction: Transaction) => T): T
  inspection(id: string): Inspection | null
  byExternalId(externalId: string): readonly Inspection[]
  /** All ids, ascending. */
  ids(): readonly string[]
  history(id: string): History<Inspection> | undefined
  plans(): readonly InspectionPlan[]
  drift(): SchemaDrift
  secrets(): readonly string[]
  /** Messages that have not ended, oldest first. */
  openMessages(): readonly WebhookMessage[]
  openMessageCount(): number
  messages(): readonly { readonly message: WebhookMessage; readonly end: MessageEnd | null }[]
  /** Called after each commit that announces something. */
  onMessages(listen: (messages: readonly WebhookMessage[]) => void): void
  transactions(): number
}

interface State {
  readonly inspections: Map<string, History<Inspection>>
  readonly ids: string[]
  readonly byExternalId: Map<string, Set<string>>
  readonly plans: Map<string, InspectionPlan>
  readonly messages: Map<string, { readonly message: WebhookMessage; end: MessageEnd | null }>
  readonly open: Map<string, WebhookMessage>
  counters: Readonly<Record<Counter, number>>
  drift: SchemaDrift
  secrets: readonly string[]
  transactions: number
}

const VERSIONS_MAX = 10_000
const NONE: Readonly<Record<Counter, number>> = { inspection: 0, plan: 0, decision: 0, message: 0 }

export function createDatabase(deps: { readonly runtime: Runtime; readonly disk: Disk }): Database {
  const { runtime, disk } = deps
  const state: State = {
    inspections: new Map(),
    ids: [],
    byExternalId: new Map(),
    plans: new Map(),
    messages: new Map(),
    open: new Map(),
    counters: NONE,
    drift: AS_DELIVERED,
    secrets: [],
    transactions: 0,
  }
  let listener: (messages: readonly WebhookMessage[]) => void = () => undefined
  for (const record of disk.load()) {
    // Whatever was on disk when the QMS came up has been visible for ever.
    applyAll(state, JSON.parse(record) as Committed, Number.NEGATIVE_INFINITY)
  }
  const commit = (by: string, draft: Draft): void => {
    state.counters = draft.counters
    if (draft.changes.length === 0) return
    const at = new Date(runtime.clock.wallNow()).toISOString()
    const committed: Committed = { at, by, counters: draft.counters, changes: draft.changes }
    disk.append(JSON.stringify(committed))
    applyAll(state, committed, runtime.clock.monoNow())
    const messages = draft.changes.flatMap((change) => (change.kind === 'message' ? [change.message] : []))
    if (messages.length > 0) listener(messages)
  }
  return {
    transact: (by, work) => {
      const draft = createDraft(state, { by, now: wholeSeconds(runtime.clock.wallNow()) })
      const answer = work(draft.transaction)
      commit(by, draft.done())
      return answer
    },
    inspection: (id) => newest(state, id),
    byExternalId: (externalId) => [...(state.byExternalId.get(externalId) ?? [])].flatMap((id) => newest(state, id) ?? []),
    ids: () => state.ids,
    history: (id) => state.inspections.get(id),
    plans: () => [...state.plans.values()],
    drift: () => state.drift,
    secrets: () => state.secrets,
    openMessages: () => [...state.open.values()],
    openMessageCount: () => state.open.size,
    messages: () => [...state.messages.values()],
    onMessages: (listen) => {
      listener = listen
    },
    transactions: () => state.transactions,
  }
}

interface Draft {
  readonly counters: Readonly<Record<Counter, number>>
  readonly changes: readonly Change[]
}

/** Changes kept apart until the commit, over the state as it is. */
function createDraft(
  state: State,
  { by, now }: { readonly by: string; readonly now: string },
): { readonly transaction: Transaction; readonly done: () => Draft } {
  const changes: Change[] = []
  const inspections = new Map<string, Inspection>()
  const plans = new Map<string, InspectionPlan>()
  const counters = { ...state.counters }
  const inspection = (id: string): Inspection | null => inspections.get(id) ?? newest(state, id)
  const transaction: Transaction = {
    by,
    now,
    inspection,
    byExternalId: (externalId) => {
      const ids = new Set([...(state.byExternalId.get(externalId) ?? []), ...inspections.keys()])
      return [...ids].flatMap((id) => inspection(id) ?? []).filter(({ fields }) => fields['external_id'] === externalId)
    },
    plan: (item, supplier) => plans.get(planKey(item, supplier)) ?? state.plans.get(planKey(item, supplier)) ?? null,
    put: (change) => {
      changes.push(change)
      if (change.kind === 'inspection') inspections.set(change.inspection.id, change.inspection)
      if (change.kind === 'plan') plans.set(planKey(change.plan.item, change.plan.supplier), change.plan)
    },
    next: (counter) => {
      counters[counter] += 1
      return counters[counter]
    },
    rehearse: (work) => {
      const [length, before, plansBefore] = [changes.length, [...inspections], [...plans]]
      const answer = work()
      changes.length = length
      restore(inspections, before)
      restore(plans, plansBefore)
      return answer
    },
  }
  return { transaction, done: () => ({ counters, changes }) }
}

function restore<V>(map: Map<string, V>, entries: readonly (readonly [string, V])[]): void {
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}

function applyAll(state: State, committed: Committed, visibleAtMs: number): void {
  for (const change of committed.changes) apply(state, change, visibleAtMs)
  state.counters = committed.counters
  state.transactions += 1
}

function apply(state: State, change: Change, visibleAtMs: number): void {
  switch (change.kind) {
    case 'inspection':
      applyInspection(state, change.inspection, visibleAtMs)
      return
    case 'plan':
      state.plans.set(planKey(change.plan.item, change.plan.supplier), change.plan)
      return
    case 'message':
      state.messages.set(change.message.id, { message: change.message, end: null })
      state.open.set(change.message.id, change.message)
      return
    case 'messageEnd': {
      const entry = state.messages.get(change.id)
      if (entry !== undefined) entry.end = change.end
      state.open.delete(change.id)
      return
    }
    case 'drift':
      state.drift = change.drift
      return
    case 'secrets':
      state.secrets = change.secrets
  }
}

function applyInspection(state: State, inspection: Inspection, visibleAtMs: number): void {
  const { id } = inspection
  let history = state.inspections.get(id)
  if (history === undefined) {
    history = createHistory<Inspection>(VERSIONS_MAX)
    state.inspections.set(id, history)
    state.ids.push(id)
  }
  const before = history.all().at(-1)?.value.fields['external_id']
  const after = inspection.fields['external_id']
  history.add(visibleAtMs, inspection)
  if (before === after) return
  if (before !== undefined) state.byExternalId.get(before)?.delete(id)
  if (after === undefined) return
  const ids = state.byExternalId.get(after) ?? new Set()
  state.byExternalId.set(after, ids.add(id))
}

function newest(state: State, id: string): Inspection | null {
  return state.inspections.get(id)?.all().at(-1)?.value ?? null
}

function planKey(item: string, supplier: string | null): string {
  return JSON.stringify([item, supplier])
}

export function wholeSeconds(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`
}
