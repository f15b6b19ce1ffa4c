import { timeOfNumber, timeOfText } from '../currents/field-values.ts'
import { copyBytes, textOf } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { copyCanonicalContent } from '../json/strings.ts'
import { numberOf } from '../json/values.ts'
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

/** Milliseconds since 1970, or NaN. */
export function timeOfField(fields: Fields, bytes: Uint8Array, field: number): number {
  switch (fields.kinds[field]) {
    case KIND.integer:
    case KIND.number:
      return timeOfNumber(numberOf(bytes, fields.starts[field] as number, fields.ends[field] as number))
    case KIND.string:
    case KIND.escapedString:
      return timeOfText(textOfField(fields, bytes, field))
    default:
      return Number.NaN
  }
}

/** What a field holds, cut to what fits into a message. */
export function excerptOfField({ starts, ends }: Fields, bytes: Uint8Array, field: number): string {
  const text = textOf(bytes, starts[field], ends[field])
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
