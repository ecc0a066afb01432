import type { BucketRef } from './goal.ts'
import type { Quantity } from './quantity.ts'
import type { StockBucket, StockType } from './stock.ts'

/** A movement document as the target shows it. `from` null: it came in; `to` null: it went out. */
export interface StockDocument {
  readonly number: string
  readonly reference: string | null
  readonly from: BucketRef | null
  readonly to: BucketRef | null
  readonly quantity: Quantity
  readonly by: string
  readonly at: string
  /** Number of the document this one reverses. */
  readonly reverses: string | null
}

/** Everything a system shows of one lot: buckets and the documents that touched it (at most 1,000, newest kept). */
export interface StockObservation {
  readonly kind: 'stock'
  /** False when the system does not know the lot. */
  readonly known: boolean
  readonly buckets: readonly StockBucket[]
  readonly documents: readonly StockDocument[]
  /** Flags on the lot set above the stock posting, by rung, with the reference that set them if the system keeps one. */
  readonly restrictions: readonly { readonly rung: number; readonly reference: string | null; readonly by: string }[]
}

/** A record found by external key. `open`: work on it can still go on. */
export interface RecordSeen {
  readonly id: string
  readonly key: string
  readonly version: string
  readonly status: string
  readonly open: boolean
  readonly decided: boolean
  /** Reference of the command that created it, where the system keeps one. */
  readonly reference: string | null
}
export interface RecordObservation {
  readonly kind: 'record'
  /** None: absent. More than one: a double, never resolved by us. */
  readonly records: readonly RecordSeen[]
}

/** A read of one order key. `beganAt` is hub wall time before the first byte of the request was sent. */
export type Observation = (StockObservation | RecordObservation) & {
  readonly beganAt: string
  readonly endedAt: string
  /** Bulk pages may be torn: a sweep's observation only nominates, it never proves or heals. */
  readonly source: 'read' | 'sweep'
}

/** A bucket's place, for messages and comparison. */
export function bucketPlace(bucket: {
  readonly site: string
  readonly location: string
  readonly carrier: string | null
  readonly stockType: StockType
}): string {
  return [bucket.site, bucket.location, bucket.carrier ?? '-', bucket.stockType].join('/')
}
