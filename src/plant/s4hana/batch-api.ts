import type { Entity } from '../odata/edm.ts'
import type { EntitySet, ODataApi } from '../odata/odata-api.ts'
import { batchKey, batchOf, changeBatch, checkBatchLock, openBatch } from './batches.ts'
import { BATCH } from './entity-types.ts'
import type { Erp } from './erp.ts'
import { text, upper } from './item.ts'
import { refusal } from './messages.ts'
import { restrictBatch } from './postings.ts'
import { keyText, rowsOf, type Sight } from './sight.ts'
import type { BatchRow } from './types.ts'
import type { UpdateTask } from './update-task.ts'

export interface BatchApiDeps {
  readonly erp: Erp
  readonly task: UpdateTask
  readonly pageSize: number
}

/** API_BATCH_SRV: the batch master. Batches are unique per material, so `BatchIdentifyingPlant` is always blank. */
export function batchApi(deps: BatchApiDeps): ODataApi<Sight> {
  return { namespace: 'API_BATCH_SRV', sets: [batches(deps)], functions: [], pageSize: deps.pageSize, changeSetOperationsMax: 100 }
}

function batches(deps: BatchApiDeps): EntitySet<Sight> {
  return {
    name: 'Batch',
    type: BATCH,
    list: (sight, required) => rowsOf(sight, { table: 'batch', indexed: ['Batch', 'Material'] }, required).map(entityOf),
    find: (sight, key) => {
      const row = sight.see('batch', batchKey(keyText(key, 'Material').toUpperCase(), keyText(key, 'Batch').toUpperCase()))
      return row === null || keyText(key, 'BatchIdentifyingPlant') !== '' ? null : entityOf(row)
    },
    create: (_, input) => create(deps.erp, input),
    update: (sight, current, change) => update(deps, sight, { current, change }),
    follow: {},
  }
}

function create(erp: Erp, input: Entity): Entity {
  const key = { Material: upper(input, 'Material'), Batch: upper(input, 'Batch') }
  const product = erp.tables.get('product', key.Material)
  if (product === null) throw refusal('materialUnknown', key.Material)
  if (!product.batchManaged) throw refusal('batchNotManaged', key.Material)
  if (key.Batch === '') throw refusal('batchMissing', key.Material)
  if (batchOf(erp, key) !== null) throw refusal('batchExists', key.Batch, key.Material)
  return entityOf(openBatch(erp, key, { ...changeOf(input), restricted: input['MatlBatchIsInRstrcdUseStock'] === true }))
}

function update(deps: BatchApiDeps, sight: Sight, { current, change }: { current: Entity; change: Entity }): void {
  const row = deps.erp.tables.get('batch', batchKey(text(current, 'Material'), text(current, 'Batch')))
  if (row === null) return
  checkBatchLock(deps.erp, row, sight.by)
  const restricted = change['MatlBatchIsInRstrcdUseStock']
  const changed = Object.keys(change).some((name) => name !== 'MatlBatchIsInRstrcdUseStock')
  const after = changed ? changeBatch(deps.erp, row, changeOf(change)) : row
  if (typeof restricted === 'boolean' && restricted !== after.restricted) restrictBatch(deps.erp, after, { restricted, by: sight.by })
  deps.task.hand(null)
}

function changeOf(input: Entity): Partial<BatchRow> {
  const day = (name: string): number | null => (typeof input[name] === 'number' ? input[name] : null)
  return {
    ...('Supplier' in input ? { supplier: text(input, 'Supplier') } : {}),
    ...('BatchBySupplier' in input ? { supplierBatch: text(input, 'BatchBySupplier') } : {}),
    ...('CountryOfOrigin' in input ? { origin: text(input, 'CountryOfOrigin') } : {}),
    ...('BatchIsMarkedForDeletion' in input ? { deletion: input['BatchIsMarkedForDeletion'] === true } : {}),
    ...('ShelfLifeExpirationDate' in input ? { expiresMs: day('ShelfLifeExpirationDate') } : {}),
    ...('ManufactureDate' in input ? { madeMs: day('ManufactureDate') } : {}),
  }
}

function entityOf(row: BatchRow): Entity {
  return {
    Material: row.material,
    BatchIdentifyingPlant: '',
    Batch: row.batch,
    BatchIsMarkedForDeletion: row.deletion,
    MatlBatchIsInRstrcdUseStock: row.restricted,
    Supplier: row.supplier,
    BatchBySupplier: row.supplierBatch,
    CountryOfOrigin: row.origin,
    ShelfLifeExpirationDate: row.expiresMs,
    ManufactureDate: row.madeMs,
    LastGoodsReceiptDate: row.receivedMs,
    CreationDateTime: row.createdMs,
    LastChangeDateTime: row.changedMs,
  }
}
