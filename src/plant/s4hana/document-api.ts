import type { Entity, Value } from '../odata/edm.ts'
import type { EntitySet, FunctionImport, ODataApi } from '../odata/odata-api.ts'
import { HEADER, ITEM, ITEM_SERIAL } from './entity-types.ts'
import type { Erp } from './erp.ts'
import { plainNumber, text } from './item.ts'
import { documentKey, post } from './postings.ts'
import { reverse } from './reversals.ts'
import { keyText, type Required, rowsOf, type Sight } from './sight.ts'
import type { Trail } from './trail.ts'
import type { DocumentRow } from './types.ts'
import type { UpdateTask } from './update-task.ts'

export interface DocumentApiDeps {
  readonly erp: Erp
  readonly task: UpdateTask
  readonly trail: Trail
  readonly pageSize: number
  readonly changeSetOperationsMax: number
}

/** API_MATERIAL_DOCUMENT_SRV: documents are created and taken back, never changed. */
export function documentApi(deps: DocumentApiDeps): ODataApi<Sight> {
  return {
    namespace: 'API_MATERIAL_DOCUMENT_SRV',
    sets: [headers(deps), ITEMS, SERIALS],
    functions: [cancel(deps), cancelItem(deps)],
    pageSize: deps.pageSize,
    changeSetOperationsMax: deps.changeSetOperationsMax,
  }
}

const INDEXED = ['ReferenceDocument', 'MaterialDocument', 'PurchaseOrder', 'Batch', 'Material']

function documents(sight: Sight, required: Required): readonly DocumentRow[] {
  return rowsOf(sight, { table: 'document', indexed: INDEXED }, required)
}

function document(sight: Sight, key: Entity): DocumentRow | null {
  return sight.see('document', documentKey({ year: keyText(key, 'MaterialDocumentYear'), number: keyText(key, 'MaterialDocument') }))
}

function headers(deps: DocumentApiDeps): EntitySet<Sight> {
  return {
    name: 'A_MaterialDocumentHeader',
    type: HEADER,
    list: (sight, required) => documents(sight, required).map(({ header }) => header),
    find: (sight, key) => document(sight, key)?.header ?? null,
    create: (sight, input) => createDocument(deps, sight, input),
    follow: { to_MaterialDocumentItem: (sight, header) => document(sight, header)?.items ?? [] },
  }
}

const ITEMS: EntitySet<Sight> = {
  name: 'A_MaterialDocumentItem',
  type: ITEM,
  list: (sight, required) => documents(sight, required).flatMap(({ items }) => items),
  find: (sight, key) =>
    document(sight, key)?.items.find((item) => text(item, 'MaterialDocumentItem') === plainNumber(keyText(key, 'MaterialDocumentItem'))) ??
    null,
  follow: {
    to_MaterialDocumentHeader: (sight, item) => [document(sight, item)?.header].filter((header) => header !== undefined),
    to_SerialNumbers: (sight, item) =>
      document(sight, item)?.serials.filter((serial) => serial['MaterialDocumentItem'] === item['MaterialDocumentItem']) ?? [],
  },
}

const SERIALS: EntitySet<Sight> = {
  name: 'A_SerialNumberMaterialDocument',
  type: ITEM_SERIAL,
  list: (sight, required) => documents(sight, required).flatMap(({ serials }) => serials),
  find: (sight, key) =>
    document(sight, key)?.serials.find(
      (serial) => serial['SerialNumber'] === key['SerialNumber'] && serial['MaterialDocumentItem'] === key['MaterialDocumentItem'],
    ) ?? null,
  follow: {},
}

function createDocument(deps: DocumentApiDeps, sight: Sight, input: Entity): Entity {
  const { to_MaterialDocumentItem, ...header } = input
  const items = (to_MaterialDocumentItem ?? []) as readonly Entity[]
  const asked = { reference: text(header, 'ReferenceDocument'), what: items.map((item) => text(item, 'GoodsMovementType')).join(' ') }
  const row = deps.trail.watched({ ...asked, arrivedMs: sight.arrivedMs }, () =>
    posted(deps, () => post(deps.erp, { header, items, by: sight.by, arrivedMs: sight.arrivedMs })),
  )
  return { ...row.header, to_MaterialDocumentItem: row.items }
}

function posted(deps: DocumentApiDeps, work: () => DocumentRow): DocumentRow {
  const row = work()
  deps.task.hand(row)
  return row
}

function cancel(deps: DocumentApiDeps): FunctionImport<Sight> {
  return {
    name: 'Cancel',
    parameters: { MaterialDocumentYear: 'String', MaterialDocument: 'String', PostingDate: 'DateTime' },
    optional: ['PostingDate'],
    set: 'A_MaterialDocumentHeader',
    call: (sight, values) => taken(deps, sight, { values, item: null }).header,
  }
}

function cancelItem(deps: DocumentApiDeps): FunctionImport<Sight> {
  return {
    name: 'CancelItem',
    parameters: { MaterialDocumentYear: 'String', MaterialDocument: 'String', MaterialDocumentItem: 'String', PostingDate: 'DateTime' },
    optional: ['PostingDate'],
    set: 'A_MaterialDocumentItem',
    call: (sight, values) => {
      const item = plainNumber(keyText(values, 'MaterialDocumentItem'))
      return taken(deps, sight, { values, item }).items[0] ?? {}
    },
  }
}

interface Taken {
  readonly values: Readonly<Record<string, Value>>
  readonly item: string | null
}

function taken(deps: DocumentApiDeps, sight: Sight, { values, item }: Taken): DocumentRow {
  const number = keyText(values, 'MaterialDocument')
  const day = values['PostingDate']
  const reversal = {
    year: keyText(values, 'MaterialDocumentYear'),
    number,
    item,
    dayMs: typeof day === 'number' ? day : null,
    by: sight.by,
    arrivedMs: sight.arrivedMs,
  }
  return deps.trail.watched({ reference: number, what: 'Cancel', arrivedMs: sight.arrivedMs }, () =>
    posted(deps, () => reverse(deps.erp, reversal)),
  )
}
