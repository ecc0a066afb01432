import { describe, expect, test } from 'vitest'
import { amountOf, formatAmount, parseAmount } from './amount.ts'

describe('amounts', () => {
  test.each([
    ['0', '0'],
    ['1', '1'],
    ['-1.5', '-1.5'],
    ['0.000000001', '0.000000001'],
    ['920.500', '920.5'],
    ['999999999999999999.999999999', '999999999999999999.999999999'],
  ])('%s is read and shown as %s', (text, shown) => {
    expect(formatAmount(amountOf(text))).toBe(shown)
  })

  test('add up without rounding', () => {
    expect(formatAmount(amountOf('0.1') + amountOf('0.2'))).toBe('0.3')
  })

  test.each(['', '1.', '.5', '1e3', ' 1', '1,5', '0.0000000001', '1000000000000000000', 5, null])('%j is no amount', (value) => {
    expect(parseAmount(value)).toBeNull()
  })
})
