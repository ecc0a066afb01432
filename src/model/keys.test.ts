import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { awaitingHold, foreignHold, gateKey, parseGateKey, qualityHold, reopenedHold } from './keys.ts'

describe('the key of a gate', () => {
  it('stays readable', () => {
    const name = { receipt: 'erp-1:receipt:5000001', line: '10', lot: 'erp-1:batch:RM-100/B-4711' }
    expect(gateKey(name)).toBe('erp-1:receipt:5000001#10#erp-1:batch:RM-100/B-4711')
  })

  it('gives its parts back, whatever they contain, and no two gates share one', () => {
    const part = fc.oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[#%/:2357]{1,6}$/))
    const name = fc.record({ receipt: part, line: part, lot: part })
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(parseGateKey(gateKey(one))).toEqual(one)
        expect(gateKey(one) === gateKey(other)).toBe(JSON.stringify(one) === JSON.stringify(other))
      }),
      { numRuns: 500 },
    )
  })

  it.each(['', '#', '##', 'a#b', 'a#b#', '#b#c', 'a##c', 'a#b#c#d', 'MY-INSPECTION-7'])('is not %j', (key) => {
    expect(parseGateKey(key)).toBe(null)
  })

  it('is in the ids of the holds that follow from it', () => {
    expect([awaitingHold('k'), qualityHold('d', 'rejected'), reopenedHold('d'), foreignHold('erp-1', '49')]).toEqual([
      'awaiting:k',
      'quality:d#rejected',
      'reopened:d',
      'foreign:erp-1:49',
    ])
  })
})
