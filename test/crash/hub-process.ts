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
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>
  openGoals(): Promise<number>
}

const READY_MS_MAX = 20_000
const WORKER = join(import.meta.dirname, 'fixtures/hub-worker.ts')

/** Starts a hub in a process of its own; rejects when it ends before it is ready. */
export async function startHub(config: HubConfig): Promise<HubProcess> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [WORKER, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createLines(child)
  const url = await lines.next('ready', READY_MS_MAX)
  const readyMs = performance.now() - startedAt
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    url,
    readyMs,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    openGoals: async () => {
      const answer = lines.next('open', READY_MS_MAX)
      child.kill('SIGUSR2')
      return Number(await answer)
    },
  }
}

/** Lines of the child's standard output, by their first word. */
export function createLines(child: ChildProcess) {
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
        const fail = (): void => reject(new Error(`the hub ended or was silent before it said ${word} (exit ${child.exitCode})`))
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
