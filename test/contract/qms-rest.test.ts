import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommandItem, Connector, Outcome, ReadResult } from '../../src/connectors/connector.ts'
import type { RecordSeen } from '../../src/model/observation.ts'
import { describeConnector } from './connector.ts'
import { callOf } from './connector-harness.ts'
import { LAG_MS, openQmsRest, openUnderTest, type QmsRestRig } from './qms-rest-harness.ts'

describeConnector('qms-rest, inspection', () => openUnderTest('inspection'))
describeConnector('qms-rest, inspectionStatus', () => openUnderTest('inspectionStatus'))

let rig: QmsRestRig
beforeEach(async () => {
  rig = await openQmsRest()
})
afterEach(() => rig.close())

const apply = (items: readonly CommandItem[], connector: Connector = rig.connector): Promise<readonly Outcome[]> =>
  connector.apply(items, callOf())
const applyOne = async (item: CommandItem): Promise<Outcome | undefined> => (await apply([item]))[0]
const read = (...keys: readonly string[]): Promise<readonly ReadResult[]> => rig.connector.read('inspection', keys, callOf())
const callsTo = (path: string): number => rig.qms.books.calls().filter((call) => call.path.endsWith(path)).length
const logins = (): number => callsTo('/auth')
const stored = (): number => rig.qms.books.inspections().length

async function seen(key: string): Promise<RecordSeen | undefined> {
  const [result] = await read(key)
  if (result?.read !== 'observed' || result.observation.kind !== 'record') throw new Error(JSON.stringify(result))
  return result.observation.records[0]
}

describe('the session', () => {
  it('is opened once, however many calls wait for it, and serves them all', async () => {
    const items = Array.from({ length: 6 }, () => rig.create())
    const settled = await Promise.all([...items.map((item) => apply([item])), read('k'), read('l')])
    expect(settled.slice(0, 6)).toEqual(items.map(() => [expect.objectContaining({ outcome: 'applied' })]))
    expect(logins()).toBe(1)
    await applyOne(rig.create())
    expect(logins()).toBe(1)
  })

  it('that has ended before a write: nothing was done, nothing is sent again, and a new one waits for the next try', async () => {
    const item = rig.create()
    await read(item.subject)
    rig.qms.sessions.endAll()
    expect(await applyOne(item)).toMatchObject({ outcome: 'later', class: 'authorization', delayMs: 0 })
    expect([callsTo('/objects/inspections'), logins(), stored()]).toEqual([1, 2, 0])
    expect(await applyOne(item)).toMatchObject({ outcome: 'applied' })
    expect([logins(), stored()]).toEqual([2, 1])
  })

  it('that has ended before a read is opened anew, and the read asked once more', async () => {
    const item = rig.create()
    await applyOne(item)
    rig.qms.sessions.endAll()
    expect(await Promise.all([seen(item.subject), seen(item.subject)])).toMatchObject([{ key: item.subject }, { key: item.subject }])
    expect(logins()).toBe(2)
    rig.qms.sessions.endAll()
    expect(await rig.connector.sweep('inspection', null, callOf())).toMatchObject({ subjects: [{ subject: item.subject }] })
    rig.qms.sessions.endAll()
    expect(await rig.connector.changes(null, callOf())).toMatchObject({ items: [{ external_id: item.subject }] })
  })

  it('that ends between two records of a write: the later ones are proved undone', async () => {
    const items = Array.from({ length: 4 }, () => rig.create())
    await read('k')
    rig.qms.sessions.endInNextBatch()
    const lost = { outcome: 'later', class: 'authorization', delayMs: 0 }
    expect(await apply(items)).toMatchObject([{ outcome: 'applied' }, { outcome: 'applied' }, lost, lost])
    expect([callsTo('/objects/inspections'), stored()]).toEqual([1, 2])
    expect(await apply(items.slice(2))).toMatchObject([{ outcome: 'applied' }, { outcome: 'applied' }])
    expect([logins(), stored()]).toEqual([2, 4])
  })

  it('that is refused as soon as it is opened is not asked for again at once', async () => {
    await read('k')
    rig.qms.sessions.set({ endShare: 1 })
    expect(await applyOne(rig.create())).toMatchObject({ outcome: 'later', delayMs: 0 })
    expect(await applyOne(rig.create())).toMatchObject({ outcome: 'later', class: 'authorization', delayMs: null })
    expect(await read('k')).toMatchObject([{ read: 'failed', class: 'authorization', delayMs: null }])
    expect(callsTo('/objects/inspections/read')).toBe(3)
  })

  it('cannot be opened: every call says why, and one login serves all who wait', async () => {
    rig.lockOut(true)
    const failed = { outcome: 'later', class: 'authorization', delayMs: null, detail: expect.stringContaining('AUTHENTICATION_FAILED') }
    const settled = await Promise.all(Array.from({ length: 5 }, () => applyOne(rig.create())))
    expect(settled).toEqual(settled.map(() => failed))
    expect(logins()).toBe(1)
    expect(JSON.stringify(settled)).not.toContain('integration-password')
    await rig.qms.stop()
    expect(await applyOne(rig.create())).toMatchObject({ outcome: 'later', class: 'transient' })
  })

  it('is waited for by each caller as long as it likes', async () => {
    await rig.close()
    rig = await openQmsRest({}, { logins: { delayFrom: 0, delayMs: 1_000 } })
    const impatient = new AbortController()
    const [first, second] = [rig.create(), rig.create()]
    const settled = Promise.all([rig.connector.apply([first], callOf({ signal: impatient.signal })), apply([second])])
    await expect.poll(() => rig.wire.counts().written).toBe(1)
    impatient.abort(new Error('enough'))
    // Until the login has reached the QMS and waits there.
    await new Promise((resolve) => setTimeout(resolve, 50))
    await rig.runtime.advance(1_000)
    expect(await settled).toMatchObject([[{ outcome: 'later', class: 'transient' }], [{ outcome: 'applied' }]])
    expect(stored()).toBe(1)
  })

  it('ends with too many logins: told as such', async () => {
    await rig.close()
    rig = await openQmsRest({}, { logins: { refuseFrom: 0 } })
    expect(await applyOne(rig.create())).toMatchObject({ outcome: 'later', class: 'rateLimit' })
    expect(await read('k')).toMatchObject([{ read: 'failed', class: 'rateLimit' }])
  })
})

