import { parseAmount } from '../amount.ts'
import { announceMovement } from './movements.ts'
import { type ReceiptDeps, type ReceiveInput, type ReverseReceiptInput, receive, reverseReceipt } from './receipts.ts'
import { type Lot, matches, type PlaceFilter } from './stock.ts'
import type { Done, Place, Refusal, StockDocument } from './types.ts'

/** `quantity` left out: all that is there. */
export interface MoveInput {
  readonly lot: string
  readonly from: PlaceFilter
  readonly to: PlaceFilter
  readonly quantity?: string
  readonly by?: string
  readonly text?: string
  /** What the person writes into the reference field. */
  readonly reference?: string
}

export interface TakeInput {
  readonly lot: string
  readonly quantity: string
  readonly storageLocation?: string
  readonly carrier?: string | null
  readonly by?: string
}

/**
 * People at the ERP's screens. Everything they do is booked at once and announced; a refusal is an answer, not an error.
 * Their documents carry no reference unless they type one.
 */
export interface ErpPeople {
  receive(input: ReceiveInput): string
  /** Takes a receipt back, whole or one lot of it, from wherever its lot still is. */
  reverseReceipt(input: ReverseReceiptInput): Done
  move(input: MoveInput): Done
  /** To blocked stock, from unrestricted unless said otherwise. */
  block(input: Omit<MoveInput, 'to' | 'from'> & { readonly from?: PlaceFilter }): Done
  /** From blocked to unrestricted, unless said otherwise. */
  unblock(input: Omit<MoveInput, 'to' | 'from'> & { readonly from?: PlaceFilter; readonly to?: PlaceFilter }): Done
  transfer(input: MoveInput): Done
  /** Posts the opposite of a movement document, if the stock is still there. */
  reverseMovement(input: { readonly number: string; readonly by?: string }): Done
  /** Uses up unrestricted stock. With `allowNegative` the book goes below zero, as backflushing does. */
  consume(input: TakeInput & { readonly allowNegative?: boolean }): Done
  /** Books a count difference into or out of a bucket; `quantity` may be negative. */
  count(input: { readonly lot: string; readonly at: PlaceFilter; readonly quantity: string; readonly by?: string }): Done
  restrict(input: { readonly lot: string; readonly by?: string }): Done
  unrestrict(input: { readonly lot: string; readonly by?: string }): Done
  /** Somebody has the lot open in a change screen: interface postings are put off. */
  lockLot(lot: string, ms: number): void
  /** Interface postings are refused until then. */
  closePeriod(ms: number): void
}

export interface PeopleDeps extends ReceiptDeps {
  readonly nextNumber: () => string
  readonly closePeriod: (ms: number) => void
}

export function createErpPeople(deps: PeopleDeps): ErpPeople {
  const move = (input: MoveInput): Done => postMove(deps, input)
  return {
    receive: (input) => receive(deps, input),
    reverseReceipt: (input) => reverseReceipt(deps, input),
    move,
    block: (input) => move({ ...input, from: { stock: 'UNR', ...input.from }, to: { stock: 'BLK' } }),
    unblock: (input) => move({ ...input, from: { stock: 'BLK', ...input.from }, to: { stock: 'UNR', ...input.to } }),
    transfer: move,
    reverseMovement: (input) => reverseMovement(deps, input),
    consume: (input) => consume(deps, input),
    count: (input) => count(deps, input),
    restrict: ({ lot, by }) => flag(deps, { lot, by: by ?? 'clerk', restricted: true }),
    unrestrict: ({ lot, by }) => flag(deps, { lot, by: by ?? 'clerk', restricted: false }),
    lockLot: (key, ms) => {
      const lot = deps.stock.lot(key)
      if (lot !== undefined) lot.lockedUntilMs = deps.runtime.clock.monoNow() + ms
    },
    closePeriod: deps.closePeriod,
  }
}

function postMove(deps: PeopleDeps, input: MoveInput): Done {
  const lot = deps.stock.lot(input.lot)
  if (lot === undefined) return refused('LOT_UNKNOWN')
  const bucket = [...lot.buckets.values()].find((candidate) => candidate.amount > 0n && matches(candidate, input.from))
  if (bucket === undefined) return refused('STOCK_DEFICIT')
  const amount = input.quantity === undefined ? bucket.amount : parseAmount(input.quantity)
  if (amount === null || amount <= 0n) return refused('AMOUNT_INVALID')
  if (bucket.amount < amount) return refused('STOCK_DEFICIT')
  const { storageLocation, carrier, stock, owner } = input.to
  const to: Place = {
    plant: bucket.plant,
    storageLocation: storageLocation ?? bucket.storageLocation,
    carrier: carrier === undefined ? bucket.carrier : carrier,
    stock: stock ?? bucket.stock,
    owner: owner ?? bucket.owner,
  }
  const kind = to.stock === bucket.stock ? 'transfer' : 'posting'
  return book(deps, lot, {
    kind,
    from: bucket,
    to,
    amount,
    by: input.by ?? 'clerk',
    ...(input.text === undefined ? {} : { text: input.text }),
    ...(input.reference === undefined ? {} : { reference: input.reference }),
  })
}

