/**
 * Past states of one record, so that a reader can be shown an old one. Ascending by time; entries of the same
 * millisecond count as one moment and the last of them wins.
 */
export interface History<T> {
  add(atMs: number, value: T): void
  /** The state at that moment, or null when there was none yet. */
  at(ms: number): T | null
  all(): readonly { readonly atMs: number; readonly value: T }[]
}

/** Keeps at most `entriesMax`, dropping the oldest tenth when it is full. */
export function createHistory<T>(entriesMax: number): History<T> {
  const entries: { readonly atMs: number; readonly value: T }[] = []
  return {
    add: (atMs, value) => {
      if (entries.length >= entriesMax) entries.splice(0, Math.ceil(entriesMax / 10))
      entries.push({ atMs, value })
    },
    at: (ms) => {
      for (let index = entries.length - 1; index >= 0; index -= 1) {
        const entry = entries[index]
        if (entry !== undefined && entry.atMs <= ms) return entry.value
      }
      return null
    },
    all: () => entries,
  }
}
