/** The QMS's own codes. */
export type StatusCode = 'CREATED' | 'STARTED' | 'DECIDED' | 'REOPENED' | 'CANCELLED'
export type UsageCode = 'ACCEPT' | 'REJECT' | 'QUARANTINE'

/** The part of the lot a decision line speaks of; null in a line: the inspector named none. */
export type Portion =
  | { readonly part: 'ALL' }
  | { readonly part: 'CARRIERS'; readonly carriers: readonly string[] }
  | { readonly part: 'REST'; readonly except: readonly string[] }

export interface DecisionLine {
  readonly line: number
  /** A person may type what no interface knows. */
  readonly usage: UsageCode | string
  readonly quantity: string
  readonly unit: string
  readonly portion: Portion | null
}

export interface Decision {
  readonly number: string
  readonly by: string
  readonly at: string
  readonly lines: readonly DecisionLine[]
}

/** One inspection at one version. A later version is another value; this one never changes. */
export interface Inspection {
  readonly number: string
  readonly externalKey: string | null
  readonly reference: string | null
  /** Who caused it, also where the resource keeps no reference; the hub never sees it. */
  readonly causedBy: string | null
  readonly version: number
  readonly status: StatusCode
  readonly attributes: Readonly<Record<string, string>>
  readonly decision: Decision | null
  readonly changedBy: string
  readonly changedAt: string
  readonly changedAtMs: number
}

export type Done = { readonly ok: true; readonly number: string } | { readonly ok: false; readonly reason: Refusal }
export type Refusal = 'INSPECTION_UNKNOWN' | 'STATUS_WRONG' | 'AMBIGUOUS'
