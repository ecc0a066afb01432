import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unreachable } from '../../src/assert.ts'
import type { Call, CommandItem, Outcome, ReadResult, ResourceSpec } from '../../src/connectors/connector.ts'
import type { IdempotencyClass } from '../../src/model/goal.ts'
import type { Observation } from '../../src/model/observation.ts'
import { type ConnectorUnderTest, callOf, type OpenConnector } from './connector-harness.ts'

/** Classes whose target does a repeated request once. The others are repeated only after reading. */
const PROTECTED: Readonly<Record<IdempotencyClass, boolean>> = {
  natural: true,
  key: true,
  externalId: true,
  conditional: true,
  queryable: false,
  transportId: true,
  file: true,
  unsafe: false,
}

/**
 * The promises of a connector, for one of its write resources: exactly one honest outcome per item whatever the target
 * and the network do, duplicates as the declared class says, reads in bulk, evidence only where it is deserved.
 */
export function describeConnector(name: string, open: OpenConnector): void {
  describe(name, () => {
    const given = opened(open)
    describe('applies', () => outcomes(given))
    describe('when the answer does not come', () => lostAnswers(given))
    describe('the same command again', () => repeats(given))
    describe('when the target is unwell', () => troubles(given))
    describe('reads', () => reads(given))
    describe('brings in', () => sources(given))
    describe('its evidence', () => evidence(given))
  })
}

/** The connector of the running test, and short ways to use it. */
interface Given {
  readonly now: () => ConnectorUnderTest
  readonly spec: () => ResourceSpec
  /** Reads the subjects first, as the engine does, then applies. */
  readonly apply: (items: readonly CommandItem[], call?: Partial<Call>) => Promise<readonly Outcome[]>
  readonly applyOne: (item: CommandItem, call?: Partial<Call>) => Promise<Outcome>
  readonly again: (item: CommandItem) => Promise<Outcome>
  readonly read: (items: readonly CommandItem[]) => Promise<readonly ReadResult[]>
  readonly shown: (item: CommandItem) => Promise<boolean>
  readonly effects: (item: CommandItem) => number
}

function opened(open: OpenConnector): Given {
  let current: ConnectorUnderTest | null = null
  beforeEach(async () => {
    current = await open()
  })
  afterEach(async () => {
    await current?.close()
    current = null
  })
  const now = (): ConnectorUnderTest => {
    if (current === null) throw new Error('nothing is open')
    return current
  }
  const send = async (items: readonly CommandItem[], call: Partial<Call> = {}): Promise<readonly Outcome[]> => {
    now().wire.reset()
    const outcomes = await now().connector.apply(items, callOf(call))
    expect(outcomes).toHaveLength(items.length)
    for (const outcome of outcomes) expect(wellFormed(outcome)).toBe(true)
    return outcomes
  }
  const first = <T>(list: readonly T[]): T => {
    const [one] = list
    if (one === undefined) throw new Error('no outcome')
    return one
  }
  const read = (items: readonly CommandItem[]): Promise<readonly ReadResult[]> =>
    now().connector.read(
      now().resource,
      items.map(({ subject }) => subject),
      callOf(),
    )
  const given: Given = {
    now,
    spec: () => {
      const spec = now().connector.spec.resources.find(({ resource }) => resource === now().resource)
      if (spec === undefined) throw new Error(`no resource ${now().resource}`)
      return spec
    },
    apply: async (items, call) => {
      await read(items)
      return send(items, call)
    },
    applyOne: async (item, call) => first(await given.apply([item], call)),
    again: async (item) => first(await send([item])),
    read,
    shown: async (item) => {
      const result = first(await read([item]))
      return result.read === 'observed' && now().shows(item, result.observation)
    },
    effects: (item) => now().target.effects(item.reference),
  }
  return given
}

