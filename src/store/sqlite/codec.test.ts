import { describe, expect, it } from 'vitest'
import { packItems, packTexts, unpackItems, unpackTexts } from './codec.ts'
import { type Delta, decodeDelta, encodeDelta } from './delta.ts'

const NOISE = Array.from({ length: 3000 }, (_, index) => String.fromCharCode(33 + ((index * 7919 + (index >> 4) * 31) % 90))).join('')

describe('chunks', () => {
  it.each([[[]], [['']], [['', '']], [['a\nb,c', '', 'Ü検😀', '\u0000']], [['x'.repeat(5000), NOISE, '{"a":1}'.repeat(400)]]])(
    'give texts back: %#',
    (texts: string[]) => {
      expect(unpackTexts(packTexts(texts))).toEqual(texts)
    },
  )

  it('give items back', () => {
    const items = [new Uint8Array(0), Uint8Array.of(10, 44, 0, 255), new TextEncoder().encode(NOISE), new Uint8Array(100_000)]
    expect(unpackItems(packItems(items))).toEqual(items)
    expect(unpackItems(packItems([]))).toEqual([])
  })

  it('are compressed when it pays, and refuse what they do not know', () => {
    expect(packTexts(['{"a":1}'.repeat(1000)]).length).toBeLessThan(200)
    expect(packTexts(['short']).length).toBe(1 + '5\nshort'.length)
    expect(() => unpackTexts(Uint8Array.of(9, 10))).toThrow(/unknown form 9/)
    expect(() => unpackTexts(packTexts(['abc']).subarray(0, 5))).toThrow(/add up/)
  })
})

describe('the log', () => {
  const delta: Delta = {
    atMs: 1_000_000,
    partitions: [[3, { nextSequence: 5, nextInbox: 2, worker: 'worker-1', epoch: 7, expiresAtMs: 99 }]],
    identities: [['00', 'value']],
    journal: [{ partition: 3, first: 1, last: 4, chunk: 8, at: 2 }],
    raw: [{ id: 'raw#1', chunk: 9, at: 0, count: 3 }],
    inbox: [{ partition: 1, sequence: 6, process: 'lot', key: 'k', lane: 'safety', from: { partition: 3, sequence: 4, ordinal: 1 } }],
    consumed: [[1, [4, 5]]],
    rows: [
      { table: 'goal', id: 'gone', change: null },
      {
        table: 'goal',
        id: 'g',
        change: { row: { table: 'goal', id: 'g', partition: 3, active: true, tag: 't', body: '{"b":"\\"x\\""}' }, recreated: true },
      },
      {
        table: 'state',
        id: 's',
        change: { row: { table: 'state', id: 's', partition: 3, active: false, tag: '', body: '' }, recreated: false },
      },
    ],
  }

  it('gives a change back as it was', () => {
    expect(decodeDelta(encodeDelta(delta))).toEqual(delta)
  })

  it('is refused when a newer version wrote it', () => {
    const [head = '', ...bodies] = encodeDelta(delta)
    expect(() => decodeDelta([head.replace('"format":1', '"format":2'), ...bodies])).toThrow(/form 2/)
    expect(() => decodeDelta([head])).toThrow(/missing/)
  })
})
