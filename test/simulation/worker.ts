// A process that runs seeds for main.ts, one after the other, and answers over the channel to its parent.
import { runSeed, type SeedResult } from './run-seed.ts'

export interface WorkerAnswer {
  readonly seed: number
  readonly violations: SeedResult['violations']
  readonly situations: readonly string[]
  readonly virtualMs: number
  readonly steps: number
}

process.on('message', (message: { readonly seed: number }) => {
  void runSeed({ seed: message.seed }).then((result) => {
    const answer: WorkerAnswer = {
      seed: result.seed,
      violations: result.violations.slice(0, 5),
      situations: [...result.situations.keys()],
      virtualMs: result.virtualMs,
      steps: result.steps,
    }
    process.send?.(answer)
  })
})
process.on('disconnect', () => process.exit(0))
