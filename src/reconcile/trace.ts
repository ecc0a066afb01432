/** What an observation says about one command. Pure. A document is ours by its reference, or by the number the target answered. */
import type { Action, Command } from '../model/goal.ts'
import type { Observation, RecordSeen, StockDocument } from '../model/observation.ts'
import type { StockRead } from './case.ts'

/** An observation keeps the newest thousand documents; beyond that a missing one proves nothing. */
const DOCUMENTS_COMPLETE_BELOW = 1_000

/**
 * `seen`: the command's own trace. `true`: the state it wanted, without a trace of whose doing it is.
 * `absent`: neither. `unread`: this observation cannot tell.
 */
export type Trace = 'seen' | 'true' | 'absent' | 'unread'

export function traceOf(command: Command, read: Observation | null): Trace {
  if (read === null || read.beganAt < command.intentAt) return 'unread'
  const { action } = command
  if (read.kind === 'record') return recordTrace(command, action, read.records)
  switch (action.type) {
    case 'move':
      if (read.documents.some((document) => isDocumentOf(command, document))) return 'seen'
      return documentsComplete(read) ? 'absent' : 'unread'
    case 'restrict': {
      const flag = read.restrictions.find((restriction) => restriction.rung === action.rung)
      return flag === undefined ? 'absent' : flag.reference === command.reference ? 'seen' : 'true'
    }
    case 'unrestrict':
      return read.restrictions.some((restriction) => restriction.rung === action.rung) ? 'absent' : 'true'
    default:
      return 'unread'
  }
}

function recordTrace(command: Command, action: Action, records: readonly RecordSeen[]): Trace {
  if (action.type === 'createRecord') {
    const found = records.filter((record) => record.key === action.key)
    if (found.some((record) => record.reference === command.reference)) return 'seen'
    return found.length > 0 ? 'true' : 'absent'
  }
  if (action.type === 'cancelRecord') return records.some((record) => record.key === action.key && isOpen(record)) ? 'absent' : 'true'
  return 'unread'
}

/** A decided record is no longer open to us, whatever its system still lets people do with it. */
export function isOpen(record: RecordSeen): boolean {
  return record.open && !record.decided
}

/** A reversal is never ours: we reverse nothing. It may carry our reference copied by the target. */
export function isDocumentOf(command: Command, document: StockDocument): boolean {
  if (document.reverses !== null) return false
  return document.reference === command.reference || (command.state === 'applied' && document.number === command.detail)
}

export function documentsComplete(read: StockRead): boolean {
  return read.documents.length < DOCUMENTS_COMPLETE_BELOW
}
