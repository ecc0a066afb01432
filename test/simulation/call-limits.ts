import type { Call, Connector } from '../../src/connectors/connector.ts'

/** What the systems declare that they stand. */
export interface CallLimits {
  readonly callsInFlightMax: number
  readonly callsPerSecondMax: number
}

export const WIDE: CallLimits = { callsInFlightMax: 4, callsPerSecondMax: 1_000 }

const SHARE = 0.15

/** Draws from a stream of its own: a seed without it tells the story it told before. */
export function drawCallLimits(random: { next(): number }): CallLimits {
  if (random.next() >= SHARE) return WIDE
  return { callsInFlightMax: 1 + Math.floor(random.next() * 3), callsPerSecondMax: 2 + Math.floor(random.next() * 9) }
}

/** I36: tells of a call that comes while as many are under way as the system stands, or as it takes in two seconds were begun in one. */
export function withinLimits(
  connector: Connector,
  watch: { readonly now: () => number; readonly breach: (what: string) => void },
): Connector {
  const { instance, callsInFlightMax, callsPerSecondMax } = connector.spec
  const begun: number[] = []
  let underWay = 0
  const call = async <T>({ signal }: Call, ask: () => Promise<T>): Promise<T> => {
    underWay++
    // What the hub has given up is no longer its call.
    signal.addEventListener('abort', () => underWay--)
    begun.push(watch.now())
    if (underWay > callsInFlightMax) watch.breach(`${underWay} calls of ${instance} under way`)
    const second = begun.filter((at) => at > watch.now() - 1_000).length
    if (second > 2 * callsPerSecondMax) watch.breach(`${second} calls of ${instance} in a second`)
    begun.splice(0, begun.length - second)
    try {
      return await ask()
    } finally {
      if (!signal.aborted) underWay--
    }
  }
  return {
    ...connector,
    apply: (items, given) => call(given, () => connector.apply(items, given)),
    read: (resource, subjects, given) => call(given, () => connector.read(resource, subjects, given)),
    sweep: (resource, cursor, given) => call(given, () => connector.sweep(resource, cursor, given)),
    changes: (cursor, given) => call(given, () => connector.changes(cursor, given)),
  }
}
