import { type Amount, amountOf, formatAmount } from '../amount.ts'
import { amountIn, amountText, dateText, type Input, isAbsent, list, member, oneOf, onlyKnown, text } from './input.ts'
import { refuse } from './refusal.ts'
import { areResultsComplete } from './results.ts'
import { certificateStatus } from './schema.ts'
import type {
  Condition,
  CountDifference,
  Decision,
  DecisionLine,
  Enforcer,
  Inspection,
  Limit,
  Meaning,
  Outcome,
  Portion,
  Quantities,
  Signature,
  User,
} from './types.ts'

const OUTCOMES: readonly Outcome[] = ['accepted', 'rejected', 'quarantined', 'conditional']
const MEANINGS: readonly Meaning[] = ['approval', 'review', 'responsibility', 'authorship', 'release']
const LINES_MAX = 200

/** `{lines, sampled_destroyed?, retained?, count_difference?}`. What no line speaks of stays unresolved. */
export function readDecision(
  inspection: Inspection,
  input: Input,
  stamp: { readonly number: string; readonly by: string; readonly at: string },
): Decision {
  onlyKnown(input, ['lines', 'sampled_destroyed', 'retained', 'count_difference'])
  const lines = list(member(input, 'lines'), 1, LINES_MAX).map((entry, index) => readLine(inspection, entry, index + 1))
  checkPortions(lines)
  const difference = readCountDifference(member(input, 'count_difference'))
  const decision: Decision = {
    number: stamp.number,
    decided_by: stamp.by,
    decided_at: stamp.at,
    lines,
    quantities: quantitiesOf(inspection, lines, input),
    count_difference: difference,
    signature: null,
  }
  checkConservation(inspection, decision)
  checkEvidence(inspection, lines)
  return decision
}

function readLine(inspection: Inspection, input: Input, line: number): DecisionLine {
  onlyKnown(input, ['outcome', 'quantity', 'unit', 'portion', 'condition'])
  const outcome = oneOf(member(input, 'outcome'), OUTCOMES)
  const given = member(input, 'condition')
  const condition = isAbsent(given) ? null : readCondition(given)
  if (outcome === 'conditional' && condition === null) refuse('PARAMETER_REQUIRED', 'a conditional line states its condition', given.path)
  if (outcome !== 'conditional' && condition !== null) refuse('INVALID_DATA', `${outcome} has no condition`, given.path)
  const unit = member(input, 'unit')
  if (!isAbsent(unit) && text(unit) !== inspection.fields['unit']) refuse('INVALID_DATA', 'the unit is that of the lot', unit.path)
  const portion = member(input, 'portion')
  return {
    line,
    outcome,
    quantity: amountText(member(input, 'quantity')),
    unit: inspection.fields['unit'] ?? '',
    portion: isAbsent(portion) ? null : readPortion(portion),
    condition,
  }
}

function readPortion(input: Input): Portion {
  const kind = oneOf(member(input, 'kind'), ['lot', 'carriers', 'remainder'])
  switch (kind) {
    case 'lot':
      onlyKnown(input, ['kind'])
      return { kind }
    case 'carriers':
      onlyKnown(input, ['kind', 'carriers'])
      return { kind, carriers: list(member(input, 'carriers'), 1).map((entry) => text(entry)) }
    case 'remainder':
      onlyKnown(input, ['kind', 'except'])
      return { kind, except: list(member(input, 'except'), 1).map((entry) => text(entry)) }
  }
}

/** No carrier in two lines, one remainder, and nothing beside the whole lot. */
function checkPortions(lines: readonly DecisionLine[]): void {
  const portions = lines.flatMap(({ portion }) => portion ?? [])
  const carriers = portions.flatMap((portion) => (portion.kind === 'carriers' ? portion.carriers : []))
  if (new Set(carriers).size < carriers.length) refuse('INVALID_DATA', 'a carrier stands in two lines', 'lines')
  const remainders = portions.filter(({ kind }) => kind === 'remainder').length
  const whole = portions.filter(({ kind }) => kind === 'lot').length
  if (remainders > 1) refuse('INVALID_DATA', 'there is one remainder', 'lines')
  if (whole > 0 && lines.length > 1) refuse('INVALID_DATA', 'beside the whole lot there is no other line', 'lines')
}

function readCondition(input: Input): Condition {
  const kind = oneOf(member(input, 'kind'), ['pending_result', 'concession'])
  const approver = text(member(input, 'approver'))
  if (kind === 'pending_result') {
    onlyKnown(input, ['kind', 'approver', 'reason', 'gate', 'limits'])
    const limits = list(member(input, 'limits'), 0).map(readLimit)
    return { kind, approver, reason: text(member(input, 'reason')), gate: text(member(input, 'gate')), limits }
  }
  onlyKnown(input, ['kind', 'number', 'approval', 'approver', 'limits'])
  const approval = oneOf(member(input, 'approval'), ['design', 'customer'])
  const limits = list(member(input, 'limits'), 1).map(readLimit)
  return { kind, number: text(member(input, 'number')), approval, approver, limits }
}

