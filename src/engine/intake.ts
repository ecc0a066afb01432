/**
 * Durable point 1. Records what sources say: raw bytes, identity, canonical events with their deliveries, all in one
 * commit, and answers only after it. Inputs that cannot be accepted park under their native key with their raw bytes.
 * Must never acknowledge before the commit, drop an input, or let one bad record delay another.
 */
import type { Connector, RecordIdentity } from '../connectors/connector.ts'
import type { ErrorCode } from '../errors.ts'
import type { DomainEvent, Lane, SourceIdentity } from '../model/envelope.ts'
import { checkEvent } from '../model/schema.ts'
import type { Batch, CommitResult, Delivery, RowWrite } from '../store/store.ts'
import { canonicalJson } from './canonical.ts'
import type { EngineDeps, EntryCache, HubClock } from './deps.ts'
import { partitionOf } from './derive.ts'
import { type Entry, encodeEntry, type InputEntry } from './entries.ts'
import { exceptionEntry, exceptionRow, openException } from './exceptions.ts'
import { type IdentityKeys, type IdentityWrite, identityKeys, judge } from './identity.ts'
import type { Route } from './routes.ts'

/** One request of a source: its bytes as received, and the native items found in them. */
export interface IntakeRequest {
  readonly bytes: Uint8Array
  readonly items: readonly { readonly instance: string; readonly item: unknown }[]
}

export type IntakeResult =
  | { readonly result: 'recorded' | 'duplicate' | 'stale' }
  /** Kept, not delivered: waits for a person or for the items before it. */
  | { readonly result: 'parked'; readonly code: ErrorCode; readonly detail: string }

/** The queue is full: nothing was kept, the source must come again. */
export class IntakeOverloaded extends Error {
  override readonly name = 'IntakeOverloaded'
}

export interface Intake {
  /** Resolves, item by item, once everything is durable. Rejects with IntakeOverloaded or StoreUnavailable: nothing was acknowledged. */
  accept(request: IntakeRequest): Promise<readonly IntakeResult[]>
  /** An item of a parked native key, again, past the parking mark; its row goes, and with the last one the mark. */
  resume(
    request: IntakeRequest,
    parkedRows: readonly string[],
    native: { readonly instance: string; readonly record: string },
    last: boolean,
  ): Promise<readonly IntakeResult[]>
}

interface Waiting {
  readonly request: IntakeRequest
  readonly resuming: Resuming | null
  readonly resolve: (results: readonly IntakeResult[]) => void
  readonly reject: (reason: unknown) => void
}

interface Resuming {
  readonly rows: readonly string[]
  readonly last: boolean
  readonly native: { readonly instance: string; readonly record: string }
}

interface Candidate {
  readonly connector: Connector
  readonly item: unknown
  readonly raw: string
  readonly identity: RecordIdentity
  readonly keys: IdentityKeys
  readonly content: string
  readonly lane: Lane
  readonly resuming: boolean
}

type Prepared =
  | Candidate
  | {
      readonly refused: IntakeResult
      readonly code: ErrorCode
      readonly detail: string
      readonly instance: string
      readonly raw: string
      readonly content: string
    }

export function createIntake(
  deps: EngineDeps,
  parts: { readonly clock: HubClock; readonly cache: EntryCache; readonly routes: (event: DomainEvent) => readonly Route[] },
): Intake {
  const waiting: Waiting[] = []
  let items = 0
  let draining = false

  async function drain(): Promise<void> {
    draining = true
    while (waiting.length > 0) {
      const group: Waiting[] = []
      let size = 0
      while (waiting.length > 0 && (size === 0 || size + (waiting[0]?.request.items.length ?? 0) <= deps.settings.intakeBatchMax)) {
        const next = waiting.shift() as Waiting
        size += next.request.items.length
        group.push(next)
      }
      items -= size
      try {
        const results = await recordGroup(deps, parts, group)
        for (const [index, member] of group.entries()) member.resolve(results[index] as readonly IntakeResult[])
      } catch (reason) {
        for (const member of group) member.reject(reason)
      }
    }
    draining = false
  }

  function enqueue(request: IntakeRequest, resuming: Resuming | null): Promise<readonly IntakeResult[]> {
    const health = deps.store.health()
    if (!health.ok && !(health.code === 'disk.low' && holdsOnly(deps, request)))
      return Promise.reject(new IntakeOverloaded(`${health.code}: ${health.detail}`))
    if (items + request.items.length > deps.settings.intakeQueueMax) return Promise.reject(new IntakeOverloaded('intake queue is full'))
    items += request.items.length
    return new Promise((resolve, reject) => {
      waiting.push({ request, resuming, resolve, reject })
      if (!draining) void drain()
    })
  }

  return {
    accept: (request) => enqueue(request, null),
    resume: (request, rows, native, last) => enqueue(request, { rows, native, last }),
  }
}

