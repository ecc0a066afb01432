import type { ErrorClass } from '../../../errors.ts'
import type { IdempotencyClass } from '../../../model/goal.ts'
import type { CommandItem, Outcome } from '../../connector.ts'

/**
 * Batch endpoints in the manner of `207 Multi-Status`: a list of results, each with a status that reads like HTTP, a
 * code, and how long to wait. Marks are what a target of each class knows a repeated request by.
 */
export interface Marks {
  readonly idempotencyKey?: string
  readonly transactionId?: string
  readonly externalId?: string
  readonly fileName?: string
  readonly ifMatch?: string
}

/** The same for every attempt of a command. `externalId` is what the record shall be called, `revision` what was read last. */
export function marksFor(
  idempotency: IdempotencyClass,
  item: CommandItem,
  known: { readonly externalId: string; readonly revision: string | null },
): Marks {
  switch (idempotency) {
    case 'natural':
    case 'externalId':
      return { externalId: known.externalId }
    case 'key':
      return { idempotencyKey: item.reference }
    case 'transportId':
      return { transactionId: item.reference }
    case 'file':
      return { fileName: `${item.reference}.json` }
    case 'conditional':
      return known.revision === null ? {} : { ifMatch: known.revision }
    case 'queryable':
    case 'unsafe':
      return {}
  }
}

/** Exactly one outcome for each of `count` items; a result that is missing or makes no sense is `unknown`. */
export function outcomesOf(body: unknown, count: number, settings: { readonly lagMs: number }): readonly Outcome[] {
  const results = (body as { results?: unknown } | null)?.results
  const list: readonly unknown[] = Array.isArray(results) ? results : []
  return Array.from({ length: count }, (_, index) => itemOutcome(list[index], settings))
}

interface ItemResult {
  readonly status: number
  readonly code?: unknown
  readonly message?: unknown
  readonly number?: unknown
  readonly earlier?: unknown
  readonly retryAfterMs?: unknown
}

function itemOutcome(result: unknown, settings: { readonly lagMs: number }): Outcome {
  if (typeof result !== 'object' || result === null || typeof (result as ItemResult).status !== 'number') {
    return { outcome: 'unknown', detail: 'no result for this item' }
  }
  const item = result as ItemResult
  const { status, code } = item
  const detail = [code, item.message].filter((part) => typeof part === 'string').join(': ') || `status ${status}`
  if (status >= 200 && status < 300) return { outcome: 'applied', detail: numberOf(item) ?? detail }
  if (status === 409 && item.earlier !== undefined) return itemOutcome(item.earlier, settings)
  if (status === 409 && numberOf(item) !== null) return { outcome: 'applied', detail: numberOf(item) ?? detail }
  if (status === 300) return { outcome: 'needs-person', code: 'record.duplicate', detail }
  // What was read is old; before the lag is over another read would be old as well.
  if (status === 412 || status === 428) return later('transient', settings.lagMs, detail)
  if (status === 423) return later('transient', delayOf(item), detail)
  if (status === 429) return later('rateLimit', delayOf(item), detail)
  if (status === 401 || status === 403) return later('authorization', null, detail)
  if (status >= 500) return { outcome: 'unknown', detail }
  return { outcome: 'refused', detail }
}

function later(errorClass: ErrorClass, delayMs: number | null, detail: string): Outcome {
  return { outcome: 'later', class: errorClass, delayMs, detail }
}

function numberOf(item: ItemResult): string | null {
  return typeof item.number === 'string' && item.number !== '' ? item.number : null
}

function delayOf(item: ItemResult): number | null {
  return typeof item.retryAfterMs === 'number' && item.retryAfterMs >= 0 ? item.retryAfterMs : null
}
