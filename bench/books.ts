import type { InspectionOrder, InspectionRead, ItemAnswer, MovementOrder, StockRead } from './wire.ts'
import { flowOfKey, flowOfMovement, LOT_QUANTITY, lotOf, lotOfId, quantityOf } from './workload.ts'

/**
 * The targets' own books: what QMS and ERP really hold, by flow number. The verdict of a run (lost, extra, out of order)
 * comes from here and from nowhere else. Pure but for its own arrays; times are passed in.
 */
export interface FlowBook {
  readonly key: string
  readonly reference: string
  readonly createdAt: number
  decided: boolean
  /** Position among the decisions of its lot, from 1; 0 while undecided. */
  rank: number
  movementKey: string
  movementReference: string
  movedAt: string
}

export interface Tally {
  /** Inspections created and movements posted, each flow counted once. */
  created: number
  released: number
  /** Effects beyond one of each kind per flow, or that belong to no flow at all. */
  extra: number
  /** Movements posted before the decision they rest on, or not in the order of their lot's decisions. */
  outOfOrder: number
  /** Inspections of one lot created in another order than their receipts. Told, not judged: each is a record of its own. */
  createdOutOfOrder: number
  /** Calls repeated with the same key: allowed, harmless, counted. */
  repeatedKeys: number
}

export interface Books {
  readonly tally: Tally
  create(order: InspectionOrder, now: number): ItemAnswer
  /** The inspector's decision. False when it was taken before or the flow is unknown. */
  decide(flow: number): boolean
  move(order: MovementOrder, at: string): ItemAnswer
  readInspection(key: string): InspectionRead
  readStock(lot: string): StockRead
  flow(flow: number): FlowBook | undefined
}

interface LotBook {
  decisions: number
  lastRank: number
  lastCreated: number
  readonly moved: number[]
}

export function createBooks(): Books {
  const flows: (FlowBook | undefined)[] = []
  const lots = new Map<number, LotBook>()
  const tally: Tally = { created: 0, released: 0, extra: 0, outOfOrder: 0, createdOutOfOrder: 0, repeatedKeys: 0 }
  const lotBook = (lot: number): LotBook => {
    const known = lots.get(lot)
    if (known !== undefined) return known
    const made: LotBook = { decisions: 0, lastRank: 0, lastCreated: -1, moved: [] }
    lots.set(lot, made)
    return made
  }

  const create = (order: InspectionOrder, now: number): ItemAnswer => {
    const number = flowOfKey(order.key)
    if (number < 0) {
      tally.extra += 1
      return { status: 201, id: 'QI-unknown' }
    }
    const known = flows[number]
    if (known !== undefined) {
      if (known.key === order.key) tally.repeatedKeys += 1
      else tally.extra += 1
      return { status: 200, id: `QI-${number}` }
    }
    flows[number] = {
      key: order.key,
      reference: order.reference,
      createdAt: now,
      decided: false,
      rank: 0,
      movementKey: '',
      movementReference: '',
      movedAt: '',
    }
    tally.created += 1
    const lot = lotBook(lotOf(number))
    if (number < lot.lastCreated) tally.createdOutOfOrder += 1
    lot.lastCreated = number
    return { status: 201, id: `QI-${number}` }
  }

  const move = (order: MovementOrder, at: string): ItemAnswer => {
    const lot = lotOfId(order.lot)
    const number = flowOfMovement(lot, order.quantity)
    const flow = flows[number]
    if (order.from !== 'qualityInspection' || order.to !== 'unrestricted' || flow === undefined) {
      tally.extra += 1
      return { status: 201, id: 'MD-unknown' }
    }
    if (flow.movementKey === order.key) {
      tally.repeatedKeys += 1
      return { status: 200, id: `MD-${number}` }
    }
    if (flow.movementKey !== '') {
      tally.extra += 1
      return { status: 201, id: `MD-${number}-extra` }
    }
    const book = lotBook(lot)
    if (!flow.decided || flow.rank < book.lastRank) tally.outOfOrder += 1
    book.lastRank = Math.max(book.lastRank, flow.rank)
    book.moved.push(number)
    flow.movementKey = order.key
    flow.movementReference = order.reference
    flow.movedAt = at
    tally.released += 1
    return { status: 201, id: `MD-${number}` }
  }

  return {
    tally,
    create,
    move,
    decide(number) {
      const flow = flows[number]
      if (flow === undefined || flow.decided) return false
      const lot = lotBook(lotOf(number))
      lot.decisions += 1
      flow.decided = true
      flow.rank = lot.decisions
      return true
    },
    readInspection(key) {
      const number = flowOfKey(key)
      const flow = flows[number]
      if (flow === undefined || flow.key !== key) return { key, records: [] }
      const record = {
        id: `QI-${number}`,
        version: flow.decided ? 2 : 1,
        status: flow.decided ? ('decided' as const) : ('open' as const),
        reference: flow.reference,
      }
      return { key, records: [record] }
    },
    readStock(id) {
      const lot = lotOfId(id)
      if (lot < 0) return { lot: id, known: false, inspection: '0', documents: [] }
      let inspection = LOT_QUANTITY
      const documents: { number: string; reference: string; quantity: string; at: string }[] = []
      for (const number of lots.get(lot)?.moved ?? []) {
        const flow = flows[number]
        if (flow === undefined) continue
        inspection -= quantityOf(number)
        documents.push({
          number: `MD-${number}`,
          reference: flow.movementReference,
          quantity: String(quantityOf(number)),
          at: flow.movedAt,
        })
      }
      return { lot: id, known: true, inspection: String(inspection), documents }
    },
    flow: (number) => flows[number],
  }
}
