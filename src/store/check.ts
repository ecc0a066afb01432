import { assert } from '../assert.ts'
import type { Batch, PartitionWrite, RowTable } from './store.ts'

/** Tables an append may write: what anyone may say about a partition without owning it. */
const APPEND_TABLES: ReadonlySet<RowTable> = new Set(['exception', 'parked'])
const IDENTITY_KEY = /^[0-9a-f]{32}$/
/** Longest entry, row body or value, in characters. Far above anything the engine makes; a wall, not a budget. */
const TEXT_CHARACTERS_MAX = 16_000_000
/** Hash partitions of one installation; sequences get 40 bits, so both fit one exact JavaScript number. */
export const PARTITIONS_MAX = 4096

/** Throws for a batch that breaks the rules of its own type: a bug of the caller, found before anything is written. */
export function checkBatch(batch: Batch, partitions: number): void {
  for (const { key } of batch.expect) assert(IDENTITY_KEY.test(key), 'expect: key is not 32 lowercase hex characters')
  for (const { key, value } of batch.identities) {
    assert(IDENTITY_KEY.test(key), 'identity: key is not 32 lowercase hex characters')
    checkText(value, 'identity: value')
  }
  for (const raw of batch.raw) assert(raw.id !== '', 'raw: empty id')
  for (const write of batch.partitions) checkWrite(write, partitions)
}

export function checkPartition(partition: number, partitions: number): void {
  assert(Number.isInteger(partition) && partition >= 0 && partition < partitions, `no partition ${partition}`)
}

function checkText(text: string, what: string): void {
  assert(typeof text === 'string' && text.length <= TEXT_CHARACTERS_MAX, `${what} is no text or too long`)
}

function checkWrite(write: PartitionWrite, partitions: number): void {
  checkPartition(write.partition, partitions)
  for (const entry of write.entries) checkText(entry, 'entry')
  for (const delivery of write.deliveries) {
    checkPartition(delivery.toPartition, partitions)
    assert(delivery.entry >= 0 && delivery.entry < write.entries.length, 'delivery: points at no entry of its write')
  }
  for (const row of write.rows) {
    assert(row.id !== '', 'row: empty id')
    if ('deleted' in row) continue
    assert(row.partition === write.partition, `row: ${row.table} of another partition than its write`)
    checkText(row.body, 'row: body')
  }
  if (write.owner !== null) return
  assert(write.consumed.length === 0, 'append: only the owner consumes')
  for (const row of write.rows) assert(APPEND_TABLES.has(row.table), `append: may not write ${row.table}`)
}
