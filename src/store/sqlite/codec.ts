import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { assert } from '../../assert.ts'

/** First byte of every stored body. */
const PLAIN = 0
const ZSTD = 2
/** Below this compressing costs more (70 µs and up, whatever the size) than writing the bytes. */
const COMPRESS_BYTES_MIN = 1024
/** Zstandard, level 1: half the time of deflate on journal chunks, and two thirds of its size. Higher levels cost more than they save. */
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const NEWLINE = 0x0a

/** Texts of any content but lone surrogates. `compressBytesMin`: compressed from this size on. */
export function packTexts(texts: readonly string[], compressBytesMin = COMPRESS_BYTES_MIN): Uint8Array {
  const lengths = `${texts.map((text) => text.length).join()}\n`
  let size = 1 + lengths.length
  for (const text of texts) size += Buffer.byteLength(text)
  const body = Buffer.allocUnsafe(size)
  let at = 1 + body.write(lengths, 1, 'latin1')
  for (const text of texts) at += body.write(text, at)
  return squeeze(body, compressBytesMin)
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
  return squeeze(Buffer.concat([Buffer.from(` ${lengths}\n`, 'latin1'), ...items]), COMPRESS_BYTES_MIN)
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

/** `body` begins with a byte that is free for the form. */
function squeeze(body: Buffer, compressBytesMin: number): Uint8Array {
  body[0] = PLAIN
  if (body.length - 1 < compressBytesMin) return body
  const squeezed = zstdCompressSync(body.subarray(1), FAST)
  if (squeezed.length >= body.length - 1) return body
  const smaller = Buffer.allocUnsafe(squeezed.length + 1)
  smaller[0] = ZSTD
  squeezed.copy(smaller, 1)
  return smaller
}

function expand(body: Uint8Array): Buffer {
  const content = Buffer.from(body.buffer, body.byteOffset + 1, body.byteLength - 1)
  if (body[0] === PLAIN) return content
  assert(body[0] === ZSTD, `chunk: unknown form ${body[0]}`)
  return zstdDecompressSync(content)
}
