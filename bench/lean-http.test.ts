import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Pool } from 'undici'
import { afterEach, expect, test } from 'vitest'
import { createLeanConnection, listenLean } from './lean-http.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function serve(handler: Parameters<typeof listenLean>[0]): Promise<number> {
  const server = await listenLean(handler)
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

test('it answers a real client, again and again on one connection', async () => {
  const port = await serve((path, body) => ({ status: 201, body: `${path} ${body}` }))
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1 })
  closing.push(() => pool.close())
  for (const body of ['first', 'x'.repeat(200_000), '']) {
    const reply = await pool.request({ path: '/a', method: 'POST', body })
    expect([reply.statusCode, await reply.body.text()]).toEqual([201, `/a ${body}`])
  }
})

test('it takes a request in pieces, and two in one piece', async () => {
  const bodies: string[] = []
  const port = await serve((_path, body) => {
    bodies.push(body)
    return { status: 200, body: '{}' }
  })
  const socket = connect(port, '127.0.0.1')
  closing.push(() => socket.destroy())
  const request = (body: string): string => `POST /x HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  for (const piece of [request('whole').slice(0, 20), request('whole').slice(20) + request('second').slice(0, -3), 'ond']) {
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await expect.poll(() => bodies).toEqual(['whole', 'second'])
})

test('its connection reads answers of known length and in chunks, and reports a cut as 0', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/cut') request.socket.destroy()
    else if (request.url === '/chunked') {
      response.writeHead(202)
      response.write('part')
      response.end('ial')
    } else response.end('known')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connection = createLeanConnection((server.address() as AddressInfo).port)
  closing.push(() => {
    connection.close()
    server.close()
  })
  const post = (path: string): Promise<number> => connection.post({ path, contentType: 'text/plain', body: 'x', timeoutMs: 2_000 })
  for (const [path, status] of [
    ['/known', 200],
    ['/chunked', 202],
    ['/cut', 0],
    ['/known', 200],
  ] as const)
    expect(await post(path)).toBe(status)
})

test('nobody listening is reported as 0', async () => {
  const port = await serve(() => null)
  const cut = createLeanConnection(port)
  expect(await cut.post({ path: '/', contentType: 'text/plain', body: '', timeoutMs: 2_000 })).toBe(0)
  cut.close()
})
