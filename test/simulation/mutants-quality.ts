import type { UnknownMutant } from './mutant.ts'

const OBSERVED = 'src/engine/observed.ts'
const LEDGER = 'src/engine/ledger.ts'
const EFFECTS = 'src/engine/effects.ts'
const POSTING = 'src/reconcile/posting.ts'

const POLICY_WITHOUT_HOLDS = {
  file: LEDGER,
  find: 'this.#holds ??= siblings.length === 1 ? NONE : holdsOf(goal, siblings)',
  replace: 'this.#holds ??= siblings.length === 1 ? NONE : holdsOf(goal, siblings.slice(0, 0))',
}
const GUARD_WITHOUT_HOLDS = { file: EFFECTS, find: 'function forbids(', replace: 'const forbids = () => false\nfunction forbidding(' }

/** Bugs of what the kernel is for: holds, releases, foreign blocks, quantities, sweeps. */
export const MUTANTS_OF_QUALITY: readonly UnknownMutant[] = [
  {
    name: 'heal-releases-a-foreign-block',
    patches: [
      {
        file: 'src/reconcile/attribution.ts',
        find: "startsWith(c.policy.referencePrefix) ? 'own' : 'foreign'",
        replace: "startsWith(c.policy.referencePrefix) ? 'own' : 'undoable'",
      },
      {
        file: 'src/process/lot-movements.ts',
        find: 'if (data.from !== null && data.to !== null && isRestriction(data.from, data.to)) adopt(',
        replace: 'if (data.reference === data.document) adopt(',
      },
    ],
  },
  { name: 'release-supersedes-an-undelivered-hold', patches: [POLICY_WITHOUT_HOLDS, GUARD_WITHOUT_HOLDS] },
  { name: 'guard-does-not-look-at-holds', patches: [GUARD_WITHOUT_HOLDS] },
  {
    name: 'release-without-awaiting-all-holds',
    patches: [
      {
        file: 'src/process/lot-holds.ts',
        find: 'const holds = liftHold(next.holds, hold, scope)',
        replace:
          'const holds = activeHolds(next.holds).reduce((set, one) => liftHold(set, one.id, WHOLE), liftHold(next.holds, hold, scope))',
      },
    ],
  },
  {
    name: 'heal-posts-consumed-quantity-again',
    patches: [
      { file: 'src/engine/fold.ts', find: "if (goal.kind === 'condition') return", replace: "if (goal.kind !== 'record') return" },
      { file: 'src/reconcile/reconcile.ts', find: "return type === 'posted' || type", replace: 'return type' },
      {
        file: POSTING,
        find: "export function posted(c: Case, predicate: Posted): NextStep {\n  if (c.goal.state === 'met') return { step: 'none' }",
        replace: `function onHand(c: Case, predicate: Posted): Quantity {
  let sum: Quantity = { value: '0', uom: predicate.quantity.uom }
  for (const bucket of c.seen?.kind === 'stock' ? c.seen.buckets : [])
    if (bucket.stockType === predicate.to && bucket.quantity.uom === sum.uom) sum = addQuantity(sum, bucket.quantity)
  return sum
}

export function posted(c: Case, predicate: Posted): NextStep {
  if (c.goal.state === 'met') {
    if (c.seen === null || c.seen.beganAt < addMs(c.goal.settledAt ?? '', c.policy.lagMs)) return { step: 'none' }
    return compareQuantity(onHand(c, predicate), predicate.quantity) < 0 ? { step: 'reopen', reason: 'less on hand' } : { step: 'none' }
  }`,
      },
      {
        file: POSTING,
        find: "let done: Quantity = { value: '0', uom: decided.uom }",
        replace: `if (c.goal.reopenedAt.length > 0 && c.goal.predicate.type === 'posted' && read !== null)
    return { done: onHand(c, c.goal.predicate), reversal: null, met: { step: 'met', evidence: { kind: 'readBack', at: read.endedAt, detail: '' } } }
  let done: Quantity = { value: '0', uom: decided.uom }`,
      },
    ],
  },
  {
    name: 'sweep-acts-on-a-torn-read',
    patches: [{ file: 'src/engine/sweep.ts', find: "beganAt, endedAt, source: 'sweep' }", replace: "beganAt, endedAt, source: 'read' }" }],
  },
  {
    name: 'premise-is-not-read-again',
    patches: [{ file: LEDGER, find: "if (premise === null) return 'none'", replace: "return premise === null ? 'none' : 'standing'" }],
  },
  {
    name: 'portion-is-ignored',
    patches: [
      {
        file: 'src/reconcile/sources.ts',
        find: '!inPlant(bucket) || !inScope(predicate.scope, bucket) || !isPositive(bucket.quantity)) continue\n    if (bucket.quantity.uom',
        replace: '!inPlant(bucket) || !isPositive(bucket.quantity)) continue\n    if (bucket.quantity.uom',
      },
    ],
  },
  {
    name: 'no-awaiting-inspection-hold',
    patches: [{ file: 'src/process/gate-receipt.ts', find: 'held: required &&', replace: 'held: !required &&' }],
  },
  {
    name: 'what-a-system-shows-is-not-checked',
    patches: [{ file: OBSERVED, find: 'return checked.ok ? null', replace: 'return checked !== null ? null' }],
  },
  {
    name: 'one-lot-that-throws-stops-its-partition',
    patches: [
      { file: OBSERVED, find: 'return checked.ok ? null', replace: 'return checked !== null ? null' },
      {
        file: LEDGER,
        find: 'attempt(ledger, orderKey, () => evaluateOrderKey(ledger, orderKey))',
        replace: 'evaluateOrderKey(ledger, orderKey)',
      },
    ],
  },
]
