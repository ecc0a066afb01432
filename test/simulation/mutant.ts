/**
 * A deliberate bug, as patches of the source that a load hook applies while the simulation imports it: production code
 * carries no flags.
 */
export interface Mutant {
  readonly name: string
  /** Must fail with the bug and pass without it, in every run. Null: none has been found yet. */
  readonly knownSeed: number | null
  readonly patches: readonly Patch[]
}

export interface Patch {
  /** From the root of the project. */
  readonly file: string
  /** Occurs exactly once in the file: a patch that no longer fits fails loudly. */
  readonly find: string
  readonly replace: string
}

export type UnknownMutant = Omit<Mutant, 'knownSeed'>

export function patched(source: string, { file, find, replace }: Patch): string {
  const occurrences = source.split(find).length - 1
  if (occurrences !== 1) throw new Error(`a patch must fit exactly once in ${file}, it fits ${occurrences} times: ${find}`)
  return source.replace(find, () => replace)
}
