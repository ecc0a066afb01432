import { afterEach, beforeEach, expect, test } from 'vitest'
import { createS4Client, DOCUMENTS } from '../../test/plant/s4-client.ts'
import { get, openStillRuntime, post, type StillRuntime } from '../../test/plant/still-runtime.ts'
import { type Admin, createAdmin } from './admin.ts'
import { createMemoryDisk } from './disk.ts'
import { operate } from './s4hana/operate.ts'
import { createS4Hana, type S4Hana } from './s4hana/s4hana.ts'

let runtime: StillRuntime
let erp: S4Hana
let admin: Admin
let door: string
let url: string

beforeEach(async () => {
  runtime = openStillRuntime()
  erp = createS4Hana({ runtime, disk: createMemoryDisk() }, { instance: 'S4H', products: [{ product: 'RM-100' }] })
  url = await erp.start()
  admin = createAdmin({ runtime }, { host: '127.0.0.1', port: 0 }, operate(erp))
  door = await admin.start()
})
afterEach(async () => {
  await admin.stop()
  await erp.stop()
  await runtime.close()
})

const documents = `${DOCUMENTS}/A_MaterialDocumentHeader`

test('people act and the truth is told', async () => {
  const done = await post(runtime, `${door}/people/move`, { movementType: '561', material: 'RM-100', batch: 'B-1', quantity: '10' })
  expect(done).toMatchObject({ status: 200, body: { ok: true, number: '4900000000' } })
  const refused = await post(runtime, `${door}/people/move`, { movementType: '343', material: 'RM-100', batch: 'B-1', quantity: '1' })
  expect(refused.body).toMatchObject({ ok: false, code: 'M7/021' })
  expect(await get(runtime, `${door}/truth/usable?material=RM-100&batch=B-1`)).toEqual({ status: 200, body: '10' })
  expect((await get(runtime, `${door}/truth/documents`)).body).toMatchObject([{ number: '4900000000', by: 'CLERK' }])
  expect((await get(runtime, `${door}/`)).body).toMatchObject({ running: true, people: expect.arrayContaining(['receive', 'restrict']) })
})

test('every part of the truth and every switch can be asked for', async () => {
  const { truth } = (await get(runtime, `${door}/`)).body as { readonly truth: readonly string[] }
  for (const name of truth) expect([name, (await get(runtime, `${door}/truth/${name}`)).status]).toEqual([name, 200])
  for (const name of ['drift', 'users', 'expireSessions']) {
    expect((await post(runtime, `${door}/switches/${name}`, {})).status).toBe(200)
  }
})

test('faults are set and scripted, and never touch this door', async () => {
  const set = await post(runtime, `${door}/faults`, { readErrorShare: 1 })
  expect(set.body).toMatchObject({ readErrorShare: 1, slowShare: 0 })
  const client = createS4Client(runtime, { url })
  expect((await client.get(documents)).status).toBe(500)
  await post(runtime, `${door}/faults`, { readErrorShare: 0 })
  await post(runtime, `${door}/faults/script`, [{ on: 'read', fault: 'rateLimited' }])
  expect([(await client.get(documents)).status, (await client.get(documents)).status]).toEqual([429, 200])
  expect((await get(runtime, `${door}/faults`)).body).toMatchObject({ readErrorShare: 0 })
  await post(runtime, `${door}/switches/refuseAll`, { ms: 1_000 })
  expect((await client.get(documents)).status).toBe(503)
})

test('the system goes down and comes up at the same address', async () => {
  const client = createS4Client(runtime, { url })
  expect((await post(runtime, `${door}/server`, { running: false })).body).toEqual({ running: false })
  expect((await client.get(documents)).status).toBe(0)
  expect((await post(runtime, `${door}/server`, { running: true })).body).toEqual({ running: true })
  expect((await client.get(documents)).status).toBe(200)
})

test.each([
  ['/people/nobody', {}, 404],
  ['/people/toString', {}, 404],
  ['/switches/nothing', {}, 404],
  ['/elsewhere', {}, 404],
  ['/faults', { slowSare: 1 }, 400],
  ['/faults', { slowShare: 'much' }, 400],
  ['/faults/script', {}, 400],
  ['/people/createProduct', {}, 400],
])('POST %s %j is answered %i with a reason', async (path, body, status) => {
  expect(await post(runtime, door + path, body)).toMatchObject({ status, body: { message: expect.any(String) } })
})

test('none of it is part of the vendor’s API', async () => {
  const client = createS4Client(runtime, { url })
  expect((await client.get('/truth/documents')).status).toBe(404)
  expect((await client.get(`${DOCUMENTS}/truth`)).status).toBe(404)
})
