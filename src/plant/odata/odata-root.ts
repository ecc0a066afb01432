import { batch } from './batch.ts'
import { metadataOf } from './metadata.ts'
import type { ODataDeps, ODataReply, Operation } from './odata-api.ts'
import { errorBody, GATEWAY, ODataError } from './odata-error.ts'
import { JSON_TYPE, noSegment, read } from './reads.ts'
import { segmentsOf } from './resource-path.ts'
import { write } from './writes.ts'

/** Answers one request to an OData v2 root. Refusals are replies; anything else that throws is a bug. */
export function answer<C>(deps: ODataDeps<C>, operation: Operation<C>): ODataReply {
  try {
    return attempt(deps, operation)
  } catch (error) {
    if (!(error instanceof ODataError)) throw error
    return refusal(deps, error)
  }
}

function attempt<C>(deps: ODataDeps<C>, operation: Operation<C>): ODataReply {
  const { method, path } = operation
  if (path === '$batch') {
    if (method !== 'POST') throw new ODataError(405, GATEWAY.notAllowed, `Method '${method}' is not allowed for '$batch'`)
    const inner = {
      deps,
      answer: (part: Operation<C>) => answer(deps, part),
      attempt: (part: Operation<C>) => operationOf(deps, part),
      refusal: (error: ODataError) => refusal(deps, error),
    }
    return batch(inner, operation)
  }
  return operationOf(deps, operation)
}

function operationOf<C>(deps: ODataDeps<C>, operation: Operation<C>): ODataReply {
  const { method, path } = operation
  if (method !== 'GET') return write(deps, operation, segmentsOf(path))
  if (path === '$metadata') return { status: 200, headers: { 'content-type': 'application/xml' }, body: metadataOf(deps) }
  if (!acceptsJson(operation)) {
    throw new ODataError(406, GATEWAY.notAcceptable, 'Only JSON is simulated: send Accept: application/json or $format=json')
  }
  if (path === '') return names(deps)
  const segments = segmentsOf(path)
  if (segments.length === 0) throw noSegment(path)
  return read(deps, operation, segments)
}

/** The real gateway answers Atom XML to whoever does not ask for JSON. */
function acceptsJson<C>({ headers, query }: Operation<C>): boolean {
  return (headers['accept'] ?? '').includes('json') || /(^|&)(\$|%24)format=/.test(query)
}

function names<C>({ api }: ODataDeps<C>): ODataReply {
  const body = JSON.stringify({ d: { EntitySets: api.sets.map(({ name }) => name) } })
  return { status: 200, headers: { 'content-type': JSON_TYPE }, body }
}

function refusal<C>(deps: ODataDeps<C>, error: ODataError): ODataReply {
  const body = JSON.stringify(errorBody(deps.frame(), error))
  return { status: error.status, headers: { 'content-type': JSON_TYPE, dataserviceversion: '1.0' }, body }
}
