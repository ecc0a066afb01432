import type { Runtime } from '../runtime.ts'
import type { Counting } from './counting.ts'
import type { Disturber } from './disturbances.ts'
import type { Received, Reply } from './server.ts'
import type { ItemResult, WriteClass, WriteMarks, WriteProtection } from './write-protection.ts'

/** `afterReply`: an update task does the work after the answer, and may fail. */
export interface WriteSettings {
  readonly class: WriteClass
  /** Memory of class key. */
  readonly keyWindowMs: number
  readonly commit: 'beforeReply' | 'afterReply'
}

export interface WriteItem extends WriteMarks {
  readonly reference: string
}

export interface Execution<I extends WriteItem> {
  readonly item: I
  readonly number: string
  /** The reference as the resource stores it: class unsafe throws it away. */
  readonly stored: string | null
  readonly arrivedMs: number
}

/** One write resource: what its items are, what stands in their way, and what they do. */
export interface WriteResource<I extends WriteItem> {
  /** Null: not an item of this resource. */
  parse(raw: unknown): I | null
  subject(item: I): string
  /** Of the subject, for class conditional; null when it does not exist. */
  revision(item: I): string | null
  /** Why it cannot be done as things stand, or that there is nothing to do; null: go ahead. */
  obstacle(item: I): ItemResult | null
  nextNumber(item: I): string
  /** Cannot fail: `obstacle` has just said null. */
  execute(execution: Execution<I>): void
}

export interface WriteDeps {
  readonly runtime: Runtime
  readonly disturber: Disturber
  readonly protection: WriteProtection
  readonly counting: Counting
}

/**
 * Handles a batch `{items: [...]}`: one result per item in the order given. Items stand alone, one refused item never
 * undoes another. A call fated to fail in the middle reaches only the first half of its items.
 */
export function writeItems<I extends WriteItem>(
  deps: WriteDeps,
  settings: WriteSettings,
  resource: WriteResource<I>,
): (received: Received) => Reply {
  return (received) => {
    const items = (received.body as { items?: unknown } | null)?.items
    if (!Array.isArray(items)) return { status: 400, body: { code: 'ITEMS_MISSING' } }
    const reached = received.fate.error === 'midBatch' ? Math.floor(items.length / 2) : items.length
    const results = items.slice(0, reached).map((raw) => {
      const item = resource.parse(raw)
      if (item === null) return { status: 400, code: 'REQUEST_INVALID', message: 'not an item of this resource' }
      return writeItem({ ...deps, settings, resource }, { item, arrivedMs: received.arrivedMs })
    })
    return { status: 200, body: { results } }
  }
}

interface ResourceDeps<I extends WriteItem> extends WriteDeps {
  readonly settings: WriteSettings
  readonly resource: WriteResource<I>
}

function writeItem<I extends WriteItem>(deps: ResourceDeps<I>, request: { readonly item: I; readonly arrivedMs: number }): ItemResult {
  const { item } = request
  const { protection, resource, settings } = deps
  deps.counting.received(item.reference)
  const seen = protection.seen(item, resource.revision(item))
  if (seen !== null) return seen
  const obstacle = resource.obstacle(item)
  if (obstacle !== null) {
    protection.remember(item, obstacle)
    return obstacle
  }
  const stored = settings.class === 'unsafe' ? null : item.reference
  const execution: Execution<I> = { ...request, stored, number: resource.nextNumber(item) }
  const result: ItemResult = { status: 201, number: execution.number }
  const forget = protection.remember(item, result)
  const rollsBack = deps.disturber.rollsBack()
  if (settings.commit === 'afterReply' || rollsBack) updateLater(deps, execution, { rollsBack, forget })
  else resource.execute(execution)
  return result
}

/**
 * The update task finds things as they then are. When it fails, or is fated to fail, the number stays unused and what
 * the resource remembered of the request is forgotten with it.
 */
function updateLater<I extends WriteItem>(
  deps: ResourceDeps<I>,
  execution: Execution<I>,
  task: { readonly rollsBack: boolean; readonly forget: () => void },
): void {
  const subject = deps.resource.subject(execution.item)
  deps.runtime.clock.setTimer(deps.counting.updateDue(subject, deps.disturber.updateDelayMs()), () => {
    deps.counting.updateDone()
    if (!task.rollsBack && deps.resource.obstacle(execution.item) === null) {
      deps.resource.execute(execution)
      return
    }
    task.forget()
    deps.counting.rolledBack({ reference: execution.item.reference, subject, number: execution.number })
  })
}
