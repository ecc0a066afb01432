/**
 * Where a simulated system keeps what it has done: an append-only list of records. It outlives the system's process or
 * object; everything else in the system is memory.
 */
export interface Disk {
  /** Durable when it returns. One record is one transaction: it is there whole or not at all. */
  append(record: string): void
  /** Every record ever appended, oldest first. */
  load(): Iterable<string>
  close(): void
}

/** Outlives the system that writes to it, as the disk of a simulated machine does. */
export function createMemoryDisk(): Disk {
  const records: string[] = []
  return {
    append: (record) => {
      records.push(record)
    },
    load: () => [...records],
    close: () => undefined,
  }
}
