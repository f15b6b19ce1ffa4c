import { eventBytes, placeOf } from './chunk.ts'
import { append, appendByte, type ByteWriter, closeObject, createByteWriter, NEWLINE, utf8 } from './json/bytes.ts'
import { KIND } from './json/kind.ts'
import type { FieldColumns, KeptEvent, MappedChunk, RawChunk } from './model.ts'

/**
 * The text of single records. Where the cutter found the fields, the records are not JSON in their chunk: their text is made of the fields
 * when somebody asks, which is rare but for uploads.
 */

/** Record `index` as JSON text, or the raw text of what is none; a view of the chunk, or in memory of its own. */
export function recordBytes(raw: RawChunk, index: number): Uint8Array {
  const { bytes, starts, ends, fields } = raw
  if (fields === undefined || raw.faults.some((fault) => fault.index === index)) {
    return bytes.subarray(starts[index], ends[index])
  }
  const out = createByteWriter((ends[index] as number) - (starts[index] as number))
  appendRecord(out, bytes, fields, keysOf(fields), index)
  return out.bytes.subarray(0, out.length)
}

/** The chunk with every record as text, and no columns of fields; the chunk itself when it has none. */
export function withRecordTexts(raw: RawChunk): RawChunk {
  const { fields, ...rest } = raw
  if (fields === undefined) return raw
  const { bytes, count, faults } = raw
  const keys = keysOf(fields)
  const out = createByteWriter(2 * bytes.length)
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  let nextFault = 0
  for (let i = 0; i < count; i++) {
    starts[i] = out.length
    if (faults[nextFault]?.index === i) {
      nextFault++
      append(out, bytes, raw.starts[i], raw.ends[i])
    } else appendRecord(out, bytes, fields, keys, i)
    ends[i] = out.length
    appendByte(out, NEWLINE)
  }
  return { ...rest, bytes: out.bytes.subarray(0, out.length), starts, ends }
}

/** Event `index` with its record, in memory of their own. */
export function keptEvent(chunk: MappedChunk, index: number): KeptEvent {
  const event = eventBytes(chunk, index)
  const record = recordBytes(chunk.raw, index)
  return {
    ...placeOf(chunk.raw, index),
    data: Buffer.concat([event, record]),
    eventStart: 0,
    eventEnd: event.length,
    recordStart: event.length,
    recordEnd: event.length + record.length,
    type: chunk.types[index] as number,
  }
}

function keysOf({ names }: FieldColumns): readonly Uint8Array[] {
  return names.map((name) => utf8(`,${JSON.stringify(name)}:`))
}

/** Fields that are null are left out. */
function appendRecord(
  out: ByteWriter,
  bytes: Uint8Array,
  { kinds, starts, ends }: FieldColumns,
  keys: readonly Uint8Array[],
  index: number,
): void {
  const start = out.length
  for (let column = 0, at = index * keys.length; column < keys.length; column++, at++) {
    if ((kinds[at] as number) <= KIND.null) continue
    append(out, keys[column] as Uint8Array)
    append(out, bytes, starts[at], ends[at])
  }
  closeObject(out, start)
}
