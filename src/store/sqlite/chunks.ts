import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../assert.ts'
import type { RawChunk, Run } from '../group.ts'
import { packItems, packTexts, unpackItems, unpackTexts } from './codec.ts'
import type { JournalSpan, RawSpan } from './delta.ts'

/** A chunk holds what one transaction adds, of all partitions, cut at this size: opened for one entry in less than 1 ms. */
const CHUNK_CHARACTERS_MAX = 200_000
/** Journal chunks kept unpacked, newest used last. */
const CACHE_CHARACTERS_MAX = 4_000_000

interface TextChunk {
  readonly id: number
  readonly texts: string[]
  characters: number
}
interface ItemChunk {
  readonly id: number
  readonly items: Uint8Array[]
  bytes: number
}
export interface PackedBodies {
  readonly journalChunks: readonly TextChunk[]
  readonly journal: readonly JournalSpan[]
  readonly rawChunks: readonly ItemChunk[]
  readonly raw: readonly RawSpan[]
}
export interface Written {
  readonly rows: number
  readonly bytes: number
}

/** Bodies that are written once: the journal, and raw input until retention takes it. */
export interface Chunks {
  /** Says where everything will lie. Nothing is written and nothing remembered. */
  pack(journal: ReadonlyMap<number, Run<string>>, raw: readonly RawChunk[]): PackedBodies
  /** Inside a transaction. */
  write(packed: PackedBodies): Written
  /** After it is durable. */
  keep(packed: PackedBodies): void
  texts(chunk: number): readonly string[]
  /** Null when retention removed the chunk. */
  items(chunk: number): readonly Uint8Array[] | null
}

export function createChunks(database: DatabaseSync): Chunks {
  const insertJournal = database.prepare('INSERT INTO journal_chunk (id, body) VALUES (?, ?)')
  const insertRaw = database.prepare('INSERT INTO raw_chunk (id, body) VALUES (?, ?)')
  const selectJournal = database.prepare('SELECT body FROM journal_chunk WHERE id = ?')
  const selectRaw = database.prepare('SELECT body FROM raw_chunk WHERE id = ?')
  const cache = createChunkCache()
  let nextJournal = nextId(database, 'journal_chunk')
  let nextRaw = nextId(database, 'raw_chunk')
  return {
    pack: (journal, raw) => ({ ...packJournal(journal, nextJournal), ...packRaw(raw, nextRaw) }),
    write: ({ journalChunks, rawChunks }) => {
      let bytes = 0
      for (const { id, texts } of journalChunks) {
        const body = packTexts(texts)
        insertJournal.run(id, body)
        bytes += body.length
      }
      for (const { id, items } of rawChunks) {
        const body = packItems(items)
        insertRaw.run(id, body)
        bytes += body.length
      }
      return { rows: journalChunks.length + rawChunks.length, bytes }
    },
    keep: ({ journalChunks, rawChunks }) => {
      nextJournal += journalChunks.length
      nextRaw += rawChunks.length
      for (const { id, texts } of journalChunks) cache.set(id, texts)
    },
    texts: (chunk) => {
      const cached = cache.get(chunk)
      if (cached !== undefined) return cached
      const body = selectJournal.get(chunk)?.['body']
      assert(body instanceof Uint8Array, `journal: chunk ${chunk} is missing`)
      const texts = unpackTexts(body)
      cache.set(chunk, texts)
      return texts
    },
    items: (chunk) => {
      const body = selectRaw.get(chunk)?.['body']
      return body instanceof Uint8Array ? unpackItems(body) : null
    },
  }
}

function packJournal(journal: ReadonlyMap<number, Run<string>>, firstChunk: number): Pick<PackedBodies, 'journalChunks' | 'journal'> {
  const journalChunks: TextChunk[] = []
  const spans: JournalSpan[] = []
  let chunk: TextChunk | null = null
  for (const [partition, run] of [...journal].sort(([a], [b]) => a - b)) {
    let first = run.first
    for (const [index, entry] of run.items.entries()) {
      if (chunk === null || chunk.characters + entry.length > CHUNK_CHARACTERS_MAX) {
        const next = run.first + index
        if (chunk !== null && next > first) spans.push(spanOf(partition, first, { chunk, end: next }))
        first = next
        chunk = { id: firstChunk + journalChunks.length, texts: [], characters: 0 }
        journalChunks.push(chunk)
      }
      chunk.texts.push(entry)
      chunk.characters += entry.length
    }
    if (chunk !== null) spans.push(spanOf(partition, first, { chunk, end: run.first + run.items.length }))
  }
  return { journalChunks, journal: spans }
}

/** The span that ends where the chunk ends now; `end` is the sequence after it. */
function spanOf(partition: number, first: number, { chunk, end }: { chunk: TextChunk; end: number }): JournalSpan {
  return { partition, first, last: end - 1, chunk: chunk.id, at: chunk.texts.length - (end - first) }
}

function packRaw(raw: readonly RawChunk[], firstChunk: number): Pick<PackedBodies, 'rawChunks' | 'raw'> {
  const rawChunks: ItemChunk[] = []
  const spans: RawSpan[] = []
  let chunk: ItemChunk | null = null
  for (const { id, items } of raw) {
    if (chunk === null || chunk.bytes > CHUNK_CHARACTERS_MAX) {
      chunk = { id: firstChunk + rawChunks.length, items: [], bytes: 0 }
      rawChunks.push(chunk)
    }
    spans.push({ id, chunk: chunk.id, at: chunk.items.length, count: items.length })
    for (const item of items) {
      chunk.items.push(item)
      chunk.bytes += item.length
    }
  }
  return { rawChunks, raw: spans }
}

function createChunkCache() {
  const chunks = new Map<number, readonly string[]>()
  const sizeOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0)
  let characters = 0
  return {
    get: (id: number): readonly string[] | undefined => {
      const texts = chunks.get(id)
      if (texts === undefined) return undefined
      chunks.delete(id)
      chunks.set(id, texts)
      return texts
    },
    set: (id: number, texts: readonly string[]): void => {
      chunks.set(id, texts)
      characters += sizeOf(texts)
      for (const [oldest, old] of chunks) {
        if (characters <= CACHE_CHARACTERS_MAX) break
        chunks.delete(oldest)
        characters -= sizeOf(old)
      }
    },
  }
}

function nextId(database: DatabaseSync, table: 'journal_chunk' | 'raw_chunk'): number {
  return Number(database.prepare(`SELECT coalesce(max(id), 0) AS id FROM ${table}`).get()?.['id']) + 1
}
