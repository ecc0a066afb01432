import type { Action, IdempotencyClass } from '../../src/model/goal.ts'
import type { Observation, StockDocument } from '../../src/model/observation.ts'
import type { StockType } from '../../src/model/stock.ts'
import { bucket, doc, pieces } from './builders.ts'

/** A seeded stream of numbers (mulberry32). */
export interface Dice {
  /** Whole number from 0 to `max`. */
  upTo(max: number): number
  chance(share: number): boolean
}

export function dice(seed: number): Dice {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { upTo: (max) => Math.floor(next() * (max + 1)), chance: (share) => next() < share }
}

interface Booked {
  readonly document: StockDocument
  readonly atMs: number
  /** The reference it was sent with, kept or not. */
  readonly sentAs: string | null
}

type Stock = Readonly<Record<StockType, number>>
type Flag = { readonly rung: number; readonly reference: string | null } | null
interface Snapshot {
  readonly atMs: number
  readonly stock: Stock
  readonly flag: Flag
  readonly documents: readonly StockDocument[]
}

export type Answer = 'applied' | 'refused'

/**
 * One lot in one place, the books of it, and how they looked at any time: a read shows them as they were up to a lag ago.
 * `foreign` and `ours` are the truth about blocked stock, kept apart from what documents tell.
 */
export class ToyTarget {
  readonly booked: Booked[] = []
  readonly idempotency: IdempotencyClass
  foreign = 0
  private stock: Stock = { unrestricted: 0, qualityInspection: 0, restricted: 0, blocked: 0, customerReturn: 0 }
  private flag: Flag = null
  private history: Snapshot[] = []
  private readonly answers = new Map<string, Answer>()

  constructor(idempotency: IdempotencyClass, start: Partial<Stock>) {
    this.idempotency = idempotency
    this.stock = { ...this.stock, ...start }
    this.remember(-1_000_000)
  }

  get usable(): number {
    return this.flag === null ? this.stock.unrestricted : 0
  }

  of(stockType: StockType): number {
    return this.stock[stockType]
  }

  /** Executes once per reference where the class promises it. */
  execute(action: Action, reference: string, nowMs: number): Answer {
    const protectedOnes: readonly IdempotencyClass[] = ['natural', 'key', 'externalId', 'transportId', 'file']
    const known = protectedOnes.includes(this.idempotency) ? this.answers.get(reference) : undefined
    if (known !== undefined) return known
    const answer = this.attempt(action, reference, nowMs)
    if (answer === 'applied' || this.idempotency === 'key' || this.idempotency === 'transportId') this.answers.set(reference, answer)
    return answer
  }

  private attempt(action: Action, reference: string, nowMs: number): Answer {
    const kept = this.idempotency === 'unsafe' ? null : reference
    if (action.type === 'restrict') this.flag = { rung: action.rung, reference: kept }
    else if (action.type === 'unrestrict') this.flag = null
    else if (action.type === 'move') {
      const amount = Number(action.quantity.value)
      if (this.stock[action.from.stockType] < amount) return 'refused'
      this.book({ from: action.from.stockType, to: action.to, amount, nowMs, reference: kept, sentAs: reference })
    }
    this.remember(nowMs)
    return 'applied'
  }

  /** A person's movement. False: there is not enough. */
  byHand(
    from: StockType | null,
    to: StockType | null,
    at: { readonly amount: number; readonly nowMs: number; readonly reverses?: string },
  ): boolean {
    if (from !== null && this.stock[from] < at.amount) return false
    if (to === 'blocked') this.foreign += at.amount
    this.book({ from, to, ...at, reference: null, sentAs: null })
    this.remember(at.nowMs)
    return true
  }

  private book(movement: {
    readonly from: StockType | null
    readonly to: StockType | null
    readonly amount: number
    readonly nowMs: number
    readonly reference: string | null
    readonly sentAs: string | null
    readonly reverses?: string
  }): void {
    const { from, to, amount, nowMs } = movement
    const change: Record<string, number> = {}
    if (from !== null) change[from] = this.stock[from] - amount
    if (to !== null) change[to] = this.stock[to] + amount
    this.stock = { ...this.stock, ...change }
    const number = String(1_000 + this.booked.length)
    const document = doc(movement.reference, amount, from, to, {
      number,
      by: movement.sentAs === null ? 'clerk' : 'INTERFACE',
      at: new Date(nowMs).toISOString(),
      reverses: movement.reverses ?? null,
    })
    this.booked.push({ document, atMs: nowMs, sentAs: movement.sentAs })
  }

  numberOf(reference: string): string {
    return this.booked.find(({ sentAs }) => sentAs === reference)?.document.number ?? ''
  }

  /** How the books looked at `atMs`. `torn`: buckets and documents of different times, as bulk pages are. */
  observe(atMs: number, times: { readonly beganMs: number; readonly endedMs: number; readonly tornMs: number | null }): Observation {
    const page = this.snapshot(atMs)
    const other = times.tornMs === null ? page : this.snapshot(times.tornMs)
    const buckets = (Object.keys(page.stock) as StockType[])
      .filter((stockType) => page.stock[stockType] > 0)
      .map((stockType) =>
        bucket(stockType, page.stock[stockType], {
          quantity: pieces(page.stock[stockType]),
          usable: stockType === 'unrestricted' && page.flag === null,
        }),
      )
    return {
      kind: 'stock',
      known: true,
      buckets,
      documents: other.documents,
      restrictions: page.flag === null ? [] : [{ ...page.flag, by: 'INTERFACE' }],
      beganAt: new Date(times.beganMs).toISOString(),
      endedAt: new Date(times.endedMs).toISOString(),
      source: times.tornMs === null ? 'read' : 'sweep',
    }
  }

  private remember(atMs: number): void {
    this.history.push({ atMs, stock: this.stock, flag: this.flag, documents: this.booked.map(({ document }) => document) })
  }

  private snapshot(atMs: number): Snapshot {
    return this.history.findLast((snapshot) => snapshot.atMs <= atMs) ?? (this.history[0] as Snapshot)
  }
}
