/**
 * Time of a store: that of its clock, but never before what was told, nor before `notBefore`, the time of the newest
 * write it opened with. Where the clock is behind that, time goes on from there at the clock's pace: it never stands still.
 */
export function createStoreTime(now: () => number, notBefore: number): () => number {
  let newest = notBefore
  let ahead = Math.max(0, notBefore - now())
  return () => {
    const at = now() + ahead
    if (at < newest) ahead += newest - at
    else newest = at
    return newest
  }
}
