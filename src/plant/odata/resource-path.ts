import { type EntityType, propertyNamed, type Value } from './edm.ts'
import { uriLiteral } from './literals.ts'
import { GATEWAY, ODataError } from './odata-error.ts'
import { decoded } from './query.ts'

/** One step of a path: a name, and the text between its parentheses if it has any. */
export interface Segment {
  readonly name: string
  readonly predicate: string | null
}

const SEGMENT = /^(\$?\w+)(?:\((.*)\))?$/
const SEGMENTS_MAX = 8

/** `A_Set(Key='1')/to_Items/$count`, without a leading slash. */
export function segmentsOf(path: string): readonly Segment[] {
  const segments = splitOutsideQuotes(path).map((text) => {
    const [, name, predicate] = SEGMENT.exec(decoded(text.replaceAll('+', '%2B'))) ?? []
    if (name === undefined) throw new ODataError(404, GATEWAY.noSuchSegment, `Resource not found for the segment '${text}'`)
    return { name, predicate: predicate ?? null }
  })
  if (segments.length > SEGMENTS_MAX) throw new ODataError(400, GATEWAY.badRequest, 'The path is too long')
  return segments
}

/** A quoted key may contain a slash. */
function splitOutsideQuotes(path: string): readonly string[] {
  const parts: string[] = []
  let quoted = false
  let part = ''
  for (const character of path) {
    if (character === "'") quoted = !quoted
    if (character === '/' && !quoted) {
      parts.push(part)
      part = ''
    } else part += character
  }
  return [...parts, part].filter((text) => text !== '')
}

const PAIR = /\s*(\w+)\s*=\s*((?:datetimeoffset|datetime|time|guid)?'(?:[^']|'')*'|[^,']+)\s*(?:,|$)/y

/** Every key property with its value, by its own name. A single key may stand without its name. */
export function keyOf(predicate: string, type: EntityType): Readonly<Record<string, Value>> {
  const [only] = type.keys
  const texts = predicate.includes('=') && !/^\s*'/.test(predicate) ? pairsOf(predicate) : new Map([[only ?? '', predicate.trim()]])
  if (texts.size !== type.keys.length) throw badKey(type)
  const key: Record<string, Value> = {}
  for (const [wire, text] of texts) {
    const property = propertyNamed(type, wire)
    const value = property === null ? undefined : uriLiteral(text, property.type)
    if (property === null || value === undefined || !type.keys.includes(property.name)) throw badKey(type)
    key[property.name] = value
  }
  return key
}

function pairsOf(predicate: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < predicate.length) {
    const match = PAIR.exec(predicate)
    if (match === null) return new Map()
    pairs.set(match[1] ?? '', (match[2] ?? '').trim())
  }
  return pairs
}

function badKey(type: EntityType): ODataError {
  return new ODataError(400, GATEWAY.badRequest, `Invalid key predicate for type '${type.name}Type'`)
}
