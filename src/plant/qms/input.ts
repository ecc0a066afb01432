import { type Amount, parseAmount } from '../amount.ts'
import { refuse } from './refusal.ts'

/** JSON from outside, with the path it was found at. */
export interface Input {
  readonly value: unknown
  readonly path: string
}

type Fields = Readonly<Record<string, unknown>>

export function fieldsOf({ value, path }: Input): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  return refuse('INVALID_DATA', 'an object is expected', path)
}

/** The member called `name`; `undefined` where it is absent or null. */
export function member(input: Input, name: string): Input {
  return { value: fieldsOf(input)[name] ?? undefined, path: input.path === '' ? name : `${input.path}.${name}` }
}

/** Every name beyond `known` is refused. */
export function onlyKnown(input: Input, known: readonly string[]): void {
  const unknown = Object.keys(fieldsOf(input)).find((name) => !known.includes(name))
  if (unknown !== undefined) refuse('UNKNOWN_FIELD', `${unknown} is not known here`, member(input, unknown).path)
}

export function isAbsent(input: Input): boolean {
  return input.value === undefined
}

export function text(input: Input, lengthMax = 255): string {
  const { value, path } = input
  if (isAbsent(input)) return refuse('PARAMETER_REQUIRED', `${path} is required`, path)
  if (typeof value !== 'string' || value.trim() === '') return refuse('INVALID_DATA', 'a text is expected', path)
  if (value.length > lengthMax) return refuse('INVALID_DATA', `at most ${lengthMax} characters`, path)
  return value
}

export function optionalText(input: Input): string | null {
  return isAbsent(input) ? null : text(input)
}

export function oneOf<T extends string>(input: Input, values: readonly T[]): T {
  const given = text(input)
  return values.find((value) => value === given) ?? refuse('INVALID_DATA', `one of ${values.join(', ')} is expected`, input.path)
}

/** An amount of at least zero, as text. */
export function amountText(input: Input): string {
  const given = text(input)
  return amountIn(given, input.path) >= 0n ? given : refuse('INVALID_DATA', 'less than nothing', input.path)
}

export function amountIn(given: string, path: string): Amount {
  return parseAmount(given) ?? refuse('INVALID_DATA', 'a decimal number is expected', path)
}

export function count(input: Input): number {
  const { value, path } = input
  if (isAbsent(input)) return refuse('PARAMETER_REQUIRED', `${path} is required`, path)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  return refuse('INVALID_DATA', 'a whole number is expected', path)
}

/** At least `lengthMin` elements, each with its path. */
export function list(input: Input, lengthMin: number, lengthMax = 500): readonly Input[] {
  const { value, path } = input
  if (isAbsent(input)) return lengthMin === 0 ? [] : refuse('PARAMETER_REQUIRED', `${path} is required`, path)
  if (!Array.isArray(value) || value.length < lengthMin || value.length > lengthMax) {
    return refuse('INVALID_DATA', `a list of ${lengthMin} to ${lengthMax} elements is expected`, path)
  }
  return value.map((element: unknown, index) => ({ value: element, path: `${path}[${index}]` }))
}

/** `2026-11-30` or an instant with zone. */
export function dateText(input: Input): string {
  const given = text(input)
  const shaped = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/.test(given)
  return shaped && !Number.isNaN(Date.parse(given)) ? given : refuse('INVALID_DATA', 'a date is expected', input.path)
}
