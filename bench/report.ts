import type { CrashRun } from './crash.ts'
import type { Latency } from './latency.ts'
import type { Subject, Verdict } from './rig.ts'
import type { Saturation } from './saturation.ts'
import type { Mode } from './under-test.ts'

/** From the phases of all runs to one object, one table, one exit code. Pure. */
export interface Measured {
  readonly saturations: readonly { readonly run: number; readonly subject: Subject; readonly mode: Mode; readonly result: Saturation }[]
  readonly latencies: readonly { readonly subject: Subject; readonly result: Latency }[]
  readonly coldStarts: readonly { readonly subject: Subject; readonly ms: number }[]
  readonly crashes: readonly { readonly subject: Subject; readonly mode: Mode; readonly result: CrashRun }[]
}

export interface Figures {
  readonly flowsPerSecond: number
  readonly cpuMsPerFlow: number
  readonly latencyMsP50: number | null
  readonly latencyMsP99: number | null
  readonly memoryMbPeak: number
  readonly rowsPerFlow: number | null
  readonly commitsPerFlow: number | null
  readonly bytesPerFlow: number
  readonly callsPerGoal: number
}
type ByMode<T> = Readonly<Record<Mode, T | null>>

export interface BenchReport {
  readonly valid: boolean
  /** Empty when valid and nothing was lost, doubled or out of order. */
  readonly reason: string
  readonly machine: { readonly cores: number; readonly node: string; readonly sqlite: string; readonly load1: number }
  readonly runs: number
  readonly ratios: ByMode<number>
  readonly cpuRatios: ByMode<number>
  readonly memoryRatios: ByMode<number>
  readonly yardstick: ByMode<Figures>
  readonly product: ByMode<Figures>
  readonly crash: { readonly kills: number; readonly lost: number; readonly extra: number; readonly outOfOrder: number } | null
  readonly coldStartMs: number | null
  readonly restartMs: number | null
}

export interface ReportInput {
  readonly measured: Measured
  readonly machine: BenchReport['machine']
  readonly runs: number
  readonly quick: boolean
}

export const MODES: readonly Mode[] = ['batched', 'single']
/** CPU per flow of the yardstick on the reference machine; more than twice this means that the run says nothing. */
const YARDSTICK_CPU_MS: Readonly<Record<Mode, number>> = { batched: 0.061, single: 0.258 }
const YARDSTICK_CPU_FACTOR_MAX = 2

/** Middle value; the lower one of two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null && Number.isFinite(value)) as number[]
  return known.length === 0 ? null : median(known)
}

function byMode<T>(of: (mode: Mode) => T | null): ByMode<T> {
  return { batched: of('batched'), single: of('single') }
}

function figures(measured: Measured, subject: Subject, mode: Mode): Figures | null {
  const results = measured.saturations.filter((one) => one.subject === subject && one.mode === mode).map((one) => one.result)
  if (results.length === 0) return null
  const of = (pick: (result: Saturation) => number): number => median(results.map(pick))
  const latencies = mode === 'single' ? measured.latencies.filter((one) => one.subject === subject).map((one) => one.result) : []
  return {
    flowsPerSecond: of((one) => one.flowsPerSecond),
    cpuMsPerFlow: of((one) => one.cpuMsPerFlow),
    latencyMsP50: medianOrNull(latencies.map((one) => one.msP50)),
    latencyMsP99: medianOrNull(latencies.map((one) => one.msP99)),
    memoryMbPeak: of((one) => one.memoryMbPeak),
    rowsPerFlow: medianOrNull(results.map((one) => one.rowsPerFlow)),
    commitsPerFlow: medianOrNull(results.map((one) => one.commitsPerFlow)),
    bytesPerFlow: of((one) => one.bytesPerFlow),
    callsPerGoal: of((one) => one.callsPerGoal),
  }
}

/** Product ÷ yardstick of the same run, then the median of the runs. */
function ratio(measured: Measured, mode: Mode, pick: (result: Saturation) => number): number | null {
  const of = (subject: Subject, run: number): number | undefined => {
    const found = measured.saturations.find((one) => one.subject === subject && one.mode === mode && one.run === run)
    return found === undefined ? undefined : pick(found.result)
  }
  const runs = new Set(measured.saturations.map((one) => one.run))
  return medianOrNull([...runs].map((run) => (of('product', run) ?? Number.NaN) / (of('yardstick', run) ?? Number.NaN)))
}

