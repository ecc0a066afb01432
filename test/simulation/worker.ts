// A process that runs seeds for main.ts, one after the other, and answers over the channel to its parent.
import { runSeed, type SeedLimits, type SeedResult } from './run-seed.ts'

export interface WorkerRequest {
  readonly seed: number
  readonly limits: SeedLimits
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

process.on('message', ({ seed, limits }: WorkerRequest) => {
  void runSeed({ seed, limits }).then((result) => {
    const answer: WorkerAnswer = {
      seed: result.seed,
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
