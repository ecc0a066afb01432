import type { Erp } from './erp.ts'
import type { Movement } from './item.ts'
import { refusal } from './messages.ts'
import { accountKey, bareAccount } from './stock.ts'
import type { Account } from './types.ts'

export function serialKey(material: string, serial: string): string {
  return `${material}|${serial}`
}

/** Each piece follows its movement; it must be where the movement takes from, or nowhere. */
export function moveSerials(erp: Erp, { serials, from, to, product }: Movement): void {
  for (const serial of serials) moveSerial(erp, { material: product.product, serial }, { from, to })
}

export function moveSerial(
  erp: Erp,
  { material, serial }: { readonly material: string; readonly serial: string },
  { from, to }: { readonly from: Account | null; readonly to: Account | null },
): void {
  const row = erp.tables.get('serial', serialKey(material, serial))
  const here = from !== null && row?.inStock === true && accountKey(row) === accountKey(from)
  if (from !== null && !here) throw refusal('serialUnknown', serial, material)
  if (from === null && row?.inStock === true) throw refusal('serialInStock', serial, material)
  const account = to ?? from
  if (account === null) return
  const inStock = to !== null
  erp.tables.put('serial', serialKey(material, serial), { ...bareAccount(account), SerialNumber: serial, inStock })
}
