import { expect, test } from 'vitest'
import { createTrace, type TraceLine } from './trace.ts'

const LINE: TraceLine = { time: 1.5, node: 'a', kind: 'call', detail: 'x' }
const BYTES = new Uint8Array([1, 2, 3, 4, 5, 6, 7])

function hashOf(line: TraceLine, bytes = BYTES): string {
  const trace = createTrace(undefined)
  trace.step(line)
  trace.bytes(bytes)
  return trace.hash()
}

test('every part of a line and every byte counts', () => {
  const variants = [
    hashOf(LINE),
    hashOf({ ...LINE, time: 1.501 }),
    hashOf({ ...LINE, time: 1.5 + 2 ** 32 / 1000 }),
    hashOf({ ...LINE, node: 'b' }),
    hashOf({ ...LINE, node: null }),
    hashOf({ ...LINE, kind: 'reply' }),
    hashOf({ ...LINE, detail: 'y' }),
    hashOf({ time: 1.5, node: 'a', kind: 'call' }),
    hashOf(LINE, BYTES.slice(0, 6)),
    ...Array.from(BYTES, (byte, i) => hashOf(LINE, BYTES.with(i, byte + 1))),
  ]
  expect(new Set(variants).size).toBe(variants.length)
  expect(hashOf(LINE)).toMatch(/^[0-9a-f]{16}$/)
})
