import { type Drift, drifted, type Entity, type EntityType, type Primitive, type Value } from './edm.ts'
import type { ErrorFrame } from './odata-error.ts'

/** What a simulated system puts behind an OData v2 root. `C` is what its own functions need of the call. */
export interface ODataApi<C> {
  readonly namespace: string
  readonly sets: readonly EntitySet<C>[]
  readonly functions: readonly FunctionImport<C>[]
  /** Server-driven paging: more than these come with `__next`. */
  readonly pageSize: number
  readonly changeSetOperationsMax: number
}

export interface EntitySet<C> {
  readonly name: string
  readonly type: EntityType
  /** Entities to filter, in a stable order. `required` are values that every match has: an index may use them. */
  list(context: C, required: ReadonlyMap<string, readonly Value[]>): readonly Entity[]
  find(context: C, key: Entity): Entity | null
  /** Answers the entity as created, deep inserted navigations under their names. */
  readonly create?: (context: C, input: Entity) => Entity
  readonly update?: (context: C, current: Entity, change: Entity) => void
  readonly follow: Readonly<Record<string, (context: C, entity: Entity) => readonly Entity[]>>
}

/** A function import with method POST that answers one entity of `set`. */
export interface FunctionImport<C> {
  readonly name: string
  readonly parameters: Readonly<Record<string, Primitive>>
  readonly optional: readonly string[]
  readonly set: string
  call(context: C, values: Readonly<Record<string, Value>>): Entity
}

export interface ODataDeps<C> {
  readonly api: ODataApi<C>
  readonly drift: () => Drift
  /** All of it happens, or nothing: what throws leaves no trace. */
  readonly atomically: <T>(work: () => T) => T
  readonly frame: () => ErrorFrame
  /** Text that occurs in no body. */
  readonly nextBoundary: () => string
}

export interface Operation<C> {
  readonly method: string
  /** Behind the root, without a slash in front. */
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** With a slash at the end. */
  readonly root: string
  /** What reads see may be old; writes see the truth. */
  readonly reads: C
  readonly writes: C
  /** A batch breaks off after half of its parts. */
  readonly breaksOff: boolean
}

export interface ODataReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export function setNamed<C>(deps: ODataDeps<C>, name: string): (EntitySet<C> & { readonly type: EntityType }) | null {
  const set = deps.api.sets.find((candidate) => candidate.name === name)
  return set === undefined ? null : { ...set, type: drifted(set.type, deps.drift()) }
}
