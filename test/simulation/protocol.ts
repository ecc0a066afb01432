import type { Connector, Outcome } from '../../src/connectors/connector.ts'
import { type Entry, type GoalEntry, parseEntry } from '../../src/engine/entries.ts'
import type { Batch } from '../../src/store/store.ts'
import type { Violation } from './violation.ts'

/**
 * The apply protocol as seen from outside, at the moment at which bytes go out: what must be durable by then is, and what
 * must not be under way is not. Times are virtual milliseconds.
 */
export interface Protocol {
  /** Hub time at virtual time 0, in the present life of the store. */
  databaseStartsMs: number
  /** `unlessRestored`: no breach after a restore. */
  readonly breaches: (Violation & { readonly sinceMs: number; readonly unlessRestored?: boolean })[]
  /** Intents committed, by reference. Every attempt is one. */
  readonly intents: Map<string, number>
  /** The newest intent, by worker and reference. */
  readonly newest: Map<string, Intent>
  /** Of every command that was ever journalled: what it was last. */
  readonly commands: Map<string, Known>
  /** Unknown outcomes that were settled as not done, and how long after the doubt began. */
  readonly disproved: { readonly reference: string; readonly afterMs: number }[]
  /** Goals of decision lines and records: what they send follows from facts alone. */
  readonly derived: Set<string>
  /** Goals that rest on a premise, and the references of their commands. */
  readonly resting: Set<string>
  /** Order keys by goal, and when a command of theirs was last settled. */
  readonly orderKeys: Map<string, string>
  readonly settledMs: Map<string, number>
  /** Moves decided anew, and what the stock was last known to be settled at. */
  readonly moves: { readonly reference: string; readonly orderKey: string; readonly atMs: number; readonly settledMs: number | null }[]
  /** What connectors answered to moves and new records, by reference. */
  readonly said: Map<string, Said>
  /** Newest answers of connectors, by worker and reference. */
  readonly answers: Map<string, string>
  readonly sent: Map<string, number>
  readonly inFlight: Set<Sending>
  /** CloudEvents ids whose bytes a commit has made durable. */
  readonly durable: Set<string>
}

interface Intent {
  readonly partition: number
  readonly epoch: number
}

interface Known {
  readonly reference: string
  readonly state: string
  /** Time of the entry that gave it this state. */
  readonly sinceMs: number
}

export interface Said {
  readonly instance: string
  readonly unprotected: boolean
  applied: number
  last: string
}

export interface Sending {
  readonly instance: string
  readonly subject: string
  readonly reference: string
  readonly action: Item['action']['type']
  readonly sentAtMs: number
  /** The connection is given up then, answered or not. */
  readonly untilMs: number
}

type Items = Parameters<Connector['apply']>[0]
type Item = Items[number]

/** Until somebody sets the clock. */
export const DATABASE_STARTS_MS = 1_800_000_000_000

export function createProtocol(): Protocol {
  return {
    databaseStartsMs: DATABASE_STARTS_MS,
    breaches: [],
    intents: new Map(),
    newest: new Map(),
    commands: new Map(),
    disproved: [],
    derived: new Set(),
    resting: new Set(),
    orderKeys: new Map(),
    settledMs: new Map(),
    moves: [],
    said: new Map(),
    answers: new Map(),
    sent: new Map(),
    inFlight: new Set(),
    durable: new Set(),
  }
}

/**
 * What a commit has made durable: commands, and the bytes of inputs. Returns the lots of which stock is about to be freed.
 * `answered`: false when nobody knows whether the commit has survived.
 */
export function noteCommitted(protocol: Protocol, batch: Batch, { nowMs, answered }: Omit<Written, 'entry' | 'write'>): readonly string[] {
  const decoder = new TextDecoder()
  const freeing: string[] = []
  for (const { items } of batch.raw) for (const bytes of items) for (const id of idsIn(decoder.decode(bytes))) protocol.durable.add(id)
  for (const write of batch.partitions) {
    if (write.owner === null) continue
    for (const body of write.entries) {
      const entry = parseEntry(body)
      noteEntry(protocol, { entry, write, nowMs, answered })
      if (entry.kind !== 'goal' || entry.change.type !== 'command') continue
      const { action, state } = entry.change.command
      if (state === 'intent' && action.type === 'move' && action.to === 'unrestricted') freeing.push(action.lot)
    }
  }
  return freeing
}

interface Written {
  readonly entry: Entry
  readonly write: Batch['partitions'][number]
  readonly nowMs: number
  readonly answered: boolean
}

