import { readFileSync, writeFileSync } from 'node:fs'
import { type Mutant, patched } from './mutant.ts'
import { MUTANTS } from './mutants.ts'
import { runPool } from './pool.ts'
import type { SeedLimits } from './run-seed.ts'

/** What the deliberate bugs are run with, and for proof without them. */
const LIMITS: SeedLimits = { convergeMsMax: 120_000, stepsMax: 400_000 }
/** So many of the failing fresh seeds are run again without the bug. */
const PROOFS_MAX = 5
const RENEW_CHUNK = 10

export interface MutantResult {
  readonly name: string
  readonly knownSeed: number | null
  /** The known seed fails with the bug and passes without it; hunting with `untilFound`, any seed. */
  readonly found: boolean
  readonly seedsRun: number
  readonly seedsFailing: number
  /** The first that fails with the bug and passes without it. */
  readonly firstFailingSeed: number | null
}

export interface Hunt {
  readonly names: readonly string[]
  readonly fresh: number
  readonly untilFound: boolean
  /** As if no seed were known: with `untilFound` every bug must be found in fresh ones. */
  readonly freshOnly: boolean
}

/** Failing seeds with the invariant that failed first. */
type Failures = ReadonlyMap<number, string>

export async function huntMutants(hunt: Hunt): Promise<MutantResult[]> {
  const chosen = chosenMutants(hunt.names).map((mutant) => (hunt.freshOnly ? { ...mutant, knownSeed: null } : mutant))
  const known = chosen.flatMap(({ knownSeed }) => (knownSeed === null ? [] : [knownSeed]))
  const unclean = await failuresOf(null, [...new Set(known)])
  const results: MutantResult[] = []
  for (const mutant of chosen) results.push(await huntOne(mutant, hunt, unclean))
  return results
}

async function huntOne(mutant: Mutant, hunt: Hunt, unclean: Failures): Promise<MutantResult> {
  const { name, knownSeed } = mutant
  const first = 1_000_000 + Math.floor(Math.random() * 1_000_000_000)
  const seeds = Array.from({ length: hunt.fresh }, (_, index) => first + index)
  const failsKnown = knownSeed === null ? null : ((await failuresOf(name, [knownSeed])).get(knownSeed) ?? null)
  const known = failsKnown !== null && !unclean.has(knownSeed as number)
  const fresh =
    hunt.untilFound && known ? { run: 0, failing: new Map<number, string>(), proved: null } : await search(name, seeds, hunt.untilFound)
  const found = known || (hunt.untilFound && fresh.proved !== null)
  const word =
    knownSeed === null
      ? 'no known seed'
      : failsKnown === null
        ? 'PASSES'
        : unclean.has(knownSeed)
          ? 'fails without it too'
          : `fails (${failsKnown})`
  console.error(
    `${found ? 'found ' : 'MISSED'} ${name}: known seed ${knownSeed ?? '-'} ${word}; ${fresh.failing.size} of ${fresh.run} fresh seeds fail${tallied(fresh.failing)}`,
  )
  return { name, knownSeed, found, seedsRun: fresh.run, seedsFailing: fresh.failing.size, firstFailingSeed: fresh.proved }
}

interface Searched {
  readonly run: number
  readonly failing: Failures
  readonly proved: number | null
}

/** Runs seeds with the bug; failing ones again without it, until one is proved. `stop`: nothing more is run then. */
async function search(name: string, seeds: readonly number[], stop: boolean): Promise<Searched> {
  const failing = new Map<number, string>()
  let run = 0
  let proofs = 0
  for (let from = 0; from < seeds.length; ) {
    const part = seeds.slice(from, stop ? from + RENEW_CHUNK : seeds.length)
    from += part.length
    run += part.length
    const failed = await failuresOf(name, part)
    for (const [seed, invariant] of failed) failing.set(seed, invariant)
    for (const seed of [...failed.keys()].sort((a, b) => a - b)) {
      if (proofs++ >= PROOFS_MAX && !stop) break
      if ((await failuresOf(null, [seed])).size === 0) return { run, failing, proved: seed }
    }
  }
  return { run, failing, proved: null }
}

async function failuresOf(mutant: string | null, seeds: readonly number[]): Promise<Failures> {
  const failures = new Map<number, string>()
  let died = ''
  await runPool({
    requests: seeds.map((seed) => ({ seed, limits: LIMITS })),
    ...(mutant === null ? {} : { mutant }),
    onAnswer: (answer) => {
      const [violation] = answer.violations
      if (answer.died) died = violation?.message ?? ''
      else if (violation !== undefined) failures.set(answer.seed, violation.invariant)
    },
    enough: () => died !== '',
  })
  if (died !== '') throw new Error(`${mutant ?? 'the simulation'}: ${died}`)
  return failures
}

function tallied(failures: Failures): string {
  if (failures.size === 0) return ''
  const counts = new Map<string, number>()
  for (const invariant of failures.values()) counts.set(invariant, (counts.get(invariant) ?? 0) + 1)
  return ` (${[...counts].map(([invariant, count]) => `${invariant} ${count}`).join(', ')})`
}

/** Fails before anything is run when a name is unknown or a patch no longer fits. */
function chosenMutants(names: readonly string[]): readonly Mutant[] {
  for (const name of names) if (!MUTANTS.some((mutant) => mutant.name === name)) throw new Error(`no deliberate bug is called ${name}`)
  const chosen = MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name))
  for (const { name, patches } of chosen) {
    const texts = new Map<string, string>()
    for (const patch of patches) {
      const text = texts.get(patch.file) ?? readFileSync(new URL(`../../${patch.file}`, import.meta.url), 'utf8')
      try {
        texts.set(patch.file, patched(text, patch))
      } catch (reason) {
        throw new Error(`${name}: ${reason instanceof Error ? reason.message : reason}`)
      }
    }
  }
  return chosen
}

/** Searches a new known seed for every bug whose known seed no longer tells it, and writes known-seeds.ts. False: some have none. */
export async function renewKnownSeeds(names: readonly string[], within: number): Promise<boolean> {
  const chosen = chosenMutants(names)
  const known = new Map(MUTANTS.flatMap(({ name, knownSeed }) => (knownSeed === null ? [] : [[name, knownSeed] as const])))
  const unclean = await failuresOf(null, [...new Set(known.values())])
  const seeds = Array.from({ length: within }, (_, index) => index + 1)
  let all = true
  for (const { name, knownSeed } of chosen) {
    if (knownSeed !== null && !unclean.has(knownSeed) && (await failuresOf(name, [knownSeed])).size > 0) continue
    const { proved, run, failing } = await search(name, seeds, true)
    if (proved === null) known.delete(name)
    else known.set(name, proved)
    all &&= proved !== null
    console.error(`${name}: ${knownSeed ?? '-'} -> ${proved ?? 'NOT FOUND'} after ${run} seeds${tallied(failing)}`)
    writeKnownSeeds(known)
  }
  return all
}

function writeKnownSeeds(known: ReadonlyMap<string, number>): void {
  const lines = MUTANTS.flatMap(({ name }) => (known.has(name) ? [`  '${name}': ${known.get(name)},`] : []))
  const text = `/** Written by \`npm run sim -- --mutants --renew\`: for each deliberate bug a seed that fails only because of it. */
export const KNOWN_SEEDS: Readonly<Record<string, number>> = {
${lines.join('\n')}
}
`
  writeFileSync(new URL('./known-seeds.ts', import.meta.url), text)
}
