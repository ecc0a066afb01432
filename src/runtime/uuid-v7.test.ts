import { expect, test } from 'vitest'
import { createUuidV7 } from './uuid-v7.ts'

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function sequence(words: readonly number[]): () => number {
  let next = 0
  return () => words[next++ % words.length] as number
}

test('the bits lie where RFC 9562 puts them', () => {
  // Time and random bits of the example in appendix A.6, except that a fresh counter has its top bit clear: 0x4c3, not 0xcc3.
  const random32 = sequence([0xffff_fcc3, 0x18c4_dc0c, 0x0c07_398f])
  expect(createUuidV7({ wallNow: () => 0x017f_22e2_79b0, random32 })()).toBe('017f22e2-79b0-74c3-98c4-dc0c0c07398f')
})

test('strictly increasing while the clock stands, runs on and goes back', () => {
  let wall = 1_767_600_000_000
  let word = 1
  const uuid = createUuidV7({
    wallNow: () => wall,
    random32: () => {
      word = Math.imul(word, 0x9e37_79b1) >>> 0
      return word
    },
  })
  const all: string[] = []
  const take = (count: number): void => {
    for (let i = 0; i < count; i++) all.push(uuid())
  }
  take(10_000) // more than one millisecond's counter holds
  wall += 5
  take(100)
  wall -= 86_400_000
  take(100)
  expect(all.every((id) => FORM.test(id))).toBe(true)
  expect(all).toEqual([...all].sort())
  expect(new Set(all).size).toBe(all.length)
})