/** An outcome is exactly one of five, with what belongs to it. */
function wellFormed(outcome: Outcome): boolean {
  switch (outcome.outcome) {
    case 'applied':
    case 'refused':
    case 'unknown':
      return typeof outcome.detail === 'string' && outcome.detail !== ''
    case 'later':
      return outcome.detail !== '' && (outcome.delayMs === null || outcome.delayMs >= 0)
    case 'needs-person':
      return outcome.detail !== '' && outcome.code.includes('.')
    default:
      return unreachable(outcome, 'outcome')
  }
}

const namesOf = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ outcome }) => outcome)

function outcomes(given: Given): void {
  it('a batch in one call, each item once', async () => {
    const items = [given.now().item(), given.now().item(), given.now().item()]
    expect(namesOf(await given.apply(items))).toEqual(['applied', 'applied', 'applied'])
    expect(given.now().wire.counts()).toEqual({ calls: 1, written: 1 })
    expect(items.map(given.effects)).toEqual([1, 1, 1])
  })

  it('each item for itself: one refused, one unsuitable, one done', async () => {
    const { item, refusedItem, unsuitableItem } = given.now()
    const items = [refusedItem(), item(), unsuitableItem(), item()]
    expect(namesOf(await given.apply(items))).toEqual(['refused', 'applied', 'needs-person', 'applied'])
    expect(items.map(given.effects)).toEqual([0, 1, 0, 1])
  })

  it('nothing when there is nothing', async () => {
    expect(await given.apply([])).toEqual([])
    expect(given.now().wire.counts().calls).toBe(0)
  })

  it('nothing when the guard says no in the tick of the write', async () => {
    const item = given.now().item()
    expect(await given.applyOne(item, { beforeWrite: () => false })).toMatchObject({ outcome: 'later' })
    expect(given.now().wire.counts().written).toBe(0)
    expect(given.effects(item)).toBe(0)
    expect(await given.applyOne(item)).toMatchObject({ outcome: 'applied' })
  })

  it('nothing that rests on what was read, where it has read nothing', async () => {
    if (given.spec().idempotency !== 'conditional') return
    const item = given.now().item()
    const outcome = await given.again(item)
    // A create rests on there being nothing, which takes no reading.
    if (outcome.outcome === 'applied') return
    expect(outcome).toMatchObject({ outcome: 'later' })
    expect(given.now().wire.counts().calls).toBe(0)
    expect(await given.applyOne(item)).toMatchObject({ outcome: 'applied' })
  })

  it('many calls at once, each with the outcomes of its own items', async () => {
    const { connector, refusedItem } = given.now()
    const batches = Array.from({ length: 8 }, () => [given.now().item(), refusedItem()])
    await given.read(batches.flat())
    const settled = await Promise.all(batches.map((items) => connector.apply(items, callOf())))
    expect(settled.map(namesOf)).toEqual(batches.map(() => ['applied', 'refused']))
    expect(batches.map(([item]) => (item === undefined ? 0 : given.effects(item)))).toEqual(batches.map(() => 1))
  })
}

