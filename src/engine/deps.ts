import type { Connector } from '../connectors/connector.ts'
import type { RecordedEvent } from '../model/envelope.ts'
import type { Process } from '../process/process.ts'
import type { Runtime } from '../runtime.ts'
import type { Store } from '../store/store.ts'
import type { Entry } from './entries.ts'
import type { EngineSettings } from './settings.ts'

/** What the engine is given. It knows ports, never an implementation, a named process or a site. */
export interface EngineDeps {
  readonly runtime: Runtime
  readonly store: Store
  /** Name of this worker, unique among those on one store, new at every start. */
  readonly worker: string
  /** By system instance. */
  readonly connectors: ReadonlyMap<string, Connector>
  /** By name. */
  readonly processes: ReadonlyMap<string, Process>
  /** Named policies; a process sees those its `contextNames` list. Plain data, frozen. */
  readonly policies: Readonly<Record<string, unknown>>
  readonly settings: EngineSettings
  readonly log: Log
}

export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** Hub time: database time carried on by the monotonic clock, so that no two workers' wall clocks are ever compared. */
export interface HubClock {
  /** Milliseconds since the epoch; never goes back. */
  ms(): number
  /** RFC 3339. */
  iso(): string
}

/** Recently written journal entries, so that what was just appended is not read and parsed again. Bounded. */
export interface EntryCache {
  get(partition: number, sequence: number): Entry | undefined
  put(partition: number, sequence: number, entry: Entry): void
}

/** An event on its way to one instance. */
export interface PendingDelivery {
  readonly process: string
  readonly key: string
  readonly lane: string
  readonly event: RecordedEvent
  /** Inbox sequence when it came from the inbox; null when it arose within the turn. */
  readonly inbox: number | null
  /** Index of the entry of this turn that carries the event, and its ordinal; null for inbox deliveries. */
  readonly origin: { readonly entry: number; readonly ordinal: number } | null
}

export function createEntryCache(limit: number): EntryCache {
  const entries = new Map<number, Entry>()
  // 12 bits and 40 bits: one exact number.
  const keyOf = (partition: number, sequence: number): number => partition * 2 ** 40 + sequence
  return {
    get: (partition, sequence) => entries.get(keyOf(partition, sequence)),
    put: (partition, sequence, entry) => {
      entries.set(keyOf(partition, sequence), entry)
      if (entries.size <= limit) return
      const oldest = entries.keys().next()
      if (!oldest.done) entries.delete(oldest.value)
    },
  }
}
