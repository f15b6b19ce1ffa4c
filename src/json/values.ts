import {
  BACKSLASH,
  type ByteWriter,
  CLOSE_BRACE,
  COLON,
  COMMA,
  copyBytes,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  reserve,
} from './bytes.ts'
import { KIND } from './kind.ts'
import { copyCanonicalContent, escapesAreValid } from './strings.ts'

/**
 * JSON values on bytes: find where one ends, and copy it in canonical form. Every function reads text whose last byte is
 * followed by at least one byte that can stand in no JSON value (a newline), so none looks at its bounds per byte.
 */

const POINT = 0x2e
const ZERO = 0x30
const NINE = 0x39

/** No number takes more bytes in canonical form than its own text or this. */
export const MAX_NUMBER_BYTES = 32

export function skipSpace(bytes: Uint8Array, at: number): number {
  let p = at
  for (;;) {
    const c = bytes[p] as number
    // Nearly always there is none.
    if (c > 0x20 || (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09)) return p
    p++
  }
}

/** The position after the closing quote of the string whose opening quote is at `at`; -1 when it is no JSON string. */
export function endOfString(bytes: Uint8Array, at: number): number {
  let p = at + 1
  let escaped = false
  for (;;) {
    const c = bytes[p] as number
    if (c === QUOTE) break
    if (c === BACKSLASH) {
      escaped = true
      p++
      if ((bytes[p] as number) < 0x20) return -1
    } else if (!(c >= 0x20)) return -1
    p++
  }
  return escaped && !escapesAreValid(bytes, at + 1, p) ? -1 : p + 1
}

function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= 0x30 && c <= 0x39
}

/** The position after the number at `at`; -1 when it is none. */
export function endOfNumber(bytes: Uint8Array, at: number): number {
  let p = at
  if (bytes[p] === 0x2d) p++
  if (bytes[p] === 0x30) p++
  else if (isDigit(bytes[p])) while (isDigit(bytes[p])) p++
  else return -1
  if (bytes[p] === 0x2e) {
    p++
    if (!isDigit(bytes[p])) return -1
    while (isDigit(bytes[p])) p++
  }
  if (bytes[p] === 0x65 || bytes[p] === 0x45) {
    p++
    if (bytes[p] === 0x2b || bytes[p] === 0x2d) p++
    if (!isDigit(bytes[p])) return -1
    while (isDigit(bytes[p])) p++
  }
  return p
}

/** True when the number text `[start, end)` is digits with an optional sign. */
export function isInteger(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) {
    const c = bytes[p] as number
    if (c === 0x2e || c === 0x65 || c === 0x45) return false
  }
  return true
}

/** Digits that every double holds exactly. */
export const EXACT_DIGITS = 15
/** Zeros behind the point of a number below 1 that `String` writes without an exponent. */
const MAX_LEADING_ZEROS = 5

/**
 * True when the JSON number `[start, end)` has a point, no exponent, and is the shortest text of its value: of decimals with few digits
 * there is only one, but for zeros at the end.
 * @param maxDigits digits that survive in the value: 15 of a double, 6 of a float
 */
export function isShortestDecimal(bytes: Uint8Array, start: number, end: number, maxDigits: number): boolean {
  const first = bytes[start] === MINUS ? start + 1 : start
  if (end - first > maxDigits + 1 || bytes[end - 1] === ZERO) return false
  let hasPoint = false
  for (let p = first; p < end; p++) {
    const c = bytes[p] as number
    if (c === POINT) hasPoint = true
    else if (c > NINE) return false
  }
  if (!hasPoint) return false
  if (bytes[first] !== ZERO) return true
  let p = first + 2
  while (bytes[p] === ZERO) p++
  return p - first - 2 <= MAX_LEADING_ZEROS
}

/** Number of the text `[start, end)` when it is digits that every double holds, and nothing else; -1 when it is not. */
export function wholeNumberOf(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > EXACT_DIGITS) return -1
  let value = 0
  for (let p = start; p < end; p++) {
    const digit = (bytes[p] as number) - 0x30
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}

/** Number of the text `[start, end)`, which must be a JSON number. */
function numberOf(bytes: Uint8Array, start: number, end: number): number {
  const whole = wholeNumberOf(bytes, start, end)
  return whole >= 0 ? whole : Number(asciiOf(bytes, start, end))
}

/** `bytes[start, end)` as text, of few bytes that are known to be ASCII: then a loop beats a decoder. */
export function asciiOf(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let p = start; p < end; p++) text += String.fromCharCode(bytes[p] as number)
  return text
}

/**
 * Copies number text in canonical form: integers digit for digit, whatever their size; others as the shortest text of the
 * same 64-bit value, or as they are when they have none (`1e999`).
 */
export function copyNumber(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  let to = at
  if (isInteger(source, start, end)) {
    const from = end - start === 2 && source[start] === 0x2d && source[start + 1] === 0x30 ? start + 1 : start
    for (let p = from; p < end; p++) target[to++] = source[p] as number
    return to
  }
  if (isShortestDecimal(source, start, end, EXACT_DIGITS)) return copyBytes(target, to, source, start, end)
  const value = numberOf(source, start, end)
  if (Number.isFinite(value)) return writeAscii(target, to, String(value === 0 ? 0 : value))
  for (let p = start; p < end; p++) target[to++] = source[p] as number
  return to
}

