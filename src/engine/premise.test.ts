import { expect, test } from 'vitest'
import { at, KEY, release } from '../../test/reconcile/builders.ts'
import type { ResourceSpec } from '../connectors/connector.ts'
import type { RecordSeen } from '../model/observation.ts'
import type { EngineDeps } from './deps.ts'
import { type LedgerParts, premiseOf } from './ledger.ts'
import { createMemory, observationKey } from './memory.ts'

/** The release was set at second 10 and rests on version 2; the QMS shows changes 2 seconds later; a read serves for 30. */
const GOAL = release({ premise: { system: 'qms-1', resource: 'inspection', key: KEY, version: '2' } })

function seen(records: readonly Pick<RecordSeen, 'version' | 'decided'>[], beganAt: number, now = beganAt): string {
  const memory = createMemory(0, 1)
  const shown = records.map((record) => ({ id: 'QI-1', key: KEY, status: '', open: false, reference: null, ...record }))
  memory.premises.set(observationKey('qms-1', 'inspection', KEY), {
    kind: 'record',
    records: shown,
    beganAt: at(beganAt),
    endedAt: at(beganAt),
    source: 'read',
  })
  const parts: Partial<LedgerParts> = {
    deps: { settings: { premiseAgeMsMax: 30_000 } } as EngineDeps,
    resourceOf: () => ({ lagMs: 2_000 }) as ResourceSpec,
  }
  return premiseOf({ memory, at: at(now) }, parts as LedgerParts, GOAL)
}

test('the decision stands at its version, and not when it is no longer decided, replaced, doubled or gone', () => {
  expect(seen([{ version: '2', decided: true }], 11)).toBe('standing')
  expect(seen([{ version: '2', decided: false }], 11)).toBe('gone')
  expect(seen([{ version: '3', decided: true }], 11)).toBe('gone')
  expect(
    seen(
      [
        { version: '2', decided: true },
        { version: '1', decided: false },
      ],
      11,
    ),
  ).toBe('gone')
  expect(seen([], 13)).toBe('gone')
})

test('a read that is too old, or shows what was before, is repeated', () => {
  expect(seen([{ version: '2', decided: true }], 11, 42)).toBe('stale')
  expect(seen([{ version: '1', decided: false }], 11)).toBe('stale')
  // Not there: it was created only just before it was decided.
  expect(seen([], 11)).toBe('stale')
})