function lostAnswers(given: Given): void {
  it.each([
    ['loseRequest', 0],
    ['loseReply', 1],
    ['garble', 1],
  ] as const)('because of %s, every item is unknown, with %i effects', async (fault, effects) => {
    const items = [given.now().item(), given.now().item()]
    await given.read(items)
    given.now().wire.next(fault)
    expect(namesOf(await given.now().connector.apply(items, callOf()))).toEqual(['unknown', 'unknown'])
    expect(items.map(given.effects)).toEqual([effects, effects])
  })

  it.each([
    ['before', [0, 0]],
    ['midBatch', [1, 0]],
    ['after', [1, 1]],
  ] as const)('but a 500 from %s the commit, every item is unknown', async (when, effects) => {
    const items = [given.now().item(), given.now().item()]
    await given.read(items)
    given.now().target.failNext(when)
    expect(namesOf(await given.now().connector.apply(items, callOf()))).toEqual(['unknown', 'unknown'])
    expect(items.map(given.effects)).toEqual(effects)
  })

  it('and the connection was refused, nothing was done and may be tried again', async () => {
    const item = given.now().item()
    await given.read([item])
    given.now().wire.next('refuse')
    expect(await given.again(item)).toMatchObject({ outcome: 'later', class: 'transient' })
    expect(given.effects(item)).toBe(0)
    expect(await given.applyOne(item)).toMatchObject({ outcome: 'applied' })
  })

  it('because the caller gave up, it still says so and does not throw', async () => {
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    const item = given.now().item()
    const outcome = await given.applyOne(item, { signal: stop.signal })
    expect(['later', 'unknown']).toContain(outcome.outcome)
    if (outcome.outcome === 'later') expect(given.effects(item)).toBe(0)
  })

  it('the document is found by reading, where the class keeps references', async () => {
    const item = given.now().item()
    await given.read([item])
    given.now().wire.next('loseReply')
    await given.again(item)
    await given.now().target.passTime(given.spec().lagMs)
    expect(await given.shown(item)).toBe(true)
  })
}

function repeats(given: Given): void {
  const once = (item: CommandItem): void => {
    if (PROTECTED[given.spec().idempotency]) expect(given.effects(item)).toBe(1)
  }
  /** A repeat is answered as done, or, where the target wants to know what was seen, put off until it has been read. */
  const answered = (outcome: Outcome): void => {
    if (!PROTECTED[given.spec().idempotency]) return
    expect(outcome.outcome).toBe(given.spec().idempotency === 'conditional' ? 'later' : 'applied')
  }

  it('after its answer was lost has one effect', async () => {
    const item = given.now().item()
    await given.read([item])
    given.now().wire.next('loseReply')
    await given.again(item)
    answered(await given.again(item))
    answered(await given.again(item))
    once(item)
  })

  it('after it was answered has one effect', async () => {
    const item = given.now().item()
    await given.applyOne(item)
    answered(await given.again(item))
    once(item)
  })

  it('overtaking its delayed first attempt has one effect', async () => {
    const item = given.now().item()
    await given.read([item])
    given.now().wire.next('delay')
    expect(await given.again(item)).toMatchObject({ outcome: 'unknown' })
    expect(given.effects(item)).toBe(0)
    expect(await given.again(item)).toMatchObject({ outcome: 'applied' })
    await given.now().wire.release()
    once(item)
  })

  it('delivered twice by the network has one effect', async () => {
    const item = given.now().item()
    await given.read([item])
    given.now().wire.next('duplicate')
    expect(await given.again(item)).toMatchObject({ outcome: 'applied' })
    once(item)
  })

  it('several times at once has one effect', async () => {
    const item = given.now().item()
    await given.read([item])
    const settled = await Promise.all([0, 1, 2].map(() => given.now().connector.apply([item], callOf())))
    expect(settled.flatMap(namesOf)).toContain('applied')
    once(item)
  })

  it('of another command on another subject is not mistaken for it', async () => {
    const items = [given.now().item(), given.now().item()]
    for (const item of items) await given.applyOne(item)
    expect(items.map(given.effects)).toEqual([1, 1])
  })
}

