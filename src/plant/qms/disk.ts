/** Where a simulated system keeps what outlives it: one record per transaction, in order. */
export interface Disk {
  /** Durable when it returns. Throws when the record could not be kept; then nothing of it is. */
  append(record: unknown): void
  /** Everything that was appended, oldest first. */
  load(): readonly unknown[]
}

/** Outlives the system, not the program. Records pass through JSON, as they would through a file. */
export function createMemoryDisk(): Disk {
  const lines: string[] = []
  return {
    append: (record) => {
      lines.push(JSON.stringify(record))
    },
    load: () => lines.map((line) => JSON.parse(line) as unknown),
  }
}
