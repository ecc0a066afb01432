import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addQuantity,
  compareQuantity,
  isNegativeQuantity,
  isZeroQuantity,
  minQuantity,
  type Quantity,
  subtractQuantity,
} from './quantity.ts'

const pieces = (value: string): Quantity => ({ value, uom: 'C62' })

describe('quantities', () => {
  it.each([
    ['0.1', '0.2', '0.3'],
    ['999999999999999', '1', '1000000000000000'],
    ['999999999999999999.999999999', '0.000000001', '1000000000000000000'],
    ['920', '-20', '900'],
    ['0', '-0', '0'],
  ])('%s and %s make exactly %s', (one, other, sum) => {
    expect(addQuantity(pieces(one), pieces(other)).value).toBe(sum)
    expect(compareQuantity(subtractQuantity(pieces(sum), pieces(other)), pieces(one))).toBe(0)
  })

  it.each([
    ['2', '10', -1],
    ['10.0', '10', 0],
    ['-1', '0.000000001', -1],
    ['123456789012345678.1', '123456789012345678.09', 1],
  ])('%s against %s is %d', (one, other, sign) => {
    expect(Math.sign(compareQuantity(pieces(one), pieces(other)))).toBe(sign)
    expect(minQuantity(pieces(one), pieces(other)).value).toBe(sign <= 0 ? one : other)
  })

  it('knows zero and negative in every spelling', () => {
    expect(['0', '-0', '0.0', '-0.000'].map((value) => isZeroQuantity(pieces(value)))).toEqual([true, true, true, true])
    expect(['-0', '-0.0', '-0.1', '-1', '1'].map((value) => isNegativeQuantity(pieces(value)))).toEqual([false, false, true, true, false])
  })

  it('refuses to compare units', () => {
    expect(() => addQuantity(pieces('1'), { value: '1', uom: 'KGM' })).toThrow('different units')
  })

  it('adds and subtracts without loss', () => {
    const amount = fc.tuple(fc.bigInt({ min: -(10n ** 26n), max: 10n ** 26n })).map(([scaled]) => {
      const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(10, '0')
      return pieces(`${scaled < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`)
    })
    fc.assert(
      fc.property(amount, amount, (one, other) => {
        expect(compareQuantity(subtractQuantity(addQuantity(one, other), other), one)).toBe(0)
      }),
    )
  })
})
