export type RefusalType =
  | 'INVALID_SESSION_ID'
  | 'AUTHENTICATION_FAILED'
  | 'API_LIMIT_EXCEEDED'
  | 'INSUFFICIENT_ACCESS'
  | 'PARAMETER_REQUIRED'
  | 'INVALID_DATA'
  | 'UNKNOWN_FIELD'
  | 'READ_ONLY_FIELD'
  | 'BATCH_TOO_LARGE'
  | 'INVALID_PAGE_TOKEN'
  | 'NOT_FOUND'
  | 'DUPLICATE_VALUE'
  | 'MULTIPLE_MATCHES'
  | 'RACE_CONDITION'
  | 'OPERATION_NOT_ALLOWED'
  | 'RECORD_LOCKED'
  | 'INSPECTION_PLAN_MISSING'
  | 'CERTIFICATE_MISSING'
  | 'CERTIFICATE_DEVIATES'
  | 'RESULTS_INCOMPLETE'
  | 'RESULT_EXISTS'
  | 'QUANTITY_EXCEEDS_LOT'

/** Why the QMS does not do something, as it says so. `field` is a path such as `lines[0].quantity`. */
export interface Refusal {
  readonly type: RefusalType
  readonly message: string
  readonly field?: string
}

/** Leaves a transaction's record as it was; caught where the record's result is written. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(`${refusal.type}: ${refusal.message}`)
    this.refusal = refusal
  }
}

export function refuse(type: RefusalType, message: string, field?: string): never {
  throw new Refused({ type, message, ...(field === undefined ? {} : { field }) })
}

export type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal }

export function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { ok: true, value: work() }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, refusal: error.refusal }
    throw error
  }
}
