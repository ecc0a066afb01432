/** Takes `{id}#{i}` apart; null for anything else. */
export function parseRawReference(reference: string): { readonly id: string; readonly index: number } | null {
  const at = reference.lastIndexOf('#')
  const index = Number(reference.slice(at + 1))
  return at > 0 && Number.isInteger(index) && index >= 0 ? { id: reference.slice(0, at), index } : null
}
