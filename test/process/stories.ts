import { inspected, lineOf, received } from './facts.ts'
import { createStory, type Fact, type Story } from './story.ts'

export function storyOf(...facts: readonly Fact[]): Story {
  const story = createStory()
  for (const fact of facts) story.tell(fact)
  return story
}

export const accepted = (version = 2): Fact => inspected({ version, lines: [['accepted', 1000]] })

/** Received, accepted, posted. */
export function releasedStory(): Story {
  const story = storyOf(received(), accepted())
  story.settle(lineOf())
  return story
}

/** Names of goals of the lot that are not settled. */
export const openGoals = (story: Story): readonly string[] =>
  Object.entries(story.goals())
    .filter(([name, { state }]) => state === 'open' && name !== 'inspection')
    .map(([name]) => name)
    .sort()
