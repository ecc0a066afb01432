import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createMemoryDisk, type Disk } from '../disk.ts'
import { createQms, type Qms, type QmsConfig } from './qms.ts'
import { createWireClient, type WireClient } from './wire-client.ts'

const PLAN = {
  item: 'RM-100',
  characteristics: [
    { number: '10', name: 'Diameter', unit: 'MM', lower_limit: '4.9', upper_limit: '5.1', sample_size: 2 },
    { number: '20', name: 'Surface', kind: 'attribute' as const },
  ],
}
let runtime: StillRuntime
let disk: Disk
let qms: Qms
let client: WireClient
beforeEach(async () => {
  runtime = openStillRuntime({ random: () => 0.999 })
  disk = createMemoryDisk()
  await open()
  qms.people.makePlan(PLAN)
})
afterEach(async () => {
  await qms.stop()
  await runtime.close()
})

async function open(config: QmsConfig = {}): Promise<void> {
  qms = createQms({ runtime, disk, hmacSha256: (key, text) => createHmac('sha256', key).update(text).digest() }, config)
  client = createWireClient(runtime, await qms.start())
  await client.logIn()
}
async function reopen(config: QmsConfig = {}): Promise<void> {
  await qms.stop()
  await open(config)
}

/** Moves time on until there is an answer. */
async function later<T>(answer: Promise<T>, stepMs = 100): Promise<T> {
  let isDone = false
  void answer.finally(() => {
    isDone = true
  })
  await expect
    .poll(async () => {
      await runtime.advance(stepMs)
      return isDone
    })
    .toBe(true)
  return answer
}

const record = (change: object = {}) => ({
  external_id: 'K-1',
  item: 'RM-100',
  lot: 'B-1',
  lot_quantity: '100',
  unit: 'PC',
  site: '1010',
  ...change,
})
const upsert = (...changes: object[]) => client.write('/objects/inspections?idParam=external_id', changes.map(record))
const K1 = { external_id: 'K-1' }

describe('a session', () => {
  test('is needed, and is opened with name and password', async () => {
    const stranger = createWireClient(runtime, await qms.start())
    const refused = await stranger.get('/metadata/inspections')
    expect(refused).toMatchObject({ status: 200, body: { responseStatus: 'FAILURE', errors: [{ type: 'INVALID_SESSION_ID' }] } })
    expect((await stranger.logIn('INTEGRATION', 'wrong')).body).toMatchObject({ errors: [{ type: 'AUTHENTICATION_FAILED' }] })
    expect((await stranger.logIn()).body).toMatchObject({ responseStatus: 'SUCCESS' })
    expect((await stranger.get('/metadata/inspections')).body).toMatchObject({ responseStatus: 'SUCCESS' })
  })

  test('ends after inactivity, and ends at its age however much it is used', async () => {
    await reopen({ sessions: { idleMs: 1_000, absoluteMs: 2_500 } })
    const isOpen = async () => (await client.get('/metadata/inspections')).body['responseStatus'] === 'SUCCESS'
    await runtime.advance(999)
    expect(await isOpen()).toBe(true)
    await runtime.advance(999)
    expect(await isOpen()).toBe(true)
    await runtime.advance(502)
    expect(await isOpen()).toBe(false)
    await client.logIn()
    await runtime.advance(1_000)
    expect(await isOpen()).toBe(false)
  })

  test('can end between two batches, and in the middle of one: what was written stays', async () => {
    qms.sessions.endAfterCalls(1)
    expect(await upsert({ external_id: 'A' })).toMatchObject([{ responseStatus: 'SUCCESS' }])
    expect((await client.post('/objects/inspections?idParam=external_id', [record()])).body).toMatchObject({
      errors: [{ type: 'INVALID_SESSION_ID' }],
    })
    await client.logIn()
    qms.sessions.endInNextBatch()
    expect(await upsert({ external_id: 'B' }, { external_id: 'C' })).toMatchObject([
      { responseStatus: 'SUCCESS' },
      { responseStatus: 'FAILURE', errors: [{ type: 'INVALID_SESSION_ID' }] },
    ])
    expect((await client.get('/metadata/inspections')).body).toMatchObject({ errors: [{ type: 'INVALID_SESSION_ID' }] })
    expect(qms.books.inspections().map(({ fields }) => fields['external_id'])).toEqual(['A', 'B'])
  })

  test('does not outlive a restart, and ends by a share', async () => {
    await qms.stop()
    await qms.start()
    expect((await client.get('/metadata/inspections')).body['responseStatus']).toBe('FAILURE')
    await reopen({ sessions: { endShare: 1 } })
    expect((await client.get('/metadata/inspections')).body['responseStatus']).toBe('FAILURE')
  })

  test('logins have a limit of their own: late from one half, refused beyond', async () => {
    await reopen({ logins: { windowMs: 60_000, delayFrom: 1, refuseFrom: 2, delayMs: 500 } })
    expect((await later(client.logIn())).body['responseStatus']).toBe('SUCCESS')
    expect((await later(client.logIn())).body).toMatchObject({ errors: [{ type: 'API_LIMIT_EXCEEDED' }] })
  })
})

