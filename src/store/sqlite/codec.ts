import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { assert } from '../../assert.ts'

/** First byte of every stored body. */
const PLAIN = 0
const DEFLATED = 1
/** Below this deflate costs more (10 µs and up, whatever the size) than writing the bytes. */
const DEFLATE_BYTES_MIN = 1024
/** Higher levels cost more time than they save space on small JSON. */
const DEFLATE_LEVEL = 1
const NEWLINE = 0x0a

/** Texts of any content but lone surrogates. `deflateBytesMin`: compressed from this size on. */
export function packTexts(texts: readonly string[], deflateBytesMin = DEFLATE_BYTES_MIN): Uint8Array {
  const lengths = texts.map((text) => text.length).join()
  return squeeze(Buffer.from(`${lengths}\n${texts.join('')}`, 'utf8'), deflateBytesMin)
}

export function unpackTexts(body: Uint8Array): string[] {
  const packed = expand(body).toString('utf8')
  let at = packed.indexOf('\n') + 1
  const lengths = packed.slice(0, at - 1)
  const texts: string[] = []
  for (const length of numbers(lengths)) {
    texts.push(packed.slice(at, at + length))
    at += length
  }
  assert(at === packed.length, 'chunk: lengths do not add up')
  return texts
}

export function packItems(items: readonly Uint8Array[]): Uint8Array {
  const lengths = items.map((item) => item.length).join()
  return squeeze(Buffer.concat([Buffer.from(`${lengths}\n`, 'latin1'), ...items]), DEFLATE_BYTES_MIN)
}

export function unpackItems(body: Uint8Array): Uint8Array[] {
  const packed = expand(body)
  let at = packed.indexOf(NEWLINE) + 1
  const lengths = packed.toString('latin1', 0, at - 1)
  const items: Uint8Array[] = []
  for (const length of numbers(lengths)) {
    items.push(new Uint8Array(packed.subarray(at, at + length)))
    at += length
  }
  assert(at === packed.length, 'chunk: lengths do not add up')
  return items
}

function numbers(list: string): number[] {
  return list === '' ? [] : list.split(',').map(Number)
}

function squeeze(bytes: Buffer, deflateBytesMin: number): Uint8Array {
  const squeezed = bytes.length < deflateBytesMin ? null : deflateRawSync(bytes, { level: DEFLATE_LEVEL })
  const smaller = squeezed !== null && squeezed.length < bytes.length
  const content = smaller ? squeezed : bytes
  const body = Buffer.allocUnsafe(content.length + 1)
  body[0] = smaller ? DEFLATED : PLAIN
  content.copy(body, 1)
  return body
}

function expand(body: Uint8Array): Buffer {
  const content = Buffer.from(body.buffer, body.byteOffset + 1, body.byteLength - 1)
  if (body[0] === PLAIN) return content
  assert(body[0] === DEFLATED, `chunk: unknown form ${body[0]}`)
  return inflateRawSync(content)
}
