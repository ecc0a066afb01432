import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { RecordIdentity } from '../connectors/connector.ts'
import { identityKeys, judge, orderOf } from './identity.ts'

const sha = (text: string): string => hash('sha256', text, 'hex')
type Compare = Extract<RecordIdentity, { kind: 'versioned' }>['compare']
const versioned = (version: string, compare: Compare = 'integer'): RecordIdentity => ({
  kind: 'versioned',
  record: 'r/1',
  version,
  compare,
})
const immutable: RecordIdentity = { kind: 'immutable', record: 'r/1' }
const unversioned: RecordIdentity = { kind: 'unversioned', record: 'r/1' }

/** The table after these inputs were accepted one after the other: `[identity, content]`. */
function tableOf(accepted: readonly (readonly [RecordIdentity, string])[], parked = false): Map<string, string> {
  const known = new Map<string, string>()
  if (parked) known.set(identityKeys(sha, 'erp-1', immutable).parked, 'mapping.failed')
  for (const [identity, content] of accepted) {
    const verdict = judge(identity, identityKeys(sha, 'erp-1', identity), { content, known, passParked: true })
    if ('writes' in verdict) for (const { key, value } of verdict.writes) known.set(key, value)
  }
  return known
}

function judged(identity: RecordIdentity, content: string, known: ReadonlyMap<string, string>): string {
  return judge(identity, identityKeys(sha, 'erp-1', identity), { content, known, passParked: false }).verdict
}

function judgedPassing(identity: RecordIdentity, content: string, known: ReadonlyMap<string, string>): string {
  return judge(identity, identityKeys(sha, 'erp-1', identity), { content, known, passParked: true }).verdict
}

type Accepted = readonly (readonly [RecordIdentity, string])[]
type Case = readonly [what: string, identity: RecordIdentity, content: string, accepted: Accepted, verdict: string]
const CASES: readonly Case[] = [
  ['immutable, unknown', immutable, 'a', [], 'new'],
  ['immutable, same content', immutable, 'a', [[immutable, 'a']], 'duplicate'],
  ['immutable, other content', immutable, 'b', [[immutable, 'a']], 'conflict'],
  ['unversioned, unknown', unversioned, 'a', [], 'new'],
  ['unversioned, same as the last', unversioned, 'a', [[unversioned, 'a']], 'duplicate'],
  ['unversioned, other content', unversioned, 'b', [[unversioned, 'a']], 'new'],
  [
    'unversioned, same as an earlier one',
    unversioned,
    'a',
    [
      [unversioned, 'a'],
      [unversioned, 'b'],
    ],
    'new',
  ],
  ['versioned, unknown', versioned('1'), 'a', [], 'new'],
  ['versioned, same version and content', versioned('1'), 'a', [[versioned('1'), 'a']], 'duplicate'],
  ['versioned, same version, other content', versioned('1'), 'b', [[versioned('1'), 'a']], 'conflict'],
  ['versioned, newer', versioned('2'), 'b', [[versioned('1'), 'a']], 'new'],
  ['versioned, newer with equal content', versioned('2'), 'a', [[versioned('1'), 'a']], 'new'],
  ['versioned, older', versioned('1'), 'a', [[versioned('2'), 'b']], 'stale'],
  [
    'versioned, older and already there',
    versioned('1'),
    'a',
    [
      [versioned('1'), 'a'],
      [versioned('2'), 'b'],
    ],
    'duplicate',
  ],
  [
    'versioned, older and already there with other content',
    versioned('1'),
    'c',
    [
      [versioned('1'), 'a'],
      [versioned('2'), 'b'],
    ],
    'conflict',
  ],
  [
    'versioned, stale twice',
    versioned('1'),
    'a',
    [
      [versioned('2'), 'b'],
      [versioned('1'), 'a'],
    ],
    'duplicate',
  ],
  [
    'versioned, newer after a stale one',
    versioned('3'),
    'c',
    [
      [versioned('2'), 'b'],
      [versioned('1'), 'a'],
    ],
    'new',
  ],
  [
    'versioned, between after a stale one',
    versioned('2'),
    'c',
    [
      [versioned('3'), 'b'],
      [versioned('1'), 'a'],
    ],
    'stale',
  ],
  ['integers are no texts', versioned('10'), 'b', [[versioned('9'), 'a']], 'new'],
  ['integers, the other way', versioned('9'), 'b', [[versioned('10'), 'a']], 'stale'],
  ['integers beyond a double', versioned('90071992547409931234'), 'b', [[versioned('90071992547409931235'), 'a']], 'stale'],
  ['integers beyond a double, newer', versioned('90071992547409931236'), 'b', [[versioned('90071992547409931235'), 'a']], 'new'],
  ['integers, leading zeros', versioned('0002'), 'b', [[versioned('10'), 'a']], 'stale'],
  ['times in two zones', versioned('2026-03-02T09:30:00+01:00', 'time'), 'b', [[versioned('2026-03-02T09:00:00Z', 'time'), 'a']], 'stale'],
  ['times, newer', versioned('2026-03-02T09:30:00Z', 'time'), 'b', [[versioned('2026-03-02T10:00:00+01:00', 'time'), 'a']], 'new'],
  ['opaque versions come in order of arrival', versioned('a', 'opaque'), 'b', [[versioned('z', 'opaque'), 'a']], 'new'],
]

test.each(CASES)('%s', (...[, identity, content, accepted, verdict]) => {
  expect(judged(identity, content, tableOf(accepted))).toBe(verdict)
})

describe('while the native key is parked', () => {
  const parked = tableOf([[versioned('2'), 'b']], true)

  test('what is new, stale or in conflict waits', () => {
    expect(judged(versioned('3'), 'c', parked)).toBe('parked')
    expect(judged(versioned('1'), 'a', parked)).toBe('parked')
    expect(judged(versioned('2'), 'other', parked)).toBe('parked')
    expect(judged(immutable, 'a', parked)).toBe('parked')
  })

  test('a duplicate is none the less one', () => {
    expect(judged(versioned('2'), 'b', parked)).toBe('duplicate')
  })

  test('a hold, and what is resumed, passes and is judged', () => {
    expect(judgedPassing(versioned('3'), 'c', parked)).toBe('new')
    expect(judgedPassing(versioned('2'), 'other', parked)).toBe('conflict')
    expect(judgedPassing(versioned('1'), 'a', parked)).toBe('stale')
  })
})

test('records of two systems have nothing in common, nor have two records of one', () => {
  const all = [
    identityKeys(sha, 'erp-1', versioned('1')),
    identityKeys(sha, 'erp-2', versioned('1')),
    identityKeys(sha, 'erp-1', { ...versioned('1'), record: 'r/2' }),
  ].flatMap(({ input, head, parked }) => [input, head, parked])
  expect(new Set(all).size).toBe(9)
  // Versions of one record share its head and its mark.
  const [first, second] = [identityKeys(sha, 'erp-1', versioned('1')), identityKeys(sha, 'erp-1', versioned('2'))]
  expect([first.head, first.parked]).toEqual([second.head, second.parked])
  expect(first.input).not.toBe(second.input)
})

test('a version that its own comparison cannot read has no order', () => {
  const none = [versioned('1.0'), versioned(''), versioned('two'), versioned('0x10'), versioned('yesterday', 'time')]
  const some = [versioned('12'), versioned('2026-03-02T09:30:00Z', 'time'), versioned('anything', 'opaque'), immutable, unversioned]
  expect(none.map(orderOf)).toEqual(none.map(() => 'none'))
  expect(some.map(orderOf)).toEqual(some.map(() => 'known'))
})
