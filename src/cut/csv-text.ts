import { BACKSLASH, QUOTE } from '../json/bytes.ts'

/**
 * Plain text in fields of CSV: what means itself in every dialect and in a JSON string, and so has no quote, no backslash and no control
 * character.
 *
 * It is looked at four bytes at a time. `(word - ONES) & ~word & HIGH_BITS` has the high bit of the lowest byte that is zero, and no bit
 * below it; with 0x20 for each one, that of the lowest control character.
 */

const ONES = 0x01010101
const HIGH_BITS = 0x80808080 | 0
const QUOTES = fourOf(QUOTE)
const BACKSLASHES = fourOf(BACKSLASH)
const SPACES = fourOf(0x20)

const IS_PLAIN = new Uint8Array(256).fill(1)
IS_PLAIN.fill(0, 0, 0x20)
IS_PLAIN[QUOTE] = 0
IS_PLAIN[BACKSLASH] = 0

/** Four bytes that are the same. */
export function fourOf(byte: number): number {
  return Math.imul(byte, ONES)
}

/** Where the plain text at `at` ends, of a field without quotes: at a delimiter (given as `fourOf` it) or before; at `end` at the latest. */
export function endOfPlainText(words: DataView, at: number, end: number, delimiters: number): number {
  let p = at
  for (; p + 4 <= end; p += 4) {
    const word = words.getInt32(p, true)
    const ends = word ^ delimiters
    const quotes = word ^ QUOTES
    const backslashes = word ^ BACKSLASHES
    const found =
      (((ends - ONES) & ~ends) |
        ((quotes - ONES) & ~quotes) |
        ((backslashes - ONES) & ~backslashes) |
        ((word - SPACES) & ~word)) &
      HIGH_BITS
    if (found !== 0) return p + ((31 - Math.clz32(found & -found)) >> 3)
  }
  const delimiter = delimiters & 0xff
  while (p < end && words.getUint8(p) !== delimiter && IS_PLAIN[words.getUint8(p)] === 1) p++
  return p
}

/** The same within quotes, where the delimiter is text. */
export function endOfQuotedText(words: DataView, at: number, end: number): number {
  let p = at
  for (; p + 4 <= end; p += 4) {
    const word = words.getInt32(p, true)
    const quotes = word ^ QUOTES
    const backslashes = word ^ BACKSLASHES
    const found =
      (((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes) | ((word - SPACES) & ~word)) & HIGH_BITS
    if (found !== 0) return p + ((31 - Math.clz32(found & -found)) >> 3)
  }
  while (p < end && IS_PLAIN[words.getUint8(p)] === 1) p++
  return p
}
