// The simulation: many seeds, one seed with its trace, or the deliberate bugs. See docs/explanation/simulation.md.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { type ExhaustiveResult, faultNamed, runExhaustive } from './exhaustive.ts'
import { huntMutants, type MutantResult, renewKnownSeeds } from './hunt.ts'
import { runPool } from './pool.ts'
import { runSeed, type SeedResult } from './run-seed.ts'
import { runStory, storyNamed } from './run-story.ts'
import { SHARE_MIN, SITUATIONS_REQUIRED } from './situations.ts'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Node 24 or newer is needed, this is ${process.versions.node}; use npm run sim.`)
  process.exit(1)
}

const HELP = `npm run sim -- [options]

  --seeds N         run N seeds (default 200)
  --first S         first of them (default 1)
  --seed S          run one seed
  --trace           with --seed: one JSON line per step
  --exhaustive [STORY]  each core story with each single crash, pause and lost answer
  --story STORY     run one story, with --fault crash:N, pause:N or loseReply:N
  --mutants [NAME]  run the deliberate bugs, each with its known seed and fresh ones; exit 0 only if all are found
  --fresh N         fresh seeds per deliberate bug (default 200)
  --until-found     with --mutants: fresh seeds only for a bug that its known seed does not tell, up to the first failing one
  --fresh-only      with --mutants: until found, known seeds left aside
  --renew           with --mutants: search new known seeds for those that no longer tell, and write them down
  --json            one object on standard output
  --help

