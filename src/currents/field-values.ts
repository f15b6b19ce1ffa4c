/** Values as Braze stores them (currents/README.md §3). */

/**
 * A time outside these bounds is none (currents/README.md §3): a date written as digits, a spreadsheet's serial, a unit gone wrong. They
 * are fixed, so that the same input gives the same bytes on every day.
 */
const EARLIEST_MS = Date.UTC(2000, 0, 1)
const LATEST_MS = Date.UTC(2100, 0, 1)

/** Above these a stored number is plainly no number of seconds, milliseconds or microseconds, but of the next smaller unit. */
const MILLISECONDS_FROM = 1e11
const MICROSECONDS_FROM = 1e14
const NANOSECONDS_FROM = 1e17

/** The largest distance from 1970 that a date can have, in ms, and how many digits it has. */
const MAX_DATE_MS = 8.64e15
const MAX_DATE_DIGITS = 16

/** No time zone is further from UTC. */
const MAX_OFFSET_MS = 18 * 3_600_000

/** The extended form of ISO 8601 or the basic one. An abbreviation (`+0100 CET`, as Go writes it) says nothing that the offset does not. */
const TIMESTAMP =
  /^(\d{4})(-?)(\d{2})\2(\d{2})(?:[T ](\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?[0-5]\d)?(?: [A-Z]{3,5})?)?$/i

/** A number as JSON or CSV writes it. */
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i

/** A number as it is written. */
interface WrittenNumber {
  readonly isNegative: boolean
  /** The digits from the first that is not 0 on, without point and exponent. */
  readonly digits: string
  /** How many digits it has before the decimal point, the exponent applied. */
  readonly wholeDigits: number
  readonly hasExponent: boolean
}

function writtenNumber(text: string): WrittenNumber | null {
  const trimmed = text.trim()
  if (!NUMBER.test(trimmed)) return null
  const [mantissa = '', exponent] = trimmed.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.')
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  return {
    isNegative: mantissa.startsWith('-'),
    digits,
    wholeDigits: digits.length - fraction.length + Number(exponent ?? 0),
    hasExponent: exponent !== undefined,
  }
}

/** How many of a number's whole digits stand for less than a second: those of its unit (see `MILLISECONDS_FROM`). */
function digitsBelowSecond(wholeDigits: number): number {
  return wholeDigits > 17 ? 9 : wholeDigits > 14 ? 6 : wholeDigits > 11 ? 3 : 0
}

/**
 * Milliseconds since 1970 of a stored whole number that a double holds exactly, not negative: seconds, or the smaller unit that it
 * plainly is in. What is less than a millisecond is cut off, as in text.
 */
export function timeOfInteger(value: number): number {
  if (value <= MILLISECONDS_FROM) return value * 1000
  if (value <= MICROSECONDS_FROM) return value
  if (value <= NANOSECONDS_FROM) return Math.floor(value / 1e3)
  return Math.floor(value / 1e6)
}

/** Milliseconds of a number with any digits. The digits are moved, not reckoned with: nanoseconds have more than a double holds. */
function timeOfNumber({ isNegative, digits, wholeDigits }: WrittenNumber): number {
  const count = wholeDigits - digitsBelowSecond(wholeDigits) + 3
  if (count > MAX_DATE_DIGITS) return Number.NaN
  const ms = count > 0 ? Number(digits.slice(0, count).padEnd(count, '0')) : 0
  return ms > MAX_DATE_MS ? Number.NaN : isNegative ? -ms : ms
}

/** True when a time lies where those of Currents can lie: from 2000 on, before 2100. Not true of NaN. */
export function isPlausibleTime(ms: number): boolean {
  return ms >= EARLIEST_MS && ms < LATEST_MS
}

/**
 * True when a number in exponent form has fewer digits written than it takes to tell its second: `1.76732E+09`, as spreadsheets and
 * `%g` write it, may be any of ten thousand seconds.
 */
export function hasLostSeconds(text: string): boolean {
  const number = writtenNumber(text)
  if (number === null || !number.hasExponent) return false
  return number.digits.length < number.wholeDigits - digitsBelowSecond(number.wholeDigits)
}

/**
 * Milliseconds since 1970 of text: a number (seconds, or the smaller unit that it plainly is in), or an ISO 8601 / SQL timestamp, UTC
 * unless it has an offset; whether plausible or not. What is less than a millisecond is cut off. NaN when the text is no time.
 */
