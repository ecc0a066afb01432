import { type Entity, type EntityType, navigationNamed, type Property, propertyNamed, type Value } from './edm.ts'
import { shownValue } from './filter.ts'
import { fromJson, toJson, toUri } from './literals.ts'
import { GATEWAY, ODataError } from './odata-error.ts'
import { behind } from './query.ts'

export interface Rendering {
  /** `http://host/sap/opu/odata/sap/API_X/`. */
  readonly root: string
  readonly namespace: string
  typeOf(set: string): EntityType
  follow(set: string, navigation: string, entity: Entity): readonly Entity[]
}

interface Shown {
  readonly set: string
  readonly select: readonly string[] | null
  readonly expand: readonly string[]
}

/** The JSON of one entity, navigations deferred unless expanded. */
export function renderEntity(rendering: Rendering, shown: Shown, entity: Entity): Readonly<Record<string, unknown>> {
  const type = rendering.typeOf(shown.set)
  const uri = `${rendering.root}${shown.set}(${keyText(type, entity)})`
  const etag = etagOf(type, entity)
  const json: Record<string, unknown> = {
    __metadata: { id: uri, uri, type: `${rendering.namespace}.${type.name}Type`, ...(etag === null ? {} : { etag }) },
  }
  const selects = (name: string): boolean => shown.select === null || shown.select.includes('*') || shown.select.includes(name)
  for (const property of type.properties) if (selects(property.wire)) json[property.wire] = toJson(shownValue(entity, property), property)
  for (const [name, value] of Object.entries(type.added)) if (selects(name)) json[name] = value
  for (const { name, set, many } of type.navigations) {
    const deeper = shown.select === null ? null : behind(shown.select, name)
    if (!selects(name) && deeper?.length === 0) continue
    if (!shown.expand.some((path) => path.split('/')[0] === name)) {
      json[name] = { __deferred: { uri: `${uri}/${name}` } }
      continue
    }
    const inner: Shown = { set, select: deeper === null || deeper.length === 0 ? null : deeper, expand: behind(shown.expand, name) }
    const found = rendering.follow(shown.set, name, entity).map((related) => renderEntity(rendering, inner, related))
    json[name] = many ? { results: found } : (found[0] ?? null)
  }
  return json
}

export function keyText(type: EntityType, entity: Entity): string {
  const pairs = type.keys.flatMap((name) => {
    const property = type.properties.find((candidate) => candidate.name === name)
    return property === undefined ? [] : [`${property.wire}=${toUri(shownValue(entity, property), property.type)}`]
  })
  return pairs.length === 1 ? (pairs[0] ?? '').replace(/^\w+=/, '') : pairs.join(',')
}

export function etagOf(type: EntityType, entity: Entity): string | null {
  const property = type.properties.find(({ name }) => name === type.etag)
  if (property === undefined) return null
  return `W/"${toUri(shownValue(entity, property), property.type).replaceAll(':', '%3A')}"`
}

/** Reads the JSON of a create: every field known, of its type and not too long; navigations of deep inserts too. */
export function readCreate(raw: unknown, type: EntityType, typeOf: (set: string) => EntityType): Entity {
  const entity: Record<string, Value | readonly Entity[]> = {}
  for (const [name, value] of Object.entries(fieldsOf(raw))) {
    const navigation = navigationNamed(type, name)
    if (navigation === null) {
      const property = writable(type, name, 'creatable')
      entity[property.name] = checkedValue(value, property)
      continue
    }
    const nested = (value as { results?: unknown } | null)?.results ?? value
    const list = Array.isArray(nested) ? nested : navigation.many ? undefined : [nested]
    if (list === undefined) throw invalid(`Navigation property '${name}' must be a list`)
    entity[name] = list.map((inner) => readCreate(inner, typeOf(navigation.set), typeOf))
  }
  return entity
}

/** Reads the JSON of a change; `{"d": {...}}` around it is allowed. */
export function readUpdate(raw: unknown, type: EntityType): Entity {
  const entity: Record<string, Value> = {}
  for (const [name, value] of Object.entries(fieldsOf(raw))) {
    const property = writable(type, name, 'updatable')
    entity[property.name] = checkedValue(value, property)
  }
  return entity
}

function fieldsOf(raw: unknown): Readonly<Record<string, unknown>> {
  const inner = isObject(raw) && isObject(raw['d']) && Object.keys(raw).length === 1 ? raw['d'] : raw
  if (!isObject(inner)) throw invalid('The request body is not a JSON object')
  const { __metadata: _, ...fields } = inner
  return fields
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function writable(type: EntityType, name: string, how: 'creatable' | 'updatable'): Property {
  const property = propertyNamed(type, name)
  if (property === null) throw new ODataError(400, GATEWAY.unknownProperty, `Property '${name}' is invalid for type '${type.name}Type'`)
  if (!property[how]) throw invalid(`Property '${name}' is not ${how}`)
  return property
}

function checkedValue(raw: unknown, property: Property): Value {
  const value = fromJson(raw, property)
  if (value !== undefined) return value
  throw new ODataError(400, GATEWAY.badValue, `Property '${property.wire}' has invalid value '${String(raw).slice(0, 60)}'`)
}

function invalid(message: string): ODataError {
  return new ODataError(400, GATEWAY.badRequest, message)
}
