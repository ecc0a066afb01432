import { type Store, StoreUnavailable } from '../store.ts'

/** What happens to one call of `commit`. */
export type CommitFault =
  | 'none'
  /** The store takes its time. */
  | 'slow'
  /** Committed, durable, and the caller never learns. */
  | 'answerLost'
  /** Nothing was written, and the caller never learns. */
  | 'failed'

export interface CommitFaults {
  /** Asked once for each commit, in call order. */
  readonly next: () => CommitFault
  /** How long `slow` takes: calls back once, later. */
  readonly slowly: (run: () => void) => void
}

/** The same store with a bad connection to it, for simulation: fits every implementation. */
export function withCommitFaults<S extends Store>(store: S, faults: CommitFaults): S {
  return {
    ...store,
    commit: async (batch) => {
      const fault = faults.next()
      if (fault === 'failed') throw new StoreUnavailable('injected: the commit never arrived')
      if (fault === 'slow') await new Promise<void>((resolve) => faults.slowly(resolve))
      const result = await store.commit(batch)
      if (fault === 'answerLost') throw new StoreUnavailable('injected: the answer was lost')
      return result
    },
  }
}