describe('upsert by external id', () => {
  test('creates with an assigned id and number, then updates, then has nothing to do', async () => {
    expect(await upsert({})).toEqual([
      {
        responseStatus: 'SUCCESS',
        event: 'created',
        data: { id: 'V5I000000000001', number: 'INS-000001', external_id: 'K-1', version: 1, status: 'created' },
      },
    ])
    expect(await upsert({ lot_quantity: '90' })).toMatchObject([{ responseStatus: 'SUCCESS', event: 'updated', data: { version: 2 } }])
    expect(await upsert({ lot_quantity: '90' })).toMatchObject([
      { responseStatus: 'WARNING', event: 'unchanged', data: { version: 2 }, warnings: [{ type: 'NO_CHANGE' }] },
    ])
    expect(await client.show('K-1')).toMatchObject({
      external_id: 'K-1',
      lot_quantity: '90',
      supplier: null,
      status: 'created',
      version: 2,
      decision: null,
    })
    expect(qms.books.violations()).toEqual([])
  })

  test('answers record by record: what fails undoes no other', async () => {
    const results = await upsert(
      {},
      { external_id: 'K-2', item: 'RM-200' },
      { external_id: 'K-3', colour: 'red' },
      { external_id: 'K-4' },
      {},
    )
    expect(results.map(({ errors, event }) => errors?.[0]?.type ?? event)).toEqual([
      'created',
      'INSPECTION_PLAN_MISSING',
      'UNKNOWN_FIELD',
      'created',
      'unchanged',
    ])
    expect(qms.books.inspections()).toHaveLength(2)
  })

  test.each<[string, object, { readonly type: string; readonly field: string }]>([
    ['an unknown field', { colour: 'red' }, { type: 'UNKNOWN_FIELD', field: 'colour' }],
    ['the status', { status: 'signed' }, { type: 'READ_ONLY_FIELD', field: 'status' }],
    ['the number', { number: 'INS-7' }, { type: 'READ_ONLY_FIELD', field: 'number' }],
    ['a missing field', { lot: null }, { type: 'PARAMETER_REQUIRED', field: 'lot' }],
    ['a missing external id', { external_id: null }, { type: 'PARAMETER_REQUIRED', field: 'external_id' }],
    ['a quantity that is none', { lot_quantity: 'many' }, { type: 'INVALID_DATA', field: 'lot_quantity' }],
    ['a quantity of nothing', { lot_quantity: '0' }, { type: 'INVALID_DATA', field: 'lot_quantity' }],
    ['a number for a text', { lot: 5 }, { type: 'INVALID_DATA', field: 'lot' }],
    ['what is too long', { lot: 'x'.repeat(41) }, { type: 'INVALID_DATA', field: 'lot' }],
    ['what is not in the list', { inspection_type: 'skip' }, { type: 'INVALID_DATA', field: 'inspection_type' }],
    ['a date that is none', { needed_on: 'tomorrow' }, { type: 'INVALID_DATA', field: 'needed_on' }],
  ])('refuses %s', async (_, change, error) => {
    expect(await upsert(change)).toMatchObject([{ responseStatus: 'FAILURE', errors: [error] }])
    expect(qms.books.transactions()).toBe(2)
  })

  test('takes a version as the one that was seen', async () => {
    await upsert({})
    expect(await upsert({ lot_quantity: '90', version: 2 })).toMatchObject([{ errors: [{ type: 'RACE_CONDITION' }] }])
    expect(await upsert({ lot_quantity: '90', version: 1 })).toMatchObject([{ event: 'updated' }])
    expect(await upsert({ external_id: 'K-2', version: 1 })).toMatchObject([{ errors: [{ type: 'RACE_CONDITION' }] }])
  })

  test('changes neither what is given once nor what is decided', async () => {
    await upsert({})
    expect(await upsert({ unit: null })).toMatchObject([{ errors: [{ type: 'PARAMETER_REQUIRED', field: 'unit' }] }])
    expect(await upsert({ lot: 'B-2' })).toMatchObject([{ errors: [{ type: 'READ_ONLY_FIELD', field: 'lot' }] }])
    qms.people.inspect(K1)
    qms.people.decide(K1, { lines: [{ outcome: 'accepted', quantity: '100' }] })
    expect(await upsert({ lot_quantity: '90' })).toMatchObject([{ errors: [{ type: 'RECORD_LOCKED' }] }])
    expect(await upsert({})).toMatchObject([{ event: 'unchanged' }])
  })

  test('takes 500 records in one transaction, not more', async () => {
    const many = Array.from({ length: 501 }, (_, index) => ({ external_id: `M-${index}` }))
    expect((await client.post('/objects/inspections?idParam=external_id', many.map(record))).body).toMatchObject({
      errors: [{ type: 'BATCH_TOO_LARGE' }],
    })
    const before = qms.books.transactions()
    expect(await upsert(...many.slice(0, 500))).toHaveLength(500)
    expect(qms.books.transactions()).toBe(before + 1)
  })

  test('without it, a create meets a unique external id; where that is not unique, there are doubles', async () => {
    await upsert({})
    expect(await client.write('/objects/inspections', [record()])).toMatchObject([{ errors: [{ type: 'DUPLICATE_VALUE' }] }])
    await reopen({ externalIdUnique: false })
    expect(await client.write('/objects/inspections', [record()])).toMatchObject([{ event: 'created' }])
    expect(await upsert({})).toMatchObject([{ errors: [{ type: 'MULTIPLE_MATCHES' }] }])
    expect(await client.act('start', K1)).toMatchObject({ errors: [{ type: 'MULTIPLE_MATCHES' }] })
    expect(qms.books.byExternalId('K-1')).toHaveLength(2)
    const read = await client.post('/objects/inspections/read', { external_ids: ['K-1'] })
    expect((read.body['data'] as { records: unknown[] }[])[0]?.records).toHaveLength(2)
  })

  test('by anything else is refused, and so is what is not a list', async () => {
    expect((await client.post('/objects/inspections?idParam=lot', [record()])).body).toMatchObject({ errors: [{ type: 'INVALID_DATA' }] })
    expect((await client.post('/objects/inspections', record())).body).toMatchObject({ errors: [{ type: 'INVALID_DATA' }] })
    expect(await client.get('/objects/nonconformances')).toMatchObject({ status: 404 })
  })
})

