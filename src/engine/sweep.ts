/**
 * The guarantee behind the events: reads every system's real state in bulk and nominates what differs; asks sources
 * for what their notices may have lost. A nomination never heals: the owner reads that one key afresh first.
 */
import type { Connector, SweepPage } from '../connectors/connector.ts'
import type { Goal } from '../model/goal.ts'
import type { Observation, StockObservation } from '../model/observation.ts'
import type { EngineDeps, HubClock } from './deps.ts'
import { instanceId, partitionOf } from './derive.ts'
import { openException } from './exceptions.ts'
import type { IntakeRequest } from './intake.ts'
import type { IntakeResult } from './intake-plan.ts'
import type { PartitionOwner } from './partition.ts'
import { clear, raise } from './turn.ts'

const PAGES_MAX = 100_000
const ITEMS_PER_REQUEST = 200
const GOALS_PER_SUBJECT_MAX = 1_000
const REFERENCE_LENGTH = 16

export interface Sweeper {
  start(): void
  stop(): void
  sweep(): Promise<void>
  /** After a restore, true until a sweep of this incarnation has covered the partition. */
  mustQueryFirst(partition: number): Promise<boolean>
}

interface Place {
  readonly system: string
  readonly resource: string
  readonly subject: string
}

export interface SweepParts {
  readonly clock: HubClock
  readonly accept: (request: IntakeRequest) => Promise<readonly IntakeResult[]>
  readonly owners: () => ReadonlyMap<number, PartitionOwner>
}

