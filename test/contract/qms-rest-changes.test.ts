import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChangesPage, Connector } from '../../src/connectors/connector.ts'
import { createRandomStream, type RandomStream } from '../../src/runtime/random-stream.ts'
import { callOf } from './connector-harness.ts'
import { openQmsRest, type QmsRestRig } from './qms-rest-harness.ts'

interface Shown {
  readonly id: string
  readonly external_id: string
  readonly version: number
}

const namesOf = (items: readonly unknown[]): string[] =>
  items.map((item) => `${(item as Shown).external_id}@${(item as Shown).version}`).sort()

async function pageAt(connector: Connector, cursor: string | null): Promise<ChangesPage> {
  const page = await connector.changes(cursor, callOf())
  if ('failed' in page) throw new Error(page.failed)
  return page
}

/** Page by page until there is no more. */
async function follow(
  connector: Connector,
  from: string | null,
): Promise<{ readonly names: string[]; readonly cursor: string; readonly pages: number }> {
  const items: unknown[] = []
  let cursor = from
  for (let pages = 1; ; pages += 1) {
    const page = await pageAt(connector, cursor)
    items.push(...page.items)
    cursor = page.cursor
    if (!page.more) return { names: namesOf(items), cursor, pages }
  }
}

describe('the changes', () => {
  let rig: QmsRestRig
  beforeEach(async () => {
    rig = await openQmsRest({ changesPageMax: 2, changesOverlapMs: 5_000 })
  })
  afterEach(() => rig.close())

  const create = (...names: readonly string[]): void => {
    for (const name of names) {
      const done = rig.qms.people.create({ external_id: name, item: 'RM-100', lot: 'L', lot_quantity: '1', unit: 'PC', site: 'P1' })
      expect(done).toMatchObject({ ok: true })
    }
  }

  it('of one second come in several pages, and what follows in the same second as well', async () => {
    create('a', 'b', 'c')
    const first = await follow(rig.connector, null)
    expect(first).toMatchObject({ names: ['a@1', 'b@1', 'c@1'], pages: 2 })
    create('d')
    rig.qms.people.start({ external_id: 'a' })
    const second = await follow(rig.connector, first.cursor)
    expect(second.names).toEqual(['a@2', 'd@1'])
    expect((await follow(rig.connector, second.cursor)).names).toEqual([])
  })

  describe('that are shown late', () => {
    const draws: number[] = []
    beforeEach(async () => {
      await rig.close()
      rig = await openQmsRest({ changesPageMax: 2, changesOverlapMs: 5_000 }, {}, { random: () => draws.shift() ?? 0 })
      create('late', 'a')
      await rig.runtime.advance(2_000)
      rig.qms.disturber.set({ readLagMsMin: 0, readLagMsMax: 4_000 })
      // Of each page the first record drawn is the late one.
      draws.splice(0, draws.length, 0.99)
    })

    it('are found behind those that were shown in time', async () => {
      create('b')
      const first = await follow(rig.connector, null)
      expect(first.names).toEqual(['a@1', 'b@1'])
      expect((await follow(rig.connector, first.cursor)).names).toEqual(['late@1'])
    })

    it('are found although the pass that could not show them went on much later', async () => {
      create('b', 'c')
      const first = await pageAt(rig.connector, null)
      expect(namesOf(first.items)).toEqual(['a@1', 'b@1'])
      await rig.runtime.advance(3_600_000)
      create('d')
      const rest = await follow(rig.connector, first.cursor)
      expect(rest.names).toEqual(['c@1', 'd@1'])
      expect((await follow(rig.connector, rest.cursor)).names).toEqual(['late@1'])
    })
  })

  it('go on from their cursor after a restart, and after a reply that got lost', async () => {
    create('a', 'b', 'c')
    const { cursor } = await pageAt(rig.connector, null)
    rig.wire.next('loseReply')
    expect(await rig.connector.changes(cursor, callOf())).toEqual({ failed: expect.any(String) })
    expect((await follow(rig.connect(), cursor)).names).toEqual(['c@1'])
  })

  it('begin again where a page token is not taken any more, and at the start where the cursor is not ours', async () => {
    create('a', 'b', 'c')
    const { cursor } = await pageAt(rig.connector, null)
    const tampered = JSON.stringify({ ...(JSON.parse(cursor) as object), token: 'grown too old' })
    const restarted = await pageAt(rig.connector, tampered)
    expect(restarted).toMatchObject({ items: [], more: true })
    expect((await follow(rig.connector, restarted.cursor)).names).toEqual(['c@1'])
    for (const strange of ['12', 'null', '{}', '{"since":"x"}', 'nonsense']) {
      expect((await follow(rig.connector, strange)).names).toEqual(['a@1', 'b@1', 'c@1'])
    }
  })

  it('are not taken for read where the QMS has renamed what they are known by', async () => {
    create('a')
    rig.qms.driftSchema({ renamed: { modified_at: 'changed_at' } })
    expect(await rig.connector.changes(null, callOf())).toEqual({ failed: expect.any(String) })
    const renamed = rig.connect({ schema: { fields: { inspection: { modifiedAt: 'changed_at' } } } })
    expect((await follow(renamed, null)).names).toEqual(['a@1'])
  })
})

