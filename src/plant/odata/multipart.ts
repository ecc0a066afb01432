import { GATEWAY, ODataError } from './odata-error.ts'

/** multipart/mixed as OData v2 batches use it: parts with headers, some of them an HTTP request or answer as text. */

export interface Part {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface EmbeddedRequest {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface EmbeddedReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

const PARTS_MAX = 1_000

/** Null: the content type is not multipart/mixed with a boundary. */
export function boundaryOf(contentType: string | undefined): string | null {
  const match = /^multipart\/mixed\s*;.*?\bboundary="?([^";\s]{1,70})"?/i.exec(contentType ?? '')
  return match?.[1] ?? null
}

export function partsOf(text: string, boundary: string): readonly Part[] {
  const pieces = `\n${text.replaceAll('\r\n', '\n')}`.split(delimiterOf(boundary))
  const last = pieces.at(-1) ?? ''
  if (pieces.length < 2 || !last.startsWith('--')) throw malformed('the closing boundary is missing')
  const inner = pieces.slice(1, -1)
  if (inner.length > PARTS_MAX) throw malformed(`more than ${PARTS_MAX} parts`)
  return inner.map((piece) => splitHead(piece.replace(/^[ \t]*\n/, '')))
}

/** A line of its own: one boundary may begin like another. */
function delimiterOf(boundary: string): RegExp {
  return new RegExp(`\\n--${boundary.replace(/[^\w]/g, '\\$&')}(?=--|[ \\t]*(?:\\n|$))`)
}

export function embeddedRequest(text: string): EmbeddedRequest {
  const [line = '', ...rest] = text.replace(/^\n+/, '').split('\n')
  const match = /^([A-Z]+) (\S+) HTTP\/1\.1\s*$/.exec(line)
  if (match === null) throw malformed(`'${line.slice(0, 80)}' is not a request line`)
  const { headers, body } = splitHead(rest.join('\n'))
  return { method: match[1] ?? '', target: match[2] ?? '', headers, body: body.trim() }
}

function splitHead(text: string): Part {
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n')
  const head = end < 0 ? text : text.slice(0, end)
  const headers: Record<string, string> = {}
  for (const line of head.split('\n').filter((entry) => entry.trim() !== '')) {
    const colon = line.indexOf(':')
    if (colon < 1) throw malformed(`'${line.slice(0, 80)}' is not a header`)
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { headers, body: end < 0 ? '' : text.slice(end).replace(/^\n+/, '') }
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  428: 'Precondition Required',
}

export function replyPart(reply: EmbeddedReply, contentId: string | null): string {
  const body = reply.body ?? ''
  const headers = { ...reply.headers, 'content-length': String(new TextEncoder().encode(body).length) }
  return [
    'Content-Type: application/http',
    ...(contentId === null ? [] : [`Content-ID: ${contentId}`]),
    'content-transfer-encoding: binary',
    '',
    `HTTP/1.1 ${reply.status} ${REASONS[reply.status] ?? 'Error'}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n')
}

export function multipart(parts: readonly string[], boundary: string): string {
  return `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`
}

/** A part that is itself multipart: the answers of one change set. */
export function nested(parts: readonly string[], boundary: string): string {
  return `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n${multipart(parts, boundary)}`
}

function malformed(message: string): ODataError {
  return new ODataError(400, GATEWAY.badRequest, `Malformed batch request: ${message}`)
}