export function createSweeper(deps: EngineDeps, parts: SweepParts): Sweeper {
  const { runtime, store, settings } = deps
  let stopped = false
  let running: Promise<void> | null = null
  let cancelNext = (): void => undefined
  /** Subjects seen usable that no instance knows, with the sweep that first saw them. */
  const unexplained = new Set<string>()
  /** References that a command of ours stands behind, and subjects with documents that none does. */
  const accounted = new Set<string>()
  const forgotten = new Set<string>()

  async function sweepAll(): Promise<void> {
    const covered = new Map([...parts.owners()].map(([partition, owner]) => [partition, owner.epoch]))
    let complete = true
    for (const connector of deps.connectors.values()) {
      complete = (await pollChanges(connector)) && complete
      for (const { resource } of connector.spec.resources) complete = (await sweepResource(connector, resource)) && complete
    }
    if (complete) for (const [partition, epoch] of covered) await markSwept(partition, epoch)
  }

  async function sweepResource(connector: Connector, resource: string): Promise<boolean> {
    let cursor: string | null = null
    for (let page = 0; page < PAGES_MAX; page++) {
      const beganAt = parts.clock.iso()
      const result: SweepPage | { readonly failed: string } = await connector.sweep(resource, cursor, call(connector))
      if ('failed' in result) {
        runtime.sometimes('sweep-failed')
        return false
      }
      const endedAt = parts.clock.iso()
      for (const one of result.subjects)
        await nominate(
          { system: connector.spec.instance, resource, subject: one.subject },
          { ...one.observation, beganAt, endedAt, source: 'sweep' },
        )
      cursor = result.cursor
      if (cursor === null || stopped) return !stopped
    }
    return false
  }

  async function nominate(place: Place, observation: Observation): Promise<void> {
    const { system, resource, subject } = place
    const emitter = emitterOf(resource)
    if (emitter === undefined) return
    const owner = parts.owners().get(partitionOf(emitter.partitionKeyOf(subject), store.meta.partitions))
    if (owner === undefined) return
    if (observation.kind === 'stock' && store.meta.incarnation > 1) await account(owner, place, observation)
    if (owner.memory.goalsByOrderKey.has(`${system}|${subject}`)) {
      // A fresher read already in mind says more than a page of the sweep.
      const known = owner.memory.observations.get(`${system}|${subject}|${resource}`)
      if (known === undefined || known.beganAt < observation.beganAt) owner.observe(place, observation)
      return
    }
    if (observation.kind === 'stock') await explain(owner, { ...place, process: emitter.name }, observation)
  }

  /**
   * A restored hub may have forgotten what it did: a document of ours that no command stands behind, in two sweeps
   * running, is shown to a person. What it restricted stays restricted.
   */
  async function account(owner: PartitionOwner, place: Place, { documents }: StockObservation): Promise<void> {
    const { system, subject } = place
    const ours = documents.flatMap(({ reference }) =>
      reference !== null && isOurs(reference) && !accounted.has(reference) ? [reference] : [],
    )
    if (ours.length === 0) return
    const rows = await store.scanRows({ table: 'goal', tag: `${system}|${subject}`, after: '', limit: GOALS_PER_SUBJECT_MAX })
    const { goals: mind, goalsByOrderKey, unwritten } = owner.memory
    const fresh = [...unwritten.goals.values()].filter((goal) => goal.system === system && goal.subject === subject)
    const known = [...(goalsByOrderKey.get(`${system}|${subject}`) ?? [])].flatMap((id) => mind.get(id) ?? [])
    const goals = [...rows.map((row) => JSON.parse(row.body) as Goal), ...known, ...fresh]
    for (const goal of goals) for (const command of goal.commands) accounted.add(command.reference)
    const unknown = ours.filter((reference) => !accounted.has(reference))
    const key = `documents of ${system} ${subject}`
    const detail = `documents of ours that this hub has no command for: ${unknown.join(', ')}`
    const opened = openException(runtime.hash, parts.clock.iso(), { code: 'drift.unexplained', subject: key, detail })
    if (unknown.length === 0) {
      forgotten.delete(key)
      if (owner.memory.exceptions.has(opened.id)) await owner.act((turn) => clear(turn, opened.id, null)).catch(() => undefined)
    } else if (forgotten.has(key)) {
      runtime.sometimes('forgotten-document')
      await owner.act((turn) => raise(turn, opened)).catch(() => undefined)
    } else forgotten.add(key)
  }

  function isOurs(reference: string): boolean {
    return reference.length === REFERENCE_LENGTH && reference.startsWith(settings.referencePrefix)
  }

  /** Stock that is usable although no instance has ever heard of the lot: an event was lost, or the lot predates us. */
  async function explain(owner: PartitionOwner, place: Place & { readonly process: string }, observation: Observation): Promise<void> {
    const { process, system, subject } = place
    if (observation.kind !== 'stock') return
    const key = `${system} ${subject}`
    const opened = openException(runtime.hash, parts.clock.iso(), {
      code: 'drift.unexplained',
      subject: key,
      detail: 'usable stock of a lot that no receipt has announced',
    })
    const id = instanceId(process, subject)
    const known = owner.memory.instances.has(id) || (await store.readRows('state', [id])).size > 0
    const usable = observation.buckets.some((bucket) => bucket.usable)
    if (known || !usable) {
      unexplained.delete(key)
      if (owner.memory.exceptions.has(opened.id)) await owner.act((turn) => clear(turn, opened.id, null)).catch(() => undefined)
      return
    }
    if (!unexplained.has(key)) {
      unexplained.add(key)
      return
    }
    runtime.sometimes('drift-unexplained')
    await owner.act((turn) => raise(turn, opened)).catch(() => undefined)
  }

  function emitterOf(resource: string) {
    for (const process of deps.processes.values()) if (process.emits.includes(resource)) return process
    return undefined
  }

  /** Polled by the owner of the system's own partition, so that one worker polls at a time; twice does no harm. */
  async function pollChanges(connector: Connector): Promise<boolean> {
    const system = connector.spec.instance
    const owner = parts.owners().get(partitionOf(`source/${system}`, store.meta.partitions))
    const row = (await store.readRows('cursor', [system])).get(system)
    const saved = row === undefined ? null : (JSON.parse(row.body) as { cursor: string; incarnation: number; caughtUp: boolean })
    // Another worker polls it: after a restore nothing counts as swept before that worker has caught up.
    if (owner === undefined) return saved?.incarnation === store.meta.incarnation && saved.caughtUp
    // A restored store forgets its position: everything is asked for again, and identities tell what is new.
    let cursor = saved !== null && saved.incarnation === store.meta.incarnation ? saved.cursor : null
    for (let page = 0; page < PAGES_MAX && !stopped; page++) {
      const changes = await connector.changes(cursor, call(connector))
      if ('failed' in changes) return false
      await acceptAll(system, changes.items)
      if (changes.cursor !== cursor || saved?.caughtUp !== !changes.more) {
        cursor = changes.cursor
        const body = JSON.stringify({ cursor, incarnation: store.meta.incarnation, caughtUp: !changes.more })
        await owner.act((turn) => turn.rows.push({ table: 'cursor', id: system, partition: owner.partition, active: false, tag: '', body }))
      }
      if (!changes.more) return true
    }
    return false
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

  function call(connector: Connector) {
    return { signal: new AbortController().signal, timeoutMs: connector.spec.callTimeoutMs, beforeWrite: () => !stopped }
  }

  async function markSwept(partition: number, epoch: number): Promise<void> {
    const owner = parts.owners().get(partition)
    if (owner === undefined || owner.epoch !== epoch || !owner.queryFirst) return
    await owner.act((turn) =>
      turn.rows.push({
        table: 'setting',
        id: sweptId(partition),
        partition,
        active: false,
        tag: '',
        body: JSON.stringify({ sweptAt: turn.at }),
      }),
    )
    owner.queryFirst = false
    runtime.sometimes('restored-partition-swept')
  }

  function sweptId(partition: number): string {
    return `swept.${store.meta.incarnation}.${partition}`
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
    },
    sweep,
    mustQueryFirst: async (partition) =>
      store.meta.incarnation > 1 && !(await store.readRows('setting', [sweptId(partition)])).has(sweptId(partition)),
  }
}
