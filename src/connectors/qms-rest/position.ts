/**
 * How far the changes have been read, by the QMS's own timestamps. Those have whole seconds and may be shown late, so
 * a pass over the changes begins again some way behind the newest that was seen, and what came before is left out.
 * Nothing here reads a clock. The text form is the cursor: all that is known after a crash.
 */
export interface Position {
  /** Everything that was stamped before it has been taken in. */
  readonly since: string
  /** Where this pass stands; null: at its start. */
  readonly token: string | null
  /** Hub time when this pass began, and the newest stamp seen in it; null: nothing yet. */
  readonly beganMs: number | null
  readonly newest: string | null
  /** What was seen near the end: record, version, stamp. It would only come again. */
  readonly seen: readonly Seen[]
}

export type Seen = readonly [record: string, version: string, stamp: string]

export interface PageSeen {
  readonly items: readonly Seen[]
  readonly next: string | null
  readonly readMs: number
}

const SEEN_MAX = 1_000
const START: Position = { since: '1970-01-01T00:00:00Z', token: null, beganMs: null, newest: null, seen: [] }

/** A cursor that says nothing to us is that of somebody else: from the beginning. */
export function parsePosition(cursor: string | null): Position {
  if (cursor === null) return START
  try {
    const given: unknown = JSON.parse(cursor)
    return isPosition(given) ? given : START
  } catch {
    return START
  }
}

function isPosition(given: unknown): given is Position {
  if (typeof given !== 'object' || given === null) return false
  const { since, token, beganMs, newest, seen } = given as Record<keyof Position, unknown>
  const isText = (value: unknown): boolean => value === null || typeof value === 'string'
  if (stampMs(since) === null || !isText(token) || !isText(newest)) return false
  return (beganMs === null || Number.isFinite(beganMs)) && Array.isArray(seen) && seen.every((one) => Array.isArray(one))
}

/** The same pass once more, from where it began. */
export function restarted(position: Position): Position {
  return { ...position, token: null, beganMs: null, newest: null }
}

export function isKnown(position: Position, [record, version]: Seen): boolean {
  return position.seen.some(([other, known]) => other === record && known === version)
}

/**
 * After one page. What this page could not show yet, because it was stamped within the overlap before the page was
 * read, must lie behind the start of the next pass. The pass may have lasted long, and what it saw last is then much
 * newer than what its first page could not show: so the time it lasted is taken off as well.
 */
export function advanced(position: Position, page: PageSeen, overlapMs: number): Position {
  const beganMs = position.beganMs ?? page.readMs
  const newest = page.items.reduce<string | null>((latest, [, , stamp]) => later(latest, stamp), position.newest)
  const lastedMs = Math.max(0, page.readMs - beganMs)
  // A stamp from the future must not carry us past what is stamped correctly.
  const newestMs = newest === null ? null : Math.min(stampMs(newest) ?? 0, page.readMs)
  const since =
    newestMs === null ? position.since : (later(position.since, wholeSeconds(newestMs - overlapMs - lastedMs)) ?? position.since)
  const seen = remembered(position, page, since)
  if (page.next !== null) return { since: position.since, token: page.next, beganMs, newest, seen }
  return { since, token: null, beganMs: null, newest: null, seen }
}

/** Of each record the version seen last, as far as it can come again; the newest by stamp where they are too many. */
function remembered({ seen }: Position, { items }: PageSeen, since: string): readonly Seen[] {
  const latest = new Map([...seen, ...items].map((one): [string, Seen] => [one[0], one]))
  const near = [...latest.values()].filter(([, , stamp]) => stamp >= since)
  return near.sort((one, other) => compare(one[2], other[2]) || compare(one[0], other[0])).slice(-SEEN_MAX)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function later(one: string | null, other: string): string | null {
  return one === null || (stampMs(other) ?? 0) > (stampMs(one) ?? 0) ? other : one
}

export function stampMs(stamp: unknown): number | null {
  const ms = typeof stamp === 'string' ? Date.parse(stamp) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}

/** Rounded down: the second as a whole comes again. */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
