import { expect, it } from 'vitest'
import { compareIds } from './order.ts'

it('orders by code point, as the bytes of UTF-8 do', () => {
  const ids = ['b', '', 'a', 'ab', 'Z', 'é', '検', '\ufffd', '😀', '😁', 'a😀', '~']
  const byBytes = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  expect([...ids].sort(compareIds)).toEqual(byBytes)
  expect(compareIds('same', 'same')).toBe(0)
})
