/**
 * The exception desk: what needs a person, as rows of table `exception`. Opening an open one changes nothing.
 * An exception never holds a lot back by itself and never frees one; it says who must look and where.
 */
import { ERRORS, type ErrorCode } from '../errors.ts'
import type { RowWrite } from '../store/store.ts'
import { exceptionId, type Hash } from './derive.ts'
import type { ExceptionEntry } from './entries.ts'

export interface ExceptionRecord {
  readonly id: string
  readonly code: ErrorCode
  readonly class: string
  readonly owner: string
  readonly retry: boolean
  /** What one fix would cure together. */
  readonly causeGroup: string
  /** What it is about, for people. */
  readonly subject: string
  readonly detail: string
  /** Set when one goal, one instance or one native key waits for it. */
  readonly goal: string | null
  readonly instance: { readonly process: string; readonly key: string } | null
  readonly native: { readonly instance: string; readonly record: string } | null
  readonly openedAt: string
  readonly closedAt: string | null
}

export interface ExceptionOpening {
  readonly code: ErrorCode
  readonly causeGroup?: string
  readonly subject: string
  readonly detail: string
  readonly goal?: string
  readonly instance?: { readonly process: string; readonly key: string }
  readonly native?: { readonly instance: string; readonly record: string }
}

export function openException(hash: Hash, at: string, opening: ExceptionOpening): ExceptionRecord {
  const entry = ERRORS[opening.code]
  const owner = opening.goal ?? (opening.instance ? `${opening.instance.process}/${opening.instance.key}` : '')
  const native = opening.native ? `${opening.native.instance}/${opening.native.record}` : ''
  return {
    id: exceptionId(hash, [opening.code, opening.subject, owner, native]),
    code: opening.code,
    class: entry.class,
    owner: entry.owner,
    retry: entry.retry,
    causeGroup: opening.causeGroup ?? opening.code,
    subject: opening.subject,
    detail: opening.detail,
    goal: opening.goal ?? null,
    instance: opening.instance ?? null,
    native: opening.native ?? null,
    openedAt: at,
    closedAt: null,
  }
}

export function exceptionRow(record: ExceptionRecord, partition: number): RowWrite {
  return {
    table: 'exception',
    id: record.id,
    partition,
    active: record.closedAt === null,
    tag: record.causeGroup,
    body: JSON.stringify(record),
  }
}

export function exceptionEntry(record: ExceptionRecord, what: Pick<ExceptionEntry, 'change' | 'at' | 'actor' | 'reason'>): ExceptionEntry {
  return { kind: 'exception', id: record.id, code: record.code, detail: record.detail, ...what }
}
