import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PortionScope } from './hold.ts'
import {
  intersectScopes,
  normalScope,
  sameScope,
  scopeCharacters,
  scopeContains,
  scopeCovers,
  subtractScopes,
  uniteAll,
  uniteScopes,
  WHOLE,
} from './scope.ts'

const NAMES = ['A', 'B', 'C', 'D'] as const
/** Every place there is: the named carriers, one that nobody names, and no carrier at all. */
const PLACES: readonly (string | null)[] = [...NAMES, 'unnamed', null]

const names = fc.subarray([...NAMES], { minLength: 1 })
const scope: fc.Arbitrary<PortionScope> = fc.oneof(
  fc.constant(WHOLE),
  names.map((carriers): PortionScope => ({ kind: 'carriers', carriers })),
  names.map((except): PortionScope => ({ kind: 'remainder', except })),
)
const covered = (one: PortionScope | null): readonly boolean[] => PLACES.map((place) => one !== null && scopeCovers(one, place))

describe('portions', () => {
  it('unite, intersect and subtract place by place', () => {
    fc.assert(
      fc.property(scope, scope, (one, other) => {
        const [a, b] = [covered(one), covered(other)]
        expect(covered(uniteScopes(one, other))).toEqual(a.map((is, at) => is || b[at]))
        expect(covered(intersectScopes(one, other))).toEqual(a.map((is, at) => is && b[at]))
        expect(covered(subtractScopes(one, other))).toEqual(a.map((is, at) => is && !b[at]))
        expect(scopeContains(one, other)).toBe(b.every((is, at) => !is || a[at]))
      }),
    )
  })

  it('are the same JSON whichever way they came about', () => {
    fc.assert(
      fc.property(scope, scope, scope, (one, other, third) => {
        expect(uniteScopes(one, other)).toEqual(uniteScopes(other, one))
        expect(intersectScopes(one, other)).toEqual(intersectScopes(other, one))
        expect(uniteAll([one, other, third])).toEqual(uniteScopes(uniteScopes(one, other), third))
        expect(uniteAll([third, other, one])).toEqual(uniteAll([one, other, third]))
        expect(sameScope(normalScope(one), normalScope(one))).toBe(true)
        expect(sameScope(normalScope(one), normalScope(other))).toBe(covered(one).every((is, at) => is === covered(other)[at]))
      }),
    )
  })

  it('what is taken away and given back is whole again', () => {
    fc.assert(
      fc.property(scope, scope, (one, other) => {
        const rest = subtractScopes(one, other)
        const shared = intersectScopes(one, other)
        const parts = [rest, shared].filter((part) => part !== null)
        expect(uniteAll(parts)).toEqual(normalScope(one))
        expect(rest === null || shared === null || intersectScopes(rest, shared) === null).toBe(true)
      }),
    )
  })

  it('nothing is no portion', () => {
    expect(uniteAll([])).toBe(null)
    expect(subtractScopes(WHOLE, WHOLE)).toBe(null)
    expect(intersectScopes({ kind: 'carriers', carriers: ['A'] }, { kind: 'remainder', except: ['A'] })).toBe(null)
    expect(scopeCharacters(WHOLE)).toBe(0)
    expect(scopeCharacters({ kind: 'carriers', carriers: ['AB', 'C'] })).toBe(9)
  })

  it('what stands on no carrier belongs to the whole and to any remainder', () => {
    expect(scopeCovers(WHOLE, null)).toBe(true)
    expect(scopeCovers({ kind: 'remainder', except: ['A'] }, null)).toBe(true)
    expect(scopeCovers({ kind: 'carriers', carriers: ['A'] }, null)).toBe(false)
  })
})
