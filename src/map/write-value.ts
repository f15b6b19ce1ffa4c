import type { FieldType } from '../currents/events.ts'
import { booleanOf, decimalText, numberText } from '../currents/field-values.ts'
import { listOfText } from '../currents/list-text.ts'
import { unionValue } from '../json/avro-union.ts'
import {
  append,
  appendByte,
  type ByteWriter,
  CLOSE_BRACKET,
  COMMA,
  copyBytes,
  createByteWriter,
  OPEN_BRACE,
  OPEN_BRACKET,
  reserve,
  textOf,
  utf8,
} from '../json/bytes.ts'
import { isStringKind, KIND } from '../json/kind.ts'
import { appendStringOf } from '../json/strings.ts'
import {
  appendValue,
  asciiOf,
  copyNumber,
  EXACT_DIGITS,
  endOfValue,
  isShortestDecimal,
  kindOf,
  skipSpace,
  writeAscii,
} from '../json/values.ts'

/**
 * Appends the value `source[start, end)` of a field in canonical form, as the catalogue types the field: `"19.99"` of a number is 19.99,
 * 5 of a string is `"5"`. What is not of the type goes out as its text, so that a value gives the same bytes from every format
 * (currents/README.md §3). `out` must have room for its bytes or `MAX_NUMBER_BYTES`, whichever is more; what needs more grows it.
 *
 * @param kind the value's `KIND`; neither none nor null
 */
export function writeValue(
  out: ByteWriter,
  source: Uint8Array,
  start: number,
  end: number,
  kind: number,
  type: FieldType,
): void {
  switch (type) {
    case 'string':
      if (!isStringKind(kind)) break
      appendValue(out, source, start, end)
      return
    case 'float':
    case 'double':
    case 'int':
      if (kind === KIND.integer) {
        out.length = copyNumber(out.bytes, out.length, source, start, end)
        return
      }
      if (kind === KIND.number) {
        if (isShortestDecimal(source, start, end, type === 'float' ? FLOAT_DIGITS : EXACT_DIGITS)) {
          out.length = copyBytes(out.bytes, out.length, source, start, end)
          return
        }
        const text = decimalText(asciiOf(source, start, end), type === 'float')
        if (text === null) break
        out.length = writeAscii(out.bytes, out.length, text)
        return
      }
      break
    case 'boolean':
      if (kind !== KIND.true && kind !== KIND.false) break
      out.length = copyBytes(out.bytes, out.length, source, start, end)
      return
    case 'strings':
      if (kind !== KIND.array) break
      writeItems(out, source, start, end)
      return
    case 'any':
      appendValue(out, source, start, end)
      return
  }
  writeByText(out, source, start, end, kind, type)
}

/** Digits that every 32-bit float keeps. */
const FLOAT_DIGITS = 6

/** Writes a value that has another form than its type: by its text, typed when it can be. */
function writeByText(
  out: ByteWriter,
  source: Uint8Array,
  start: number,
  end: number,
  kind: number,
  type: FieldType,
): void {
  if (kind === KIND.array || kind === KIND.object) {
    const json = createByteWriter(end - start)
    appendValue(json, source, start, end)
    appendStringOf(out, json.bytes, 0, json.length)
    return
  }
  const text = textOf(source, start, end)
  const typed = typedText(isStringKind(kind) ? String(JSON.parse(text)) : text, type)
  if (typed !== null) append(out, typed)
  else if (isStringKind(kind)) appendValue(out, source, start, end)
  else appendStringOf(out, source, start, end)
}

/** Text as the JSON text of its type; null when it is not of that type. */
function typedText(text: string, type: FieldType): Uint8Array | null {
  switch (type) {
    case 'int':
    case 'double':
    case 'float':
      return bytesOrNull(numberText(text, type === 'float'))
    case 'boolean':
      return bytesOrNull(booleanOf(text)?.toString() ?? null)
    case 'strings':
      return arrayBytes(text)
    default:
      return null
  }
}

function bytesOrNull(text: string | null): Uint8Array | null {
  return text === null ? null : utf8(text)
}

/** A list in JSON, or as databases write one. */
function arrayBytes(text: string): Uint8Array | null {
  const source = utf8(`${text}\n`)
  const start = skipSpace(source, 0)
  const end = source[start] === OPEN_BRACKET ? endOfValue(source, start) : -1
  if (end < 0 || skipSpace(source, end) !== source.length) {
    const list = listOfText(text)
    return list === null ? null : utf8(JSON.stringify(list))
  }
  const out = createByteWriter(source.length)
  writeItems(out, source, start, end)
  return out.bytes.subarray(0, out.length)
}

/** An array of strings; its items may be wrapped as Avro's JSON encoding wraps them: `[{"string":"x"}]` is `["x"]`. */
function writeItems(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  reserve(out, end - start)
  out.bytes[out.length++] = OPEN_BRACKET
  let p = skipSpace(source, start + 1)
  while (source[p] !== CLOSE_BRACKET) {
    const itemEnd = endOfValue(source, p)
    const item = (source[p] === OPEN_BRACE ? unionValue(source, p) : null) ?? { start: p, end: itemEnd }
    const kind = kindOf(source, item.start, item.end)
    if (kind === KIND.null) append(out, source, item.start, item.end)
    else writeValue(out, source, item.start, item.end, kind, 'string')
    p = skipSpace(source, itemEnd)
    if (source[p] !== COMMA) continue
    appendByte(out, COMMA)
    p = skipSpace(source, p + 1)
  }
  appendByte(out, CLOSE_BRACKET)
}
