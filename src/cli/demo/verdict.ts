import type { ExceptionRecord } from '../../engine/exceptions.ts'
import { compareRebuilt } from '../../engine/rebuild.ts'
import type { Goal } from '../../model/goal.ts'
import type { StockDocument } from '../../plant/counting-erp/types.ts'
import type { Inspection } from '../../plant/counting-qms/types.ts'
import { type Demonstration, ERP, QMS } from './plant.ts'
import { ACCEPTED, BLOCKED_BY_HAND, BY_HAND, CARRIER, DIVIDED, REJECTED } from './scenes.ts'

/** How a lot must stand at the end: quantities by carrier and stock code, and what Holdpoint may have posted for it. */
interface Declared {
  readonly lot: string
  readonly story: string
  readonly stock: Readonly<Record<string, string>>
  readonly postings: number
}

const DECLARED: readonly Declared[] = [
  { lot: ACCEPTED, story: 'accepted', stock: { UNR: '920' }, postings: 1 },
  { lot: REJECTED, story: 'rejected', stock: { BLK: '500' }, postings: 1 },
  { lot: DIVIDED, story: 'divided', stock: { UNR: '92', [`BLK on ${CARRIER}`]: '8' }, postings: 2 },
  { lot: BLOCKED_BY_HAND, story: 'accepted, then blocked by hand', stock: { BLK: '200' }, postings: 2 },
]
/** Karl's block is his: a person is told, and only he ends it. */
const EXCEPTIONS_EXPECTED = ['hold.foreign']

export interface LotVerdict {
  readonly id: string
  readonly story: string
  readonly erp: { readonly stock: Readonly<Record<string, string>>; readonly usable: string; readonly documents: readonly StockDocument[] }
  readonly qms: readonly Inspection[]
  readonly goals: readonly Goal[]
  readonly differences: readonly string[]
}

export interface Verdict {
  readonly lots: readonly LotVerdict[]
  readonly exceptions: readonly ExceptionRecord[]
  /** What is not as declared, beyond single lots. */
  readonly differences: readonly string[]
}

/** Reads the systems' own books and compares them with what was declared before the story began. */
export async function judgeEnd(demonstration: Demonstration, goals: readonly Goal[]): Promise<Verdict> {
  const { hub } = demonstration
  const exceptions = await hub.engine.exceptions()
  const differences: string[] = []
  const codes = exceptions.map(({ code }) => code).join()
  if (codes !== EXCEPTIONS_EXPECTED.join()) differences.push(`open exceptions: ${codes || 'none'} instead of ${EXCEPTIONS_EXPECTED.join()}`)
  for (const { instance, books } of [demonstration.erp, demonstration.qms]) {
    differences.push(...books.violations())
    for (const reference of new Set(books.effects().map((effect) => effect.reference)))
      if (books.effectsOf(reference) > 1) differences.push(`${instance}: ${books.effectsOf(reference)} effects under ${reference}`)
  }
  for (let partition = 0; partition < hub.store.meta.partitions; partition++) {
    for (const { table, id } of await compareRebuilt(hub.store, partition))
      differences.push(`folding the journal again gives another ${table} ${id}`)
  }
  return { lots: DECLARED.map((declared) => judgeLot(demonstration, declared, goals)), exceptions, differences }
}

function judgeLot({ erp, qms }: Demonstration, declared: Declared, goals: readonly Goal[]): LotVerdict {
  const { lot, story } = declared
  const id = `${ERP}:${lot}`
  const documents = erp.books.lot(lot)?.documents ?? []
  const stock: Record<string, string> = {}
  for (const { stock: code, carrier, quantity } of erp.books.lot(lot)?.buckets ?? []) {
    stock[carrier === null ? code : `${code} on ${carrier}`] = quantity
  }
  const inspections = qms.books.inspections().filter(({ attributes }) => attributes['lot'] === id)
  const own = goals.filter(({ subject, key }) => subject === id || key.endsWith(id))
  const differences: string[] = []
  const posted = documents.filter(({ causedBy }) => causedBy !== null).length
  if (textOf(stock) !== textOf(declared.stock)) differences.push(`${ERP} holds ${textOf(stock)} instead of ${textOf(declared.stock)}`)
  if (posted !== declared.postings) differences.push(`${ERP} has ${posted} postings of Holdpoint instead of ${declared.postings}`)
  if (inspections.length !== 1) differences.push(`${QMS} has ${inspections.length} inspections instead of 1`)
  for (const { name, state } of own) if (state !== 'met' && state !== 'withdrawn') differences.push(`goal ${name} is ${state}`)
  if (lot === BLOCKED_BY_HAND) differences.push(...touched(documents))
  return { id, story, erp: { stock, usable: erp.books.usable(lot), documents }, qms: inspections, goals: own, differences }
}

/** Whoever took something out of blocked stock again has touched Karl's block. */
function touched(documents: readonly StockDocument[]): string[] {
  const byHand = documents.filter(({ by, to }) => by === BY_HAND.by && to?.stock === 'BLK')
  const freed = documents.filter(({ from, to }) => from?.stock === 'BLK' && to?.stock !== 'BLK')
  return [
    ...(byHand.length === 1 ? [] : [`${byHand.length} documents of ${BY_HAND.by} instead of 1`]),
    ...freed.map(({ number, by }) => `document ${number} of ${by} took back what was blocked by hand`),
  ]
}

export function textOf(stock: Readonly<Record<string, string>>): string {
  return (
    Object.keys(stock)
      .sort()
      .reverse()
      .map((code) => `${code} ${stock[code]}`)
      .join(', ') || 'nothing'
  )
}

export function allDifferences({ lots, differences }: Verdict): string[] {
  return [...lots.flatMap((lot) => lot.differences.map((difference) => `${lot.id}: ${difference}`)), ...differences]
}

/** Changes one cell of a system's truth behind everybody's back: a verdict that does not notice is worth nothing. */
export function corrupt({ erp, qms }: Demonstration, system: string): void {
  if (system === ERP) erp.people.unblock({ lot: REJECTED, quantity: '1', by: 'nobody' })
  else qms.people.create({ key: 'forged', attributes: { lot: `${ERP}:${ACCEPTED}` }, by: 'nobody' })
}
