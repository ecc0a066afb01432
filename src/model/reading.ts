import type { ErrorCode } from '../errors.ts'

/**
 * Why a foreign record cannot be read. Mappings throw it inside and answer it as a value at their border.
 * `causeGroup` joins everything that one fix would cure, for example `unit:XBX`.
 */
export class MappingFailure extends Error {
  override readonly name = 'MappingFailure'
  readonly code: ErrorCode
  readonly causeGroup: string
  constructor(code: ErrorCode, causeGroup: string, detail: string) {
    super(detail)
    this.code = code
    this.causeGroup = causeGroup
  }
}

export type Foreign = Readonly<Record<string, unknown>>

/** Runs a reading and turns a MappingFailure into a value; everything else is a bug and goes on. */
export function readingOf<T>(
  read: () => T,
):
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: ErrorCode; readonly causeGroup: string; readonly detail: string } {
  try {
    return { ok: true, value: read() }
  } catch (failure) {
    if (!(failure instanceof MappingFailure)) throw failure
    return { ok: false, code: failure.code, causeGroup: failure.causeGroup, detail: failure.message }
  }
}

export function recordIn(value: unknown, what: string): Foreign {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Foreign
  throw malformed(what, 'an object')
}

export function listIn(record: Foreign, field: string): readonly unknown[] {
  const value = record[field]
  if (Array.isArray(value)) return value
  throw malformed(field, 'a list')
}

/** A text that says something. */
export function textIn(record: Foreign, field: string): string {
  const value = record[field]
  if (typeof value === 'string' && value.length > 0) return value
  throw malformed(field, 'a text')
}

/** Null when the field is null, empty or not there. */
export function textOrNullIn(record: Foreign, field: string): string | null {
  const value = record[field]
  return value === null || value === undefined || value === '' ? null : textIn(record, field)
}

/** RFC 3339 in, RFC 3339 UTC with milliseconds out. */
export function timeIn(record: Foreign, field: string): string {
  const ms = Date.parse(textIn(record, field))
  if (Number.isNaN(ms)) throw malformed(field, 'a time')
  return new Date(ms).toISOString()
}

export function wholeNumberIn(record: Foreign, field: string): number {
  const value = record[field]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw malformed(field, 'a whole number')
}

/** Translates a code; one that the table does not know is an exception, never a default. */
export function codeIn<T>(table: ReadonlyMap<string, T>, kind: string, code: string): T {
  const meaning = table.get(code)
  if (meaning !== undefined) return meaning
  throw new MappingFailure('mapping.failed', `${kind}:${code}`, `unknown ${kind} code ${JSON.stringify(code.slice(0, 40))}`)
}

function malformed(what: string, wanted: string): MappingFailure {
  return new MappingFailure('input.malformed', `field:${what}`, `${what} is not ${wanted}`)
}
