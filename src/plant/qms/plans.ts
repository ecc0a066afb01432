import type { Transaction } from './database.ts'
import { type Input, list, member, oneOf, onlyKnown, optionalText, text } from './input.ts'
import { announce } from './lifecycle.ts'
import { refuse } from './refusal.ts'
import { readCharacteristic } from './results.ts'
import type { InspectionPlan } from './types.ts'

const STATUSES: readonly InspectionPlan['status'][] = ['draft', 'released', 'withdrawn']

/** `{item, supplier?, status?, characteristics?, required_certificates?}`: a new plan, or the next version of one. */
export function keepPlan(transaction: Transaction, input: Input): InspectionPlan {
  onlyKnown(input, ['item', 'supplier', 'status', 'characteristics', 'required_certificates'])
  const item = text(member(input, 'item'))
  const supplier = optionalText(member(input, 'supplier'))
  const before = transaction.plan(item, supplier)
  const plan: InspectionPlan = {
    number: before?.number ?? `IP-${String(transaction.next('plan')).padStart(5, '0')}`,
    version: (before?.version ?? 0) + 1,
    item,
    supplier,
    status: member(input, 'status').value === undefined ? 'released' : oneOf(member(input, 'status'), STATUSES),
    characteristics: list(member(input, 'characteristics'), 0).map(readCharacteristic),
    required_certificates: list(member(input, 'required_certificates'), 0).map((entry) => text(entry)),
    modified_by: transaction.by,
    modified_at: transaction.now,
  }
  transaction.put({ kind: 'plan', plan })
  announce(transaction, `inspection_plan.${plan.status}`, {
    object: 'inspection_plan',
    id: plan.number,
    item,
    supplier,
    version: plan.version,
  })
  return plan
}

/** The plan of the supplier, else the plan for all suppliers. Refuses where neither is released. */
export function planFor(transaction: Transaction, item: string, supplier: string | null): InspectionPlan {
  const plan = [transaction.plan(item, supplier), transaction.plan(item, null)].find((candidate) => candidate?.status === 'released')
  const whom = supplier === null ? 'every supplier' : `supplier ${supplier}`
  return plan ?? refuse('INSPECTION_PLAN_MISSING', `no released inspection plan for item ${item} and ${whom}`, 'item')
}
