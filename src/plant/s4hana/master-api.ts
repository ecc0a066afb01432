import { amountOf } from '../amount.ts'
import type { Entity } from '../odata/edm.ts'
import type { EntitySet, ODataApi } from '../odata/odata-api.ts'
import { ORDER, ORDER_ITEM, PRODUCT, PRODUCT_PLANT, PRODUCT_QUALITY } from './entity-types.ts'
import { type Erp, localDay } from './erp.ts'
import { plainNumber, text } from './item.ts'
import { keyText, rowsOf, type Sight } from './sight.ts'
import type { ProductRow, PurchaseOrderRow } from './types.ts'

/** Read-only services: products and purchase orders. */

export function productApi(erp: Erp, pageSize: number): ODataApi<Sight> {
  return readOnly('API_PRODUCT_SRV', [products(erp), productPlants(erp), productQuality(erp)], pageSize)
}

export function orderApi(erp: Erp, pageSize: number): ODataApi<Sight> {
  return readOnly('API_PURCHASEORDER_PROCESS_SRV', [orders(erp), ORDER_ITEMS], pageSize)
}

function readOnly(namespace: string, sets: readonly EntitySet<Sight>[], pageSize: number): ODataApi<Sight> {
  return { namespace, sets, functions: [], pageSize, changeSetOperationsMax: 0 }
}

function products(erp: Erp): EntitySet<Sight> {
  const shown = (row: ProductRow): Entity => ({
    Product: row.product,
    ProductType: 'ROH',
    BaseUnit: row.unit,
    IsBatchManagementRequired: row.batchManaged,
    SerialNumberProfile: row.serialProfile,
    QltyMgmtInProcmtIsActive: false,
    ProductOldID: '',
    CreationDate: localDay(erp, row.createdMs),
    LastChangeDate: localDay(erp, row.createdMs),
    LastChangeDateTime: row.createdMs,
  })
  return {
    name: 'A_Product',
    type: PRODUCT,
    list: (sight, required) => rowsOf(sight, { table: 'product', indexed: ['Product'] }, required).map(shown),
    find: (sight, key) => {
      const row = sight.see('product', keyText(key, 'Product').toUpperCase())
      return row === null ? null : shown(row)
    },
    follow: { to_Plant: (sight, product) => plantsOf(erp, sight, text(product, 'Product')) },
  }
}

function plantsOf(erp: Erp, sight: Sight, name: string): readonly Entity[] {
  const row = sight.see('product', name)
  if (row === null) return []
  return Object.keys(erp.site.plants).map((Plant) => ({
    Product: name,
    Plant,
    BaseUnit: row.unit,
    IsBatchManagementRequired: row.batchManaged,
    SerialNumberProfile: row.serialProfile,
    HasPostToInspectionStock: false,
  }))
}

function allPlants(erp: Erp, sight: Sight): readonly Entity[] {
  return sight.keys('product').flatMap((name) => plantsOf(erp, sight, name))
}

function productPlants(erp: Erp): EntitySet<Sight> {
  return {
    name: 'A_ProductPlant',
    type: PRODUCT_PLANT,
    list: (sight) => allPlants(erp, sight),
    find: (sight, key) => plantsOf(erp, sight, keyText(key, 'Product')).find(({ Plant }) => Plant === key['Plant']) ?? null,
    follow: { to_PlantQualityMgmt: (_, entity) => [entity] },
  }
}

function productQuality(erp: Erp): EntitySet<Sight> {
  return {
    name: 'A_ProductPlantQualityMgmt',
    type: PRODUCT_QUALITY,
    list: (sight) => allPlants(erp, sight),
    find: (sight, key) => plantsOf(erp, sight, keyText(key, 'Product')).find(({ Plant }) => Plant === key['Plant']) ?? null,
    follow: {},
  }
}

function orders(erp: Erp): EntitySet<Sight> {
  const shown = (row: PurchaseOrderRow): Entity => ({
    PurchaseOrder: row.number,
    CompanyCode: Object.keys(erp.site.plants)[0] ?? '',
    PurchaseOrderType: 'NB',
    PurchasingProcessingStatus: '05',
    CreatedByUser: row.by,
    CreationDate: localDay(erp, row.createdMs),
    PurchaseOrderDate: localDay(erp, row.createdMs),
    LastChangeDateTime: row.createdMs,
    Supplier: row.supplier,
  })
  return {
    name: 'A_PurchaseOrder',
    type: ORDER,
    list: (sight, required) => rowsOf(sight, { table: 'order', indexed: ['PurchaseOrder'] }, required).map(shown),
    find: (sight, key) => {
      const row = sight.see('order', keyText(key, 'PurchaseOrder'))
      return row === null ? null : shown(row)
    },
    follow: { to_PurchaseOrderItem: (sight, order) => orderItems(sight.see('order', text(order, 'PurchaseOrder'))) },
  }
}

const ORDER_ITEMS: EntitySet<Sight> = {
  name: 'A_PurchaseOrderItem',
  type: ORDER_ITEM,
  list: (sight, required) => rowsOf(sight, { table: 'order', indexed: ['PurchaseOrder'] }, required).flatMap(orderItems),
  find: (sight, key) => {
    const item = plainNumber(keyText(key, 'PurchaseOrderItem'))
    return orderItems(sight.see('order', keyText(key, 'PurchaseOrder'))).find((entity) => entity['PurchaseOrderItem'] === item) ?? null
  },
  follow: {},
}

function orderItems(row: PurchaseOrderRow | null): readonly Entity[] {
  return (row?.items ?? []).map((item) => ({
    PurchaseOrder: row?.number ?? '',
    PurchaseOrderItem: item.item,
    PurchaseOrderItemText: item.material,
    Plant: item.plant,
    StorageLocation: item.storageLocation,
    Material: item.material,
    OrderQuantity: item.quantity,
    PurchaseOrderQuantityUnit: item.unit,
    OverdelivTolrtdLmtRatioInPct: String(item.overdeliveryPercent),
    IsCompletelyDelivered: amountOf(item.received) >= amountOf(item.quantity),
    GoodsReceiptIsExpected: true,
    StockType: item.stockType,
    PurchaseOrderItemCategory: item.specialStock === 'K' ? '2' : '0',
  }))
}
