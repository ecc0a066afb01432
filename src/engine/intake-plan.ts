/**
 * Turns items of sources into one batch: what is new is journalled with its deliveries, what cannot be accepted parks
 * under its native key with its raw bytes. Decides from identity values that the commit then expects unchanged.
 */
import type { Connector, RecordIdentity } from '../connectors/connector.ts'
import type { ErrorCode } from '../errors.ts'
import type { DomainEvent, Lane, SourceIdentity } from '../model/envelope.ts'
import { checkEvent } from '../model/schema.ts'
import type { Batch, Delivery, RowWrite } from '../store/store.ts'
import { canonicalJson } from './canonical.ts'
import type { EngineDeps, EntryCache, HubClock } from './deps.ts'
import { type Hash, identityKey, partitionOf } from './derive.ts'
import { type Entry, encodeEntry } from './entries.ts'
import { type ExceptionRecord, exceptionEntry, exceptionRow, openException } from './exceptions.ts'
import { type IdentityKeys, type IdentityWrite, identityKeys, judge, orderOf } from './identity.ts'
import type { Route } from './routes.ts'

export interface IntakeParts {
  readonly clock: HubClock
  readonly cache: EntryCache
  readonly routes: (event: DomainEvent) => readonly Route[]
}

export type IntakeResult =
  | { readonly result: 'recorded' | 'duplicate' | 'stale' }
  /** Kept, not delivered: waits for a person or for the items before it. */
  | { readonly result: 'parked'; readonly code: ErrorCode; readonly detail: string }

/** A native item of a system instance. `malformed`: why it cannot be taken apart; it is kept as it came. */
export interface Given {
  readonly instance: string
  readonly item: unknown
  readonly malformed?: string
}

/** A parked item on its way through again: the row it waits in, and what ends with the last one of its key. */
export interface Resuming {
  readonly rows: readonly string[]
  readonly native: { readonly instance: string; readonly record: string }
  readonly last: LastParked | null
  /** Set: it goes no way through at all. A person says that it is not true. */
  readonly discard?: Discard
}

export interface Discard {
  readonly exception: ExceptionRecord
  readonly actor: string
  readonly reason: string
}

/** `mark`: value of the parking mark before the rows were looked at. Another one says that more has been parked since. */
export interface LastParked {
  readonly mark: string | null
  readonly exception: ExceptionRecord
  readonly actor: string
}

/** Where an item stands in the raw input: `{rawId}#{request}/{element}`. */
interface Place {
  readonly rawId: string
  readonly request: number
  readonly element: number
  readonly resuming: boolean
}

interface Prepared {
  readonly native: SourceIdentity
  readonly raw: string
  /** Hash of the canonical content: tells a duplicate from a conflict. */
  readonly content: string
  readonly lane: Lane
  readonly resuming: boolean
  /** Identity keys whose values decide. */
  readonly consulted: readonly string[]
  /** Marks this very content as parked. */
  readonly waiting: string
  /** Marks the native key as parked. */
  readonly parked: string
  readonly known: Known | null
  readonly problem: Problem | null
}

interface Known {
  readonly connector: Connector
  readonly item: unknown
  readonly identity: RecordIdentity
  readonly keys: IdentityKeys
}

interface Problem {
  readonly code: ErrorCode
  readonly causeGroup: string
  readonly detail: string
}

/** Value of the mark of a content that a person has discarded: should it come again, it is known. */
const DISCARDED = 'discarded'

export interface Plan {
  add(one: Prepared): IntakeResult
  unpark(resuming: Resuming, items: readonly Prepared[]): void
  batch(raw: { readonly id: string; readonly items: readonly Uint8Array[] }): Batch
  remember(firstSequences: readonly number[]): void
}

interface HomeWrite {
  readonly partition: number
  readonly entries: Entry[]
  readonly deliveries: Delivery[]
  readonly rows: RowWrite[]
}

