import type { Received } from './server.ts'

export const PAGE_MAX = 1_000
const PAGE_DEFAULT = 100

/** The `limit` of a request within what the system allows. */
export function limitOf(received: Received): number {
  const limit = Number(received.query['limit'] ?? PAGE_DEFAULT)
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, PAGE_MAX) : PAGE_DEFAULT
}

/** The page of ascending keys after `after`, and the last key when there is more. */
export function pageOf(
  keys: readonly string[],
  after: string,
  limit: number,
): { readonly page: readonly string[]; readonly next: string | null } {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] ?? '') > after) high = middle
    else low = middle + 1
  }
  const page = keys.slice(low, low + limit)
  return { page, next: low + limit < keys.length ? (page.at(-1) ?? null) : null }
}
