// A process that runs seeds for main.ts, one after the other, and answers over the channel to its parent.
import type { FaultEvent } from '../../src/runtime/faults.ts'
import { runSeed, type SeedLimits, type SeedResult } from './run-seed.ts'
import { runStory, storyNamed } from './run-story.ts'

export interface WorkerRequest {
  /** Of a story: the number of the run. */
  readonly seed: number
  readonly limits?: SeedLimits
  readonly story?: string
  readonly fault?: FaultEvent
}

export interface WorkerAnswer {
  readonly seed: number
  readonly violations: SeedResult['violations']
  readonly situations: readonly string[]
  readonly virtualMs: number
  readonly steps: number
  /** The process ended instead of answering: says nothing of the product. */
  readonly died: boolean
}

process.on('message', (request: WorkerRequest) => {
  void carryOut(request).then((result) => {
    const answer: WorkerAnswer = {
      seed: request.seed,
      violations: result.violations.slice(0, 5),
      situations: [...result.situations.keys()],
      virtualMs: result.virtualMs,
      steps: result.steps,
      died: false,
    }
    process.send?.(answer)
  })
})
process.on('disconnect', () => process.exit(0))

async function carryOut({ seed, limits, story, fault }: WorkerRequest): Promise<SeedResult> {
  if (story === undefined) return runSeed({ seed, ...(limits === undefined ? {} : { limits }) })
  return (await runStory(storyNamed(story), fault ?? null)).result
}