/** Pure but for the connector's own `identify`; one that throws has failed on this item only. */
export function prepare(deps: EngineDeps, given: Given, place: Place): Prepared {
  const { hash } = deps.runtime
  const raw = `${place.rawId}#${place.request}/${place.element}`
  const text = attempt(() => canonicalJson(contentOf(given.item)))
  // What is nested too deep to be written down cannot be compared either: it is kept as often as it comes.
  const content = hash(text.ok ? text.value : raw).slice(0, 32)
  const malformed = text.ok ? given.malformed : text.message
  const connector = malformed === undefined ? deps.connectors.get(given.instance) : undefined
  const identified = connector === undefined ? null : attempt(() => connector.identify(given.item))
  if (connector !== undefined && identified?.ok === true && identified.value.ok) {
    const { identity, lane } = identified.value
    const keys = identityKeys(hash, given.instance, identity)
    const native = { instance: given.instance, record: identity.record, version: identity.kind === 'versioned' ? identity.version : null }
    const waiting = identityKey(hash, 'waiting', [given.instance, identity.record, content])
    const consulted = keys.head === null ? [keys.input, keys.parked, waiting] : [keys.input, keys.parked, waiting, keys.head]
    const known = { connector, item: given.item, identity, keys }
    return { native, raw, content, lane, resuming: place.resuming, consulted, waiting, parked: keys.parked, known, problem: null }
  }
  const native = { instance: given.instance, record: `unidentified/${content}`, version: null }
  const waiting = identityKey(hash, 'waiting', [native.instance, native.record, content])
  const parked = parkedKey(hash, native)
  const problem = malformed === undefined ? problemOf(given.instance, connector, identified) : unreadable(given.instance, malformed)
  return {
    native,
    raw,
    content,
    lane: 'normal',
    resuming: place.resuming,
    consulted: [parked, waiting],
    waiting,
    parked,
    known: null,
    problem,
  }
}

function unreadable(instance: string, detail: string): Problem {
  return { code: 'input.malformed', causeGroup: `input.malformed:${instance}`, detail }
}

function problemOf(
  instance: string,
  connector: Connector | undefined,
  identified: Attempted<ReturnType<Connector['identify']>> | null,
): Problem {
  if (connector === undefined || identified === null) {
    return {
      code: 'input.sourceUnknown',
      causeGroup: `input.sourceUnknown:${instance}`,
      detail: `no connector is configured for source "${instance}"`,
    }
  }
  if (!identified.ok) return { code: 'mapping.failed', causeGroup: `identify:${instance}`, detail: identified.message }
  if (identified.value.ok) return { code: 'mapping.failed', causeGroup: `identify:${instance}`, detail: '' }
  return { code: identified.value.code, causeGroup: `${identified.value.code}:${instance}`, detail: identified.value.detail }
}

type Attempted<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string }

/** Connector code is a stranger's: what it throws is kept as this item's problem. */
function attempt<T>(run: () => T): Attempted<T> {
  try {
    return { ok: true, value: run() }
  } catch (reason) {
    return { ok: false, message: reason instanceof Error ? reason.message : 'the connector threw' }
  }
}

/** The envelope of a second delivery may differ, its data may not. */
function contentOf(item: unknown): unknown {
  if (item !== null && typeof item === 'object' && 'data' in item) return item.data
  return item
}

