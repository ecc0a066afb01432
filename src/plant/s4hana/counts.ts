import { formatAmount, parseAmount } from '../amount.ts'
import { type Erp, localDay, nextNumber } from './erp.ts'
import { refusal } from './messages.ts'
import { COUNT_TYPES } from './movement-types.ts'
import { post } from './postings.ts'
import { bucketsOf } from './stock.ts'
import type { CountItemRow, CountRow, StockRow } from './types.ts'

export interface CountInput {
  readonly plant: string
  readonly storageLocation: string
  /** While yes, nothing of what is counted moves until the differences are posted. */
  readonly blocksPostings: boolean
  readonly by: string
  readonly items: readonly Pick<CountItemRow, 'material' | 'batch' | 'stockType'>[]
}

export interface CountKey {
  readonly year: string
  readonly number: string
}

const STOCK_OF: Readonly<Record<CountItemRow['stockType'], string>> = { '1': '01', '2': '02', '4': '07' }

export function countKey({ year, number }: CountKey): string {
  return `${year}|${number}`
}

/** Opens a physical inventory document; what the books say is kept with each item. */
export function openCount(erp: Erp, input: CountInput): CountRow {
  const items = input.items.map((item, index): CountItemRow => {
    const stock = STOCK_OF[item.stockType]
    const bucket = bucketsIn(erp, input, item).find((row) => row.InventoryStockType === stock)
    if (bucket === undefined) throw refusal('nothingToCount', item.material, item.batch, input.storageLocation)
    return { ...item, item: String(index + 1), book: bucket.quantity, counted: null, document: '', posted: false }
  })
  if (items.length === 0) throw refusal('noItems')
  const { plant, storageLocation, blocksPostings, by } = input
  const count: CountRow = {
    year: new Date(localDay(erp)).toISOString().slice(0, 4),
    number: nextNumber(erp, 'count', 100_000_000).padStart(10, '0'),
    plant,
    storageLocation,
    blocksPostings,
    by,
    createdMs: erp.runtime.clock.wallNow(),
    items,
  }
  erp.tables.put('count', countKey(count), count)
  return count
}

type Place = Pick<CountInput, 'plant' | 'storageLocation'>

function bucketsIn(
  erp: Erp,
  { plant, storageLocation }: Place,
  { material, batch }: { material: string; batch: string | null },
): readonly StockRow[] {
  return bucketsOf(erp, material, batch).filter((row) => row.Plant === plant && row.StorageLocation === storageLocation)
}

/** Everything countable of a material, or of one batch of it, in one place. */
export function countable(erp: Erp, place: Place, what: { readonly material: string; readonly batch: string | null }): CountInput['items'] {
  return bucketsIn(erp, place, what).flatMap((row) => {
    const found = Object.entries(STOCK_OF).find(([, stock]) => stock === row.InventoryStockType)
    return found === undefined ? [] : [{ material: row.Material, batch: row.Batch, stockType: found[0] as CountItemRow['stockType'] }]
  })
}

/** Quantities by item, in base units. */
export function enterCount(erp: Erp, key: CountKey, counted: Readonly<Record<string, string>>): CountRow {
  const count = openCountOf(erp, key)
  const row: CountRow = { ...count, items: count.items.map((item) => ({ ...item, counted: counted[item.item] ?? item.counted })) }
  erp.tables.put('count', countKey(key), row)
  return row
}

/** Posts what was found to differ. That ends the count, and postings go on. */
export function postDifferences(erp: Erp, key: CountKey, by: string): CountRow {
  const count = openCountOf(erp, key)
  const open = count.items.find(({ counted }) => counted === null)
  if (open !== undefined) throw refusal('notCounted', open.item, count.number)
  const items = count.items.map((item) => ({ ...item, posted: true, document: postDifference(erp, count, { item, by }) }))
  const row: CountRow = { ...count, items }
  erp.tables.put('count', countKey(key), row)
  return row
}

function openCountOf(erp: Erp, key: CountKey): CountRow {
  const count = erp.tables.get('count', countKey(key))
  if (count === null) throw refusal('countUnknown', key.number, key.year)
  if (count.items.every(({ posted }) => posted)) throw refusal('countPosted', key.number, key.year)
  return count
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
