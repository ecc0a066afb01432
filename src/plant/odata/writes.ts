import type { Value } from './edm.ts'
import { uriLiteral } from './literals.ts'
import { type FunctionImport, type ODataDeps, type ODataReply, type Operation, setNamed } from './odata-api.ts'
import { GATEWAY, ODataError } from './odata-error.ts'
import { etagOf, readCreate, readUpdate } from './payload.ts'
import { queryParameters } from './query.ts'
import { entityReply, noSegment, notFound, renderingOf } from './reads.ts'
import { keyOf, type Segment } from './resource-path.ts'

/** Create, change and function imports: one operation each, done whole or not at all. */
export function write<C>(deps: ODataDeps<C>, operation: Operation<C>, segments: readonly Segment[]): ODataReply {
  const [first, ...rest] = segments
  if (first === undefined || rest.length > 0) throw notAllowed(operation.method, first?.name ?? '')
  const method = methodOf(operation)
  const imported = deps.api.functions.find(({ name }) => name === first.name)
  if (imported !== undefined) {
    if (method !== 'POST') throw notAllowed(method, first.name)
    return callFunction(deps, operation, imported)
  }
  if (setNamed(deps, first.name) === null) throw noSegment(first.name)
  if (method === 'POST' && first.predicate === null) return create(deps, operation, first.name)
  if ((method === 'PATCH' || method === 'MERGE') && first.predicate !== null) return update(deps, operation, first)
  throw notAllowed(method, first.name)
}

/** Some proxies pass GET and POST only; then the real method stands in a header. */
function methodOf<C>({ method, headers }: Operation<C>): string {
  const tunnelled = headers['x-http-method']
  return method === 'POST' && tunnelled !== undefined ? tunnelled.toUpperCase() : method
}

function create<C>(deps: ODataDeps<C>, operation: Operation<C>, name: string): ODataReply {
  const set = setNamed(deps, name)
  if (set?.create === undefined) throw notAllowed('POST', name)
  const input = readCreate(bodyOf(operation), set.type, (other) => {
    const found = setNamed(deps, other)
    if (found === null) throw noSegment(other)
    return found.type
  })
  const { create: make } = set
  const entity = deps.atomically(() => make(operation.writes, input))
  const expand = Object.keys(input).filter((field) => set.type.navigations.some((navigation) => navigation.name === field))
  return entityReply(201, renderingOf(deps, operation, operation.writes), { shown: { set: name, select: null, expand }, entity })
}

function update<C>(deps: ODataDeps<C>, operation: Operation<C>, segment: Segment): ODataReply {
  const set = setNamed(deps, segment.name)
  if (set?.update === undefined) throw notAllowed('PATCH', segment.name)
  const current = set.find(operation.writes, keyOf(segment.predicate ?? '', set.type))
  if (current === null) throw notFound()
  const etag = etagOf(set.type, current)
  const wanted = operation.headers['if-match']
  if (etag !== null && wanted === undefined) {
    throw new ODataError(428, GATEWAY.ifMatchMissing, 'The request must be conditional: the header If-Match is missing')
  }
  if (etag !== null && wanted !== '*' && wanted !== etag) {
    throw new ODataError(412, GATEWAY.changed, 'Precondition failed: the entity was changed meanwhile')
  }
  const change = readUpdate(bodyOf(operation), set.type)
  const { update: apply } = set
  deps.atomically(() => apply(operation.writes, current, change))
  return { status: 204, headers: { dataserviceversion: '2.0' }, body: null }
}

function callFunction<C>(deps: ODataDeps<C>, operation: Operation<C>, imported: FunctionImport<C>): ODataReply {
  const given = queryParameters(operation.query)
  const values: Record<string, Value> = {}
  for (const [name, type] of Object.entries(imported.parameters)) {
    const text = given.get(name)
    if (text === undefined && imported.optional.includes(name)) continue
    const value = text === undefined ? undefined : uriLiteral(text, type)
    if (value === undefined) throw new ODataError(400, GATEWAY.badRequest, `Invalid or missing parameter '${name}' of '${imported.name}'`)
    values[name] = value
  }
  const entity = deps.atomically(() => imported.call(operation.writes, values))
  const shown = { set: imported.set, select: null, expand: [] }
  return entityReply(200, renderingOf(deps, operation, operation.writes), { shown, entity })
}

function bodyOf<C>({ headers, body }: Operation<C>): unknown {
  if (!(headers['content-type'] ?? '').includes('application/json')) {
    throw new ODataError(415, GATEWAY.mediaType, 'The content type of the request is not supported')
  }
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw new ODataError(400, GATEWAY.badRequest, 'The request body is not JSON')
  }
}

function notAllowed(method: string, name: string): ODataError {
  return new ODataError(405, GATEWAY.notAllowed, `Method '${method}' is not allowed for '${name}'`)
}
