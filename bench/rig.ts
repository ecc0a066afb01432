import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createLoad, type Load, sleep } from './load.ts'
import { freePort, type Program, startProgram } from './program.ts'
import type { StubReport } from './stub.ts'
import type { Counters, Mode, ProgramSettings } from './under-test.ts'

/** The three processes of a phase: program under test and stub as children, the load generator in here. */
export type Subject = 'yardstick' | 'product'

export interface Verdict {
  readonly flows: number
  readonly lost: number
  readonly extra: number
  readonly outOfOrder: number
}

export interface Rig {
  readonly stub: Program
  readonly load: Load
  readonly settings: ProgramSettings
  /** Starts the program under test on what the directory holds. */
  start(): Promise<Program>
}

export interface RigInput {
  readonly subject: Subject
  readonly mode: Mode
  readonly directory: string
}

const STUB = new URL('./stub.ts', import.meta.url)
const SCRIPTS: Readonly<Record<Subject, URL>> = {
  yardstick: new URL('./yardstick.ts', import.meta.url),
  product: new URL('./product.ts', import.meta.url),
}
const DRAIN_MS_MAX = 120_000
const SETTLE_MS = 300
/** Less CPU than this during SETTLE_MS counts as rest. */
const IDLE_CPU_MS = 10
const EFFECT_MS_MAX = 60_000

let directories = 0
const liveDirectories = new Set<string>()
process.on('exit', () => {
  for (const directory of liveDirectories) rmSync(directory, { recursive: true, force: true })
})

/** Own stub and empty directory. */
export async function openRig(input: RigInput): Promise<Rig> {
  directories += 1
  const directory = join(input.directory, `${process.pid}-${directories}`)
  mkdirSync(directory, { recursive: true })
  liveDirectories.add(directory)
  const port = await freePort()
  const stub = await startProgram(STUB, {})
  const stubPort = await stub.ask<number>('start', { hubPort: port, mode: input.mode })
  const settings: ProgramSettings = { mode: input.mode, port, targetUrl: `http://127.0.0.1:${stubPort}`, directory }
  const load = createLoad({ port, mode: input.mode })
  stub.onNews('released', (flows) => load.released(Number(flows)))
  return { stub, load, settings, start: () => startProgram(SCRIPTS[input.subject], settings) }
}

/** Everything sent is released, and the program has nothing left to do or verify. */
export async function comeToRest(rig: Rig, program: Program): Promise<boolean> {
  if (!(await rig.load.drained(DRAIN_MS_MAX))) return false
  const until = Date.now() + DRAIN_MS_MAX
  for (let cpu = program.cpuMs(); Date.now() < until; cpu = program.cpuMs()) {
    const { open } = await program.ask<Counters>('counters')
    if (open === 0) return true
    await sleep(open === null ? SETTLE_MS : 20)
    if (open === null && program.cpuMs() - cpu < IDLE_CPU_MS) return true
  }
  return false
}

/** Monotonic time of the next effect in the stub's books; infinite when none comes within a minute. */
export async function watchEffect(rig: Rig): Promise<{ readonly atMs: Promise<number> }> {
  const atMs = new Promise<number>((resolve) => {
    rig.stub.onNews('effect', (at) => resolve(Number(at)))
    setTimeout(() => resolve(Number.POSITIVE_INFINITY), EFFECT_MS_MAX).unref()
  })
  await rig.stub.ask('waitEffect')
  return { atMs }
}

export async function judge(rig: Rig): Promise<Verdict> {
  await sleep(SETTLE_MS)
  const { tally } = await rig.stub.ask<StubReport>('report')
  const flows = rig.load.sent()
  return { flows, lost: flows - tally.released, extra: tally.extra, outOfOrder: tally.outOfOrder }
}

export async function closeRig(rig: Rig, program: Program | null): Promise<void> {
  rig.load.close()
  await program?.kill()
  await rig.stub.kill()
  rmSync(rig.settings.directory, { recursive: true, force: true })
  liveDirectories.delete(rig.settings.directory)
}
