import type { RandomStream } from './random-stream.ts'
import type { NetworkShape } from './world.ts'

/** Everything chance has to say about one request; drawn at once and always in full. Times in milliseconds. */
export interface RequestDraw {
  /** 0: a kept-alive connection is at hand, the bytes leave in the tick of the call. */
  readonly connectMs: number
  readonly outMs: number
  readonly backMs: number
  /** How much later a duplicate arrives. */
  readonly duplicateMs: number
  /** Uniform; decide between the forms a fault can take. */
  readonly variantA: number
  readonly variantB: number
}

export const NETWORK_DEFAULT: NetworkShape = { latencyMsMedian: 3, latencySigma: 0.6, connectShare: 0.2, connectMsMedian: 5 }

const LATENCY_MS_MIN = 0.05
const DUPLICATE_MS_MAX = 2_000

export function drawRequest(random: RandomStream, shape: NetworkShape): RequestDraw {
  const connects = random.next() < shape.connectShare
  const connectMs = logNormal(random, shape.connectMsMedian, shape.latencySigma)
  const outMs = logNormal(random, shape.latencyMsMedian, shape.latencySigma)
  const backMs = logNormal(random, shape.latencyMsMedian, shape.latencySigma)
  const duplicateMs = random.next() * DUPLICATE_MS_MAX
  const variantA = random.next()
  const variantB = random.next()
  return { connectMs: connects ? connectMs : 0, outMs, backMs, duplicateMs, variantA, variantB }
}

/** Box–Muller; 1 - next() keeps the logarithm off zero. */
function logNormal(random: RandomStream, median: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
  return Math.max(LATENCY_MS_MIN, median * Math.exp(sigma * normal))
}
