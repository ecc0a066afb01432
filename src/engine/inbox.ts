/**
 * The inbox of an owned partition: rows read ahead, holds first, each turned into the event it points at. Behind a long
 * backlog holds are looked for beyond what is read ahead.
 */
import { assert } from '../assert.ts'
import type { Goal } from '../model/goal.ts'
import type { InboxRow, Store } from '../store/store.ts'
import type { EntryCache, PendingDelivery } from './deps.ts'
import { instanceId } from './derive.ts'
import { type Entry, parseEntry } from './entries.ts'
import type { PartitionMemory } from './memory.ts'
import { eventAt } from './run.ts'

/** Pages looked through for holds at each filling, while there is more than can be read ahead. */
const PAGES_SCOUTED = 5

export class Inbox {
  readonly #store: Store
  readonly #memory: PartitionMemory
  readonly #aheadMax: number
  #rows: InboxRow[] = []
  #returned: InboxRow[] = []
  /** Read ahead up to here; beyond it, looked through for holds up to `scouted`. */
  #cursor = 0
  #scouted = 0
  /** Rows beyond the cursor that were brought forward. */
  readonly #forward = new Set<number>()
  #hint = true

  constructor(store: Store, memory: PartitionMemory, aheadMax: number) {
    this.#store = store
    this.#memory = memory
    this.#aheadMax = aheadMax
  }

  /** New rows may be there. */
  hint(): void {
    this.#hint = true
  }

  get waiting(): boolean {
    return this.#hint || this.#rows.length > 0 || this.#returned.length > 0
  }

  /** Rows that were put aside because this instance was blocked come next, all of them, before anything new for it arises. */
  returnSkipped(instance: string): void {
    const { skipped } = this.#memory
    const returned = skipped.filter((row) => instanceId(row.process, row.key) === instance)
    const kept = skipped.filter((row) => instanceId(row.process, row.key) !== instance)
    skipped.splice(0, skipped.length, ...kept)
    this.#returned.push(...returned.sort((one, other) => one.sequence - other.sequence))
  }

  async fill(): Promise<void> {
    if (!this.#hint) return
    if (this.#rows.length < this.#aheadMax) await this.#readAhead()
    if (this.#hint) await this.#scout()
  }

  async #readAhead(): Promise<void> {
    this.#hint = false
    const rows = await this.#page(this.#cursor)
    for (const row of rows) {
      this.#cursor = row.sequence
      if (!this.#forward.has(row.sequence)) this.#put(row)
    }
    for (const sequence of this.#forward) if (sequence <= this.#cursor) this.#forward.delete(sequence)
    if (rows.length === this.#aheadMax) this.#hint = true
  }

  /** A hold must not wait for what came before it of others: it is brought forward, with what came before it for its instance. */
  async #scout(): Promise<void> {
    this.#scouted = Math.max(this.#scouted, this.#cursor)
    const lastHold = new Map<string, number>()
    for (let page = 0; page < PAGES_SCOUTED; page++) {
      const rows = await this.#page(this.#scouted)
      for (const row of rows) {
        this.#scouted = row.sequence
        if (row.lane === 'safety') lastHold.set(instanceId(row.process, row.key), row.sequence)
      }
      if (rows.length < this.#aheadMax) break
    }
    const through = Math.max(0, ...lastHold.values())
    for (let after = this.#cursor; after < through; ) {
      const rows = await this.#page(after)
      for (const row of rows) {
        after = row.sequence
        if (row.sequence > (lastHold.get(instanceId(row.process, row.key)) ?? 0) || this.#forward.has(row.sequence)) continue
        this.#forward.add(row.sequence)
        this.#put(row)
      }
      if (rows.length === 0) break
    }
    if (lastHold.size > 0) this.#rows.sort((one, other) => one.sequence - other.sequence)
  }

  #page(after: number): Promise<readonly InboxRow[]> {
    return this.#store.readInbox(this.#memory.partition, after, this.#aheadMax)
  }

  #put(row: InboxRow): void {
    if (this.#memory.blocked.has(instanceId(row.process, row.key))) this.#memory.skipped.push(row)
    else this.#rows.push(row)
  }

  /**
   * What was returned, then instances with a hold, each up to its last hold, then the rest in order of arrival. Within an
   * instance nothing overtakes: an older version of a record that came after a newer one would look like a change back.
   */
  take(most: number): readonly InboxRow[] {
    const returned = this.#returned.splice(0)
    return [...returned, ...this.#takeRead(Math.max(0, most - returned.length))]
  }

  #takeRead(most: number): readonly InboxRow[] {
    const lastHold = new Map<string, number>()
    for (const row of this.#rows) if (row.lane === 'safety') lastHold.set(instanceId(row.process, row.key), row.sequence)
    if (lastHold.size === 0) return this.#rows.splice(0, most)
    const first: InboxRow[] = []
    const rest: InboxRow[] = []
    for (const row of this.#rows) {
      const urgent = row.sequence <= (lastHold.get(instanceId(row.process, row.key)) ?? 0)
      if (urgent) first.push(row)
      else rest.push(row)
    }
    const taken = first.splice(0, most)
    taken.push(...rest.splice(0, most - taken.length))
    this.#rows = [...first, ...rest].sort((one, other) => one.sequence - other.sequence)
    return taken
  }

  /** The events of the rows, from the cache where they were written lately. */
  async deliveries(rows: readonly InboxRow[], cache: EntryCache): Promise<readonly PendingDelivery[]> {
    const missing = rows.filter((row) => cache.get(row.from.partition, row.from.sequence) === undefined).map((row) => row.from)
    const read = new Map<string, Entry>()
    if (missing.length > 0)
      for (const entry of await this.#store.readEntries(missing)) read.set(`${entry.partition}.${entry.sequence}`, parseEntry(entry.body))
    const deliveries: PendingDelivery[] = []
    for (const row of rows) {
      const entry = cache.get(row.from.partition, row.from.sequence) ?? read.get(`${row.from.partition}.${row.from.sequence}`)
      assert(entry !== undefined, `entry ${row.from.partition}.${row.from.sequence} is missing`)
      const goal = entry.kind === 'goal' ? await this.#goal(entry.goal) : undefined
      deliveries.push({
        process: row.process,
        key: row.key,
        lane: row.lane,
        event: eventAt(entry, row.from, goal),
        inbox: row.sequence,
        origin: null,
      })
    }
    return deliveries
  }

  async #goal(id: string): Promise<Goal | undefined> {
    const known = this.#memory.goals.get(id) ?? this.#memory.unwritten.goals.get(id)
    if (known !== undefined) return known
    const row = (await this.#store.readRows('goal', [id])).get(id)
    return row === undefined ? undefined : (JSON.parse(row.body) as Goal)
  }
}
