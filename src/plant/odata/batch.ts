import { boundaryOf, type EmbeddedRequest, embeddedRequest, multipart, nested, partsOf, replyPart } from './multipart.ts'
import type { ODataDeps, ODataReply, Operation } from './odata-api.ts'
import { GATEWAY, ODataError } from './odata-error.ts'

type Answer<C> = (operation: Operation<C>) => ODataReply
/** Like `Answer`, but what is refused is thrown. */
type Attempt<C> = (operation: Operation<C>) => ODataReply

interface BatchDeps<C> {
  readonly deps: ODataDeps<C>
  readonly answer: Answer<C>
  readonly attempt: Attempt<C>
  readonly refusal: (error: ODataError) => ODataReply
}

/** `$batch`: retrievals and change sets in their order. The answer is 202 whatever becomes of the parts. */
export function batch<C>(batchDeps: BatchDeps<C>, operation: Operation<C>): ODataReply {
  const boundary = boundaryOf(operation.headers['content-type'])
  if (boundary === null) throw new ODataError(415, GATEWAY.mediaType, 'The content type must be multipart/mixed with a boundary')
  const parts = partsOf(operation.body, boundary)
  const reached = operation.breaksOff ? parts.slice(0, Math.floor(parts.length / 2)) : parts
  const answers = reached.map(({ headers, body }) => {
    const inner = boundaryOf(headers['content-type'])
    if (inner !== null) return changeSet(batchDeps, operation, { text: body, boundary: inner })
    const request = embeddedRequest(body)
    if (request.method !== 'GET') {
      const refused = new ODataError(400, GATEWAY.badRequest, `Method '${request.method}' is allowed in change sets only`)
      return replyPart(batchDeps.refusal(refused), null)
    }
    return replyPart(batchDeps.answer(embedded(operation, request)), null)
  })
  const outer = batchDeps.deps.nextBoundary()
  return {
    status: 202,
    headers: { 'content-type': `multipart/mixed; boundary=${outer}`, dataserviceversion: '2.0' },
    body: multipart(answers, outer),
  }
}

/** All of it or nothing. A refusal takes the place of the whole set: one answer, not nested. */
function changeSet<C>({ deps, attempt, refusal }: BatchDeps<C>, operation: Operation<C>, set: { text: string; boundary: string }): string {
  try {
    const parts = partsOf(set.text, set.boundary)
    if (parts.length > deps.api.changeSetOperationsMax) {
      const message = `At most ${deps.api.changeSetOperationsMax} operations are allowed in one change set`
      throw new ODataError(400, GATEWAY.changeSetTooLarge, message)
    }
    const answers = deps.atomically(() =>
      parts.map(({ headers, body }) => {
        const request = embeddedRequest(body)
        if (request.method === 'GET') throw new ODataError(400, GATEWAY.badRequest, 'GET is not allowed in change sets')
        return replyPart(attempt(embedded(operation, request)), headers['content-id'] ?? request.headers['content-id'] ?? null)
      }),
    )
    return nested(answers, deps.nextBoundary())
  } catch (error) {
    if (!(error instanceof ODataError)) throw error
    return replyPart(refusal(error), null)
  }
}

function embedded<C>(operation: Operation<C>, request: EmbeddedRequest): Operation<C> {
  const relative = request.target.startsWith(operation.root) ? request.target.slice(operation.root.length) : request.target
  const root = operation.root.replace(/^https?:\/\/[^/]*/, '')
  const [path = '', query = ''] = (relative.startsWith(root) ? relative.slice(root.length) : relative).split('?')
  return { ...operation, method: request.method, path: path.replace(/^\//, ''), query, headers: request.headers, body: request.body }
}
