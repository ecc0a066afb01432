import { type Entity, type EntityType, navigationNamed, type Property, propertyNamed } from './edm.ts'
import { type Filter, parseFilter, shownValue, unknownProperty } from './filter.ts'
import { compareValues } from './literals.ts'
import { GATEWAY, ODataError } from './odata-error.ts'

export interface Query {
  readonly filter: Filter | null
  /** Null: all. Paths through navigations keep their slashes. */
  readonly select: readonly string[] | null
  readonly expand: readonly string[]
  readonly order: readonly { readonly property: Property; readonly descending: boolean }[]
  readonly top: number | null
  readonly skip: number
  readonly skipToken: number
  readonly countsAll: boolean
}

const OPTIONS: ReadonlySet<string> = new Set([
  '$filter',
  '$select',
  '$expand',
  '$orderby',
  '$top',
  '$skip',
  '$skiptoken',
  '$inlinecount',
  '$format',
])

/** Of what stands behind the question mark. Custom options such as `sap-client` pass. */
export function queryParameters(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const part of text.split('&').filter((piece) => piece !== '')) {
    const [name = '', ...rest] = part.split('=')
    parameters.set(decoded(name), decoded(rest.join('=')))
  }
  return parameters
}

/** Percent escapes and plus signs; a malformed escape is the caller's error. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new ODataError(400, GATEWAY.badRequest, 'Malformed URI')
  }
}

export function parseQuery(parameters: ReadonlyMap<string, string>, type: EntityType): Query {
  for (const name of parameters.keys()) {
    if (name.startsWith('$') && !OPTIONS.has(name)) throw bad(`The query option '${name}' is not known`)
  }
  const format = parameters.get('$format')
  if (format !== undefined && format !== 'json') throw bad(`The format '${format}' is not supported`)
  const filter = parameters.get('$filter')
  const count = parameters.get('$inlinecount') ?? 'none'
  if (count !== 'none' && count !== 'allpages') throw bad(`'${count}' is not a value of $inlinecount`)
  return {
    filter: filter === undefined ? null : parseFilter(filter, type),
    select: parameters.has('$select') ? listOf(parameters, '$select') : null,
    expand: listOf(parameters, '$expand'),
    order: listOf(parameters, '$orderby').map((text) => ordering(text, type)),
    top: parameters.has('$top') ? wholeNumber(parameters, '$top') : null,
    skip: wholeNumber(parameters, '$skip'),
    skipToken: wholeNumber(parameters, '$skiptoken'),
    countsAll: count === 'allpages',
  }
}

function listOf(parameters: ReadonlyMap<string, string>, name: string): readonly string[] {
  return (parameters.get(name) ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
}

/** Every step of every path must lead somewhere; throws for the first that does not. */
export function checkPaths(query: Pick<Query, 'select' | 'expand'>, type: EntityType, typeOf: (set: string) => EntityType): void {
  for (const path of query.select ?? []) checkSelect(path, type, typeOf)
  for (const path of query.expand) checkExpand(path, type, typeOf)
}

function checkSelect(path: string, type: EntityType, typeOf: (set: string) => EntityType): void {
  const [first = '', ...rest] = path.split('/')
  const navigation = navigationNamed(type, first)
  if (navigation !== null && rest.length > 0) {
    checkSelect(rest.join('/'), typeOf(navigation.set), typeOf)
    return
  }
  const known = first === '*' || navigation !== null || propertyNamed(type, first) !== null || first in type.added
  if (!known || rest.length > 0) throw unknownProperty(type, path)
}

function checkExpand(path: string, type: EntityType, typeOf: (set: string) => EntityType): void {
  const [first = '', ...rest] = path.split('/')
  const navigation = navigationNamed(type, first)
  if (navigation === null) throw bad(`Navigation property '${first}' not found in type '${type.name}Type'`)
  if (rest.length > 0) checkExpand(rest.join('/'), typeOf(navigation.set), typeOf)
}

function ordering(text: string, type: EntityType): Query['order'][number] {
  const [name = '', direction = 'asc', ...rest] = text.split(/\s+/)
  const property = propertyNamed(type, name)
  if (property === null) throw unknownProperty(type, name)
  if (rest.length > 0 || (direction !== 'asc' && direction !== 'desc')) throw bad(`'${text}' is not an ordering`)
  return { property, descending: direction === 'desc' }
}

function wholeNumber(parameters: ReadonlyMap<string, string>, name: string): number {
  const text = parameters.get(name) ?? '0'
  if (!/^\d{1,9}$/.test(text)) throw bad(`'${text}' is not a value of ${name}`)
  return Number(text)
}

function bad(message: string): ODataError {
  return new ODataError(400, GATEWAY.badQuery, `Invalid query option: ${message}`)
}

export function ordered(entities: readonly Entity[], order: Query['order']): readonly Entity[] {
  if (order.length === 0) return entities
  return [...entities].sort((left, right) => {
    for (const { property, descending } of order) {
      const difference = compareValues(shownValue(left, property), shownValue(right, property), property.type)
      if (difference !== 0) return descending ? -difference : difference
    }
    return 0
  })
}

/** The steps of paths that go on behind `name`; a path that ends there leaves nothing. */
export function behind(paths: readonly string[], name: string): readonly string[] {
  return paths.filter((path) => path.startsWith(`${name}/`)).map((path) => path.slice(name.length + 1))
}
