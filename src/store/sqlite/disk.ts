import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export interface Space {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** Watches the space under the store. A full disk wedges SQLite, so intake stops before, and a ballast gives the last breath. */
export interface Disk {
  /** Null: enough. Looks at most once a second. */
  shortage(): string | null
  /** The disk refused a write: gives the ballast back so that holds and outcomes still pass. */
  full(): void
}

const LOW_WATER_BYTES = 256 * 1024 * 1024
const LOW_WATER_SHARE = 0.05
const BALLAST_BYTES = 16 * 1024 * 1024
const BALLAST_SHARE = 0.02
const LOOK_INTERVAL_MS = 1000
const BLOCK = Buffer.alloc(256 * 1024, 0xa5)

export interface DiskDeps {
  readonly path: string
  readonly now: () => number
  readonly space: (path: string) => Space
}

export function createDisk({ path, now, space }: DiskDeps): Disk {
  const ballast = `${path}.ballast`
  const { totalBytes } = space(path)
  const lowWaterBytes = Math.min(LOW_WATER_BYTES, totalBytes * LOW_WATER_SHARE)
  const ballastBytes = Math.floor(Math.min(BALLAST_BYTES, totalBytes * BALLAST_SHARE))
  let lookedAt = Number.NEGATIVE_INFINITY
  let shortage: string | null = null

  const look = (): void => {
    const { freeBytes } = space(path)
    shortage = freeBytes < lowWaterBytes ? `${megabytes(freeBytes)} free under ${path}, low-water mark ${megabytes(lowWaterBytes)}` : null
    if (freeBytes > lowWaterBytes + 2 * ballastBytes) fill(ballast, ballastBytes)
  }
  return {
    shortage: () => {
      if (Math.abs(now() - lookedAt) >= LOOK_INTERVAL_MS) {
        lookedAt = now()
        look()
      }
      return shortage
    },
    full: () => {
      rmSync(ballast, { force: true })
      shortage = `the disk under ${path} is full`
      lookedAt = now()
    },
  }
}

export function spaceUnder(path: string): Space {
  const { bavail, blocks, bsize } = statfsSync(dirname(path))
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

/** Without success there is less reserve, and nothing else is worse. */
function fill(ballast: string, bytes: number): void {
  if ((statSync(ballast, { throwIfNoEntry: false })?.size ?? 0) >= bytes) return
  try {
    const file = openSync(ballast, 'w', 0o600)
    for (let written = 0; written < bytes; ) written += writeSync(file, BLOCK, 0, Math.min(BLOCK.length, bytes - written))
    closeSync(file)
  } catch {
    rmSync(ballast, { force: true })
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`
}
