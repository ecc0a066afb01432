import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createLoad, type Load, sleep } from './load.ts'
import { bytesOf, cores, cpuMsOf, cpuMsOfMachine } from './machine.ts'
import { freePort, type Program, startProgram } from './program.ts'
import type { StubReport } from './stub.ts'
import type { Counters, Mode, ProgramSettings } from './under-test.ts'

/** The phases of the bench. Each starts its own stub and its own program on an empty directory and judges by the stub's books. */
export type Subject = 'yardstick' | 'product'

export interface Verdict {
  readonly flows: number
  readonly lost: number
  readonly extra: number
  readonly outOfOrder: number
}

export interface Rig {
  readonly program: Program
  readonly stub: Program
  readonly load: Load
  readonly settings: ProgramSettings
  readonly script: string
}

const DRAIN_MS_MAX = 120_000
const SETTLE_MS = 300

let directories = 0

export async function openRig(input: { readonly subject: Subject; readonly mode: Mode; readonly directory: string }): Promise<Rig> {
  directories += 1
  const directory = join(input.directory, `${process.pid}-${directories}`)
  mkdirSync(directory, { recursive: true })
  const port = await freePort()
  const stub = await startProgram('stub.ts', {})
  const stubPort = await stub.ask<number>('start', { hubPort: port, mode: input.mode })
  const settings: ProgramSettings = { mode: input.mode, port, targetUrl: `http://127.0.0.1:${stubPort}`, directory }
  const script = `${input.subject}.ts`
  const program = await startProgram(script, settings)
  const load = createLoad({ port, mode: input.mode })
  stub.onNews('released', (flows) => load.released(Number(flows)))
  return { program, stub, load, settings, script }
}

/** Everything sent is released, and the program has nothing left to do or verify. */
export async function comeToRest(rig: Rig, program: Program): Promise<boolean> {
  const released = await rig.load.drained(DRAIN_MS_MAX)
  const until = Date.now() + DRAIN_MS_MAX
  for (let cpu = program.cpuMs(); Date.now() < until; cpu = program.cpuMs()) {
    const { open } = await program.ask<Counters>('counters')
    if (open === 0) return released
    await sleep(open === null ? SETTLE_MS : 20)
    if (open === null && program.cpuMs() - cpu < SETTLE_MS / 50) return released
  }
  return false
}

export async function judge(rig: Rig): Promise<Verdict> {
  await sleep(SETTLE_MS)
  const { tally } = await rig.stub.ask<StubReport>('report')
  const flows = rig.load.sent()
  return { flows, lost: await rig.stub.ask<number>('missing', flows), extra: tally.extra, outOfOrder: tally.outOfOrder }
}

export async function closeRig(rig: Rig, program: Program): Promise<void> {
  rig.load.close()
  await program.kill()
  await rig.stub.kill()
  rmSync(rig.settings.directory, { recursive: true, force: true })
}

export interface Saturation extends Verdict {
  readonly flowsPerSecond: number
  readonly cpuMsPerFlow: number
  readonly memoryMbPeak: number
  readonly rowsPerFlow: number | null
  readonly commitsPerFlow: number | null
  readonly bytesPerFlow: number
  readonly callsPerGoal: number
  /** CPU of the whole machine that went to nobody of ours, in cores. */
  readonly neighbourCores: number
  readonly stubCpuMsPerFlow: number
  readonly loadCpuMsPerFlow: number
  readonly repeatedKeys: number
}

export interface SaturationInput {
  readonly subject: Subject
  readonly mode: Mode
  readonly directory: string
  readonly warmMs: number
  readonly runMs: number
  readonly inSystemMax: number
}

/** Goals of one flow: the inspection exists, the stock stands released. The same divisor for every program. */
const GOALS_PER_FLOW = 2

interface Snapshot {
  readonly at: number
  readonly cpu: number
  readonly stubCpu: number
  readonly loadCpu: number
  readonly machineCpu: number
  readonly counters: Counters
  readonly stub: StubReport
}

async function snapshot({ program, stub }: Rig): Promise<Snapshot> {
  return {
    at: performance.now(),
    cpu: program.cpuMs(),
    stubCpu: stub.cpuMs(),
    loadCpu: cpuMsOf(process.pid),
    machineCpu: cpuMsOfMachine(),
    counters: await program.ask<Counters>('counters'),
    stub: await stub.ask<StubReport>('report'),
  }
}

const perFlow = (from: number | null, to: number | null, flows: number): number | null => (from === null || to === null ? null : (to - from) / flows)
const callsOf = ({ calls }: StubReport): number => calls.create + calls.move + calls.readInspection + calls.readStock

export async function saturate(input: SaturationInput): Promise<Saturation> {
  const rig = await openRig(input)
  const { program } = rig
  try {
    const emptyBytes = bytesOf(rig.settings.directory)
    await rig.load.saturate({ inSystemMax: input.inSystemMax, durationMs: input.warmMs })
    await comeToRest(rig, program)
    const start = await snapshot(rig)
    await rig.load.saturate({ inSystemMax: input.inSystemMax, durationMs: input.runMs })
    const stop = await snapshot(rig)
    await comeToRest(rig, program)
    const rest = await snapshot(rig)
    const verdict = await judge(rig)
    const memoryMbPeak = program.memoryMbPeak()
    await program.stop()
    const flows = rest.stub.tally.released - start.stub.tally.released
    const ours = rest.cpu - start.cpu + rest.stubCpu - start.stubCpu + rest.loadCpu - start.loadCpu
    return {
      ...verdict,
      flowsPerSecond: ((stop.stub.tally.released - start.stub.tally.released) / (stop.at - start.at)) * 1000,
      cpuMsPerFlow: (rest.cpu - start.cpu) / flows,
      memoryMbPeak,
      rowsPerFlow: perFlow(start.counters.rows, rest.counters.rows, flows),
      commitsPerFlow: perFlow(start.counters.commits, rest.counters.commits, flows),
      bytesPerFlow: (bytesOf(rig.settings.directory) - emptyBytes) / rest.stub.tally.released,
      callsPerGoal: (callsOf(rest.stub) - callsOf(start.stub)) / flows / GOALS_PER_FLOW,
      neighbourCores: Math.min(cores(), Math.max(0, (rest.machineCpu - start.machineCpu - ours) / (rest.at - start.at))),
      stubCpuMsPerFlow: (rest.stubCpu - start.stubCpu) / flows,
      loadCpuMsPerFlow: (rest.loadCpu - start.loadCpu) / flows,
      repeatedKeys: rest.stub.tally.repeatedKeys,
    }
  } finally {
    await closeRig(rig, program)
  }
}
