/**
 * A small file beside the database that says how far it had come. Where it is ahead of the database, an older copy was put
 * back. Never part of a commit: it may lag behind, and never runs ahead of what is durable.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { isInMemory } from './settings.ts'

export interface Mark {
  readonly installation: string
  readonly incarnation: number
  /** Store time of a durable write, perhaps not the newest. */
  readonly writtenAtMs: number
}

export interface Marker {
  /** So much time has passed since the last one that the next is due. */
  due(): boolean
  write(mark: Mark): void
}

/** What a copy put back may have lost without being noticed, when it was made so shortly before the end. */
const INTERVAL_MS = 10_000

export function markerOf(path: string): string {
  return `${path}.marker`
}

/** Null: there is none, or none that can be read. */
export function readMark(path: string): Mark | null {
  if (isInMemory(path)) return null
  try {
    const { installation, incarnation, writtenAtMs } = JSON.parse(readFileSync(markerOf(path), 'utf8')) as Partial<Mark>
    if (typeof installation !== 'string' || typeof incarnation !== 'number' || typeof writtenAtMs !== 'number') return null
    return { installation, incarnation, writtenAtMs }
  } catch {
    return null
  }
}

export interface MarkerDeps {
  readonly path: string
  readonly now: () => number
  readonly warn?: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** Does nothing for a store in memory. Without success the marker lags behind, which is told once and harms nothing else. */
export function createMarker({ path, now, warn }: MarkerDeps): Marker {
  if (isInMemory(path)) return { due: () => false, write: () => undefined }
  let markedAt = Number.NEGATIVE_INFINITY
  let told = false
  return {
    due: () => Math.abs(now() - markedAt) >= INTERVAL_MS,
    write: ({ installation, incarnation, writtenAtMs }) => {
      markedAt = now()
      try {
        replace(markerOf(path), JSON.stringify({ installation, incarnation, writtenAtMs }))
      } catch (error) {
        if (!told) warn?.('the marker beside the store cannot be written', { path: markerOf(path), reason: String(error) })
        told = true
      }
    },
  }
}

/** As a whole or not at all, power loss included. */
function replace(path: string, text: string): void {
  const next = `${path}.next`
  const file = openSync(next, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(next, path)
}
