/**
 * What was last read of each record, for targets that want to be told (`If-Match`). Only a read changes it: repeating a
 * write that did happen is answered 412 and not done twice, whatever became of its answer.
 */
export interface Revisions {
  of(subject: string): string | null
  learn(subject: string, revision: string): void
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
  }
}
