import { monoNow, sleep } from './load.ts'
import type { Program } from './program.ts'
import { closeRig, comeToRest, judge, openRig, type RigInput, type Verdict, watchEffect } from './rig.ts'

const PER_SECOND = 20
const WARM_MS = 1_500
const WARM_IN_SYSTEM_MAX = 16

export interface Latency extends Verdict {
  readonly msP50: number
  readonly msP99: number
}

/** Intended send time of the receipt to the inspection in the stub's books, one event per request, open loop. */
export async function measureLatency(input: RigInput & { readonly runMs: number }): Promise<Latency> {
  const rig = await openRig(input)
  let program: Program | null = null
  try {
    program = await rig.start()
    rig.load.start(WARM_IN_SYSTEM_MAX)
    await sleep(WARM_MS)
    await rig.load.stop()
    await comeToRest(rig, program)
    const from = rig.load.sent()
    const flows = Math.round((input.runMs / 1000) * PER_SECOND)
    const intended = await rig.load.openLoop({ intervalMs: 1000 / PER_SECOND, flows })
    await comeToRest(rig, program)
    const created = await rig.stub.ask<readonly (number | null)[]>(
      'createdAt',
      intended.map((_, index) => rig.load.flowAt(from + index)),
    )
    const latencies = intended.map((at, index) => (created[index] ?? Number.POSITIVE_INFINITY) - at).sort((a, b) => a - b)
    return { ...(await judge(rig)), msP50: percentile(latencies, 0.5), msP99: percentile(latencies, 0.99) }
  } finally {
    await closeRig(rig, program)
  }
}

/** Nearest rank of an ascending list. */
export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? Number.NaN
}

/** From spawning the process on an empty directory to the first inspection in the stub's books, in ms. */
export async function measureColdStart(input: RigInput): Promise<number> {
  const rig = await openRig(input)
  let program: Program | null = null
  try {
    const effect = await watchEffect(rig)
    const spawnedAt = monoNow()
    const starting = rig.start()
    rig.load.start(1)
    program = await starting
    const atMs = await effect.atMs
    await rig.load.stop()
    return atMs - spawnedAt
  } finally {
    await closeRig(rig, program)
  }
}
