import { createHash, createHmac } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStillRuntime, type StillRuntime } from '../../../test/plant/still-runtime.ts'
import { createMemoryDisk } from '../disk.ts'
import { historyViolations } from './books.ts'
import { createQms, type Qms } from './qms.ts'
import type { Inspection } from './types.ts'
import { createWireClient, type WireClient, type WireResult } from './wire-client.ts'

const K1 = { external_id: 'K-1' }
const INES = { ...K1, by: 'INES' }
const QUINN = { ...K1, by: 'QUINN' }
let runtime: StillRuntime
let qms: Qms
/** The interface user, and a person who uses the interface. */
let client: WireClient
let quinn: WireClient
beforeEach(async () => {
  runtime = openStillRuntime()
  qms = createQms({
    runtime,
    disk: createMemoryDisk(),
    hmacSha256: (key, text) => createHmac('sha256', key).update(text).digest(),
  })
  const url = await qms.start()
  client = createWireClient(runtime, url)
  quinn = createWireClient(runtime, url)
  await client.logIn()
  await quinn.logIn('QUINN', 'quinn-password')
  qms.people.makePlan({
    item: 'RM-100',
    characteristics: [
      { number: '10', name: 'Diameter', unit: 'MM', lower_limit: '4.9', upper_limit: '5.1', sample_size: 2 },
      { number: '20', name: 'Surface', kind: 'attribute' },
    ],
  })
  await create()
})
afterEach(async () => {
  expect(qms.books.violations()).toEqual([])
  await qms.stop()
  await runtime.close()
})

const record = (change: object = {}) => ({ ...K1, item: 'RM-100', lot: 'B-1', lot_quantity: '100', unit: 'PC', site: '1010', ...change })
const create = (change: object = {}) => client.write('/objects/inspections?idParam=external_id', [record(change)])
const types = (result: WireResult) => result.errors?.map(({ type }) => type)
const status = async (externalId = 'K-1') => (await client.show(externalId))['status']
const ACCEPT_ALL = { lines: [{ outcome: 'accepted' as const, quantity: '100', portion: { kind: 'lot' as const } }] }