function noteEntry(protocol: Protocol, written: Written): void {
  const { entry } = written
  if (entry.kind === 'goal') noteCommand(protocol, entry, written)
  if (entry.kind !== 'decision') return
  for (const change of entry.goals) {
    if (change.change !== 'set') continue
    protocol.orderKeys.set(change.id, `${change.goal.system}|${change.goal.subject}`)
    // What a lift gives back is told by documents, whatever reference it had in a life that was lost.
    const lift = change.goal.predicate.type === 'restored'
    if (change.goal.kind === 'record' || (change.goal.decision !== null && !lift)) protocol.derived.add(change.id)
    if (change.goal.premise !== null) protocol.resting.add(change.id)
  }
}

function idsIn(text: string): string[] {
  const body = JSON.parse(text) as unknown
  return (Array.isArray(body) ? body : [body]).flatMap((one: { readonly id?: unknown } | null) =>
    typeof one?.id === 'string' ? [one.id] : [],
  )
}

function noteCommand(protocol: Protocol, { goal, change, at }: GoalEntry, { write, nowMs, answered }: Written): void {
  if (change.type !== 'command' && change.type !== 'commandChanged') return
  const atMs = Date.parse(at) - protocol.databaseStartsMs
  const id = change.type === 'command' ? change.command.id : change.command
  const before = protocol.commands.get(id)
  const reference = change.type === 'command' ? change.command.reference : (before?.reference ?? '')
  const state = (change.type === 'command' ? change.command.state : change.changed.state) ?? before?.state ?? ''
  const breach = (invariant: string, message: string): void =>
    void protocol.breaches.push({ invariant, message: `${message}, at ${nowMs}`, sinceMs: nowMs })
  if (before !== undefined && before.reference !== reference && protocol.derived.has(goal))
    breach('I10', `command ${id} had reference ${before.reference} and now has ${reference}`)
  protocol.commands.set(id, { reference, state, sinceMs: before?.state === state ? before.sinceMs : atMs })
  if (answered && before?.state === 'unknown' && state === 'failed') protocol.disproved.push({ reference, afterMs: atMs - before.sinceMs })
  if (protocol.resting.has(goal)) protocol.resting.add(reference)
  noteMove(protocol, { entry: { goal, change }, atMs, before, reference, state })
  const { worker, epoch } = write.owner ?? { worker: '', epoch: 0 }
  const key = `${nodeOf(worker)}|${reference}`
  if (state === 'intent') {
    protocol.intents.set(reference, (protocol.intents.get(reference) ?? 0) + 1)
    protocol.newest.set(key, { partition: write.partition, epoch })
    protocol.answers.delete(key)
  } else if (before?.state === 'intent' && change.type === 'commandChanged') {
    const answer = protocol.answers.get(key)
    // Settled by reading, in a commit after one that nobody was told of.
    const read = change.changed.detail ?? ''
    if (!BY_READING.some((found) => read.startsWith(found)) && !follows(state, answer))
      breach('I11', `${reference} became ${state} although its answer was ${answer ?? 'none'}`)
  }
}

interface Step {
  readonly entry: Pick<GoalEntry, 'goal' | 'change'>
  readonly atMs: number
  readonly before: Known | undefined
  readonly reference: string
  readonly state: string
}

/** A move that was decided on what the stock was read to be: a new command, or a new attempt of one proved undone. */
function noteMove(protocol: Protocol, { entry, atMs, before, reference, state }: Step): void {
  const orderKey = protocol.orderKeys.get(entry.goal) ?? ''
  const settles = state !== before?.state && (state === 'applied' || state === 'failed' || state === 'refused')
  if (settles) protocol.settledMs.set(orderKey, atMs)
  if (state !== 'intent' || entry.change.type !== 'command' || entry.change.command.action.type !== 'move') return
  if (before === undefined) protocol.moves.push({ reference, orderKey, atMs, settledMs: protocol.settledMs.get(orderKey) ?? null })
}

function nodeOf(worker: string): string {
  return worker.slice(0, worker.indexOf('#'))
}

const SENT = 'sent, not answered'
/** How the details begin that say what a read has told of a command. */
const BY_READING = [
  'found under its reference',
  'the target shows what was asked for',
  'not to be seen',
  'outcome not known; what is still',
]

/** An intent ends as its own answer says; what was sent and not answered is unknown. An heir always doubts. */
function follows(state: string, answer: string | undefined): boolean {
  if (state === 'unknown') return true
  if (state === 'failed') return answer === undefined || answer === 'later' || answer === 'needs-person'
  return state === answer
}

