/**
 * What was last read of each record, for targets that want to be told (`If-Match`). A write that was answered forgets it:
 * the next write needs a new read. One that got no answer leaves it alone, so that repeating a write that did happen is
 * answered 412 and not done twice.
 */
export interface Revisions {
  of(subject: string): string | null
  learn(subject: string, revision: string): void
  forget(subject: string): void
}

/** Keeps the newest `max`. */
export function createRevisions(max: number): Revisions {
  const known = new Map<string, string>()
  return {
    of: (subject) => known.get(subject) ?? null,
    learn: (subject, revision) => {
      known.delete(subject)
      known.set(subject, revision)
      const oldest = known.size > max ? known.keys().next() : null
      if (oldest !== null && !oldest.done) known.delete(oldest.value)
    },
    forget: (subject) => {
      known.delete(subject)
    },
  }
}
