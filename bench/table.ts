import { type BenchReport, type Figures, faults, type Measured, MODES } from './report.ts'
import type { Subject } from './rig.ts'
import type { Mode } from './under-test.ts'

/** The report for people. */
const SUBJECTS: readonly Subject[] = ['yardstick', 'product']
/** Column "first" and column "goal" of the project's performance goals; shown beside the figures, judged by nobody here. */
const GOALS: Readonly<Record<Mode, { readonly flows: string; readonly cpu: string; readonly memory: string }>> = {
  batched: { flows: '≥ 0.15, goal 0.5', cpu: '≤ 6, goal 2.5', memory: '≤ 1.5, goal 1.1' },
  single: { flows: '≥ 0.30, goal 0.6', cpu: '≤ 3, goal 1.6', memory: '≤ 1.5, goal 1.1' },
}

const digits = (value: number | null, places: number): string => (value === null ? '–' : value.toFixed(places))
const COLUMNS: readonly (readonly [string, (figures: Figures) => string])[] = [
  ['flows/s', (one) => digits(one.flowsPerSecond, 0)],
  ['CPU ms/flow', (one) => digits(one.cpuMsPerFlow, 3)],
  ['p50 ms', (one) => digits(one.latencyMsP50, 1)],
  ['p99 ms', (one) => digits(one.latencyMsP99, 1)],
  ['peak MB', (one) => digits(one.memoryMbPeak, 0)],
  ['rows/flow', (one) => digits(one.rowsPerFlow, 2)],
  ['commits/flow', (one) => digits(one.commitsPerFlow, 3)],
  ['bytes/flow', (one) => digits(one.bytesPerFlow, 0)],
  ['calls/goal', (one) => digits(one.callsPerGoal, 3)],
]

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
  )
}

export function renderTable(report: BenchReport, measured: Measured): string {
  const rows: string[][] = [['', ...COLUMNS.map(([name]) => name)]]
  for (const mode of MODES) {
    for (const subject of SUBJECTS) {
      const figures = report[subject][mode]
      if (figures !== null) rows.push([`${subject}, ${mode}`, ...COLUMNS.map(([, cell]) => cell(figures))])
    }
  }
  const { machine, crash } = report
  return [
    `${machine.cores} cores, Node ${machine.node}, SQLite ${machine.sqlite}, load ${machine.load1.toFixed(2)} at the start; median of ${report.runs}`,
    '',
    ...aligned(rows),
    '',
    ...ratioLines(report),
    `neighbours' load while measuring: ${neighbours(measured)}`,
    ...(report.coldStartMs === null ? [] : [`cold start to first inspection: ${report.coldStartMs.toFixed(0)} ms`]),
    ...(report.restartMs === null ? [] : [`restart to next effect after kill -9 with backlog: ${report.restartMs.toFixed(0)} ms`]),
    ...(crash === null
      ? []
      : [`${crash.kills} kills, each out of a target outage: ${crash.lost} lost, ${crash.extra} extra, ${crash.outOfOrder} out of order`]),
    ...faults(measured).map((fault) => `FAULT ${fault}`),
    ...(report.valid ? [] : [`INVALID ${report.reason}`]),
  ].join('\n')
}

function ratioLines(report: BenchReport): string[] {
  return MODES.flatMap((mode) => {
    if (report.ratios[mode] === null) return []
    const of = (ratios: BenchReport['ratios']): string => digits(ratios[mode], 2)
    const goal = GOALS[mode]
    return `product ÷ yardstick, ${mode}: flows/s ${of(report.ratios)} (first ${goal.flows}), CPU ${of(report.cpuRatios)} (first ${goal.cpu}), memory ${of(report.memoryRatios)} (first ${goal.memory})`
  })
}

function neighbours(measured: Measured): string {
  const cores = measured.saturations.map((one) => one.result.neighbourCores)
  if (cores.length === 0) return 'not measured'
  return `${(cores.reduce((a, b) => a + b, 0) / cores.length).toFixed(2)} cores on average, ${Math.max(...cores).toFixed(2)} at most`
}