/** One call of a connector: `sent` when its bytes go out, `over` when it has an answer. */
export function openSending(
  protocol: Protocol,
  call: Omit<Send, 'item' | 'nowMs'> & { readonly items: Items; readonly untilMs: number },
): { readonly sent: (nowMs: number) => void; readonly over: (outcomes: readonly Outcome[]) => void } {
  let sendings: Sending[] = []
  const note = (reference: string, outcome: string, action: string): void => {
    protocol.answers.set(`${call.worker}|${reference}`, outcome)
    if (action !== 'move' && action !== 'createRecord') return
    const said = protocol.said.get(reference) ?? { instance: call.instance, unprotected: call.unprotected, applied: 0, last: '' }
    said.last = outcome
    if (outcome === 'applied') said.applied += 1
    protocol.said.set(reference, said)
  }
  return {
    sent: (nowMs) => {
      if (sendings.length > 0) return
      for (const item of call.items) judge(protocol, { ...call, item, nowMs })
      sendings = call.items.map(({ subject, reference, action }) => ({
        instance: call.instance,
        subject,
        reference,
        action: action.type,
        sentAtMs: nowMs,
        untilMs: call.untilMs,
      }))
      for (const one of sendings) protocol.inFlight.add(one)
    },
    over: (outcomes) => {
      for (const one of sendings) protocol.inFlight.delete(one)
      for (const [index, { reference, action }] of call.items.entries()) note(reference, outcomes[index]?.outcome ?? 'none', action.type)
    },
  }
}

interface Send {
  readonly instance: string
  readonly worker: string
  /** Newest epoch given out, by partition. */
  readonly epochs: ReadonlyMap<number, number>
  readonly item: Item
  readonly holdsMayPass: boolean
  /** The target takes a second request under the same reference for another one. */
  readonly unprotected: boolean
  readonly keepsNoReference: boolean
  /** In the target's own books. */
  readonly effectsOf: (reference: string) => number
  readonly nowMs: number
}

function judge(protocol: Protocol, send: Send): void {
  const { instance, item, nowMs } = send
  const { reference, subject } = item
  protocol.answers.set(`${send.worker}|${reference}`, SENT)
  const times = (protocol.sent.get(reference) ?? 0) + 1
  protocol.sent.set(reference, times)
  const intents = protocol.intents.get(reference) ?? 0
  const breach = (invariant: string, message: string, sinceMs: number): void => void protocol.breaches.push({ invariant, message, sinceMs })
  if (times > intents)
    breach('I6', `${instance}: ${reference} of ${subject} was sent ${times} times on ${intents} durable intents, at ${nowMs}`, nowMs)
  if (send.unprotected && send.effectsOf(reference) > 0) {
    const message = `${instance}: ${reference} of ${subject} was sent at ${nowMs} although it had been done`
    // A target that keeps no reference cannot be asked what the lost hour restricted, and a hold does not wait for an answer.
    const unlessRestored = send.keepsNoReference && (item.action.type === 'restrict' || isBlocking(item))
    protocol.breaches.push({ invariant: 'I6', message, sinceMs: nowMs, unlessRestored })
  }
  const intent = protocol.newest.get(`${send.worker}|${reference}`)
  const newest = intent === undefined ? 0 : (send.epochs.get(intent.partition) ?? 0)
  if (intent !== undefined && intent.epoch < newest)
    breach('I12', `${instance}: ${reference} was sent at ${nowMs} under epoch ${intent.epoch} after ${newest} was given out`, nowMs)
  for (const other of protocol.inFlight) {
    if (other.untilMs <= nowMs) protocol.inFlight.delete(other)
    else if (other.instance === instance && other.subject === subject && other.action !== 'restrict' && !mayPass(item, send.holdsMayPass))
      breach('I8', `${instance}: ${reference} of ${subject} was sent at ${nowMs} beside ${other.reference}`, other.sentAtMs)
  }
}

/** A hold may overtake where the target allows it; a flag of the ladder is independent of postings everywhere. */
function mayPass(item: Item, holdsMayPass: boolean): boolean {
  return item.action.type === 'restrict' || (holdsMayPass && isBlocking(item))
}

function isBlocking({ action }: Item): boolean {
  return action.type === 'move' && action.to === 'blocked'
}

/** I4: what is acknowledged is durable by then. */
export function noteAcknowledgement(protocol: Protocol, id: string, nowMs: number): void {
  if (protocol.durable.has(id)) return
  protocol.breaches.push({ invariant: 'I4', message: `${id} was acknowledged at ${nowMs} before it was durable`, sinceMs: nowMs })
}
