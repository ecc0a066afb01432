import type { Runtime } from '../../runtime.ts'
import { type Amount, formatAmount, parseAmount } from '../amount.ts'
import type { Counting } from '../counting.ts'
import type { Notices } from '../notices.ts'
import type { Execution, WriteItem, WriteResource } from '../write-items.ts'
import { type ItemResult, marksOf } from '../write-protection.ts'
import { isStockCode, nativePlace, parsePlace } from './native.ts'
import type { Lot, Stock } from './stock.ts'
import type { Place, StockCode, StockDocument } from './types.ts'

/** The items of `POST /movements`: stock postings, and restrictions of a whole lot and their end. */
export type MovementItem = WriteItem & { readonly lot: string } & (
    | {
        readonly type: 'posting'
        readonly from: Place
        readonly to: StockCode
        readonly amount: Amount
        readonly unit: string
        readonly text: string
      }
    | { readonly type: 'restriction' | 'restrictionEnd' }
  )

export interface MovementDeps {
  readonly runtime: Runtime
  readonly stock: Stock
  readonly notices: Notices
  readonly counting: Counting
  readonly periodClosed: () => boolean
  readonly nextNumber: () => string
}

/** The user that calls of the interface are booked under. */
export const INTERFACE_USER = 'INTERFACE'

export function createMovements(deps: MovementDeps): WriteResource<MovementItem> {
  return {
    parse: parseItem,
    subject: (item) => item.lot,
    revision: (item) => {
      const lot = deps.stock.lot(item.lot)
      return lot === undefined ? null : String(lot.revision)
    },
    obstacle: (item) => {
      const lot = deps.stock.lot(item.lot)
      if (lot === undefined) return { status: 422, code: 'LOT_UNKNOWN', message: `lot ${item.lot} does not exist` }
      return obstacleOf(deps, lot, item)
    },
    nextNumber: (item) => (item.type === 'posting' ? deps.nextNumber() : item.lot),
    execute: (execution) => {
      const lot = deps.stock.lot(execution.item.lot)
      if (lot !== undefined) execute(deps, lot, execution)
    },
  }
}

/** Some obstacles are final, some go away. A restriction is a master data change: neither lock nor period stops it. */
function obstacleOf(deps: MovementDeps, lot: Lot, item: MovementItem): ItemResult | null {
  if (item.type !== 'posting') {
    const asWanted = (lot.restriction !== null) === (item.type === 'restriction')
    return asWanted ? { status: 200, code: 'ALREADY_SO', number: lot.lot } : null
  }
  if (item.unit !== lot.unit) return { status: 422, code: 'UNIT_WRONG', message: `${lot.lot} is kept in ${lot.unit}` }
  const lockedMs = lot.lockedUntilMs - deps.runtime.clock.monoNow()
  if (lockedMs > 0) return { status: 423, code: 'LOT_LOCKED', message: 'edited by another user', retryAfterMs: lockedMs }
  if (deps.periodClosed()) return { status: 422, code: 'PERIOD_CLOSED', message: 'posting period is closed' }
  const available = deps.stock.available(lot, item.from)
  if (available >= item.amount) return null
  return { status: 422, code: 'STOCK_DEFICIT', message: `only ${formatAmount(available)} ${lot.unit} there` }
}

function execute(deps: MovementDeps, lot: Lot, execution: Execution<MovementItem>): void {
  const { item, stored, arrivedMs } = execution
  deps.counting.effect({ reference: item.reference, subject: lot.lot, effect: item.type, arrivedMs })
  if (item.type !== 'posting') {
    const at = new Date(deps.runtime.clock.wallNow()).toISOString()
    deps.stock.restrict(lot, item.type === 'restriction' ? { reference: stored, by: INTERFACE_USER, at } : null)
    return
  }
  const document = deps.stock.post({
    lot,
    number: execution.number,
    kind: 'posting',
    from: item.from,
    to: { ...item.from, stock: item.to },
    amount: item.amount,
    by: INTERFACE_USER,
    text: item.text,
    reference: stored,
    causedBy: item.reference,
    arrivedMs,
  })
  announceMovement(deps.notices, lot, document)
}

export function announceMovement(notices: Notices, lot: Lot, document: StockDocument): void {
  notices.publish('countingErp.movement.posted', document.number, {
    kind: 'movement',
    number: document.number,
    lot: lot.lot,
    material: lot.material,
    batch: lot.batch,
    reference: document.reference,
    from: nativePlace(document.from),
    to: nativePlace(document.to),
    quantity: formatAmount(document.amount),
    unit: lot.unit,
    postedBy: document.by,
    postedAt: document.at,
    reverses: document.reverses,
  })
}

/** The field in the movement document that holds a caller's reference. */
const REFERENCE_LENGTH_MAX = 16

function parseItem(raw: unknown): MovementItem | null {
  if (typeof raw !== 'object' || raw === null) return null
  const fields = raw as Record<string, unknown>
  const { type, lot, reference, to, unit, text } = fields
  if (typeof lot !== 'string' || typeof reference !== 'string' || reference.length > REFERENCE_LENGTH_MAX) return null
  const base = { lot, reference, ...marksOf(fields) }
  if (type === 'restriction' || type === 'restrictionEnd') return { ...base, type }
  const from = parsePlace(fields['from'])
  const amount = parseAmount(fields['quantity'])
  if (type !== 'posting' || from === null || amount === null || amount <= 0n) return null
  if (!isStockCode(to) || to === from.stock || typeof unit !== 'string') return null
  return { ...base, type, from, to, amount, unit, text: typeof text === 'string' ? text : '' }
}
