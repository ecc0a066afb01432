// holdpoint: what a process or a store written elsewhere implements, and the catalogue of errors.

export { AssertionFailure, assert, unreachable } from '../assert.ts'
export { ERRORS, type ErrorClass, type ErrorCode, type ErrorEntry } from '../errors.ts'
export type { Context, Decision, EmittedEvent, ExceptionChange, Process, TimerChange } from '../process/process.ts'
export {
  type Batch,
  type CommitResult,
  type Delivery,
  type InboxRow,
  type JournalEntry,
  type Lease,
  type PartitionWrite,
  type Row,
  type RowQuery,
  type RowTable,
  type RowWrite,
  type Store,
  type StoreHealth,
  type StoreMeta,
  StoreUnavailable,
} from '../store/store.ts'
