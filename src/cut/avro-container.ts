import { textOf } from '../json/bytes.ts'
import { cursorOf, readLong } from './avro-binary.ts'
import { MAX_BLOCK_BYTES } from './avro-codecs.ts'
import type { ByteQueue } from './byte-queue.ts'

/** Avro's object container: a header, and blocks of records behind it, as they are stored. */

/** No length within a header is larger, in bytes. */
const MAX_HEADER_BYTES = 1 << 24
const SYNC_BYTES = 16
const MAGIC = Buffer.from('Obj\x01')
/** A long is at most this many bytes. */
const MAX_LONG_BYTES = 10

const CUT_IN_HEADER = 'the file ends within its header'
export const CUT_IN_BLOCK = 'the file ends within a block'

export interface Header {
  readonly codec: string
  /** JSON text. */
  readonly schema: string
  /** What ends each block. */
  readonly sync: Uint8Array
}

/** A block; when `isCut`, the file ends within it. */
export interface StoredBlock {
  readonly count: number
  readonly packed: Uint8Array
  readonly isCut: boolean
}

/** True when no block can begin here, but a header can: as a count of records its first byte would be negative. */
export function beginsContainer(queue: ByteQueue): boolean {
  return queue.peek()[0] === MAGIC[0]
}

/** Takes the header of a container; or why there is none. */
export async function takeHeader(queue: ByteQueue): Promise<Header | string> {
  const magic = await takeBytes(queue, MAGIC.length)
  if (magic === null) return CUT_IN_HEADER
  if (!MAGIC.equals(magic)) return 'no Avro container begins here'
  let codec = ''
  let schema = ''
  for (;;) {
    let count = await takeLong(queue)
    if (count === 0) break
    if (count < 0) {
      count = -count
      await takeLong(queue)
    }
    if (!(count < MAX_HEADER_BYTES)) return 'the header is damaged'
    for (; count > 0; count--) {
      const key = await takeText(queue)
      const value = await takeText(queue)
      if (key === null || value === null) return CUT_IN_HEADER
      if (key === 'avro.codec') codec = value
      if (key === 'avro.schema') schema = value
    }
  }
  const sync = await takeBytes(queue, SYNC_BYTES)
  return sync === null ? CUT_IN_HEADER : { codec: codec || 'null', schema, sync: Buffer.from(sync) }
}

/** Takes a block; or why it is none. */
export async function takeBlock(queue: ByteQueue, sync: Uint8Array): Promise<StoredBlock | string> {
  const head = await takeBlockHead(queue)
  if (typeof head === 'string') return head
  const { count, size } = head
  const isWhole = await queue.ensure(size + SYNC_BYTES)
  const bytes = queue.peek()
  if (isWhole && !sync.every((byte, i) => bytes[size + i] === byte)) return 'wrong sync marker after a block'
  queue.skip(isWhole ? size + SYNC_BYTES : bytes.length)
  return { count, packed: bytes.subarray(0, size), isCut: !isWhole }
}

/** The block that stands in the bytes from `at` to `end`, its sync marker included; null when none is there whole. */
export function storedBlockAt(
  bytes: Uint8Array,
  at: number,
): { readonly packed: Uint8Array; readonly end: number } | null {
  const from = cursorOf(bytes.subarray(at, at + 2 * MAX_LONG_BYTES))
  const count = readLong(from)
  const size = readLong(from)
  const start = at + from.at
  const end = start + size + SYNC_BYTES
  return count >= 0 && size >= 0 && end <= bytes.length ? { packed: bytes.subarray(start, start + size), end } : null
}

/** Goes on behind a block; or says why it is none. */
export async function skipBlock(queue: ByteQueue): Promise<string | null> {
  const head = await takeBlockHead(queue)
  if (typeof head === 'string') return head
  await queue.skipTo(queue.position() + head.size + SYNC_BYTES)
  return null
}

async function takeBlockHead(queue: ByteQueue): Promise<{ readonly count: number; readonly size: number } | string> {
  const count = await takeLong(queue)
  const size = await takeLong(queue)
  if (Number.isNaN(count) || Number.isNaN(size)) {
    return queue.peek().length < MAX_LONG_BYTES ? CUT_IN_BLOCK : 'a block without a count or a size'
  }
  if (count < 0 || size < 0 || size > MAX_BLOCK_BYTES) return `a block of ${count} records in ${size} bytes cannot be`
  return { count, size }
}

/** Takes a long, waiting for its bytes; NaN when the input ends within it. */
async function takeLong(queue: ByteQueue): Promise<number> {
  await queue.ensure(MAX_LONG_BYTES)
  const from = cursorOf(queue.peek().subarray(0, MAX_LONG_BYTES))
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

async function takeText(queue: ByteQueue): Promise<string | null> {
  const length = await takeLong(queue)
  if (!(length >= 0 && length < MAX_HEADER_BYTES)) return null
  const bytes = await takeBytes(queue, length)
  return bytes === null ? null : textOf(bytes)
}
