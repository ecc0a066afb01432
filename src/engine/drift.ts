/**
 * What the sweep sees and no goal explains: stock that is usable though nobody announced it, and documents and flags of
 * ours that a restored hub has forgotten. Shown to a person after two sweeps running; never healed.
 */
import type { Goal } from '../model/goal.ts'
import type { StockObservation } from '../model/observation.ts'
import { StoreUnavailable } from '../store/store.ts'
import type { EngineDeps, HubClock } from './deps.ts'
import { instanceId } from './derive.ts'
import { openException } from './exceptions.ts'
import type { PartitionOwner, TurnAction } from './partition.ts'
import { createRecent, createSightings } from './sightings.ts'
import { clear, raise } from './turn.ts'

const GOALS_PER_SUBJECT_MAX = 1_000
const REFERENCE_LENGTH = 16

/** Subjects that wait for their second sweep; beyond it they wait until others have been shown. */
const SIGHTINGS_MAX = 20_000
const ACCOUNTED_MAX = 100_000

export interface Place {
  readonly system: string
  readonly resource: string
  readonly subject: string
}

export interface Drift {
  /** A sweep of everything begins: what the one before the last has seen does not count any more. */
  begin(): void
  explain(owner: PartitionOwner, place: Place & { readonly process: string }, observation: StockObservation): Promise<void>
  account(owner: PartitionOwner, place: Place, observation: StockObservation): Promise<void>
}

export function createDrift(deps: EngineDeps, clock: HubClock): Drift {
  const { runtime, store, settings } = deps
  /** Subjects seen usable that no instance knows. */
  const unexplained = createSightings(SIGHTINGS_MAX)
  /** References that a command of ours stands behind; what is forgotten here is looked at again. */
  const accounted = createRecent(ACCOUNTED_MAX)
  /** Subjects with documents that no command stands behind. */
  const forgotten = createSightings(SIGHTINGS_MAX)

  /**
   * A restored hub may have forgotten what it did: a document or a flag of ours that no command stands behind, in two
   * sweeps running, is shown to a person. What it restricted stays restricted.
   */
  async function account(owner: PartitionOwner, place: Place, { documents, restrictions }: StockObservation): Promise<void> {
    const { system, subject } = place
    const ours = [...documents, ...restrictions].flatMap(({ reference }) =>
      reference !== null && isOurs(reference) && !accounted.has(reference) ? [reference] : [],
    )
    const key = `documents of ${system} ${subject}`
    const opened = openException(runtime.hash, clock.iso(), { code: 'drift.unexplained', subject: key, detail: '' })
    if (ours.length === 0 && !owner.memory.exceptions.has(opened.id)) return void forgotten.delete(key)
    const rows = await store.scanRows({ table: 'goal', tag: `${system}|${subject}`, after: '', limit: GOALS_PER_SUBJECT_MAX })
    const { goals: mind, goalsByOrderKey, unwritten } = owner.memory
    const fresh = [...unwritten.goals.values()].filter((goal) => goal.system === system && goal.subject === subject)
    const known = [...(goalsByOrderKey.get(`${system}|${subject}`) ?? [])].flatMap((id) => mind.get(id) ?? [])
    const goals = [...rows.map((row) => JSON.parse(row.body) as Goal), ...known, ...fresh]
    for (const goal of goals) for (const command of goal.commands) accounted.add(command.reference)
    const unknown = ours.filter((reference) => !accounted.has(reference))
    if (unknown.length === 0) {
      forgotten.delete(key)
      const cleared = !owner.memory.exceptions.has(opened.id) || (await note(owner, key, (turn) => clear(turn, opened.id, null)))
      // Looked at again by the next sweep: what is accounted for is not looked at any more.
      if (!cleared) for (const reference of ours) accounted.delete(reference)
    } else if (owner.memory.exceptions.has(opened.id) || forgotten.again(key)) {
      runtime.sometimes('forgotten-document')
      const detail = `documents or flags of ours that this hub has no command for: ${unknown.join(', ')}`
      await note(owner, key, (turn) => raise(turn, { ...opened, detail }))
    }
  }

  function isOurs(reference: string): boolean {
    return reference.length === REFERENCE_LENGTH && reference.startsWith(settings.referencePrefix)
  }

  /** Stock that is usable although no instance has ever heard of the lot: an event was lost, or the lot predates us. */
  async function explain(owner: PartitionOwner, place: Place & { readonly process: string }, observation: StockObservation): Promise<void> {
    const { process, system, subject } = place
    const key = `${system} ${subject}`
    const opened = openException(runtime.hash, clock.iso(), {
      code: 'drift.unexplained',
      subject: key,
      detail: 'usable stock of a lot that no receipt has announced',
    })
    const id = instanceId(process, subject)
    const { instances, unwritten } = owner.memory
    const known = instances.has(id) || unwritten.states.has(id) || (await store.readRows('state', [id])).size > 0
    const usable = observation.buckets.some((bucket) => bucket.usable)
    if (known || !usable) {
      unexplained.delete(key)
      if (owner.memory.exceptions.has(opened.id)) await note(owner, key, (turn) => clear(turn, opened.id, null))
      return
    }
    if (!owner.memory.exceptions.has(opened.id) && !unexplained.again(key)) return
    runtime.sometimes('drift-unexplained')
    await note(owner, key, (turn) => raise(turn, opened))
  }

  /** True: durable. A partition that was lost meanwhile is swept by its next owner; anything else is a bug, and is seen. */
  async function note(owner: PartitionOwner, about: string, action: TurnAction): Promise<boolean> {
    try {
      await owner.act(`drift of ${about}`, action)
      return true
    } catch (reason) {
      if (!(reason instanceof StoreUnavailable))
        deps.log.warn('drift could not be noted', { partition: owner.partition, reason: String(reason) })
      return false
    }
  }

  return {
    begin: () => {
      unexplained.begin()
      forgotten.begin()
    },
    explain,
    account,
  }
}
