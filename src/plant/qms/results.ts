import { parseAmount } from '../amount.ts'
import { amountIn, count, type Input, isAbsent, list, member, oneOf, onlyKnown, optionalText, text } from './input.ts'
import { refuse } from './refusal.ts'
import type { Certificate, Characteristic, Inspection, Result, Retest } from './types.ts'

interface Stamp {
  readonly by: string
  readonly at: string
}

/** `{results: [{characteristic, sample, value | inspected and nonconforming, device?}]}`, all of the round that is open. */
export function readResults(inspection: Inspection, input: Input, stamp: Stamp): readonly Result[] {
  onlyKnown(input, ['results'])
  const added: Result[] = []
  for (const entry of list(member(input, 'results'), 1)) {
    const result = readResult(inspection, entry, stamp)
    const same = (other: Result): boolean =>
      other.characteristic === result.characteristic && other.sample === result.sample && other.round === result.round
    if ([...inspection.results, ...added].some(same)) {
      refuse(
        'RESULT_EXISTS',
        `sample ${result.sample} of ${result.characteristic} has a result; a retest needs an authorisation`,
        entry.path,
      )
    }
    added.push(result)
  }
  return added
}

function readResult(inspection: Inspection, input: Input, { by, at }: Stamp): Result {
  onlyKnown(input, ['characteristic', 'sample', 'value', 'inspected', 'nonconforming', 'device'])
  const number = text(member(input, 'characteristic'))
  const characteristic =
    inspection.characteristics.find((candidate) => candidate.number === number) ??
    refuse('INVALID_DATA', `the plan has no characteristic ${number}`, member(input, 'characteristic').path)
  const round = inspection.retests.findLast(({ characteristics }) => characteristics.includes(number))?.round ?? 0
  const measured = { characteristic: number, sample: text(member(input, 'sample')), round, device: optionalText(member(input, 'device')) }
  const recorded = { recorded_by: by, recorded_at: at }
  if (characteristic.kind === 'variable') {
    const value = text(member(input, 'value'))
    amountIn(value, member(input, 'value').path)
    const verdict = isWithin(characteristic, value) ? 'pass' : 'fail'
    return { ...measured, value, inspected: null, nonconforming: null, verdict, ...recorded }
  }
  const inspected = count(member(input, 'inspected'))
  const nonconforming = count(member(input, 'nonconforming'))
  if (nonconforming > inspected) refuse('INVALID_DATA', 'more nonconforming than inspected', member(input, 'nonconforming').path)
  return { ...measured, value: null, inspected, nonconforming, verdict: nonconforming === 0 ? 'pass' : 'fail', ...recorded }
}

function isWithin({ lower_limit, upper_limit }: Characteristic, value: string): boolean {
  const amount = parseAmount(value)
  const lower = parseAmount(lower_limit)
  const upper = parseAmount(upper_limit)
  return amount !== null && (lower === null || amount >= lower) && (upper === null || amount <= upper)
}

/** Every sample of the first round, and one result of each characteristic in every retest. */
export function areResultsComplete(inspection: Inspection): boolean {
  const recorded = (number: string, round: number): number =>
    inspection.results.filter((result) => result.characteristic === number && result.round === round).length
  return (
    inspection.characteristics.every(({ number, sample_size }) => recorded(number, 0) >= sample_size) &&
    inspection.retests.every(({ round, characteristics }) => characteristics.every((number) => recorded(number, round) > 0))
  )
}

/** `{characteristics, reason, authorised_by}`: nobody authorises what they ask for. */
export function readRetest(inspection: Inspection, input: Input, stamp: Stamp): Retest {
  onlyKnown(input, ['characteristics', 'reason', 'authorised_by'])
  const characteristics = list(member(input, 'characteristics'), 1).map((entry) => {
    const number = text(entry)
    const recorded = inspection.results.some((result) => result.characteristic === number)
    return recorded ? number : refuse('INVALID_DATA', `${number} has no result that could be tested again`, entry.path)
  })
  const authorised_by = text(member(input, 'authorised_by'))
  if (authorised_by === stamp.by)
    refuse('INSUFFICIENT_ACCESS', 'a retest is authorised by somebody else', member(input, 'authorised_by').path)
  return {
    round: inspection.retests.length + 1,
    characteristics,
    reason: text(member(input, 'reason')),
    authorised_by,
    requested_by: stamp.by,
    requested_at: stamp.at,
  }
}

/** `{type, number, values: [{characteristic, value}]}`: what a certificate says is compared, not believed. */
export function readCertificate(inspection: Inspection, input: Input, stamp: Stamp): Certificate {
  onlyKnown(input, ['type', 'number', 'values'])
  const values = list(member(input, 'values'), 0).map((entry) => {
    const value = text(member(entry, 'value'))
    amountIn(value, member(entry, 'value').path)
    return { characteristic: text(member(entry, 'characteristic')), value }
  })
  const deviations = values
    .filter(({ characteristic, value }) => {
      const required = inspection.characteristics.find(({ number }) => number === characteristic)
      return required !== undefined && required.kind === 'variable' && !isWithin(required, value)
    })
    .map(({ characteristic }) => characteristic)
  return { type: text(member(input, 'type')), number: text(member(input, 'number')), values, deviations, attached_by: stamp.by }
}

/** Of a plan: `[{number, name, kind, unit?, lower_limit?, upper_limit?, sample_size?}]`. */
export function readCharacteristic(input: Input): Characteristic {
  onlyKnown(input, ['number', 'name', 'kind', 'unit', 'lower_limit', 'upper_limit', 'sample_size'])
  const limit = (name: string): string | null => {
    const given = optionalText(member(input, name))
    if (given !== null) amountIn(given, member(input, name).path)
    return given
  }
  const kind = member(input, 'kind')
  const sampleSize = member(input, 'sample_size')
  return {
    number: text(member(input, 'number')),
    name: optionalText(member(input, 'name')) ?? text(member(input, 'number')),
    kind: isAbsent(kind) ? 'variable' : oneOf(kind, ['variable', 'attribute']),
    unit: optionalText(member(input, 'unit')),
    lower_limit: limit('lower_limit'),
    upper_limit: limit('upper_limit'),
    sample_size: isAbsent(sampleSize) ? 1 : count(sampleSize),
  }
}
