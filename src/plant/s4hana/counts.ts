import { formatAmount, parseAmount } from '../amount.ts'
import { type Erp, localDay, nextNumber } from './erp.ts'
import { refusal } from './messages.ts'
import { COUNT_TYPES } from './movement-types.ts'
import { post } from './postings.ts'
import { bucketsOf } from './stock.ts'
import type { CountItemRow, CountRow } from './types.ts'

export interface CountInput {
  readonly plant: string
  readonly storageLocation: string
  readonly material: string
  readonly batch?: string
  readonly by: string
  /** Default: yes. Nothing of what is counted moves until the differences are posted. */
  readonly blocksPostings?: boolean
}

const STOCK_OF: readonly (readonly [CountItemRow['stockType'], string])[] = [
  ['1', '01'],
  ['2', '02'],
  ['4', '07'],
]

export function countKey({ year, number }: { readonly year: string; readonly number: string }): string {
  return `${year}|${number}`
}

/** Opens a physical inventory document over everything of the material, or the batch, in one place. */
export function openCount(erp: Erp, input: CountInput): CountRow {
  const found = bucketsOf(erp, input.material, input.batch ?? null).filter(
    (row) => row.Plant === input.plant && row.StorageLocation === input.storageLocation,
  )
  const items = found.flatMap((row) => {
    const stockType = STOCK_OF.find(([, stock]) => stock === row.InventoryStockType)?.[0]
    return stockType === undefined ? [] : [{ material: row.Material, batch: row.Batch, stockType, book: row.quantity }]
  })
  if (items.length === 0) throw refusal('materialUnknown', input.material)
  const count: CountRow = {
    year: new Date(localDay(erp)).toISOString().slice(0, 4),
    number: nextNumber(erp, 'count', 100_000_000).padStart(10, '0'),
    plant: input.plant,
    storageLocation: input.storageLocation,
    blocksPostings: input.blocksPostings ?? true,
    by: input.by,
    createdMs: erp.runtime.clock.wallNow(),
    items: items.map((item, index) => ({ ...item, item: String(index + 1), counted: null, document: '', posted: false })),
  }
  erp.tables.put('count', countKey(count), count)
  return count
}

export interface CountedInput {
  readonly year: string
  readonly number: string
  readonly by: string
  /** Counted quantity by item; what is not named was found as booked. */
  readonly counted: Readonly<Record<string, string>>
}

/** Enters what was counted and posts the differences. That ends the count, and postings go on. */
export function closeCount(erp: Erp, input: CountedInput): CountRow {
  const count = erp.tables.get('count', countKey(input))
  if (count === null) throw refusal('countUnknown', input.number, input.year)
  if (count.items.every(({ posted }) => posted)) throw refusal('countPosted', input.number, input.year)
  const closed: CountRow = {
    ...count,
    items: count.items.map((item) => ({ ...item, counted: input.counted[item.item] ?? item.book, posted: true })),
  }
  erp.tables.put('count', countKey(input), closed)
  const items = closed.items.map((item) => ({ ...item, document: postDifference(erp, closed, { item, by: input.by }) }))
  const posted: CountRow = { ...closed, items }
  erp.tables.put('count', countKey(input), posted)
  return posted
}

/** Number of the document; blank where there is no difference. */
function postDifference(erp: Erp, count: CountRow, { item, by }: { item: CountItemRow; by: string }): string {
  const difference = (parseAmount(item.counted) ?? 0n) - (parseAmount(item.book) ?? 0n)
  const types = COUNT_TYPES[item.stockType]
  if (difference === 0n || types === undefined) return ''
  const { number } = post(erp, {
    header: { GoodsMovementCode: '03', ReferenceDocument: count.number },
    items: [
      {
        GoodsMovementType: difference > 0n ? types.more : types.less,
        Material: item.material,
        Batch: item.batch,
        Plant: count.plant,
        StorageLocation: count.storageLocation,
        QuantityInEntryUnit: formatAmount(difference > 0n ? difference : -difference),
      },
    ],
    by,
    arrivedMs: erp.runtime.clock.wallNow(),
    system: true,
  })
  return number
}
