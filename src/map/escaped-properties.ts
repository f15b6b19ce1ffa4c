import {
  BACKSLASH,
  type ByteWriter,
  CLOSE_BRACE,
  COLON,
  COMMA,
  copyBytes,
  copyLiteral,
  copyText,
  type Literal,
  MINUS,
  OPEN_BRACE,
  QUOTE,
  reserve,
  type TextView,
} from '../json/bytes.ts'
import { endOfPlainText } from '../json/plain-text.ts'
import { EXACT_DIGITS, endOfLiteral, endOfNumber, isInteger, isShortestDecimal } from '../json/values.ts'
import type { OwnProperties } from '../mapping/own-property-rules.ts'

/** Properties of one event that are written so; more are rare. */
const MOST_MEMBERS = 64

/** The letters behind a backslash that stand for a control character, and are written so. */
const CONTROL_LETTERS = new Set(Buffer.from('bfnrt'))

/**
 * Makes the function that writes the customer's own properties straight from the JSON string that holds them: `{\"plan\":\"pro\"}`, as
 * `createMemberWriter` does from its text. It takes flat objects without white space, with keys and numbers in canonical form, no name
 * twice and nothing to protect; at anything else it gives up and returns false, with nothing written.
 *
 * @returns the function; `start` and `end` are those of the string's content, whose escapes are valid
 */
export function createEscapedPropertyWriter(): (
  out: ByteWriter,
  own: OwnProperties,
  source: TextView,
  start: number,
  end: number,
) => boolean {
  /** Where the keys of the members so far stand in the source, and how long they are. */
  const keyStarts = new Int32Array(MOST_MEMBERS)
  const keyLengths = new Int32Array(MOST_MEMBERS)
  /** The names that rules give them; null for their own. */
  const names: (Uint8Array | null)[] = new Array(MOST_MEMBERS).fill(null)
  let isRenamed = false

  return function writeEscaped(out, own, source, start, end) {
    const before = out.length
    isRenamed = false
    if (writeObject(out, own, source, start, end)) return true
    out.length = before
    return false
  }

  function writeObject(out: ByteWriter, own: OwnProperties, source: TextView, start: number, end: number): boolean {
    const { keyStart, rules } = own
    const { bytes } = source
    if (bytes[start] !== OPEN_BRACE) return false
    let p = start + 1
    for (let member = 0; member < MOST_MEMBERS; member++) {
      if (bytes[p] !== BACKSLASH || bytes[p + 1] !== QUOTE) return false
      const keyEnd = endOfPlainText(source, p + 2, end)
      if (bytes[keyEnd] !== BACKSLASH || bytes[keyEnd + 1] !== QUOTE || bytes[keyEnd + 2] !== COLON) return false
      if (isRepeated(bytes, member, p + 2, keyEnd)) return false
      keyStarts[member] = p + 2
      keyLengths[member] = keyEnd - p - 2
      const rule = rules === null ? -1 : rules.find(bytes, p + 2, keyEnd)
      if (rules?.protections[rule]) return false
      const isDropped = rules !== null && (rule < 0 ? rules.dropsOthers : rules.isDropped[rule] === true)
      const name = rules?.names[rule] ?? null
      reserve(out, (name === null ? keyStart.length : name.length) + (end - p))
      const memberAt = out.length
      let to: number
      if (name === null) {
        to = copyText(out, copyLiteral(out, memberAt, keyStart), source, p + 2, keyEnd)
        out.bytes[to++] = QUOTE
        out.bytes[to++] = COLON
      } else {
        to = copyBytes(out.bytes, memberAt, name, 0, name.length)
        isRenamed = true
      }
      names[member] = name
      p = keyEnd + 3
      const c = bytes[p] as number
      if (c === BACKSLASH) {
        if (bytes[p + 1] !== QUOTE) return false
        out.length = to
        p = writeString(out, source, p + 2, end)
      } else if (c === LETTER_N) {
        p = endOfLiteral(bytes, p)
        out.length = memberAt
      } else if (c === LETTER_T || c === LETTER_F) {
        const literalEnd = endOfLiteral(bytes, p)
        out.length = copyText(out, to, source, p, literalEnd)
        p = literalEnd
      } else {
        const numberEnd = endOfNumber(bytes, p)
        if (!isCanonicalNumber(bytes, p, numberEnd)) return false
        out.length = copyText(out, to, source, p, numberEnd)
        p = numberEnd
      }
      if (p < 0) return false
      if (isDropped) out.length = memberAt
      if (bytes[p] === CLOSE_BRACE) return p + 1 === end && !(isRenamed && isNamedTwice(keyStart, bytes, member + 1))
      if (bytes[p++] !== COMMA) return false
    }
    return false
  }

  /** True when a rule gives one of the first `count` members the name of another. */
  function isNamedTwice(keyStart: Literal, bytes: Uint8Array, count: number): boolean {
    for (let i = 0; i < count; i++) {
      const name = names[i]
      if (!name) continue
      for (let k = 0; k < count; k++) {
        if (k === i) continue
        const other = names[k]
        const isSame = other ? isEqual(name, other) : isOwnName(name, keyStart, bytes, k)
        if (isSame) return true
      }
    }
    return false
  }

  /** True when `name` is what the member is called without a rule. */
  function isOwnName(name: Uint8Array, keyStart: Literal, bytes: Uint8Array, member: number): boolean {
    const start = keyStarts[member] as number
    const length = keyLengths[member] as number
    if (name.length !== keyStart.length + length + AFTER_KEY) return false
    let k = 0
    while (k < length && name[keyStart.length + k] === bytes[start + k]) k++
    return k === length
  }

  /** True when one of the first `count` members has the key `[start, end)`. */
  function isRepeated(bytes: Uint8Array, count: number, start: number, end: number): boolean {
    for (let i = 0; i < count; i++) {
      if (keyLengths[i] !== end - start) continue
      const toOther = (keyStarts[i] as number) - start
      let p = start
      while (p < end && bytes[p] === bytes[p + toOther]) p++
      if (p === end) return true
    }
    return false
  }
}

