import { expect, test } from 'vitest'
import type { HttpResult } from '../../runtime.ts'
import { createClient } from './client.ts'
import { DEFAULT_SCHEMA } from './schema.ts'
import { createSession } from './session.ts'

const okay = (body: object): HttpResult => ({
  kind: 'response',
  response: { status: 200, headers: {}, body: new TextEncoder().encode(JSON.stringify({ responseStatus: 'SUCCESS', ...body })) },
})
const ENDED = okay({ responseStatus: 'FAILURE', errors: [{ type: 'INVALID_SESSION_ID', message: 'ended' }] })
const SIGNAL = new AbortController().signal

/** A QMS whose answers come when the test gives them, in any order. */
function stage() {
  const waiting: { readonly path: string; readonly authorization: string; readonly timeoutMs: number; give(result: HttpResult): void }[] =
    []
  const timers: { readonly ms: number; fire(): void }[] = []
  let nowMs = 0
  const clock = {
    wallNow: () => nowMs,
    monoNow: () => nowMs,
    sleep: () => Promise.resolve(),
    setTimer: (ms: number, fire: () => void) => {
      timers.push({ ms, fire })
      return () => undefined
    },
  }
  const request = (call: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly timeoutMs: number }) =>
    new Promise<HttpResult>((give) => {
      const { url, headers, timeoutMs } = call
      waiting.push({ path: url.slice('http://qms'.length), authorization: headers['authorization'] ?? '', timeoutMs, give })
    })
  const deps = { clock, net: { request, listen: () => Promise.reject(new Error('serves nobody')) } }
  const credentials = { user: 'u', password: 'p' }
  const session = createSession(deps, { url: 'http://qms', credentials, schema: DEFAULT_SCHEMA, timeoutMs: 30_000 })
  const client = createClient(deps, { url: 'http://qms', schema: DEFAULT_SCHEMA, session })
  const call = { signal: SIGNAL, timeoutMs: 5_000, beforeWrite: () => true }
  return {
    waiting,
    timers,
    session,
    write: () => client.write({ method: 'POST', path: '/w', body: [], call }),
    read: () => client.read({ method: 'POST', path: '/r', body: {}, call }),
    pass: (ms: number) => {
      nowMs += ms
    },
    /** The oldest call on a path that has not been answered. */
    next: async (path: string) => {
      await expect.poll(() => waiting.some((one) => one.path === path)).toBe(true)
      const [one] = waiting.splice(
        waiting.findIndex((candidate) => candidate.path === path),
        1,
      )
      if (one === undefined) throw new Error('no call')
      return one
    },
  }
}

test('a late refusal of an old session does not end the new one', async () => {
  const { next, read, waiting } = stage()
  const first = read()
  ;(await next('/auth')).give(okay({ sessionId: 's1' }))
  ;(await next('/r')).give(okay({ data: [] }))
  await first
  const [one, other] = [read(), read()]
  const [slow, fast] = [await next('/r'), await next('/r')]
  fast.give(ENDED)
  ;(await next('/auth')).give(okay({ sessionId: 's2' }))
  const again = await next('/r')
  expect(again.authorization).toBe('s2')
  slow.give(ENDED)
  const second = await next('/r')
  expect([second.authorization, waiting]).toEqual(['s2', []])
  again.give(okay({ data: [] }))
  second.give(okay({ data: [] }))
  expect(await Promise.all([one, other])).toMatchObject([{ result: 'answered' }, { result: 'answered' }])
})

test('a login that outlasts a call leaves it unsent, and its session to the next call', async () => {
  const { next, write, timers, waiting } = stage()
  const impatient = write()
  const login = await next('/auth')
  expect(login.timeoutMs).toBe(30_000)
  expect(timers.map(({ ms }) => ms)).toEqual([5_000])
  timers[0]?.fire()
  expect(await impatient).toMatchObject({ result: 'failed', failure: { class: 'transient' } })
  login.give(okay({ sessionId: 's1' }))
  const patient = write()
  ;(await next('/w')).give(okay({ data: [] }))
  expect(await patient).toMatchObject({ result: 'answered' })
  expect(waiting).toEqual([])
})

test('the time of a login is taken off the time of its call', async () => {
  const { next, write, pass } = stage()
  const done = write()
  const login = await next('/auth')
  pass(3_000)
  login.give(okay({ sessionId: 's1' }))
  const sent = await next('/w')
  expect(sent.timeoutMs).toBe(2_000)
  sent.give(okay({ data: [] }))
  await done
})

test.each<[string, HttpResult, string]>([
  ['without a token', okay({}), 'contract'],
  ['that is no success and no failure', okay({ responseStatus: 'EXCEPTION' }), 'transient'],
  ['that got lost', { kind: 'lost', reason: 'reset' }, 'transient'],
  ['of a page that is not there', { kind: 'response', response: { status: 404, headers: {}, body: new Uint8Array() } }, 'contract'],
])('the answer to a login %s is no session', async (_, result, errorClass) => {
  const { next, write } = stage()
  const done = write()
  ;(await next('/auth')).give(result)
  expect(await done).toMatchObject({ result: 'failed', failure: { class: errorClass } })
})