export function timeOfText(text: string): number {
  const trimmed = text.trim()
  const number = writtenNumber(trimmed)
  if (number !== null) return timeOfNumber(number)
  const match = TIMESTAMP.exec(trimmed)
  if (!match) return Number.NaN
  const [, year, , month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match
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

/** A timestamp without zone: digits to its end. */
const WITHOUT_ZONE = /^\d{4}(-?)\d{2}\1\d{2}(?:[T ][\d:.,]*)?$/i

/** True when text that is a time does not say of which zone: UTC is taken then (currents/README.md §3). Numbers have none. */
export function lacksZone(text: string): boolean {
  return WITHOUT_ZONE.test(text.trim())
}

function offsetMs(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})?(?: |$)/.exec(zone)
  if (!match) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return (match[1] === '-' ? -minutes : minutes) * 60_000
}

/** From so many significant digits on, a number can be a 32-bit float as some program prints it, and not what a person wrote. */
const PRINTED_DIGITS = 12
/** So many digits tell every double from all others: what has them is exactly what it says. */
const EXACT_DIGITS = 17

/**
 * The shortest decimal text with the same 32-bit float: 3.140000104904175 is 3.14. So is what a program prints of one with 12 digits or
 * more, 3.14000010490417. Any other value keeps its own text (currents/README.md §3: our rule).
 */
function shortestFloat32(value: number, text: string): string {
  const single = Math.fround(value)
  if (single === value || isPrintOf(single, value, text)) {
    // A shorter text than six digits is found at six: its rounding error is below half a unit of the sixth digit.
    for (let digits = 6; digits <= 9; digits++) {
      const shorter = Number(single.toPrecision(digits))
      if (Math.fround(shorter) === single) return plainText(shorter)
    }
  }
  return plainText(value)
}

/** True when `text`, whose value is `value`, is what a program prints of `single` that does not print all its digits. */
function isPrintOf(single: number, value: number, text: string): boolean {
  if (text.length <= PRINTED_DIGITS) return false
  const { digits } = writtenNumber(text) as WrittenNumber
  let significant = digits.length
  while (digits[significant - 1] === '0') significant--
  // Zeros at the end may be printed digits too, or those that a column of decimals adds.
  return [digits.length, significant].some(
    (count) => count >= PRINTED_DIGITS && count < EXACT_DIGITS && isRounded(single, count, value),
  )
}

/** True when `value` is `single` rounded to so many digits. Of a number in the middle of two, SQLite takes the lower one. */
function isRounded(single: number, digits: number, value: number): boolean {
  if (Number(single.toPrecision(digits)) === value) return true
  const longer = single.toPrecision(digits + 1)
  return Number(longer) === single && /5(?:e|$)/.test(longer) && Number(longer.replace(/5(?=e|$)/, '')) === value
}

function plainText(value: number): string {
  return String(value === 0 ? 0 : value)
}

/**
 * A number with a point or an exponent as JSON text; null when it is too large for a double.
 * @param isFloat32 the field has 32 bits
 */
export function decimalText(text: string, isFloat32: boolean): string | null {
  const value = Number(text)
  if (!Number.isFinite(value)) return null
  return isFloat32 ? shortestFloat32(value, text) : plainText(value)
}

/**
 * Text as a JSON number, null when it is none. A whole number keeps all its digits; see {@link decimalText} for others. Spaces around
 * it, a plus and zeros before it do not count.
 */
export function numberText(text: string, isFloat32: boolean): string | null {
  const trimmed = text.trim()
  if (!/^[+-]?\d+$/.test(trimmed)) return NUMBER.test(trimmed) ? decimalText(trimmed, isFloat32) : null
  const digits = trimmed.replace(/^[+-]?0*(?=\d)/, '')
  return trimmed.startsWith('-') && digits !== '0' ? `-${digits}` : digits
}

/** Text as a boolean, in the words of warehouses; null when it is none (currents/README.md §3). */
export function booleanOf(text: string): boolean | null {
  switch (text.trim().toLowerCase()) {
    case 'true':
    case 't':
    case '1':
    case '1.0':
      return true
    case 'false':
    case 'f':
    case '0':
    case '0.0':
      return false
    default:
      return null
  }
}
