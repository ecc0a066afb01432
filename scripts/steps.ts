// Runs a table of steps one after the other and counts. A step that cannot run, finds no tests or skips some has failed.
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch, launchNpm, ROOT, signalGroup } from './launch.mjs'

export interface Step {
  readonly name: string
  /** What a newcomer types to run this step alone. */
  readonly alone: string
  /**
   * `node`: script and arguments on the pinned Node. `npm`: arguments of the machine's own npm. `vitest`: a project of vitest.config.ts.
   * Words `{report}` become a file into which the command writes `{passed, failed}`; without it a step counts one.
   */
  readonly run: { readonly node: readonly string[] } | { readonly npm: readonly string[] } | { readonly vitest: string }
  readonly minutesMax: number
}

export interface Outcome {
  readonly step: Step
  readonly passed: number
  readonly failed: number
  readonly seconds: number
  /** Empty if nothing failed. */
  readonly reason: string
}

const SILENCE_MS_MAX = 30_000
const KILL_GRACE_MS = 5_000
const STOP_GRACE_MS = 1_000

/** Runs every step, whatever the ones before it did. Past the time limit the remaining steps fail unrun. */
export async function runSteps(steps: readonly Step[], options: { readonly minutesMax: number }): Promise<readonly Outcome[]> {
  const deadline = Date.now() + options.minutesMax * 60_000
  const outcomes: Outcome[] = []
  for (const step of steps) {
    const left = deadline - Date.now()
    outcomes.push(
      left > 0 ? await runStep(step, left) : failure(step, 0, `not run: the limit of ${options.minutesMax} minutes was reached`),
    )
  }
  return outcomes
}

/** Prints the table and the failures, each with the command that runs it alone, and returns the sums. */
export function report(outcomes: readonly Outcome[]): { readonly passed: number; readonly failed: number } {
  const width = Math.max(...outcomes.map((outcome) => outcome.step.name.length))
  console.log('')
  for (const outcome of outcomes) {
    const counts = `${outcome.passed} passed${outcome.failed > 0 ? `, ${outcome.failed} failed` : ''}`
    console.log(`${mark(outcome)} ${outcome.step.name.padEnd(width)}  ${outcome.seconds.toFixed(1).padStart(7)} s  ${counts}`)
  }
  for (const outcome of outcomes.filter((one) => one.failed > 0)) {
    console.log(`\nFAILED ${outcome.step.name}: ${outcome.reason}\n  run it alone: ${outcome.step.alone}`)
  }
  console.log('')
  return { passed: sum(outcomes, 'passed'), failed: sum(outcomes, 'failed') }
}