function readLimit(input: Input): Limit {
  const kind = oneOf(member(input, 'kind'), ['quantity', 'work_orders', 'lines', 'customers', 'sites', 'until'])
  const enforced_by = readEnforcer(member(input, 'enforced_by'))
  switch (kind) {
    case 'quantity':
      onlyKnown(input, ['kind', 'quantity', 'unit', 'enforced_by'])
      return { kind, quantity: amountText(member(input, 'quantity')), unit: text(member(input, 'unit')), enforced_by }
    case 'until':
      onlyKnown(input, ['kind', 'until', 'enforced_by'])
      return { kind, until: dateText(member(input, 'until')), enforced_by }
    default:
      onlyKnown(input, ['kind', 'values', 'enforced_by'])
      return { kind, values: list(member(input, 'values'), 1).map((entry) => text(entry)), enforced_by }
  }
}

function readEnforcer(input: Input): Enforcer | null {
  if (isAbsent(input)) return null
  const by = oneOf(member(input, 'by'), ['erp', 'wms', 'interlock', 'procedure'])
  if (by !== 'procedure') return { by }
  return { by, person: text(member(input, 'person')) }
}

function readCountDifference(input: Input): CountDifference | null {
  if (isAbsent(input)) return null
  onlyKnown(input, ['quantity', 'document', 'owner'])
  const quantity = text(member(input, 'quantity'))
  amountIn(quantity, member(input, 'quantity').path)
  return { quantity, document: text(member(input, 'document')), owner: text(member(input, 'owner')) }
}

function quantitiesOf(inspection: Inspection, lines: readonly DecisionLine[], input: Input): Quantities {
  const sum = (outcome: Outcome): Amount =>
    lines.filter((line) => line.outcome === outcome).reduce((total, { quantity }) => total + amountOf(quantity), 0n)
  const given = (name: string): Amount => {
    const quantity = member(input, name)
    return isAbsent(quantity) ? 0n : amountOf(amountText(quantity))
  }
  const received = amountOf(inspection.fields['lot_quantity'] ?? '0')
  const difference = readCountDifference(member(input, 'count_difference'))
  const counted = received + (difference === null ? 0n : amountOf(difference.quantity))
  const known = {
    accepted: sum('accepted'),
    conditional: sum('conditional'),
    rejected: sum('rejected'),
    quarantined: sum('quarantined'),
    sampled_destroyed: given('sampled_destroyed'),
    retained: given('retained'),
  }
  const unresolved = Object.values(known).reduce((rest, amount) => rest - amount, counted)
  return {
    received: formatAmount(received),
    accepted: formatAmount(known.accepted),
    conditional: formatAmount(known.conditional),
    rejected: formatAmount(known.rejected),
    quarantined: formatAmount(known.quarantined),
    sampled_destroyed: formatAmount(known.sampled_destroyed),
    retained: formatAmount(known.retained),
    unresolved: formatAmount(unresolved),
  }
}

function checkConservation(inspection: Inspection, { quantities }: Decision): void {
  if (amountOf(quantities.unresolved) >= 0n) return
  const { lot_quantity, unit } = inspection.fields
  refuse('QUANTITY_EXCEEDS_LOT', `the lines and samples are more than the ${lot_quantity} ${unit} of the lot`, 'lines')
}

/** To accept, or to concede, there must be results and certificates; to withhold, nothing. */
function checkEvidence(inspection: Inspection, lines: readonly DecisionLine[]): void {
  const judged = lines.filter(({ outcome, condition }) => outcome === 'accepted' || condition?.kind === 'concession')
  if (judged.length === 0) return
  if (!areResultsComplete(inspection)) refuse('RESULTS_INCOMPLETE', 'results are missing', 'lines')
  if (judged.every(({ outcome }) => outcome !== 'accepted')) return
  const certificates = certificateStatus(inspection)
  if (certificates === 'missing') {
    const missing = inspection.required_certificates.filter(
      (type) => !inspection.certificates.some((certificate) => certificate.type === type),
    )
    refuse('CERTIFICATE_MISSING', `${missing.join(', ')} is missing`, 'certificates')
  }
  if (certificates === 'deviating') refuse('CERTIFICATE_DEVIATES', 'a certified value is outside the limits', 'certificates')
}

/** `{meaning, password}`: signing asks for the password once more. */
export function readSignature(
  decision: Decision,
  input: Input,
  stamp: { readonly user: User; readonly at: string; readonly hash: (text: string) => string },
): Signature {
  onlyKnown(input, ['meaning', 'password'])
  if (text(member(input, 'password')) !== stamp.user.password) refuse('INSUFFICIENT_ACCESS', 'wrong password', 'password')
  return {
    user: stamp.user.name,
    printed_name: stamp.user.printed_name,
    meaning: oneOf(member(input, 'meaning'), MEANINGS),
    signed_at: stamp.at,
    record_hash: stamp.hash(JSON.stringify(decision)),
  }
}
