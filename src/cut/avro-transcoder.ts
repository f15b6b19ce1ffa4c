import { isUtf8 } from 'node:buffer'
import {
  append,
  appendByte,
  type ByteWriter,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  closeObject,
  OPEN_BRACE,
  OPEN_BRACKET,
  utf8,
} from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { appendStringOf } from '../json/strings.ts'
import { type Cursor, DAMAGED, exactLong, readLength, readLong } from './avro-binary.ts'
import {
  appendAscii,
  canBeDecimal,
  writeDate,
  writeDecimal,
  writeTime,
  writeTimestamp,
  writeUuid,
} from './avro-logical-types.ts'
import type { AvroField, AvroType, LogicalType } from './avro-schema.ts'

/**
 * Avro's binary encoding to plain JSON text, without building the values in between. The types of a schema are compiled once per file
 * into functions that walk the bytes. Unions are written without their wrapper, null fields are left out, integers keep all their
 * digits.
 */

/** Records, arrays and maps within one another; only damage makes them nest deeper, and would use up the stack. */
const MAX_DEPTH = 500
/** Items of arrays in a record that take no byte: a few bytes of damage can say that there are any number. */
const MAX_EMPTY_ITEMS = 1 << 16

/**
 * Writes the value at the cursor as JSON, moves on and returns its `KIND`; `KIND.null` writes nothing, `DAMAGED` leaves the
 * cursor anywhere.
 */
export type Transcoder = (from: Cursor, out: ByteWriter) => number

const TRUE = utf8('true')
const FALSE = utf8('false')
const NULL_TEXT = utf8('null')

/** Makes the function that compiles types, each once. A record may contain itself. */
export function createTranscoders(): (type: AvroType) => Transcoder {
  const known = new Map<AvroType, Transcoder>()
  return function transcoderOf(type) {
    const before = known.get(type)
    if (before) return before
    let compiled: Transcoder | null = null
    known.set(type, (from, out) => (compiled === null ? DAMAGED : compiled(from, out)))
    compiled = compile(type, transcoderOf)
    known.set(type, compiled)
    return compiled
  }
}

function compile(type: AvroType, inner: (type: AvroType) => Transcoder): Transcoder {
  switch (type.type) {
    case 'null':
      return () => KIND.null
    case 'boolean':
      return transcodeBoolean
    case 'int':
    case 'long':
      return type.logical === null ? transcodeLong : compileLogical(type.logical)
    case 'float':
      return (from, out) => transcodeFloat(from, out, 4)
    case 'double':
      return (from, out) => transcodeFloat(from, out, 8)
    case 'string':
      return transcodeString
    case 'bytes':
      return type.logical?.is === 'decimal' ? compileDecimal(readLength, type.logical.scale) : compileBytes(readLength)
    case 'fixed':
      return compileFixed(type.size, type.logical)
    case 'enum':
      return compileEnum(type.symbols)
    case 'array':
      return compileBlocks(inner(type.items), null)
    case 'map':
      return compileBlocks(inner(type.values), transcodeString)
    case 'record':
      return compileRecord(type.fields, inner)
    case 'union':
      return compileUnion(type.branches.map(inner))
  }
}

function compileLogical(logical: LogicalType): Transcoder {
  switch (logical.is) {
    case 'timestamp':
      return (from, out) => writeTimestamp(from, out, logical.digits, logical.isLocal)
    case 'time':
      return (from, out) => writeTime(from, out, logical.digits)
    case 'date':
      return writeDate
    default:
      return transcodeLong
  }
}

function compileFixed(size: number, logical: LogicalType | null): Transcoder {
  if (logical?.is === 'uuid') return writeUuid
  return logical?.is === 'decimal' ? compileDecimal(() => size, logical.scale) : compileBytes(() => size)
}

/** Bytes whose length `lengthOf` reads, or knows. */
function compileBytes(lengthOf: (from: Cursor) => number): Transcoder {
  return (from, out) => writeBytes(from, out, lengthOf(from))
}

function compileDecimal(lengthOf: (from: Cursor) => number, scale: number): Transcoder {
  return (from, out) => {
    const length = lengthOf(from)
    return length >= 0 && canBeDecimal(length) ? writeDecimal(from, out, length, scale) : writeBytes(from, out, length)
  }
}

