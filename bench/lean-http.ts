import { createServer, type Server, Socket } from 'node:net'

/**
 * Just enough HTTP/1.1 on bare sockets for the load side of the bench (ASCII bodies with content-length, keep-alive),
 * because generator and stub share two cores with the program they measure: about 15 µs a call instead of 60-90 µs.
 * The programs under test use real HTTP stacks; they are what is measured.
 */
export interface LeanReply {
  readonly status: number
  readonly body: string
}
/** Answers at once. Null: the connection is cut without an answer. */
export type LeanHandler = (path: string, body: string) => LeanReply | null

const HEAD_END = Buffer.from('\r\n\r\n')
const REASON: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  409: 'Conflict',
  422: 'Unprocessable Content',
  503: 'Service Unavailable',
}

interface Message {
  /** First line without its line end. */
  readonly start: string
  readonly body: string
  readonly next: number
}

/** One message from `buffer` at `from`, or null while it is incomplete. */
function messageAt(buffer: Buffer, from: number): Message | null {
  const headEnd = buffer.indexOf(HEAD_END, from)
  if (headEnd < 0) return null
  const head = buffer.toString('latin1', from, headEnd)
  const start = head.slice(0, head.indexOf('\r\n') < 0 ? head.length : head.indexOf('\r\n'))
  const bodyFrom = headEnd + 4
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (length !== null) {
    const next = bodyFrom + Number(length[1])
    return next > buffer.length ? null : { start, body: buffer.toString('latin1', bodyFrom, next), next }
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return { start, body: '', next: bodyFrom }
  return chunkedAt(buffer, start, bodyFrom)
}

function chunkedAt(buffer: Buffer, start: string, bodyFrom: number): Message | null {
  let body = ''
  let at = bodyFrom
  for (;;) {
    const lineEnd = buffer.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(buffer.toString('latin1', at, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (next > buffer.length) return null
    if (size === 0) return { start, body, next }
    body += buffer.toString('latin1', lineEnd + 2, next - 2)
    at = next
  }
}

/** Feeds whole messages of one socket to `take`, in order. */
function readMessages(socket: Socket, take: (message: Message) => void): void {
  let pending: Buffer | null = null
  socket.on('data', (chunk: Buffer) => {
    const buffer = pending === null ? chunk : Buffer.concat([pending, chunk])
    let at = 0
    for (let message = messageAt(buffer, at); message !== null; message = messageAt(buffer, at)) {
      at = message.next
      take(message)
      if (at >= buffer.length) break
    }
    pending = at >= buffer.length ? null : buffer.subarray(at)
  })
}

/** Serves 127.0.0.1 on any free port. */
export function listenLean(handler: LeanHandler): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    readMessages(socket, (message) => {
      const reply = handler(message.start.split(' ', 2)[1] ?? '/', message.body)
      if (reply === null) {
        socket.destroy()
        return
      }
      const head = `HTTP/1.1 ${reply.status} ${REASON[reply.status] ?? 'Other'}\r\ncontent-type: application/json\r\ncontent-length: ${reply.body.length}\r\n\r\n`
      socket.write(head + reply.body, 'latin1')
    })
  })
  return new Promise((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, () => resolve(server)))
}

export interface Post {
  readonly path: string
  readonly contentType: string
  readonly body: string
  readonly timeoutMs: number
}

/** One keep-alive connection, one request in flight. Answers the status; 0 when there was no answer. */
export interface LeanConnection {
  post(post: Post): Promise<number>
  close(): void
}

export function createLeanConnection(port: number): LeanConnection {
  let socket: Socket | null = null
  let settle: ((status: number) => void) | null = null
  const finish = (status: number): void => {
    const waiting = settle
    settle = null
    waiting?.(status)
  }
  const drop = (dead: Socket): void => {
    dead.destroy()
    if (socket !== dead) return
    socket = null
    finish(0)
  }
  const connect = (): Socket => {
    const made = new Socket()
    made.setNoDelay(true)
    made.on('error', () => drop(made))
    made.on('close', () => drop(made))
    readMessages(made, (message) => {
      if (/^HTTP\/1\.1 1\d\d/.test(message.start)) return
      finish(Number(message.start.slice(9, 12)))
    })
    made.on('timeout', () => drop(made))
    made.connect(port, '127.0.0.1')
    return made
  }
  return {
    post({ path, contentType, body, timeoutMs }) {
      socket ??= connect()
      socket.setTimeout(timeoutMs)
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        'latin1',
      )
      return new Promise((resolve) => {
        settle = resolve
      })
    },
    close() {
      if (socket !== null) drop(socket)
    },
  }
}
