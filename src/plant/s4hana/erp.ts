import type { Runtime } from '../../runtime.ts'
import type { Tables } from '../tables.ts'
import type { Locks } from './locks.ts'
import type { NoticeRow, Rows } from './types.ts'

/** What everything inside the simulated ERP works on. */
export interface Erp {
  readonly runtime: Runtime
  readonly tables: Tables<Rows>
  readonly locks: Locks
  readonly site: Site
  /** Called after the commit that made the notice. */
  readonly publish: (notice: NoticeRow) => void
}

export interface Site {
  /** Storage locations by plant. */
  readonly plants: Readonly<Record<string, readonly string[]>>
  /** Warehouse by `plant/location`, where EWM manages the stock. */
  readonly ewm: Readonly<Record<string, string>>
  /** Of the plant's clock. Local dates and times carry no zone. */
  readonly utcOffsetMinutes: number
}

export const DAY_MS = 86_400_000

/** The plant's calendar day as the midnight that would be its UTC time. */
export function localDay(erp: Erp, wallMs: number = erp.runtime.clock.wallNow()): number {
  return Math.floor((wallMs + erp.site.utcOffsetMinutes * 60_000) / DAY_MS) * DAY_MS
}

/** Seconds since the plant's midnight. */
export function localSeconds(erp: Erp, wallMs: number): number {
  return Math.floor((wallMs + erp.site.utcOffsetMinutes * 60_000 - localDay(erp, wallMs)) / 1000)
}

/** Posting period of a local day: `2026/11`. */
export function periodOf(dayMs: number): string {
  return new Date(dayMs).toISOString().slice(0, 7).replace('-', '/')
}

/** Numbers are given once and never again, but not without gaps. */
export function nextNumber(erp: Erp, range: string, first: number): string {
  const last = erp.tables.get('number', range)?.last ?? first - 1
  erp.tables.put('number', range, { last: last + 1 })
  return String(last + 1)
}

const DOCUMENT_SUBJECTS: Readonly<Record<string, string>> = {
  MaterialDocument: 'sap.s4.beh.materialdocument.v1.MaterialDocument',
  Batch: 'sap.s4.beh.batch.v1.Batch',
  PurchaseOrder: 'sap.s4.beh.purchaseorder.v1.PurchaseOrder',
}

/** Part of the transaction: what did not happen is not announced. `data` is the key and nothing more. */
export function announce(erp: Erp, what: string, data: Readonly<Record<string, string>>): void {
  const [object = '', event = ''] = what.split('.')
  const sequence = nextNumber(erp, 'notice', 1)
  const id = erp.runtime.hash(`notice ${sequence} ${JSON.stringify(data)}`).slice(0, 32)
  const uuid = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join('-')
  const notice: NoticeRow = {
    id: uuid,
    type: `${DOCUMENT_SUBJECTS[object] ?? object}.${event}.v1`,
    subject: Object.values(data).join('/'),
    data,
    atMs: erp.runtime.clock.wallNow(),
  }
  erp.tables.put('notice', sequence.padStart(12, '0'), notice)
  erp.tables.afterCommit(() => erp.publish(notice))
}
