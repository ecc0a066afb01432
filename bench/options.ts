import { parseArgs } from 'node:util'
import type { Subject } from './rig.ts'
import type { Mode } from './under-test.ts'

export interface Options {
  readonly modes: readonly Mode[]
  readonly subjects: readonly Subject[]
  readonly runs: number
  readonly kills: number
  /** Short phases: shows that everything works, judges no time. */
  readonly quick: boolean
  readonly json: boolean
  readonly directory: string
  readonly warmMs: number
  readonly runMs: number
  readonly latencyMs: number
  readonly inSystemMax: Readonly<Record<Mode, number>>
  /** Longest wait for a quiet machine before a phase. */
  readonly quietMsMax: number
}

export const HELP = `Runs the reference job (receipt to release) with the yardstick and the product in turn, and compares them.

usage: npm run bench -- [options]

  --mode batched|single       one mode only                                        (both)
  --only yardstick|product    one program only: no ratios                          (both)
  --runs N                    runs; figures are medians                            (3; quick: 1)
  --kills N                   kill -9 of the program, each out of a target outage  (20; quick: 3; 0: no crash run)
  --seconds N                 length of a saturated run                            (20; quick: 2)
  --in-system BATCHED,SINGLE  most flows in the system at once                     (2000,256)
  --wait SECONDS              longest wait for a quiet machine before a phase      (60; quick: 0)
  --data DIRECTORY            where the programs keep their data; not a RAM disk   (.holdpoint/bench)
  --quick                     short phases, to see that everything works; no time is judged
  --json                      print one JSON object, nothing else, to standard output
  --help

exit codes: 0 done · 1 a flow was lost, doubled or out of order · 2 wrong options, or a program did not run
            3 the run is invalid: the yardstick needed more than twice its CPU per flow (never with --quick)
`

export class WrongOptions extends Error {
  override readonly name = 'WrongOptions'
}

function number(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new WrongOptions(`--${name} takes a number, not "${text}"`)
  return value
}

function oneOf<T extends string>(text: string | undefined, all: readonly T[], name: string): readonly T[] {
  if (text === undefined) return all
  const found = all.find((one) => one === text)
  if (found === undefined) throw new WrongOptions(`--${name} takes ${all.join(' or ')}, not "${text}"`)
  return [found]
}

/** Null: help was asked for. */
export function parseOptions(args: readonly string[]): Options | null {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = {
    mode: text,
    only: text,
    runs: text,
    kills: text,
    seconds: text,
    'in-system': text,
    wait: text,
    data: text,
    quick: flag,
    json: flag,
    help: flag,
  }
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values']
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new WrongOptions(error instanceof Error ? error.message : String(error), { cause: error })
  }
  if (values.help) return null
  const quick = values.quick ?? false
  const [batched, single] = (values['in-system'] ?? '2000,256').split(',')
  return {
    modes: oneOf<Mode>(values.mode, ['batched', 'single'], 'mode'),
    subjects: oneOf<Subject>(values.only, ['yardstick', 'product'], 'only'),
    runs: Math.max(1, number(values.runs, quick ? 1 : 3, 'runs')),
    kills: number(values.kills, quick ? 3 : 20, 'kills'),
    quick,
    json: values.json ?? false,
    directory: values.data ?? '.holdpoint/bench',
    warmMs: quick ? 500 : 2_000,
    runMs: number(values.seconds, quick ? 2 : 20, 'seconds') * 1000,
    latencyMs: quick ? 2_000 : 15_000,
    inSystemMax: { batched: Math.max(100, number(batched, 2000, 'in-system')), single: Math.max(1, number(single, 256, 'in-system')) },
    quietMsMax: number(values.wait, quick ? 0 : 60, 'wait') * 1000,
  }
}