describe('the status', () => {
  test('goes through an inspection by actions, every one a version', async () => {
    const seen = async (result: Promise<WireResult>) => (await result).data?.status
    const value = (characteristic: string, sample: string) => ({ characteristic, sample, value: '5' })
    expect(await seen(client.act('start', K1))).toBe('in_progress')
    expect(await seen(client.act('recordResults', { ...K1, input: { results: [value('10', '1'), value('10', '2')] } }))).toBe('in_progress')
    const surface = { characteristic: '20', sample: '1', inspected: 5, nonconforming: 0, device: 'EYE-1' }
    expect(await seen(client.act('recordResults', { ...K1, version: 3, input: { results: [surface] } }))).toBe('results_complete')
    expect(await seen(quinn.act('decide', { ...K1, input: ACCEPT_ALL }))).toBe('decided')
    expect(await seen(quinn.act('sign', { ...K1, input: { meaning: 'release', password: 'quinn-password' } }))).toBe('signed')
    expect(await seen(quinn.act('reopen', { ...K1, input: { reason: 'wrong lot' } }))).toBe('reopened')
    expect(qms.books.history('V5I000000000001').map(({ version, status: step }) => `${version} ${step}`)).toEqual([
      '1 created',
      '2 in_progress',
      '3 in_progress',
      '4 results_complete',
      '5 decided',
      '6 signed',
      '7 reopened',
    ])
    expect((await client.show('K-1'))['results']).toMatchObject([
      { characteristic: '10', sample: '1', value: '5', verdict: 'pass', recorded_by: 'INTEGRATION', recorded_at: '2026-11-02T08:00:00Z' },
      { characteristic: '10', sample: '2' },
      { characteristic: '20', inspected: 5, nonconforming: 0, verdict: 'pass', device: 'EYE-1' },
    ])
  })

  const reach: Readonly<Record<string, () => unknown>> = {
    created: () => undefined,
    in_progress: () => qms.people.start(K1),
    results_complete: () => qms.people.inspect(K1),
    decided: () => [qms.people.inspect(K1), qms.people.decide(K1, ACCEPT_ALL)],
    signed: () => [qms.people.inspect(K1), qms.people.decide(K1, ACCEPT_ALL), qms.people.sign(K1)],
    reopened: () => [qms.people.inspect(K1), qms.people.decide(K1, ACCEPT_ALL), qms.people.reopen(K1, 'again')],
    cancelled: () => qms.people.cancel(K1, 'not received'),
  }
  test.each([
    ['created', ['start', 'attachCertificate', 'cancel'], ['start', 'attachCertificate', 'cancel']],
    [
      'in_progress',
      ['recordResults', 'attachCertificate', 'requestRetest'],
      ['recordResults', 'attachCertificate', 'requestRetest', 'decide', 'cancel'],
    ],
    ['results_complete', ['attachCertificate', 'requestRetest'], ['attachCertificate', 'requestRetest', 'decide', 'cancel']],
    ['decided', [], ['sign', 'reopen', 'cancel']],
    ['signed', [], ['reopen', 'cancel']],
    ['reopened', ['start', 'attachCertificate', 'requestRetest'], ['start', 'attachCertificate', 'requestRetest', 'decide', 'cancel']],
    ['cancelled', [], []],
  ])('%s allows an interface %j and a person %j', async (name, forInterface, forPerson) => {
    reach[name]?.()
    expect(await status()).toBe(name)
    const { id } = await client.show('K-1')
    expect((await client.get(`/objects/inspections/${id}/actions`)).body['data']).toEqual(forInterface)
    expect((await quinn.get(`/objects/inspections/${id}/actions`)).body['data']).toEqual(forPerson)
    const before = qms.books.transactions()
    for (const action of ['start', 'recordResults', 'attachCertificate', 'requestRetest', 'decide', 'sign', 'reopen', 'cancel']) {
      if (!forPerson.includes(action)) expect(types(await quinn.act(action, K1)), action).toEqual(['OPERATION_NOT_ALLOWED'])
    }
    expect(qms.books.transactions()).toBe(before)
  })

  test('is not moved by an interface where a person must, nor by unknown or stale calls', async () => {
    qms.people.inspect(K1)
    for (const action of ['decide', 'sign', 'reopen']) expect(types(await client.act(action, K1))).toEqual(['INSUFFICIENT_ACCESS'])
    expect(types(await client.act('cancel', K1))).toEqual(['OPERATION_NOT_ALLOWED'])
    expect(types(await quinn.act('decide', { ...K1, version: 1, input: ACCEPT_ALL }))).toEqual(['RACE_CONDITION'])
    expect(types(await quinn.act('decide', { id: 'V5I000000000099' }))).toEqual(['NOT_FOUND'])
    expect(types(await quinn.act('decide', { ...K1, status: 'signed' }))).toEqual(['UNKNOWN_FIELD'])
    expect((await client.post('/objects/inspections/actions/approve', [K1])).body).toMatchObject({ errors: [{ type: 'NOT_FOUND' }] })
  })

  test('moves for many records in one call, each with its result', async () => {
    await create({ external_id: 'K-2' })
    qms.people.start(K1)
    const results = await client.write('/objects/inspections/actions/cancel', [K1, { external_id: 'K-2' }, { external_id: 'K-3' }])
    expect(results.map((result) => types(result)?.[0] ?? result.data?.status)).toEqual(['OPERATION_NOT_ALLOWED', 'cancelled', 'NOT_FOUND'])
  })
})