async function runStep(step: Step, msLeft: number): Promise<Outcome> {
  console.log(`\n▶ ${step.name}  (${step.alone})`)
  const startedAt = Date.now()
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-step-'))
  const reportFile = join(folder, 'report.json')
  try {
    const ended = await watch(start(step, reportFile), { step, msMax: Math.min(step.minutesMax * 60_000, msLeft), startedAt })
    const outcome = judge({ step, ended, reportFile, seconds: (Date.now() - startedAt) / 1000 })
    console.log(`${mark(outcome)} ${step.name}  ${outcome.seconds.toFixed(1)} s${outcome.reason && `  ${outcome.reason}`}`)
    return outcome
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function start(step: Step, reportFile: string): ChildProcess {
  const filled = (args: readonly string[]) => args.map((arg) => arg.replace('{report}', reportFile))
  if ('npm' in step.run) return launchNpm(filled(step.run.npm), { cwd: ROOT, output: 'pipe' })
  const args = 'vitest' in step.run ? vitestArguments(step.run.vitest, reportFile) : filled(step.run.node)
  return launch(args, { group: true, output: 'pipe', input: 'ignore', cwd: ROOT })
}

function vitestArguments(project: string, reportFile: string): string[] {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  return ['node_modules/.bin/vitest', 'run', '--project', project, ...reporters]
}

/** Passes the output on, breaks long silence, and ends what takes too long. Empty text: exit code 0. */
function watch(child: ChildProcess, run: { readonly step: Step; readonly msMax: number; readonly startedAt: number }): Promise<string> {
  let heardAt = Date.now()
  let late = false
  const hear = (to: NodeJS.WriteStream) => (chunk: Buffer) => {
    heardAt = Date.now()
    to.write(chunk)
  }
  child.stdout?.on('data', hear(process.stdout))
  child.stderr?.on('data', hear(process.stderr))
  const heartbeat = setInterval(() => {
    if (Date.now() - heardAt < SILENCE_MS_MAX) return
    heardAt = Date.now()
    console.log(`… ${run.step.name} is still running, ${Math.round((Date.now() - run.startedAt) / 1000)} s`)
  }, 1_000)
  const limit = setTimeout(() => {
    late = true
    endGroup(child)
  }, run.msMax)
  const stop = stopOnSignal(child)
  return new Promise((resolve) => {
    const settle = (text: string) => {
      clearInterval(heartbeat)
      clearTimeout(limit)
      stop()
      // What the step left running goes with it.
      signalGroup(child, 'SIGKILL')
      resolve(late ? `took longer than ${Number((run.msMax / 60_000).toFixed(2))} minutes` : text)
    }
    child.once('error', (error) => settle(`could not start: ${error.message}`))
    child.once('close', (code, signal) => settle(code === 0 ? '' : `ended with ${signal ?? `exit code ${code}`}`))
  })
}

function endGroup(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM')
  setTimeout(() => signalGroup(child, 'SIGKILL'), KILL_GRACE_MS).unref()
}

/** After the signal nothing more starts: the step's end is not reported, the process ends. */
function stopOnSignal(child: ChildProcess): () => void {
  const stop = (signal: NodeJS.Signals) => {
    child.removeAllListeners('close')
    signalGroup(child, 'SIGTERM')
    setTimeout(() => {
      signalGroup(child, 'SIGKILL')
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }, STOP_GRACE_MS)
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  return () => {
    process.off('SIGTERM', stop).off('SIGINT', stop)
  }
}

function judge(run: { step: Step; ended: string; reportFile: string; seconds: number }): Outcome {
  const { step, ended, seconds } = run
  const counted = 'vitest' in step.run || ('node' in step.run ? step.run.node : step.run.npm).includes('{report}')
  if (!counted) return ended === '' ? { step, passed: 1, failed: 0, seconds, reason: '' } : failure(step, seconds, ended)
  const counts = readCounts(run.reportFile)
  if (counts === null) return failure(step, seconds, ended || 'it left no report')
  if (counts.skipped > 0)
    return { step, ...counts, failed: counts.failed + counts.skipped, seconds, reason: `${counts.skipped} tests were skipped` }
  if (counts.failed > 0) return { step, ...counts, seconds, reason: ended }
  if (ended !== '') return { step, ...counts, failed: 1, seconds, reason: ended }
  if (counts.passed === 0) return failure(step, seconds, 'it ran no test')
  return { step, ...counts, seconds, reason: '' }
}

function readCounts(file: string): { readonly passed: number; readonly failed: number; readonly skipped: number } | null {
  let read: Readonly<Record<string, unknown>>
  try {
    read = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
  const number = (name: string) => (typeof read[name] === 'number' ? read[name] : 0)
  if ('numTotalTests' in read) {
    return {
      passed: number('numPassedTests'),
      failed: number('numFailedTests'),
      skipped: number('numPendingTests') + number('numTodoTests'),
    }
  }
  return { passed: number('passed'), failed: number('failed'), skipped: 0 }
}

function failure(step: Step, seconds: number, reason: string): Outcome {
  return { step, passed: 0, failed: 1, seconds, reason }
}

function mark(outcome: Outcome): string {
  return outcome.failed > 0 ? '✗' : '✓'
}

function sum(outcomes: readonly Outcome[], name: 'passed' | 'failed'): number {
  return outcomes.reduce((total, outcome) => total + outcome[name], 0)
}
