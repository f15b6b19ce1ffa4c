import {
  append,
  appendLiteral,
  type ByteWriter,
  CLOSE_BRACE,
  COLON,
  createByteWriter,
  NEWLINE,
  OPEN_BRACE,
  QUOTE,
  reserve,
  type TextView,
  utf8,
} from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { appendStringOf, unescapeContent } from '../json/strings.ts'
import { appendValue, endOfString, endOfValue, kindOf, skipSpace } from '../json/values.ts'
import type { OwnProperties } from '../mapping/own-property-rules.ts'
import { createEscapedPropertyWriter } from './escaped-properties.ts'
import { createMemberWriter } from './member-writer.ts'
import type { RecordScanner } from './record-scanner.ts'

const RAW_KEY = utf8('_raw":')
const REDACTED = utf8('"[REDACTED]"')

/**
 * Makes the function that writes the customer's own properties of a custom event or purchase: each key behind a prefix, in
 * input order, values as they are, nulls left out (currents/README.md §3). They come as a JSON string (storage) or as an object
 * (Custom HTTP form).
 *
 * The function returns false when the text is no JSON object: it then goes out whole as the property `_raw`.
 */
export function createCustomPropertyWriter(
  scanner: RecordScanner,
): (out: ByteWriter, own: OwnProperties, source: TextView, field: number) => boolean {
  const text = createByteWriter(4096)
  const writeMembers = createMemberWriter()
  const writeEscaped = createEscapedPropertyWriter()

  return function writeCustomProperties(out, own, source, field) {
    const { bytes } = source
    const start = scanner.starts[field] as number
    const end = scanner.ends[field] as number
    switch (scanner.kinds[field]) {
      case KIND.object: {
        const wrapped = wrappedText(bytes, start, end)
        if (wrapped !== null) return writeText(out, own, bytes, wrapped.start, wrapped.end)
        writeMembers(out, own, bytes, start)
        return true
      }
      case KIND.string:
      case KIND.escapedString:
        if (writeEscaped(out, own, source, start + 1, end - 1)) return true
        return writeText(out, own, bytes, start, end)
      default:
        text.length = 0
        // In canonical form: the value is the same however its record is laid out.
        appendValue(text, bytes, start, end)
        return writeRaw(out, own)
    }
  }

  /** `{"string":"{…}"}`: the JSON string behind a union wrapper. An object of the customer's that only looks alike holds no JSON object. */
  function wrappedText(bytes: Uint8Array, start: number, end: number): { start: number; end: number } | null {
    const key = skipSpace(bytes, start + 1)
    const valueAt = key + WRAPPER_KEY.length
    if (valueAt >= end || !WRAPPER_KEY.every((byte, i) => bytes[key + i] === byte)) return null
    const colon = skipSpace(bytes, valueAt)
    const value = skipSpace(bytes, colon + 1)
    if (bytes[colon] !== COLON || bytes[value] !== QUOTE) return null
    const valueEnd = endOfString(bytes, value)
    if (bytes[skipSpace(bytes, valueEnd)] !== CLOSE_BRACE) return null
    takeText(bytes, value, valueEnd)
    return isObject() ? { start: value, end: valueEnd } : null
  }

  function isObject(): boolean {
    const at = skipSpace(text.bytes, 0)
    return text.bytes[at] === OPEN_BRACE && endsAfter(endOfValue(text.bytes, at))
  }

  function endsAfter(at: number): boolean {
    return at >= 0 && skipSpace(text.bytes, at) === text.length + 1
  }

  /** Puts the text of a JSON string, and a newline that ends every scan, into `text`. */
  function takeText(bytes: Uint8Array, start: number, end: number): void {
    text.length = 0
    reserve(text, end - start + 2)
    text.length = unescapeContent(text.bytes, 0, bytes, start + 1, end - 1)
    text.bytes[text.length] = NEWLINE
    // What an earlier, longer text left behind must not look like more of this one.
    text.bytes[text.length + 1] = 0
  }

  function writeText(out: ByteWriter, own: OwnProperties, bytes: Uint8Array, start: number, end: number): boolean {
    takeText(bytes, start, end)
    const at = skipSpace(text.bytes, 0)
    if (at > text.length) return true
    if (text.bytes[at] === OPEN_BRACE) {
      if (!isObject()) return writeRaw(out, own)
      writeMembers(out, own, text.bytes, at)
      return true
    }
    const isNull = kindOf(text.bytes, at, text.length) === KIND.null && endsAfter(endOfValue(text.bytes, at))
    return isNull || writeRaw(out, own)
  }

  /** Nobody can say which of the customer's own properties such a text holds: a rule for any of them holds it back. */
  function writeRaw(out: ByteWriter, { keyStart, rules }: OwnProperties): boolean {
    if (rules?.dropsOthers) return false
    appendLiteral(out, keyStart)
    append(out, RAW_KEY)
    if (rules === null) appendStringOf(out, text.bytes, 0, text.length)
    else append(out, REDACTED)
    return false
  }
}

const WRAPPER_KEY = utf8('"string"')
