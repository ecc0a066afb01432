import type { FaultEvent } from '../../src/runtime/faults.ts'
import { runPool } from './pool.ts'
import type { SeedResult } from './run-seed.ts'
import { runStory } from './run-story.ts'
import { TIMES } from './shape.ts'
import { STORIES, type Story } from './stories.ts'
import type { WorkerAnswer } from './worker.ts'

/** Longer than a takeover takes: the node wakes up in a world in which another owns its partitions. */
const PAUSE_MS = 3 * TIMES.leaseMs
const RESTART_AFTER_MS = 1_000

export interface ExhaustiveResult {
  readonly story: string
  /** Yield points and requests of the story. */
  readonly points: number
  readonly requests: number
  readonly runs: number
  readonly violations: readonly { readonly fault: string; readonly invariant: string; readonly message: string }[]
}

/** Each story with a crash at each point, a pause at each point, and a lost answer to each request: one fault per run. */
export async function runExhaustive(names: readonly string[]): Promise<readonly ExhaustiveResult[]> {
  const chosen = STORIES.filter(({ name }) => names.length === 0 || names.includes(name))
  if (chosen.length === 0) throw new Error(`no story is called ${names.join(', ')}`)
  const results: ExhaustiveResult[] = []
  for (const story of chosen) results.push(await exhaust(story))
  return results
}

async function exhaust(story: Story): Promise<ExhaustiveResult> {
  const { result, passed } = await runStory(story, null)
  const violations: ExhaustiveResult['violations'][number][] = alone(story, result)
  const faults = violations.length > 0 ? [] : faultsOf(passed)
  await runPool({
    requests: faults.map((fault, index) => ({ seed: index + 1, story: story.name, fault })),
    onAnswer: (answer: WorkerAnswer) => {
      const fault = nameOf(faults[answer.seed - 1] as FaultEvent)
      const [violation] = answer.violations
      if (violation === undefined) return
      violations.push({ fault, ...violation })
      console.error(`${story.name}, ${fault}: ${violation.invariant}: ${violation.message.slice(0, 300)}`)
    },
  })
  const { points, requests } = passed
  console.error(`${story.name}: ${points} points, ${requests} requests, ${faults.length + 1} runs, ${violations.length} violations`)
  return { story: story.name, points, requests, runs: faults.length + 1, violations }
}

/** Without a fault the story must have happened at all. */
function alone(
  story: Story,
  result: SeedResult & { readonly usable: ReadonlyMap<string, string> },
): ExhaustiveResult['violations'][number][] {
  const violations = result.violations.map((violation) => ({ fault: 'none', ...violation }))
  for (const [lot, expected] of Object.entries(story.usable)) {
    const usable = result.usable.get(lot) ?? 'unknown'
    if (usable !== expected)
      violations.push({ fault: 'none', invariant: 'story', message: `${usable} of ${lot} are usable, not ${expected}` })
  }
  for (const { invariant, message } of violations) console.error(`${story.name}: ${invariant}: ${message}`)
  return violations
}

function faultsOf(counted: { readonly points: number; readonly requests: number }): FaultEvent[] {
  const faults: FaultEvent[] = []
  for (let point = 1; point <= counted.points; point++) {
    faults.push({ kind: 'crash', point, restartAfterMs: RESTART_AFTER_MS })
    faults.push({ kind: 'pause', point, ms: PAUSE_MS })
  }
  for (let request = 1; request <= counted.requests; request++) faults.push({ kind: 'request', request, fault: 'loseReply' })
  return faults
}

/** As `--fault` takes it. */
function nameOf(fault: FaultEvent): string {
  if (fault.kind === 'request') return `loseReply:${fault.request}`
  return 'point' in fault ? `${fault.kind}:${fault.point}` : fault.kind
}

export function faultNamed(text: string): FaultEvent {
  const [kind, number] = text.split(':')
  const at = Number(number)
  if (kind === 'crash') return { kind, point: at, restartAfterMs: RESTART_AFTER_MS }
  if (kind === 'pause') return { kind, point: at, ms: PAUSE_MS }
  if (kind === 'loseReply') return { kind: 'request', request: at, fault: kind }
  throw new Error(`a fault is crash:N, pause:N or loseReply:N, not ${text}`)
}
