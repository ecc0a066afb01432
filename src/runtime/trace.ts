/**
 * What happened, as a running hash and, on demand, as JSON lines. The hash covers times, nodes, kinds and details (the
 * bytes on the wire too), so two runs that differ in anything the product could see differ here.
 */
export interface Trace {
  step(line: TraceLine): void
  /** More bytes of the same line, hashed only. To be equal, they must lie alike in memory: pass copies. */
  bytes(body: Uint8Array): void
  /** 16 hex digits. */
  hash(): string
}

export interface TraceLine {
  readonly time: number
  readonly node: string | null
  readonly kind: string
  readonly detail?: string
}

export function createTrace(onTrace: ((line: string) => void) | undefined): Trace {
  // Two 32-bit lanes, multiplicative; a check against accidents, not against malice.
  let a = 0x811c9dc5
  let b = 0x9747b28c
  let count = 0
  const words = new Map<string, number>()

  const mix = (value: number): void => {
    a = Math.imul(a ^ value, 0x01000193)
    b = Math.imul(((b << 13) | (b >>> 19)) ^ value, 0x85ebca6b)
  }
  const text = (value: string): void => {
    for (let i = 0; i < value.length; i++) mix(value.charCodeAt(i))
    mix(value.length)
  }
  /** Kinds and nodes are few: a small number stands for each, in order of appearance. */
  const word = (value: string): void => {
    let index = words.get(value)
    if (index === undefined) {
      index = words.size
      words.set(value, index)
      text(value)
    }
    mix(index)
  }
  return {
    step({ time, node, kind, detail }) {
      const micros = Math.round(time * 1000)
      mix(micros | 0)
      mix(Math.floor(micros / 0x1_0000_0000))
      word(node ?? '')
      word(kind)
      if (detail !== undefined) text(detail)
      count += 1
      if (onTrace !== undefined) onTrace(JSON.stringify({ step: count, t: time, node, kind, ...(detail === undefined ? {} : { detail }) }))
    },
    bytes(body) {
      // Four bytes at a time where they lie on a word; they do in every copy the wire makes.
      const words32 = body.byteOffset % 4 === 0 ? new Uint32Array(body.buffer, body.byteOffset, body.length >> 2) : NO_WORDS
      for (let i = 0; i < words32.length; i++) mix(words32[i] as number)
      for (let i = words32.length * 4; i < body.length; i++) mix(body[i] as number)
      mix(body.length)
    },
    hash: () => hex(a) + hex(b),
  }
}

const NO_WORDS = new Uint32Array(0)

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0')
}
