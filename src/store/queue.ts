import { emptyGroup, type Group, isEmptyGroup } from './group.ts'
import { StoreUnavailable } from './store.ts'

export interface GroupQueueDeps {
  /** Calls back once, later: setImmediate in reality, a virtual timer in simulation. */
  readonly schedule: (run: () => void) => void
  /** Makes the group durable, all or nothing, then calls `done` (null: durable). May do so before it returns. */
  readonly persist: (group: Group, done: (failure: StoreUnavailable | null) => void) => void
  /** After `persist` succeeded and before the callers hear of it. */
  readonly settled: (group: Group) => void
}

/** Group commit: whatever is asked for in one turn of the event loop shares one transaction and one fsync. */
export interface GroupQueue {
  /** `apply` judges and changes the group synchronously; its answer is given once the group is durable. */
  enqueue<T>(apply: (group: Group) => T): Promise<T>
  /** Rejects everything not yet answered; answers of a group in flight are never given. The queue stays usable. */
  abort(failure: StoreUnavailable): void
  /** Resolves when nothing waits any more. */
  drain(): Promise<void>
}

interface Operation {
  /** Judges against the group; the answer is kept until the group is durable. */
  readonly apply: (group: Group) => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Bounds the length of one transaction, hence the time the event loop stands still for it. */
export const OPERATIONS_PER_GROUP_MAX = 256
/** Beyond this the caller is told to stop asking; the engine's own limits are far below. */
export const OPERATIONS_WAITING_MAX = 65_536

export function createGroupQueue(deps: GroupQueueDeps): GroupQueue {
  let waiting: Operation[] = []
  let inFlight: Operation[] = []
  let busy = false
  let generation = 0
  let idle: (() => void)[] = []

  const wake = (): void => {
    busy = true
    const mine = generation
    deps.schedule(() => {
      if (mine === generation) flush()
    })
  }
  const flush = (): void => {
    const group = emptyGroup()
    inFlight = waiting.slice(0, OPERATIONS_PER_GROUP_MAX).filter((operation) => judged(operation, group))
    waiting = waiting.slice(OPERATIONS_PER_GROUP_MAX)
    const mine = generation
    if (isEmptyGroup(group)) finish(null, group)
    else
      deps.persist(group, (failure) => {
        if (mine === generation) finish(failure, group)
      })
  }
  const finish = (failure: StoreUnavailable | null, group: Group): void => {
    const answered = inFlight
    inFlight = []
    if (failure === null) deps.settled(group)
    for (const operation of answered) {
      if (failure === null) operation.resolve()
      else operation.reject(failure)
    }
    next()
  }
  const next = (): void => {
    busy = false
    if (waiting.length > 0) {
      wake()
      return
    }
    for (const resolve of idle) resolve()
    idle = []
  }
  return {
    enqueue: (apply) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= OPERATIONS_WAITING_MAX) return reject(new StoreUnavailable('too many commits are waiting'))
        let answer: ReturnType<typeof apply>
        waiting.push({
          apply: (group) => {
            answer = apply(group)
          },
          resolve: () => resolve(answer),
          reject,
        })
        if (!busy) wake()
      }),
    abort: (failure) => {
      const unanswered = [...inFlight, ...waiting]
      inFlight = []
      waiting = []
      generation++
      for (const operation of unanswered) operation.reject(failure)
      next()
    },
    drain: () => (busy ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
  }
}

/** A bug in one batch is its own caller's: the others go on. `apply` throws before it changes the group. */
function judged(operation: Operation, group: Group): boolean {
  try {
    operation.apply(group)
    return true
  } catch (error) {
    operation.reject(error)
    return false
  }
}
