import { type Entity, navigationNamed, type Value } from './edm.ts'
import { matches, requiredValues } from './filter.ts'
import { type EntitySet, type ODataDeps, type ODataReply, type Operation, setNamed } from './odata-api.ts'
import { GATEWAY, ODataError } from './odata-error.ts'
import { etagOf, type Rendering, renderEntity } from './payload.ts'
import { checkPaths, ordered, parseQuery, type Query, queryParameters } from './query.ts'
import { keyOf, type Segment } from './resource-path.ts'

export const JSON_TYPE = 'application/json;charset=utf-8'

/** GET of a set, of one entity, or of what a navigation leads to. */
export function read<C>(deps: ODataDeps<C>, operation: Operation<C>, segments: readonly Segment[]): ODataReply {
  const counts = segments.at(-1)?.name === '$count'
  const found = resolve(deps, operation.reads, counts ? segments.slice(0, -1) : segments)
  const parameters = queryParameters(operation.query)
  const query = parseQuery(parameters, found.set.type)
  const rendering = renderingOf(deps, operation, operation.reads)
  checkPaths(query, found.set.type, rendering.typeOf)
  if (found.one) {
    const [entity] = found.entities(new Map())
    if (entity === undefined) throw notFound()
    const shown = { set: found.set.name, select: query.select, expand: query.expand }
    return entityReply(200, rendering, { shown, entity })
  }
  const all = found.entities(requiredValues(query.filter))
  const { filter } = query
  const chosen = ordered(filter === null ? all : all.filter((entity) => matches(filter, entity)), query.order)
  if (counts) return { status: 200, headers: { 'content-type': 'text/plain;charset=utf-8' }, body: String(chosen.length) }
  return page({ deps, operation, rendering }, { set: found.set.name, query, parameters, chosen })
}

interface Found<C> {
  readonly set: EntitySet<C>
  readonly one: boolean
  entities(required: ReadonlyMap<string, readonly Value[]>): readonly Entity[]
}

/** Follows the path from its set; whatever is missing on the way is a 404. */
function resolve<C>(deps: ODataDeps<C>, context: C, segments: readonly Segment[]): Found<C> {
  const [first, ...rest] = segments
  const start = first === undefined ? null : setNamed(deps, first.name)
  if (first === undefined || start === null) throw noSegment(first?.name ?? '')
  if (first.predicate === null) {
    if (rest.length > 0) throw noSegment(rest[0]?.name ?? '')
    return { set: start, one: false, entities: (required) => start.list(context, required) }
  }
  let found: Found<C> = oneOf(start, start.find(context, keyOf(first.predicate, start.type)))
  for (const segment of rest) found = step(deps, context, { found, segment })
  return found
}

function step<C>(deps: ODataDeps<C>, context: C, { found, segment }: { found: Found<C>; segment: Segment }): Found<C> {
  const navigation = navigationNamed(found.set.type, segment.name)
  const set = navigation === null ? null : setNamed(deps, navigation.set)
  const follow = found.set.follow[segment.name]
  if (navigation === null || set === null || follow === undefined || !found.one) throw noSegment(segment.name)
  const [from] = found.entities(new Map())
  if (from === undefined) throw notFound()
  const related = follow(context, from)
  if (segment.predicate !== null) {
    const key = keyOf(segment.predicate, set.type)
    return oneOf(set, related.find((entity) => set.type.keys.every((name) => entity[name] === key[name])) ?? null)
  }
  return navigation.many ? { set, one: false, entities: () => related } : oneOf(set, related[0] ?? null)
}

function oneOf<C>(set: EntitySet<C>, entity: Entity | null): Found<C> {
  return { set, one: true, entities: () => (entity === null ? [] : [entity]) }
}

interface Chosen {
  readonly set: string
  readonly query: Query
  readonly parameters: ReadonlyMap<string, string>
  readonly chosen: readonly Entity[]
}

/** The token counts entities already shown, so what appears or vanishes in between shifts the pages, as it does there. */
function page<C>(
  { deps, operation, rendering }: { deps: ODataDeps<C>; operation: Operation<C>; rendering: Rendering },
  { set, query, parameters, chosen }: Chosen,
): ODataReply {
  const wanted = chosen.slice(query.skip, query.top === null ? undefined : query.skip + query.top)
  const shown = wanted.slice(query.skipToken, query.skipToken + deps.api.pageSize)
  const next = query.skipToken + shown.length
  const json: Record<string, unknown> = {
    ...(query.countsAll ? { __count: String(chosen.length) } : {}),
    results: shown.map((entity) => renderEntity(rendering, { set, select: query.select, expand: query.expand }, entity)),
  }
  if (next < wanted.length) {
    const carried = new Map([...parameters, ['$skiptoken', String(next)]])
    const text = [...carried].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
    json['__next'] = `${operation.root}${operation.path}?${text.replaceAll('%24', '$')}`
  }
  return { status: 200, headers: { 'content-type': JSON_TYPE, dataserviceversion: '2.0' }, body: JSON.stringify({ d: json }) }
}

export function renderingOf<C>(deps: ODataDeps<C>, operation: Operation<C>, context: C): Rendering {
  const setOf = (name: string): EntitySet<C> => {
    const set = setNamed(deps, name)
    if (set === null) throw noSegment(name)
    return set
  }
  return {
    root: operation.root,
    namespace: deps.api.namespace,
    typeOf: (name) => setOf(name).type,
    follow: (name, navigation, entity) => {
      const inline = entity[navigation]
      if (Array.isArray(inline)) return inline as readonly Entity[]
      return setOf(name).follow[navigation]?.(context, entity) ?? []
    },
  }
}

export interface EntityShown {
  readonly shown: Parameters<typeof renderEntity>[1]
  readonly entity: Entity
}

export function entityReply(status: number, rendering: Rendering, { shown, entity }: EntityShown): ODataReply {
  const json = renderEntity(rendering, shown, entity)
  const etag = etagOf(rendering.typeOf(shown.set), entity)
  const { uri } = json['__metadata'] as { readonly uri: string }
  return {
    status,
    headers: {
      'content-type': JSON_TYPE,
      dataserviceversion: '2.0',
      ...(etag === null ? {} : { etag }),
      ...(status === 201 ? { location: uri } : {}),
    },
    body: JSON.stringify({ d: json }),
  }
}

export function notFound(): ODataError {
  return new ODataError(404, GATEWAY.notFound, 'Resource not found for the given key')
}

export function noSegment(name: string): ODataError {
  return new ODataError(404, GATEWAY.noSuchSegment, `Resource not found for the segment '${name}'`)
}