const faulty = (verdict: Verdict): boolean => verdict.lost + verdict.extra + verdict.outOfOrder > 0

/** One line per phase that lost, doubled or disordered something, or in which nothing came through. */
export function faults(measured: Measured): readonly string[] {
  const line = (phase: string, { lost, extra, outOfOrder, flows }: Verdict): string =>
    `${phase}: ${lost} lost, ${extra} extra, ${outOfOrder} out of order of ${flows}`
  return [
    ...measured.saturations
      .filter((one) => !(one.result.flowsPerSecond > 0))
      .map((one) => `${one.subject} ${one.mode} run ${one.run}: nothing was released`),
    ...measured.latencies.filter((one) => !Number.isFinite(one.result.msP50)).map((one) => `${one.subject} latency: nothing was released`),
    ...measured.saturations.filter((one) => faulty(one.result)).map((one) => line(`${one.subject} ${one.mode} run ${one.run}`, one.result)),
    ...measured.latencies.filter((one) => faulty(one.result)).map((one) => line(`${one.subject} latency`, one.result)),
    ...measured.crashes.filter((one) => faulty(one.result)).map((one) => line(`${one.subject} ${one.mode} crash`, one.result)),
  ]
}

function invalidity({ measured, quick }: ReportInput): readonly string[] {
  if (quick) return ['quick run: no time is judged']
  return MODES.flatMap((mode) => {
    const cpu = figures(measured, 'yardstick', mode)?.cpuMsPerFlow
    const max = YARDSTICK_CPU_MS[mode] * YARDSTICK_CPU_FACTOR_MAX
    return cpu !== undefined && cpu > max
      ? [`the yardstick needed ${cpu.toFixed(3)} ms CPU per flow ${mode}, more than ${max.toFixed(3)}`]
      : []
  })
}

export function createReport(input: ReportInput): BenchReport {
  const { measured } = input
  const invalid = invalidity(input)
  const judged: Subject = measured.crashes.some((one) => one.subject === 'product') ? 'product' : 'yardstick'
  const crashes = measured.crashes.filter((one) => one.subject === judged).map((one) => one.result)
  const sum = (pick: (run: CrashRun) => number): number => crashes.map(pick).reduce((a, b) => a + b, 0)
  return {
    valid: invalid.length === 0,
    reason: [...invalid, ...faults(measured)].join('; '),
    machine: input.machine,
    runs: input.runs,
    ratios: byMode((mode) => ratio(measured, mode, (one) => one.flowsPerSecond)),
    cpuRatios: byMode((mode) => ratio(measured, mode, (one) => one.cpuMsPerFlow)),
    memoryRatios: byMode((mode) => ratio(measured, mode, (one) => one.memoryMbPeak)),
    yardstick: byMode((mode) => figures(measured, 'yardstick', mode)),
    product: byMode((mode) => figures(measured, 'product', mode)),
    crash:
      crashes.length === 0
        ? null
        : {
            kills: sum((one) => one.kills),
            lost: sum((one) => one.lost),
            extra: sum((one) => one.extra),
            outOfOrder: sum((one) => one.outOfOrder),
          },
    coldStartMs: medianOrNull(measured.coldStarts.filter((one) => one.subject === judged).map((one) => one.ms)),
    restartMs: medianOrNull(crashes.flatMap((one) => [...one.restartMs])),
  }
}

/** A loss, double or disorder, or nothing at all, is worse than an invalid run. */
export function exitCode(report: BenchReport, input: ReportInput): 0 | 1 | 3 {
  if (faults(input.measured).length > 0) return 1
  return report.valid || input.quick ? 0 : 3
}
