import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../scripts/launch.mjs'
import { patched } from '../simulation/mutant.ts'
import { MUTANTS } from '../simulation/mutants.ts'

test.each(MUTANTS)('$name still fits the code, and has a seed that tells it', ({ patches, knownSeed }) => {
  const texts = new Map<string, string>()
  for (const patch of patches) {
    const text = texts.get(patch.file) ?? readFileSync(join(ROOT, patch.file), 'utf8')
    texts.set(patch.file, patched(text, patch))
  }
  expect(knownSeed).not.toBeNull()
})

test('a patch that fits nowhere, or twice, is refused', () => {
  const patch = { file: 'a.ts', find: 'one', replace: 'two' }
  expect(patched('a one', patch)).toBe('a two')
  expect(() => patched('a', patch)).toThrow('fits 0 times')
  expect(() => patched('one one', patch)).toThrow('fits 2 times')
})
