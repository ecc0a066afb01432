import { describe } from 'vitest'
import { appendTests, commitTests } from './store-commit.ts'
import type { OpenStore } from './store-harness.ts'
import { inboxTests } from './store-inbox.ts'
import { leaseTests } from './store-leases.ts'
import { lifeTests } from './store-life.ts'
import { readTests } from './store-reads.ts'

/** Every promise of the store port. An implementation is a store when it passes all of it. */
export function describeStore(name: string, open: OpenStore): void {
  describe(`store: ${name}`, () => {
    describe('commit', () => commitTests(open))
    describe('append', () => appendTests(open))
    describe('leases', () => leaseTests(open))
    describe('inbox', () => inboxTests(open))
    describe('reads', () => readTests(open))
    describe('life', () => lifeTests(open))
  })
}
