import { numberText } from '../currents/field-values.ts'
import { copyText, type TextView, textOf } from '../json/bytes.ts'
import { isStringKind, KIND } from '../json/kind.ts'
import { copyCanonicalContent } from '../json/strings.ts'
import { asciiOf } from '../json/values.ts'
import type { RecordScanner } from './record-scanner.ts'

/** The values of single fields of the record that the scanner holds, whose chunk is `bytes`. */

type Fields = Pick<RecordScanner, 'starts' | 'ends' | 'kinds'>

export function isString({ kinds }: Fields, field: number): boolean {
  return isStringKind(kinds[field] as number)
}

/** True when a value of this kind at `[start, end)` is the empty string. */
export function isEmptyText(kind: number, start: number, end: number): boolean {
  return kind === KIND.string && end - start === 2
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

/** True when the field is the string `text`. */
export function isTextOf(fields: Fields, bytes: Uint8Array, field: number, text: Uint8Array): boolean {
  const { starts, ends, kinds } = fields
  if (kinds[field] === KIND.escapedString) return textOfField(fields, bytes, field) === textOf(text)
  const start = starts[field] as number
  if (kinds[field] !== KIND.string || (ends[field] as number) - start !== text.length + 2) return false
  let i = 0
  while (i < text.length && bytes[start + 1 + i] === text[i]) i++
  return i === text.length
}

/** True when the field holds something, and no number that a double holds: what Amplitude takes in a field of numbers. */
export function holdsNoNumber(fields: Fields, bytes: Uint8Array, field: number): boolean {
  const start = fields.starts[field] as number
  const end = fields.ends[field] as number
  const kind = fields.kinds[field] as number
  switch (kind) {
    case KIND.none:
    case KIND.null:
      return false
    case KIND.integer:
    case KIND.number:
      return isTooLarge(bytes, start, end)
    case KIND.string:
    case KIND.escapedString: {
      if (isEmptyText(kind, start, end)) return false
      const number = numberText(textOfField(fields, bytes, field), false)
      return number === null || !Number.isFinite(Number(number))
    }
    default:
      return true
  }
}

/** More digits than any double needs that is not written with an exponent. */
const MANY_DIGITS = 300

/** True when no double holds the JSON number `[start, end)`; nearly none is even looked at. */
export function isTooLarge(bytes: Uint8Array, start: number, end: number): boolean {
  let p = start
  while (p < end && ((bytes[p] as number) | 0x20) !== LETTER_E) p++
  return (p < end || end - start > MANY_DIGITS) && !Number.isFinite(Number(asciiOf(bytes, start, end)))
}

const LETTER_E = 0x65

/** Writes the content of a string, or the digits of a number, without quotes; gives where it ends. */
export function copyContent(
  { starts, ends, kinds }: Fields,
  source: TextView,
  field: number,
  target: TextView,
  at: number,
): number {
  const start = starts[field] as number
  const end = ends[field] as number
  switch (kinds[field]) {
    case KIND.string:
      return copyText(target, at, source, start + 1, end - 1)
    case KIND.escapedString:
      return copyCanonicalContent(target.bytes, at, source.bytes, start + 1, end - 1)
    default:
      return copyText(target, at, source, start, end)
  }
}
