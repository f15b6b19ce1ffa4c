import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET, QUOTE, type TextView } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { endOfString } from '../json/values.ts'
import { endOfText } from '../map/event-properties.ts'
import { isTooLarge } from '../map/record-values.ts'

/** Integers of so many digits need no look. */
const FEW_DIGITS = 300

/**
 * True when the value `[start, end)` of a record is one that its kind alone says to be right: a number that a double holds, a list of
 * nothing but strings.
 */
export function isPlainValue(bytes: Uint8Array, kind: number, start: number, end: number): boolean {
  switch (kind) {
    case KIND.integer:
      return end - start <= FEW_DIGITS
    case KIND.number:
      return !isTooLarge(bytes, start, end)
    case KIND.array:
      return isListOfStrings(bytes, start, end)
    default:
      return true
  }
}

/** True of a list without white space that holds strings and nothing else. */
function isListOfStrings(bytes: Uint8Array, start: number, end: number): boolean {
  let p = start
  do {
    p++
    if (bytes[p] !== QUOTE) return p === start + 1 && bytes[p] === CLOSE_BRACKET
    p = endOfString(bytes, p)
  } while (bytes[p] === COMMA)
  return p === end - 1
}

/** True when lists and objects are nested more than `most` deep in the value `[start, end)` of an event. */
export function isDeeperThan(source: TextView, start: number, end: number, most: number): boolean {
  // Each level has two brackets.
  if (end - start <= 2 * most) return false
  const { bytes } = source
  let depth = 0
  let p = start
  while (p < end) {
    const c = bytes[p]
    if (c === QUOTE) {
      p = endOfText(source, p)
      continue
    }
    if ((c === OPEN_BRACE || c === OPEN_BRACKET) && ++depth > most) return true
    if (c === CLOSE_BRACE || c === CLOSE_BRACKET) depth--
    p++
  }
  return false
}