describe('inspection plans', () => {
  test('are needed; when somebody makes one, the same upsert goes through', async () => {
    const wanted = { external_id: 'K-2', item: 'RM-200', supplier: 'S-1' }
    const [refused] = await upsert(wanted)
    expect(refused?.errors).toEqual([
      { type: 'INSPECTION_PLAN_MISSING', message: 'no released inspection plan for item RM-200 and supplier S-1', field: 'item' },
    ])
    qms.people.makePlan({ item: 'RM-200', supplier: 'S-2' })
    qms.people.makePlan({ item: 'RM-200', supplier: 'S-1', status: 'draft' })
    expect(await upsert(wanted)).toMatchObject([{ errors: [{ type: 'INSPECTION_PLAN_MISSING' }] }])
    qms.people.makePlan({ item: 'RM-200', supplier: 'S-1' })
    expect(await upsert(wanted)).toMatchObject([{ event: 'created' }])
    expect(await client.show('K-2')).toMatchObject({ plan: { number: 'IP-00003', version: 2 } })
    const listed = await client.get('/objects/inspection_plans?item=RM-200&supplier=S-1')
    expect(listed.body['data']).toMatchObject([{ number: 'IP-00003', version: 2, status: 'released' }])
  })

  test('for the supplier go before those for all; a running inspection keeps the plan it began with', async () => {
    qms.people.makePlan({ item: 'RM-100', supplier: 'S-1', characteristics: [{ number: '90' }] })
    await upsert({ supplier: 'S-1' }, { external_id: 'K-2', supplier: 'S-2' })
    qms.people.makePlan({ item: 'RM-100', supplier: 'S-1', status: 'withdrawn' })
    expect(await client.show('K-1')).toMatchObject({ plan: { number: 'IP-00002', version: 1 }, characteristics: [{ number: '90' }] })
    expect(await client.show('K-2')).toMatchObject({ plan: { number: 'IP-00001' } })
    await upsert({ external_id: 'K-3', supplier: 'S-1' })
    expect(await client.show('K-3')).toMatchObject({ plan: { number: 'IP-00001' } })
  })
})

