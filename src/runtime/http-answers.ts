import type { HttpResponse } from '../runtime.ts'

const encoder = new TextEncoder()

/** RFC 9457. Says the status and nothing of the inside; the cause goes to the log. */
export function problemAnswer(status: number, title: string): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: encoder.encode(JSON.stringify({ type: 'about:blank', title, status })),
  }
}

export const TOO_LARGE = problemAnswer(413, 'Content Too Large')
export const HANDLER_FAILED = problemAnswer(500, 'Internal Server Error')