describe('results', () => {
  const enter = (...results: object[]) => client.act('recordResults', { ...K1, input: { results } })
  beforeEach(() => {
    qms.people.start(K1)
  })

  test.each([
    ['4.89', 'fail'],
    ['4.9', 'pass'],
    ['5.1', 'pass'],
    ['5.100000001', 'fail'],
  ])('%s is judged by the limits: %s', async (value, verdict) => {
    await enter({ characteristic: '10', sample: '1', value })
    expect((await client.show('K-1'))['results']).toMatchObject([{ value, verdict }])
  })

  test.each<[object, string, string]>([
    [{ characteristic: '30', sample: '1', value: '5' }, 'INVALID_DATA', 'results[0].characteristic'],
    [{ characteristic: '10', sample: '1', value: '5,0' }, 'INVALID_DATA', 'results[0].value'],
    [{ characteristic: '10', sample: '1', value: '5', verdict: 'pass' }, 'UNKNOWN_FIELD', 'results[0].verdict'],
    [{ characteristic: '10', sample: '1' }, 'PARAMETER_REQUIRED', 'results[0].value'],
    [{ characteristic: '20', sample: '1', inspected: 1, nonconforming: 2 }, 'INVALID_DATA', 'results[0].nonconforming'],
  ])('%j is refused', async (result, type, field) => {
    expect((await enter(result)).errors).toMatchObject([{ type, field }])
  })

  test('are entered once; a retest that somebody else authorises leaves them and opens a round', async () => {
    qms.people.inspect(INES, ['10'])
    const failed = (await client.show('K-1'))['results']
    qms.people.start(K1)
    const retest = { characteristics: ['10'], reason: 'gauge out of tolerance', authorised_by: 'QUINN' }
    expect(types(await client.act('requestRetest', { ...K1, input: { ...retest, authorised_by: 'INTEGRATION' } }))).toEqual([
      'INSUFFICIENT_ACCESS',
    ])
    expect(types(await client.act('requestRetest', { ...K1, input: { ...retest, authorised_by: undefined } }))).toEqual([
      'PARAMETER_REQUIRED',
    ])
    expect(await client.act('requestRetest', { ...K1, input: retest })).toMatchObject({ data: { status: 'in_progress' } })
    expect(types(await quinn.act('decide', { ...K1, input: ACCEPT_ALL }))).toEqual(['RESULTS_INCOMPLETE'])
    expect(await enter({ characteristic: '10', sample: '1', value: '5' })).toMatchObject({ data: { status: 'results_complete' } })
    const shown = await client.show('K-1')
    expect(shown['results']).toEqual([...(failed as object[]), expect.objectContaining({ round: 1, value: '5', verdict: 'pass' })])
    expect(shown).toMatchObject({ decision: null, retests: [{ round: 1, authorised_by: 'QUINN', requested_by: 'INTEGRATION' }] })
  })

  test('are complete when every sample has one', async () => {
    const surface = { characteristic: '20', sample: '1', inspected: 1, nonconforming: 1 }
    expect(await enter({ characteristic: '10', sample: '1', value: '5' }, surface)).toMatchObject({ data: { status: 'in_progress' } })
    expect(await enter({ characteristic: '10', sample: '2', value: '5' })).toMatchObject({ data: { status: 'results_complete' } })
    expect((await client.show('K-1'))['results']).toMatchObject([{}, { verdict: 'fail' }, {}])
  })

  test('of people pass or fail as they are told, with one limit, two or none', async () => {
    const characteristics = [{ number: 'low', lower_limit: '1' }, { number: 'high', upper_limit: '1' }, { number: 'free' }]
    qms.people.makePlan({ item: 'RM-400', characteristics })
    await create({ external_id: 'R-1', item: 'RM-400' })
    expect(qms.people.inspect({ external_id: 'R-1' }, ['free'])).toMatchObject({ ok: false, refusal: { type: 'INVALID_DATA' } })
    expect(await status('R-1')).toBe('created')
    qms.people.inspect({ external_id: 'R-1' }, ['low', 'high'])
    const { results } = (await client.show('R-1')) as { readonly results: readonly { readonly verdict: string }[] }
    expect(results.map(({ verdict }) => verdict)).toEqual(['fail', 'fail', 'pass'])
  })

  test('that do not exist cannot be tested again', async () => {
    const input = { characteristics: ['10'], reason: 'doubt', authorised_by: 'QUINN' }
    expect((await client.act('requestRetest', { ...K1, input })).errors).toMatchObject([
      { type: 'INVALID_DATA', field: 'characteristics[0]' },
    ])
  })

  test('of a sample that has one are refused', async () => {
    await enter({ characteristic: '10', sample: '1', value: '5' })
    expect(types(await enter({ characteristic: '10', sample: '1', value: '4' }))).toEqual(['RESULT_EXISTS'])
    const twice = { characteristic: '10', sample: '2', value: '5' }
    expect(types(await enter(twice, twice))).toEqual(['RESULT_EXISTS'])
  })
})

