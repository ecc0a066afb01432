/** RULES 14, 15 over the lines of one usage decision: what they add up to, and which portion each of them speaks of. */
import type { ErrorCode } from '../errors.ts'
import type { PortionScope } from '../model/hold.ts'
import type { DecisionLine, InspectionOutcome } from '../model/inspection.ts'
import { addQuantity, compareQuantity, isNegativeQuantity, type Quantity } from '../model/quantity.ts'
import { intersectScopes, scopeCharacters, uniteAll, WHOLE } from '../model/scope.ts'

/** What one decision may bring, so that the state of a lot stays small. Beyond: `input.tooLarge`, nothing is freed. */
export const LINES_MAX = 150
export const CARRIER_CHARACTERS_MAX = 4_000

export interface LineProblem {
  readonly code: ErrorCode
  readonly detail: string
}

/** Null: the lines may be carried out. `quantity`: what is left of the receipt line's lot. */
export function problemOf(lines: readonly DecisionLine[], quantity: Quantity): LineProblem | null {
  return quantityProblem(lines, quantity) ?? portionProblem(lines)
}

export function sizeProblem(lines: readonly DecisionLine[]): LineProblem | null {
  if (lines.length > LINES_MAX) return { code: 'input.tooLarge', detail: `${lines.length} decision lines; at most ${LINES_MAX} are taken` }
  let characters = 0
  for (const { portion } of lines) if (portion !== null) characters += scopeCharacters(portion)
  if (characters <= CARRIER_CHARACTERS_MAX) return null
  return { code: 'input.tooLarge', detail: `carriers of ${characters} characters; at most ${CARRIER_CHARACTERS_MAX} are taken` }
}

function quantityProblem(lines: readonly DecisionLine[], quantity: Quantity): LineProblem | null {
  const wrong = (detail: string): LineProblem => ({ code: 'decision.quantityMismatch', detail })
  const numbers = new Set<number>()
  let sum: Quantity = { value: '0', uom: quantity.uom }
  for (const line of lines) {
    if (numbers.has(line.line)) return wrong(`line ${line.line} occurs twice`)
    numbers.add(line.line)
    if (line.quantity.uom !== quantity.uom) return wrong(`line ${line.line} is in ${line.quantity.uom}, the receipt in ${quantity.uom}`)
    if (isNegativeQuantity(line.quantity)) return wrong(`line ${line.line} is negative`)
    sum = addQuantity(sum, line.quantity)
  }
  if (compareQuantity(sum, quantity) === 0) return null
  return wrong(`the lines add up to ${sum.value} ${sum.uom}, there are ${quantity.value}`)
}

/** RULES 14: lines of several outcomes name their carriers, and no portion has two outcomes. */
export function portionProblem(lines: readonly DecisionLine[]): LineProblem | null {
  const byOutcome = new Map<InspectionOutcome, PortionScope[]>()
  const several = lines.some((line) => line.outcome !== lines[0]?.outcome)
  if (!several) return null
  for (const { line, outcome, portion } of lines) {
    if (portion === null) return { code: 'portion.carrierMissing', detail: `line ${line} (${outcome}) names no carrier` }
    const known = byOutcome.get(outcome)
    if (known === undefined) byOutcome.set(outcome, [portion])
    else known.push(portion)
  }
  const portions = [...byOutcome].map(([outcome, scopes]) => [outcome, uniteAll(scopes) as PortionScope] as const)
  for (const [index, [outcome, portion]] of portions.entries()) {
    for (const [otherOutcome, other] of portions.slice(index + 1)) {
      if (intersectScopes(portion, other) !== null) {
        return { code: 'portion.carrierMissing', detail: `the portions ${outcome} and ${otherOutcome} overlap` }
      }
    }
  }
  return null
}

/** Of a line without problem. A line that names nothing stands with lines of its own outcome only: the whole lot. */
export function portionOf(line: Pick<DecisionLine, 'portion'>): PortionScope {
  return line.portion ?? WHOLE
}

/** What the lines of one outcome speak of; null: no line has it. */
export function portionOfOutcome(lines: readonly DecisionLine[], outcome: InspectionOutcome): PortionScope | null {
  return uniteAll(lines.filter((line) => line.outcome === outcome).map(portionOf))
}

/** By value. */
export function sameLines(one: readonly DecisionLine[], other: readonly DecisionLine[]): boolean {
  return JSON.stringify(one.map(comparable)) === JSON.stringify(other.map(comparable))
}

function comparable({ line, outcome, quantity, portion }: DecisionLine): unknown {
  const names = portion === null || portion.kind === 'whole' ? [] : portion.kind === 'carriers' ? portion.carriers : portion.except
  return [line, outcome, quantity.value, quantity.uom, portion?.kind ?? null, ...names]
}
