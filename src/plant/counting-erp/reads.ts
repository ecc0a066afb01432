import type { Runtime } from '../../runtime.ts'
import type { Disturber } from '../disturbances.ts'
import { limitOf, PAGE_MAX, pageOf } from '../paging.ts'
import type { Received, Reply } from '../server.ts'
import { type LotView, nativeLot } from './native.ts'
import type { Lot, Stock } from './stock.ts'

/** `POST /lots/read` and `GET /lots`: lots as they were a read lag ago. */
export interface ReadDeps {
  readonly runtime: Runtime
  readonly disturber: Disturber
  readonly stock: Stock
}

export function readLots(deps: ReadDeps): (received: Received) => Reply {
  return (received) => {
    const lots = (received.body as { lots?: unknown } | null)?.lots
    if (!Array.isArray(lots) || lots.length > PAGE_MAX) return { status: 400, body: { code: 'LOTS_INVALID' } }
    return { status: 200, body: { lots: lots.map((key) => showLot(deps, String(key))) } }
  }
}

function showLot(deps: ReadDeps, key: string): unknown {
  const lot = deps.stock.lot(key)
  const version = lot?.history.at(deps.runtime.clock.monoNow() - deps.disturber.readLagMs()) ?? null
  if (lot === undefined || version === null) return { lot: key, known: false, etag: 'none', restricted: null, buckets: [], documents: [] }
  return nativeLot(deps.stock, lot, version)
}

/** Pages by lot key. Every page is read at its own moment, and a torn one mixes moments within a lot. */
export function sweepLots(deps: ReadDeps): (received: Received) => Reply {
  return (received) => {
    const { page, next } = pageOf(deps.stock.sortedLots(), received.query['after'] ?? '', limitOf(received))
    const torn = deps.disturber.tears()
    const shown = page.flatMap((key) => {
      const lot = deps.stock.lot(key)
      const view = lot === undefined ? null : sweepView(deps, lot, torn)
      return lot === undefined || view === null ? [] : [nativeLot(deps.stock, lot, view)]
    })
    return { status: 200, body: { lots: shown, next } }
  }
}

function sweepView(deps: ReadDeps, lot: Lot, torn: boolean): LotView | null {
  const nowMs = deps.runtime.clock.monoNow() - deps.disturber.readLagMs()
  const version = lot.history.at(nowMs)
  if (version === null || !torn) return version
  const earlier = (): LotView => lot.history.at(nowMs - deps.disturber.tornMs()) ?? version
  const places = [earlier(), version, earlier()]
  const buckets = new Map(
    places.flatMap((view) =>
      view.buckets.map((bucket) => [`${bucket.storageLocation}|${bucket.carrier}|${bucket.stock}|${bucket.owner}`, bucket] as const),
    ),
  )
  return { buckets: [...buckets.values()], documents: earlier().documents, restriction: earlier().restriction, revision: version.revision }
}
