/**
 * Deliberate bugs, as patches of the source that a load hook applies while the simulation imports it: production code
 * carries no flags. `find` must occur exactly once; a patch that no longer fits fails loudly. `knownSeed` must fail in
 * every run; without one only the fresh seeds speak.
 */
export interface Mutant {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly knownSeed: number
}

export const MUTANTS: readonly Mutant[] = []