describe('certificates', () => {
  const C1 = { external_id: 'C-1' }
  const attach = (certificate: object) => client.act('attachCertificate', { ...C1, input: certificate })
  const accept = () => quinn.act('decide', { ...C1, input: ACCEPT_ALL })
  beforeEach(async () => {
    qms.people.makePlan({
      item: 'RM-300',
      characteristics: [{ number: '10', lower_limit: '1', upper_limit: '2' }],
      required_certificates: ['3.1'],
    })
    await create({ ...C1, item: 'RM-300' })
    qms.people.inspect(C1)
  })

  test('that are required are missing until somebody attaches them', async () => {
    expect(await client.show('C-1')).toMatchObject({ certificate_status: 'missing', required_certificates: ['3.1'] })
    expect((await accept()).errors).toMatchObject([{ type: 'CERTIFICATE_MISSING', message: '3.1 is missing' }])
    await attach({ type: 'CoC', number: '1' })
    expect(types(await accept())).toEqual(['CERTIFICATE_MISSING'])
    await attach({ type: '3.1', number: 'Z-7', values: [{ characteristic: '10', value: '1.5' }] })
    expect((await client.show('C-1'))['certificate_status']).toBe('complete')
    expect((await accept()).data?.status).toBe('decided')
  })

  test('are compared, not believed', async () => {
    await attach({ type: '3.1', number: 'Z-7', values: [{ characteristic: '10', value: '2.5' }] })
    expect(await client.show('C-1')).toMatchObject({ certificate_status: 'deviating', certificates: [{ deviations: ['10'] }] })
    expect(types(await accept())).toEqual(['CERTIFICATE_DEVIATES'])
    await attach({ type: '3.1', number: 'Z-8', values: [{ characteristic: '10', value: '2' }] })
    expect(await client.show('C-1')).toMatchObject({ certificate_status: 'complete', certificates: [{ number: 'Z-8' }] })
    expect((await client.show('K-1'))['certificate_status']).toBe('not_required')
  })

  test('are not needed to reject', async () => {
    const reject = { lines: [{ outcome: 'rejected', quantity: '100' }] }
    expect((await quinn.act('decide', { ...C1, input: reject })).data?.status).toBe('decided')
  })
})

