import { describe, expect, test } from 'vitest'
import { createRig, journalOf, openTold, type Rig, type RigOptions, request, seenBy } from '../../test/engine/rig.ts'
import { lotOf, movement } from '../../test/engine/scripted.ts'
import type { Outcome } from '../connectors/connector.ts'
import type { Runtime } from '../runtime.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { openEngine } from './engine.ts'
import { compareRebuilt } from './rebuild.ts'

/** A bug where this situation is counted, while `broken`. */
function failingAt(rig: Rig, label: string): { readonly runtime: Runtime; readonly state: { broken: boolean } } {
  const state = { broken: true }
  const sometimes = (reached: string): void => {
    if (state.broken && reached === label) throw new Error(`a bug at ${label}`)
    rig.runtime.sometimes(reached)
  }
  return { runtime: { ...rig.runtime, sometimes }, state }
}

/** An engine with a bug; `tell` gives movements `[lot, script]`. */
async function openBroken(label: string, options?: RigOptions) {
  const rig = createRig(options)
  const { runtime, state } = failingAt(rig, label)
  const deps = { ...rig.deps, runtime }
  const engine = await openEngine(deps)
  let documents = 0
  const tell = async (...lines: readonly (readonly [lot: string, script: string])[]): Promise<void> => {
    await engine.accept(request(...lines.map(([lot, script]) => ({ data: movement(`D${++documents}`, lot, script) }))))
    await rig.runtime.rest()
  }
  return { ...rig, deps, engine, state, tell }
}

const keysOf = (rig: Rig): string[] => [...rig.qms.records.values()].map(({ key }) => key).sort()

describe('an answer that is no outcome', () => {
  test.each([
    ['of an unknown kind', { outcome: 'done', detail: '' }],
    ['without detail', { outcome: 'applied' }],
    ['with a code that nobody knows', { outcome: 'needs-person', code: 'no.such', detail: '' }],
    ['with a class that nobody knows', { outcome: 'later', class: 'bored', delayMs: null, detail: '' }],
    ['with a delay that is none', { outcome: 'later', class: 'transient', delayMs: Number.NaN, detail: '' }],
    ['with a delay beyond all time', { outcome: 'later', class: 'transient', delayMs: 1e300, detail: '' }],
    ['null', null],
    ['a text', 'applied'],
  ])('%s counts as unknown, and stops no other', async (_, answer) => {
    const rig = await openTold()
    const { onApply } = rig.qms
    let answers = 0
    rig.qms.onApply = async (items, beforeWrite) => {
      const sound = await onApply(items, beforeWrite)
      return items.map(({ subject }, index) =>
        subject.includes('BAD') && answers++ === 0 ? (answer as unknown as Outcome) : (sound[index] as Outcome),
      )
    }
    await rig.tell(['BAD', 'goal G'], ['GOOD', 'goal G'])
    await rig.runtime.advance(20_000)
    expect(keysOf(rig)).toEqual([`${lotOf('BAD')}#G`, `${lotOf('GOOD')}#G`])
    expect(await seenBy(rig.store, 'script', lotOf('BAD'))).toContain('settled G met 1')
    expect(rig.logged).toEqual(['warn a connector answered what is no outcome'])
    const changes = (await journalOf(rig.store)).flatMap((entry) =>
      entry.kind === 'goal' && entry.change.type === 'commandChanged' ? [entry.change.changed.state] : [],
    )
    expect(changes).toContain('unknown')
    expect(changes).not.toContain('refused')
    expect(rig.engine.owned()).toEqual([0])
  })
})

describe('an outcome that cannot be taken', () => {
  test('counts as unknown and is told to a person; the others are taken', async () => {
    const rig = await openBroken('outcome-refused')
    const { onApply } = rig.qms
    rig.qms.onApply = async (items, beforeWrite) => {
      const sound = await onApply(items, beforeWrite)
      return items.map(({ subject }, index) => (subject.includes('BAD') ? { outcome: 'refused', detail: '' } : (sound[index] as Outcome)))
    }
    await rig.tell(['BAD', 'goal G'], ['GOOD', 'goal G'])
    await rig.runtime.advance(500)
    expect(await rig.engine.exceptions()).toMatchObject([{ code: 'goal.failed', detail: 'a bug at outcome-refused' }])
    await rig.runtime.advance(30_000)
    expect([await seenBy(rig.store, 'script', lotOf('GOOD')), await seenBy(rig.store, 'script', lotOf('BAD'))]).toEqual([
      ['D2 goal G', 'settled G met 1'],
      ['D1 goal G', 'settled G met 1'],
    ])
    expect([rig.logged, await rig.engine.exceptions()]).toEqual([[], []])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })
})

