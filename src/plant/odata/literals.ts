import { parseAmount } from '../amount.ts'
import type { Primitive, Property, Value } from './edm.ts'

/** The three ways a value is written: in a URI, in JSON, and as the plant keeps it. */

const DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?$/
const OFFSET_DATE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?)(Z|[+-]\d\d:\d\d)$/
const DURATION = /^PT(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})(?:\.\d+)?S)?$/
const TICKS = /^\/Date\((-?\d+)(?:[+-]\d{4})?\)\/$/
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const TYPED = /^(datetimeoffset|datetime|time|guid)'(.*)'$/
const NUMBER = /^-?\d+(?:\.\d+)?[mMdDfFlL]?$/

const PREFIXES: Readonly<Record<string, Primitive>> = { datetime: 'DateTime', datetimeoffset: 'DateTimeOffset', time: 'Time', guid: 'Guid' }

/** Undefined: not a literal of this type. `null` is one of every type. */
export function uriLiteral(text: string, type: Primitive): Value | undefined {
  if (text === 'null') return null
  const typed = TYPED.exec(text)
  if (typed !== null) {
    const [, prefix = '', inner = ''] = typed
    return PREFIXES[prefix] === type ? fromText(inner, type) : undefined
  }
  if (type === 'String') return quoted(text)
  if (type === 'Boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  if (type === 'Decimal' && NUMBER.test(text)) return text.replace(/[mMdDfFlL]$/, '')
  return undefined
}

function quoted(text: string): string | undefined {
  const match = /^'((?:[^']|'')*)'$/.exec(text)
  return match === null ? undefined : (match[1] ?? '').replaceAll("''", "'")
}

function fromText(text: string, type: Primitive): Value | undefined {
  switch (type) {
    case 'DateTime':
      return dateMs(text)
    case 'DateTimeOffset':
      return offsetDateMs(text)
    case 'Time':
      return seconds(text)
    case 'Guid':
      return GUID.test(text) ? text.toLowerCase() : undefined
    case 'String':
    case 'Decimal':
    case 'Boolean':
      return undefined
  }
}

function dateMs(text: string): number | undefined {
  const [, day, minute = '00:00', second = '00', fraction = '0'] = DATE.exec(text) ?? []
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`)
  return Number.isNaN(ms) ? undefined : ms
}

function offsetDateMs(text: string): number | undefined {
  const [, local, zone] = OFFSET_DATE.exec(text) ?? []
  const ms = local === undefined ? undefined : dateMs(local)
  if (ms === undefined || zone === undefined) return undefined
  if (zone === 'Z') return ms
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))
  return ms - (zone.startsWith('-') ? -minutes : minutes) * 60_000
}

function seconds(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (match === null || text === 'PT') return undefined
  const [, hours = '0', minutes = '0', rest = '0'] = match
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(rest)
}

/** What a request's JSON says. Undefined: not a value of this property, or too long for it. */
export function fromJson(raw: unknown, property: Property): Value | undefined {
  if (raw === null) return null
  if (property.type === 'Boolean') return typeof raw === 'boolean' ? raw : undefined
  if (typeof raw !== 'string') return undefined
  switch (property.type) {
    case 'String':
      return [...raw].length <= property.lengthMax ? raw : undefined
    case 'Decimal':
      return isDecimal(raw, property.scale) ? raw : undefined
    case 'DateTime':
      return ticks(raw) ?? dateMs(raw)
    case 'DateTimeOffset':
      return ticks(raw) ?? offsetDateMs(raw)
    case 'Time':
    case 'Guid':
      return fromText(raw, property.type)
  }
}

function ticks(text: string): number | undefined {
  const match = TICKS.exec(text)
  return match === null ? undefined : Number(match[1])
}

function isDecimal(text: string, scale: number | null): boolean {
  if (parseAmount(text) === null) return false
  return (text.split('.')[1] ?? '').replace(/0+$/, '').length <= (scale ?? 9)
}

/** A property without a value is empty text, zero, false or null, as its type has it. */
export function toJson(value: Value | undefined, property: Property): unknown {
  switch (property.type) {
    case 'String':
      return value ?? ''
    case 'Boolean':
      return value ?? false
    case 'Decimal':
      return decimalText(typeof value === 'string' ? value : '0', property.scale)
    case 'DateTime':
      return typeof value === 'number' ? `/Date(${value})/` : null
    case 'DateTimeOffset':
      return typeof value === 'number' ? `/Date(${value}+0000)/` : null
    case 'Time':
      return typeof value === 'number' ? durationText(value) : null
    case 'Guid':
      return value ?? null
  }
}

/** With a scale, padded to it (`10.000`); without, as short as it goes. Clients have to take both. */
function decimalText(text: string, scale: number | null): string {
  const [whole = '0', fraction = ''] = text.split('.')
  const short = fraction.replace(/0+$/, '')
  const shown = scale === null ? short : short.padEnd(scale, '0')
  return shown === '' ? whole : `${whole}.${shown}`
}

function durationText(value: number): string {
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0')
  return `PT${two(value / 3600)}H${two((value % 3600) / 60)}M${two(value % 60)}S`
}

/** As it stands in a key predicate or an ETag. */
export function toUri(value: Value | undefined, type: Primitive): string {
  switch (type) {
    case 'String':
      return `'${encodeURIComponent(String(value ?? '')).replaceAll("'", "''")}'`
    case 'DateTime':
      return `datetime'${new Date(Number(value ?? 0)).toISOString().slice(0, 19)}'`
    case 'DateTimeOffset':
      return `datetimeoffset'${new Date(Number(value ?? 0)).toISOString().replace('Z', '0000Z')}'`
    case 'Time':
      return `time'${durationText(Number(value ?? 0))}'`
    case 'Guid':
      return `guid'${String(value ?? '')}'`
    case 'Decimal':
      return `${String(value ?? '0')}m`
    case 'Boolean':
      return String(value ?? false)
  }
}

/** Negative, zero, positive; null comes before everything. */
export function compareValues(left: Value | undefined, right: Value | undefined, type: Primitive): number {
  if (left === null || left === undefined || right === null || right === undefined) {
    return Number(left !== null && left !== undefined) - Number(right !== null && right !== undefined)
  }
  if (type !== 'Decimal') return left < right ? -1 : left > right ? 1 : 0
  const difference = (parseAmount(left) ?? 0n) - (parseAmount(right) ?? 0n)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
