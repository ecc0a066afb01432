import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../assert.ts'
import { checkBatch, PARTITIONS_MAX } from '../check.ts'
import { addBatch, type CommittedView, type Group, PARTITION_START, type PartitionState } from '../group.ts'
import { createHints } from '../hints.ts'
import { holderOf, leaseCalls, timeText } from '../leases.ts'
import { createGroupQueue } from '../queue.ts'
import { type Store, type StoreMeta, StoreRefused } from '../store.ts'
import { createStoreTime } from '../time.ts'
import { createChunks } from './chunks.ts'
import type { Space } from './disk.ts'
import { createGuard, type Guard } from './guard.ts'
import { createMarker, type Mark, readMark } from './marker.ts'
import { createMemtable, partitionOf } from './memtable.ts'
import { inTransaction, migrate, readMeta, writeMeta } from './migrate.ts'
import { createReader, type Reader } from './reader.ts'
import { MIGRATIONS } from './schema.ts'
import { isInMemory, openDatabase } from './settings.ts'
import { createWriter, WRITTEN_AT, type WriteStatistics, writtenAtOf } from './writer.ts'

export interface SqliteStoreOptions {
  /** Of the file, or `:memory:`. */
  readonly path: string
  /** Used when the store is made; afterwards the store's own stay. */
  readonly installation: string
  readonly partitions: number
  /** In reality wall time at the start plus monotonic time since, in milliseconds. Store time follows it, but never back. */
  readonly now: () => number
  /** Calls back once, later: setImmediate in reality, a virtual timer in simulation. */
  readonly schedule: (run: () => void) => void
  /** The file is a restored backup: a new incarnation begins, at every start with this. Without it an older copy is refused. */
  readonly restored?: boolean
  /** With `:memory:`: starts from what `image()` of another store gave. */
  readonly image?: Uint8Array
  /** Changes kept in the log before they are folded into the tables (memtable.ts). Small values make tests fold often. */
  readonly windowChangesMax?: number
  readonly space?: (path: string) => Space
  /** Told at the start of what an operator should look at although the store goes on. */
  readonly warn?: (message: string, fields: Readonly<Record<string, unknown>>) => void
  /** Told once when the disk fails under the store: stop the process with this message. */
  readonly onFailed?: (detail: string) => void
}

export interface SqliteStore extends Store {
  statistics(): WriteStatistics
  /** The database as bytes, log included. For `:memory:`. */
  image(): Uint8Array
}

const WINDOW_CHANGES_MAX = 16_384
/** Seconds are the drift of any clock, and what a start takes. */
const CLOCK_BEHIND_MS_TOLD = 300_000
/** WAL pages after which a checkpoint is run: 64 MB. A page that changed several times since is copied once. */
const CHECKPOINT_FRAMES = 16_384

/** Creates the store or opens it, for this process alone. Throws StoreRefused when it must not be used as it is. */
export function openSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const database = openDatabase(options.path)
  try {
    if (options.image !== undefined) database.deserialize(options.image)
    const schemaVersion = migrate(database, MIGRATIONS)
    return serve(database, initialise(database, options, schemaVersion), options)
  } catch (error) {
    database.close()
    throw error
  }
}

function initialise(database: DatabaseSync, options: SqliteStoreOptions, schemaVersion: number): StoreMeta {
  const mark = readMark(options.path)
  if (readMeta(database, 'installation') === null) {
    const { path, installation, partitions } = options
    if (mark !== null) refuse(path, 'is gone: its marker is there and the file is new', 'put a backup back')
    assert(partitions >= 1 && partitions <= PARTITIONS_MAX, `partitions must be 1 to ${PARTITIONS_MAX}`)
    inTransaction(database, () => {
      const insert = database.prepare('INSERT INTO partition_state VALUES (?, ?, ?, NULL, 0, 0)')
      for (let partition = 0; partition < partitions; partition++) {
        insert.run(partition, PARTITION_START.nextSequence, PARTITION_START.nextInbox)
      }
      writeMeta(database, 'installation', installation)
      writeMeta(database, 'partitions', String(partitions))
      writeMeta(database, 'incarnation', '1')
    })
  } else continueOrBegin(database, options, mark)
  return {
    installation: readMeta(database, 'installation') ?? '',
    incarnation: Number(readMeta(database, 'incarnation')),
    partitions: Number(readMeta(database, 'partitions')),
    schemaVersion,
  }
}