async function recordGroup(
  deps: EngineDeps,
  parts: { readonly clock: HubClock; readonly cache: EntryCache; readonly routes: (event: DomainEvent) => readonly Route[] },
  group: readonly Waiting[],
): Promise<readonly (readonly IntakeResult[])[]> {
  const rawId = deps.runtime.ids.uuid()
  const prepared = group.map((member, index) =>
    member.request.items.map((item, element) => prepare(deps, item, `${rawId}#${index}/${element}`, member.resuming !== null)),
  )
  const keys = new Set<string>()
  for (const one of prepared.flat()) {
    if ('refused' in one) continue
    keys.add(one.keys.input).add(one.keys.parked)
    if (one.keys.head !== null) keys.add(one.keys.head)
  }
  for (let round = 0; round < 20; round++) {
    const known = await deps.store.readIdentities([...keys])
    const plan = createPlan(deps, parts, known)
    const results = prepared.map((items) => items.map((one) => plan.add(one)))
    group.forEach((member, index) => {
      if (member.resuming !== null && (results[index] as readonly IntakeResult[]).every((result) => result.result !== 'parked'))
        plan.unpark(member.resuming)
    })
    const batch = plan.batch({ id: rawId, items: group.map((member) => member.request.bytes) })
    await deps.runtime.yieldPoint('before-intake-commit')
    const result: CommitResult = await deps.store.commit(batch)
    await deps.runtime.yieldPoint('after-intake-commit')
    if (result.result === 'committed') {
      plan.remember(result.firstSequences)
      return results
    }
    deps.runtime.sometimes('intake-outdated')
  }
  throw new IntakeOverloaded('identity table changed under every attempt')
}

function prepare(deps: EngineDeps, given: { readonly instance: string; readonly item: unknown }, raw: string, resuming: boolean): Prepared {
  const { runtime } = deps
  const content = runtime.hash(canonicalJson(contentOf(given.item))).slice(0, 32)
  const refuse = (code: ErrorCode, detail: string): Prepared => ({
    refused: { result: 'parked', code, detail },
    code,
    detail,
    instance: given.instance,
    raw,
    content,
  })
  const connector = deps.connectors.get(given.instance)
  if (connector === undefined) return refuse('input.sourceUnknown', `no connector is configured for source "${given.instance}"`)
  const identified = connector.identify(given.item)
  if (!identified.ok) return refuse(identified.code, identified.detail)
  const keys = identityKeys(runtime.hash, given.instance, identified.identity)
  return { connector, item: given.item, raw, identity: identified.identity, keys, content, lane: identified.lane, resuming }
}

/** On a nearly full disk holds still pass, out of the reserve. */
function holdsOnly(deps: EngineDeps, request: IntakeRequest): boolean {
  return request.items.every((given) => {
    const identified = deps.connectors.get(given.instance)?.identify(given.item)
    return identified?.ok === true && identified.lane === 'safety'
  })
}

/** The content that tells a duplicate from a conflict: the envelope of a second delivery may differ, its data may not. */
function contentOf(item: unknown): unknown {
  if (item !== null && typeof item === 'object' && 'data' in item) return item.data
  return item
}

interface Plan {
  add(one: Prepared): IntakeResult
  unpark(resuming: Resuming): void
  batch(raw: { readonly id: string; readonly items: readonly Uint8Array[] }): Batch
  remember(firstSequences: readonly number[]): void
}

interface HomeWrite {
  readonly entries: Entry[]
  readonly deliveries: Delivery[]
  readonly rows: RowWrite[]
}

