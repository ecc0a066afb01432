import { sleep } from './load.ts'
import { bytesOf, cores, cpuMsOf, cpuMsOfMachine } from './machine.ts'
import type { Program } from './program.ts'
import { closeRig, comeToRest, judge, openRig, type Rig, type RigInput, type Verdict } from './rig.ts'
import type { StubReport } from './stub.ts'
import type { Counters } from './under-test.ts'

/** What one program reaches when as many flows are offered as it takes, with a bounded number in the system. */
export interface Saturation extends Verdict {
  readonly flowsPerSecond: number
  /** User and system time of the program, all threads, from the first receipt of the run to rest. */
  readonly cpuMsPerFlow: number
  readonly memoryMbPeak: number
  readonly rowsPerFlow: number | null
  readonly commitsPerFlow: number | null
  /** Size of the closed data directory, warm-up included. */
  readonly bytesPerFlow: number
  readonly callsPerGoal: number
  /** CPU that went to nobody of ours, in cores. */
  readonly neighbourCores: number
  readonly stubCpuMsPerFlow: number
  readonly loadCpuMsPerFlow: number
}

export interface SaturationInput extends RigInput {
  readonly warmMs: number
  readonly runMs: number
  readonly inSystemMax: number
}

/** Goals of one flow: the inspection exists, the stock stands released. The same divisor for every program. */
const GOALS_PER_FLOW = 2

interface Snapshot {
  readonly atMs: number
  readonly cpuMs: number
  readonly stubCpuMs: number
  readonly loadCpuMs: number
  readonly machineCpuMs: number
  readonly counters: Counters
  readonly stub: StubReport
}

async function snapshot({ stub }: Rig, program: Program): Promise<Snapshot> {
  return {
    atMs: performance.now(),
    cpuMs: program.cpuMs(),
    stubCpuMs: stub.cpuMs(),
    loadCpuMs: cpuMsOf(process.pid),
    machineCpuMs: cpuMsOfMachine(),
    counters: await program.ask<Counters>('counters'),
    stub: await stub.ask<StubReport>('report'),
  }
}

/** Warm-up, rest, run, drain. Flows per second over the run; costs over run and drain, divided by the flows released in them. */
export async function saturate(input: SaturationInput): Promise<Saturation> {
  const rig = await openRig(input)
  let program: Program | null = null
  try {
    program = await rig.start()
    const bytesEmpty = bytesOf(rig.settings.directory)
    await offer(rig, input.inSystemMax, input.warmMs)
    await comeToRest(rig, program)
    const start = await snapshot(rig, program)
    rig.load.start(input.inSystemMax)
    await sleep(input.runMs)
    const end = await snapshot(rig, program)
    await rig.load.stop()
    await comeToRest(rig, program)
    const rest = await snapshot(rig, program)
    const verdict = await judge(rig)
    const memoryMbPeak = program.memoryMbPeak()
    await program.stop()
    const bytes = bytesOf(rig.settings.directory) - bytesEmpty
    return { ...verdict, ...costs({ start, end, rest }), memoryMbPeak, bytesPerFlow: bytes / rest.stub.tally.released }
  } finally {
    await closeRig(rig, program)
  }
}

async function offer(rig: Rig, inSystemMax: number, durationMs: number): Promise<void> {
  rig.load.start(inSystemMax)
  await sleep(durationMs)
  await rig.load.stop()
}

const callsOf = ({ calls }: StubReport): number => calls.create + calls.move + calls.readInspection + calls.readStock

function costs({
  start,
  end,
  rest,
}: Readonly<Record<'start' | 'end' | 'rest', Snapshot>>): Omit<Saturation, keyof Verdict | 'memoryMbPeak' | 'bytesPerFlow'> {
  const flows = rest.stub.tally.released - start.stub.tally.released
  const perFlow = (from: number | null, to: number | null): number | null => (from === null || to === null ? null : (to - from) / flows)
  const cpuMs = rest.cpuMs - start.cpuMs
  const stubCpuMs = rest.stubCpuMs - start.stubCpuMs
  const loadCpuMs = rest.loadCpuMs - start.loadCpuMs
  const neighbourCpuMs = rest.machineCpuMs - start.machineCpuMs - cpuMs - stubCpuMs - loadCpuMs
  return {
    flowsPerSecond: ((end.stub.tally.released - start.stub.tally.released) / (end.atMs - start.atMs)) * 1000,
    cpuMsPerFlow: cpuMs / flows,
    rowsPerFlow: perFlow(start.counters.rows, rest.counters.rows),
    commitsPerFlow: perFlow(start.counters.commits, rest.counters.commits),
    callsPerGoal: (callsOf(rest.stub) - callsOf(start.stub)) / flows / GOALS_PER_FLOW,
    neighbourCores: Math.min(cores(), Math.max(0, neighbourCpuMs / (rest.atMs - start.atMs))),
    stubCpuMsPerFlow: stubCpuMs / flows,
    loadCpuMsPerFlow: loadCpuMs / flows,
  }
}
