import { appendByte, type ByteWriter, QUOTE, reserve } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { writeAscii } from '../json/values.ts'
import { type Cursor, DAMAGED, exactLong, readLong } from './avro-binary.ts'

/**
 * Values of Avro's logical types as JSON: what they stand for, exactly and whatever their unit (currents/README.md §2). Each of these
 * writes the value at the cursor, moves on, and returns its `KIND`, or `DAMAGED`.
 */

/** No number has more bytes; what is longer is not taken for one, since its digits would take too long to reckon. */
const MAX_DECIMAL_BYTES = 128

const DAY_SECONDS = 86_400

/** True when `length` bytes can be a decimal. */
export function canBeDecimal(length: number): boolean {
  return length <= MAX_DECIMAL_BYTES
}

/** A decimal of `length` bytes, big-endian two's complement, as a number without zeros at the end of its fraction. */
export function writeDecimal(from: Cursor, out: ByteWriter, length: number, scale: number): number {
  const end = from.at + length
  if (end > from.end) return DAMAGED
  let unsigned = 0n
  for (let at = from.at; at < end; at++) unsigned = (unsigned << 8n) | BigInt(from.bytes[at] as number)
  from.at = end
  const value = BigInt.asIntN(8 * length, unsigned)
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const point = digits.length - scale
  const fraction = withoutEndingZeros(digits.slice(point))
  appendAscii(out, `${value < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`)
  return fraction === '' ? KIND.integer : KIND.number
}

/** A long that counts 10^-`digits` seconds since 1970: `2026-01-02T03:04:05.123Z`, without Z when it is local. */
export function writeTimestamp(from: Cursor, out: ByteWriter, digits: number, isLocal: boolean): number {
  const start = from.at
  const value = readLong(from)
  if (Number.isNaN(value)) return DAMAGED
  const perDay = DAY_SECONDS * 10 ** digits
  let days: number
  let inDay: number
  if (Number.isSafeInteger(value)) {
    // A remainder is exact; a quotient may be rounded up to the next day.
    inDay = ((value % perDay) + perDay) % perDay
    days = (value - inDay) / perDay
  } else {
    const exact = exactLong(from.bytes, start, from.at)
    const most = BigInt(perDay)
    const rest = ((exact % most) + most) % most
    inDay = Number(rest)
    days = Number((exact - rest) / most)
  }
  return writeText(out, `${dateText(days)}T${clockText(inDay, digits)}${isLocal ? '' : 'Z'}`)
}

/** An int or long that counts 10^-`digits` seconds since midnight: `03:04:05.123`; a number that is no time of day stays one. */
export function writeTime(from: Cursor, out: ByteWriter, digits: number): number {
  const start = from.at
  const value = readLong(from)
  if (Number.isNaN(value)) return DAMAGED
  if (value >= 0 && value < DAY_SECONDS * 10 ** digits) return writeText(out, clockText(value, digits))
  appendAscii(out, String(exactLong(from.bytes, start, from.at)))
  return KIND.integer
}

/** An int that counts days since 1970: `2026-01-02`. */
export function writeDate(from: Cursor, out: ByteWriter): number {
  const days = readLong(from)
  return Number.isNaN(days) ? DAMAGED : writeText(out, dateText(days))
}

/** A UUID of 16 bytes. */
export function writeUuid(from: Cursor, out: ByteWriter): number {
  const end = from.at + 16
  if (end > from.end) return DAMAGED
  const hex = Buffer.from(from.bytes.subarray(from.at, end)).toString('hex')
  from.at = end
  return writeText(out, hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
}

/**
 * The Gregorian date of a day, `2026-01-02`; years before 0 and after 9999 with a sign and six digits, as ISO 8601 has them. `Date` ends
 * before the longs do: this is Howard Hinnant's `civil_from_days`.
 */
function dateText(days: number): string {
  // Days since 1 March of year 0, so that a leap day ends its year.
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${yearText(year)}-${twoDigits(month)}-${twoDigits(day)}`
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}

/** A time of day, counted in 10^-`digits` seconds. */
function clockText(inDay: number, digits: number): string {
  const second = 10 ** digits
  const seconds = Math.floor(inDay / second)
  const fraction = inDay - seconds * second
  const clock = `${twoDigits(Math.floor(seconds / 3600))}:${twoDigits(Math.floor(seconds / 60) % 60)}:${twoDigits(seconds % 60)}`
  return fraction === 0 ? clock : clock + withoutEndingZeros(String(fraction).padStart(digits, '0'))
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

/** The digits behind a decimal point, with it; nothing when all are 0. */
function withoutEndingZeros(fraction: string): string {
  let end = fraction.length
  while (end > 0 && fraction[end - 1] === '0') end--
  return end === 0 ? '' : `.${fraction.slice(0, end)}`
}

function writeText(out: ByteWriter, text: string): number {
  appendByte(out, QUOTE)
  appendAscii(out, text)
  appendByte(out, QUOTE)
  return KIND.string
}

/** Appends text that is known to be ASCII. */
export function appendAscii(out: ByteWriter, text: string): void {
  reserve(out, text.length)
  out.length = writeAscii(out.bytes, out.length, text)
}
