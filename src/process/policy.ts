/** What a plant decides for itself, as the two processes read it from their context; a name that is not set has its default. */
import type { Context } from './process.ts'

export interface SiteSystems {
  readonly erp: string
  readonly qms: string
}

/** Milliseconds after the receipt (after a reopening, for the next decision). */
export interface InspectionDeadlines {
  readonly createdWithinMs: number
  readonly decidedWithinMs: number
  /** How long a decision may wait for its receipt before somebody is asked. */
  readonly unmatchedAfterMs: number
}

/**
 * RULES 18, a receipt into a lot of which something has been released. `inspectNew`: where the ERP receives into inspection
 * stock, only the new quantity waits. `inspectAll`: the whole lot waits. A receipt that lands usable always holds the whole lot.
 */
export type SecondReceipt = 'inspectNew' | 'inspectAll'

const HOUR_MS = 3_600_000
export const DEADLINES_DEFAULT: InspectionDeadlines = {
  createdWithinMs: HOUR_MS / 4,
  decidedWithinMs: 72 * HOUR_MS,
  unmatchedAfterMs: HOUR_MS,
}

export function sitesOf(context: Context): Readonly<Record<string, SiteSystems>> {
  return (context['sites'] ?? {}) as Readonly<Record<string, SiteSystems>>
}

export function systemsOf(context: Context): readonly string[] {
  return Object.values(sitesOf(context)).flatMap(({ erp, qms }) => [erp, qms])
}

export function deadlinesOf(context: Context): InspectionDeadlines {
  return (context['inspectionDeadlines'] ?? DEADLINES_DEFAULT) as InspectionDeadlines
}

export function referencePrefixOf(context: Context): string {
  return (context['referencePrefix'] ?? 'HP') as string
}

export function secondReceiptOf(context: Context): SecondReceipt {
  return (context['secondReceipt'] ?? 'inspectNew') as SecondReceipt
}
