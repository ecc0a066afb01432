// npm test: everything a contributor needs, with nothing but Node and npm. `npm test -- STEP...` runs only the named steps.
import { writeFileSync } from 'node:fs'
import { report, runSteps, type Step } from './steps.ts'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Node 24 or newer is needed, this is ${process.versions.node}; use npm test.`)
  process.exit(1)
}

const TOOLS = 'node_modules/.bin'

const STEPS: readonly Step[] = [
  { name: 'format', alone: 'npm run lint (npm run format mends it)', run: { node: [`${TOOLS}/biome`, 'format', '.'] }, minutesMax: 2 },
  {
    name: 'lint',
    alone: 'npm run lint',
    run: { node: [`${TOOLS}/biome`, 'check', '--formatter-enabled=false', '--error-on-warnings', '.'] },
    minutesMax: 2,
  },
  { name: 'types', alone: 'npm run types', run: { node: [`${TOOLS}/tsc`, '-p', 'tsconfig.json'] }, minutesMax: 5 },
  { name: 'types-pure', alone: 'npm run types', run: { node: [`${TOOLS}/tsc`, '-p', 'tsconfig.pure.json'] }, minutesMax: 5 },
  { name: 'boundaries', alone: 'npm run boundaries', run: { node: ['scripts/boundaries.ts'] }, minutesMax: 5 },
  { name: 'deadcode', alone: 'npm run deadcode', run: { node: [`${TOOLS}/knip`] }, minutesMax: 5 },
  { name: 'unit', alone: 'npm run unit', run: { vitest: 'unit' }, minutesMax: 5 },
  { name: 'contract', alone: 'npm run contract', run: { vitest: 'contract' }, minutesMax: 5 },
  { name: 'house', alone: 'npm run house', run: { vitest: 'house' }, minutesMax: 5 },
]

const args = process.argv.slice(2)
const reportAt = args.indexOf('--report')
const reportFile = reportAt < 0 ? null : args.splice(reportAt, 2)[1]
const unknown = args.filter((name) => !STEPS.some((step) => step.name === name))
if (unknown.length > 0) {
  console.error(`No step is called ${unknown.join(', ')}. Steps: ${STEPS.map((step) => step.name).join(', ')}.`)
  process.exit(2)
}

const outcomes = await runSteps(args.length === 0 ? STEPS : STEPS.filter((step) => args.includes(step.name)), { minutesMax: 15 })
const sums = report(outcomes)
// Continuous integration closes with a line of its own.
if (reportFile) writeFileSync(reportFile, JSON.stringify(sums))
else console.log(`${sums.passed} passed, ${sums.failed} failed`)
process.exitCode = sums.failed > 0 ? 1 : 0
