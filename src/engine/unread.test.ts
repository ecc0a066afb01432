import { describe, expect, test } from 'vitest'
import { timeAt } from '../../test/engine/hand-runtime.ts'
import { createRig, journalOf, openTold, type Rig, type RigOptions, type Told } from '../../test/engine/rig.ts'
import { KEY, release } from '../../test/reconcile/builders.ts'
import type { ErrorClass } from '../errors.ts'
import type { Goal } from '../model/goal.ts'
import { openEngine } from './engine.ts'
import { type ExceptionRecord, openException } from './exceptions.ts'
import { createMemory, rememberException, rememberGoal } from './memory.ts'
import { compareRebuilt } from './rebuild.ts'
import { beginTurn } from './turn.ts'
import { readAgain } from './unread.ts'

const MINUTE = 60_000

interface Open extends Told {
  readonly say: (script: string, lot?: string) => Promise<void>
  readonly raised: () => Promise<readonly ExceptionRecord[]>
}

async function open(options?: RigOptions): Promise<Open> {
  const rig = await openTold(options)
  return {
    ...rig,
    say: (script, lot = 'A') => rig.tell([lot, script]),
    raised: () => rig.engine.exceptions(),
  }
}

/** Every read fails in this way until the answer is called. */
function blind({ qms }: Rig, errorClass: ErrorClass, delayMs: number | null = null): () => void {
  const { onRead } = qms
  qms.onRead = async (subjects) => {
    qms.reads.push(subjects)
    return subjects.map(() => ({ read: 'failed', class: errorClass, delayMs, detail: 'it says no' }))
  }
  return () => {
    qms.onRead = onRead
  }
}

async function changes({ store }: Rig): Promise<string[]> {
  return (await journalOf(store)).flatMap((entry) => (entry.kind === 'exception' ? [`${entry.code} ${entry.change}`] : []))
}