/** The file is the one that ran here last; or it is a backup, and a new incarnation begins; or a person has to say so first. */
function continueOrBegin(database: DatabaseSync, { path, restored, warn }: SqliteStoreOptions, mark: Mark | null): void {
  const incarnation = Number(readMeta(database, 'incarnation'))
  const writtenAtMs = writtenAtOf(database)
  const ours = mark?.installation === readMeta(database, 'installation')
  if (restored !== true && mark !== null) {
    if (!ours) refuse(path, 'is not of the installation that ran here last', HOW_TO_GO_ON)
    const behindMs = mark.writtenAtMs - writtenAtMs
    if (mark.incarnation > incarnation) refuse(path, `is of incarnation ${incarnation}, and ${mark.incarnation} has run here`, HOW_TO_GO_ON)
    if (behindMs > 0) refuse(path, `ends ${behindMs} ms before what was written here last`, HOW_TO_GO_ON)
    return
  }
  if (restored !== true) {
    if (isInMemory(path)) return
    // It may be a backup on a new machine. The safe way costs a sweep; the other, if it is one, posts twice.
    warn?.('no marker beside the store: it is taken for a restored backup', { path })
  }
  inTransaction(database, () => {
    writeMeta(database, 'incarnation', String(Math.max(incarnation, ours ? (mark?.incarnation ?? 0) : 0) + 1))
    // Time goes on from the life that was lost. It is durable before a marker says so.
    if (ours && mark !== null) writeMeta(database, WRITTEN_AT, String(Math.max(writtenAtMs, mark.writtenAtMs)))
  })
}

const HOW_TO_GO_ON = 'put the newest file back, or start once with `restored` to go on safely from this one'

function refuse(path: string, what: string, how: string): never {
  throw new StoreRefused('store.olderCopy', `${path} ${what}; ${how}`)
}

/** Leases of the process before are void: that this one has the file proves that no holder is left. Epochs stay. */
function freeLeases(partitions: PartitionState[]): void {
  for (const [index, state] of partitions.entries()) partitions[index] = { ...state, worker: null }
}

function readPartitions(database: DatabaseSync): PartitionState[] {
  return database
    .prepare('SELECT * FROM partition_state ORDER BY partition')
    .all()
    .map((record) => ({
      nextSequence: Number(record['next_sequence']),
      nextInbox: Number(record['next_inbox']),
      worker: record['worker'] === null ? null : String(record['worker']),
      epoch: Number(record['epoch']),
      expiresAtMs: Number(record['expires_at']),
    }))
}

function readInboxes(database: DatabaseSync): Set<number> {
  const partitions = database.prepare('SELECT DISTINCT partition FROM inbox').all()
  return new Set(partitions.map(({ partition }) => Number(partition)))
}

/** What the file holds, replayed. */
function openTables(database: DatabaseSync, options: SqliteStoreOptions) {
  const memtable = createMemtable({
    writtenAtMs: writtenAtOf(database),
    partitions: readPartitions(database),
    inboxStored: readInboxes(database),
  })
  const chunks = createChunks(database)
  const reader = createReader(database, memtable, chunks)
  const writer = createWriter({
    database,
    memtable,
    chunks,
    windowChangesMax: options.windowChangesMax ?? WINDOW_CHANGES_MAX,
    forgetIdentity: reader.forgetIdentity,
  })
  return { memtable, reader, writer }
}

