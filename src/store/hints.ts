/** Listeners of one kind of hint. */
export interface Hints {
  readonly on: (listener: (partition: number) => void) => () => void
  readonly tell: (partition: number) => void
}

export function createHints(): Hints {
  const listeners = new Set<{ readonly call: (partition: number) => void }>()
  return {
    on: (call) => {
      const entry = { call }
      listeners.add(entry)
      return () => listeners.delete(entry)
    },
    tell: (partition) => {
      for (const { call } of [...listeners]) call(partition)
    },
  }
}
