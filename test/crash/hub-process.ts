import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { HubConfig } from '../../src/cli/hub.ts'

export interface HubProcess {
  readonly url: string
  /** From the start of the process to the moment it takes events. */
  readonly readyMs: number
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; answers how it ended. */
  stop(): Promise<HubEnd>
  /** Waits until it ends by itself. */
  ended(): Promise<HubEnd>
  openGoals(): Promise<number>
}

export interface HubEnd {
  readonly code: number | null
  /** What it wrote to standard error. */
  readonly errors: string
}

export interface HubStart {
  readonly config: HubConfig
  /** What runs the program instead of node alone; node's own path is appended. */
  readonly under?: readonly string[]
  /** Of node, before the program. */
  readonly nodeOptions?: readonly string[]
}

const READY_MS_MAX = 30_000
const WORKER = join(import.meta.dirname, 'fixtures/hub-worker.ts')

/** Starts a hub in a process of its own; rejects when it ends before it is ready. */
export async function startHub({ config, under = [], nodeOptions = [] }: HubStart): Promise<HubProcess> {
  const startedAt = performance.now()
  const [program = process.execPath, ...args] = [...under, process.execPath, ...nodeOptions, WORKER, JSON.stringify(config)]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors = collect(child)
  const exited = once(child, 'close')
  const lines = createLines(child, errors)
  const [url = '', pid] = (await lines.next('ready', READY_MS_MAX)).split(' ')
  const readyMs = performance.now() - startedAt
  const send = (signal: NodeJS.Signals): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(Number(pid), signal)
  }
  const ended = async (): Promise<HubEnd> => {
    await exited
    return { code: child.exitCode, errors: errors() }
  }
  return {
    url,
    readyMs,
    ended,
    kill: async () => {
      send('SIGKILL')
      await exited
    },
    stop: () => {
      send('SIGTERM')
      return ended()
    },
    openGoals: async () => {
      const answer = lines.next('open', READY_MS_MAX)
      send('SIGUSR2')
      return Number(await answer)
    },
  }
}

/** Standard error so far. */
function collect(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

/** Lines of the child's standard output, by their first word. */
function createLines(child: ChildProcess, errors: () => string) {
  const waiting = new Map<string, (rest: string) => void>()
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const [word = '', ...rest] = text.slice(0, end).split(' ')
      text = text.slice(end + 1)
      waiting.get(word)?.(rest.join(' '))
      waiting.delete(word)
    }
  })
  return {
    next: (word: string, msMax: number): Promise<string> =>
      new Promise((resolve, reject) => {
        const fail = (): void =>
          reject(new Error(`the hub ended or was silent before it said ${word} (exit ${child.exitCode})\n${errors()}`))
        const timer = setTimeout(fail, msMax)
        child.once('exit', fail)
        waiting.set(word, (rest) => {
          clearTimeout(timer)
          child.off('exit', fail)
          resolve(rest)
        })
      }),
  }
}
