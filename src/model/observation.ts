import Type from 'typebox'
import type { BucketRef } from './goal.ts'
import { Quantity } from './quantity.ts'
import { SpecialStock, StockBucket, StockType } from './stock.ts'

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

const TextOrNull = Type.Union([Type.String(), Type.Null()])

const DocumentPlace = Type.Union([
  Type.Object({
    site: Type.String(),
    location: Type.String(),
    carrier: TextOrNull,
    stockType: StockType,
    specialStock: SpecialStock,
  }),
  Type.Null(),
])

/** What a connector must have made of a system's answer before it counts, by kind; the engine writes the times itself. */
export const OBSERVATION_SCHEMAS = {
  stock: Type.Object({
    kind: Type.Literal('stock'),
    known: Type.Boolean(),
    buckets: Type.Array(StockBucket),
    documents: Type.Array(
      Type.Object({
        number: Type.String(),
        reference: TextOrNull,
        from: DocumentPlace,
        to: DocumentPlace,
        quantity: Quantity,
        by: Type.String(),
        at: Type.String(),
        reverses: TextOrNull,
      }),
    ),
    restrictions: Type.Array(Type.Object({ rung: Type.Integer({ minimum: 0 }), reference: TextOrNull, by: Type.String() })),
  }),
  record: Type.Object({
    kind: Type.Literal('record'),
    records: Type.Array(
      Type.Object({
        id: Type.String(),
        key: Type.String(),
        version: Type.String(),
        status: Type.String(),
        open: Type.Boolean(),
        decided: Type.Boolean(),
        reference: TextOrNull,
      }),
    ),
  }),
} as const

/** A bucket's place, for messages and comparison. */
export function bucketPlace(bucket: {
  readonly site: string
  readonly location: string
  readonly carrier: string | null
  readonly stockType: StockType
}): string {
  return [bucket.site, bucket.location, bucket.carrier ?? '-', bucket.stockType].join('/')
}
