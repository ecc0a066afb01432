import { AssertionFailure } from '../assert.ts'
import type { World, WorldOptions } from './world.ts'

/** Builds a world at virtual time 0. Nothing runs until `runUntil`. */
export function createWorld(options: WorldOptions): World {
  throw new AssertionFailure(`seed ${options.seed}: the world is still void`)
}
