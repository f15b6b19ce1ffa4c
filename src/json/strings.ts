import { BACKSLASH, type ByteWriter, QUOTE, reserve } from './bytes.ts'
import { KIND } from './kind.ts'

/**
 * JSON strings on bytes. One canonical form, so that the same text gives the same bytes from every input format:
 * the form of `JSON.stringify` (only `"`, `\`, controls and lone surrogates are escaped, in lower case).
 */

const HEX = utf8Hex()

function utf8Hex(): Uint8Array {
  return Buffer.from('0123456789abcdef')
}

/** How a byte must be written inside a JSON string: 0 = as it is, `u` = as \u00xx, else the letter after the backslash. */
const ESCAPE_LETTER = new Uint8Array(256)
ESCAPE_LETTER.fill(0x75, 0, 0x20)
ESCAPE_LETTER[0x08] = 0x62
ESCAPE_LETTER[0x09] = 0x74
ESCAPE_LETTER[0x0a] = 0x6e
ESCAPE_LETTER[0x0c] = 0x66
ESCAPE_LETTER[0x0d] = 0x72
ESCAPE_LETTER[QUOTE] = QUOTE
ESCAPE_LETTER[BACKSLASH] = BACKSLASH

/** The largest number of bytes that one byte of text can become inside a JSON string. */
const MAX_ESCAPED_BYTES = 6

/** True when a JSON string has a backslash and `letter` for the text that is `byte`. */
export function isJsonEscape(letter: number, byte: number): boolean {
  return ESCAPE_LETTER[byte] === letter
}

/** The value of the four hex digits at `at`, or -1. */
function hex4(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + 4; i++) {
    const c = bytes[i] as number
    let digit: number
    if (c >= 0x30 && c <= 0x39) digit = c - 0x30
    else if (c >= 0x41 && c <= 0x46) digit = c - 0x37
    else if (c >= 0x61 && c <= 0x66) digit = c - 0x57
    else return -1
    value = value * 16 + digit
  }
  return value
}

/** What the escape at `at` (a backslash) stands for: a code unit, or a code point when two escapes pair up; -1 when it is no escape. */
function escapedCode(bytes: Uint8Array, at: number, end: number): number {
  switch (bytes[at + 1]) {
    case QUOTE:
      return QUOTE
    case BACKSLASH:
      return BACKSLASH
    case 0x2f:
      return 0x2f
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x6e:
      return 0x0a
    case 0x72:
      return 0x0d
    case 0x74:
      return 0x09
    case 0x75: {
      if (at + 6 > end) return -1
      const high = hex4(bytes, at + 2)
      if (high < 0xd800 || high > 0xdbff || at + 12 > end) return high
      if (bytes[at + 6] !== BACKSLASH || bytes[at + 7] !== 0x75) return high
      const low = hex4(bytes, at + 8)
      return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : high
    }
    default:
      return -1
  }
}

/** Bytes that the escape at `at` takes, given what it stands for. */
function escapeLength(bytes: Uint8Array, at: number, code: number): number {
  if (bytes[at + 1] !== 0x75) return 2
  return code > 0xffff ? 12 : 6
}

/** True when every escape in the string content `[start, end)` is one that JSON knows. */
export function escapesAreValid(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i] !== BACKSLASH) continue
    const code = escapedCode(bytes, i, end)
    if (code < 0) return false
    i += escapeLength(bytes, i, code) - 1
  }
  return true
}

function writeEscapedByte(target: Uint8Array, at: number, byte: number, letter: number): number {
  let to = at
  target[to++] = BACKSLASH
  target[to++] = letter
  if (letter !== 0x75) return to
  target[to++] = 0x30
  target[to++] = 0x30
  target[to++] = HEX[byte >> 4] as number
  target[to++] = HEX[byte & 15] as number
  return to
}

/** Writes a code point as UTF-8; a lone surrogate, which has no UTF-8, as the six bytes of its escape. */
function writeCodePoint(target: Uint8Array, at: number, code: number): number {
  let to = at
  if (code < 0x80) {
    target[to++] = code
  } else if (code < 0x800) {
    target[to++] = 0xc0 | (code >> 6)
    target[to++] = 0x80 | (code & 63)
  } else if (code >= 0xd800 && code <= 0xdfff) {
    target[to++] = BACKSLASH
    target[to++] = 0x75
    for (let shift = 12; shift >= 0; shift -= 4) target[to++] = HEX[(code >> shift) & 15] as number
  } else if (code < 0x10000) {
    target[to++] = 0xe0 | (code >> 12)
    target[to++] = 0x80 | ((code >> 6) & 63)
    target[to++] = 0x80 | (code & 63)
  } else {
    target[to++] = 0xf0 | (code >> 18)
    target[to++] = 0x80 | ((code >> 12) & 63)
    target[to++] = 0x80 | ((code >> 6) & 63)
    target[to++] = 0x80 | (code & 63)
  }
  return to
}

/**
 * Copies the content of a JSON string (without its quotes) in canonical form. `target` must have room for
 * `end - start` bytes; the result is never longer. The escapes must be valid.
 */
export function copyCanonicalContent(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  let to = at
  for (let i = start; i < end; i++) {
    const c = source[i] as number
    if (c !== BACKSLASH) {
      target[to++] = c
      continue
    }
    const code = escapedCode(source, i, end)
    i += escapeLength(source, i, code) - 1
    const letter = code < 0x80 ? (ESCAPE_LETTER[code] as number) : 0
    to = letter === 0 ? writeCodePoint(target, to, code) : writeEscapedByte(target, to, code, letter)
  }
  return to
}

/**
 * Writes the text that the content of a JSON string stands for. `target` must have room for `end - start` bytes.
 * A lone surrogate stays the six bytes of its escape, so that text which is itself JSON keeps it.
 */
export function unescapeContent(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  let to = at
  for (let i = start; i < end; i++) {
    const c = source[i] as number
    if (c !== BACKSLASH) {
      target[to++] = c
      continue
    }
    const code = escapedCode(source, i, end)
    i += escapeLength(source, i, code) - 1
    to = writeCodePoint(target, to, code)
  }
  return to
}

/** Appends UTF-8 text as a JSON string with its quotes, in canonical form; grows the writer. Returns its kind. */
export function appendStringOf(writer: ByteWriter, source: Uint8Array, start: number, end: number): number {
  reserve(writer, end - start + 2)
  let target = writer.bytes
  let to = writer.length
  let kind: number = KIND.string
  target[to++] = QUOTE
  for (let i = start; i < end; i++) {
    const c = source[i] as number
    const letter = ESCAPE_LETTER[c] as number
    if (letter === 0) {
      target[to++] = c
      continue
    }
    kind = KIND.escapedString
    writer.length = to
    reserve(writer, (end - i) * MAX_ESCAPED_BYTES + 1)
    target = writer.bytes
    to = writeEscapedByte(target, to, c, letter)
  }
  target[to++] = QUOTE
  writer.length = to
  return kind
}