describe('intents of the owner before that cannot be doubted', () => {
  test('stop their own order key only, until they can', async () => {
    const host = { gone: false }
    const through = (store: Store): Store => ({
      ...store,
      commit: (batch) => (host.gone ? Promise.reject(new StoreUnavailable('gone')) : store.commit(batch)),
      acquire: (...ask) => (host.gone ? Promise.resolve(null) : store.acquire(...ask)),
    })
    const first = await openTold({ through })
    first.qms.onApply = () => new Promise(() => undefined)
    await first.tell(['BAD', 'goal G'])
    await first.runtime.advance(1_000)
    host.gone = true
    const rig = createRig({ store: first.store, runtime: first.runtime, worker: 'worker-b' })
    const { runtime, state } = failingAt(rig, 'intent-doubted')
    const engine = await openEngine({ ...rig.deps, runtime })
    void first.engine.close()
    await rig.runtime.advance(30_000)
    await engine.accept(request({ data: movement('D9', 'GOOD', 'goal G') }))
    await rig.runtime.advance(30_000)
    expect([engine.owned(), rig.logged, keysOf(rig)]).toEqual([[0], [], [`${lotOf('GOOD')}#G`]])
    expect(await engine.exceptions()).toMatchObject([{ code: 'goal.failed', detail: 'a bug at intent-doubted' }])
    state.broken = false
    const { onApply } = rig.qms
    rig.qms.onApply = async (...call) => {
      await rig.runtime.clock.sleep(900)
      return onApply(...call)
    }
    // Looked at again while our own command is under way, which nobody doubts.
    for (let times = 0; times < 300; times++) {
      await engine.accept(request({ data: movement(`E${times}`, 'BAD', 'goal G') }))
      await rig.runtime.advance(400)
    }
    expect([keysOf(rig).length, await engine.exceptions()]).toEqual([2, []])
    expect(rig.runtime.situations.get('intent-doubted')).toBe(1)
  })
})

describe('the end of a read that cannot be taken', () => {
  test('stops nothing', async () => {
    const rig = await openBroken('unread-shown')
    const { onRead } = rig.qms
    rig.qms.onRead = async (subjects) =>
      (await onRead(subjects)).map((result, index) =>
        subjects[index]?.includes('BAD') ? { read: 'failed', class: 'contract', delayMs: null, detail: '' } : result,
      )
    await rig.tell(['BAD', 'goal G'], ['GOOD', 'goal G'])
    await rig.runtime.advance(10_000)
    expect([rig.engine.owned(), rig.logged]).toEqual([[0], []])
    expect(keysOf(rig)).toEqual([`${lotOf('GOOD')}#G`])
    expect(await rig.engine.exceptions()).toMatchObject([{ code: 'goal.failed', detail: 'a bug at unread-shown' }])
  })

  test.each([
    ['class', { read: 'failed', class: 'bored', delayMs: null, detail: '' }],
    ['delay', { read: 'failed', class: 'transient', delayMs: Number.NaN, detail: '' }],
    ['result', null],
  ])('because its %s breaks the contract concerns its subject only', async (_, broken) => {
    const rig = await openTold()
    const { onRead } = rig.qms
    rig.qms.onRead = async (subjects) =>
      (await onRead(subjects)).map((result, index) => (subjects[index]?.includes('BAD') ? (broken as unknown as typeof result) : result))
    await rig.tell(['BAD', 'goal G'], ['GOOD', 'goal G'])
    await rig.runtime.advance(10_000)
    expect([rig.engine.owned(), rig.logged, keysOf(rig)]).toEqual([[0], [], [`${lotOf('GOOD')}#G`]])
    expect(await rig.engine.exceptions()).toMatchObject([{ code: 'contract.violated' }])
  })
})

describe('what cannot be carried out', () => {
  test('because a system has lost its connector stops its own order key only', async () => {
    const first = await openTold()
    const { onRead } = first.qms
    first.qms.onRead = async (subjects) => subjects.map(() => ({ read: 'failed', class: 'authorization', delayMs: null, detail: '' }))
    await first.tell(['A', 'goal G'])
    await first.runtime.advance(5_000)
    await first.engine.close()
    first.qms.onRead = onRead
    const rig = createRig({ store: first.store, runtime: first.runtime, worker: 'worker-b' })
    const engine = await openEngine({ ...rig.deps, connectors: new Map([['erp-1', rig.erp]]) })
    await engine.accept(request({ data: movement('D9', 'B') }))
    await rig.runtime.advance(30_000)
    expect([engine.owned(), rig.logged]).toEqual([[0], []])
    expect(await seenBy(rig.store, 'script', lotOf('B'))).toEqual(['D9'])
    const codes = (await engine.exceptions()).map(({ code }) => code)
    expect(codes).toContain('goal.failed')
  })
})

