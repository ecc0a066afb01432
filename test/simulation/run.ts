import type { World } from '../../src/runtime/world.ts'
import type { Store } from '../../src/store/store.ts'
import type { Hub } from './hub.ts'
import type { Plant } from './plant.ts'
import type { Probes } from './probes.ts'
import type { Shape } from './shape.ts'
import type { Workload } from './workload.ts'

/** Everything a checker may look at. The product sees none of it. */
export interface Run {
  readonly world: World
  readonly shape: Shape
  readonly plant: Plant
  readonly hub: Hub
  readonly probes: Probes
  readonly workload: Workload
  readonly store: () => Store
  /** Adds to a plant's monotonic milliseconds to give virtual time. */
  readonly plantClock: { readonly erp: number; readonly qms: number }
  restoredAtMs: number | null
}