export function createPlan(deps: EngineDeps, parts: IntakeParts, stored: ReadonlyMap<string, string>): Plan {
  const { hash, sometimes } = deps.runtime
  const at = parts.clock.iso()
  const count = deps.store.meta.partitions
  const written = new Map<string, string>()
  const expect = new Map<string, string | null>()
  /** In order of arrival, one for each run of items with the same home: so an inbox gets its deliveries in the order in which they came. */
  const homes: HomeWrite[] = []
  // A mark that was taken off stays in the table as an empty value: identities are never deleted.
  const identities = { get: (key: string) => (written.get(key) ?? stored.get(key)) || undefined }

  const homeOf = (native: SourceIdentity): HomeWrite => {
    const partition = partitionOf(nativeTag(native), count)
    const last = homes.at(-1)
    if (last?.partition === partition) return last
    const home = { partition, entries: [], deliveries: [], rows: [] }
    homes.push(home)
    return home
  }
  const rely = (key: string): void => {
    if (!expect.has(key)) expect.set(key, stored.get(key) ?? null)
  }
  const write = (key: string, value: string): void => {
    rely(key)
    written.set(key, value)
  }

  function park(one: Prepared, problem: Problem): IntakeResult {
    const parked: IntakeResult = { result: 'parked', code: problem.code, detail: problem.detail }
    // Parked already, or failing again on its way out: its row and its exception stand.
    if (one.resuming || identities.get(one.waiting) !== undefined) return parked
    const { native, raw } = one
    const home = homeOf(native)
    const { partition } = home
    const tag = nativeTag(native)
    home.entries.push({ kind: 'parked', source: native, recordedAt: at, raw, code: problem.code })
    home.rows.push({
      table: 'parked',
      id: parkedId(tag, at, raw),
      partition,
      active: true,
      tag,
      body: JSON.stringify({ source: native, raw, code: problem.code, at }),
    })
    if (identities.get(one.parked) === undefined) {
      const opened = openException(hash, at, { ...problem, subject: tag, native: { instance: native.instance, record: native.record } })
      home.entries.push(exceptionEntry(opened, { change: 'opened', at, actor: null }))
      home.rows.push(exceptionRow(opened, partition))
    }
    write(one.waiting, raw)
    if (one.known !== null) write(one.parked, `${problem.code} ${raw}`)
    return parked
  }

  function addKnown(one: Prepared, known: Known): IntakeResult {
    const tag = nativeTag(one.native)
    for (const key of one.consulted) rely(key)
    if (orderOf(known.identity) === 'none')
      return park(one, unreadable(one.native.instance, `${tag}: version "${one.native.version}" cannot be compared`))
    const verdict = judge(known.identity, known.keys, {
      content: one.content,
      known: identities,
      passParked: one.resuming || one.lane === 'safety',
    })
    switch (verdict.verdict) {
      case 'duplicate':
        sometimes('input-duplicate')
        return { result: 'duplicate' }
      case 'conflict':
        sometimes('input-conflict')
        return park(one, { code: 'identity.conflict', causeGroup: `conflict:${tag}`, detail: `${tag} came again with other content` })
      case 'parked':
        return park(one, {
          code: identities.get(one.parked)?.split(' ')[0] as ErrorCode,
          causeGroup: `native:${tag}`,
          detail: 'an earlier input of this record waits',
        })
      case 'new':
      case 'stale':
        return accept(one, known, { stale: verdict.verdict === 'stale', writes: verdict.writes })
    }
  }

  function accept(one: Prepared, known: Known, how: { readonly stale: boolean; readonly writes: readonly IdentityWrite[] }): IntakeResult {
    const group = `map:${one.native.instance}`
    const mapped = attempt(() => known.connector.toModel(known.item))
    if (!mapped.ok) return park(one, { code: 'mapping.failed', causeGroup: group, detail: mapped.message })
    if (!mapped.value.ok) return park(one, mapped.value)
    const { events } = mapped.value
    for (const event of events) {
      const checked = checkEvent(event.type, event.data)
      if (!checked.ok)
        return park(one, {
          code: 'contract.violated',
          causeGroup: `contract:${event.type}`,
          detail: `${event.type} ${checked.path}: ${checked.message}`,
        })
    }
    const routed = attempt(() => events.map((event) => parts.routes({ ...event, receivedAt: at })))
    if (!routed.ok) return park(one, { code: 'mapping.failed', causeGroup: group, detail: routed.message })
    for (const change of how.writes) write(change.key, change.value)
    events.forEach((event, index) => {
      append(one, known, {
        event: { ...event, receivedAt: at },
        routes: how.stale ? [] : (routed.value[index] as readonly Route[]),
        stale: how.stale,
      })
    })
    if (how.stale) sometimes('input-stale')
    return { result: how.stale ? 'stale' : 'recorded' }
  }

  function append(
    one: Prepared,
    known: Known,
    what: { readonly event: DomainEvent; readonly routes: readonly Route[]; readonly stale: boolean },
  ): void {
    const home = homeOf(one.native)
    const { spec } = known.connector
    const entry = home.entries.length
    home.entries.push({
      kind: 'input',
      event: what.event,
      recordedAt: at,
      raw: one.raw,
      mappedBy: `${spec.name}@${spec.version}`,
      stale: what.stale,
    })
    for (const { partition, process, key } of what.routes)
      home.deliveries.push({ toPartition: partition, process, key, lane: one.lane, entry, ordinal: 0 })
  }

  function isWaiting(one: Prepared): boolean {
    rely(one.waiting)
    return identities.get(one.waiting) !== undefined && identities.get(one.waiting) !== DISCARDED
  }

  /** In the journal under the exception that asked for it; the raw bytes stay. */
  function noteDiscard(home: HomeWrite, { rows }: Resuming, { exception, actor, reason }: Discard): void {
    const detail = `discarded ${rows.join(', ')}`
    home.entries.push(exceptionEntry({ ...exception, detail }, { change: 'acted', at, actor, reason }))
  }

  /** Unless something was parked behind what is resumed: then the key stays parked, and its exception open. */
  function free(native: SourceIdentity, { mark, exception, actor }: LastParked): void {
    const parked = parkedKey(hash, native)
    if ((identities.get(parked) ?? null) !== mark) return
    if (mark !== null) write(parked, '')
    const home = homeOf(native)
    home.entries.push(exceptionEntry(exception, { change: 'closed', at, actor }))
    home.rows.push(exceptionRow({ ...exception, closedAt: at }, home.partition))
  }

  return {
    add: (one) => {
      if (identities.get(one.waiting) === DISCARDED) {
        rely(one.waiting)
        sometimes('input-discarded')
        return { result: 'duplicate' }
      }
      return one.known === null ? park(one, one.problem as Problem) : addKnown(one, one.known)
    },
    unpark: (resuming, items) => {
      const native: SourceIdentity = { ...resuming.native, version: null }
      const { discard } = resuming
      // Somebody else was faster: it is in, or gone.
      if (discard !== undefined && items.some((one) => !isWaiting(one))) return
      for (const id of resuming.rows) homeOf(native).rows.push({ table: 'parked', id, deleted: true })
      for (const one of items) write(one.waiting, discard === undefined ? '' : DISCARDED)
      if (discard !== undefined) noteDiscard(homeOf(native), resuming, discard)
      if (resuming.last !== null) free(native, resuming.last)
    },
    batch: (raw) => ({
      expect: [...expect].map(([key, value]) => ({ key, value })),
      identities: [...written].map(([key, value]) => ({ key, value })),
      raw: [raw],
      partitions: homes.map((home) => ({
        partition: home.partition,
        owner: null,
        entries: home.entries.map(encodeEntry),
        deliveries: home.deliveries,
        consumed: [],
        rows: home.rows,
      })),
    }),
    remember: (firstSequences) => {
      for (const [position, home] of homes.entries()) {
        const first = firstSequences[position] as number
        home.entries.forEach((entry, index) => {
          if (entry.kind === 'input') parts.cache.put(home.partition, first + index, entry)
        })
      }
    },
  }
}

export function nativeTag(native: { readonly instance: string; readonly record: string }): string {
  return `${native.instance}/${native.record}`
}

/** Identity key of the mark that a native key is parked. */
export function parkedKey(hash: Hash, native: { readonly instance: string; readonly record: string }): string {
  return identityKeys(hash, native.instance, { kind: 'immutable', record: native.record }).parked
}

/** Sorts by time of arrival, then by commit (their ids rise), then by place in the commit. */
function parkedId(tag: string, at: string, raw: string): string {
  const [commit = '', place = ''] = raw.split('#')
  const sortable = place.split('/').map((part) => part.padStart(6, '0'))
  return `${tag}|${at}|${commit}#${sortable.join('/')}`
}
