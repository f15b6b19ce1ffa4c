import { appendByte, type ByteWriter, COMMA, QUOTE, utf8 } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { copyPlainText } from '../json/plain-text.ts'
import { MAX_WHOLE, MAX_WHOLE_BYTES, writeWhole } from '../json/values.ts'
import { type Cursor, DAMAGED, readLong } from './avro-binary.ts'
import type { AvroType, RecordType } from './avro-schema.ts'
import { createTranscoders, type Transcoder } from './avro-transcoder.ts'
import { type GrowingColumns, makeRoom } from './field-columns.ts'

/**
 * The fields of a file's records, on the hot path: of each the value is written, as JSON text without its key, and noted in columns. Text,
 * whole numbers and booleans are read in one loop, alone or in a union with null, as nearly all fields of Currents are. A field of another
 * type, and a value that is rare (text to be escaped, a large number, the end of a block), is left to the transcoder of its type.
 */

/** How the records of a file are read. */
export interface FieldReader {
  readonly names: readonly string[]
  /** What the loop does with each field. */
  readonly steps: Uint8Array
  readonly transcoders: readonly Transcoder[]
  /** Bytes of each key in JSON text, with its comma and colon. */
  readonly keyBytes: Int32Array
  /** Writes a record as JSON text, keys and all. */
  readonly transcodeRecord: Transcoder
}

/** Steps: the type of a value in the lower bits, and above them whether it is in a union with null. */
const OTHER = 0
const TEXT = 1
const WHOLE = 2
const BOOLEAN = 3
const TYPE_BITS = 3
const NULL_FIRST = 4
const NULL_SECOND = 8

/** The first and the second branch of a union, as they are stored. */
const FIRST = 0
const SECOND = 2

/** So much is there of a value that the loop reads: a branch, a length or a number, and a word. */
const AHEAD_BYTES = 12
/** So much room there is beside the content of a text: all of another value, quotes, a comma, and what a word is too long. */
const MARGIN_BYTES = MAX_WHOLE_BYTES + 8

/** "true" and "fals", as little-endian words. */
const TRUE_WORD = 0x65757274
const FALS_WORD = 0x736c6166
const LETTER_E = 0x65

// V8 compiles constants of a module's own into its code, and loads imported ones wherever they are used.
const OWN_COMMA = COMMA
const OWN_QUOTE = QUOTE
const { null: NULL_KIND, string: STRING_KIND, integer: INTEGER_KIND, true: TRUE_KIND, false: FALSE_KIND } = KIND

export function createFieldReader(type: RecordType): FieldReader {
  const { fields } = type
  const transcoderOf = createTranscoders()
  return {
    names: fields.map(({ name }) => name),
    steps: Uint8Array.from(fields, (field) => stepOf(field.type)),
    transcoders: fields.map((field) => transcoderOf(field.type)),
    keyBytes: Int32Array.from(fields, ({ name }) => utf8(`,${JSON.stringify(name)}:`).length),
    transcodeRecord: transcoderOf(type),
  }
}

function stepOf(type: AvroType): number {
  switch (type.type) {
    case 'union': {
      const [first, second] = type.branches
      if (first === undefined || second === undefined || type.branches.length > 2) return OTHER
      if (first.type === 'null') return NULL_FIRST + stepOf(second)
      return second.type === 'null' ? NULL_SECOND + stepOf(first) : OTHER
    }
    case 'string':
      return TEXT
    case 'boolean':
      return BOOLEAN
    case 'int':
    case 'long':
      return type.logical === null ? WHOLE : OTHER
    default:
      return OTHER
  }
}

/** Reads the record at the cursor and moves on; false when it is damaged. Of fields that are null nothing is written. */
export function readFields(reader: FieldReader, from: Cursor, out: ByteWriter, columns: GrowingColumns): boolean {
  const { steps, transcoders } = reader
  const width = steps.length
  makeRoom(columns, width)
  const { kinds, starts, ends } = columns
  const { view: source, end } = from
  const lastAt = end - AHEAD_BYTES
  let entry = columns.length
  let i = 0
  for (;;) {
    const { bytes: target, view } = out
    const lastTo = target.length - MARGIN_BYTES
    let { at } = from
    let to = out.length
    for (; i < width && at <= lastAt && to <= lastTo; i++, entry++) {
      const step = steps[i] as number
      let p = at
      let head = source.getInt32(p, true)
      if (step >= NULL_FIRST) {
        const branch = head & 0xff
        if (branch === (step < NULL_SECOND ? FIRST : SECOND)) {
          kinds[entry] = NULL_KIND
          starts[entry] = to
          ends[entry] = to
          at++
          continue
        }
        if (branch !== (step < NULL_SECOND ? SECOND : FIRST)) break
        p++
        head >>= 8
      }
      const type = step & TYPE_BITS
      let valueEnd: number
      if (type === TEXT) {
        // A length of one byte, or of two; the lowest bit is that of negative numbers.
        let length = (head >> 1) & 0x3f
        if ((head & 0x81) === 0) p++
        else if ((head & 0x8081) === 0x80) {
          length |= (head >> 2) & 0x1fc0
          p += 2
        } else break
        if (p + length > lastAt || to + length > lastTo) break
        valueEnd = copyPlainText(view, to + 1, source, p, p + length)
        if (valueEnd < 0) break
        target[to] = OWN_QUOTE
        target[valueEnd++] = OWN_QUOTE
        kinds[entry] = STRING_KIND
        p += length
      } else if (type === WHOLE) {
        from.at = p
        const value = readLong(from)
        if (!(value >= 0 && value <= MAX_WHOLE)) break
        p = from.at
        valueEnd = writeWhole(target, to, value)
        kinds[entry] = INTEGER_KIND
      } else if (type === BOOLEAN) {
        const byte = head & 0xff
        if (byte > 1) break
        p++
        view.setInt32(to, byte === 1 ? TRUE_WORD : FALS_WORD, true)
        valueEnd = to + 4
        if (byte === 0) target[valueEnd++] = LETTER_E
        kinds[entry] = byte === 1 ? TRUE_KIND : FALSE_KIND
      } else break
      at = p
      starts[entry] = to
      ends[entry] = valueEnd
      // No number may go on in the next one.
      target[valueEnd] = OWN_COMMA
      to = valueEnd + 1
    }
    from.at = at
    out.length = to
    if (i === width) break
    from.depth = 1
    const kind = (transcoders[i] as Transcoder)(from, out)
    if (kind === DAMAGED) return false
    kinds[entry] = kind
    starts[entry] = to
    ends[entry] = out.length
    if (kind !== NULL_KIND) appendByte(out, COMMA)
    i++
    entry++
  }
  columns.length = entry
  return out.length <= from.outEnd
}

/** Bytes of the record read last, as JSON text. */
export function textBytes({ keyBytes }: FieldReader, { kinds, starts, ends, length }: GrowingColumns): number {
  // Each member brings a comma, or the opening brace.
  let bytes = 1
  for (let i = 0, entry = length - keyBytes.length; entry < length; i++, entry++) {
    if (kinds[entry] === NULL_KIND) continue
    bytes += (keyBytes[i] as number) + (ends[entry] as number) - (starts[entry] as number)
  }
  return Math.max(bytes, 2)
}