const LAG_MS = 2_500
const TORN_MS = 2_000
const STEPS = 120
const RECORDS = 25

/**
 * People change records while the hub looks at the changes in small pages, with long pauses, restarts, lost replies
 * and ended sessions. What it has taken in when all is quiet must be the newest version of every record.
 */
async function story(seed: number): Promise<{ readonly missed: readonly string[]; readonly pages: number }> {
  const random = createRandomStream(seed, 'changes')
  const rig = await openQmsRest(
    { changesPageMax: 3, changesOverlapMs: LAG_MS + TORN_MS + 1_000 },
    { disturbances: { readLagMsMax: LAG_MS, sweepTornShare: 0.3, sweepTornMsMax: TORN_MS }, sessions: { endShare: 0.05 } },
    { random: random.next },
  )
  let connector = rig.connector
  let cursor: string | null = null
  const taken = new Set<string>()
  let pages = 0
  const look = async (): Promise<boolean> => {
    if (random.chance(0.05)) connector = rig.connect()
    if (random.chance(0.1)) rig.wire.next('loseReply')
    const page = await connector.changes(cursor, callOf())
    // What fails, or comes before a crash, is asked for again from the same cursor.
    if ('failed' in page || random.chance(0.1)) return true
    pages += 1
    cursor = page.cursor
    for (const name of namesOf(page.items)) taken.add(name)
    return page.more
  }
  for (let step = 0; step < STEPS; step += 1) {
    for (let count = random.integer(3); count > 0; count -= 1) change(rig, random)
    if (random.chance(0.7)) await look()
    await rig.runtime.advance(random.chance(0.05) ? 20_000 : random.integer(1_500))
  }
  await rig.runtime.advance(LAG_MS + TORN_MS)
  rig.qms.sessions.set({ endShare: 0 })
  // The pass that was under way, and a whole one.
  for (let passes = 0; passes < 2; ) passes += (await look()) ? 0 : 1
  const newest = rig.qms.books.inspections().map(({ fields, version }) => `${fields['external_id']}@${version}`)
  await rig.close()
  return { missed: newest.filter((name) => !taken.has(name)), pages }
}

function change({ qms: { people } }: QmsRestRig, random: RandomStream): void {
  const at = { external_id: `R-${random.integer(RECORDS)}` }
  const made = people.create({ ...at, item: 'RM-100', lot: 'L', lot_quantity: '1', unit: 'PC', site: 'P1' })
  if (!made.ok) people.edit(at, { description: String(random.integer(1_000_000)) })
}

it.each(Array.from({ length: 12 }, (_, index) => index + 1))('no change is missed, whatever comes between (seed %i)', async (seed) => {
  const { missed, pages } = await story(seed)
  expect(missed).toEqual([])
  expect(pages).toBeGreaterThan(20)
})
