import { Decimal } from 'decimal.js'
import Type, { type Static } from 'typebox'
import { assert } from '../assert.ts'

/** An exact amount. `value` is a decimal string (never a float), `uom` a UN/ECE Recommendation 20 code such as C62, KGM, MTR. */
export const Quantity = Type.Object(
  {
    value: Type.String({ pattern: '^-?(0|[1-9]\\d{0,17})(\\.\\d{1,9})?$' }),
    uom: Type.String({ pattern: '^[A-Z0-9]{2,3}$' }),
  },
  { additionalProperties: false },
)
export type Quantity = Static<typeof Quantity>

/** 18 digits before the point, 9 after, and room for a thousand of them added up; never rounded, never in exponent form. */
const Exact = Decimal.clone({ precision: 60, toExpNeg: -60, toExpPos: 60 })

/** Whole numbers up to 15 digits are exact in a double: the common case costs no decimal object. */
const WHOLE_DIGITS_MAX = 15

/** Both quantities must be in one unit; the caller checks, since no conversion is guessed here. */
export function addQuantity(one: Quantity, other: Quantity): Quantity {
  assertSameUnit(one, other)
  if (isSmallWhole(one.value) && isSmallWhole(other.value)) return { value: String(Number(one.value) + Number(other.value)), uom: one.uom }
  return { value: new Exact(one.value).plus(other.value).toFixed(), uom: one.uom }
}

export function subtractQuantity(one: Quantity, other: Quantity): Quantity {
  assertSameUnit(one, other)
  if (isSmallWhole(one.value) && isSmallWhole(other.value)) return { value: String(Number(one.value) - Number(other.value)), uom: one.uom }
  return { value: new Exact(one.value).minus(other.value).toFixed(), uom: one.uom }
}

/** Negative, zero or positive, as for sorting. */
export function compareQuantity(one: Quantity, other: Quantity): number {
  assertSameUnit(one, other)
  if (isSmallWhole(one.value) && isSmallWhole(other.value)) return Number(one.value) - Number(other.value)
  return new Exact(one.value).comparedTo(other.value)
}

export function minQuantity(one: Quantity, other: Quantity): Quantity {
  return compareQuantity(one, other) <= 0 ? one : other
}

export function isZeroQuantity(quantity: Quantity): boolean {
  return isSmallWhole(quantity.value) ? Number(quantity.value) === 0 : new Exact(quantity.value).isZero()
}

export function isNegativeQuantity(quantity: Quantity): boolean {
  return quantity.value.charCodeAt(0) === 45 && !isZeroQuantity(quantity)
}

function isSmallWhole(value: string): boolean {
  return value.length <= WHOLE_DIGITS_MAX && !value.includes('.')
}

function assertSameUnit(one: Quantity, other: Quantity): void {
  assert(one.uom === other.uom, `quantities in different units: ${one.uom} and ${other.uom}`)
}
