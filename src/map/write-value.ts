import type { FieldType } from '../currents/events.ts'
import { booleanOf, numberText, shortestFloat32 } from '../currents/field-values.ts'
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
import { KIND } from '../json/kind.ts'
import { appendValue, copyNumber, endOfValue, numberOf, skipSpace, writeAscii } from '../json/values.ts'

/**
 * Appends the value `source[start, end)` of a field in canonical form. `out` must have room for its bytes or
 * `MAX_NUMBER_BYTES`, whichever is more; lists and objects grow it themselves.
 *
 * @param kind the value's `KIND`; neither none nor null
 * @param type what the catalogue says the field holds: floats go out as the shortest text of the same 32 bits
 * @param isText the value is a CSV field, a string still to be typed; one that is not of its type stays a string
 */
export function writeValue(
  out: ByteWriter,
  source: Uint8Array,
  start: number,
  end: number,
  kind: number,
  type: FieldType,
  isText: boolean,
): void {
  const isString = kind === KIND.string || kind === KIND.escapedString
  const typed = isText && isString && type !== 'string' ? typedText(textOfString(source, start, end), type) : null
  if (typed !== null) {
    append(out, typed)
  } else if (kind === KIND.array && type === 'strings') {
    writeItems(out, source, start, end)
  } else if (kind === KIND.number && type === 'float') {
    out.length = writeAscii(out.bytes, out.length, shortestFloat32(numberOf(source, start, end)))
  } else if (kind === KIND.number || kind === KIND.integer) {
    out.length = copyNumber(out.bytes, out.length, source, start, end)
  } else if (kind === KIND.escapedString || kind === KIND.array || kind === KIND.object) {
    appendValue(out, source, start, end)
  } else {
    out.length = copyBytes(out.bytes, out.length, source, start, end)
  }
}

/** An array of strings; its items may be wrapped as Avro's JSON encoding wraps them: `[{"string":"x"}]` is `["x"]`. */
function writeItems(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  reserve(out, end - start)
  out.bytes[out.length++] = OPEN_BRACKET
  let p = skipSpace(source, start + 1)
  while (source[p] !== CLOSE_BRACKET) {
    const itemEnd = endOfValue(source, p)
    const item = (source[p] === OPEN_BRACE ? unionValue(source, p) : null) ?? { start: p, end: itemEnd }
    appendValue(out, source, item.start, item.end)
    p = skipSpace(source, itemEnd)
    if (source[p] !== COMMA) continue
    appendByte(out, COMMA)
    p = skipSpace(source, p + 1)
  }
  appendByte(out, CLOSE_BRACKET)
}

/** The text that the JSON string `[start, end)` stands for. */
function textOfString(source: Uint8Array, start: number, end: number): string {
  return String(JSON.parse(textOf(source, start, end)))
}

/** A CSV field as the JSON text of its type; null when it is not of that type. */
function typedText(text: string, type: FieldType): Uint8Array | null {
  switch (type) {
    case 'int':
    case 'double':
      return bytesOrNull(numberText(text))
    case 'float': {
      const number = numberText(text)
      return bytesOrNull(number === null || /^-?\d+$/.test(number) ? number : shortestFloat32(Number(number)))
    }
    case 'boolean':
      return bytesOrNull(booleanOf(text)?.toString() ?? null)
    case 'strings':
      return arrayBytes(text)
    case 'string':
      return null
  }
}

function bytesOrNull(text: string | null): Uint8Array | null {
  return text === null ? null : utf8(text)
}

function arrayBytes(text: string): Uint8Array | null {
  const source = utf8(`${text}\n`)
  const start = skipSpace(source, 0)
  if (source[start] !== OPEN_BRACKET) return null
  const end = endOfValue(source, start)
  if (end < 0 || skipSpace(source, end) !== source.length) return null
  const out = createByteWriter(source.length)
  writeItems(out, source, start, end)
  return out.bytes.subarray(0, out.length)
}
