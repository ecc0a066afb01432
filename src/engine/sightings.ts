/** What a sweep remembers for the next one. Bounded: a restored hub may stand before a whole warehouse that it does not know. */

/** What was seen in two sweeps running. */
export interface Sightings {
  begin(): void
  /** Seen now; true: in the sweep before as well. While there is no room what is new is not noted. */
  again(key: string): boolean
  delete(key: string): void
}

export function createSightings(max: number): Sightings {
  let before = new Set<string>()
  let now = new Set<string>()
  return {
    begin: () => {
      before = now
      now = new Set()
    },
    again: (key) => {
      if (now.size < max) now.add(key)
      return before.has(key)
    },
    delete: (key) => {
      before.delete(key)
      now.delete(key)
    },
  }
}

/** A set that forgets what was added first. */
export interface Recent {
  has(key: string): boolean
  add(key: string): void
  delete(key: string): void
}

export function createRecent(max: number): Recent {
  const keys = new Set<string>()
  return {
    has: (key) => keys.has(key),
    add: (key) => {
      keys.add(key)
      if (keys.size <= max) return
      const oldest = keys.keys().next()
      if (!oldest.done) keys.delete(oldest.value)
    },
    delete: (key) => void keys.delete(key),
  }
}
