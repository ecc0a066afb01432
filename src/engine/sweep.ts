/**
 * The guarantee behind the events: reads every system's real state in bulk and nominates what differs; asks sources
 * for what their notices may have lost. A nomination never heals: the owner reads that one key afresh first.
 */
import type { ChangesPage, Connector, SweepPage } from '../connectors/connector.ts'
import type { Observation } from '../model/observation.ts'
import type { Process } from '../process/process.ts'
import { StoreUnavailable } from '../store/store.ts'
import type { EngineDeps, HubClock } from './deps.ts'
import { partitionOf } from './derive.ts'
import { createDrift, type Place } from './drift.ts'
import type { IntakeRequest } from './intake.ts'
import type { IntakeResult } from './intake-plan.ts'
import type { Limiters } from './limiter.ts'
import { faultOf } from './observed.ts'
import type { PartitionOwner } from './partition.ts'
import { createSweepCalls, type Failed } from './sweep-calls.ts'
import { createTroubles, type Part } from './troubles.ts'

const PAGES_MAX = 100_000
const ITEMS_PER_REQUEST = 200

export interface Sweeper {
  start(): void
  stop(): void
  sweep(): Promise<void>
  /** After a restore, true until a sweep of this incarnation has covered the partition. */
  mustQueryFirst(partition: number): Promise<boolean>
}

export interface SweepParts {
  readonly clock: HubClock
  readonly limiters: Limiters
  readonly accept: (request: IntakeRequest) => Promise<readonly IntakeResult[]>
  readonly owners: () => ReadonlyMap<number, PartitionOwner>
}

