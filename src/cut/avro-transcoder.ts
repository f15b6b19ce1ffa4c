import type { Type, types } from 'avsc'
import {
  append,
  appendByte,
  type ByteWriter,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  closeObject,
  grownInto,
  OPEN_BRACE,
  OPEN_BRACKET,
  reserve,
  utf8,
} from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { appendStringOf } from '../json/strings.ts'
import { MAX_NUMBER_BYTES, writeAscii } from '../json/values.ts'

/**
 * Avro's binary encoding to plain JSON text, without building the values in between. The schema is read by `avsc`; its types
 * are compiled once per file into functions that walk the bytes. Unions are written without their wrapper, null fields are left
 * out, integers keep all their digits.
 */

/** Where reading stands. Nothing is read at or beyond `end`. */
export interface Cursor {
  bytes: Uint8Array
  at: number
  end: number
  /** Records that the value at the cursor is within. */
  depth: number
  /** Items of arrays that took no byte, of the record that is read. */
  emptyItems: number
}

/** Records within records; only damage makes them nest deeper, and would use up the stack. */
const MAX_DEPTH = 500
/** Items of arrays in a record that take no byte: a few bytes of damage can say that there are any number. */
const MAX_EMPTY_ITEMS = 1 << 16

/** What a transcoder met when the bytes do not fit the schema. */
const DAMAGED = KIND.none

/**
 * Writes the value at the cursor as JSON, moves on and returns its `KIND`; `KIND.null` writes nothing, `DAMAGED` leaves the
 * cursor anywhere.
 */
type Transcoder = (from: Cursor, out: ByteWriter) => number

/** A record whose fields are noted as it is written, for the mapper. */
export interface RecordTranscoder {
  readonly names: readonly string[]
  /** Writes the record at the cursor; false when it is damaged. */
  write(from: Cursor, out: ByteWriter, columns: GrowingColumns): boolean
}

/** Spans of fields, row after row; see `FieldColumns`. */
export interface GrowingColumns {
  kinds: Uint8Array
  starts: Int32Array
  ends: Int32Array
  /** Entries written. */
  length: number
}

const TRUE = utf8('true')
const FALSE = utf8('false')
const NULL_TEXT = utf8('null')

/** Compiles a type. A named type may contain itself. */
function compileTranscoder(type: Type, named = new Map<Type, Transcoder>()): Transcoder {
  const known = named.get(type)
  if (known) return known
  let compiled: Transcoder | null = null
  named.set(type, (from, out) => (compiled === null ? DAMAGED : compiled(from, out)))
  compiled = compile(type, (inner) => compileTranscoder(inner, named))
  named.set(type, compiled)
  return compiled
}

function compile(type: Type, inner: (type: Type) => Transcoder): Transcoder {
  switch (type.typeName) {
    case 'null':
      return () => KIND.null
    case 'boolean':
      return transcodeBoolean
    case 'int':
    case 'long':
      return transcodeLong
    case 'float':
      return (from, out) => transcodeFloat(from, out, 4)
    case 'double':
      return (from, out) => transcodeFloat(from, out, 8)
    case 'string':
      return transcodeString
    case 'bytes':
      return (from, out) => writeBytes(from, out, readLength(from))
    case 'fixed': {
      const { size } = type as types.FixedType
      return (from, out) => writeBytes(from, out, size)
    }
    case 'enum':
      return compileEnum((type as types.EnumType).symbols)
    case 'array':
      return compileBlocks(inner((type as types.ArrayType).itemsType), null)
    case 'map':
      return compileBlocks(inner((type as types.MapType).valuesType), transcodeString)
    case 'record':
    case 'error':
      return compileRecord((type as types.RecordType).fields, inner)
    case 'union:unwrapped':
    case 'union:wrapped':
      return compileUnion((type as types.UnwrappedUnionType).types.map(inner))
    default:
      throw new TypeError(`Avro type ${type.typeName} cannot be read`)
  }
}

function compileRecord(fields: readonly types.Field[], inner: (type: Type) => Transcoder): Transcoder {
  const record = createRecordTranscoder(fields, inner)
  return (from, out) => {
    const columns = createColumns(fields.length)
    return record.write(from, out, columns) ? KIND.object : DAMAGED
  }
}

/** Compiles the record type of a file. */
export function compileRecordTranscoder(type: types.RecordType): RecordTranscoder {
  return createRecordTranscoder(type.fields, (inner) => compileTranscoder(inner))
}

export function createColumns(capacity: number): GrowingColumns {
  return {
    kinds: new Uint8Array(capacity),
    starts: new Int32Array(capacity),
    ends: new Int32Array(capacity),
    length: 0,
  }
}

