import { type StoreHealth, StoreUnavailable } from '../store.ts'
import { createDisk, type Space, spaceUnder } from './disk.ts'
import { isInMemory, resultCode } from './settings.ts'

export interface GuardDeps {
  readonly path: string
  readonly now: () => number
  readonly space?: ((path: string) => Space) | undefined
  readonly onFailed?: ((detail: string) => void) | undefined
}

/** Decides whether the store may still be used. */
export interface Guard {
  check(): void
  /** What SQLite throws becomes StoreUnavailable. */
  answer<T>(work: () => T): T
  read<T>(work: () => T): Promise<T>
  /** Null, or why the work could not be done. An error of the disk is final: what it left behind is not known. */
  attempt(work: () => void): StoreUnavailable | null
  health(): StoreHealth
  /** False when it was closed before. */
  close(): boolean
  usable(): boolean
}

export function createGuard({ path, now, space = spaceUnder, onFailed }: GuardDeps): Guard {
  const disk = isInMemory(path) ? null : createDisk({ path, now, space })
  let closed = false
  let failed: string | null = null
  const check = (): void => {
    if (failed !== null) throw new StoreUnavailable(failed)
    if (closed) throw new StoreUnavailable('the store is closed')
  }
  const answer = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw resultCode(error) === null ? error : new StoreUnavailable(`${path} cannot be read`, { cause: error })
    }
  }
  const attempt = (work: () => void): StoreUnavailable | null => {
    if (failed !== null) return new StoreUnavailable(failed)
    try {
      work()
      return null
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      if (resultCode(error) === SQLITE_FULL) {
        disk?.full()
        return new StoreUnavailable(`nothing was written: ${detail}`, { cause: error })
      }
      failed = `${path} failed (${detail}); stop, look at the disk and start again: nothing acknowledged is lost`
      onFailed?.(failed)
      return new StoreUnavailable(failed, { cause: error })
    }
  }
  return {
    check,
    attempt,
    answer,
    read: async (work) => {
      check()
      return answer(work)
    },
    health: () => {
      if (failed !== null) return { ok: false, code: 'store.failed', detail: failed }
      const shortage = disk?.shortage() ?? null
      return shortage === null ? { ok: true } : { ok: false, code: 'disk.low', detail: shortage }
    },
    close: () => {
      if (closed) return false
      closed = true
      return true
    },
    usable: () => failed === null,
  }
}

const SQLITE_FULL = 13
