/** JSON with sorted keys and nothing else changed: equal values give equal text, whatever order their sender chose. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const fields = value as Record<string, unknown>
  let text = ''
  for (const name of sorted(Object.keys(fields))) {
    const field = fields[name]
    if (field === undefined) continue
    text += `${text === '' ? '' : ','}${PLAIN.test(name) ? `"${name}"` : JSON.stringify(name)}:${canonicalJson(field)}`
  }
  return `{${text}}`
}

/** Nothing in it that JSON would escape. */
const PLAIN = /^\w*$/
const INSERTED_MAX = 32

/** In place and by UTF-16 code units, as the sort of arrays does it, but without its copies. */
function sorted(names: string[]): string[] {
  if (names.length > INSERTED_MAX) return names.sort()
  for (let from = 1; from < names.length; from++) {
    const name = names[from] as string
    let to = from
    for (; to > 0 && (names[to - 1] as string) > name; to--) names[to] = names[to - 1] as string
    names[to] = name
  }
  return names
}

/** Equality by value of plain JSON data; `undefined` fields count as absent. */
export function sameValue(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (one === null || other === null || typeof one !== 'object' || typeof other !== 'object') return false
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false
    return one.every((item, index) => sameValue(item, other[index]))
  }
  if (Array.isArray(other)) return false
  const left = one as Record<string, unknown>
  const right = other as Record<string, unknown>
  for (const name in left) if (!sameValue(left[name], right[name])) return false
  for (const name in right) if (left[name] === undefined && right[name] !== undefined) return false
  return true
}