describe('a creation', () => {
  it('without a plan waits for a person, in one group for the item, and goes on when there is one', async () => {
    const items = [rig.create({ item: 'NEW' }), rig.create(), rig.create({ item: 'NEW' })]
    const missing = { outcome: 'needs-person', code: 'plan.missing', causeGroup: 'plan:erp-1:item:NEW' }
    expect(await apply(items)).toMatchObject([missing, { outcome: 'applied' }, missing])
    expect(stored()).toBe(1)
    rig.qms.people.makePlan({ item: 'NEW' })
    expect(await apply(items)).toMatchObject([{ outcome: 'applied' }, { outcome: 'applied' }, { outcome: 'applied' }])
    expect(stored()).toBe(3)
  })

  it('of what stands there and takes no change any more is done', async () => {
    const item = rig.create()
    await applyOne(item)
    rig.qms.people.cancel({ external_id: item.subject }, 'mistake')
    const { action } = item
    if (action.type !== 'createRecord') throw new Error('no creation')
    const other = { ...item, action: { ...action, fields: { ...action.fields, quantity: '99' } } }
    expect(await applyOne(other)).toMatchObject({ outcome: 'applied', detail: expect.stringContaining('RECORD_LOCKED') })
    expect(stored()).toBe(1)
  })

  it('where two stand under one external id asks a person, and so does a cancellation', async () => {
    await rig.close()
    rig = await openQmsRest({}, { externalIdUnique: false })
    const item = rig.create()
    await applyOne(item)
    rig.qms.people.create({ external_id: item.subject, item: 'RM-100', lot: 'L', lot_quantity: '1', unit: 'PC', site: 'P1' })
    expect(await applyOne(item)).toMatchObject({ outcome: 'needs-person', code: 'record.duplicate' })
    const [double] = await rig.connector.read('inspectionStatus', [item.subject], callOf())
    expect(double).toMatchObject({ observation: { records: [{ key: item.subject }, { key: item.subject }] } })
    expect(await applyOne(rig.cancel(item.subject))).toMatchObject({ outcome: 'needs-person', code: 'record.duplicate' })
    const [first] = rig.qms.books.byExternalId(item.subject)
    rig.qms.people.cancel({ id: first?.id ?? '' }, 'double')
    await rig.connector.read('inspectionStatus', [item.subject], callOf())
    expect(await applyOne(rig.cancel(item.subject))).toMatchObject({ outcome: 'applied' })
  })

  it('after the QMS has renamed a field is refused by name, and refused as a whole it is only put off', async () => {
    rig.qms.driftSchema({ renamed: { lot: 'batch' } })
    expect(await applyOne(rig.create())).toMatchObject({ outcome: 'refused', detail: expect.stringContaining('UNKNOWN_FIELD') })
    const moved = rig.connect({ schema: { paths: { upsert: '/objects/moved' } } })
    expect(await apply([rig.create()], moved)).toMatchObject([{ outcome: 'later', class: 'contract' }])
    const renamed = rig.connect({ schema: { create: { lot: { field: 'batch', form: 'lotNumber' } } } })
    expect(await apply([rig.create()], renamed)).toMatchObject([{ outcome: 'applied', detail: 'INS-000001' }])
  })

  it('during maintenance is unknown: a page for people proves nothing', async () => {
    await read('k')
    rig.qms.setMaintenance(true)
    expect(await applyOne(rig.create())).toMatchObject({ outcome: 'unknown' })
    expect(await read('k')).toMatchObject([{ read: 'failed', class: 'transient' }])
    expect(await rig.connector.sweep('inspection', null, callOf())).toEqual({ failed: expect.any(String) })
  })
})

