import { expect, test } from 'vitest'
import { parseOptions, WrongOptions } from './options.ts'
import { createReport, exitCode, type Measured, median, type ReportInput } from './report.ts'
import type { Subject } from './rig.ts'
import type { Saturation } from './saturation.ts'
import { renderTable } from './table.ts'

const CLEAN = { flows: 1_000, lost: 0, extra: 0, outOfOrder: 0 }
const MACHINE = { cores: 2, node: '24', sqlite: '3', load1: 0 }

function saturation(flowsPerSecond: number, cpuMsPerFlow: number): Saturation {
  const costs = { memoryMbPeak: 300, rowsPerFlow: 5, commitsPerFlow: 0.1, bytesPerFlow: 1_700, callsPerGoal: 0.01 }
  return { ...CLEAN, ...costs, flowsPerSecond, cpuMsPerFlow, neighbourCores: 0, stubCpuMsPerFlow: 0.02, loadCpuMsPerFlow: 0.01 }
}

function run(number: number, subject: Subject, result: Saturation): Measured['saturations'][number] {
  return { run: number, subject, mode: 'batched', result }
}

/** Three runs on a machine whose speed changes: medians of each program would give another ratio than the runs do. */
const UNSTEADY = [
  run(1, 'yardstick', saturation(10_000, 0.06)),
  run(1, 'product', saturation(2_000, 0.3)),
  run(2, 'yardstick', saturation(5_000, 0.07)),
  run(2, 'product', saturation(1_500, 0.28)),
  run(3, 'yardstick', saturation(16_000, 0.05)),
  run(3, 'product', saturation(1_600, 0.3)),
]

function input(measured: Partial<Measured>, quick = false): ReportInput {
  return { measured: { saturations: [], latencies: [], coldStarts: [], crashes: [], ...measured }, machine: MACHINE, runs: 3, quick }
}

function exitOf(given: ReportInput): number {
  return exitCode(createReport(given), given)
}

test('ratios are taken within a run, then the median', () => {
  const report = createReport(input({ saturations: UNSTEADY }))
  expect(report.ratios).toEqual({ batched: 0.2, single: null })
  expect(report.yardstick.batched?.flowsPerSecond).toBe(10_000)
  expect(report.product.single).toBeNull()
  expect(report.memoryRatios.batched).toBe(1)
  expect(report).toMatchObject({ valid: true, reason: '' })
})

test('a slow yardstick makes the run invalid, not failed', () => {
  const slow = input({ saturations: [run(1, 'yardstick', saturation(9_000, 0.123))] })
  expect(createReport(slow)).toMatchObject({ valid: false, reason: expect.stringContaining('0.123') })
  expect(exitOf(slow)).toBe(3)
  expect(exitOf(input({ saturations: [run(1, 'yardstick', saturation(9_000, 0.121))] }))).toBe(0)
})

test('a quick run judges no time but every loss', () => {
  expect(exitOf(input({ saturations: [run(1, 'yardstick', saturation(9_000, 9))] }, true))).toBe(0)
  expect(exitOf(input({ saturations: [run(1, 'yardstick', { ...saturation(9_000, 9), lost: 1 })] }, true))).toBe(1)
})

test('a run in which a program released nothing fails, a quick one too, and says so', () => {
  for (const nothing of [0, Number.NaN]) {
    const given = input({ saturations: [run(2, 'product', saturation(nothing, 1))] }, true)
    expect(exitOf(given)).toBe(1)
    expect(createReport(given).reason).toContain('product batched run 2: nothing was released')
    expect(renderTable(createReport(given), given.measured)).toContain('nothing was released')
  }
  const silent = { subject: 'product', result: { ...CLEAN, flows: 0, msP50: Number.NaN, msP99: Number.NaN } } as const
  expect(exitOf(input({ latencies: [silent] }))).toBe(1)
})

test.each(['lost', 'extra', 'outOfOrder'] as const)('one %s flow in any phase fails the run, an invalid one too', (kind) => {
  const verdict = { ...CLEAN, [kind]: 1 }
  const crash = { subject: 'product', mode: 'batched', result: { ...verdict, kills: 20, restartMs: [900, 300, 500] } } as const
  expect(exitOf(input({ crashes: [crash] }))).toBe(1)
  expect(exitOf(input({ latencies: [{ subject: 'product', result: { ...verdict, msP50: 1, msP99: 2 } }] }))).toBe(1)
  expect(exitOf(input({ saturations: [run(1, 'yardstick', { ...saturation(1, 9), [kind]: 1 })] }))).toBe(1)
  expect(createReport(input({ crashes: [crash] }))).toMatchObject({ crash: { kills: 20, [kind]: 1 }, restartMs: 500 })
})

test('the object has the keys that readers rely on, and the table shows both programs', () => {
  const report = createReport(input({ saturations: UNSTEADY }))
  expect(Object.keys(report)).toEqual(
    'valid reason machine runs ratios cpuRatios memoryRatios yardstick product crash coldStartMs restartMs'.split(' '),
  )
  expect(Object.keys(report.yardstick.batched ?? {})).toEqual(
    'flowsPerSecond cpuMsPerFlow latencyMsP50 latencyMsP99 memoryMbPeak rowsPerFlow commitsPerFlow bytesPerFlow callsPerGoal'.split(' '),
  )
  const table = renderTable(report, input({ saturations: UNSTEADY }).measured)
  expect(table).toContain('yardstick, batched')
  expect(table).toContain('flows/s 0.20')
})

test('the median of an even number is the lower of the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2)
  expect(median([5])).toBe(5)
})

test('options are checked', () => {
  expect(parseOptions(['--help'])).toBeNull()
  expect(parseOptions(['--quick', '--mode', 'single', '--only', 'yardstick'])).toMatchObject({
    modes: ['single'],
    subjects: ['yardstick'],
    runs: 1,
    kills: 3,
  })
  expect(parseOptions([])).toMatchObject({ runs: 3, kills: 20, runMs: 20_000, inSystemMax: { batched: 2_000, single: 256 } })
  for (const wrong of [['--mode', 'double'], ['--runs', 'x'], ['--surprise'], ['--kills', '-1']])
    expect(() => parseOptions(wrong)).toThrow(WrongOptions)
})
