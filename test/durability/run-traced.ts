import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TRACED_CALLS } from './trace.ts'

export interface TracedRun {
  readonly path: string
  readonly commits: number
  /** Of strace: what to make fail. */
  readonly inject?: string
  /** Of node, before the program. */
  readonly nodeOptions?: readonly string[]
}

/** From the operating system's packages. */
const STRACE = 'strace'

/** Runs the committing child under strace. Answers what it said and what the kernel saw. */
export function runTraced({ path, commits, inject, nodeOptions = [] }: TracedRun): {
  readonly lines: readonly string[]
  readonly trace: string
} {
  const trace = `${path}.trace`
  const program = [process.execPath, ...nodeOptions, join(import.meta.dirname, 'fixtures/commit-and-acknowledge.ts'), path, String(commits)]
  const injection = inject === undefined ? [] : ['-e', `inject=${inject}`]
  const run = spawnSync(STRACE, ['-f', '-y', '-s', '40', '-o', trace, '-e', `trace=${TRACED_CALLS}`, ...injection, ...program], {
    encoding: 'utf8',
  })
  if (run.error !== undefined) throw new Error('strace is needed for this test: apt-get install strace', { cause: run.error })
  if (run.status !== 0) throw new Error(`the child ended with ${run.status}: ${run.stderr}`)
  return { lines: run.stdout.split('\n').filter((line) => line !== ''), trace: readFileSync(trace, 'utf8') }
}
