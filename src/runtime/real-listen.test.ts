import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpRequest, HttpResponse, HttpResult, Listener } from '../runtime.ts'
import { openRealRuntime } from './real.ts'

const errors: unknown[] = []
const runtime = openRealRuntime({ listen: { drainMs: 200 }, onHandlerError: (error) => errors.push(error) })
const listeners: Listener[] = []

afterEach(async () => {
  errors.length = 0
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const ANSWER: HttpResponse = { status: 201, headers: { etag: '7' }, body: encode('done') }

async function open(handler: (request: HttpRequest) => Promise<HttpResponse>): Promise<Listener> {
  const listener = await runtime.net.listen({ host: '127.0.0.1', port: 0, bodyBytesMax: 1_000 }, handler)
  listeners.push(listener)
  return listener
}

function post(listener: Listener, body: Uint8Array | null): Promise<HttpResult> {
  return runtime.net.request({ method: 'POST', url: `${listener.url}/in?a=b`, headers: { 'X-Key': 'k' }, body, timeoutMs: 5_000 })
}

/** Sends bytes as they are; answers all that came back until the other side closed. */
async function raw(listener: Listener, ...parts: string[]): Promise<string> {
  const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
  let got = ''
  socket.on('data', (data) => {
    got += data.toString()
  })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  for (const part of parts) socket.write(part)
  await once(socket, 'close')
  return got
}

test('the request as it came, the answer as it was given', async () => {
  const seen: HttpRequest[] = []
  const listener = await open(async (request) => {
    seen.push(request)
    return ANSWER
  })
  const result = await post(listener, encode('hello'))
  expect(seen).toMatchObject([{ method: 'POST', url: '/in?a=b', headers: { 'x-key': 'k', 'content-length': '5' } }])
  expect(new TextDecoder().decode(seen[0]?.body ?? undefined)).toBe('hello')
  expect(result).toMatchObject({ kind: 'response', response: { status: 201, headers: { etag: '7', 'content-length': '4' } } })
  await post(listener, null)
  expect(seen[1]?.body).toBe(null)
})

test('a 204 has neither body nor length', async () => {
  const listener = await open(async () => ({ status: 204, headers: {}, body: encode('') }))
  const got = await raw(listener, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  expect(got).toMatch(/^HTTP\/1\.1 204 /)
  expect(got.toLowerCase()).not.toContain('content-length')
})

describe('a body beyond the limit', () => {
  test('announced: answered 413 without a byte of it', async () => {
    const listener = await open(() => Promise.reject(new Error('must not be called')))
    const got = raw(listener, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n')
    expect(await got).toMatch(/^HTTP\/1\.1 413 .*connection: close.*"status":413/is)
    expect(errors).toEqual([])
  })

  test('in chunks: answered 413 once it is passed', async () => {
    const listener = await open(() => Promise.reject(new Error('must not be called')))
    const chunk = `200\r\n${'x'.repeat(512)}\r\n`
    const got = raw(listener, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n', chunk, chunk)
    expect(await got).toMatch(/^HTTP\/1\.1 413 /)
    expect(errors).toEqual([])
  })

  test('a client that goes on sending before it reads still reads the answer', async () => {
    const listener = await open(() => Promise.reject(new Error('must not be called')))
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n')
    for (let i = 0; i < 3; i++) {
      socket.write(new Uint8Array(100_000))
      await runtime.clock.sleep(30)
    }
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('a client that never ends is cut off, sooner than one that falls silent', async () => {
    const listener = await open(() => Promise.reject(new Error('must not be called')))
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000000\r\n\r\n')
    const begun = runtime.clock.monoNow()
    const send = setInterval(() => socket.write(new Uint8Array(100_000)), 5)
    socket.resume()
    await once(socket, 'close')
    clearInterval(send)
    expect(runtime.clock.monoNow() - begun).toBeLessThan(900)
  })

  test('exactly at the limit it is served', async () => {
    const listener = await open(async () => ANSWER)
    expect(await post(listener, new Uint8Array(1_000))).toMatchObject({ kind: 'response', response: { status: 201 } })
  })
})

describe('a handler that throws', () => {
  const failures: Record<string, () => Promise<HttpResponse>> = {
    later: () => Promise.reject(new Error('secret')),
    'at once': () => {
      throw new Error('secret')
    },
    'by an answer that cannot be written': async () => ({ ...ANSWER, headers: { 'x-bad': 'secret\r\n' } }),
  }
  for (const [when, handler] of Object.entries(failures)) {
    test(`${when}: 500 without internals, the cause is reported, the server serves on`, async () => {
      let first = true
      const listener = await open(() => {
        if (!first) return Promise.resolve(ANSWER)
        first = false
        return handler()
      })
      const result = await post(listener, null)
      expect(result).toMatchObject({ kind: 'response', response: { status: 500, headers: { 'content-type': 'application/problem+json' } } })
      expect(result.kind === 'response' && new TextDecoder().decode(result.response.body)).toBe(
        '{"type":"about:blank","title":"Internal Server Error","status":500}',
      )
      expect(errors).toHaveLength(1)
      expect(await post(listener, null)).toMatchObject({ kind: 'response', response: { status: 201 } })
    })
  }
})

describe('a client that breaks off', () => {
  test('in mid-body is never served; others are', async () => {
    let served = 0
    const listener = await open(async () => {
      served += 1
      return ANSWER
    })
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
    await once(socket, 'connect')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf')
    await runtime.clock.sleep(30)
    socket.resetAndDestroy()
    expect((await post(listener, null)).kind).toBe('response')
    expect(served).toBe(1)
    expect(errors).toEqual([])
  })
})

describe('close', () => {
  test('finishes answers under way, ends kept connections, then refuses', async () => {
    const [called, release] = [Promise.withResolvers<void>(), Promise.withResolvers<HttpResponse>()]
    const listener = await open(() => {
      called.resolve()
      return release.promise
    })
    const underWay = post(listener, null)
    await called.promise
    let closed = false
    const closing = listener.close().then(() => {
      closed = true
    })
    await runtime.clock.sleep(20)
    expect(closed).toBe(false)
    release.resolve(ANSWER)
    expect(await underWay).toMatchObject({ kind: 'response', response: { headers: { connection: 'close' } } })
    await closing
    expect(await post(listener, null)).toEqual({ kind: 'notSent', reason: 'ECONNREFUSED' })
    await listener.close() // a second time is no harm
  })

  test('cuts what does not end in time', async () => {
    const listener = await open(() => new Promise(() => undefined))
    const underWay = post(listener, null)
    await runtime.clock.sleep(20)
    await listener.close()
    expect((await underWay).kind).toBe('lost')
  })
})

test('an address in use rejects', async () => {
  const listener = await open(async () => ANSWER)
  const port = Number(new URL(listener.url).port)
  await expect(runtime.net.listen({ host: '127.0.0.1', port, bodyBytesMax: 1 }, async () => ANSWER)).rejects.toThrow('EADDRINUSE')
})
