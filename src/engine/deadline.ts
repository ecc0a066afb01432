import type { Clock } from '../runtime.ts'

/** Beyond the time a connector was given: its own answer, that nobody answered, says more than ours. */
const MARGIN_MS = 1_000

export interface Deadline<T> {
  readonly clock: Clock
  /** What the connector was told. */
  readonly timeoutMs: number
  /** What counts when it has not ended by then; what it answers later is heard by nobody. */
  readonly late: () => T
}

/**
 * A call of a connector, ended by us if the connector does not: one that hangs would keep its order key and every drain
 * waiting for ever. Rejects as the call does. The signal is aborted at the deadline.
 */
export async function withinDeadline<T>({ clock, timeoutMs, late }: Deadline<T>, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  let cancel = (): void => undefined
  const over = new Promise<T>((resolve) => {
    cancel = clock.setTimer(timeoutMs + MARGIN_MS, () => {
      resolve(late())
      stop.abort()
    })
  })
  try {
    return await Promise.race([call(stop.signal), over])
  } finally {
    cancel()
  }
}
