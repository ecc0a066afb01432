import { type Entity, type EntityType, type Property, propertyNamed, type Value } from './edm.ts'
import { compareValues, uriLiteral } from './literals.ts'
import { GATEWAY, ODataError } from './odata-error.ts'

type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le'
type TextTest = 'substringof' | 'startswith' | 'endswith'

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'not'; readonly of: Filter }
  | { readonly kind: 'compare'; readonly comparison: Comparison; readonly property: Property; readonly value: Value }
  | { readonly kind: 'text'; readonly test: TextTest; readonly property: Property; readonly value: string }

const TOKEN = /\s*([(),]|(?:datetimeoffset|datetime|time|guid)?'(?:[^']|'')*'|-?\d+(?:\.\d+)?[mMdDfFlL]?(?![\w.])|[A-Za-z_]\w*)/y
const COMPARISONS: ReadonlySet<string> = new Set(['eq', 'ne', 'gt', 'ge', 'lt', 'le'])
const TEXT_TESTS: ReadonlySet<string> = new Set(['substringof', 'startswith', 'endswith'])
const MIRRORED: Readonly<Record<Comparison, Comparison>> = { eq: 'eq', ne: 'ne', gt: 'lt', ge: 'le', lt: 'gt', le: 'ge' }
const DEPTH_MAX = 50

interface Reader {
  readonly type: EntityType
  readonly tokens: readonly string[]
  at: number
  depth: number
}

/** Throws an `ODataError` with status 400 for anything that is not a filter over this type. */
export function parseFilter(text: string, type: EntityType): Filter {
  const reader: Reader = { type, tokens: tokensOf(text), at: 0, depth: 0 }
  const filter = either(reader)
  if (reader.at < reader.tokens.length) throw bad(`Syntax error at '${reader.tokens[reader.at]}'`)
  return filter
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  const end = text.trimEnd().length
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (match === null) throw bad(`Syntax error at position ${from}`)
    tokens.push(match[1] ?? '')
  }
  return tokens
}

function either(reader: Reader): Filter {
  let left = both(reader)
  while (taken(reader, 'or')) left = { kind: 'or', left, right: both(reader) }
  return left
}

function both(reader: Reader): Filter {
  let left = one(reader)
  while (taken(reader, 'and')) left = { kind: 'and', left, right: one(reader) }
  return left
}

function one(reader: Reader): Filter {
  reader.depth += 1
  if (reader.depth > DEPTH_MAX) throw bad('The filter is nested too deeply')
  const filter = taken(reader, 'not') ? { kind: 'not' as const, of: one(reader) } : grouped(reader)
  reader.depth -= 1
  return filter
}

function grouped(reader: Reader): Filter {
  if (!taken(reader, '(')) return TEXT_TESTS.has(reader.tokens[reader.at] ?? '') ? textTest(reader) : compare(reader)
  const inner = either(reader)
  expected(reader, ')')
  return inner
}

function compare(reader: Reader): Filter {
  const left = next(reader)
  const comparison = next(reader)
  const right = next(reader)
  if (!COMPARISONS.has(comparison)) throw bad(`'${comparison}' is not a comparison`)
  const straight = propertyNamed(reader.type, left)
  if (straight !== null) return comparing(straight, comparison as Comparison, right)
  const mirrored = propertyNamed(reader.type, right)
  if (mirrored === null) throw unknownProperty(reader.type, isName(left) ? left : right)
  return comparing(mirrored, MIRRORED[comparison as Comparison], left)
}

function comparing(property: Property, comparison: Comparison, literal: string): Filter {
  const value = uriLiteral(literal, property.type)
  if (value === undefined) throw bad(`'${literal}' is not of type Edm.${property.type} of property '${property.wire}'`)
  return { kind: 'compare', comparison, property, value }
}