Exit: 0 nothing was violated, 1 something was, 2 misuse.
`

interface Tally {
  readonly seeds: number
  readonly firstSeed: number
  readonly violations: { readonly seed: number; readonly invariant: string; readonly step: number; readonly message: string }[]
  readonly reached: Map<string, number>
  virtualMs: number
  readonly startedMs: number
}

const options = parse()

function parse() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        seeds: { type: 'string' },
        first: { type: 'string', default: '1' },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
        mutants: { type: 'boolean', default: false },
        fresh: { type: 'string', default: '200' },
        'until-found': { type: 'boolean', default: false },
        'fresh-only': { type: 'boolean', default: false },
        exhaustive: { type: 'boolean', default: false },
        story: { type: 'string' },
        fault: { type: 'string' },
        renew: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    return { ...values, names: positionals }
  } catch (reason) {
    console.error(`${reason instanceof Error ? reason.message : reason}\n\n${HELP}`)
    process.exit(2)
  }
}

const COMMIT = commit()

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

const onTrace = (line: string): void => void process.stdout.write(`${line}\n`)

async function one(seed: number): Promise<number> {
  return tell(await runSeed({ seed, ...(options.trace ? { onTrace } : {}) }))
}

async function oneStory(name: string): Promise<number> {
  const fault = options.fault === undefined ? null : faultNamed(options.fault)
  return tell((await runStory(storyNamed(name), fault, options.trace ? onTrace : undefined)).result)
}

async function exhaustive(): Promise<number> {
  const startedMs = Date.now()
  const results = await runExhaustive(options.names)
  const count = (of: (result: ExhaustiveResult) => number): number => results.reduce((sum, result) => sum + of(result), 0)
  const violations = count((result) => result.violations.length)
  const verdict = violations === 0 ? 'PASS' : 'FAIL'
  const seconds = Math.round((Date.now() - startedMs) / 1_000)
  if (options.json) console.log(JSON.stringify({ ok: violations === 0, stories: results, seconds, commit: COMMIT, node: process.version }))
  else
    console.log(
      `sim ${verdict} stories=${results.length} points=${count((result) => result.points)} requests=${count((result) => result.requests)} runs=${count((result) => result.runs)} violations=${violations} seconds=${seconds} commit=${COMMIT} node=${process.version}`,
    )
  return violations === 0 ? 0 : 1
}

function tell(result: SeedResult): number {
  for (const violation of result.violations) console.error(`${violation.invariant}: ${violation.message}`)
  const verdict = result.violations.length === 0 ? 'PASS' : 'FAIL'
  console.error(`shape ${JSON.stringify(result.shape)}`)
  console.log(
    `sim ${verdict} seeds=1 violations=${result.violations.length} seed=${result.seed} steps=${result.steps} virtualMs=${Math.round(result.virtualMs)} commit=${COMMIT} node=${process.version} traceHash=${result.traceHash}`,
  )
  return result.violations.length === 0 ? 0 : 1
}

async function many(count: number, first: number): Promise<Tally> {
  const tally: Tally = { seeds: count, firstSeed: first, violations: [], reached: new Map(), virtualMs: 0, startedMs: Date.now() }
  let done = 0
  await runPool({
    requests: Array.from({ length: count }, (_, index) => ({ seed: first + index })),
    onAnswer: (answer) => {
      done += 1
      tally.virtualMs += answer.virtualMs
      for (const label of answer.situations) tally.reached.set(label, (tally.reached.get(label) ?? 0) + 1)
      for (const violation of answer.violations)
        tally.violations.push({ seed: answer.seed, invariant: violation.invariant, step: answer.steps, message: violation.message })
      if (answer.violations.length > 0)
        console.error(`seed ${answer.seed}: ${answer.violations[0]?.invariant}: ${answer.violations[0]?.message.slice(0, 300)}`)
      if (done % 100 === 0)
        console.error(`${done} of ${count} seeds, ${tally.violations.length} violations, ${perMinute(done, tally.startedMs)} seeds/min`)
    },
  })
  return tally
}

function hunted(): Promise<MutantResult[]> {
  const freshOnly = options['fresh-only']
  return huntMutants({ names: options.names, fresh: Number(options.fresh), untilFound: options['until-found'] || freshOnly, freshOnly })
}

function perMinute(seeds: number, startedMs: number): number {
  return Math.round((seeds * 60_000) / Math.max(1, Date.now() - startedMs))
}

function conclude(tally: Tally, found: readonly MutantResult[]): number {
  const needed = Math.max(1, Math.ceil(tally.seeds * SHARE_MIN))
  // Fewer than a hundred seeds cannot be asked for rare situations.
  const required = tally.seeds >= 200 ? SITUATIONS_REQUIRED : []
  const missing = required.filter((label) => (tally.reached.get(label) ?? 0) < needed)
  for (const label of missing) console.error(`situation not reached in 1 % of the seeds: ${label} (${tally.reached.get(label) ?? 0})`)
  const missed = found.filter((mutant) => !mutant.found)
  const ok = tally.violations.length === 0 && missing.length === 0 && missed.length === 0
  const rate = perMinute(tally.seeds, tally.startedMs)
  const situations = Object.fromEntries(
    [...tally.reached].sort().map(([label, seeds]) => [label, { seeds, share: seeds / Math.max(1, tally.seeds) }]),
  )
  if (options.json) {
    console.log(
      JSON.stringify({
        ok,
        seeds: tally.seeds,
        firstSeed: tally.firstSeed,
        violations: tally.violations,
        situations,
        mutants: found,
        seedsPerMinute: rate,
        commit: COMMIT,
        node: process.version,
      }),
    )
  } else {
    console.error(`${Math.round(tally.virtualMs / 3_600_000)} simulated hours`)
    console.log(
      `sim ${ok ? 'PASS' : 'FAIL'} seeds=${tally.seeds} violations=${tally.violations.length} situations=${required.length - missing.length}/${required.length} mutants=${found.length - missed.length}/${found.length} seedsPerMinute=${rate} commit=${COMMIT} node=${process.version}`,
    )
  }
  return ok ? 0 : 1
}

async function main(): Promise<number> {
  if (options.help) {
    console.log(HELP)
    return 0
  }
  if (options.seed !== undefined) return one(Number(options.seed))
  if (options.story !== undefined) return oneStory(options.story)
  if (options.exhaustive) return exhaustive()
  if (options.renew) return (await renewKnownSeeds(options.names, Number(options.fresh))) ? 0 : 1
  const seeds = options.seeds === undefined && options.mutants ? 0 : Number(options.seeds ?? '200')
  const tally = await many(seeds, Number(options.first))
  return conclude(tally, options.mutants ? await hunted() : [])
}

process.exitCode = await main()