/** The largest number that `writeWhole` takes, and its digits. */
export const MAX_WHOLE = 0x7fff_ffff
export const MAX_WHOLE_BYTES = 10

/** Writes a whole number in digits; gives where they end. */
export function writeWhole(target: Uint8Array, at: number, value: number): number {
  let end = at + 1
  for (let bound = 10; bound <= value; bound *= 10) end++
  let left = value | 0
  for (let p = end - 1; p >= at; p--) {
    const tenth = (left / 10) | 0
    target[p] = 0x30 + left - tenth * 10
    left = tenth
  }
  return end
}

/** Writes text that is known to be ASCII. */
export function writeAscii(target: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i)
  return at + text.length
}

/** The position after the `true`, `false` or `null` at `at`; -1 when it is none. */
export function endOfLiteral(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case 0x74: // true
      return bytes[at + 1] === 0x72 && bytes[at + 2] === 0x75 && bytes[at + 3] === 0x65 ? at + 4 : -1
    case 0x66: // false
      return bytes[at + 1] === 0x61 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x73 && bytes[at + 4] === 0x65
        ? at + 5
        : -1
    case 0x6e: // null
      return bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c ? at + 4 : -1
    default:
      return -1
  }
}

/** The position after the value at `at`, or -1 when it is no JSON. */
export function endOfValue(bytes: Uint8Array, at: number): number {
  return walkValue(bytes, at, 0, null)
}

/**
 * Appends the value `[start, end)`, which must be valid, in canonical form: no white space, canonical strings and numbers, key
 * order and repeated keys as they are.
 */
export function appendValue(out: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  reserve(out, end - start)
  walkValue(bytes, start, end, out)
}

/** Nesting has no limit: the stack is a list, not recursion. */
function walkValue(bytes: Uint8Array, at: number, end: number, out: ByteWriter | null): number {
  const closers: number[] = []
  let p = at
  for (;;) {
    p = skipSpace(bytes, p)
    const c = bytes[p] as number
    const start = p
    if (c === QUOTE) {
      p = endOfString(bytes, p)
      if (p < 0) return -1
      if (out) writeString(out, bytes, start, p)
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (out) out.bytes[out.length++] = c
      // The closers of both brackets are two above their openers.
      const closer = c + 2
      p = skipSpace(bytes, p + 1)
      if (bytes[p] !== closer) {
        closers.push(closer)
        if (c === OPEN_BRACE) {
          p = walkKey(bytes, p, out)
          if (p < 0) return -1
        }
        continue
      }
      p++
      if (out) out.bytes[out.length++] = closer
    } else if (c === 0x2d || isDigit(c)) {
      p = endOfNumber(bytes, p)
      if (p < 0) return -1
      if (out) {
        reserve(out, end - start + MAX_NUMBER_BYTES)
        out.length = copyNumber(out.bytes, out.length, bytes, start, p)
      }
    } else {
      p = endOfLiteral(bytes, p)
      if (p < 0) return -1
      if (out) out.length = copyBytes(out.bytes, out.length, bytes, start, p)
    }
    for (;;) {
      const closer = closers.at(-1)
      if (closer === undefined) return p
      p = skipSpace(bytes, p)
      const next = bytes[p] as number
      if (next !== closer && next !== COMMA) return -1
      p++
      if (out) out.bytes[out.length++] = next
      if (next === closer) {
        closers.pop()
        continue
      }
      if (closer === CLOSE_BRACE) {
        p = walkKey(bytes, skipSpace(bytes, p), out)
        if (p < 0) return -1
      }
      break
    }
  }
}

/** Walks a key and its colon; the position after them, or -1. */
function walkKey(bytes: Uint8Array, at: number, out: ByteWriter | null): number {
  if (bytes[at] !== QUOTE) return -1
  const end = endOfString(bytes, at)
  if (end < 0) return -1
  const colon = skipSpace(bytes, end)
  if (bytes[colon] !== COLON) return -1
  if (out) {
    writeString(out, bytes, at, end)
    out.bytes[out.length++] = COLON
  }
  return colon + 1
}

/** Writes a string, quotes included, in canonical form, into room that is there. */
function writeString(out: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  const target = out.bytes
  target[out.length] = QUOTE
  const to = copyCanonicalContent(target, out.length + 1, bytes, start + 1, end - 1)
  target[to] = QUOTE
  out.length = to + 1
}

/** What kind of value stands at `at`; the value must be valid, and its end known. */
export function kindOf(bytes: Uint8Array, start: number, end: number): number {
  switch (bytes[start]) {
    case QUOTE: {
      for (let p = start + 1; p < end; p++) if (bytes[p] === BACKSLASH) return KIND.escapedString
      return KIND.string
    }
    case OPEN_BRACE:
      return KIND.object
    case OPEN_BRACKET:
      return KIND.array
    case 0x74:
      return KIND.true
    case 0x66:
      return KIND.false
    case 0x6e:
      return KIND.null
    default:
      return isInteger(bytes, start, end) ? KIND.integer : KIND.number
  }
}
