/**
 * Algebra of portions. A scope is a set of carriers, where `null` stands for what is on no carrier: `carriers` is a finite
 * set without null, `remainder` the rest of one, `whole` everything. The empty set is no scope: it is null here.
 */
import type { PortionScope } from './hold.ts'

export const WHOLE: PortionScope = { kind: 'whole' }

/** Whether the quantity on `carrier` (null: on none) belongs to the portion. */
export function scopeCovers(scope: PortionScope, carrier: string | null): boolean {
  switch (scope.kind) {
    case 'whole':
      return true
    case 'carriers':
      return carrier !== null && scope.carriers.includes(carrier)
    case 'remainder':
      return carrier === null || !scope.except.includes(carrier)
  }
}

/** Every quantity of `inner` is in `outer`. */
export function scopeContains(outer: PortionScope, inner: PortionScope): boolean {
  return outer.kind === 'whole' || subtractScopes(inner, outer) === null
}

export function uniteScopes(one: PortionScope, other: PortionScope): PortionScope {
  if (one.kind === 'whole' || other.kind === 'whole') return WHOLE
  if (one.kind === 'carriers') {
    if (other.kind === 'carriers') return finite([...one.carriers, ...other.carriers]) as PortionScope
    return cofinite(without(other.except, one.carriers))
  }
  return cofinite(other.kind === 'carriers' ? without(one.except, other.carriers) : within(one.except, other.except))
}

/** All of them in one pass; null: there are none. */
export function uniteAll(scopes: Iterable<PortionScope>): PortionScope | null {
  const names: string[] = []
  let except: readonly string[] | null = null
  for (const scope of scopes) {
    if (scope.kind === 'whole') return WHOLE
    if (scope.kind === 'carriers') names.push(...scope.carriers)
    else except = except === null ? scope.except : within(except, scope.except)
  }
  return except === null ? finite(names) : cofinite(without(except, names))
}

/** Null: they have nothing in common. */
export function intersectScopes(one: PortionScope, other: PortionScope): PortionScope | null {
  if (one.kind === 'whole') return normalScope(other)
  if (other.kind === 'whole') return normalScope(one)
  if (one.kind === 'carriers')
    return finite(other.kind === 'carriers' ? within(one.carriers, other.carriers) : without(one.carriers, other.except))
  return other.kind === 'carriers' ? finite(without(other.carriers, one.except)) : cofinite([...one.except, ...other.except])
}

/** What of `one` is not in `other`; null: nothing. */
export function subtractScopes(one: PortionScope, other: PortionScope): PortionScope | null {
  if (other.kind === 'whole') return null
  return intersectScopes(one, other.kind === 'carriers' ? cofinite(other.carriers) : (finite(other.except) as PortionScope))
}

/** Sorted, each name once: equal portions are equal JSON. */
export function normalScope(scope: PortionScope): PortionScope {
  if (scope.kind === 'whole') return WHOLE
  return scope.kind === 'carriers' ? (finite(scope.carriers) as PortionScope) : cofinite(scope.except)
}

export function sameScope(one: PortionScope | null, other: PortionScope | null): boolean {
  if (one === other) return true
  if (one === null || other === null || one.kind !== other.kind) return false
  return sameNames(namesOf(one), namesOf(other))
}

/** Characters a scope takes to write down, roughly: what limits on state and messages count. */
export function scopeCharacters(scope: PortionScope): number {
  let characters = 0
  for (const name of namesOf(scope)) characters += name.length + 3
  return characters
}

function namesOf(scope: PortionScope): readonly string[] {
  return scope.kind === 'whole' ? [] : scope.kind === 'carriers' ? scope.carriers : scope.except
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index])
}

function finite(carriers: readonly string[]): PortionScope | null {
  return carriers.length === 0 ? null : { kind: 'carriers', carriers: sorted(carriers) }
}

function cofinite(except: readonly string[]): PortionScope {
  return except.length === 0 ? WHOLE : { kind: 'remainder', except: sorted(except) }
}

function sorted(names: readonly string[]): string[] {
  return names.length === 1 ? [...names] : [...new Set(names)].sort()
}

function within(names: readonly string[], others: readonly string[]): string[] {
  const set = new Set(others)
  return names.filter((name) => set.has(name))
}

function without(names: readonly string[], others: readonly string[]): string[] {
  const set = new Set(others)
  return names.filter((name) => !set.has(name))
}
