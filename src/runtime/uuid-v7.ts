/**
 * UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, a 12-bit counter in rand_a (§6.2 method 1), 62 random
 * bits. Within one generator strictly increasing, also when the clock stands still or goes back: the counter starts
 * below 2,048 in each new millisecond, and when it is used up the timestamp is taken one further.
 */
export interface UuidSource {
  readonly wallNow: () => number
  /** 32 random bits as an unsigned integer. */
  readonly random32: () => number
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function createUuidV7({ wallNow, random32 }: UuidSource): () => string {
  let ms = -1
  let counter = 0
  let prefix = ''
  return () => {
    const wall = wallNow()
    if (wall > ms || counter === 0xfff) {
      ms = wall > ms ? wall : ms + 1
      counter = random32() & 0x7ff
      const digits = ms.toString(16).padStart(12, '0')
      prefix = `${digits.slice(0, 8)}-${digits.slice(8)}-`
    } else {
      counter += 1
    }
    const high = random32()
    const low = random32()
    return (
      `${prefix}7${HEX[counter >>> 8]?.[1]}${HEX[counter & 0xff]}-` +
      `${HEX[0x80 | ((high >>> 24) & 0x3f)]}${HEX[(high >>> 16) & 0xff]}-` +
      `${HEX[(high >>> 8) & 0xff]}${HEX[high & 0xff]}` +
      `${HEX[low >>> 24]}${HEX[(low >>> 16) & 0xff]}${HEX[(low >>> 8) & 0xff]}${HEX[low & 0xff]}`
    )
  }
}
