import { typeOfSchema } from '../currents/event-type.ts'
import { excerpt } from '../excerpt.ts'
import { appendText, textOf } from '../json/bytes.ts'
import type { OpenSource, RawChunk, Restart } from '../model.ts'
import { shellQuoted } from '../own-command.ts'
import { NotReadError } from '../read/not-read-error.ts'
import type { OpenInput } from '../read/open.ts'
import { createUnpacker, type Unpacker } from './avro-ahead.ts'
import { type Cursor, cursorOf } from './avro-binary.ts'
import { isCodec } from './avro-codecs.ts'
import { beginsContainer, CUT_IN_BLOCK, type Header, skipBlock, takeBlock, takeHeader } from './avro-container.ts'
import { createFieldReader, type FieldReader, readFields, textBytes } from './avro-fields.ts'
import { type RecordType, readAvroSchema } from './avro-schema.ts'
import { type ByteQueue, createByteQueue } from './byte-queue.ts'
import { type ChunkBuilder, createChunkBuilder } from './chunk-builder.ts'
import { createColumns } from './field-columns.ts'
import { EXCERPT_BYTES, MAX_RECORD_BYTES } from './record-limits.ts'

/** Fields of a chunk's records at first; it grows to what the records need. */
const COLUMNS_CAPACITY = 1 << 14
/** A chunk with so many is handed on: a schema can name thousands of fields that its records lack. */
const MAX_COLUMNS = 1 << 20
/** JSON text that one record may become until it is given up: a few bytes of damage can stand for text without end. */
const MAX_TEXT_BYTES = 4 * MAX_RECORD_BYTES
/** Shorter values make no text that is too long: all keys together take less than half of that. */
const LONG_BYTES = MAX_RECORD_BYTES / 2
/** How much of a damaged rest is kept to show. */
const SHOWN_BYTES = 1 << 10
/** How much is shown of why a schema cannot be understood, in characters. */
const LONGEST_REASON = 200

/** What reads the blocks behind a header. */
interface Reader {
  readonly unpack: Unpacker
  readonly sync: Uint8Array
  readonly source: OpenSource
  readonly record: FieldReader
  readonly builder: ChunkBuilder
}

/**
 * Avro object container files, block by block; containers that follow one another are one input. Positions are ordinals; there are no
 * lines. A header says how the blocks behind it are read, so that all headers are read, also those before the place to begin at.
 * @throws NotReadError when a container's schema or codec is none that is read
 */
export async function* cutAvro(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  const queue = createByteQueue(input)
  let reader: Reader | null = null
  const columns = createColumns(COLUMNS_CAPACITY)
  let { ordinal } = from
  /** The block or header under way, and the block of the chunk's first record. */
  let place: Restart = { byte: 0, ordinal, line: null }
  let restart = place
  let damage: string | null = null

  function takeChunk({ builder, record: { names } }: Reader): RawChunk {
    const { kinds, starts, ends } = columns
    const chunk = builder.take(restart, { names, kinds, starts, ends })
    columns.length = 0
    restart = place
    return chunk
  }

  while (damage === null && (reader === null || (await queue.ensure(1)))) {
    if (reader === null || beginsContainer(queue)) {
      if (reader !== null && reader.builder.count() > 0) yield takeChunk(reader)
      place = { byte: queue.position(), ordinal, line: null }
      const header = await takeHeader(queue)
      if (typeof header === 'string') {
        damage = header
        break
      }
      reader = readerOf(header, input)
      continue
    }
    place = { byte: queue.position(), ordinal, line: null }
    if (place.byte < from.byte) {
      damage = await skipBlock(queue)
      continue
    }
    const { builder, record } = reader
    if (builder.count() === 0) restart = place
    const block = await takeBlock(queue, reader.sync)
    if (typeof block === 'string') {
      damage = block
      break
    }
    const { bytes, damage: why } = await reader.unpack(block, queue.peek())
    damage = block.isCut ? CUT_IN_BLOCK : why
    const cursor = cursorOf(bytes)
    for (let left = block.count; left > 0; left--) {
      const { at } = cursor
      cursor.emptyItems = 0
      cursor.outEnd = builder.out.length + MAX_TEXT_BYTES
      const isRead = readFields(record, cursor, builder.out, columns)
      const length = isRead && builder.recordLength() > LONG_BYTES ? textBytes(record, columns) : 0
      // A record takes a byte at least: a count that no bytes stand behind must not make records up.
      if (!isRead || cursor.at === at || length > MAX_TEXT_BYTES) {
        builder.drop()
        damage ??= 'a record does not fit its schema'
        break
      }
      if (length > MAX_RECORD_BYTES) addTooLong(reader, { ...cursor, at, depth: 0, emptyItems: 0 }, ordinal++)
      else builder.add(ordinal++, 0)
      if (builder.isFull() || columns.length > MAX_COLUMNS) yield takeChunk(reader)
    }
    if (damage === null && cursor.at < cursor.end) damage = 'the block holds more than its records'
  }
  if (reader !== null && reader.builder.count() > 0) yield takeChunk(reader)
  const why = input.damage() ?? (damage === null ? null : `${damage} (at byte ${place.byte})`)
  if (why !== null) yield damaged(reader?.source ?? input.source, queue, place, ordinal, why)
}

/** @throws NotReadError when the codec or the schema is none that is read */
function readerOf({ codec, schema, sync }: Header, { source: stored }: OpenInput): Reader {
  const file = shellQuoted(stored.path === '-' ? 'FILE' : stored.path)
  if (!isCodec(codec)) {
    throw new NotReadError(stored, `Avro packed with ${excerpt(codec)}`, {
      is: 'pipe',
      command: `avro-tools recodec --codec deflate ${file} -`,
    })
  }
  let type: RecordType
  try {
    type = readAvroSchema(schema)
  } catch (error) {
    const why = excerpt((error as Error).message, LONGEST_REASON)
    throw new NotReadError(stored, `Avro whose schema cannot be understood (${why})`, {
      is: 'pipe',
      command: `avro-tools tojson ${file}`,
    })
  }
  const source = { ...stored, fileType: typeOfSchema(type.name) ?? stored.fileType }
  return {
    unpack: createUnpacker(codec),
    sync,
    source,
    record: createFieldReader(type),
    builder: createChunkBuilder(source),
  }
}

/** The record at the cursor is longer than any of Currents, and costs itself alone. */
function addTooLong({ builder, record }: Reader, from: Cursor, ordinal: number): void {
  builder.drop()
  record.transcodeRecord(from, builder.out)
  builder.out.length -= builder.recordLength() - EXCERPT_BYTES
  builder.addFault(ordinal, 0, 'malformed', `a record of more than ${MAX_RECORD_BYTES} bytes`)
}

/** One fault for all that is lost from here on. */
function damaged(source: OpenSource, queue: ByteQueue, restart: Restart, ordinal: number, why: string): RawChunk {
  const builder = createChunkBuilder(source)
  appendText(builder.out, textOf(queue.peek().subarray(0, SHOWN_BYTES)))
  builder.addFault(ordinal, 0, 'damaged_input', why)
  return builder.take(restart)
}