function serve(database: DatabaseSync, meta: StoreMeta, options: SqliteStoreOptions): SqliteStore {
  const { schedule } = options
  const { memtable, reader, writer } = openTables(database, options)
  const time = createStoreTime(options.now, memtable.writtenAtMs)
  tellClockBehind(options, memtable.writtenAtMs)
  freeLeases(memtable.partitions)
  const guard = createGuard(options)
  const deliveries = createHints()
  const releases = createHints()
  const checkpoint = createCheckpoint(database)
  const marker = createMarker(options)
  const mark = (): void => marker.write({ ...meta, writtenAtMs: memtable.writtenAtMs })
  mark()
  const queue = createGroupQueue({
    schedule,
    persist: (group, done) => {
      if (marker.due()) schedule(() => database.isOpen && mark())
      const failure = guard.attempt(() => {
        if (writer.write(group, time()).folded && !isInMemory(options.path)) schedule(() => database.isOpen && guard.attempt(checkpoint))
      })
      done(failure)
    },
    settled: (group) => {
      for (const partition of group.inbox.keys()) deliveries.tell(partition)
    },
  })
  const view: CommittedView = {
    identity: (key) => guard.answer(() => reader.identity(key)),
    partition: (partition) => partitionOf(memtable, partition),
  }
  const write = async <T>(apply: (group: Group) => T): Promise<T> => {
    guard.check()
    return queue.enqueue(apply)
  }
  return {
    meta,
    ...leaseCalls({ view, write, now: time, partitions: meta.partitions, freed: releases.tell }),
    commit: async (batch) => {
      checkBatch(batch, meta.partitions)
      return write((group) => addBatch(view, group, batch))
    },
    leases: () => guard.read(() => memtable.partitions.map((state, partition) => holderOf(partition, state, time()))),
    databaseNow: () => guard.read(() => timeText(time())),
    ...reads(reader, guard),
    health: guard.health,
    onDeliveries: deliveries.on,
    onRelease: releases.on,
    statistics: writer.statistics,
    image: () => database.serialize(),
    close: async () => {
      if (!guard.close()) return
      await queue.drain()
      const folded = guard.usable() && guard.attempt(() => writer.foldAll(time())) === null
      database.close()
      if (folded) mark()
    },
  }
}

function tellClockBehind({ now, warn }: SqliteStoreOptions, writtenAtMs: number): void {
  const behindMs = writtenAtMs - now()
  if (behindMs > CLOCK_BEHIND_MS_TOLD) warn?.("the machine's clock is behind the store's time, which goes on from its own", { behindMs })
}

type Reads = Pick<Store, 'readIdentities' | 'readInbox' | 'readJournal' | 'readEntries' | 'readRows' | 'scanRows' | 'readRaw'>

function reads(reader: Reader, guard: Guard): Reads {
  return {
    readIdentities: (keys) => guard.read(() => reader.identities(keys)),
    readInbox: (partition, after, limit) => guard.read(() => reader.inbox(partition, after, limit)),
    readJournal: (partition, from, limit) => guard.read(() => reader.journal(partition, from, limit)),
    readEntries: (addresses) => guard.read(() => addresses.map(({ partition, sequence }) => reader.entry(partition, sequence))),
    readRows: (table, ids) => guard.read(() => present(ids, (id) => reader.row(table, id))),
    scanRows: (query) => guard.read(() => reader.scan(query)),
    readRaw: (reference) => guard.read(() => reader.raw(reference)),
  }
}

/** SQLite's automatic checkpoints swallow their errors; a failed fsync there must stop the store like any other. */
function createCheckpoint(database: DatabaseSync): () => void {
  const look = database.prepare('PRAGMA wal_checkpoint(NOOP)')
  const run = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  return () => {
    if (Number(look.get()?.['log']) >= CHECKPOINT_FRAMES) run.get()
  }
}

function present<V>(keys: readonly string[], get: (key: string) => V | null): ReadonlyMap<string, V> {
  const found = new Map<string, V>()
  for (const key of keys) {
    const value = get(key)
    if (value !== null) found.set(key, value)
  }
  return found
}
