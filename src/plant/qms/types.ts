/** The QMS's own records, with its own words: this is what its database holds and what it shows over the wire. */

export type Status = 'created' | 'in_progress' | 'results_complete' | 'decided' | 'signed' | 'reopened' | 'cancelled'

export type ActionName = 'start' | 'recordResults' | 'attachCertificate' | 'requestRetest' | 'decide' | 'sign' | 'reopen' | 'cancel'

export interface Characteristic {
  readonly number: string
  readonly name: string
  readonly kind: 'variable' | 'attribute'
  readonly unit: string | null
  readonly lower_limit: string | null
  readonly upper_limit: string | null
  readonly sample_size: number
}

export interface InspectionPlan {
  readonly number: string
  readonly version: number
  readonly item: string
  /** Null: for every supplier that has no plan of its own. */
  readonly supplier: string | null
  readonly status: 'draft' | 'released' | 'withdrawn'
  readonly characteristics: readonly Characteristic[]
  readonly required_certificates: readonly string[]
  readonly modified_by: string
  readonly modified_at: string
}

/** Round 0 is the first inspection; a retest opens the next round and leaves the results before it as they are. */
export interface Result {
  readonly characteristic: string
  readonly sample: string
  readonly round: number
  readonly value: string | null
  readonly inspected: number | null
  readonly nonconforming: number | null
  /** Judged against the limits of the plan, never entered. */
  readonly verdict: 'pass' | 'fail'
  readonly device: string | null
  readonly recorded_by: string
  readonly recorded_at: string
}

export interface Retest {
  readonly round: number
  readonly characteristics: readonly string[]
  readonly reason: string
  readonly authorised_by: string
  readonly requested_by: string
  readonly requested_at: string
}

export interface Certificate {
  readonly type: string
  readonly number: string
  readonly values: readonly { readonly characteristic: string; readonly value: string }[]
  /** Characteristics whose certified value is outside the limits of the plan. */
  readonly deviations: readonly string[]
  readonly attached_by: string
}

export type Outcome = 'accepted' | 'rejected' | 'quarantined' | 'conditional'

/** The part of the lot a decision line speaks of. */
export type Portion =
  | { readonly kind: 'lot' }
  | { readonly kind: 'carriers'; readonly carriers: readonly string[] }
  | { readonly kind: 'remainder'; readonly except: readonly string[] }

/** Who sees to it that a limit is kept; a procedure names its person. */
export type Enforcer = { readonly by: 'erp' | 'wms' | 'interlock' } | { readonly by: 'procedure'; readonly person: string }

export type LimitKind = 'work_orders' | 'lines' | 'customers' | 'sites'
/** `enforced_by` null: nobody was named. */
export type Limit =
  | { readonly kind: 'quantity'; readonly quantity: string; readonly unit: string; readonly enforced_by: Enforcer | null }
  | { readonly kind: LimitKind; readonly values: readonly string[]; readonly enforced_by: Enforcer | null }
  | { readonly kind: 'until'; readonly until: string; readonly enforced_by: Enforcer | null }

export type Condition =
  /** Used before results exist; `gate` is what it may not pass. */
  | {
      readonly kind: 'pending_result'
      readonly approver: string
      readonly reason: string
      readonly gate: string
      readonly limits: readonly Limit[]
    }
  /** Accepted although it does not conform. */
  | {
      readonly kind: 'concession'
      readonly number: string
      readonly approval: 'design' | 'customer'
      readonly approver: string
      readonly limits: readonly Limit[]
    }

export interface DecisionLine {
  readonly line: number
  readonly outcome: Outcome
  readonly quantity: string
  readonly unit: string
  /** Null: the decider named none. */
  readonly portion: Portion | null
  /** With outcome `conditional` only. */
  readonly condition: Condition | null
}

export interface CountDifference {
  readonly quantity: string
  readonly document: string
  readonly owner: string
}

/** What became of the lot; `unresolved` is what no line speaks of. */
export interface Quantities {
  readonly received: string
  readonly accepted: string
  readonly conditional: string
  readonly rejected: string
  readonly quarantined: string
  readonly sampled_destroyed: string
  readonly retained: string
  readonly unresolved: string
}

export type Meaning = 'approval' | 'review' | 'responsibility' | 'authorship' | 'release'

export interface Signature {
  readonly user: string
  readonly printed_name: string
  readonly meaning: Meaning
  readonly signed_at: string
  /** SHA-256 of what was signed: the decision without its signature. */
  readonly record_hash: string
}

/** It counts only with a signature. */
export interface Decision {
  readonly number: string
  readonly decided_by: string
  readonly decided_at: string
  readonly lines: readonly DecisionLine[]
  readonly quantities: Quantities
  readonly count_difference: CountDifference | null
  readonly signature: Signature | null
}

/** A decision that was reopened. */
export interface SupersededDecision {
  readonly decision: Decision
  readonly reason: string
  readonly reopened_by: string
  readonly reopened_at: string
}

/** One inspection at one version. A later version is another value; this one never changes. */
export interface Inspection {
  readonly id: string
  readonly number: string
  readonly version: number
  readonly status: Status
  /** What callers write, by field name; absent where empty. */
  readonly fields: Readonly<Record<string, string>>
  readonly plan: { readonly number: string; readonly version: number }
  readonly characteristics: readonly Characteristic[]
  readonly required_certificates: readonly string[]
  readonly certificates: readonly Certificate[]
  readonly results: readonly Result[]
  readonly retests: readonly Retest[]
  readonly decision: Decision | null
  readonly superseded_decisions: readonly SupersededDecision[]
  readonly created_by: string
  readonly created_at: string
  readonly modified_by: string
  /** Whole seconds. */
  readonly modified_at: string
}

/** A user of the QMS. An interface user can neither decide nor sign, whatever it is told. */
export interface User {
  readonly name: string
  readonly printed_name: string
  readonly password: string
  readonly kind: 'person' | 'interface'
}

/** An event that subscribers are told of; thin: what is true must be read. */
export interface WebhookMessage {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly data: Readonly<Record<string, string | number | null>>
}
