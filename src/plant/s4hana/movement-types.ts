import type { StockType } from './types.ts'

/** `usability`: the stock type that InventoryUsabilityCode or the purchase order item names. */
export type Side = StockType | 'usability' | null

export interface MovementType {
  /** Stock it takes from, and stock it adds to. */
  readonly from: Side
  readonly to: Side
  /** GoodsMovementCode values it may be posted with; none: the system posts it itself. */
  readonly codes: readonly string[]
  readonly reversedBy: string | null
  readonly reference: 'purchaseOrder' | 'order' | 'delivery' | null
  /** Both sides in one material and plant account: shown as two items, the second made by the system. */
  readonly transfers: boolean
}

/** Type, from, to, codes, reversed by, reference. */
const TABLE: readonly (readonly [string, Side, Side, string, string | null, MovementType['reference']])[] = [
  ['101', null, 'usability', '01 02', '102', null],
  ['102', 'usability', null, '01 02', '101', null],
  ['122', 'usability', null, '01', '123', 'purchaseOrder'],
  ['123', null, 'usability', '', null, 'purchaseOrder'],
  ['261', '01', null, '03', '262', 'order'],
  ['262', null, '01', '03', '261', 'order'],
  ['309', '01', '01', '04', '310', null],
  ['310', '01', '01', '', null, null],
  ['311', '01', '01', '04', '312', null],
  ['312', '01', '01', '', null, null],
  ['321', '02', '01', '04', '322', null],
  ['322', '01', '02', '04', '321', null],
  ['323', '02', '02', '04', '324', null],
  ['324', '02', '02', '', null, null],
  ['325', '07', '07', '04', '326', null],
  ['326', '07', '07', '', null, null],
  ['331', '02', null, '03', '332', null],
  ['332', null, '02', '', null, null],
  ['341', '01', '08', '04', '342', null],
  ['342', '08', '01', '04', '341', null],
  ['343', '07', '01', '04', '344', null],
  ['344', '01', '07', '04', '343', null],
  ['349', '07', '02', '04', '350', null],
  ['350', '02', '07', '04', '349', null],
  ['551', '01', null, '03', '552', null],
  ['552', null, '01', '', null, null],
  ['553', '02', null, '03', '554', null],
  ['554', null, '02', '', null, null],
  ['555', '07', null, '03', '556', null],
  ['556', null, '07', '', null, null],
  ['561', null, '01', '05', '562', null],
  ['562', '01', null, '', null, null],
  ['563', null, '02', '05', '564', null],
  ['564', '02', null, '', null, null],
  ['565', null, '07', '05', '566', null],
  ['566', '07', null, '', null, null],
  ['601', '01', null, '03', '602', 'delivery'],
  ['602', null, '01', '', null, 'delivery'],
  ['701', null, '01', '', null, null],
  ['702', '01', null, '', null, null],
  ['703', null, '02', '', null, null],
  ['704', '02', null, '', null, null],
  ['707', null, '07', '', null, null],
  ['708', '07', null, '', null, null],
]

export const MOVEMENT_TYPES: ReadonlyMap<string, MovementType> = new Map(
  TABLE.map(([type, from, to, codes, reversedBy, reference]) => [
    type,
    { from, to, codes: codes.split(' ').filter((code) => code !== ''), reversedBy, reference, transfers: from !== null && to !== null },
  ]),
)

/** Types that set and lift the status of a batch; they concern all of it. */
export const BATCH_STATUS: Readonly<Record<string, boolean>> = { '341': true, '342': false }

export const STOCK_TYPE_OF: Readonly<Record<string, StockType>> = { '': '01', X: '02', S: '07' }
export const USABILITY_OF: Readonly<Record<StockType, string>> = { '01': '', '02': 'X', '07': 'S', '08': '' }

export const STOCK_TEXT: Readonly<Record<StockType, string>> = {
  '01': 'SL Unrestricted-use',
  '02': 'SL Quality inspection',
  '07': 'SL Blocked',
  '08': 'SL Restricted-use',
}

/** The types that book the difference of a count: found more, found less. */
export const COUNT_TYPES: Readonly<Record<string, { readonly more: string; readonly less: string; readonly stock: StockType }>> = {
  '1': { more: '701', less: '702', stock: '01' },
  '2': { more: '703', less: '704', stock: '02' },
  '4': { more: '707', less: '708', stock: '07' },
}
