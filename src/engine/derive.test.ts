import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { release } from '../../test/reconcile/builders.ts'
import type { Goal } from '../model/goal.ts'
import { exceptionId, goalId, identityKey, instanceId, partitionOf, reference } from './derive.ts'

const sha = (text: string): string => hash('sha256', text, 'hex')
const made = { prefix: 'HP', installation: 'i-1', goal: release(), ordinal: 0 }

test.each([2, 4, 7, 16])('keys that differ in one digit spread over %i partitions', (count) => {
  const sizes = new Array<number>(count).fill(0)
  const KEYS = 8_000
  for (let number = 0; number < KEYS; number++) {
    const partition = partitionOf(`erp-1:batch:RM-100/B-${number}`, count)
    sizes[partition] = (sizes[partition] as number) + 1
  }
  for (const size of sizes) expect(Math.abs(size - KEYS / count)).toBeLessThan((0.15 * KEYS) / count)
})

test('a key has one partition, which exists', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 4096 }), (key, count) => {
      const partition = partitionOf(key, count)
      expect(partition).toBe(partitionOf(key, count))
      expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true)
    }),
  )
  // Written down: another value would move every key of every installation.
  expect(['', 'a', 'erp-1:batch:RM-100/B-4711'].map((key) => partitionOf(key, 1000))).toEqual([364, 868, 301])
})

test('a reference fits the narrowest field and is the same whenever it is derived', () => {
  const first = reference(sha, made)
  expect(first).toMatch(/^HP[0-9A-HJKMNP-TV-Z]{14}$/)
  expect(reference(sha, { ...made, goal: release({ state: 'met', id: 'other', setAt: 'later', premise: null }) })).toBe(first)
  expect(first).toBe('HPFP08CV8YJS669F')
})

test('whatever makes another document makes another reference', () => {
  const goals: Partial<Goal>[] = [
    { system: 'erp-2' },
    { subject: 'erp-1:batch:RM-100/B-4712' },
    { cause: { instance: 'erp-1', record: 'receipt/5000002', version: null } },
    { cause: { instance: 'erp-1', record: 'receipt/5000001', version: '2' } },
    { name: 'goal/2' },
    { decision: 'qms-1:decision:UD-2' },
    { line: 2 },
    { line: null },
  ]
  const references = [
    reference(sha, made),
    reference(sha, { ...made, installation: 'i-2' }),
    ...Array.from({ length: 40 }, (_, ordinal) => reference(sha, { ...made, ordinal: ordinal + 1 })),
    ...goals.map((change) => reference(sha, { ...made, goal: release(change) })),
  ]
  expect(new Set(references).size).toBe(references.length)
})

test('all 70 bits of a reference are used', () => {
  const seen = Array.from({ length: 14 }, () => new Set<string>())
  for (let ordinal = 0; ordinal < 1_000; ordinal++) {
    const text = reference(sha, { ...made, ordinal }).slice(2)
    seen.forEach((letters, place) => {
      letters.add(text[place] as string)
    })
  }
  expect(seen.map((letters) => letters.size)).toEqual(new Array(14).fill(32))
})

test('joined parts cannot be confused with others', () => {
  expect(goalId(sha, { process: 'lot', key: 'a' }, 'bc')).not.toBe(goalId(sha, { process: 'lot', key: 'ab' }, 'c'))
  expect(instanceId('lot', 'a b')).not.toBe(instanceId('lot a', 'b'))
  expect(exceptionId(sha, ['a', 'bc'])).not.toBe(exceptionId(sha, ['ab', 'c']))
  expect(identityKey(sha, 'input', ['a', 'bc'])).not.toBe(identityKey(sha, 'input', ['ab', 'c']))
})

test('identity keys are 16 bytes, and those of one record differ by what they are for', () => {
  const keys = (['input', 'head', 'parked', 'waiting'] as const).map((what) => identityKey(sha, what, ['erp-1', 'receipt/1']))
  expect(new Set(keys).size).toBe(4)
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/)
})
