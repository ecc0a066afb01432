import type { UnknownMutant } from './mutant.ts'

const PLAN = 'src/engine/intake-plan.ts'
const IDENTITY = 'src/engine/identity.ts'
const INTAKE = 'src/engine/intake.ts'

/** Bugs of what comes in: acknowledgement, identity, order, parking. */
export const MUTANTS_OF_INTAKE: readonly UnknownMutant[] = [
  {
    name: 'acknowledge-before-commit',
    patches: [
      {
        file: INTAKE,
        find: 'const result = await deps.store.commit(batch)',
        replace:
          "const result = { result: 'committed', firstSequences: [] } as const\n    void deps.store.commit(batch).catch(() => undefined)",
      },
    ],
  },
  {
    name: 'identity-not-written',
    patches: [{ file: PLAN, find: 'for (const change of how.writes) write(change.key, change.value)', replace: '' }],
  },
  {
    name: 'identity-race-not-seen',
    patches: [
      {
        file: 'src/store/group.ts',
        find: "?? view.identity(key)) !== value) return { result: 'outdated' }",
        replace: '?? view.identity(key)) !== value) continue',
      },
    ],
  },
  {
    name: 'conflict-is-a-duplicate',
    patches: [{ file: IDENTITY, find: "return { verdict: 'conflict' }", replace: "return { verdict: 'duplicate' }" }],
  },
  {
    name: 'stale-version-is-delivered',
    patches: [{ file: PLAN, find: 'routes: how.stale ? []', replace: 'routes: (how.stale as unknown) === 0 ? []' }],
  },
  {
    name: 'parked-key-is-skipped',
    patches: [
      { file: IDENTITY, find: "if (!passParked && known.get(keys.parked) !== undefined) return { verdict: 'parked' }", replace: '' },
    ],
  },
  {
    name: 'parked-key-blocks-its-system',
    patches: [
      { file: IDENTITY, find: "parked: identityKey(hash, 'parked', record)", replace: "parked: identityKey(hash, 'parked', [instance])" },
    ],
  },
  {
    name: 'sources-are-not-asked-for-lost-events',
    patches: [{ file: 'src/engine/sweep.ts', find: 'await pollChanges(connector)', replace: 'true' }],
  },
]
