/** Times are RFC 3339 text. Those the hub makes have 24 characters, so that they compare as text in order of time. */

const DAY_MS = 86_400_000
const TWO_DIGITS = Array.from({ length: 60 }, (_, index) => String(index).padStart(2, '0'))

/**
 * A time plus milliseconds. One that is no time is left as it is. Asked some fifteen times per receipt, so what stays
 * within a day is calculated on the text: 0.2 against 1.9 microseconds by way of `Date`.
 */
export function addMs(at: string, ms: number): string {
  const time = timeOfDay(at)
  if (time >= 0) {
    if (ms === 0) return at
    const moved = time + ms
    if (moved >= 0 && moved < DAY_MS && Number.isInteger(moved)) return at.slice(0, 11) + textOf(moved)
  }
  const moved = new Date(Date.parse(at) + ms)
  return Number.isNaN(moved.getTime()) ? at : moved.toISOString()
}

/** Milliseconds since midnight of `yyyy-mm-ddThh:mm:ss.mmmZ`; negative for any other form. */
function timeOfDay(at: string): number {
  if (at.length !== 24 || at.charCodeAt(10) !== 84 || at.charCodeAt(19) !== 46 || at.charCodeAt(23) !== 90) return -1
  if (at.charCodeAt(13) !== 58 || at.charCodeAt(16) !== 58) return -1
  const hours = twoDigits(at, 11)
  const minutes = twoDigits(at, 14)
  const seconds = twoDigits(at, 17)
  const tens = twoDigits(at, 20)
  const units = at.charCodeAt(22) - 48
  if (hours > 23 || minutes > 59 || seconds > 59 || units < 0 || units > 9) return -1
  if (hours < 0 || minutes < 0 || seconds < 0 || tens < 0) return -1
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + tens * 10 + units
}

function twoDigits(text: string, from: number): number {
  const tens = text.charCodeAt(from) - 48
  const units = text.charCodeAt(from + 1) - 48
  return tens < 0 || tens > 9 || units < 0 || units > 9 ? -1 : tens * 10 + units
}

function textOf(timeMs: number): string {
  const seconds = Math.floor(timeMs / 1_000)
  const minutes = Math.floor(seconds / 60)
  const ms = timeMs - seconds * 1_000
  const hour = TWO_DIGITS[Math.floor(minutes / 60)] as string
  const units = ms % 10
  return `${hour}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}.${(ms - units) / 10 < 10 ? '0' : ''}${(ms - units) / 10}${units}Z`
}
