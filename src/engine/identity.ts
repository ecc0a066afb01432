/**
 * Duplicate, conflict, stale or new: decided from what the identity table says, never from time of arrival alone.
 * Pure. The caller commits with `expect`, so two workers that decide at once cannot both be right.
 */
import type { RecordIdentity } from '../connectors/connector.ts'
import { type Hash, identityKey } from './derive.ts'

export interface Identities {
  /** Value of an identity key: from the table, or already written by an earlier input of the same batch. */
  get(key: string): string | undefined
}

export type Verdict =
  | { readonly verdict: 'new' | 'stale'; readonly writes: readonly IdentityWrite[] }
  | { readonly verdict: 'duplicate' | 'conflict' | 'parked' }

export interface IdentityWrite {
  readonly key: string
  readonly value: string
}

export interface IdentityKeys {
  readonly input: string
  /** Newest version accepted; versioned records only. */
  readonly head: string | null
  /** Present while the native key is parked. */
  readonly parked: string
}

export function identityKeys(hash: Hash, instance: string, identity: RecordIdentity): IdentityKeys {
  const record = [instance, identity.record]
  const versioned = identity.kind === 'versioned'
  return {
    input: identityKey(hash, 'input', versioned ? [...record, identity.version] : record),
    head: versioned ? identityKey(hash, 'head', record) : null,
    parked: identityKey(hash, 'parked', record),
  }
}

export interface Evidence {
  /** Hash of the canonical content. */
  readonly content: string
  readonly known: Identities
  /** A hold, or the resumption of the parked key itself. */
  readonly passParked: boolean
}

export function judge(identity: RecordIdentity, keys: IdentityKeys, { content, known, passParked }: Evidence): Verdict {
  const before = known.get(keys.input)
  if (before === content) return { verdict: 'duplicate' }
  if (!passParked && known.get(keys.parked) !== undefined) return { verdict: 'parked' }
  if (before !== undefined && identity.kind !== 'unversioned') return { verdict: 'conflict' }
  const write = { key: keys.input, value: content }
  if (identity.kind !== 'versioned' || keys.head === null) return { verdict: 'new', writes: [write] }
  const head = known.get(keys.head)
  if (head !== undefined && older(identity.version, head, identity.compare)) return { verdict: 'stale', writes: [write] }
  return { verdict: 'new', writes: [write, { key: keys.head, value: identity.version }] }
}

/** `none`: the version cannot be compared as its resource says it can. Ask before `judge`. */
export function orderOf(identity: RecordIdentity): 'known' | 'none' {
  if (identity.kind !== 'versioned' || identity.compare === 'opaque') return 'known'
  const readable = identity.compare === 'integer' ? /^\d+$/.test(identity.version) : !Number.isNaN(Date.parse(identity.version))
  return readable ? 'known' : 'none'
}

function older(version: string, than: string, compare: 'integer' | 'time' | 'opaque'): boolean {
  switch (compare) {
    case 'integer':
      return BigInt(version) < BigInt(than)
    case 'time':
      return Date.parse(version) < Date.parse(than)
    case 'opaque':
      return false
  }
}
