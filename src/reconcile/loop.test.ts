import { describe, expect, it } from 'vitest'
import { HOLD, OTHER, told } from '../../test/reconcile/builders.ts'
import { ToyHub, type ToySettings } from '../../test/reconcile/toy-hub.ts'
import type { IdempotencyClass } from '../model/goal.ts'

const SEEDS = 40
const CLASSES: readonly IdempotencyClass[] = ['natural', 'key', 'externalId', 'conditional', 'queryable', 'transportId', 'file', 'unsafe']

function live(settings: ToySettings): ToyHub {
  const hub = new ToyHub(settings)
  hub.run(60)
  hub.lift()
  hub.run(120)
  hub.calm()
  hub.run(120)
  return hub
}

describe.each(CLASSES)('a life with a hold, a release and people, class %s', (idempotency) => {
  it('undisturbed, all is released that was decided', () => {
    for (const evidence of ['answer', 'readBack'] as const) {
      const hub = live({ seed: 1, idempotency, evidence, faults: false })
      expect(hub.violations).toEqual([])
      expect(hub.find(OTHER)?.state).toBe('met')
    }
  })

  it.each(['answer', 'readBack'] as const)('never twice, never under a hold, never somebody else’s block; evidence %s', (evidence) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const hub = live({ seed, idempotency, evidence, faults: true })
      expect(hub.violations, `seed ${seed}`).toEqual([])
      if (hub.find(HOLD)?.state === 'met') expect(hub.target.usable, `seed ${seed}`).toBe(0)
      if (hub.find(OTHER)?.state === 'met') expect(hub.released(), `seed ${seed}`).toBe(60)
      for (const open of hub.goals.filter(({ state }) => state === 'open'))
        expect(restOf(hub, open.id), `seed ${seed} ${open.id}`).toBe('rest')
    }
  })
})

/** An open goal at rest says what is in its way: a reason that is shown, or a sibling whose outcome a person must find out. */
function restOf(hub: ToyHub, id: string): string {
  const step = hub.steps.get(id)
  const parked = hub.goals.some(({ state, commands }) => state === 'parked' && commands.some((command) => command.state === 'unknown'))
  if (step?.step === 'blocked' || (step?.step === 'wait' && step.reason === 'sibling' && parked)) return 'rest'
  return step === undefined ? 'never asked' : told(step)
}
