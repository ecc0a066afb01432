/** Keys and ids that more than one place must derive alike. */

/** Receipt, line and lot of one inspection gate. */
export interface GateName {
  readonly receipt: string
  readonly line: string
  readonly lot: string
}

/**
 * Key of an inspection gate, and external id of its record in the QMS: `{receipt}#{line}#{lot}`. Reversible: `#` and `%`
 * inside a part are percent-encoded; everything else, `/` and `:` too, stays readable.
 */
export function gateKey(name: GateName): string {
  return `${encoded(name.receipt)}#${encoded(name.line)}#${encoded(name.lot)}`
}

/** Null: this is no gate key (somebody gave a QMS record an external id of their own). */
export function parseGateKey(key: string): GateName | null {
  const first = key.indexOf('#')
  const second = key.indexOf('#', first + 1)
  if (first <= 0 || second <= first + 1 || second === key.length - 1 || key.indexOf('#', second + 1) >= 0) return null
  const receipt = key.slice(0, first)
  const line = key.slice(first + 1, second)
  const lot = key.slice(second + 1)
  return key.includes('%') ? { receipt: decoded(receipt), line: decoded(line), lot: decoded(lot) } : { receipt, line, lot }
}

function encoded(part: string): string {
  return part.includes('#') || part.includes('%') ? part.replaceAll('%', '%25').replaceAll('#', '%23') : part
}

function decoded(part: string): string {
  return part.replaceAll('%23', '#').replaceAll('%25', '%')
}

/** The hold that stands from the receipt until the decision. */
export function awaitingHold(gate: string): string {
  return `awaiting:${gate}`
}

/** The hold that one decision places on what it did not accept. */
export function qualityHold(decision: string, outcome: 'rejected' | 'quarantined'): string {
  return `quality:${decision}#${outcome}`
}

/** The hold that stands from the reopening of a decision until the next one. */
export function reopenedHold(decision: string): string {
  return `reopened:${decision}`
}

/** The hold that stands for a person's own restriction, by the document that made it. */
export function foreignHold(erp: string, document: string): string {
  return `foreign:${erp}:${document}`
}