/** Null fields are left out. */
function compileRecord(fields: readonly AvroField[], inner: (type: AvroType) => Transcoder): Transcoder {
  const keys = fields.map((field) => utf8(`,${JSON.stringify(field.name)}:`))
  const transcoders = fields.map((field) => inner(field.type))
  return (from, out) => {
    if (from.depth >= MAX_DEPTH) return DAMAGED
    from.depth++
    const start = out.length
    for (let i = 0; i < keys.length; i++) {
      const before = out.length
      append(out, keys[i] as Uint8Array)
      const kind = (transcoders[i] as Transcoder)(from, out)
      if (kind === DAMAGED) return DAMAGED
      if (kind === KIND.null) out.length = before
    }
    closeObject(out, start)
    from.depth--
    return out.length <= from.outEnd ? KIND.object : DAMAGED
  }
}

function compileUnion(branches: readonly Transcoder[]): Transcoder {
  return (from, out) => {
    const branch = branches[readLength(from)]
    return branch === undefined ? DAMAGED : branch(from, out)
  }
}

function compileEnum(symbols: readonly string[]): Transcoder {
  const texts = symbols.map((symbol) => utf8(JSON.stringify(symbol)))
  return (from, out) => {
    const text = texts[readLength(from)]
    if (text === undefined) return DAMAGED
    append(out, text)
    return KIND.string
  }
}

/** Arrays, and maps when `key` reads their keys: blocks of items, each with its count, until a count of zero. */
function compileBlocks(item: Transcoder, key: Transcoder | null): Transcoder {
  return (from, out) => {
    if (from.depth >= MAX_DEPTH) return DAMAGED
    from.depth++
    appendByte(out, key === null ? OPEN_BRACKET : OPEN_BRACE)
    let isFirst = true
    for (;;) {
      let count = readLong(from)
      if (count === 0) break
      if (count < 0) {
        count = -count
        if (readLength(from) < 0) return DAMAGED
      }
      // A count beyond what can stand here is damage, and must not keep the loop busy.
      const most = from.end - from.at
      if (!(count <= (key === null ? Math.max(most, MAX_EMPTY_ITEMS) : most))) return DAMAGED
      for (; count > 0; count--) {
        if (!isFirst) appendByte(out, COMMA)
        isFirst = false
        const before = from.at
        if (key !== null) {
          if (key(from, out) === DAMAGED) return DAMAGED
          appendByte(out, COLON)
        }
        const met = item(from, out)
        if (met === DAMAGED) return DAMAGED
        if (from.at === before && ++from.emptyItems > MAX_EMPTY_ITEMS) return DAMAGED
        if (met === KIND.null) append(out, NULL_TEXT)
        if (out.length > from.outEnd) return DAMAGED
      }
    }
    appendByte(out, key === null ? CLOSE_BRACKET : CLOSE_BRACE)
    from.depth--
    return key === null ? KIND.array : KIND.object
  }
}

function transcodeBoolean(from: Cursor, out: ByteWriter): number {
  const byte = from.at < from.end ? from.bytes[from.at++] : -1
  if (byte !== 0 && byte !== 1) return DAMAGED
  append(out, byte === 1 ? TRUE : FALSE)
  return byte === 1 ? KIND.true : KIND.false
}

function transcodeString(from: Cursor, out: ByteWriter): number {
  const length = readLength(from)
  const end = from.at + length
  if (!(length >= 0 && end <= from.end)) return DAMAGED
  const kind = appendStringOf(out, from.bytes, from.at, end)
  from.at = end
  return kind
}

/** Bytes that are UTF-8 as the text that they are; others as Avro's JSON encoding has them: a string of the code points 0 to 255. */
function writeBytes(from: Cursor, out: ByteWriter, length: number): number {
  const { bytes, at } = from
  const end = at + length
  if (!(length >= 0 && end <= from.end)) return DAMAGED
  from.at = end
  const own = bytes.subarray(at, end)
  if (isUtf8(own)) return appendStringOf(out, bytes, at, end)
  const text = utf8(Buffer.from(own).toString('latin1'))
  return appendStringOf(out, text, 0, text.length)
}

function transcodeFloat(from: Cursor, out: ByteWriter, size: 4 | 8): number {
  if (from.at + size > from.end) return DAMAGED
  const value = size === 4 ? from.view.getFloat32(from.at, true) : from.view.getFloat64(from.at, true)
  from.at += size
  // JSON has no NaN and no infinity.
  if (!Number.isFinite(value)) return KIND.null
  const text = String(value)
  appendAscii(out, text)
  return /^-?\d+$/.test(text) ? KIND.integer : KIND.number
}

function transcodeLong(from: Cursor, out: ByteWriter): number {
  const start = from.at
  const value = readLong(from)
  if (Number.isNaN(value)) return DAMAGED
  const text = Number.isSafeInteger(value) ? String(value) : String(exactLong(from.bytes, start, from.at))
  appendAscii(out, text)
  return KIND.integer
}
