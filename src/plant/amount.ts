/**
 * Exact amounts of the simulated plant: whole numbers of 10^-9 units. The plant keeps its own arithmetic on purpose:
 * an error shared with the hub would cancel out in every comparison.
 */
export type Amount = bigint

const SCALE = 9
const ONE = 10n ** BigInt(SCALE)
const DECIMAL = /^(-?)(\d{1,18})(?:\.(\d{1,9}))?$/

/** Null: not a decimal with at most 18 digits before and 9 behind the point. */
export function parseAmount(text: unknown): Amount | null {
  const match = typeof text === 'string' ? DECIMAL.exec(text) : null
  if (match === null) return null
  const [, sign, whole, fraction] = match
  const amount = BigInt(whole ?? '0') * ONE + BigInt((fraction ?? '').padEnd(SCALE, '0'))
  return sign === '-' ? -amount : amount
}

/** For amounts written in code and tests; throws on anything `parseAmount` does not take. */
export function amountOf(text: string): Amount {
  const amount = parseAmount(text)
  if (amount === null) throw new Error(`not an amount: ${text}`)
  return amount
}

/** Shortest form: no trailing zeros, no point without a fraction. */
export function formatAmount(amount: Amount): string {
  const absolute = amount < 0n ? -amount : amount
  const fraction = (absolute % ONE).toString().padStart(SCALE, '0').replace(/0+$/, '')
  return `${amount < 0n ? '-' : ''}${absolute / ONE}${fraction === '' ? '' : `.${fraction}`}`
}