function troubles(given: Given): void {
  it('puts off what it cannot send while the target is down, and sends it afterwards', async () => {
    const item = given.now().item()
    await given.read([item])
    await given.now().target.stop()
    expect(await given.again(item)).toMatchObject({ outcome: 'later', class: 'transient' })
    expect(await given.read([item])).toMatchObject([{ read: 'failed', class: 'transient' }])
    await given.now().target.start()
    expect(await given.applyOne(item)).toMatchObject({ outcome: 'applied' })
    expect(given.effects(item)).toBe(1)
  })

  it('waits as long as it is told', async () => {
    const item = given.now().item()
    await given.read([item])
    given.now().target.limitNext(7)
    expect(await given.again(item)).toMatchObject({ outcome: 'later', class: 'rateLimit', delayMs: 7_000 })
    expect(given.effects(item)).toBe(0)
  })

  it('names wrong credentials', async () => {
    const item = given.now().item()
    await given.read([item])
    given.now().target.lockOut(true)
    expect(await given.again(item)).toMatchObject({ outcome: 'later', class: 'authorization' })
    expect(await given.read([item])).toMatchObject([{ read: 'failed', class: 'authorization' }])
    expect(given.effects(item)).toBe(0)
    given.now().target.lockOut(false)
    expect(await given.applyOne(item)).toMatchObject({ outcome: 'applied' })
  })

  it('fails a sweep and a look at the changes with a reason', async () => {
    const { connector, resource, target } = given.now()
    await target.stop()
    expect(await connector.sweep(resource, null, callOf())).toEqual({ failed: expect.any(String) })
    expect(await connector.changes(null, callOf())).toEqual({ failed: expect.any(String) })
  })
}

const observationsOf = (results: readonly ReadResult[]): Observation[] =>
  results.map((result) => {
    if (result.read === 'failed') throw new Error(result.detail)
    return result.observation
  })