describe('a decision', () => {
  const decide = (input: object) => quinn.act('decide', { ...K1, input })
  beforeEach(() => {
    qms.people.inspect(K1)
  })

  test('has lines with portions, and accounts for the whole lot', async () => {
    const lines = [
      { outcome: 'accepted', quantity: '80', portion: { kind: 'remainder', except: ['HU-1', 'HU-2'] } },
      { outcome: 'rejected', quantity: '10', portion: { kind: 'carriers', carriers: ['HU-1'] } },
      { outcome: 'quarantined', quantity: '5.5', portion: { kind: 'carriers', carriers: ['HU-2'] } },
    ]
    const difference = { quantity: '-1', document: 'CNT-9', owner: 'WOLF' }
    await decide({ lines, sampled_destroyed: '2', retained: '1', count_difference: difference })
    expect((await client.show('K-1'))['decision']).toMatchObject({
      number: 'UD-000001',
      decided_by: 'QUINN',
      decided_at: '2026-11-02T08:00:00Z',
      lines: lines.map((line, index) => ({ ...line, line: index + 1, unit: 'PC', condition: null })),
      quantities: {
        received: '100',
        accepted: '80',
        conditional: '0',
        rejected: '10',
        quarantined: '5.5',
        sampled_destroyed: '2',
        retained: '1',
        unresolved: '0.5',
      },
      count_difference: difference,
      signature: null,
    })
  })

  test('of no carrier is kept as the decider left it', async () => {
    await decide({
      lines: [
        { outcome: 'accepted', quantity: '90' },
        { outcome: 'rejected', quantity: '10', portion: null },
      ],
    })
    expect((await client.show('K-1'))['decision']).toMatchObject({ lines: [{ portion: null }, { portion: null }] })
  })

  const carriers = (...names: string[]) => ({ kind: 'carriers', carriers: names })
  const rest = (...names: string[]) => ({ kind: 'remainder', except: names })
  const CONDITION = { kind: 'pending_result', approver: 'QUINN', reason: 'line stands still', gate: 'shipping' }
  const line = (change: object = {}) => ({ outcome: 'accepted', quantity: '10', ...change })
  test.each<[string, object, [string, string]]>([
    ['no lines', { lines: [] }, ['INVALID_DATA', 'lines']],
    ['an unknown outcome', { lines: [line({ outcome: 'pass' })] }, ['INVALID_DATA', 'lines[0].outcome']],
    ['a negative quantity', { lines: [line({ quantity: '-1' })] }, ['INVALID_DATA', 'lines[0].quantity']],
    ['another unit', { lines: [line({ unit: 'KG' })] }, ['INVALID_DATA', 'lines[0].unit']],
    ['more than the lot', { lines: [line({ quantity: '99' })], retained: '1.5' }, ['QUANTITY_EXCEEDS_LOT', 'lines']],
    [
      'more than was counted',
      { lines: [line({ quantity: '100' })], count_difference: { quantity: '-1', document: 'C', owner: 'W' } },
      ['QUANTITY_EXCEEDS_LOT', 'lines'],
    ],
    [
      'a difference without its document',
      { lines: [line()], count_difference: { quantity: '-1', owner: 'W' } },
      ['PARAMETER_REQUIRED', 'count_difference.document'],
    ],
    ['a carrier twice', { lines: [line({ portion: carriers('A') }), line({ portion: carriers('B', 'A') })] }, ['INVALID_DATA', 'lines']],
    ['the whole lot beside a line', { lines: [line({ portion: { kind: 'lot' } }), line()] }, ['INVALID_DATA', 'lines']],
    ['two remainders', { lines: [line({ portion: rest('A') }), line({ portion: rest('B') })] }, ['INVALID_DATA', 'lines']],
    ['a condition that does not belong', { lines: [line({ condition: CONDITION })] }, ['INVALID_DATA', 'lines[0].condition']],
    ['a portion of no kind', { lines: [line({ portion: { kind: 'half' } })] }, ['INVALID_DATA', 'lines[0].portion.kind']],
    [
      'a condition where none belongs',
      { lines: [line({ condition: { kind: 'concession' } })] },
      ['PARAMETER_REQUIRED', 'lines[0].condition.approver'],
    ],
    ['conditional without condition', { lines: [line({ outcome: 'conditional' })] }, ['PARAMETER_REQUIRED', 'lines[0].condition']],
  ])('with %s is refused', async (_, input, [type, field]) => {
    expect((await decide(input)).errors).toMatchObject([{ type, field }])
    expect(await status()).toBe('results_complete')
  })

  test('counts only when signed by a person, with meaning and password', async () => {
    qms.people.decide(QUINN, ACCEPT_ALL)
    const sign = (input: object) => quinn.act('sign', { ...K1, input })
    expect((await sign({ meaning: 'release', password: 'guess' })).errors).toMatchObject([
      { type: 'INSUFFICIENT_ACCESS', field: 'password' },
    ])
    expect((await sign({ meaning: 'ok', password: 'quinn-password' })).errors).toMatchObject([{ type: 'INVALID_DATA', field: 'meaning' }])
    const { decision } = await client.show('K-1')
    await runtime.advance(90_500)
    await sign({ meaning: 'release', password: 'quinn-password' })
    expect(await client.show('K-1')).toMatchObject({
      status: 'signed',
      decision: {
        signature: {
          user: 'QUINN',
          printed_name: 'Quinn Engel',
          meaning: 'release',
          signed_at: '2026-11-02T08:01:30Z',
          record_hash: createHash('sha256').update(JSON.stringify(decision)).digest('hex'),
        },
      },
    })
  })

  test('that is reopened stays readable, and the next one has another number', async () => {
    qms.people.decide(QUINN, ACCEPT_ALL)
    qms.people.sign(QUINN)
    expect(qms.people.reopen(INES, '')).toMatchObject({ ok: false, refusal: { type: 'INVALID_DATA' } })
    qms.people.reopen(INES, 'customer complaint')
    expect(await client.show('K-1')).toMatchObject({
      status: 'reopened',
      decision: null,
      superseded_decisions: [
        { reason: 'customer complaint', reopened_by: 'INES', decision: { number: 'UD-000001', signature: { user: 'QUINN' } } },
      ],
    })
    qms.people.decide(QUINN, { lines: [{ outcome: 'rejected', quantity: '100' }] })
    expect((await client.show('K-1'))['decision']).toMatchObject({ number: 'UD-000002', signature: null })
  })
})

