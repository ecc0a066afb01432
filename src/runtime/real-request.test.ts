import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HttpCall, HttpResult } from '../runtime.ts'
import { openRealRuntime, type RealRuntime } from './real.ts'

/** A server made of sockets, so that it can misbehave: gets each complete request, writes what it likes. */
interface Peer {
  readonly url: string
  readonly requests: string[]
  readonly sockets: Socket[]
}

let runtime: RealRuntime
let server: Server
const cleanups: (() => void)[] = []

beforeEach(() => {
  runtime = openRealRuntime({
    request: { connectionsPerOriginMax: 1, responseBytesMax: 1_000, waitingPerOriginMax: 3 },
    onHandlerError: () => undefined,
  })
})
afterEach(async () => {
  await runtime.close()
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function openPeer(answer: (socket: Socket, count: number) => void): Promise<Peer> {
  const peer = { url: '', requests: [] as string[], sockets: [] as Socket[] }
  server = createServer((socket) => {
    peer.sockets.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      peer.requests.push(data.toString())
      answer(socket, peer.requests.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.close()
    for (const socket of peer.sockets) socket.destroy()
  })
  peer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return peer
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Answer: yes\r\nX-Answer: no\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nok'

function call(peer: Peer, more: Partial<HttpCall> = {}): Promise<HttpResult> {
  const body = new TextEncoder().encode('{"a":1}')
  return runtime.net.request({ method: 'POST', url: `${peer.url}/stock?lot=1`, headers: { 'x-key': 'k' }, body, timeoutMs: 5_000, ...more })
}

test('response: what was sent and what came back', async () => {
  const peer = await openPeer((socket) => socket.write(OK))
  const result = await call(peer)
  expect(peer.requests).toHaveLength(1)
  expect(peer.requests[0]).toMatch(/^POST \/stock\?lot=1 HTTP\/1\.1\r\n.*x-key: k\r\n.*content-length: 7\r\n\r\n\{"a":1\}$/s)
  expect(result.kind).toBe('response')
  if (result.kind !== 'response') return
  expect(result.response.headers).toEqual({ 'content-length': '2', 'x-answer': 'yes, no', 'set-cookie': 'a=1\nb=2' })
  expect([result.response.status, new TextDecoder().decode(result.response.body)]).toEqual([200, 'ok'])
})

test('connections are kept and used again', async () => {
  const peer = await openPeer((socket) => socket.write(OK))
  for (let i = 0; i < 5; i++) expect((await call(peer)).kind).toBe('response')
  expect(peer.sockets).toHaveLength(1)
})

describe('notSent', () => {
  test('nobody listens', async () => {
    const peer = await openPeer(() => undefined)
    server.close()
    await once(server, 'close')
    // More often than calls may wait: a refused one waits no longer.
    for (let i = 0; i < 5; i++) expect(await call(peer)).toEqual({ kind: 'notSent', reason: 'ECONNREFUSED' })
  })

  test('the connection attempt is never answered', async () => {
    const impatient = openRealRuntime({ request: { connectTimeoutMs: 50 }, onHandlerError: () => undefined })
    cleanups.push(() => void impatient.close())
    // A TLS hello to a peer that stays silent: connected, but no connection that could carry a request.
    const peer = await openPeer(() => undefined)
    const url = peer.url.replace('http:', 'https:')
    const result = await impatient.net.request({ method: 'POST', url, headers: {}, body: null, timeoutMs: 10_000 })
    expect(result).toEqual({ kind: 'notSent', reason: 'UND_ERR_CONNECT_TIMEOUT' })
  })

  test('the guard says no: not a byte, and the connection stays in use', async () => {
    const peer = await openPeer((socket) => socket.write(OK))
    await call(peer)
    expect(await call(peer, { beforeWrite: () => false })).toEqual({ kind: 'notSent', reason: 'guard' })
    expect((await call(peer, { beforeWrite: () => true })).kind).toBe('response')
    expect(peer.requests).toHaveLength(2)
    expect(peer.sockets).toHaveLength(1)
  })

  test('the time runs out while waiting for a connection; it is not written later either', async () => {
    const peer = await openPeer((socket) => setTimeout(() => socket.write(OK), 100))
    let asked = 0
    const first = call(peer)
    const second = call(peer, { timeoutMs: 20, beforeWrite: () => ++asked > 0 })
    expect(await second).toEqual({ kind: 'notSent', reason: 'timeout' })
    expect((await first).kind).toBe('response')
    expect((await call(peer)).kind).toBe('response')
    expect(peer.requests).toHaveLength(2)
    expect(asked).toBe(0)
  })

  test('too many calls wait', async () => {
    const peer = await openPeer((socket) => setTimeout(() => socket.write(OK), 20))
    const results = await Promise.all(Array.from({ length: 6 }, () => call(peer)))
    // All six are asked for before the connection stands: three wait, three are too many.
    expect(results.map(({ kind }) => kind)).toEqual(['response', 'response', 'response', 'notSent', 'notSent', 'notSent'])
    expect((await call(peer)).kind).toBe('response')
  })

  test('aborted before and while waiting', async () => {
    const peer = await openPeer((socket) => setTimeout(() => socket.write(OK), 50))
    expect(await call(peer, { signal: AbortSignal.abort() })).toEqual({ kind: 'notSent', reason: 'aborted' })
    const stop = new AbortController()
    const first = call(peer)
    const second = call(peer, { signal: stop.signal })
    stop.abort()
    expect(await second).toEqual({ kind: 'notSent', reason: 'aborted' })
    expect((await first).kind).toBe('response')
    expect(peer.requests).toHaveLength(1)
  })
})

describe('lost', () => {
  test('no answer in time: the connection is reset', async () => {
    const peer = await openPeer(() => undefined)
    const result = await call(peer, { timeoutMs: 50 })
    expect(result).toEqual({ kind: 'lost', reason: 'timeout' })
    const [socket] = peer.sockets
    if (socket?.closed === false) await once(socket, 'close')
    expect(socket?.destroyed).toBe(true)
  })

  test('the whole answer counts against the time, not its first byte', async () => {
    const peer = await openPeer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 10)
      socket.on('close', () => clearInterval(drip))
    })
    expect(await call(peer, { timeoutMs: 100 })).toEqual({ kind: 'lost', reason: 'timeout' })
  })

  test('the connection breaks before or within the answer', async () => {
    const before = await openPeer((socket) => socket.resetAndDestroy())
    expect((await call(before)).kind).toBe('lost')
    const within = await openPeer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut'))
    expect((await call(within)).kind).toBe('lost')
  })

  test('on a kept connection that breaks, nothing is sent a second time', async () => {
    const peer = await openPeer((socket, count) => (count === 2 ? socket.destroy() : socket.write(OK)))
    let asked = 0
    const more = { method: 'GET', body: null, beforeWrite: () => ++asked > 0 }
    expect((await call(peer, more)).kind).toBe('response')
    expect((await call(peer, more)).kind).toBe('lost')
    expect((await call(peer, more)).kind).toBe('response')
    expect(peer.requests).toHaveLength(3)
    expect(asked).toBe(3)
  })

  test('the answer is larger than the limit', async () => {
    const peer = await openPeer((socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n${'x'.repeat(2_000)}`))
    expect(await call(peer)).toEqual({ kind: 'lost', reason: 'answer too large' })
  })

  test('aborted under way, and at the close of the runtime', async () => {
    const peer = await openPeer(() => undefined)
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    expect(await call(peer, { signal: stop.signal })).toEqual({ kind: 'lost', reason: 'aborted' })
    setTimeout(() => void runtime.close(), 50)
    expect((await call(peer)).kind).toBe('lost')
  })
})

test('a closed runtime opens no connection again', async () => {
  const peer = await openPeer((socket) => socket.write(OK))
  await runtime.close()
  expect(await call(peer)).toEqual({ kind: 'notSent', reason: 'closed' })
  expect(peer.sockets).toEqual([])
})

describe('the guard', () => {
  test('is asked in the very run that hands the bytes to the socket', async () => {
    const peer = await openPeer((socket) => setTimeout(() => socket.write(OK), 30))
    const log: string[] = []
    const write = Socket.prototype.write
    cleanups.push(() => {
      Socket.prototype.write = write
    })
    // Replaced once the peer is up; it writes too, later, and only full requests are logged.
    Socket.prototype.write = function (this: Socket, ...args: Parameters<typeof write>) {
      if (typeof args[0] === 'string' && args[0].startsWith('POST')) log.push('write')
      return write.apply(this, args)
    } as typeof write
    const beforeWrite = (): boolean => {
      log.push('guard')
      queueMicrotask(() => log.push('microtask'))
      process.nextTick(() => log.push('tick'))
      return true
    }
    // One connection: new for the first call, waited for by the second, idle and checked for the third.
    await Promise.all([call(peer, { beforeWrite }), call(peer, { beforeWrite })])
    await call(peer, { beforeWrite })
    const order = log.filter((entry) => entry === 'guard' || entry === 'write')
    expect(order).toEqual(['guard', 'write', 'guard', 'write', 'guard', 'write'])
    for (const [i, entry] of log.entries()) if (entry === 'guard') expect(log[i + 1]).toBe('write')
  })

  test('is asked after the wait for a connection, not before', async () => {
    const peer = await openPeer((socket) => setTimeout(() => socket.write(OK), 50))
    const [begun, askedAfterMs] = [performance.now(), [] as number[]]
    const beforeWrite = (): boolean => askedAfterMs.push(performance.now() - begun) > 0
    await Promise.all([call(peer, { beforeWrite }), call(peer, { beforeWrite })])
    expect(askedAfterMs[1]).toBeGreaterThan(45)
  })

  test('that throws is a bug: the call rejects and nothing is sent', async () => {
    const peer = await openPeer((socket) => socket.write(OK))
    const beforeWrite = (): boolean => {
      throw new Error('guard bug')
    }
    await expect(call(peer, { beforeWrite })).rejects.toThrow('guard bug')
    expect((await call(peer)).kind).toBe('response')
    expect(peer.requests).toHaveLength(1)
  })
})

test('a malformed header or URL is a bug of the caller', async () => {
  const peer = await openPeer((socket) => socket.write(OK))
  await expect(call(peer, { headers: { 'x-key': 'a\r\nb' } })).rejects.toThrow('invalid x-key header')
  await expect(call(peer, { url: '/relative' })).rejects.toThrow('not an absolute http URL')
})
