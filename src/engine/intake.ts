import type { EngineDeps } from './deps.ts'
import { createPlan, type Given, type IntakeParts, type IntakeResult, parkedKey, prepare, type Resuming } from './intake-plan.ts'

/** One request of a source: its bytes as received, and the native items found in them. */
export interface IntakeRequest {
  readonly bytes: Uint8Array
  readonly items: readonly Given[]
}

const OUTDATED_ROUNDS_MAX = 20

/** The queue is full: nothing was kept, the source must come again. */
export class IntakeOverloaded extends Error {
  override readonly name = 'IntakeOverloaded'
}

export interface Intake {
  /** Resolves, item by item, once everything is durable. Rejects with IntakeOverloaded or StoreUnavailable: nothing was acknowledged. */
  accept(request: IntakeRequest): Promise<readonly IntakeResult[]>
  /** An item of a parked native key, again, past the parking mark, or discarded; its row goes, and with the last one the mark and the exception. */
  resume(request: IntakeRequest, resuming: Resuming): Promise<readonly IntakeResult[]>
}

interface Waiting {
  readonly request: IntakeRequest
  readonly resuming: Resuming | null
  readonly resolve: (results: readonly IntakeResult[]) => void
  readonly reject: (reason: unknown) => void
}

export function createIntake(deps: EngineDeps, parts: IntakeParts): Intake {
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
    const { intakeQueueMax } = deps.settings
    const full = items + request.items.length - intakeQueueMax
    if (full > intakeQueueMax || (full > 0 && !holdsOnly(deps, request)))
      return Promise.reject(new IntakeOverloaded('intake queue is full'))
    items += request.items.length
    return new Promise((resolve, reject) => {
      waiting.push({ request, resuming, resolve, reject })
      if (!draining) void drain()
    })
  }

  return {
    accept: (request) => enqueue(request, null),
    resume: (request, resuming) => enqueue(request, resuming),
  }
}

async function recordGroup(deps: EngineDeps, parts: IntakeParts, group: readonly Waiting[]): Promise<readonly (readonly IntakeResult[])[]> {
  const rawId = deps.runtime.ids.uuid()
  const prepared = group.map((member, index) =>
    member.request.items.map((given, element) =>
      prepare(deps, given, { rawId, request: index, element, resuming: member.resuming !== null }),
    ),
  )
  const keys = new Set(prepared.flat().flatMap((one) => one.consulted))
  for (const { resuming } of group) if (resuming !== null) keys.add(parkedKey(deps.runtime.hash, resuming.native))
  for (let round = 0; round < OUTDATED_ROUNDS_MAX; round++) {
    const plan = createPlan(deps, parts, await deps.store.readIdentities([...keys]))
    const results = prepared.map((items, index) => (group[index]?.resuming?.discard === undefined ? items.map((one) => plan.add(one)) : []))
    group.forEach((member, index) => {
      const through = (results[index] as readonly IntakeResult[]).every((result) => result.result !== 'parked')
      if (member.resuming !== null && through) plan.unpark(member.resuming, prepared[index] ?? [])
    })
    const batch = plan.batch({ id: rawId, items: group.map((member) => member.request.bytes) })
    const before = deps.runtime.yieldPoint('before-intake-commit')
    if (before !== undefined) await before
    const result = await deps.store.commit(batch)
    const after = deps.runtime.yieldPoint('after-intake-commit')
    if (after !== undefined) await after
    if (result.result === 'committed') {
      plan.remember(result.firstSequences)
      return results
    }
    deps.runtime.sometimes('intake-outdated')
  }
  throw new IntakeOverloaded('identity table changed under every attempt')
}

/** On a nearly full disk, and past a full queue, holds still pass: there is a reserve for them. */
function holdsOnly(deps: EngineDeps, request: IntakeRequest): boolean {
  return request.items.every((given) => prepare(deps, given, { rawId: '', request: 0, element: 0, resuming: false }).lane === 'safety')
}
