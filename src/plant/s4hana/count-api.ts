import { formatAmount } from '../amount.ts'
import type { Entity } from '../odata/edm.ts'
import type { EntitySet, FunctionImport, ODataApi } from '../odata/odata-api.ts'
import { countKey, enterCount, openCount, postDifferences } from './counts.ts'
import { COUNT, COUNT_ITEM } from './entity-types.ts'
import { type Erp, localDay } from './erp.ts'
import { inBaseUnit, plainNumber, text, upper } from './item.ts'
import { refusal } from './messages.ts'
import { keyText, rowsOf, type Sight } from './sight.ts'
import type { CountItemRow, CountRow } from './types.ts'

/** API_PHYSICAL_INVENTORY_DOC_SRV: a count is opened, counted item by item, and its differences are posted. */
export function countApi(erp: Erp, pageSize: number): ODataApi<Sight> {
  return {
    namespace: 'API_PHYSICAL_INVENTORY_DOC_SRV',
    sets: [counts(erp), countItemSet(erp)],
    functions: [posting(erp)],
    pageSize,
    changeSetOperationsMax: 100,
  }
}

function headerOf(erp: Erp, row: CountRow): Entity {
  return {
    FiscalYear: row.year,
    PhysicalInventoryDocument: row.number,
    InventoryTransactionType: 'IB',
    Plant: row.plant,
    StorageLocation: row.storageLocation,
    DocumentDate: localDay(erp, row.createdMs),
    CreatedByUser: row.by,
    PostingIsBlockedForPhysInvtry: row.blocksPostings,
    PhysicalInventoryCountStatus: row.items.every(({ posted }) => posted) ? 'X' : '',
    PhysInvtryAdjustmentPostingSts: row.items.every(({ posted }) => posted) ? 'X' : '',
    LastChangeDateTime: row.createdMs,
  }
}

function counts(erp: Erp): EntitySet<Sight> {
  const shown = (row: CountRow): Entity => headerOf(erp, row)
  return {
    name: 'A_PhysInventoryDocHeader',
    type: COUNT,
    list: (sight, required) => rowsOf(sight, { table: 'count', indexed: [] }, required).map(shown),
    find: (sight, key) => {
      const row = countOf(sight, key)
      return row === null ? null : shown(row)
    },
    create: (sight, input) => create(erp, sight, input),
    follow: { to_PhysicalInventoryDocumentItem: (sight, count) => countItems(countOf(sight, count)) },
  }
}

function countOf(sight: Sight, key: Entity): CountRow | null {
  return sight.see('count', countKey({ year: keyText(key, 'FiscalYear'), number: keyText(key, 'PhysicalInventoryDocument') }))
}

function countItemSet(erp: Erp): EntitySet<Sight> {
  return {
    name: 'A_PhysInventoryDocItem',
    type: COUNT_ITEM,
    list: (sight, required) => rowsOf(sight, { table: 'count', indexed: [] }, required).flatMap(countItems),
    find: (sight, key) => {
      const item = plainNumber(keyText(key, 'PhysicalInventoryDocumentItem'))
      return countItems(countOf(sight, key)).find((entity) => entity['PhysicalInventoryDocumentItem'] === item) ?? null
    },
    update: (_, current, change) => enter(erp, current, change),
    follow: {},
  }
}

function countItems(row: CountRow | null): readonly Entity[] {
  return (row?.items ?? []).map((item) => ({
    FiscalYear: row?.year ?? '',
    PhysicalInventoryDocument: row?.number ?? '',
    PhysicalInventoryDocumentItem: item.item,
    Plant: row?.plant ?? '',
    StorageLocation: row?.storageLocation ?? '',
    Material: item.material,
    Batch: item.batch,
    PhysicalInventoryStockType: item.stockType,
    PhysicalInventoryItemIsCounted: item.counted !== null,
    PhysInvtryDifferenceIsPosted: item.posted,
    BookQtyBfrCountInMatlBaseUnit: item.book,
    Quantity: item.counted ?? '0',
    MaterialDocument: item.document,
  }))
}

function create(erp: Erp, sight: Sight, input: Entity): Entity {
  const given = (input['to_PhysicalInventoryDocumentItem'] ?? []) as readonly Entity[]
  const row = openCount(erp, {
    plant: text(input, 'Plant'),
    storageLocation: text(input, 'StorageLocation'),
    blocksPostings: input['PostingIsBlockedForPhysInvtry'] === true,
    by: sight.by,
    items: given.map((item) => ({
      material: upper(item, 'Material'),
      batch: upper(item, 'Batch'),
      stockType: (text(item, 'PhysicalInventoryStockType') || '1') as CountItemRow['stockType'],
    })),
  })
  return { ...headerOf(erp, row), to_PhysicalInventoryDocumentItem: countItems(row) }
}

function enter(erp: Erp, current: Entity, change: Entity): void {
  const product = erp.tables.get('product', text(current, 'Material'))
  const quantity = text(change, 'QuantityInUnitOfEntry') || text(change, 'Quantity')
  const zero = change['PhysicalInventoryItemIsZero'] === true
  const counted = product === null ? null : inBaseUnit(product, text(change, 'UnitOfEntry') || product.unit, zero ? '0' : quantity)
  if (counted === null || counted < 0n) throw refusal('quantityInvalid', text(current, 'PhysicalInventoryDocumentItem'))
  const key = { year: text(current, 'FiscalYear'), number: text(current, 'PhysicalInventoryDocument') }
  enterCount(erp, key, { [text(current, 'PhysicalInventoryDocumentItem')]: formatAmount(counted) })
}

function posting(erp: Erp): FunctionImport<Sight> {
  return {
    name: 'PostDifferences',
    parameters: { FiscalYear: 'String', PhysicalInventoryDocument: 'String', PostingDate: 'DateTime' },
    optional: ['PostingDate'],
    set: 'A_PhysInventoryDocHeader',
    call: (sight, values) => {
      const key = { year: keyText(values, 'FiscalYear'), number: keyText(values, 'PhysicalInventoryDocument') }
      return headerOf(erp, postDifferences(erp, key, sight.by))
    },
  }
}
