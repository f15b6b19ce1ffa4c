import { hasLostSeconds, isPlausibleTime, timeOfInteger, timeOfText } from '../currents/field-values.ts'
import { excerpt } from '../excerpt.ts'
import { copyBytes, textOf } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { copyCanonicalContent } from '../json/strings.ts'
import { wholeNumberOf } from '../json/values.ts'
import type { RecordScanner } from './record-scanner.ts'

/** The values of single fields of the record that the scanner holds, whose chunk is `bytes`. */

type Fields = Pick<RecordScanner, 'starts' | 'ends' | 'kinds'>

export function isString({ kinds }: Fields, field: number): boolean {
  return kinds[field] === KIND.string || kinds[field] === KIND.escapedString
}

/** True when the field is there and not null. */
export function isPresent({ kinds }: Fields, field: number): boolean {
  return (kinds[field] as number) > KIND.null
}

/** True when the field holds text that can be an id or a name: a string that is not empty, or a number. */
export function holdsText(fields: Fields, field: number): boolean {
  if (isString(fields, field)) return (fields.ends[field] as number) - (fields.starts[field] as number) > 2
  return fields.kinds[field] === KIND.integer || fields.kinds[field] === KIND.number
}

/** The text of a field that is a string. */
export function textOfField({ starts, ends, kinds }: Fields, bytes: Uint8Array, field: number): string {
  const start = starts[field] as number
  const end = ends[field] as number
  if (kinds[field] === KIND.escapedString) return String(JSON.parse(textOf(bytes, start, end)))
  return textOf(bytes, start + 1, end - 1)
}

/** Writes the content of a string, or the digits of a number, without quotes; gives where it ends. */
export function copyContent(
  { starts, ends, kinds }: Fields,
  bytes: Uint8Array,
  field: number,
  target: Uint8Array,
  at: number,
): number {
  const start = starts[field] as number
  const end = ends[field] as number
  switch (kinds[field]) {
    case KIND.string:
      return copyBytes(target, at, bytes, start + 1, end - 1)
    case KIND.escapedString:
      return copyCanonicalContent(target, at, bytes, start + 1, end - 1)
    default:
      return copyBytes(target, at, bytes, start, end)
  }
}

/** Milliseconds since 1970; NaN when the field holds no time that may be sent: {@link whyNoTime}. */
export function timeOfField(fields: Fields, bytes: Uint8Array, field: number): number {
  if (!isPresent(fields, field)) return Number.NaN
  const quotes = isString(fields, field) ? 1 : 0
  const whole = wholeNumberOf(bytes, (fields.starts[field] as number) + quotes, (fields.ends[field] as number) - quotes)
  // Nearly every time is seconds in digits: no text is made of it.
  const text = whole < 0 ? numberOrText(fields, bytes, field) : null
  const ms = whole >= 0 ? timeOfInteger(whole) : text === null ? Number.NaN : timeOfText(text)
  return isPlausibleTime(ms) && (text === null || !hasLostSeconds(text)) ? ms : Number.NaN
}

/** Why {@link timeOfField} gives NaN: with the value, and the time that it would have been. */
export function whyNoTime(fields: Fields, bytes: Uint8Array, field: number): string {
  if (!isPresent(fields, field)) return 'time is missing'
  const value = excerpt(textOf(bytes, fields.starts[field], fields.ends[field]))
  const text = numberOrText(fields, bytes, field)
  const ms = text === null ? Number.NaN : timeOfText(text)
  if (Number.isNaN(ms)) return `time is not a time: ${value}`
  const date = new Date(ms).toISOString()
  if (!isPlausibleTime(ms)) return `time is out of range: ${value} would be ${date}, not from 2000 to 2099`
  return `time has lost its seconds: ${value} would be ${date}; write it again as a whole number of seconds`
}

/** The text of a number or string; null when the field holds neither. */
function numberOrText(fields: Fields, bytes: Uint8Array, field: number): string | null {
  switch (fields.kinds[field]) {
    case KIND.integer:
    case KIND.number:
      return textOf(bytes, fields.starts[field], fields.ends[field])
    case KIND.string:
    case KIND.escapedString:
      return textOfField(fields, bytes, field)
    default:
      return null
  }
}
