import { describe, expect, it } from 'vitest'
import { HOLD, OTHER } from '../../test/reconcile/builders.ts'
import { ToyHub, type ToySettings } from '../../test/reconcile/toy-hub.ts'
import type { IdempotencyClass } from '../model/goal.ts'

const SEEDS = 400
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
      const hold = hub.find(HOLD)
      if (hold?.state === 'met') expect(hub.target.usable, `seed ${seed}`).toBe(0)
    }
  })
})
