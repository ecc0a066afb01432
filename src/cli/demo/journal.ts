import { foldInto } from '../../engine/checkpoint.ts'
import { type Entry, parseEntry } from '../../engine/entries.ts'
import type { Unwritten } from '../../engine/memory.ts'
import type { InventoryMovement } from '../../model/events.ts'
import type { Action, Command, Goal } from '../../model/goal.ts'
import type { Quantity } from '../../model/quantity.ts'
import type { StockType } from '../../model/stock.ts'
import type { Store } from '../../store/store.ts'
import type { Line, Paper } from './paper.ts'

export interface JournalReader {
  /** Tells what has been written since the last time. Calls take their turns. */
  catchUp(): Promise<void>
  /** As the journal has them so far. */
  goals(): readonly Goal[]
  inputs(): number
}

const PAGE = 1_000

/** Reads the hub's journal while it grows, folds it as the hub itself does, and tells what changed. */
export function createJournalReader(store: Store, paper: Paper): JournalReader {
  const partitions = Array.from({ length: store.meta.partitions }, () => ({ rows: emptyRows(), position: 0 }))
  let inputs = 0
  const take = (rows: Unwritten, entry: Entry, partition: number): Told => {
    const before = entry.kind === 'goal' ? rows.goals.get(entry.goal) : undefined
    foldInto(rows, entry, partition)
    if (entry.kind === 'input') inputs += 1
    return entry.kind === 'goal' && before !== undefined ? ofGoal(before, rows.goals.get(entry.goal) ?? before) : ofEntry(entry)
  }
  const read = async (): Promise<void> => {
    const told: { readonly at: string; readonly line: Told }[] = []
    for (const [partition, known] of partitions.entries()) {
      const page = await store.readJournal(partition, known.position + 1, PAGE)
      for (const { sequence, body } of page) {
        const entry = parseEntry(body)
        known.position = sequence
        told.push({ at: 'at' in entry ? entry.at : entry.recordedAt, line: take(known.rows, entry, partition) })
      }
    }
    // Each partition has an order of its own; for people, time is good enough.
    for (const { line } of told.sort((one, other) => one.at.localeCompare(other.at))) if (line !== null) paper.tell({ who: 'Hub', ...line })
  }
  let reading = Promise.resolve()
  return {
    catchUp: () => {
      reading = reading.then(read)
      return reading
    },
    goals: () => partitions.flatMap(({ rows }) => [...rows.goals.values()]),
    inputs: () => inputs,
  }
}

function emptyRows(): Unwritten {
  return { goals: new Map(), states: new Map(), timers: new Map() }
}

type Told = Omit<Line, 'who'> | null

function ofEntry(entry: Entry): Told {
  if (entry.kind === 'exception' && entry.change === 'opened')
    return { what: `asks a person what to do, see docs/runbooks/${entry.code}.md`, evidence: entry.code, mood: 'doubt' }
  if (entry.kind === 'parked') return { what: `parks an input: ${entry.code}`, evidence: entry.source.record, mood: 'doubt' }
  if (entry.kind !== 'input') return null
  const { type, source, data } = entry.event
  if (type === 'holdpoint.receipt.posted.v1')
    return { what: 'has the receipt on its disk, and only then acknowledges it', evidence: shortRecord(source.record) }
  if (type !== 'holdpoint.inventory.moved.v1') return null
  const { reference, by, from, to, lot, quantity, document } = data as InventoryMovement
  if (reference !== null || from === to || from === null || to === null) return null
  return { what: `takes what ${by} did with ${text(quantity)} of ${shortLot(lot)} as ${by}'s own hold on all of it`, evidence: document }
}

function ofGoal(before: Goal, after: Goal): Told {
  const command = after.commands.find((one, index) => one !== before.commands[index])
  if (command !== undefined) return ofCommand(after, before.commands.find(({ id }) => id === command.id) ?? null, command)
  if (before.state === after.state) return null
  const lot = shortLot(after.subject)
  const detail = after.evidence?.detail ?? ''
  if (after.state === 'parked' || after.state === 'refused')
    return { what: `${lot}: ${after.name} is ${after.state} (${after.code})`, evidence: after.id.slice(0, 8), mood: 'bad' }
  if (after.state !== 'met') return null
  if (after.kind === 'record') return { what: `reads back that ${lot} has its inspection`, evidence: shortRecord(detail), mood: 'good' }
  if (after.kind === 'posting') return { what: `reads back ${predicateText(after, lot)}: once, as decided`, evidence: detail, mood: 'good' }
  return { what: `reads back that no held part of ${lot} is usable`, evidence: shortHold(after), mood: 'good' }
}

function ofCommand({ subject }: Goal, before: Command | null, now: Command): Told {
  const lot = shortLot(subject)
  if (now.state === 'intent') return { what: `intent on disk, then sends: ${actionText(now.action, lot)}`, evidence: now.reference }
  if (now.state === 'unknown' && before?.state !== 'unknown')
    return {
      what: 'has no answer. Done or not? Unknown: sends nothing again, waits, then reads',
      evidence: now.reference,
      mood: 'doubt',
    }
  if (now.state === 'applied' && before?.state === 'unknown')
    return { what: 'finds its reference on a document: it was done, and is not done again', evidence: now.reference, mood: 'good' }
  if (now.state === 'refused') return { what: `is refused: ${now.detail}`, evidence: now.reference, mood: 'bad' }
  return null
}

function actionText(action: Action, lot: string): string {
  switch (action.type) {
    case 'move':
      return `${text(action.quantity)} of ${lot} ${word(action.from.stockType)} → ${word(action.to)}`
    case 'createRecord':
      return `create the inspection of ${lot}`
    default:
      return `${action.type} ${lot}`
  }
}

function predicateText({ predicate }: Goal, lot: string): string {
  return predicate.type === 'posted' ? `${text(predicate.quantity)} of ${lot} ${word(predicate.to)}` : `${lot} as it was before the hold`
}

const WORDS: Partial<Record<StockType, string>> = { qualityInspection: 'in inspection', unrestricted: 'usable' }

export function word(stockType: StockType): string {
  return WORDS[stockType] ?? stockType
}

function text({ value, uom }: Quantity): string {
  return `${value} ${uom === 'C62' ? 'PC' : uom}`
}

/** `ROD-12/B-4711` of `erp-1:batch:ROD-12/B-4711`, also where it stands in the key of an inspection. */
export function shortLot(subject: string): string {
  return subject.slice(subject.lastIndexOf(':') + 1)
}

function shortRecord(identifier: string): string {
  return identifier.slice(Math.max(identifier.lastIndexOf(':'), identifier.lastIndexOf('/')) + 1)
}

/** Who asked for the hold, from its id: `UD-2` of a decision, a document of a person. */
export function shortHold({ predicate }: Goal): string {
  const [first = ''] = predicate.type === 'notUsable' ? predicate.holds : []
  const [kind] = first.split(':')
  if (kind === 'awaiting') return 'awaiting inspection'
  const decision = /decision:([^@]+)@[^#]*#(\w+)/.exec(first)
  return decision === null ? shortRecord(first) : `${decision[2]} under ${decision[1]}`
}
