/**
 * States as released versions stored them, one file each that never changes. A change of a state's shape without a new
 * version and a migration shows here.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { carriers, held, inspected, keyOf, LOT, lifted, lineOf, moved, received, reversed } from '../../test/process/facts.ts'
import { CONTEXT, createStory, deepFreeze, type Fact, type Story } from '../../test/process/story.ts'
import { GOAL_SETTLED } from '../model/events.ts'
import { inspectionGate } from './inspection-gate.ts'
import { lot } from './lot.ts'

const LATER = '2026-11-05T09:00:00.000Z'

/** Touches every field of both states. */
function eventful(): Story {
  const story = createStory()
  const tell = (...facts: readonly Fact[]) => facts.forEach((fact) => void story.tell(fact))
  tell(received(), received({ number: 2, quantity: 500 }), inspected({ version: 1 }))
  story.fire(keyOf(), 'late')
  tell(inspected({ version: 2, lines: [['accepted', 1000]] }))
  story.settle(lineOf())
  tell(held('H-1'), held('H-2', { scope: carriers('SU-7') }), lifted('H-3'), lifted('H-1', { scope: carriers('SU-1') }))
  tell(
    moved({ document: '4900000001', from: 'unrestricted', to: 'blocked' }),
    moved({ document: '4900000002', from: 'unrestricted', to: 'restricted', quantity: 30 }),
  )
  tell(moved({ document: '4900000003', from: 'restricted', to: 'unrestricted', quantity: 30 }))
  tell(reversed({ quantity: 100 }))
  tell(
    inspected({
      version: 3,
      decidedAt: LATER,
      lines: [
        ['accepted', 800, { kind: 'remainder', except: ['SU-2'] }],
        ['rejected', 100, carriers('SU-2')],
      ],
    }),
  )
  return story
}

const golden = (name: string, version: number): unknown =>
  JSON.parse(readFileSync(new URL(`./golden/${name}.v${version}.json`, import.meta.url), 'utf8'))
const recorded = (type: string, data: unknown) =>
  deepFreeze({
    type,
    subject: 'subject',
    source: { instance: 'erp-1', record: 'x', version: null },
    occurredAt: LATER,
    receivedAt: LATER,
    recordedAt: LATER,
    address: { partition: 0, sequence: 1, ordinal: 0 },
    data,
  })

describe('states of version 1', () => {
  it('are what the processes store today, key by key', () => {
    const story = eventful()
    expect(JSON.stringify(story.gate(keyOf()))).toBe(JSON.stringify(golden('inspection-gate', 1)))
    expect(JSON.stringify(story.lot())).toBe(JSON.stringify(golden('lot', 1)))
  })

  it('are taken up by the gate', () => {
    const state = inspectionGate.migrate(deepFreeze(golden('inspection-gate', 1)), 1)
    const { source, data, type } = inspected({ version: 9, status: 'reopened' })
    const decision = inspectionGate.decide(state, { ...recorded(type, data), source }, CONTEXT)
    expect(decision.events.map((event) => event.type)).toEqual(['holdpoint.inspection.reopened.v1'])
    expect(Object.keys(state)).toEqual(Object.keys(inspectionGate.initial(keyOf())))
  })

  it('are taken up by the lot', () => {
    const state = lot.migrate(deepFreeze(golden('lot', 1)), 1)
    expect(state.pending).toHaveLength(1)
    const met = { goal: 'g', name: 'held', state: 'met', generation: state.generation, detail: '' }
    const decision = lot.decide(state, recorded(GOAL_SETTLED, met), CONTEXT)
    expect(decision.state.pending).toEqual([])
    expect(decision.goals.map((change) => (change.change === 'set' ? change.goal.name : change.name))).toContain(
      lineOf(2, `qms-1:decision:UD-17@${LATER}`),
    )
    expect(Object.keys(state)).toEqual(Object.keys(lot.initial(LOT)))
  })

  it('are the only ones there are', () => {
    expect(() => inspectionGate.migrate({}, 2)).toThrow('version 2')
    expect(() => lot.migrate({}, 0)).toThrow('version 0')
  })
})
