import type { FaultEvent } from '../../src/runtime/faults.ts'
import type { Run } from './run.ts'
import { runSeed, type SeedResult } from './run-seed.ts'
import { STORIES, STORY_MS, type Story, shapeOf, workloadOf } from './stories.ts'

/** The same for all: what differs between two runs of a story is its one fault. */
const SEED = 1

export interface StoryRun {
  readonly result: SeedResult & { readonly usable: ReadonlyMap<string, string> }
  /** Yield points and requests passed until the story is over. */
  readonly passed: { readonly points: number; readonly requests: number }
}

export async function runStory(story: Story, fault: FaultEvent | null, onTrace?: (line: string) => void): Promise<StoryRun> {
  let run: Run | null = null
  let points = 0
  let requests = 0
  const shape = shapeOf(story)
  const result = await runSeed({
    seed: SEED,
    shape,
    workload: workloadOf(story),
    plan: { events: fault === null ? [] : [fault] },
    ...(onTrace === undefined ? {} : { onTrace }),
    onRun: (opened) => {
      run = opened
      const { world } = opened
      world.schedule(null, STORY_MS - world.now(), () => {
        points = world.counters.yieldPoints
        requests = world.counters.requests
      })
    },
  })
  const { erp } = (run as unknown as Run).plant
  const usable = new Map(erp.books.lots().map((lot) => [lot, erp.books.usable(lot)]))
  return { result: { ...result, usable }, passed: { points, requests } }
}

export function storyNamed(name: string): Story {
  const story = STORIES.find((one) => one.name === name)
  if (story === undefined) throw new Error(`no story is called ${name}`)
  return story
}
