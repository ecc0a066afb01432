// What .ci/run runs: npm test, then everything too heavy for it. One step is one line; nothing is skipped; the last line is the count.
import { report, runSteps, type Step } from './steps.ts'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Node 24 or newer is needed, this is ${process.versions.node}; use npm run ci.`)
  process.exit(1)
}

const MINUTES_MAX = 60
const SIM = 'test/simulation/main.ts'
const VITEST = 'node scripts/run.mjs node_modules/.bin/vitest run --project'

const STEPS: readonly Step[] = [
  { name: 'npm test', alone: 'npm test', run: { npm: ['test', '--', '--report', '{report}'] }, minutesMax: 15 },
  { name: 'durability', alone: `${VITEST} durability`, run: { vitest: 'durability' }, minutesMax: 5 },
  { name: 'kill -9', alone: `${VITEST} crash`, run: { vitest: 'crash' }, minutesMax: 8 },
  { name: 'simulation', alone: 'npm run sim -- --seeds 2000', run: { node: [SIM, '--seeds', '2000'] }, minutesMax: 30 },
  { name: 'exhaustive single faults', alone: 'npm run sim -- --exhaustive', run: { node: [SIM, '--exhaustive'] }, minutesMax: 5 },
  { name: 'deliberate bugs', alone: 'npm run sim -- --mutants', run: { node: [SIM, '--mutants'] }, minutesMax: 25 },
  { name: 'bench', alone: 'npm run bench -- --quick', run: { node: ['bench/main.ts', '--quick'] }, minutesMax: 5 },
  { name: 'fresh clone', alone: 'node scripts/run.mjs scripts/fresh-clone.ts', run: { node: ['scripts/fresh-clone.ts'] }, minutesMax: 5 },
]

const sums = report(await runSteps(STEPS, { minutesMax: MINUTES_MAX }))
console.log(`${sums.passed} passed, ${sums.failed} failed`)
process.exitCode = sums.failed > 0 ? 1 : 0
