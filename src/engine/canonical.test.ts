import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, sameValue } from './canonical.ts'

const json = fc.jsonValue({ maxDepth: 4 })

/** The same data, built in another order of fields. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, field]) => [name, turned(field)]),
  )
}

test('the order of fields does not count, that of a list does', () => {
  expect(canonicalJson({ b: [2, 1], a: { d: 1, c: 'x' } })).toBe('{"a":{"c":"x","d":1},"b":[2,1]}')
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]))
  fc.assert(
    fc.property(json, (value) => {
      expect(canonicalJson(turned(value))).toBe(canonicalJson(value))
    }),
  )
})

test('it is JSON of the same value', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('a field without a value is no field', () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}')
  expect(sameValue({ a: undefined, b: 1 }, { b: 1 })).toBe(true)
  expect(sameValue({ b: 1 }, { a: undefined, b: 1 })).toBe(true)
  expect(sameValue({ a: null }, {})).toBe(false)
})

test('values are the same exactly when their canonical texts are', () => {
  fc.assert(
    fc.property(json, json, (one, other) => {
      expect(sameValue(one, turned(one))).toBe(true)
      expect(sameValue(one, other)).toBe(canonicalJson(one) === canonicalJson(other))
    }),
  )
  expect(sameValue([1], { 0: 1 })).toBe(false)
  expect(sameValue([1], [1, 2])).toBe(false)
  expect(sameValue({ a: 1 }, { a: 1, b: 2 })).toBe(false)
})