describe('a conditional line', () => {
  const erp = { by: 'erp' } as const
  const limits = [
    { kind: 'quantity', quantity: '50', unit: 'PC', enforced_by: erp },
    { kind: 'work_orders', values: ['WO-1', 'WO-2'], enforced_by: { by: 'interlock' } },
    { kind: 'customers', values: ['C-1'], enforced_by: { by: 'wms' } },
    { kind: 'lines', values: ['L-3'], enforced_by: { by: 'procedure', person: 'Petra Plan' } },
    { kind: 'sites', values: ['1010'], enforced_by: null },
    { kind: 'until', until: '2026-12-31', enforced_by: erp },
  ]
  const pending = { kind: 'pending_result', approver: 'QUINN', reason: 'line stands still', gate: 'shipping', limits }
  const concession = { kind: 'concession', number: 'CON-1', approval: 'customer', approver: 'Carla Kunde', limits }
  const decide = (condition: object) =>
    quinn.act('decide', { ...K1, input: { lines: [{ outcome: 'conditional', quantity: '100', portion: { kind: 'lot' }, condition }] } })

  test('pending results is decided before there are any', async () => {
    qms.people.start(K1)
    expect((await decide(pending)).data?.status).toBe('decided')
    expect((await client.show('K-1'))['decision']).toMatchObject({ lines: [{ condition: pending }], quantities: { conditional: '100' } })
  })

  test('by concession needs the results, its approval and its limits', async () => {
    qms.people.start(K1)
    expect(types(await decide(concession))).toEqual(['RESULTS_INCOMPLETE'])
    qms.people.inspect(K1, ['10'])
    expect((await decide(concession)).data?.status).toBe('decided')
    expect((await client.show('K-1'))['decision']).toMatchObject({ lines: [{ condition: concession }] })
  })

  test.each<[string, object, [string, string]]>([
    ['no limits', { ...concession, limits: [] }, ['INVALID_DATA', 'limits']],
    ['no approver', { ...pending, approver: undefined }, ['PARAMETER_REQUIRED', 'approver']],
    ['no gate', { ...pending, gate: undefined }, ['PARAMETER_REQUIRED', 'gate']],
    ['nobody in particular approving', { ...concession, approval: 'boss' }, ['INVALID_DATA', 'approval']],
    [
      'a procedure without a person',
      { ...pending, limits: [{ ...limits[0], enforced_by: { by: 'procedure' } }] },
      ['PARAMETER_REQUIRED', 'limits[0].enforced_by.person'],
    ],
    ['a limit of no kind', { ...pending, limits: [{ kind: 'care', enforced_by: erp }] }, ['INVALID_DATA', 'limits[0].kind']],
    ['an end that is no date', { ...pending, limits: [{ kind: 'until', until: 'soon' }] }, ['INVALID_DATA', 'limits[0].until']],
  ])('with %s is refused', async (_, condition, [type, path]) => {
    qms.people.inspect(K1)
    expect((await decide(condition)).errors).toMatchObject([{ type, field: `lines[0].condition.${path}` }])
  })
})

describe('people', () => {
  test('create by hand, edit by hand, and cancel what has begun', async () => {
    expect(qms.people.create({ ...record(), external_id: 'HAND-1' }, 'INES')).toEqual({ ok: true, id: 'V5I000000000002' })
    expect(await client.show('HAND-1')).toMatchObject({ created_by: 'INES', number: 'INS-000002' })
    expect(qms.people.edit({ external_id: 'HAND-1' }, K1)).toMatchObject({ ok: false, refusal: { type: 'DUPLICATE_VALUE' } })
    expect(qms.people.edit({ ...INES }, { external_id: 'MOVED', lot: 'B-9', description: null })).toMatchObject({ ok: true })
    expect(await client.show('MOVED')).toMatchObject({ id: 'V5I000000000001', lot: 'B-9', modified_by: 'INES', version: 2 })
    expect(qms.books.byExternalId('K-1')).toEqual([])
    const read = await client.post('/objects/inspections/read', { external_ids: ['K-1'] })
    expect(read.body['data']).toMatchObject([{ key: 'K-1', responseStatus: 'FAILURE', errors: [{ type: 'NOT_FOUND' }] }])
    qms.people.inspect({ external_id: 'MOVED' })
    qms.people.decide({ external_id: 'MOVED' }, ACCEPT_ALL)
    expect(qms.people.cancel({ external_id: 'MOVED' }, 'wrong delivery')).toMatchObject({ ok: true })
    expect(await status('MOVED')).toBe('cancelled')
  })

  test('meet the same refusals as a call, and must work there', () => {
    expect(qms.people.sign(K1)).toMatchObject({ ok: false, refusal: { type: 'OPERATION_NOT_ALLOWED' } })
    expect(qms.people.start({ id: 'V5I000000000099' })).toMatchObject({ ok: false, refusal: { type: 'NOT_FOUND' } })
    expect(() => qms.people.start({ ...K1, by: 'INTEGRATION' })).toThrow('nobody called INTEGRATION')
  })
})

test('the books notice what no inspection may show', () => {
  const [first] = qms.books.inspections() as [Inspection]
  const wrong: Inspection = { ...first, version: 4, status: 'signed' }
  expect(historyViolations([first])).toEqual([])
  expect(historyViolations([first, wrong])).toEqual([
    'V5I000000000001@4: versions have a gap',
    'V5I000000000001@4: signed cannot follow created',
    'V5I000000000001@4: signed with the wrong decision',
    'V5I000000000001@4: signed with the wrong signature',
  ])
})
