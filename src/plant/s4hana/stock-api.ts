import type { Entity } from '../odata/edm.ts'
import type { EntitySet, ODataApi } from '../odata/odata-api.ts'
import { MATERIAL_STOCK, STOCK, STOCK_SERIAL } from './entity-types.ts'
import { text } from './item.ts'
import { serialKey } from './serials.ts'
import { keyText, type Required, rowsOf, type Sight } from './sight.ts'
import type { SerialRow, StockRow } from './types.ts'

/** API_MATERIAL_STOCK_SRV: read only. Buckets that became empty stay in the list with quantity 0. */
export function stockApi(pageSize: number): ODataApi<Sight> {
  return {
    namespace: 'API_MATERIAL_STOCK_SRV',
    sets: [MATERIALS, ACCOUNTS, SERIALS],
    functions: [],
    pageSize,
    changeSetOperationsMax: 0,
  }
}

const MATERIALS: EntitySet<Sight> = {
  name: 'A_MaterialStock',
  type: MATERIAL_STOCK,
  list: (sight, required) => {
    const names = new Set(stockRows(sight, required).map(({ Material }) => Material))
    return [...names].map((name) => material(sight, name)).filter((entity) => entity !== null)
  },
  find: (sight, key) => {
    const name = keyText(key, 'Material')
    return sight.where('stock', 'Material', name).length === 0 ? null : material(sight, name)
  },
  follow: { to_MatlStkInAcctMod: (sight, entity) => accountsOf(sight, text(entity, 'Material')) },
}

const ACCOUNTS: EntitySet<Sight> = {
  name: 'A_MatlStkInAcctMod',
  type: STOCK,
  list: (sight, required) => stockRows(sight, required).map((row) => account(sight, row)),
  find: (sight, key) =>
    accountsOf(sight, keyText(key, 'Material')).find((entity) => STOCK.keys.every((name) => text(entity, name) === keyText(key, name))) ??
    null,
  follow: {
    to_MaterialStock: (sight, entity) => [material(sight, text(entity, 'Material'))].filter((found) => found !== null),
    to_MaterialSerialNumber: (sight, entity) => serialsAt(sight, entity),
  },
}

const SERIALS: EntitySet<Sight> = {
  name: 'A_MaterialSerialNumber',
  type: STOCK_SERIAL,
  list: (sight, required) =>
    rowsOf(sight, { table: 'serial', indexed: ['Material'] }, required)
      .filter(({ inStock }) => inStock)
      .map(serial),
  find: (sight, key) => {
    const row = sight.see('serial', serialKey(keyText(key, 'Material'), keyText(key, 'SerialNumber')))
    return row?.inStock === true ? serial(row) : null
  },
  follow: {
    to_MatlStkInAcctMod: (sight, entity) => accountsOf(sight, text(entity, 'Material')).filter((other) => sameAccount(other, entity)),
  },
}

function stockRows(sight: Sight, required: Required): readonly StockRow[] {
  return rowsOf(sight, { table: 'stock', indexed: ['Batch', 'Material'] }, required)
}

function material(sight: Sight, name: string): Entity | null {
  const product = sight.see('product', name)
  return product === null ? null : { Material: name, MaterialBaseUnit: product.unit }
}

function accountsOf(sight: Sight, name: string): readonly Entity[] {
  return sight.where('stock', 'Material', name).flatMap((key) => {
    const row = sight.see('stock', key)
    return row === null ? [] : [account(sight, row)]
  })
}

function account(sight: Sight, { quantity, ...row }: StockRow): Entity {
  const unit = sight.see('product', row.Material)?.unit ?? ''
  return { ...row, WBSElementInternalID: '', MaterialBaseUnit: unit, MatlWrhsStkQtyInMatlBaseUnit: quantity }
}

function serial({ inStock: _, ...row }: SerialRow): Entity {
  return { ...row, Equipment: '' }
}

const PLACE = ['Plant', 'StorageLocation', 'Batch', 'InventoryStockType', 'InventorySpecialStockType']

function sameAccount(left: Entity, right: Entity): boolean {
  return PLACE.every((name) => text(left, name) === text(right, name))
}

function serialsAt(sight: Sight, entity: Entity): readonly Entity[] {
  return sight
    .where('serial', 'Material', text(entity, 'Material'))
    .flatMap((key) => sight.see('serial', key) ?? [])
    .filter((row) => row.inStock && sameAccount(serial(row), entity))
    .map(serial)
}
