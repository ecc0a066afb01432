import { fork } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { createPeer, type Peer } from './ipc.ts'
import { cpuMsOf, memoryMbPeakOf } from './machine.ts'

/** One child process of the bench: a program under test or the stub. */
export interface Program extends Peer {
  readonly pid: number
  cpuMs(): number
  memoryMbPeak(): number
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** Asks it to close, then ends it. */
  stop(): Promise<void>
}

const READY_MS_MAX = 30_000

/** Starts a script with its settings; resolves when it says `ready`, rejects when it ends before that. Later its end ends the bench. */
export async function startProgram(url: URL, settings: unknown): Promise<Program> {
  const script = url.pathname.split('/').at(-1)
  const child = fork(url, [JSON.stringify(settings)], { stdio: ['ignore', 2, 2, 'ipc'] })
  const peer = createPeer(child)
  const pid = child.pid
  if (pid === undefined) throw new Error(`${script} could not be started`)
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${script} was not ready after ${READY_MS_MAX} ms`)), READY_MS_MAX)
    const settle = (act: () => void) => () => {
      clearTimeout(timer)
      act()
    }
    peer.onNews('ready', settle(resolve))
    child.once(
      'exit',
      settle(() => reject(new Error(`${script} ended before it was ready (exit ${child.exitCode ?? child.signalCode})`))),
    )
  })
  const ended = (): void => {
    process.stderr.write(`bench: ${script} ended by itself (exit ${child.exitCode ?? child.signalCode}); what it said stands above\n`)
    process.exit(2)
  }
  child.once('exit', ended)
  const kill = async (): Promise<void> => {
    child.off('exit', ended)
    child.kill('SIGKILL')
    await gone
  }
  return {
    ...peer,
    pid,
    cpuMs: () => cpuMsOf(pid),
    memoryMbPeak: () => memoryMbPeakOf(pid),
    kill,
    async stop() {
      child.off('exit', ended)
      await peer.ask('close')
      await kill()
    },
  }
}

/** A port nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
