import { defineConfig } from 'vitest/config'

/** Every test file belongs to exactly one project, and scripts/check.ts or scripts/ci.ts runs every project (test/tidy.test.ts). */
export const PROJECTS: Readonly<Record<string, readonly string[]>> = {
  unit: ['src/**/*.test.ts', 'bench/**/*.test.ts'],
  contract: ['test/contract/**/*.test.ts'],
  house: ['test/*.test.ts', 'test/house/**/*.test.ts'],
  simulation: ['test/simulation/**/*.test.ts'],
  crash: ['test/crash/**/*.test.ts'],
  durability: ['test/durability/**/*.test.ts'],
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    silent: 'passed-only',
    testTimeout: 20_000,
    projects: Object.entries(PROJECTS).map(([name, include]) => ({ extends: true, test: { name, include: [...include] } })),
  },
})
