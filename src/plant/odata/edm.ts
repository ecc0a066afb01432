/** The entity data model of one OData v2 service, as data. */

export type Primitive = 'String' | 'Decimal' | 'DateTime' | 'DateTimeOffset' | 'Time' | 'Boolean' | 'Guid'

/**
 * Values as the plant keeps them: text for String, Decimal and Guid; milliseconds since the epoch for DateTime (of a
 * local date, read as if it were UTC) and DateTimeOffset; seconds since midnight for Time.
 */
export type Value = string | number | boolean | null

/** Properties by their own names, navigations by theirs. */
export type Entity = Readonly<Record<string, Value | readonly Entity[]>>

export interface Property {
  readonly name: string
  /** What it is called on the wire; differs from `name` under schema drift only. */
  readonly wire: string
  readonly type: Primitive
  readonly lengthMax: number
  readonly scale: number | null
  readonly creatable: boolean
  readonly updatable: boolean
}

export interface Navigation {
  readonly name: string
  /** The entity set it leads to. */
  readonly set: string
  readonly many: boolean
}

export interface EntityType {
  readonly name: string
  readonly keys: readonly string[]
  readonly properties: readonly Property[]
  readonly navigations: readonly Navigation[]
  /** The property that is the ETag. */
  readonly etag: string | null
  /** Constants that this release shows besides the known properties. */
  readonly added: Readonly<Record<string, string>>
}

export interface TypeInput {
  readonly name: string
  /** Names separated by spaces. */
  readonly keys: string
  /** `Name:Type(length)` separated by commas; Decimal takes its scale; `!c` and `!u` say not creatable, not updatable. */
  readonly fields: string
  readonly etag?: string
  /** `name>set` leads to one, `name>>set` to many; separated by spaces. */
  readonly navigations?: string
}

const FIELD = /^(\w+):(\w+?)(?:\((\d+)\))?((?: ![cu])*)$/
const NAVIGATION = /^(\w+)(>>?)(\w+)$/
const PRIMITIVES: ReadonlySet<string> = new Set(['String', 'Decimal', 'DateTime', 'DateTimeOffset', 'Time', 'Boolean', 'Guid'])

export function entityType(input: TypeInput): EntityType {
  return {
    name: input.name,
    keys: input.keys.split(' '),
    properties: input.fields.split(',').map((field) => propertyOf(field.trim())),
    navigations: (input.navigations ?? '')
      .split(' ')
      .filter((text) => text !== '')
      .map(navigationOf),
    etag: input.etag ?? null,
    added: {},
  }
}

function propertyOf(text: string): Property {
  const [, name, type, length, flags = ''] = FIELD.exec(text) ?? []
  if (name === undefined || type === undefined || !PRIMITIVES.has(type)) throw new Error(`not a field: ${text}`)
  return {
    name,
    wire: name,
    type: type as Primitive,
    lengthMax: type === 'String' && length !== undefined ? Number(length) : 255,
    scale: type === 'Decimal' && length !== undefined ? Number(length) : null,
    creatable: !flags.includes('!c'),
    updatable: !flags.includes('!u'),
  }
}

function navigationOf(text: string): Navigation {
  const [, name, arrow, set] = NAVIGATION.exec(text) ?? []
  if (name === undefined || set === undefined) throw new Error(`not a navigation: ${text}`)
  return { name, set, many: arrow === '>>' }
}

export function propertyNamed(type: EntityType, wire: string): Property | null {
  return type.properties.find((property) => property.wire === wire) ?? null
}

export function navigationNamed(type: EntityType, name: string): Navigation | null {
  return type.navigations.find((navigation) => navigation.name === name) ?? null
}

/** A release that calls things differently: fields renamed, fields added. Keys are `Type.Field`. */
export interface Drift {
  readonly renamed: Readonly<Record<string, string>>
  readonly added: Readonly<Record<string, string>>
}

export const NO_DRIFT: Drift = { renamed: {}, added: {} }

export function drifted(type: EntityType, drift: Drift): EntityType {
  const prefix = `${type.name}.`
  const added = Object.entries(drift.added).filter(([path]) => path.startsWith(prefix))
  return {
    ...type,
    properties: type.properties.map((property) => ({ ...property, wire: drift.renamed[prefix + property.name] ?? property.name })),
    added: Object.fromEntries(added.map(([path, value]) => [path.slice(prefix.length), value])),
  }
}