function createPlan(
  deps: EngineDeps,
  parts: { readonly clock: HubClock; readonly cache: EntryCache; readonly routes: (event: DomainEvent) => readonly Route[] },
  known: ReadonlyMap<string, string>,
): Plan {
  const { hash } = deps.runtime
  const at = parts.clock.iso()
  const count = deps.store.meta.partitions
  const written = new Map<string, string>()
  const expect = new Map<string, string | null>()
  const homes = new Map<number, HomeWrite>()
  // A parking mark that was taken off stays in the table as an empty value: identities are never deleted.
  const identities = { get: (key: string) => (written.get(key) ?? known.get(key)) || undefined }

  const homeOf = (partition: number): HomeWrite => {
    let home = homes.get(partition)
    if (home === undefined) homes.set(partition, (home = { entries: [], deliveries: [], rows: [] }))
    return home
  }
  const write = (change: IdentityWrite): void => {
    if (!expect.has(change.key)) expect.set(change.key, known.get(change.key) ?? null)
    written.set(change.key, change.value)
  }

  function park(native: SourceIdentity, raw: string, code: ErrorCode, detail: string, causeGroup: string, mark: boolean): IntakeResult {
    const partition = partitionOf(`${native.instance}/${native.record}`, count)
    const home = homeOf(partition)
    const tag = nativeTag(native)
    home.entries.push({ kind: 'parked', source: native, recordedAt: at, raw, code })
    home.rows.push({
      table: 'parked',
      id: `${tag}|${raw}`,
      partition,
      active: true,
      tag,
      body: JSON.stringify({ source: native, raw, code, at }),
    })
    const opened = openException(hash, at, {
      code,
      causeGroup,
      subject: tag,
      detail,
      native: { instance: native.instance, record: native.record },
    })
    home.entries.push(exceptionEntry(opened, 'opened', at, null))
    home.rows.push(exceptionRow(opened, partition))
    const key = identityKeys(hash, native.instance, { kind: 'immutable', record: native.record }).parked
    if (mark) write({ key, value: code, was: null })
    return { result: 'parked', code, detail }
  }

  function addCandidate(one: Candidate): IntakeResult {
    const instance = one.connector.spec.instance
    const native: SourceIdentity = {
      instance,
      record: one.identity.record,
      version: one.identity.kind === 'versioned' ? one.identity.version : null,
    }
    const verdict = judge(one.identity, one.keys, one.content, identities, one.resuming || one.lane === 'safety')
    expect.set(one.keys.parked, expect.get(one.keys.parked) ?? known.get(one.keys.parked) ?? null)
    switch (verdict.verdict) {
      case 'duplicate':
        deps.runtime.sometimes('input-duplicate')
        return { result: 'duplicate' }
      case 'conflict':
        deps.runtime.sometimes('input-conflict')
        return park(
          native,
          one.raw,
          'identity.conflict',
          `${nativeTag(native)} came again with other content`,
          `conflict:${nativeTag(native)}`,
          true,
        )
      case 'parked':
        return park(
          native,
          one.raw,
          (identities.get(one.keys.parked) ?? 'mapping.failed') as ErrorCode,
          'an earlier input of this record waits',
          `native:${nativeTag(native)}`,
          true,
        )
      case 'new':
      case 'stale':
        return accept(one, native, verdict.verdict === 'stale', verdict.writes)
    }
  }

  function accept(one: Candidate, native: SourceIdentity, stale: boolean, writes: readonly IdentityWrite[]): IntakeResult {
    const mapped = one.connector.toModel(one.item)
    if (!mapped.ok) return park(native, one.raw, mapped.code, mapped.detail, mapped.causeGroup, true)
    for (const event of mapped.events) {
      const checked = checkEvent(event.type, event.data)
      if (!checked.ok)
        return park(
          native,
          one.raw,
          'contract.violated',
          `${event.type} ${checked.path}: ${checked.message}`,
          `contract:${event.type}`,
          true,
        )
    }
    for (const change of writes) write(change)
    for (const event of mapped.events) append({ ...event, receivedAt: at }, native, one, stale)
    if (stale) deps.runtime.sometimes('input-stale')
    return { result: stale ? 'stale' : 'recorded' }
  }

  function append(event: DomainEvent, native: SourceIdentity, one: Candidate, stale: boolean): void {
    const home = homeOf(partitionOf(`${native.instance}/${native.record}`, count))
    const entry = home.entries.length
    home.entries.push({ kind: 'input', event, recordedAt: at, raw: one.raw, stale })
    if (stale) return
    for (const route of parts.routes(event)) {
      home.deliveries.push({ toPartition: route.partition, process: route.process, key: route.key, lane: one.lane, entry, ordinal: 0 })
    }
  }

  return {
    add: (one) =>
      'refused' in one
        ? park(
            { instance: one.instance, record: `unidentified/${one.content}`, version: null },
            one.raw,
            one.code,
            one.detail,
            `${one.code}:${one.instance}`,
            false,
          )
        : addCandidate(one),
    unpark: (resuming) => {
      const native: SourceIdentity = { ...resuming.native, version: null }
      const key = identityKeys(hash, native.instance, { kind: 'immutable', record: native.record }).parked
      const partition = partitionOf(`${native.instance}/${native.record}`, count)
      for (const id of resuming.rows) homeOf(partition).rows.push({ table: 'parked', id, deleted: true })
      if (resuming.last) write({ key, value: '', was: null })
    },
    batch: (raw) => ({
      expect: [...expect].map(([key, value]) => ({ key, value })),
      identities: [...written].map(([key, value]) => ({ key, value })),
      raw: [raw],
      partitions: [...homes].map(([partition, home]) => ({
        partition,
        owner: null,
        entries: home.entries.map(encodeEntry),
        deliveries: home.deliveries,
        consumed: [],
        rows: home.rows,
      })),
    }),
    remember: (firstSequences) => {
      let position = 0
      for (const [partition, home] of homes) {
        const first = firstSequences[position++] as number
        for (const [index, entry] of home.entries.entries())
          if (entry.kind === 'input') parts.cache.put(partition, first + index, entry satisfies InputEntry)
      }
    },
  }
}

export function nativeTag(native: { readonly instance: string; readonly record: string }): string {
  return `${native.instance}/${native.record}`
}