describe('on disk', () => {
  test('is everything: a new QMS on the same disk shows the same', async () => {
    await upsert({}, { external_id: 'K-2' })
    qms.people.inspect(K1)
    qms.people.decide(K1, { lines: [{ outcome: 'accepted', quantity: '100' }] })
    qms.people.sign(K1)
    qms.driftSchema({ renamed: { lot_quantity: 'quantity' } })
    const before = {
      record: await client.show('K-1'),
      inspections: qms.books.inspections(),
      plans: qms.books.plans(),
      messages: qms.books.messages(),
    }
    const history = qms.books.history('V5I000000000001')
    await reopen({ disturbances: { readLagMsMin: 60_000, readLagMsMax: 60_000 } })
    expect({
      record: await client.show('K-1'),
      inspections: qms.books.inspections(),
      plans: qms.books.plans(),
      messages: qms.books.messages(),
    }).toEqual(before)
    expect(qms.books.history('V5I000000000001')).toEqual(history)
    expect(await upsert({ external_id: 'K-3', lot_quantity: undefined, quantity: '5' })).toMatchObject([
      { event: 'created', data: { id: 'V5I000000000003' } },
    ])
  })

  test('is one record per call that changed something', async () => {
    const before = [...disk.load()].length
    await upsert({}, { external_id: 'K-2' })
    await client.show('K-1')
    await upsert({}, { external_id: 'K-2' })
    await client.act('start', { external_id: 'nobody' })
    expect([...disk.load()]).toHaveLength(before + 1)
  })

  test('is what counts: a call whose record cannot be kept has done nothing', async () => {
    await qms.stop()
    const kept = disk
    let isFull = false
    disk = {
      ...kept,
      append: (entry) => {
        if (isFull) throw new Error('the disk is full')
        kept.append(entry)
      },
    }
    await open()
    isFull = true
    expect(() => qms.people.create(record())).toThrow('the disk is full')
    isFull = false
    expect(qms.books.inspections()).toEqual([])
    expect(qms.people.create(record())).toMatchObject({ ok: true })
  })
})

describe('a schema that changes', () => {
  test('renames: the old name is unknown from then on, for reading and writing', async () => {
    qms.driftSchema({ renamed: { lot_quantity: 'quantity__c', status: 'lifecycle_state' } })
    expect(await upsert({})).toMatchObject([{ errors: [{ type: 'UNKNOWN_FIELD', field: 'lot_quantity' }] }])
    expect(await upsert({ lot_quantity: undefined })).toMatchObject([{ errors: [{ type: 'PARAMETER_REQUIRED', field: 'quantity__c' }] }])
    expect(await upsert({ lot_quantity: undefined, quantity__c: '5' })).toMatchObject([{ event: 'created' }])
    const shown = await client.show('K-1')
    expect(shown).toMatchObject({ quantity__c: '5', lifecycle_state: 'created' })
    expect(shown).not.toHaveProperty('lot_quantity')
    qms.restoreSchema()
    expect(await client.show('K-1')).toMatchObject({ lot_quantity: '5', status: 'created' })
  })

  test('adds fields, requires fields, changes values, and says so', async () => {
    qms.driftSchema({ added: { risk_class__c: 'R2' }, required: ['receipt'] })
    expect(await upsert({})).toMatchObject([{ errors: [{ type: 'PARAMETER_REQUIRED', field: 'receipt' }] }])
    await upsert({ receipt: '5000001' })
    expect(await client.show('K-1')).toMatchObject({ risk_class__c: 'R2' })
    const { fields } = (await client.get('/metadata/inspections')).body as { fields: { name: string; required?: boolean }[] }
    expect(fields.find(({ name }) => name === 'receipt')).toMatchObject({ required: true, editable: true })
    expect(fields.find(({ name }) => name === 'risk_class__c')).toMatchObject({ editable: false })
    qms.people.inspect({ external_id: 'K-1' })
    qms.people.decide({ external_id: 'K-1' }, { lines: [{ outcome: 'accepted', quantity: '100' }] })
    qms.driftSchema({ values: { accepted: 'approved__c', decided: 'adjudicated__c' } })
    expect(await client.show('K-1')).toMatchObject({ status: 'adjudicated__c', decision: { lines: [{ outcome: 'approved__c' }] } })
    expect(() => qms.driftSchema({ renamed: { colour: 'x' } })).toThrow('no field colour')
  })
})
