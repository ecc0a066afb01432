import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { WorkerAnswer, WorkerRequest } from './worker.ts'

export interface PoolOptions {
  readonly requests: readonly WorkerRequest[]
  readonly mutant?: string
  readonly onAnswer: (answer: WorkerAnswer) => void
  /** True: what is left of the requests need not be run. */
  readonly enough?: () => boolean
}

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))
const MUTATE = new URL('./mutate.ts', import.meta.url).href
const WORDS_MAX = 2_000

/** Runs seeds in as many processes as there are cores. A process that dies is a violation of its seed. */
export async function runPool(options: PoolOptions): Promise<void> {
  const waiting = [...options.requests]
  const lanes = Math.min(availableParallelism(), waiting.length)
  await Promise.all(Array.from({ length: lanes }, () => lane(options, waiting)))
}

function lane(options: PoolOptions, waiting: WorkerRequest[]): Promise<void> {
  return new Promise((resolve) => {
    const child = start(options.mutant)
    let asked: WorkerRequest | null = null
    let lastWords = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      lastWords = `${lastWords}${chunk}`.slice(-WORDS_MAX)
    })
    const next = (): void => {
      const following = options.enough?.() === true ? undefined : waiting.shift()
      asked = following ?? null
      if (following === undefined) child.disconnect()
      else child.send(following)
    }
    child.on('message', (answer: WorkerAnswer) => {
      options.onAnswer(answer)
      next()
    })
    child.on('exit', (code) => {
      if (asked !== null) {
        const died = `the process ended with ${code}: ${lastWords.trim()}`
        options.onAnswer({
          seed: asked.seed,
          violations: [{ invariant: 'run', message: died }],
          situations: [],
          virtualMs: 0,
          steps: 0,
          died: true,
        })
        asked = null
        if (waiting.length > 0) return void lane(options, waiting).then(resolve)
      }
      resolve()
    })
    next()
  })
}

function start(mutant: string | undefined): ChildProcess {
  if (mutant === undefined) return fork(WORKER, [], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
  return fork(WORKER, [], {
    execArgv: ['--import', MUTATE],
    env: { ...process.env, HOLDPOINT_MUTANT: mutant },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
}