describe('a cancellation', () => {
  it('at a version that is gone is put off until it can be read again; what somebody began is refused', async () => {
    const item = rig.create()
    await applyOne(item)
    await rig.connector.read('inspectionStatus', [item.subject], callOf())
    rig.qms.people.start({ external_id: item.subject })
    expect(await applyOne(rig.cancel(item.subject))).toMatchObject({ outcome: 'later', class: 'transient', delayMs: LAG_MS })
    await rig.connector.read('inspectionStatus', [item.subject], callOf())
    expect(await applyOne(rig.cancel(item.subject))).toMatchObject({ outcome: 'refused' })
  })
})

describe('a decision', () => {
  it('counts when it is signed, at the version with the signature', async () => {
    const item = rig.create()
    const at = { external_id: item.subject }
    await applyOne(item)
    rig.qms.people.inspect(at)
    rig.qms.people.decide(at, { lines: [{ outcome: 'accepted', quantity: '100', portion: { kind: 'lot' } }] })
    expect(await seen(item.subject)).toMatchObject({ decided: false, status: 'inProgress' })
    rig.qms.people.sign(at)
    const signed = await seen(item.subject)
    expect(signed).toMatchObject({ decided: true, version: String(rig.qms.books.byExternalId(item.subject)[0]?.version) })
    rig.qms.people.reopen(at, 'again')
    expect(await seen(item.subject)).toMatchObject({ decided: false, status: 'reopened', open: true })
  })

  it('that is conditional cannot be read yet, so its lot stays held', async () => {
    const item = rig.create()
    const at = { external_id: item.subject }
    await applyOne(item)
    rig.qms.people.inspect(at)
    const condition = { kind: 'pending_result', approver: 'QUINN', reason: 'urgent', gate: 'shipping', limits: [] } as const
    rig.qms.people.decide(at, { lines: [{ outcome: 'conditional', quantity: '100', condition }] })
    rig.qms.people.sign(at)
    const page = await rig.connector.changes(null, callOf())
    if ('failed' in page) throw new Error(page.failed)
    expect(rig.connector.toModel(page.items.at(-1))).toMatchObject({ ok: false, causeGroup: 'outcome:conditional' })
  })
})
