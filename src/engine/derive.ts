import { sourceIdentityText } from '../model/envelope.ts'
import { type GoalSpec, orderKeyOf } from '../model/goal.ts'

/**
 * Everything derived rather than drawn: a restored or replayed hub derives the same values from the same facts.
 * `hash` is hex SHA-256.
 */
export type Hash = (text: string) => string

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** Unit separator: occurs in no identifier, so joined parts cannot be confused. */
const SEPARATOR = '\u001f'

/** Partition of a key. `count` is fixed at installation. FNV-1a: spread matters, secrecy does not. */
export function partitionOf(key: string, count: number): number {
  let value = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    value ^= key.charCodeAt(index)
    value = Math.imul(value, 0x01000193)
  }
  value ^= value >>> 15
  return (value >>> 0) % count
}

export function instanceId(process: string, key: string): string {
  return `${process}${SEPARATOR}${key}`
}

export function goalId(hash: Hash, instance: { readonly process: string; readonly key: string }, name: string): string {
  return hash(['goal', instance.process, instance.key, name].join(SEPARATOR)).slice(0, 24)
}

/**
 * Reference written into the target's document: 2-character prefix and 14 base32 characters (70 bits), 16 in all,
 * because the narrowest reference field known holds 16.
 */
export function reference(
  hash: Hash,
  made: { readonly prefix: string; readonly installation: string; readonly goal: GoalSpec; readonly ordinal: number },
): string {
  const { prefix, installation, goal, ordinal } = made
  const text = [installation, orderKeyOf(goal), sourceIdentityText(goal.cause), goal.name, goal.decision ?? '', goal.line ?? '', ordinal]
  return prefix + base32(hash(text.join(SEPARATOR)), 14)
}

export function commandId(goal: string, ordinal: number): string {
  return `${goal}.${ordinal}`
}

export function exceptionId(hash: Hash, parts: readonly string[]): string {
  return hash(`exception${SEPARATOR}${parts.join(SEPARATOR)}`).slice(0, 24)
}

/** Identity keys are kept for ever: 16 bytes each. `what` keeps the spaces of versions, heads and parkings apart. */
export function identityKey(hash: Hash, what: 'input' | 'head' | 'parked' | 'waiting', parts: readonly string[]): string {
  return hash(`${what}${SEPARATOR}${parts.join(SEPARATOR)}`).slice(0, 32)
}

/** The first `length` groups of five bits. */
function base32(hex: string, length: number): string {
  let text = ''
  let bits = 0
  let held = 0
  for (let index = 0; text.length < length; index++) {
    bits = (bits << 4) | Number.parseInt(hex.charAt(index), 16)
    held += 4
    if (held < 5) continue
    held -= 5
    text += BASE32.charAt(bits >> held)
    bits &= (1 << held) - 1
  }
  return text
}