type Booking = Pick<StockDocument, 'kind' | 'from' | 'to' | 'amount' | 'by'> &
  Partial<Pick<StockDocument, 'text' | 'reference' | 'reverses'>>

function book(deps: PeopleDeps, lot: Lot, booking: Booking): Done {
  const document = deps.stock.post({ lot, number: deps.nextNumber(), ...booking })
  announceMovement(deps.notices, lot, document)
  return { ok: true, number: document.number }
}

function reverseMovement(deps: PeopleDeps, input: { readonly number: string; readonly by?: string }): Done {
  const original = deps.stock.documents().find(({ number }) => number === input.number)
  const lot = original === undefined ? undefined : deps.stock.lot(original.lot)
  if (original === undefined || lot === undefined || original.kind === 'receipt') return refused('DOCUMENT_UNKNOWN')
  if (original.reverses !== null || lot.documents.some(({ reverses }) => reverses === original.number)) return refused('ALREADY_REVERSED')
  if (original.to !== null && deps.stock.available(lot, original.to) < original.amount) return refused('STOCK_DEFICIT')
  const { kind, from, to, amount, number } = original
  return book(deps, lot, { kind, from: to, to: from, amount, by: input.by ?? 'clerk', reverses: number })
}

function consume(deps: PeopleDeps, input: TakeInput & { readonly allowNegative?: boolean }): Done {
  const lot = deps.stock.lot(input.lot)
  const amount = parseAmount(input.quantity)
  if (lot === undefined) return refused('LOT_UNKNOWN')
  if (amount === null || amount <= 0n) return refused('AMOUNT_INVALID')
  if (lot.restriction !== null) return refused('BATCH_RESTRICTED')
  const { storageLocation, carrier } = input
  const filter: PlaceFilter = {
    stock: 'UNR',
    ...(storageLocation === undefined ? {} : { storageLocation }),
    ...(carrier === undefined ? {} : { carrier }),
  }
  const buckets = [...lot.buckets.values()].filter((bucket) => matches(bucket, filter))
  const enough = buckets.find((bucket) => bucket.amount >= amount)
  const from = enough ?? (input.allowNegative === true ? negativePlace(deps, input) : undefined)
  if (from === undefined) return refused(buckets.length === 0 ? 'NOT_UNRESTRICTED' : 'STOCK_DEFICIT')
  return book(deps, lot, { kind: 'consumption', from, to: null, amount, by: input.by ?? 'operator' })
}

function negativePlace(deps: PeopleDeps, input: TakeInput): Place {
  return { plant: deps.plant, storageLocation: input.storageLocation ?? '0001', carrier: input.carrier ?? null, stock: 'UNR', owner: '' }
}

function count(deps: PeopleDeps, input: Parameters<ErpPeople['count']>[0]): Done {
  const lot = deps.stock.lot(input.lot)
  const difference = parseAmount(input.quantity)
  if (lot === undefined) return refused('LOT_UNKNOWN')
  if (difference === null || difference === 0n) return refused('AMOUNT_INVALID')
  const place: Place = {
    plant: deps.plant,
    storageLocation: input.at.storageLocation ?? '0001',
    carrier: input.at.carrier ?? null,
    stock: input.at.stock ?? 'UNR',
    owner: input.at.owner ?? '',
  }
  if (difference < 0n && deps.stock.available(lot, place) < -difference) return refused('STOCK_DEFICIT')
  const by = input.by ?? 'counter'
  if (difference > 0n) return book(deps, lot, { kind: 'count', from: null, to: place, amount: difference, by })
  return book(deps, lot, { kind: 'count', from: place, to: null, amount: -difference, by })
}

function flag(deps: PeopleDeps, input: { readonly lot: string; readonly by: string; readonly restricted: boolean }): Done {
  const lot = deps.stock.lot(input.lot)
  if (lot === undefined) return refused('LOT_UNKNOWN')
  const at = new Date(deps.runtime.clock.wallNow()).toISOString()
  deps.stock.restrict(lot, input.restricted ? { reference: null, by: input.by, at } : null)
  return { ok: true, number: lot.lot }
}

function refused(reason: Refusal): Done {
  return { ok: false, reason }
}