function makeRoom(columns: GrowingColumns, count: number): void {
  if (columns.length + count <= columns.kinds.length) return
  const capacity = (columns.length + count) * 2
  columns.kinds = grownInto(new Uint8Array(capacity), columns.kinds)
  columns.starts = grownInto(new Int32Array(capacity), columns.starts)
  columns.ends = grownInto(new Int32Array(capacity), columns.ends)
}

function createRecordTranscoder(fields: readonly types.Field[], inner: (type: Type) => Transcoder): RecordTranscoder {
  const keys = fields.map((field) => utf8(`,${JSON.stringify(field.name)}:`))
  const transcoders = fields.map((field) => inner(field.type))
  return {
    names: fields.map((field) => field.name),
    write(from, out, columns) {
      if (from.depth >= MAX_DEPTH) return false
      from.depth++
      makeRoom(columns, keys.length)
      const { kinds, starts, ends } = columns
      const start = out.length
      let entry = columns.length
      for (let i = 0; i < keys.length; i++, entry++) {
        const before = out.length
        const key = keys[i] as Uint8Array
        append(out, key)
        const kind = (transcoders[i] as Transcoder)(from, out)
        if (kind === DAMAGED) return false
        if (kind === KIND.null) out.length = before
        kinds[entry] = kind
        starts[entry] = before + key.length
        ends[entry] = out.length
      }
      columns.length = entry
      closeObject(out, start)
      from.depth--
      return true
    },
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
      }
    }
    appendByte(out, key === null ? CLOSE_BRACKET : CLOSE_BRACE)
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

/** Bytes as Avro's JSON encoding has them: a string of the code points 0 to 255. */
function writeBytes(from: Cursor, out: ByteWriter, length: number): number {
  const end = from.at + length
  if (!(length >= 0 && end <= from.end)) return DAMAGED
  const text = utf8(Buffer.from(from.bytes.subarray(from.at, end)).toString('latin1'))
  const kind = appendStringOf(out, text, 0, text.length)
  from.at = end
  return kind
}

function transcodeFloat(from: Cursor, out: ByteWriter, size: 4 | 8): number {
  if (from.at + size > from.end) return DAMAGED
  const view = new DataView(from.bytes.buffer, from.bytes.byteOffset + from.at, size)
  const value = size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
  from.at += size
  // JSON has no NaN and no infinity.
  if (!Number.isFinite(value)) return KIND.null
  reserve(out, MAX_NUMBER_BYTES)
  const text = String(value)
  out.length = writeAscii(out.bytes, out.length, text)
  return /^-?\d+$/.test(text) ? KIND.integer : KIND.number
}

function transcodeLong(from: Cursor, out: ByteWriter): number {
  const start = from.at
  const value = readLong(from)
  if (Number.isNaN(value)) return DAMAGED
  const text = Number.isSafeInteger(value) ? String(value) : String(exactLong(from.bytes, start, from.at))
  reserve(out, MAX_NUMBER_BYTES)
  out.length = writeAscii(out.bytes, out.length, text)
  return KIND.integer
}

/** A long that must be a length or an index; -1 when it is not. */
function readLength(from: Cursor): number {
  const value = readLong(from)
  return value >= 0 ? value : -1
}

/** Bits that fit into a 32-bit integer with the sign to spare, in groups of seven and the six of the first byte. */
const FAST_SHIFT = 27
/** Where the bits of a tenth byte would stand: the first of them is the 64th and last. */
const LAST_SHIFT = 62

/**
 * A zigzag varint; NaN when it does not end in time or has more than 64 bits. Exact when it is a safe integer, and else only near: see
 * {@link exactLong}.
 */
export function readLong(from: Cursor): number {
  const { bytes, end } = from
  let at = from.at
  if (at >= end) return Number.NaN
  let byte = bytes[at++] as number
  // The lowest bit is the sign. It is taken off first: a number of 64 bits that was rounded has lost it.
  const isNegative = (byte & 1) === 1
  let value = (byte & 0x7f) >> 1
  for (let shift = 6; byte >= 0x80; shift += 7) {
    if (at >= end) return Number.NaN
    byte = bytes[at++] as number
    if (shift >= LAST_SHIFT && byte > 1) return Number.NaN
    if (shift < FAST_SHIFT) value |= (byte & 0x7f) << shift
    else value += (byte & 0x7f) * 2 ** shift
  }
  from.at = at
  return isNegative ? -value - 1 : value
}

function exactLong(bytes: Uint8Array, start: number, end: number): bigint {
  let value = 0n
  for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt((bytes[at] as number) & 0x7f)
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
}
