import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Log } from '../engine/deps.ts'
import { StoreRefused } from '../store/store.ts'
import { type Hub, type HubConfig, openHub } from './hub.ts'

const QUIET: Log = { info: () => undefined, warn: () => undefined }

let directory: string
const hubs: Hub[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdpoint-hub-'))
})
afterEach(async () => {
  for (const hub of hubs.splice(0)) await hub.close()
  rmSync(directory, { recursive: true })
})

/** Targets that nobody asks: nothing listens there. */
async function open(change: Partial<HubConfig> = {}): Promise<Hub> {
  const place = { site: 'P1', url: 'http://127.0.0.1:9' }
  const config = { directory, port: 0, erp: { ...place, instance: 'erp-1' }, qms: { ...place, instance: 'qms-1' }, ...change }
  const hub = await openHub({ log: QUIET, onFailed: (detail) => expect.fail(detail) }, config)
  hubs.push(hub)
  return hub
}

/** With a body it is posted. */
async function ask(hub: Hub, path: string, body: string | null = null) {
  const answer = await fetch(`${hub.url}${path}`, { method: body === null ? 'GET' : 'POST', body })
  return { status: answer.status, type: answer.headers.get('content-type'), body: (await answer.json()) as Record<string, unknown> }
}

test('takes events, says how it is, and answers everything else with a problem', async () => {
  const hub = await open()
  expect(await ask(hub, '/healthz')).toMatchObject({ status: 200, body: { ok: true, partitions: { owned: 4, of: 4 } } })
  const event = JSON.stringify({ specversion: '1.0', id: '1', source: 'nobody', type: 't', data: {} })
  expect(await ask(hub, '/v1/events', event)).toMatchObject({
    status: 202,
    body: { result: 'parked', code: 'input.sourceUnknown' },
  })
  const type = 'application/problem+json'
  expect(await ask(hub, '/v1/events', 'no JSON')).toMatchObject({ status: 400, type, body: { title: 'input.malformed' } })
  expect(await ask(hub, '/v1/events')).toMatchObject({ status: 405, type })
  expect(await ask(hub, '/healthz', '{}')).toMatchObject({ status: 405, type })
  expect(await ask(hub, '/')).toMatchObject({ status: 404, type, body: { title: 'notFound' } })
})

test('one hub on one file: a second one is refused', async () => {
  await open()
  await expect(open()).rejects.toThrow(StoreRefused)
})

test('takes the partitions at once when it starts on what another has left, and keeps the installation', async () => {
  const first = await open()
  const { installation } = first.store.meta
  await first.close()
  const second = await open()
  expect(second.engine.owned()).toEqual([0, 1, 2, 3])
  expect(second.store.meta.installation).toBe(installation)
})

test('a backup that was put back is refused until it is said to be one, and then begins a new incarnation', async () => {
  const file = join(directory, 'holdpoint.db')
  await (await open()).close()
  copyFileSync(file, join(directory, 'backup.db'))
  await (await open()).close()
  copyFileSync(join(directory, 'backup.db'), file)
  await expect(open()).rejects.toMatchObject({ code: 'store.olderCopy' })
  const restored = await open({ restored: true })
  expect(restored.store.meta.incarnation).toBe(2)
})

test('closes again what it has opened when the port cannot be had', async () => {
  const { url, close } = await open()
  const other = join(directory, 'other')
  await expect(open({ directory: other, port: Number(new URL(url).port) })).rejects.toThrow('EADDRINUSE')
  await open({ directory: other })
  await close()
})