function reads(given: Given): void {
  it('many subjects in one call, in the order asked', async () => {
    const done = [given.now().item(), given.now().item()]
    const undone = given.now().item()
    await given.apply(done)
    await given.now().target.passTime(given.spec().lagMs)
    given.now().wire.reset()
    const asked = [undone, ...done]
    const observations = observationsOf(await given.read(asked))
    expect(given.now().wire.counts().calls).toBe(1)
    expect(asked.map((item, index) => given.now().shows(item, observations[index] as Observation))).toEqual([false, true, true])
  })

  it('when it began: before the first byte went out', async () => {
    const item = given.now().item()
    const [before] = observationsOf(await given.read([item]))
    await given.now().target.passTime(50)
    const [after] = observationsOf(await given.read([item]))
    for (const observation of [before, after]) {
      expect(observation?.source).toBe('read')
      expect(Date.parse(observation?.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(observation?.beganAt ?? ''))
    }
    expect(Date.parse(after?.beganAt ?? '') - Date.parse(before?.beganAt ?? '')).toBeGreaterThanOrEqual(50)
  })

  it('what the target shows, which may be old by the declared lag and no more', async () => {
    const { lagMs } = given.spec()
    expect(lagMs).toBeGreaterThan(1)
    const item = given.now().item()
    await given.now().target.passTime(lagMs)
    given.now().target.setLag(lagMs)
    await given.applyOne(item)
    expect(given.effects(item)).toBe(1)
    await given.now().target.passTime(lagMs - 1)
    expect(await given.shown(item)).toBe(false)
    await given.now().target.passTime(1)
    expect(await given.shown(item)).toBe(true)
  })

  it('nothing about a subject that is not there, without failing the others', async () => {
    const item = given.now().item()
    await given.applyOne(item)
    await given.now().target.passTime(given.spec().lagMs)
    const { connector, resource } = given.now()
    const strangers = [`${item.subject}-unknown`, 'nonsense']
    const results = await connector.read(resource, [strangers[0] ?? '', item.subject, strangers[1] ?? ''], callOf())
    expect(results).toHaveLength(3)
    const [absent, present] = results
    expect(absent?.read === 'observed' && !given.now().shows({ ...item, subject: strangers[0] ?? '' }, absent.observation)).toBe(true)
    expect(present?.read === 'observed' && given.now().shows(item, present.observation)).toBe(true)
  })

  it('everything in a sweep, page by page, and calls it a sweep', async () => {
    const items = Array.from({ length: 5 }, () => given.now().item())
    await given.apply(items)
    await given.now().target.passTime(given.spec().lagMs)
    const { connector, resource } = given.now()
    const seen = new Map<string, Observation>()
    let cursor: string | null = null
    let pages = 0
    do {
      const page = await connector.sweep(resource, cursor, callOf())
      if ('failed' in page) throw new Error(page.failed)
      for (const { subject, observation } of page.subjects) seen.set(subject, observation)
      cursor = page.cursor
      pages += 1
    } while (cursor !== null)
    expect(pages).toBeGreaterThan(1)
    for (const item of items) {
      const observation = seen.get(item.subject)
      expect(observation?.source).toBe('sweep')
      expect(observation !== undefined && given.now().shows(item, observation)).toBe(true)
    }
  })
}

function sources(given: Given): void {
  it('native changes in pages, each item identified and mapped; asking again from a cursor misses nothing', async () => {
    await given.apply(Array.from({ length: 4 }, () => given.now().item()))
    await given.now().target.passTime(given.spec().lagMs)
    const { connector } = given.now()
    const all: unknown[] = []
    const cursors: (string | null)[] = [null]
    for (;;) {
      const page = await connector.changes(cursors.at(-1) ?? null, callOf())
      if ('failed' in page) throw new Error(page.failed)
      all.push(...page.items)
      cursors.push(page.cursor)
      if (!page.more) break
    }
    expect(all.length).toBeGreaterThanOrEqual(4)
    for (const item of all) {
      const identified = connector.identify(item)
      const mapped = connector.toModel(item)
      expect([identified.ok, mapped.ok]).toEqual([true, true])
      if (!identified.ok || !mapped.ok) continue
      for (const event of mapped.events) expect(event.source.record).toBe(identified.identity.record)
    }
    const later = await connector.changes(cursors.at(-1) ?? null, callOf())
    expect(later).toMatchObject({ items: [], more: false })
  })

  it.each([null, 7, 'text', [], {}, { specversion: '1.0', data: null }, { kind: {} }])('%j without throwing', (item) => {
    const { connector } = given.now()
    expect(connector.identify(item)).toMatchObject({ ok: false })
    expect(connector.toModel(item)).toMatchObject({ ok: false })
  })
}

function evidence(given: Given): void {
  it('is what it declares', async () => {
    const deserved = await commitsBeforeReply(given.now())
    if (given.spec().evidence === 'answer') expect(deserved).toBe(true)
    else expect(given.spec().lagMs).toBeGreaterThanOrEqual(0)
  })

  it('survives what the target takes back: after the lag the truth is to be read', async () => {
    if (given.spec().evidence === 'answer') return
    const item = given.now().item()
    await given.read([item])
    given.now().target.rollBackNext()
    expect(await given.again(item)).toMatchObject({ outcome: 'applied' })
    await given.now().target.passTime(given.spec().lagMs)
    expect(given.effects(item)).toBe(0)
    expect(await given.shown(item)).toBe(false)
  })
}

const EVIDENCE_ITEMS = 20

/**
 * Whether the target has always committed by the time it answers, and never takes anything back. A connector may
 * declare the evidence `answer` only where this holds.
 */
export async function commitsBeforeReply(under: ConnectorUnderTest): Promise<boolean> {
  const { connector, resource, target } = under
  const spec = connector.spec.resources.find((candidate) => candidate.resource === resource)
  if (spec === undefined) throw new Error(`no resource ${resource}`)
  const items = Array.from({ length: EVIDENCE_ITEMS }, () => under.item())
  for (const item of items) {
    await connector.read(resource, [item.subject], callOf())
    const [outcome] = await connector.apply([item], callOf())
    if (outcome?.outcome !== 'applied' || target.effects(item.reference) !== 1) return false
  }
  await target.passTime(spec.lagMs + spec.quiesceMs)
  const results = await connector.read(
    resource,
    items.map(({ subject }) => subject),
    callOf(),
  )
  return items.every((item, index) => {
    const result = results[index]
    return result?.read === 'observed' && under.shows(item, result.observation) && target.effects(item.reference) === 1
  })
}