/**
 * Writes the string whose content begins at `at`, within the string that holds it; gives the position behind its closing quote, -1 when it
 * holds an escape that needs a closer look. The string that holds it ends at `end`.
 */
function writeString(out: ByteWriter, source: TextView, at: number, end: number): number {
  const { bytes } = source
  let p = at
  let to = out.length
  out.bytes[to++] = QUOTE
  for (;;) {
    const plainEnd = endOfPlainText(source, p, end)
    to = copyText(out, to, source, p, plainEnd)
    p = plainEnd
    // The text is that of a JSON string, so that a backslash stands here, and what it escapes behind it.
    if (bytes[p + 1] === QUOTE) {
      out.bytes[to++] = QUOTE
      out.length = to
      return p + 2
    }
    if (bytes[p + 1] !== BACKSLASH) return -1
    // A backslash of the property's own: what it escapes may be escaped itself.
    const escaped = bytes[p + 2] as number
    out.bytes[to++] = BACKSLASH
    if (CONTROL_LETTERS.has(escaped)) {
      out.bytes[to++] = escaped
      p += 3
    } else if (escaped === BACKSLASH && (bytes[p + 3] === QUOTE || bytes[p + 3] === BACKSLASH)) {
      out.bytes[to++] = bytes[p + 3] as number
      p += 4
    } else return -1
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}

function isCanonicalNumber(bytes: Uint8Array, start: number, end: number): boolean {
  if (end < 0) return false
  if (isInteger(bytes, start, end)) return !(bytes[start] === MINUS && bytes[start + 1] === ZERO)
  return isShortestDecimal(bytes, start, end, EXACT_DIGITS)
}

const ZERO = 0x30
/** The quote and the colon behind a key. */
const AFTER_KEY = 2
const LETTER_F = 0x66
const LETTER_N = 0x6e
const LETTER_T = 0x74
