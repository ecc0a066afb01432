import { KNOWN_SEEDS } from './known-seeds.ts'
import type { Mutant } from './mutant.ts'
import { MUTANTS_OF_INTAKE } from './mutants-intake.ts'
import { MUTANTS_OF_PROTOCOL } from './mutants-protocol.ts'
import { MUTANTS_OF_QUALITY } from './mutants-quality.ts'

export const MUTANTS: readonly Mutant[] = [...MUTANTS_OF_PROTOCOL, ...MUTANTS_OF_QUALITY, ...MUTANTS_OF_INTAKE].map((mutant) => ({
  ...mutant,
  knownSeed: KNOWN_SEEDS[mutant.name] ?? null,
}))