describe('what a turn has decided', () => {
  /** What asks for the time first, once the n-th turn of lot BAD is durable, throws. */
  async function openAt(turn: number) {
    const rig = createRig()
    let turns = 0
    let armed = false
    const yieldPoint: Runtime['yieldPoint'] = (label) => {
      if (label !== 'after-turn-commit' || ++turns !== turn) return rig.runtime.yieldPoint(label)
      armed = true
      void Promise.resolve().then(() => {
        armed = false
      })
      return undefined
    }
    const monoNow = (): number => {
      if (!armed) return rig.runtime.clock.monoNow()
      armed = false
      throw new Error('a bug without time')
    }
    const engine = await openEngine({ ...rig.deps, runtime: { ...rig.runtime, yieldPoint, clock: { ...rig.runtime.clock, monoNow } } })
    await engine.accept(request({ data: movement('D1', 'BAD', 'goal G') }))
    return { ...rig, engine }
  }

  test.each([1, 2, 3, 4])('is done in the end, and once, whatever of turn %i could not be carried out', async (turn) => {
    const rig = await openAt(turn)
    await rig.runtime.advance(60_000)
    expect([rig.engine.owned(), rig.logged, await rig.engine.exceptions()]).toEqual([[0], [], []])
    expect(rig.qms.applied).toHaveLength(1)
    expect(await seenBy(rig.store, 'script', lotOf('BAD'))).toContain('settled G met 1')
    const told = (await journalOf(rig.store)).filter((entry) => entry.kind === 'exception' && entry.code === 'goal.failed')
    expect(told).toHaveLength(2 * (rig.runtime.situations.get('effect-failed') ?? 0))
  })

  test('shows in those turns at least twice', async () => {
    const failed: number[] = []
    for (const turn of [1, 2, 3, 4]) {
      const rig = await openAt(turn)
      await rig.runtime.advance(60_000)
      failed.push(rig.runtime.situations.get('effect-failed') ?? 0)
    }
    expect(failed.filter((times) => times > 0).length).toBeGreaterThanOrEqual(2)
  })
})

describe('an action that throws', () => {
  const said = { actor: 'anna', reason: 'done by hand' }
  /** What a person says can be written down once, which is too few. */
  const unsayable = () => {
    let written = 0
    return {
      reason: said.reason,
      get actor(): string {
        if (written++ > 0) throw new Error('a bug in an action')
        return said.actor
      },
    }
  }

  async function openParked() {
    const rig = await openTold()
    rig.qms.onApply = async (items) => items.map(() => ({ outcome: 'needs-person', code: 'record.refused', detail: '' }))
    await rig.tell(['A', 'goal G'], ['B', 'goal G'])
    await rig.runtime.advance(5_000)
    const [one, other] = await rig.engine.exceptions()
    return { ...rig, one: one as NonNullable<typeof one>, other: other as NonNullable<typeof other> }
  }

  test('changes nothing and is told to who acted and to a person; the partition goes on', async () => {
    const rig = await openParked()
    await expect(rig.engine.resolve(rig.one, unsayable())).rejects.toThrow('a bug in an action')
    await rig.runtime.rest()
    expect([rig.engine.owned(), rig.logged]).toEqual([[0], []])
    const open = await rig.engine.exceptions()
    expect(open.map(({ code }) => code).sort()).toEqual(['action.failed', 'record.refused', 'record.refused'])
    expect(open.find(({ code }) => code === 'action.failed')).toMatchObject({
      detail: 'a bug in an action',
      subject: `record.refused of ${rig.one.subject}`,
    })
    await rig.tell(['C', ''])
    await rig.runtime.advance(1_000)
    expect(await seenBy(rig.store, 'script', lotOf('C'))).toEqual(['D3'])
    expect(await compareRebuilt(rig.store, 0)).toEqual([])
  })

  test('is no longer told once it succeeds', async () => {
    const rig = await openParked()
    await expect(rig.engine.resolve(rig.one, unsayable())).rejects.toThrow()
    expect(await rig.engine.resolve(rig.one, said)).toBe(true)
    expect((await rig.engine.exceptions()).map(({ id }) => id)).toEqual([rig.other.id])
  })

  test('stops no other action of its turn', async () => {
    const rig = await openParked()
    const ends = await Promise.allSettled([
      rig.engine.resolve(rig.other, said),
      rig.engine.resolve(rig.one, unsayable()),
      rig.engine.retry(rig.one, 'anna'),
    ])
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
})
