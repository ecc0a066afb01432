/** Order of row ids in every implementation: by code point, which is the byte order of UTF-8 and of SQL's binary collation. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0
  const end = Math.min(a.length, b.length)
  for (let index = 0; index < end; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return weight(left) - weight(right)
  }
  return a.length - b.length
}

/** UTF-16 units in code point order: surrogates stand for what is above everything else. */
function weight(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
