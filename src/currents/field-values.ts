/** Values as Braze stores them (BRAZE.md, Fields). */

/** Above this a `time` is in milliseconds: as seconds it would lie beyond the year 5138. */
const MILLISECONDS_FROM = 1e11

/** The largest distance from 1970 that a date can have, in ms. */
const MAX_DATE_MS = 8.64e15

/** No time zone is further from UTC. */
const MAX_OFFSET_MS = 18 * 3_600_000

const TIMESTAMP =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i

/** A JSON number as CSV writes it. */
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i

/** Milliseconds since 1970 of a stored number: seconds, or milliseconds when it is plainly that. NaN when it is no time. */
export function timeOfNumber(value: number): number {
  const ms = Math.abs(value) > MILLISECONDS_FROM ? Math.round(value) : Math.round(value * 1000)
  return Math.abs(ms) <= MAX_DATE_MS ? ms : Number.NaN
}

/** Milliseconds since 1970 of text: a number as above, or an ISO 8601 / SQL timestamp, UTC unless it has an offset. NaN when it is no time. */
export function timeOfText(text: string): number {
  const trimmed = text.trim()
  if (NUMBER.test(trimmed)) return timeOfNumber(Number(trimmed))
  const match = TIMESTAMP.exec(trimmed)
  if (!match) return Number.NaN
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match
  const fields = [Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second)] as const
  const utc = Date.UTC(fields[0], fields[1] - 1, fields[2], fields[3], fields[4], fields[5])
  const date = new Date(utc)
  // Date.UTC takes 31 February and turns it into March: such a text is no time.
  const isReal =
    date.getUTCFullYear() === fields[0] &&
    date.getUTCMonth() === fields[1] - 1 &&
    date.getUTCDate() === fields[2] &&
    fields[3] < 24 &&
    fields[4] < 60 &&
    fields[5] < 60
  if (!isReal || !(Math.abs(offsetMs(zone)) <= MAX_OFFSET_MS)) return Number.NaN
  return utc + Number(`${fraction}000`.slice(0, 3)) - offsetMs(zone)
}

function offsetMs(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone)
  if (!match) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return (match[1] === '-' ? -minutes : minutes) * 60_000
}

/**
 * The shortest decimal text with the same 32-bit float: 3.140000104904175 is 3.14. A value that is not exactly a 32-bit
 * float keeps its own text (BRAZE.md, Fields: our rule).
 */
export function shortestFloat32(value: number): string {
  if (Math.fround(value) === value) {
    // A shorter text than six digits is found at six: its rounding error is below half a unit of the sixth digit.
    for (let digits = 6; digits <= 9; digits++) {
      const shorter = Number(value.toPrecision(digits))
      if (Math.fround(shorter) === value) return String(shorter)
    }
  }
  return String(value === 0 ? 0 : value)
}

/** A CSV field as a number's text: digits as they are, so that long ids keep them; null when it is no number. */
export function numberText(text: string): string | null {
  const trimmed = text.trim()
  if (/^-?(0|[1-9]\d*)$/.test(trimmed)) return trimmed === '-0' ? '0' : trimmed
  if (!NUMBER.test(trimmed)) return null
  const value = Number(trimmed)
  return Number.isFinite(value) ? String(value === 0 ? 0 : value) : null
}

/** A CSV field as a boolean; null when it is none. */
export function booleanOf(text: string): boolean | null {
  switch (text.trim().toLowerCase()) {
    case 'true':
    case 't':
    case '1':
    case 'yes':
      return true
    case 'false':
    case 'f':
    case '0':
    case 'no':
      return false
    default:
      return null
  }
}
