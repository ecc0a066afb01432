/** xoshiro128** (Blackman and Vigna, 2018), seeded by splitmix32 over seed and name, so that streams do not shift each other. */
export interface RandomStream {
  /** Uniform in [0, 1), 32 bits. */
  next(): number
  /** Uniform integer in [0, below). */
  integer(below: number): number
  chance(probability: number): boolean
  /** Uniform in [low, high). */
  between(low: number, high: number): number
  pick<T>(choices: readonly [T, ...(readonly T[])]): T
}

export function createRandomStream(seed: number, name: string): RandomStream {
  let a = seed >>> 0
  // FNV-1a of the name, folded into the seed: 'faults' and 'network' of one seed have nothing in common.
  for (let i = 0; i < name.length; i++) a = Math.imul(a ^ name.charCodeAt(i), 0x01000193)
  a = (a ^ Math.trunc(seed / 0x1_0000_0000)) >>> 0
  const split = (): number => {
    a = (a + 0x9e3779b9) | 0
    let z = a ^ (a >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return z ^ (z >>> 15)
  }
  const next32 = createXoshiro128([split(), split(), split(), split() | 1]) // never all zero
  const next = (): number => next32() / 0x1_0000_0000
  const integer = (below: number): number => Math.floor(next() * below)
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    between: (low, high) => low + next() * (high - low),
    pick: (choices) => choices[integer(choices.length)] ?? choices[0],
  }
}

/** The bare generator: 32 bits at a time. */
export function createXoshiro128(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state
  return () => {
    const product = Math.imul(s1, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9)
    const shifted = s1 << 9
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << 11) | (s3 >>> 21)
    return result >>> 0
  }
}
