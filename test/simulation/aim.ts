import type { World } from '../../src/runtime/world.ts'
import { type Shape, TIMES } from './shape.ts'
import type { Workload } from './workload.ts'

/** Trouble aimed at the moment at which it hurts most; at random moments it would hardly ever meet it. */
export interface Aim {
  /** A connector is asked to send: its worker may fall asleep before the bytes go out. */
  calling(worker: string): void
  /** A command's bytes are on their way: its sender may sleep for longer than its lease. */
  sent(worker: string): void
  /** The intent to free stock of a lot is durable: somebody may hold that lot, now. */
  freeing(lot: string): void
  /** Who places holds, once there is somebody. */
  useDesk(desk: Pick<Workload, 'hold'>): void
}

const PAUSE_SHARE = 0.05
const HOLD_SHARE = 0.5
const HOLD_WITHIN_MS = 100

export function createAim(world: World, shape: Shape): Aim {
  const random = world.random('aim')
  let desk: Pick<Workload, 'hold'> | null = null
  const happens = (share: number): boolean => world.now() < shape.healAtMs && random.next() < share
  const sleep = (worker: string): void => {
    if (shape.aimedPauses && happens(PAUSE_SHARE)) world.pause(worker, TIMES.leaseMs + random.next() * 2 * TIMES.leaseMs)
  }
  return {
    calling: sleep,
    sent: sleep,
    freeing: (lot) => {
      if (shape.aimedHolds && happens(HOLD_SHARE)) world.schedule(null, random.next() * HOLD_WITHIN_MS, () => desk?.hold(lot))
    },
    useDesk: (given) => {
      desk = given
    },
  }
}
