import { BACKSLASH, QUOTE, type TextView } from './bytes.ts'

/**
 * Plain text: what stands within a JSON string as it is, and so has no quote, no backslash and no control character. It is looked at four
 * bytes at a time.
 *
 * The marks of a word are the high bits of the bytes that were looked for. `(word - ONES) & ~word` has that of the lowest byte which is
 * zero, and none below it; with 0x20 for each one, that of the lowest control character. Those above the lowest may be wrong.
 */

const ONES = 0x01010101
const HIGH_BITS = 0x80808080 | 0
const QUOTES = fourOf(QUOTE)
const BACKSLASHES = fourOf(BACKSLASH)
const SPACES = fourOf(0x20)

const IS_PLAIN = new Uint8Array(256).fill(1, 0x20)
IS_PLAIN[QUOTE] = 0
IS_PLAIN[BACKSLASH] = 0

/** Four bytes that are the same. */
export function fourOf(byte: number): number {
  return Math.imul(byte, ONES)
}

/** The marks of what is no plain text. */
function marksIn(word: number): number {
  const quotes = word ^ QUOTES
  const backslashes = word ^ BACKSLASHES
  return (((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes) | ((word - SPACES) & ~word)) & HIGH_BITS
}

/** The place in its word of the first byte that is marked. */
function firstOf(marks: number): number {
  return (31 - Math.clz32(marks & -marks)) >> 3
}

/** Where the plain text at `at` ends; at `end` at the latest, which is no further than the bytes go. */
export function endOfPlainText({ bytes, view }: TextView, at: number, end: number): number {
  let p = at
  for (const last = end - 4; p <= last; p += 4) {
    const marks = marksIn(view.getInt32(p, true))
    if (marks !== 0) return p + firstOf(marks)
  }
  while (p < end && IS_PLAIN[bytes[p] as number] === 1) p++
  return p
}

/** The same, but it ends at a byte too that `fourOf` was given to make `ends`. */
export function endOfPlainTextOr({ bytes, view }: TextView, at: number, end: number, ends: number): number {
  let p = at
  for (const last = end - 4; p <= last; p += 4) {
    const word = view.getInt32(p, true)
    const others = word ^ ends
    const marks = marksIn(word) | ((others - ONES) & ~others & HIGH_BITS)
    if (marks !== 0) return p + firstOf(marks)
  }
  const other = ends & 0xff
  while (p < end && bytes[p] !== other && IS_PLAIN[bytes[p] as number] === 1) p++
  return p
}

/** What makes plain text of the bytes behind the first `i` of a little-endian word. */
const PLAIN_BEHIND = Int32Array.of(-1, 0xffffff00, 0xffff0000, 0xff000000)

/**
 * Copies the text `[start, end)` of `source` to `target` at `at`, if it is plain; gives where it ends, or -1 when it is not. Up to three
 * bytes behind it are read, and overwritten: both must have them.
 */
export function copyPlainText(target: DataView, at: number, source: DataView, start: number, end: number): number {
  let to = at
  let p = start
  for (const last = end - 8; p <= last; p += 8, to += 8) {
    const word = source.getInt32(p, true)
    const next = source.getInt32(p + 4, true)
    if ((marksIn(word) | marksIn(next)) !== 0) return -1
    target.setInt32(to, word, true)
    target.setInt32(to + 4, next, true)
  }
  for (; p < end; p += 4, to += 4) {
    const word = source.getInt32(p, true)
    const left = end - p
    if (marksIn(left < 4 ? word | (PLAIN_BEHIND[left] as number) : word) !== 0) return -1
    target.setInt32(to, word, true)
  }
  return to - (p - end)
}
