import { expect, it } from 'vitest'
import { checkAcknowledgements } from './trace.ts'

const write = '7 pwrite64(21</d/s.db-wal>, "\\0"..., 4096, 0) = 4096'
const sync = '7 fsync(21</d/s.db-wal>) = 0'
const ack = '7 write(1<pipe:[9]>, "ack 1\\n", 6) = 6'
const synced = (...lines: string[]): boolean[] =>
  checkAcknowledgements(lines.join('\n'), ({ rest }) => rest.includes('"ack ')).map((acknowledgement) => acknowledgement.synced)

it('wants a sync between the last write and the acknowledgement', () => {
  expect(synced(write, write, sync, ack)).toEqual([true])
  expect(synced(write, sync, write, ack)).toEqual([false])
  expect(synced(write, ack, sync)).toEqual([false])
  expect(synced(write, sync, ack, write, ack)).toEqual([true, false])
})

it('does not take a failed sync, one of another file or one not yet finished for a sync', () => {
  expect(synced(write, '7 fsync(21</d/s.db-wal>) = -1 EIO (Input/output error)', ack)).toEqual([false])
  expect(synced(write, '7 fsync(20</d/s.db>) = 0', ack)).toEqual([false])
  expect(synced(write, '8 fsync(21</d/s.db-wal> <unfinished ...>', ack, '8 <... fsync resumed>) = 0')).toEqual([false])
  expect(synced(write, '8 fsync(21</d/s.db-wal> <unfinished ...>', '8 <... fsync resumed>) = 0', ack)).toEqual([true])
})

it('counts a write from its beginning', () => {
  const begun = '8 pwrite64(21</d/s.db-wal>, "\\0"..., 4096, 0 <unfinished ...>'
  expect(synced(begun, sync, '8 <... pwrite64 resumed>) = 4096', ack)).toEqual([false])
})
