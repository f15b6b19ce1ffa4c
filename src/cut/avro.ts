import { crc32, inflateRawSync, constants as zlib } from 'node:zlib'
import avsc, { type Schema, type types } from 'avsc'
import SnappyJS from 'snappyjs'
import { typeOfSchema } from '../currents/event-type.ts'
import { appendText, textOf } from '../json/bytes.ts'
import { BEGINNING, type RawChunk, type Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { type Cursor, compileRecordTranscoder, createColumns, readLong } from './avro-transcoder.ts'
import { type ByteQueue, createByteQueue } from './byte-queue.ts'
import { createChunkBuilder } from './chunk-builder.ts'

/** Blocks and what they unpack to are never larger than this, in bytes: a size beyond it is damage, and is not allocated. */
const MAX_BLOCK_BYTES = 1 << 27
const MAX_HEADER_BYTES = 1 << 24
const SYNC_BYTES = 16
const MAGIC_BYTES = 4
/** A long is at most this many bytes. */
const MAX_LONG_BYTES = 10
/** Fields of a chunk's records at first; it grows to what the records need. */
const COLUMNS_CAPACITY = 1 << 14
/** How much of a damaged rest is kept to show. */
const EXCERPT_BYTES = 1 << 10

/** Where a file without a header begins. */
const BLOCKLESS: Restart = { ...BEGINNING, line: null }

interface Header {
  readonly schema: types.RecordType
  readonly codec: string
  readonly sync: Uint8Array
}

/** What a block unpacked to; `damage` says why it is not whole. */
interface Block {
  readonly bytes: Uint8Array
  readonly damage: string | null
}

/** Avro object container files, block by block. Positions are ordinals; there are no lines. */
export async function* cutAvro(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  const queue = createByteQueue(input)
  const header = await readHeader(queue)
  if (typeof header === 'string') {
    yield damaged(input, queue, BLOCKLESS, 0, input.damage() ?? header)
    return
  }
  if (from.byte > queue.position()) await queue.skipTo(from.byte)
  const source = { ...input.source, fileType: typeOfSchema(header.schema.name ?? '') ?? input.source.fileType }
  const record = compileRecordTranscoder(header.schema)
  let columns = createColumns(COLUMNS_CAPACITY)
  const builder = createChunkBuilder(source, 'json')
  let { ordinal } = from
  /** The block under way, and that of the chunk's first record. */
  let block: Restart = { byte: queue.position(), ordinal, line: null }
  let restart = block
  let damage: string | null = null

  function takeChunk(): RawChunk {
    const { kinds, starts, ends } = columns
    columns = createColumns(columns.kinds.length)
    const chunk = builder.take(restart, { names: record.names, kinds, starts, ends })
    restart = block
    return chunk
  }

  while (damage === null && (await queue.ensure(1))) {
    block = { byte: queue.position(), ordinal, line: null }
    if (builder.count() === 0) restart = block
    const { bytes, count, damage: why } = await readBlock(queue, header)
    const cursor: Cursor = { bytes, at: 0, end: bytes.length, depth: 0, emptyItems: 0 }
    damage = why
    for (let left = count; left > 0; left--) {
      const before = cursor.at
      cursor.emptyItems = 0
      // A record takes a byte at least: a count that no bytes stand behind must not make records up.
      if (!record.write(cursor, builder.out, columns) || cursor.at === before) {
        builder.drop()
        damage ??= 'a record does not fit its schema'
        break
      }
      builder.add(ordinal++, 0)
      if (builder.isFull()) yield takeChunk()
    }
    if (damage === null && cursor.at < cursor.end) damage = 'the block holds more than its records'
    if (damage !== null) damage = `${damage} (block at byte ${block.byte})`
  }
  if (builder.count() > 0) yield takeChunk()
  const why = input.damage() ?? damage
  if (why !== null) yield damaged({ ...input, source }, queue, block, ordinal, why)
}

/** One fault for all that is lost from here on. */
function damaged(input: OpenInput, queue: ByteQueue, restart: Restart, ordinal: number, why: string): RawChunk {
  const builder = createChunkBuilder(input.source, 'json')
  appendText(builder.out, textOf(queue.peek().subarray(0, EXCERPT_BYTES)))
  builder.addFault(ordinal, 0, 'damaged_input', why)
  return builder.take(restart)
}

/** Reads a long, waiting for its bytes; NaN when the input ends within it. */
async function takeLong(queue: ByteQueue): Promise<number> {
  await queue.ensure(MAX_LONG_BYTES)
  const bytes = queue.peek()
  const from: Cursor = { bytes, at: 0, end: Math.min(bytes.length, MAX_LONG_BYTES), depth: 0, emptyItems: 0 }
  const value = readLong(from)
  queue.skip(from.at)
  return value
}

async function takeBytes(queue: ByteQueue, count: number): Promise<Uint8Array | null> {
  if (!(await queue.ensure(count))) return null
  const bytes = queue.peek().subarray(0, count)
  queue.skip(count)
  return bytes
}

/** The header, or why there is none that can be read. */
async function readHeader(queue: ByteQueue): Promise<Header | string> {
  const cut = 'the file ends within its header'
  if ((await takeBytes(queue, MAGIC_BYTES)) === null) return cut
  const metadata = new Map<string, Uint8Array>()
  for (;;) {
    let count = await takeLong(queue)
    if (count === 0) break
    if (count < 0) {
      count = -count
      await takeLong(queue)
    }
    if (!(count < MAX_HEADER_BYTES)) return 'the header is damaged'
    for (; count > 0; count--) {
      const key = await takeHeaderBytes(queue)
      const value = await takeHeaderBytes(queue)
      if (key === null || value === null) return cut
      metadata.set(textOf(key), value.slice())
    }
  }
  const sync = await takeBytes(queue, SYNC_BYTES)
  if (sync === null) return cut
  const codec = textOf(metadata.get('avro.codec') ?? new Uint8Array(0)) || 'null'
  if (!['null', 'deflate', 'snappy'].includes(codec))
    return `codec ${codec} cannot be read, only null, deflate and snappy`
  try {
    const schema = avsc.Type.forSchema(withoutDefaults(textOf(metadata.get('avro.schema') ?? new Uint8Array(0))), {
      // Braze's schemas are read as they are: logical types change nothing in the bytes.
      logicalTypes: {},
    })
    if (schema.typeName !== 'record') return `the schema is ${schema.typeName}, not a record`
    return { schema: schema as types.RecordType, codec, sync: sync.slice() }
  } catch (error) {
    return `the schema cannot be read: ${(error as Error).message}`
  }
}

/** A schema as it is needed to read with: a default that its writer accepted must not stop the reader. */
function withoutDefaults(text: string): Schema {
  return JSON.parse(text, (key, value) => (key === 'default' ? undefined : value))
}

async function takeHeaderBytes(queue: ByteQueue): Promise<Uint8Array | null> {
  const length = await takeLong(queue)
  return length >= 0 && length < MAX_HEADER_BYTES ? takeBytes(queue, length) : null
}

async function readBlock(queue: ByteQueue, header: Header): Promise<Block & { readonly count: number }> {
  const nothing = { bytes: new Uint8Array(0), count: 0 }
  const count = await takeLong(queue)
  const size = await takeLong(queue)
  if (Number.isNaN(count) || Number.isNaN(size)) {
    const isCut = queue.peek().length < MAX_LONG_BYTES
    return { ...nothing, damage: isCut ? 'the file ends within a block' : 'a block without a count or a size' }
  }
  if (count < 0 || size < 0 || size > MAX_BLOCK_BYTES) {
    return { ...nothing, damage: `a block of ${count} records in ${size} bytes cannot be` }
  }
  if (await queue.ensure(size + SYNC_BYTES)) {
    const bytes = queue.peek()
    const isInSync = header.sync.every((byte, i) => bytes[size + i] === byte)
    if (!isInSync) return { ...nothing, damage: 'wrong sync marker after a block' }
    const block = unpack(bytes.subarray(0, size), header.codec, true)
    queue.skip(size + SYNC_BYTES)
    return { ...block, count }
  }
  const bytes = queue.peek()
  const block = unpack(bytes.subarray(0, size), header.codec, bytes.length >= size)
  queue.skip(bytes.length)
  return { bytes: block.bytes, count, damage: 'the file ends within a block' }
}

/** Unpacks a block; of one that is not whole, what can be had. */
function unpack(packed: Uint8Array, codec: string, isWhole: boolean): Block {
  try {
    switch (codec) {
      case 'deflate': {
        const finishFlush = isWhole ? zlib.Z_FINISH : zlib.Z_SYNC_FLUSH
        return { bytes: inflateRawSync(packed, { finishFlush, maxOutputLength: MAX_BLOCK_BYTES }), damage: null }
      }
      case 'snappy':
        return isWhole ? unpackSnappy(packed) : { bytes: new Uint8Array(0), damage: null }
      default:
        return { bytes: packed, damage: null }
    }
  } catch (error) {
    return { bytes: new Uint8Array(0), damage: `a block cannot be unpacked: ${(error as Error).message}` }
  }
}

/** Avro's snappy blocks end with the CRC-32 of what they unpack to. */
function unpackSnappy(packed: Uint8Array): Block {
  const body = packed.subarray(0, packed.length - 4)
  const bytes = SnappyJS.uncompress(body, MAX_BLOCK_BYTES)
  const expected = Buffer.from(packed.subarray(packed.length - 4)).readUInt32BE(0)
  if (crc32(bytes) !== expected) return { bytes: new Uint8Array(0), damage: 'a block does not match its checksum' }
  return { bytes, damage: null }
}
