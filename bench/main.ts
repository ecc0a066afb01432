/** `npm run bench`: the reference job with yardstick and product in turn. Results to standard output, progress to standard error. */
import { mkdirSync, statfsSync } from 'node:fs'
import { resolve } from 'node:path'
import { crash } from './crash.ts'
import { measureColdStart, measureLatency } from './latency.ts'
import { monoNow, sleep } from './load.ts'
import { cores, cpuMsOfMachine, load1 } from './machine.ts'
import { HELP, type Options, parseOptions, WrongOptions } from './options.ts'
import { createReport, exitCode, type Measured } from './report.ts'
import { saturate } from './saturation.ts'
import { renderTable } from './table.ts'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Node 24 or newer is needed, this is ${process.versions.node}; use npm run bench.`)
  process.exit(1)
}

const TMPFS = 0x01021994
/** A machine that does more than this for others is not quiet. */
const QUIET_CORES_MAX = 0.15
const QUIET_SAMPLE_MS = 1_000

const startedAt = monoNow()
const progress = (text: string): void => {
  process.stderr.write(`${((monoNow() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${text}\n`)
}

/** Nobody of ours runs now: whatever the machine does, it does for others. */
async function waitForQuiet(msMax: number): Promise<void> {
  const until = monoNow() + msMax
  for (let told = false; monoNow() < until; told = true) {
    const before = cpuMsOfMachine()
    await sleep(QUIET_SAMPLE_MS)
    const busy = (cpuMsOfMachine() - before) / QUIET_SAMPLE_MS
    if (busy <= QUIET_CORES_MAX) return
    if (!told)
      progress(`neighbours use ${busy.toFixed(2)} of ${cores()} cores; waiting up to ${Math.round(msMax / 1000)} s for a quiet machine`)
  }
}

type Growing<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : never }

async function measure(options: Options): Promise<Measured> {
  const measured: Growing<Measured> = { saturations: [], latencies: [], coldStarts: [], crashes: [] }
  const { directory, warmMs, runMs } = options
  for (let run = 1; run <= options.runs; run += 1) {
    for (const mode of options.modes) {
      for (const subject of options.subjects) {
        await waitForQuiet(options.quietMsMax)
        const result = await saturate({ subject, mode, directory, warmMs, runMs, inSystemMax: options.inSystemMax[mode] })
        measured.saturations.push({ run, subject, mode, result })
        progress(
          `run ${run}  ${subject}, ${mode}: ${result.flowsPerSecond.toFixed(0)} flows/s, ${result.cpuMsPerFlow.toFixed(3)} ms CPU per flow, ${result.memoryMbPeak.toFixed(0)} MB (stub ${result.stubCpuMsPerFlow.toFixed(3)}, generator ${result.loadCpuMsPerFlow.toFixed(3)} ms; neighbours ${result.neighbourCores.toFixed(2)} cores)`,
        )
      }
    }
    for (const subject of options.modes.includes('single') ? options.subjects : []) {
      await waitForQuiet(options.quietMsMax)
      const result = await measureLatency({ subject, mode: 'single', directory, runMs: options.latencyMs })
      measured.latencies.push({ subject, result })
      progress(`run ${run}  ${subject}, 20/s: receipt to inspection p50 ${result.msP50.toFixed(1)} ms, p99 ${result.msP99.toFixed(1)} ms`)
    }
    for (const subject of options.subjects) {
      const ms = await measureColdStart({ subject, mode: 'single', directory })
      measured.coldStarts.push({ subject, ms })
      progress(`run ${run}  ${subject}: cold start to first inspection ${ms.toFixed(0)} ms`)
    }
  }
  if (options.kills > 0) await crashAll(options, measured)
  return measured
}

/** The kills are shared out over the modes. */
async function crashAll(options: Options, measured: Growing<Measured>): Promise<void> {
  for (const subject of options.subjects) {
    for (const [index, mode] of options.modes.entries()) {
      const kills = Math.floor(options.kills / options.modes.length) + (index < options.kills % options.modes.length ? 1 : 0)
      if (kills === 0) continue
      const result = await crash({
        subject,
        mode,
        directory: options.directory,
        kills,
        inSystemMax: options.inSystemMax[mode],
        progress: () => undefined,
      })
      measured.crashes.push({ subject, mode, result })
      progress(
        `${subject}, ${mode}: ${kills} kills in ${result.flows} flows: ${result.lost} lost, ${result.extra} extra, ${result.outOfOrder} out of order; restart to next effect at most ${Math.max(...result.restartMs).toFixed(0)} ms`,
      )
    }
  }
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(HELP)
    return 0
  }
  const directory = resolve(options.directory)
  mkdirSync(directory, { recursive: true })
  if (statfsSync(directory).type === TMPFS)
    throw new WrongOptions(`${directory} is a RAM disk, where a commit costs nothing; name a directory on a real disk with --data`)
  const machine = { cores: cores(), node: process.versions.node, sqlite: process.versions['sqlite'] ?? 'unknown', load1: load1() }
  progress(`load ${machine.load1.toFixed(2)} on ${machine.cores} cores; data in ${directory}`)
  const measured = await measure({ ...options, directory })
  const input = { measured, machine, runs: options.runs, quick: options.quick }
  const report = createReport(input)
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${renderTable(report, measured)}\n`)
  return exitCode(report, input)
}

process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143))
try {
  process.exitCode = await main()
} catch (error) {
  const text =
    error instanceof WrongOptions ? `${error.message}\nsee npm run bench -- --help` : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`bench: ${text}\n`)
  process.exitCode = 2
}
