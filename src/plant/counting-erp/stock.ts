import type { Runtime } from '../../runtime.ts'
import type { Amount } from '../amount.ts'
import { createHistory, type History } from '../history.ts'
import type { Bucket, DocumentKind, LocationKind, LotVersion, OwnerCode, Place, Restriction, StockCode, StockDocument } from './types.ts'

/** One lot in the ERP. Everything in it changes only through `Stock`. */
export interface Lot {
  readonly lot: string
  readonly material: string
  readonly batch: string | null
  readonly unit: string
  readonly buckets: Map<string, Bucket>
  readonly documents: StockDocument[]
  readonly history: History<LotVersion>
  restriction: Restriction | null
  revision: number
  lockedUntilMs: number
}

export interface PostingInput {
  readonly lot: Lot
  readonly number: string
  readonly kind: DocumentKind
  readonly from: Place | null
  readonly to: Place | null
  readonly amount: Amount
  readonly by: string
  readonly text?: string
  readonly reference?: string | null
  readonly causedBy?: string | null
  readonly arrivedMs?: number
  readonly reverses?: string | null
}

/** The ledger: postings only append, buckets follow from them. Never checks whether a posting is allowed. */
export interface Stock {
  readonly lots: ReadonlyMap<string, Lot>
  /** Lot keys in ascending order. */
  sortedLots(): readonly string[]
  lot(key: string): Lot | undefined
  open(lot: { readonly lot: string; readonly material: string; readonly batch: string | null; readonly unit: string }): Lot
  post(input: PostingInput): StockDocument
  restrict(lot: Lot, restriction: Restriction | null): void
  available(lot: Lot, place: Place): Amount
  /** In the ERP's own view: unrestricted, where it can be picked, and the lot not restricted. */
  usable(bucket: Bucket, restricted: boolean): boolean
  documents(): readonly StockDocument[]
  locationKind(storageLocation: string): LocationKind
}

export interface StockOptions {
  readonly locations: Readonly<Record<string, LocationKind>>
  readonly historyPerLotMax: number
}

export function placeKey(place: Place): string {
  return `${place.plant}|${place.storageLocation}|${place.carrier ?? ''}|${place.stock}|${place.owner}`
}

export function createStock(deps: { readonly runtime: Runtime }, options: StockOptions): Stock {
  const { clock } = deps.runtime
  const lots = new Map<string, Lot>()
  const journal: StockDocument[] = []
  let sorted: readonly string[] | null = []

  const keepVersion = (lot: Lot): void => {
    lot.revision += 1
    lot.history.add(clock.monoNow(), {
      at: new Date(clock.wallNow()).toISOString(),
      revision: lot.revision,
      buckets: [...lot.buckets.values()],
      documents: lot.documents.length,
      restriction: lot.restriction,
    })
  }

  const change = (lot: Lot, place: Place, by: Amount): void => {
    const key = placeKey(place)
    const amount = (lot.buckets.get(key)?.amount ?? 0n) + by
    if (amount === 0n) lot.buckets.delete(key)
    else lot.buckets.set(key, { ...bareplace(place), amount })
  }

  return {
    lots,
    sortedLots: () => {
      sorted ??= [...lots.keys()].sort()
      return sorted
    },
    lot: (key) => lots.get(key),
    open: ({ lot: key, material, batch, unit }) => {
      const known = lots.get(key)
      if (known !== undefined) return known
      const lot: Lot = {
        lot: key,
        material,
        batch,
        unit,
        buckets: new Map(),
        documents: [],
        history: createHistory<LotVersion>(options.historyPerLotMax),
        restriction: null,
        revision: 0,
        lockedUntilMs: 0,
      }
      lots.set(key, lot)
      sorted = null
      return lot
    },
    post: (input) => {
      const atMs = clock.monoNow()
      const document: StockDocument = {
        number: input.number,
        sequence: journal.length + 1,
        kind: input.kind,
        lot: input.lot.lot,
        reference: input.reference ?? null,
        causedBy: input.causedBy ?? null,
        from: input.from === null ? null : bareplace(input.from),
        to: input.to === null ? null : bareplace(input.to),
        amount: input.amount,
        by: input.by,
        text: input.text ?? '',
        at: new Date(clock.wallNow()).toISOString(),
        atMs,
        arrivedMs: input.arrivedMs ?? atMs,
        reverses: input.reverses ?? null,
      }
      journal.push(document)
      input.lot.documents.push(document)
      if (input.from !== null) change(input.lot, input.from, -input.amount)
      if (input.to !== null) change(input.lot, input.to, input.amount)
      keepVersion(input.lot)
      return document
    },
    restrict: (lot, restriction) => {
      lot.restriction = restriction
      keepVersion(lot)
    },
    available: (lot, place) => lot.buckets.get(placeKey(place))?.amount ?? 0n,
    usable: (bucket, restricted) => {
      const kind = options.locations[bucket.storageLocation] ?? 'STOCK'
      return bucket.stock === 'UNR' && bucket.amount > 0n && !restricted && kind !== 'CUSTOMER'
    },
    documents: () => journal,
    locationKind: (storageLocation) => options.locations[storageLocation] ?? 'STOCK',
  }
}

/** Without the amount a bucket carries. */
function bareplace(place: Place): Place {
  return { plant: place.plant, storageLocation: place.storageLocation, carrier: place.carrier, stock: place.stock, owner: place.owner }
}

/** A place of a lot narrowed down by whatever is given. */
export interface PlaceFilter {
  readonly storageLocation?: string
  readonly carrier?: string | null
  readonly stock?: StockCode
  readonly owner?: OwnerCode
}

export function matches(bucket: Bucket, filter: PlaceFilter): boolean {
  return (
    (filter.storageLocation === undefined || bucket.storageLocation === filter.storageLocation) &&
    (filter.carrier === undefined || bucket.carrier === filter.carrier) &&
    (filter.stock === undefined || bucket.stock === filter.stock) &&
    (filter.owner === undefined || bucket.owner === filter.owner)
  )
}
