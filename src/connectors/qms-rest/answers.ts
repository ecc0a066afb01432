import type { ErrorClass } from '../../errors.ts'
import type { Foreign } from '../../model/reading.ts'
import type { Outcome } from '../connector.ts'
import type { ErrorMeaning, QmsSchema } from './schema.ts'

/** What an envelope says, be it that of a whole call or that of one record. */
export type Verdict =
  | { readonly verdict: 'succeeded'; readonly record: Foreign }
  /** Nothing was done. `meaning` null: the QMS's final no. */
  | { readonly verdict: 'failed'; readonly meaning: ErrorMeaning | null; readonly detail: string }
  | { readonly verdict: 'unclear'; readonly detail: string }

export function verdictOf({ envelope, errors }: QmsSchema, answer: unknown): Verdict {
  if (typeof answer !== 'object' || answer === null) return { verdict: 'unclear', detail: 'no result' }
  const record = answer as Foreign
  const status = String(record[envelope.status]).slice(0, 40)
  if (envelope.succeeded.includes(status)) return { verdict: 'succeeded', record }
  const given = record[envelope.errors]
  const first = (Array.isArray(given) ? given[0] : null) as Foreign | null | undefined
  const type = first?.[envelope.errorType]
  const detail = [type, first?.[envelope.errorMessage]].filter((part) => typeof part === 'string' && part !== '').join(': ') || status
  if (!envelope.failed.includes(status)) return { verdict: 'unclear', detail }
  const known = typeof type === 'string' && Object.hasOwn(errors, type) ? errors[type] : undefined
  return { verdict: 'failed', meaning: known ?? null, detail }
}

/** The results of a bulk call, in the order asked. */
export function resultsIn({ envelope }: QmsSchema, body: Foreign): readonly unknown[] | null {
  const data = body[envelope.data]
  return Array.isArray(data) ? data : null
}

export function later(errorClass: ErrorClass, delayMs: number | null, detail: string): Extract<Outcome, { outcome: 'later' }> {
  return { outcome: 'later', class: errorClass, delayMs, detail }
}

/** Of one record of a bulk write. `planGroup`: what joins the records that wait for one inspection plan. */
export function outcomeOfResult(
  schema: QmsSchema,
  result: unknown,
  about: {
    readonly creates: boolean
    readonly lagMs: number
    readonly retryLostMs: 0 | null
    readonly planGroup: string
  },
): Outcome {
  const answer = verdictOf(schema, result)
  if (answer.verdict === 'unclear') return { outcome: 'unknown', detail: answer.detail }
  if (answer.verdict === 'succeeded') return { outcome: 'applied', detail: numberIn(schema, answer.record) }
  const { meaning, detail } = answer
  switch (meaning) {
    case 'session':
      return later('authorization', about.retryLostMs, detail)
    case 'credentials':
      return later('authorization', null, detail)
    case 'throttled':
      return later('rateLimit', null, detail)
    case 'changed':
    case 'absent':
      // What was read is old; before the lag is over another read would be old as well.
      return later('transient', about.lagMs, detail)
    case 'exists':
      // That it stands there is all that a creation is for.
      return about.creates ? { outcome: 'applied', detail } : { outcome: 'refused', detail }
    case 'duplicate':
      return { outcome: 'needs-person', code: 'record.duplicate', detail }
    case 'planMissing':
      return { outcome: 'needs-person', code: 'plan.missing', causeGroup: about.planGroup, detail }
    case 'pageToken':
    case null:
      return { outcome: 'refused', detail }
  }
}

/** The record's own number, or that it was done. */
function numberIn({ envelope }: QmsSchema, result: Foreign): string {
  const data = result[envelope.data]
  const number = typeof data === 'object' && data !== null ? (data as Foreign)[envelope.resultNumber] : null
  return typeof number === 'string' && number !== '' ? number : String(result[envelope.status])
}

/** Why a call as a whole came to nothing, with nothing done. */
export interface Failure {
  readonly class: ErrorClass
  readonly delayMs: number | null
  readonly detail: string
}

/**
 * A call that is refused as a whole says nothing about its records: something between us and the QMS is not set up as
 * it must be. Every record of it may be tried again, and goes on by itself once that is mended.
 */
export function failureOf(meaning: ErrorMeaning | null, detail: string): Failure {
  if (meaning === 'session' || meaning === 'credentials') return { class: 'authorization', delayMs: null, detail }
  if (meaning === 'throttled') return { class: 'rateLimit', delayMs: null, detail }
  return { class: 'contract', delayMs: null, detail }
}
