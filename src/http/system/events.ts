/**
 * `POST /v1/events`: CloudEvents in JSON, structured (`application/cloudevents+json`) or batch
 * (`application/cloudevents-batch+json`). Answers only after the fsync, one result per event.
 * `source` of an event is the system instance; everything else of it belongs to that system's connector.
 */
import type { IntakeRequest } from '../../engine/intake.ts'
import { IntakeOverloaded } from '../../engine/intake.ts'
import type { IntakeResult } from '../../engine/intake-plan.ts'
import type { HttpRequest, HttpResponse } from '../../runtime.ts'
import { StoreUnavailable } from '../../store/store.ts'

const EVENTS_PER_REQUEST_MAX = 1_000
const DECODER = new TextDecoder('utf-8', { fatal: true })
/** Any bytes as text, one character each. */
const BYTES = new TextDecoder('latin1')
const ENCODER = new TextEncoder()

export type Accept = (request: IntakeRequest) => Promise<readonly IntakeResult[]>

export async function postEvents(accept: Accept, request: HttpRequest): Promise<HttpResponse> {
  const bytes = request.body ?? new Uint8Array()
  const parsed = parse(bytes)
  if (parsed.ok && parsed.events.length > EVENTS_PER_REQUEST_MAX)
    return problem(413, 'input.tooLarge', `at most ${EVENTS_PER_REQUEST_MAX} events per request; this one has ${parsed.events.length}`)
  try {
    if (!parsed.ok) {
      // Nothing is lost: what cannot be read is kept as it came and shown on the exception desk.
      await accept({ bytes, items: [{ instance: '', item: BYTES.decode(bytes), malformed: parsed.detail }] })
      return problem(400, 'input.malformed', parsed.detail)
    }
    const results = await accept({ bytes, items: parsed.events.map((item) => ({ instance: instanceOf(item), item })) })
    return json(parsed.batch ? 200 : 202, parsed.batch ? { results } : (results[0] as IntakeResult))
  } catch (reason) {
    if (reason instanceof IntakeOverloaded || reason instanceof StoreUnavailable) return problem(503, 'intake.unavailable', reason.message)
    throw reason
  }
}

function parse(
  bytes: Uint8Array,
): { readonly ok: true; readonly events: readonly unknown[]; readonly batch: boolean } | { readonly ok: false; readonly detail: string } {
  try {
    const body = JSON.parse(DECODER.decode(bytes)) as unknown
    if (Array.isArray(body)) return { ok: true, events: body, batch: true }
    if (body !== null && typeof body === 'object') return { ok: true, events: [body], batch: false }
    return { ok: false, detail: 'the body is neither a CloudEvent nor a batch of them' }
  } catch (reason) {
    return { ok: false, detail: reason instanceof Error ? reason.message : 'the body is not JSON in UTF-8' }
  }
}

function instanceOf(item: unknown): string {
  if (item === null || typeof item !== 'object' || !('source' in item) || typeof item.source !== 'string') return ''
  return item.source.replace(/^\//, '')
}

function json(status: number, body: unknown): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: ENCODER.encode(JSON.stringify(body)) }
}

/** RFC 9457. */
function problem(status: number, code: string, detail: string): HttpResponse {
  const body = { type: `/problems/${code}`, title: code, status, detail }
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...(status === 503 ? { 'retry-after': '1' } : {}) },
    body: ENCODER.encode(JSON.stringify(body)),
  }
}
