/** Which buckets a portion speaks of, and which actions make stock usable. Where it is not certain, the answer is the one that holds more. */
import type { Action, BucketRef } from '../model/goal.ts'
import type { PortionScope } from '../model/hold.ts'
import type { StockBucket, StockType } from '../model/stock.ts'

/** A portion's carrier is a sublot, handling unit or serial (the bucket's carrier), or a segregated location. */
export function inScope(scope: PortionScope, place: { readonly carrier: string | null; readonly location: string }): boolean {
  switch (scope.kind) {
    case 'whole':
      return true
    case 'carriers':
      return named(scope.carriers, place)
    case 'remainder':
      return !named(scope.except, place)
  }
}

function named(carriers: readonly string[], place: { readonly carrier: string | null; readonly location: string }): boolean {
  return carriers.includes(place.location) || (place.carrier !== null && carriers.includes(place.carrier))
}

/** By name only. A handling unit inside a segregated location is found by looking at the buckets as well. */
export function scopesOverlap(one: PortionScope, other: PortionScope): boolean {
  if (one.kind === 'whole' || other.kind === 'whole') return true
  if (one.kind === 'carriers') return carriersOverlap(one.carriers, other)
  if (other.kind === 'carriers') return carriersOverlap(other.carriers, one)
  return true
}

function carriersOverlap(carriers: readonly string[], other: PortionScope): boolean {
  if (other.kind === 'carriers') return carriers.some((carrier) => other.carriers.includes(carrier))
  return other.kind === 'whole' || carriers.some((carrier) => !other.except.includes(carrier))
}

/** What was shipped, consumed or scrapped, or stands with others, can be neither held nor released by a posting. */
export function inPlant(bucket: StockBucket): boolean {
  return bucket.whereabouts === 'onHand' || bucket.whereabouts === 'inTransit' || bucket.whereabouts === 'wip'
}

/** Moving stock to these types can make it usable. */
export function isFree(stockType: StockType): boolean {
  return stockType !== 'blocked' && stockType !== 'qualityInspection'
}

/** Only restricts: never makes anything usable, whenever the target gets round to it. */
export function onlyRestricts(action: Action): boolean {
  return action.type === 'restrict' || (action.type === 'move' && !isFree(action.to))
}

export function bucketRefOf(bucket: StockBucket): BucketRef {
  return {
    site: bucket.site,
    location: bucket.location,
    carrier: bucket.carrier,
    stockType: bucket.stockType,
    specialStock: bucket.specialStock,
  }
}

export function sameBucket(one: BucketRef, other: BucketRef): boolean {
  return one.stockType === other.stockType && placeOf(one) === placeOf(other)
}

/** A bucket without its stock type: where a movement between stock types leaves the goods. */
export function placeOf(ref: Omit<BucketRef, 'stockType'>): string {
  return JSON.stringify([ref.site, ref.location, ref.carrier, ref.specialStock])
}

/** A fixed order of buckets, so that the same facts always give the same next movement. */
export function byPlace(one: StockBucket, other: StockBucket): number {
  return (
    compareText(one.location, other.location) ||
    compareText(one.carrier ?? '', other.carrier ?? '') ||
    compareText(one.stockType, other.stockType) ||
    compareText(one.site, other.site) ||
    compareText(one.specialStock, other.specialStock) ||
    compareText(one.whereabouts, other.whereabouts)
  )
}

export function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
