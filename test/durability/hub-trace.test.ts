import { hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type CountingErp, createCountingErp } from '../../src/plant/counting-erp/counting-erp.ts'
import { type CountingQms, createCountingQms } from '../../src/plant/counting-qms/counting-qms.ts'
import type { Notice } from '../../src/plant/notices.ts'
import { openRealRuntime, type RealRuntime } from '../../src/runtime/real.ts'
import { hubConfig } from '../crash/hub-config.ts'
import { type HubProcess, startHub } from '../crash/hub-process.ts'
import { acknowledgements, judgeLeaving, type Leaving, readTrace, requestWith } from './hub-trace.ts'
import { TRACED_CALLS } from './trace.ts'

const RECEIPTS = 12
const WAIT_MS_MAX = 20_000
const TIMEOUT_MS = 90_000
/** More than a page of the database. */
const BYTES_SHOWN = 5_000

let folder: string
let runtime: RealRuntime
let erp: CountingErp
let qms: CountingQms
let hub: HubProcess | null = null
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-hub-trace-'))
  runtime = openRealRuntime({ onHandlerError: (error) => expect.fail(String(error)) })
  erp = createCountingErp({ runtime }, { instance: 'erp-1' })
  qms = createCountingQms({ runtime }, { instance: 'qms-1' })
})
afterEach(async () => {
  await hub?.kill()
  hub = null
  await Promise.all([erp.stop(), qms.stop()])
  await runtime.close()
  rmSync(folder, { recursive: true })
})

const fixture = (name: string): string[] => ['--import', join(import.meta.dirname, 'fixtures', name)]

async function startTraced(options: { readonly inject?: string; readonly nodeOptions?: readonly string[] }): Promise<HubProcess> {
  const config = hubConfig({ directory: join(folder, 'hub'), erpUrl: await erp.start(), qmsUrl: await qms.start() })
  const injection = options.inject === undefined ? [] : ['-e', `inject=${options.inject}`]
  const strace = ['strace', '-f', '-yy', '-s', String(BYTES_SHOWN), '-o', join(folder, 'trace'), '-e', `trace=${TRACED_CALLS}`]
  hub = await startHub({ config, under: [...strace, ...injection], nodeOptions: options.nodeOptions ?? [] })
  return hub
}

/** One event in one request; null: no answer. */
async function post(url: string, notice: Notice): Promise<{ readonly status: number; readonly body: unknown } | null> {
  const body = JSON.stringify(notice)
  const sent = fetch(`${url}/v1/events`, { method: 'POST', body, headers: { 'content-type': 'application/cloudevents+json' } })
  return sent.then(async (answer) => ({ status: answer.status, body: await answer.json() })).catch(() => null)
}

/** The transport's id is free to choose: here both halves of it occur nowhere else. */
function marked(notices: readonly Notice[]): Notice[] {
  return notices.map((notice) => ({ ...notice, id: hash('sha256', notice.id).slice(0, 16) }))
}

function receive(count: number): void {
  for (let number = 0; number < count; number++) erp.people.receive({ lines: [{ material: 'RM', batches: [{ quantity: '100' }] }] })
}

async function until(what: string, come: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS_MAX
  while (!come()) {
    if (Date.now() > deadline) expect.fail(`waited in vain until ${what}`)
    await sleep(20)
  }
}

interface Traced {
  readonly acknowledged: readonly Leaving[]
  readonly sent: readonly Leaving[]
}

/** Receipts and decisions, event by event, until everything is posted; and what the kernel saw of it. */
async function trace(nodeOptions: readonly string[]): Promise<Traced> {
  const { url, stop } = await startTraced({ nodeOptions: [...fixture('plain-bodies.ts'), ...nodeOptions] })
  receive(RECEIPTS)
  const events = marked(erp.notices.all())
  for (const event of events) expect(await post(url, event)).toMatchObject({ status: 202, body: { result: 'recorded' } })
  await until('every receipt has its inspection', () => qms.books.inspections().length === RECEIPTS)
  for (const { number } of qms.books.inspections()) qms.people.decide({ number, lines: [{ usage: 'ACCEPT', quantity: '100' }] })
  const decisions = marked(qms.notices.all())
  for (const event of decisions) expect(await post(url, event)).toMatchObject({ status: 202, body: { result: 'recorded' } })
  await until('every decision is posted', () => erp.books.effects().length === RECEIPTS)
  expect(await stop()).toMatchObject({ code: 0 })

  const seen = readTrace(readFileSync(join(folder, 'trace'), 'latin1'))
  const answers = acknowledgements(seen, url)
  const posted = [...events, ...decisions]
  expect(answers).toHaveLength(posted.length)
  const [erpUrl, qmsUrl] = [await erp.start(), await qms.start()]
  return {
    acknowledged: posted.map(({ id }, index) => judgeLeaving(seen, id, answers[index])),
    sent: [
      ...qms.books.effects().map(({ reference }) => judgeLeaving(seen, reference, requestWith(seen, qmsUrl, reference))),
      ...erp.books.effects().map(({ reference }) => judgeLeaving(seen, reference, requestWith(seen, erpUrl, reference))),
    ],
  }
}

const unproved = (leavings: readonly Leaving[]): readonly Leaving[] => leavings.filter(({ carried, synced }) => !carried || !synced)

it('acknowledges an input, and sends a command, only when it is on the disk', { timeout: TIMEOUT_MS }, async () => {
  const { acknowledged, sent } = await trace([])
  expect(unproved(acknowledged)).toEqual([])
  expect(unproved(sent)).toEqual([])
  expect(acknowledged).toHaveLength(3 * RECEIPTS)
  expect(sent).toHaveLength(2 * RECEIPTS)
})

it('would notice a store that does not sync', { timeout: TIMEOUT_MS }, async () => {
  const { acknowledged, sent } = await trace(fixture('weaken-sync.ts'))
  expect(acknowledged.every(({ carried }) => carried)).toBe(true)
  expect(acknowledged.filter(({ synced }) => !synced).length).toBeGreaterThan(RECEIPTS)
  expect(sent.filter(({ synced }) => !synced).length).toBeGreaterThan(RECEIPTS)
})

it('ends with a clear message when the disk fails, and has everything it acknowledged when it starts again', {
  timeout: TIMEOUT_MS,
}, async () => {
  const failing = await startTraced({ inject: 'fsync,fdatasync:error=EIO:when=40+' })
  receive(200)
  const acknowledged: Notice[] = []
  for (const event of erp.notices.all()) {
    if ((await post(failing.url, event))?.status !== 202) break
    acknowledged.push(event)
  }
  expect(acknowledged.length).toBeGreaterThan(3)
  expect(acknowledged.length).toBeLessThan(200)
  const { code, errors } = await failing.ended()
  expect(code).toBe(1)
  expect(errors).toMatch(/"store\.failed".*nothing acknowledged is lost/)
  const again = await startTraced({})
  for (const event of acknowledged) expect(await post(again.url, event)).toMatchObject({ status: 202, body: { result: 'duplicate' } })
  expect(await again.stop()).toMatchObject({ code: 0 })
})
