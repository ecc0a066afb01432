import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createS4Client, DOCUMENTS, type S4Client } from '../../../test/plant/s4-client.ts'
import { get, post } from '../../../test/plant/still-runtime.ts'
import { openRealRuntime, type RealRuntime } from '../../runtime/real.ts'

interface Plant {
  readonly child: ChildProcess
  readonly url: string
  readonly adminUrl: string
  readonly client: S4Client
}

let folder: string
let runtime: RealRuntime
let plant: Plant

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdpoint-s4-'))
  runtime = openRealRuntime({ onHandlerError: (error) => expect.unreachable(String(error)) })
})
afterEach(async () => {
  if (plant.child.exitCode === null) plant.child.kill('SIGKILL')
  await runtime.close()
  rmSync(folder, { recursive: true })
})

async function begin(): Promise<Plant> {
  const args = ['--disk', join(folder, 's4.db'), '--user', 'HOLDPOINT', '--password', 'secret']
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const { url, adminUrl } = JSON.parse(String(line))
  return { child, url, adminUrl, client: createS4Client(runtime, { url }) }
}

const person = (name: string, input: object): Promise<{ readonly body: unknown }> =>
  post(runtime, `${plant.adminUrl}/people/${name}`, input)

async function truth<T>(name: string): Promise<T> {
  return (await get(runtime, `${plant.adminUrl}/truth/${name}`)).body as T
}

/** Posts until no answer comes. */
async function postUntilDead(answered: string[], asked: string[]): Promise<void> {
  for (;;) {
    const reference = `R-${asked.length}`
    asked.push(reference)
    const item = {
      Material: 'RM-100',
      Plant: '1710',
      StorageLocation: '171A',
      Batch: 'B-1',
      GoodsMovementType: '321',
      QuantityInEntryUnit: '1',
    }
    const body = { GoodsMovementCode: '04', ReferenceDocument: reference, to_MaterialDocumentItem: [item] }
    const { status } = await plant.client.post(body)
    if (status === 0) return
    expect(status).toBe(201)
    answered.push(reference)
  }
}

test('killed in the middle of its work it has lost nothing that it answered', { timeout: 60_000 }, async () => {
  plant = await begin()
  await person('move', { movementType: '563', material: 'RM-100', batch: 'B-1', quantity: '100000' })
  const answered: string[] = []
  const asked: string[] = []
  for (const delayMs of [1, 3, 8]) {
    const enough = answered.length + 20
    const dead = postUntilDead(answered, asked)
    while (answered.length < enough) await runtime.clock.sleep(1)
    await runtime.clock.sleep(delayMs)
    plant.child.kill('SIGKILL')
    await dead
    plant = await begin()
    const documents = await truth<readonly { readonly header: { readonly ReferenceDocument?: string } }[]>('documents')
    const references = documents.map(({ header }) => header.ReferenceDocument ?? '').filter((reference) => reference !== '')
    expect(new Set(references).size).toBe(references.length)
    expect(answered.filter((reference) => !references.includes(reference))).toEqual([])
    expect(references.filter((reference) => !asked.includes(reference))).toEqual([])
    expect(await truth('violations')).toEqual([])
    expect(await truth('usable?material=RM-100')).toBe(String(references.length))
  }
})

test('ends cleanly on SIGTERM, with what it has done on its disk', { timeout: 30_000 }, async () => {
  plant = await begin()
  await person('move', { movementType: '563', material: 'RM-100', batch: 'B-1', quantity: '10' })
  plant.child.kill('SIGTERM')
  expect(await once(plant.child, 'exit')).toEqual([0, null])
  plant = await begin()
  expect(await truth('stock?material=RM-100')).toMatchObject([{ Batch: 'B-1', InventoryStockType: '02', quantity: '10' }])
  expect((await plant.client.get(`${DOCUMENTS}/A_MaterialDocumentHeader/$count`)).text).toBe('1')
})