export function createSweeper(deps: EngineDeps, parts: SweepParts): Sweeper {
  const { runtime, store, settings } = deps
  let stopped = false
  let running: Promise<void> | null = null
  let cancelNext = (): void => undefined
  const drift = createDrift(deps, parts.clock)
  const troubles = createTroubles(deps.log)
  const calls = createSweepCalls(deps, parts.limiters, troubles)

  async function sweepAll(): Promise<void> {
    const covered = new Map([...parts.owners()].map(([partition, owner]) => [partition, owner.epoch]))
    drift.begin()
    // Side by side: one that has no place for the sweep keeps no other waiting.
    const ends = await Promise.allSettled([...deps.connectors.values()].map(sweepSystem))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    if (ends.every((end) => end.status === 'fulfilled' && end.value))
      for (const [partition, epoch] of covered) await markSwept(partition, epoch)
  }

  /** False: something of it was not seen. */
  async function sweepSystem(connector: Connector): Promise<boolean> {
    let complete = await pollChanges(connector)
    for (const { resource } of connector.spec.resources) complete = (await sweepResource(connector, resource)) && complete
    return complete
  }

  async function sweepResource(connector: Connector, resource: string): Promise<boolean> {
    const part: Part = { instance: connector.spec.instance, part: resource }
    const subjects: Part = { instance: connector.spec.instance, part: `${resource} subjects` }
    let cursor: string | null = null
    let readable = true
    for (let page = 0; page < PAGES_MAX; page++) {
      const beganAt = parts.clock.iso()
      const from: string | null = cursor
      const result: SweepPage | null = await calls.ask(connector, part, async (call) =>
        pageOf(await connector.sweep(resource, from, call), 'subjects'),
      )
      if (result === null) {
        runtime.sometimes('sweep-failed')
        return false
      }
      const endedAt = parts.clock.iso()
      for (const one of result.subjects) {
        const fault =
          faultOfEntry(one) ??
          (await nominated({ ...part, subject: one.subject }, { ...one.observation, beganAt, endedAt, source: 'sweep' }))
        if (fault === null) continue
        readable = false
        runtime.sometimes('subject-not-swept')
        troubles.begin(subjects, 'a subject cannot be swept', { subject: one?.subject, detail: fault })
      }
      cursor = result.cursor
      if (stopped) return false
      if (cursor !== null) continue
      if (readable) troubles.end(subjects, 'every subject can be swept again')
      return whole(part)
    }
    return endless(part)
  }

  /** What is wrong; null: nothing. One subject says nothing about the others. A store that fails is the trouble of all. */
  async function nominated(one: Part & { readonly subject: string }, observation: Observation): Promise<string | null> {
    try {
      await nominate({ system: one.instance, resource: one.part, subject: one.subject }, observation)
      return null
    } catch (reason) {
      if (reason instanceof StoreUnavailable) throw reason
      return reason instanceof Error ? reason.message : 'thrown value is not an Error'
    }
  }

  function whole(part: Part): true {
    troubles.end(part, 'a system can be swept again')
    return true
  }

  function endless(part: Part): false {
    troubles.begin(part, 'a sweep came to no end', { pages: PAGES_MAX })
    return false
  }

  async function nominate(place: Place, observation: Observation): Promise<void> {
    const { system, resource, subject } = place
    const emitter = emitterOf(deps, resource)
    if (emitter === undefined) return
    const owner = parts.owners().get(partitionOf(emitter.partitionKeyOf(subject), store.meta.partitions))
    if (owner === undefined) return
    if (observation.kind === 'stock' && store.meta.incarnation > 1) await drift.account(owner, place, observation)
    if (owner.memory.goalsByOrderKey.has(`${system}|${subject}`)) {
      // A fresher read already in mind says more than a page of the sweep.
      const known = owner.memory.observations.get(`${system}|${subject}|${resource}`)
      if (known === undefined || known.beganAt < observation.beganAt) owner.observe(place, observation)
      return
    }
    if (observation.kind === 'stock') await drift.explain(owner, { ...place, process: emitter.name }, observation)
  }

  /** Polled by the owner of the system's own partition, so that one worker polls at a time; twice does no harm. */
  async function pollChanges(connector: Connector): Promise<boolean> {
    const system = connector.spec.instance
    const part: Part = { instance: system, part: 'changes' }
    const owner = parts.owners().get(partitionOf(`source/${system}`, store.meta.partitions))
    const row = (await store.readRows('cursor', [system])).get(system)
    const saved = row === undefined ? null : (JSON.parse(row.body) as { cursor: string; incarnation: number; caughtUp: boolean })
    // Another worker polls it: after a restore nothing counts as swept before that worker has caught up.
    if (owner === undefined) return saved?.incarnation === store.meta.incarnation && saved.caughtUp
    // A restored store forgets its position: everything is asked for again, and identities tell what is new.
    let cursor = saved !== null && saved.incarnation === store.meta.incarnation ? saved.cursor : null
    for (let page = 0; page < PAGES_MAX; page++) {
      if (stopped) return false
      const from = cursor
      const changes = await calls.ask(connector, part, async (call) => pageOf(await connector.changes(from, call), 'items'))
      if (changes === null) return false
      if (!(await takenIn(part, changes.items))) return false
      if (changes.cursor !== cursor || saved?.caughtUp !== !changes.more) {
        cursor = changes.cursor
        const body = JSON.stringify({ cursor, incarnation: store.meta.incarnation, caughtUp: !changes.more })
        await owner.act(`changes of ${system}`, (turn) =>
          turn.rows.push({ table: 'cursor', id: system, partition: owner.partition, active: false, tag: '', body }),
        )
      }
      if (!changes.more) return whole(part)
    }
    return endless(part)
  }

  /** False: intake refuses for now, which is told. The position stays, so the next sweep asks for the same again. */
  async function takenIn(part: Part, items: readonly unknown[]): Promise<boolean> {
    try {
      await acceptAll(part.instance, items)
      return true
    } catch (reason) {
      if (!stopped) troubles.begin(part, 'what a source told a sweep could not be taken in', { detail: String(reason) })
      return false
    }
  }

  async function acceptAll(system: string, items: readonly unknown[]): Promise<void> {
    for (let from = 0; from < items.length; from += ITEMS_PER_REQUEST) {
      const part = items.slice(from, from + ITEMS_PER_REQUEST)
      const results = await parts.accept({
        bytes: new TextEncoder().encode(JSON.stringify(part)),
        items: part.map((item) => ({ instance: system, item })),
      })
      if (results.some((result) => result.result === 'recorded')) runtime.sometimes('lost-event-found')
    }
  }

  async function markSwept(partition: number, epoch: number): Promise<void> {
    const owner = parts.owners().get(partition)
    if (owner === undefined || owner.epoch !== epoch || !owner.queryFirst) return
    await owner.act('sweep after a restore', (turn) =>
      turn.rows.push({
        table: 'setting',
        id: sweptId(store, partition),
        partition,
        active: false,
        tag: '',
        body: JSON.stringify({ sweptAt: turn.at }),
      }),
    )
    owner.queryFirst = false
    runtime.sometimes('restored-partition-swept')
  }

  function sweep(): Promise<void> {
    running ??= sweepAll().finally(() => {
      running = null
    })
    return running
  }

  function next(): void {
    if (stopped) return
    cancelNext = runtime.clock.setTimer(settings.sweepIntervalMs, () => {
      sweep()
        .catch((reason: unknown) => deps.log.warn('sweep failed', { reason: String(reason) }))
        .finally(next)
    })
  }

  return {
    start: next,
    stop: () => {
      stopped = true
      cancelNext()
      calls.stop()
    },
    sweep,
    mustQueryFirst: async (partition) =>
      store.meta.incarnation > 1 && !(await store.readRows('setting', [sweptId(store, partition)])).has(sweptId(store, partition)),
  }
}

function emitterOf({ processes }: EngineDeps, resource: string): Process | undefined {
  for (const process of processes.values()) if (process.emits.includes(resource)) return process
  return undefined
}

function sweptId({ meta }: EngineDeps['store'], partition: number): string {
  return `swept.${meta.incarnation}.${partition}`
}

function pageOf<T extends ChangesPage | SweepPage>(page: T | Failed, list: string): T | Failed {
  const { [list]: entries } = page as unknown as Readonly<Record<string, unknown>>
  return 'failed' in page || Array.isArray(entries) ? page : { failed: `a page without ${list}` }
}

/** A read of what breaks its contract fails for the same reason, and says so. */
function faultOfEntry(entry: SweepPage['subjects'][number]): string | null {
  return typeof entry?.subject === 'string' ? faultOf(entry.observation) : 'an entry of a page names no subject'
}
