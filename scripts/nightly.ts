// What is too long for every change. One step is one line, as in ci.ts.
import { report, runSteps, type Step } from './steps.ts'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Node 24 or newer is needed, this is ${process.versions.node}; use npm run nightly.`)
  process.exit(1)
}

const MINUTES_MAX = 600
const SIM = 'test/simulation/main.ts'

const STEPS: readonly Step[] = [
  { name: 'simulation', alone: 'npm run sim -- --seeds 60000', run: { node: [SIM, '--seeds', '60000'] }, minutesMax: 300 },
  {
    name: 'deliberate bugs',
    alone: 'npm run sim -- --mutants --fresh 1000 --fresh-only',
    run: { node: [SIM, '--mutants', '--fresh', '1000', '--fresh-only'] },
    minutesMax: 300,
  },
]

const sums = report(await runSteps(STEPS, { minutesMax: MINUTES_MAX }))
console.log(`${sums.passed} passed, ${sums.failed} failed`)
process.exitCode = sums.failed > 0 ? 1 : 0