describe('a goal whose read fails', () => {
  test.each([
    ['mapping', 'mapping.failed'],
    ['data', 'mapping.failed'],
    ['business', 'mapping.failed'],
    ['contract', 'contract.violated'],
    ['authorization', 'target.unauthorized'],
    ['transient', 'target.unavailable'],
    ['rateLimit', 'target.unavailable'],
    ['unknown', 'target.unavailable'],
  ] as const)('as %s is shown as %s, once, until the read succeeds', async (errorClass, code) => {
    const rig = await open()
    const mend = blind(rig, errorClass)
    await rig.say('urgent G')
    await rig.runtime.advance(6 * 60 * MINUTE)
    const [exception, ...others] = await rig.raised()
    expect(others).toEqual([])
    expect(exception).toMatchObject({ code, retry: true, causeGroup: `read:qms-1:${code}`, detail: expect.stringContaining('it says no') })
    expect(exception?.subject).toBe('inspection of qms-1 erp-1:batch:RM/A#G')
    const [goal] = (await rig.store.scanRows({ table: 'goal', after: '', limit: 10 })).map(({ body }) => JSON.parse(body) as Goal)
    expect(exception?.goal).toBe(goal?.id)
    mend()
    await rig.runtime.advance(MINUTE)
    expect(await rig.raised()).toEqual([])
    expect(await changes(rig)).toEqual([`${code} opened`, `${code} closed`])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })

  test('because the system is away for a moment is not shown; a goal of lane safety is shown sooner than others', async () => {
    const rig = await open()
    const mend = blind(rig, 'transient')
    await rig.say('goal G')
    await rig.say('urgent H', 'B')
    await rig.runtime.advance(2_000)
    expect(await rig.raised()).toEqual([])
    await rig.runtime.advance(3_000)
    expect((await rig.raised()).map(({ subject }) => subject)).toEqual(['inspection of qms-1 erp-1:batch:RM/B#H'])
    await rig.runtime.advance(30_000)
    expect((await rig.raised()).map(({ causeGroup }) => causeGroup)).toEqual(Array(2).fill('read:qms-1:target.unavailable'))
    mend()
    await rig.runtime.advance(MINUTE)
    expect(await rig.raised()).toEqual([])
  })

  test('is shown at once when the system says that it wants to be left alone for long', async () => {
    const rig = await open()
    blind(rig, 'rateLimit', 10 * MINUTE)
    await rig.say('urgent G')
    await rig.runtime.advance(1_000)
    expect((await rig.raised()).map(({ code }) => code)).toEqual(['target.unavailable'])
  })

  test('is shown although the breaker lets nobody try', async () => {
    const rig = await open()
    blind(rig, 'transient')
    await rig.say('urgent G')
    await rig.runtime.advance(10 * MINUTE)
    const reads = rig.qms.reads.length
    await rig.say('urgent H', 'B')
    await rig.runtime.advance(8_000)
    expect(rig.qms.reads.length - reads).toBeLessThan(3)
    expect((await rig.raised()).map(({ subject }) => subject).sort()).toEqual([
      'inspection of qms-1 erp-1:batch:RM/A#G',
      'inspection of qms-1 erp-1:batch:RM/B#H',
    ])
  })

  test('because it cannot be mapped keeps no other goal of its system waiting', async () => {
    const rig = await open()
    const { onRead } = rig.qms
    rig.qms.onRead = async (subjects) =>
      (await onRead(subjects)).map((result, index) =>
        subjects[index]?.endsWith('A#G') === true ? { read: 'failed', class: 'mapping', delayMs: null, detail: 'unknown unit' } : result,
      )
    await rig.say('goal G')
    await rig.runtime.advance(5 * MINUTE)
    await rig.say('urgent H', 'B')
    await rig.runtime.advance(500)
    expect(rig.qms.applied.map(({ subject }) => subject)).toEqual(['erp-1:batch:RM/B#H'])
    expect(rig.runtime.situations.has('breaker-opened')).toBe(false)
  })

  test('is no longer shown once nobody asks for the goal', async () => {
    const rig = await open()
    blind(rig, 'mapping')
    await rig.say('goal G')
    await rig.runtime.advance(1_000)
    expect(await rig.raised()).toHaveLength(1)
    await rig.say('withdraw G')
    await rig.runtime.advance(MINUTE)
    expect(await rig.raised()).toEqual([])
    expect(await changes(rig)).toEqual(['mapping.failed opened', 'mapping.failed closed'])
  })

  test('and succeeds while its failure is being written down is not shown for ever', async () => {
    const rig = await open()
    const mend = blind(rig, 'mapping')
    await rig.say('goal G')
    const commit = rig.runtime.holdAt('after-turn-commit')
    await rig.runtime.advance(20)
    mend()
    await rig.runtime.advance(5_000)
    commit()
    await rig.runtime.advance(5_000)
    expect(await rig.raised()).toEqual([])
  })

  test('is tried again at once when a person asks for it', async () => {
    const rig = await open()
    const mend = blind(rig, 'mapping')
    await rig.say('goal G')
    await rig.runtime.advance(4_000)
    const [exception] = await rig.raised()
    expect(await rig.engine.retry(exception as ExceptionRecord, 'anna')).toBe(true)
    await rig.runtime.advance(1_000)
    expect(await rig.raised()).toHaveLength(1)
    mend()
    expect(await rig.engine.retryGroup('read:qms-1:mapping.failed', 'anna')).toBe(1)
    await rig.runtime.advance(1_000)
    expect(await rig.raised()).toEqual([])
    expect(rig.qms.applied).toHaveLength(1)
  })

  test.each([
    ['still fails', true],
    ['succeeds', false],
  ] as const)('and then %s is found open by the next owner', async (_, fails) => {
    const rig = await open()
    const mend = blind(rig, 'authorization')
    await rig.say('goal G')
    await rig.runtime.advance(1_000)
    await rig.engine.close()
    if (!fails) mend()
    await openEngine({ ...rig.deps, worker: 'worker-b' })
    await rig.runtime.advance(MINUTE)
    expect((await rig.raised()).map(({ code }) => code)).toEqual(fails ? ['target.unauthorized'] : [])
    expect(await changes(rig)).toEqual(
      fails ? ['target.unauthorized opened'] : ['target.unauthorized opened', 'target.unauthorized closed'],
    )
  })
})

test('a new owner asks again for what its predecessor could not read, and closes what nobody waits for', async () => {
  const { runtime } = createRig()
  const premise = { system: 'qms-1', resource: 'inspection', key: KEY, version: '2' }
  const goal = release({ premise })
  const memory = createMemory(0, 1)
  rememberGoal(memory, goal, true)
  const shown = (subject: string, of: string): ExceptionRecord => {
    const opening = { code: 'mapping.failed', causeGroup: 'read:x:mapping.failed', subject, detail: '', goal: of } as const
    return openException(runtime.hash, timeAt(0), opening)
  }
  const own = shown(`${goal.resource} of ${goal.system} ${goal.subject}`, goal.id)
  const ofPremise = shown(`inspection of qms-1 ${KEY}`, goal.id)
  const another = shown('inspection of qms-1 another', goal.id)
  const gone = shown(`${goal.resource} of ${goal.system} ${goal.subject}`, 'settled long ago')
  const records = [own, ofPremise, another, gone]
  for (const record of [...records, { ...openException(runtime.hash, timeAt(0), { code: 'disk.low', subject: '', detail: '' }) }])
    rememberException(memory, record)
  const turn = beginTurn(memory, timeAt(1))
  readAgain(turn, runtime)
  expect(turn.effects.map(({ effect }) => effect)).toEqual(['read', 'readPremise'])
  expect(turn.entries).toMatchObject([another, gone].map(({ id }) => ({ kind: 'exception', id, change: 'closed' })))
})