/** `substringof('text',Field)`, `startswith(Field,'text')`, alone or compared with true. */
function textTest(reader: Reader): Filter {
  const test = next(reader) as TextTest
  expected(reader, '(')
  const first = next(reader)
  expected(reader, ',')
  const second = next(reader)
  expected(reader, ')')
  const [name, literal] = test === 'substringof' ? [second, first] : [first, second]
  const property = propertyNamed(reader.type, name)
  if (property === null) throw unknownProperty(reader.type, name)
  const value = uriLiteral(literal, 'String')
  if (property.type !== 'String' || typeof value !== 'string') throw bad(`${test} needs a text and a property of type Edm.String`)
  const filter: Filter = { kind: 'text', test, property, value }
  if (!taken(reader, 'eq')) return filter
  const wanted = next(reader)
  if (wanted !== 'true' && wanted !== 'false') throw bad(`'${wanted}' is not of type Edm.Boolean`)
  return wanted === 'true' ? filter : { kind: 'not', of: filter }
}

function next(reader: Reader): string {
  const token = reader.tokens[reader.at]
  if (token === undefined) throw bad('The filter ends too early')
  reader.at += 1
  return token
}

function taken(reader: Reader, token: string): boolean {
  if (reader.tokens[reader.at] !== token) return false
  reader.at += 1
  return true
}

function expected(reader: Reader, token: string): void {
  if (!taken(reader, token)) throw bad(`'${token}' expected before '${reader.tokens[reader.at] ?? 'the end'}'`)
}

function isName(token: string): boolean {
  return /^[A-Za-z_]\w*$/.test(token) && !['true', 'false', 'null'].includes(token)
}

function bad(message: string): ODataError {
  return new ODataError(400, GATEWAY.badFilter, `Invalid filter: ${message}`)
}

export function unknownProperty(type: EntityType, name: string): ODataError {
  return new ODataError(400, GATEWAY.unknownProperty, `Property '${name}' not found in type '${type.name}Type'`)
}

export function matches(filter: Filter, entity: Entity): boolean {
  switch (filter.kind) {
    case 'and':
      return matches(filter.left, entity) && matches(filter.right, entity)
    case 'or':
      return matches(filter.left, entity) || matches(filter.right, entity)
    case 'not':
      return !matches(filter.of, entity)
    case 'compare':
      return compares(filter.comparison, compareValues(shownValue(entity, filter.property), filter.value, filter.property.type))
    case 'text':
      return testsText(filter.test, String(shownValue(entity, filter.property) ?? ''), filter.value)
  }
}

/** Absent text is empty text, as on the wire. */
export function shownValue(entity: Entity, property: Property): Value {
  const value = entity[property.name]
  if (value !== undefined && value !== null && typeof value !== 'object') return value
  if (property.type === 'String') return ''
  if (property.type === 'Boolean') return false
  return property.type === 'Decimal' ? '0' : null
}

function compares(comparison: Comparison, order: number): boolean {
  switch (comparison) {
    case 'eq':
      return order === 0
    case 'ne':
      return order !== 0
    case 'gt':
      return order > 0
    case 'ge':
      return order >= 0
    case 'lt':
      return order < 0
    case 'le':
      return order <= 0
  }
}

function testsText(test: TextTest, text: string, part: string): boolean {
  if (test === 'substringof') return text.includes(part)
  return test === 'startswith' ? text.startsWith(part) : text.endsWith(part)
}

/** Properties that every match must have with one of these values: what an index may be asked for. */
export function requiredValues(filter: Filter | null): ReadonlyMap<string, readonly Value[]> {
  if (filter === null) return new Map()
  if (filter.kind === 'compare' && filter.comparison === 'eq') return new Map([[filter.property.name, [filter.value]]])
  if (filter.kind === 'and') return new Map([...requiredValues(filter.right), ...requiredValues(filter.left)])
  if (filter.kind !== 'or') return new Map()
  const left = requiredValues(filter.left)
  const right = requiredValues(filter.right)
  const shared = [...left.keys()].filter((name) => right.has(name))
  return new Map(shared.map((name) => [name, [...(left.get(name) ?? []), ...(right.get(name) ?? [])]]))
}
