import { expect, test } from 'vitest'
import { report, runSteps, type Step } from '../../scripts/steps.ts'

const FIXTURES = 'test/house/fixtures'

function step(name: string, ...node: string[]): Step {
  return { name, alone: `npm run ${name}`, run: { node }, minutesMax: 1 }
}

function reporting(counts: Readonly<Record<string, number>>, code = 0): Step {
  return step('reporting', `${FIXTURES}/report.mjs`, '{report}', JSON.stringify(counts), String(code))
}

async function counted(one: Step) {
  const [outcome] = await runSteps([one], { minutesMax: 1 })
  return { passed: outcome?.passed, failed: outcome?.failed, reason: outcome?.reason }
}

test.each([
  ['that ends well counts one', step('good', `${FIXTURES}/child.mjs`, 'exit', '0'), { passed: 1, failed: 0, reason: '' }],
  [
    'that ends badly has failed',
    step('bad', `${FIXTURES}/child.mjs`, 'exit', '3'),
    { passed: 0, failed: 1, reason: 'ended with exit code 3' },
  ],
  ['whose script is missing has failed', step('lost', 'scripts/lost.ts'), { passed: 0, failed: 1, reason: 'ended with exit code 1' }],
  ['with a report counts its tests', reporting({ numTotalTests: 5, numPassedTests: 5 }), { passed: 5, failed: 0, reason: '' }],
  [
    'with failed tests counts them',
    reporting({ numTotalTests: 5, numPassedTests: 3, numFailedTests: 2 }, 1),
    { passed: 3, failed: 2, reason: 'ended with exit code 1' },
  ],
  [
    'with skipped tests has failed',
    reporting({ numTotalTests: 5, numPassedTests: 4, numPendingTests: 1 }),
    { passed: 4, failed: 1, reason: '1 tests were skipped' },
  ],
  [
    'whose file could not be loaded has failed',
    reporting({ numTotalTests: 5, numPassedTests: 5 }, 1),
    { passed: 5, failed: 1, reason: 'ended with exit code 1' },
  ],
  ['without any test has failed', reporting({ numTotalTests: 0 }), { passed: 0, failed: 1, reason: 'it ran no test' }],
  [
    'without its report has failed',
    step('mute', `${FIXTURES}/child.mjs`, 'exit', '0', '{report}'),
    { passed: 0, failed: 1, reason: 'it left no report' },
  ],
])('a step %s', async (_, one, expected) => {
  expect(await counted(one)).toEqual(expected)
})

test('a suite that is not there has failed', async () => {
  const { passed, failed } = await counted({ name: 'gone', alone: '', run: { vitest: 'gone' }, minutesMax: 1 })
  expect({ passed, failed }).toEqual({ passed: 0, failed: 1 })
})

test('a step that hangs is ended, and the next ones run while there is time', async () => {
  const hanging = { ...step('hanging', `${FIXTURES}/child.mjs`), minutesMax: 0.01 }
  const good = step('good', `${FIXTURES}/child.mjs`, 'exit', '0')
  const outcomes = await runSteps([hanging, good], { minutesMax: 1 })
  expect(outcomes.map((one) => one.reason)).toEqual(['took longer than 0.01 minutes', ''])
  const unrun = await runSteps([good], { minutesMax: 0 })
  expect(unrun[0]).toMatchObject({ failed: 1, reason: 'not run: the limit of 0 minutes was reached' })
})

test('the report sums up', async () => {
  expect(report(await runSteps([reporting({ passed: 4, failed: 1 }, 1), reporting({ passed: 2 })], { minutesMax: 1 }))).toEqual({
    passed: 6,
    failed: 1,
  })
})
