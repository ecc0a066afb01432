/**
 * Identity of lots (RULES 23, 24): a number is no identifier until it carries the qualifiers of its system. Parts are
 * joined by `/`; `/` and `%` inside a part are percent-encoded, so that no two lots share an identifier.
 */
export type LotKind = 'batch' | 'serial' | 'receiptLine' | 'other'

/** `plant`: only where the system keeps batch numbers per plant. */
export interface BatchName {
  readonly erp: string
  readonly material: string
  readonly plant?: string
  readonly batch: string
}

/** `erp-1:batch:RM-100/B-4711`, with plant `erp-1:batch:RM-100/1010/B-4711`. */
export function batchLot(name: BatchName): string {
  const plant = name.plant === undefined ? '' : `${part(name.plant)}/`
  return `${name.erp}:batch:${part(name.material)}/${plant}${part(name.batch)}`
}

/** Serial numbers are unique per material: `erp-1:serial:PUMP-7/00012`. */
export function serialLot(name: { readonly erp: string; readonly material: string; readonly serial: string }): string {
  return `${name.erp}:serial:${part(name.material)}/${part(name.serial)}`
}

/** An item without lots: the receipt line is the lot. What is attributed to it is inferred, never exact. */
export function derivedLot(name: { readonly erp: string; readonly receipt: string; readonly line: string }): string {
  return `${name.erp}:receiptLine:${part(identifierValue(name.receipt))}/${part(name.line)}`
}

/** `receiptLine`: a derived lot, whose attribution is inferred. */
export function lotKind(lot: string): LotKind {
  const object = lot.slice(lot.indexOf(':') + 1, lot.indexOf(':', lot.indexOf(':') + 1))
  return object === 'batch' || object === 'serial' || object === 'receiptLine' ? object : 'other'
}

/** The part of an identifier that its system knows: `B-1` of `erp-1:batch:B-1`. */
export function identifierValue(identifier: string): string {
  return identifier.slice(identifier.indexOf(':', identifier.indexOf(':') + 1) + 1)
}

function part(text: string): string {
  return text.includes('/') || text.includes('%') ? text.replaceAll('%', '%25').replaceAll('/', '%2F') : text
}
