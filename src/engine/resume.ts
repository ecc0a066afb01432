/**
 * What a person does about an exception once its cause is gone: run parked inputs again from their raw bytes, let a
 * failed instance go on, try a parked goal again. Order per key is kept; nothing that waited is skipped.
 */
import { ERRORS } from '../errors.ts'
import type { Goal } from '../model/goal.ts'
import type { EngineDeps } from './deps.ts'
import { instanceId } from './derive.ts'
import type { ExceptionRecord } from './exceptions.ts'
import type { Intake } from './intake.ts'
import { type IntakeResult, nativeTag } from './intake-plan.ts'
import type { PartitionOwner } from './partition.ts'
import { changeGoal, clear, goalIn } from './turn.ts'

const PAGE = 500

export interface Resumer {
  exceptions(): Promise<readonly ExceptionRecord[]>
  /** Retries what waits for this exception. False: it waits for another worker's partition, or nothing does. */
  retry(exception: ExceptionRecord, actor: string): Promise<boolean>
  /** Retries everything open with this cause group; answers how many. */
  retryGroup(causeGroup: string, actor: string): Promise<number>
}

export function createResumer(
  deps: EngineDeps,
  parts: { readonly intake: Intake; readonly owners: () => ReadonlyMap<number, PartitionOwner> },
): Resumer {
  const { store } = deps

  async function exceptions(): Promise<ExceptionRecord[]> {
    const open: ExceptionRecord[] = []
    let after = ''
    for (;;) {
      const rows = await store.scanRows({ table: 'exception', activeOnly: true, after, limit: PAGE })
      for (const row of rows) open.push(JSON.parse(row.body) as ExceptionRecord)
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return open
      after = last.id
    }
  }

  async function retry(exception: ExceptionRecord, actor: string): Promise<boolean> {
    if (exception.native !== null) return resumeNative(exception.native, exception.id, actor)
    if (exception.goal !== null) return retryGoal(exception, actor)
    if (exception.instance === null || exception.code !== 'process.failed') return false
    const id = instanceId(exception.instance.process, exception.instance.key)
    for (const owner of parts.owners().values()) {
      if (!owner.memory.blocked.has(id)) continue
      await owner.unblock(id, actor)
      return true
    }
    return false
  }

  /** Parked inputs of one native key, oldest first, until one fails again; what follows it stays parked. */
  async function resumeNative(
    native: { readonly instance: string; readonly record: string },
    exception: string,
    actor: string,
  ): Promise<boolean> {
    const parked = await parkedOf(nativeTag(native))
    for (const one of parked) {
      const [reference, element] = splitRaw(one.raw)
      const bytes = await store.readRaw(reference)
      if (bytes === null) return false
      const last = one === parked.at(-1)
      const results = await parts.intake.resume(
        { bytes, items: [{ instance: native.instance, item: itemOf(bytes, element) }] },
        { rows: [one.id], native, last },
      )
      if (results.some((result: IntakeResult) => result.result === 'parked')) return false
    }
    return closeException(exception, actor)
  }

  async function parkedOf(tag: string): Promise<{ readonly id: string; readonly raw: string }[]> {
    const parked: { readonly id: string; readonly raw: string }[] = []
    for (let after = ''; ; ) {
      const rows = await store.scanRows({ table: 'parked', activeOnly: true, tag, after, limit: PAGE })
      for (const row of rows) parked.push({ id: row.id, raw: (JSON.parse(row.body) as { raw: string }).raw })
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return parked
      after = last.id
    }
  }

  async function retryGoal(exception: ExceptionRecord, actor: string): Promise<boolean> {
    const id = exception.goal ?? ''
    const row = (await store.readRows('goal', [id])).get(id)
    for (const owner of parts.owners().values()) {
      const known = owner.memory.goals.get(id) ?? owner.memory.unwritten.goals.get(id)
      if (known === undefined && row?.partition !== owner.partition) continue
      await owner.act((turn) => {
        if (goalIn(turn, id) === undefined && row !== undefined) turn.loaded.set(id, JSON.parse(row.body) as Goal)
        changeGoal(turn, goalIn(turn, id) as Goal, { type: 'retried', actor })
        clear(turn, exception.id, actor)
      })
      return true
    }
    return false
  }

  async function closeException(id: string, actor: string): Promise<boolean> {
    for (const owner of parts.owners().values()) {
      const row = (await store.readRows('exception', [id])).get(id)
      if (row === undefined || row.partition !== owner.partition) continue
      const record = JSON.parse(row.body) as ExceptionRecord
      await owner.act((turn) => {
        if (!turn.memory.exceptions.has(id)) turn.exceptions.set(id, record)
        clear(turn, id, actor)
      })
      return true
    }
    return false
  }

  return {
    exceptions,
    retry,
    retryGroup: async (causeGroup, actor) => {
      let resumed = 0
      for (const record of await exceptions()) {
        if (record.causeGroup === causeGroup && ERRORS[record.code] !== undefined && (await retry(record, actor))) resumed++
      }
      return resumed
    },
  }
}

/** `{chunk}#{request}/{element}`: the request's bytes, and which of its items. */
function splitRaw(raw: string): readonly [string, number] {
  const at = raw.lastIndexOf('/')
  return [raw.slice(0, at), Number(raw.slice(at + 1))]
}

function itemOf(bytes: Uint8Array, element: number): unknown {
  const body = JSON.parse(new TextDecoder().decode(bytes)) as unknown
  return Array.isArray(body) ? body[element] : body
}
