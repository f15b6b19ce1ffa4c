import { crc32, inflateRawSync, constants as zlib } from 'node:zlib'
import { Decompress } from 'fzstd'
import SnappyJS from 'snappyjs'
import { beginsFrame, endOfFrame } from '../read/zstd-frame.ts'

/** The codecs of Avro's blocks. */

/** Blocks and what they unpack to are never larger than this, in bytes: a size beyond it is damage, and is not allocated. */
export const MAX_BLOCK_BYTES = 1 << 27

/** Unpacks a block; of one that is not whole, what can be had. @throws Error that says why it cannot be unpacked */
type Unpack = (packed: Uint8Array, isWhole: boolean) => Uint8Array

const CODECS = {
  null: (packed) => packed,
  deflate(packed, isWhole) {
    const finishFlush = isWhole ? zlib.Z_FINISH : zlib.Z_SYNC_FLUSH
    return inflateRawSync(packed, { finishFlush, maxOutputLength: MAX_BLOCK_BYTES })
  },
  snappy: (packed, isWhole) => (isWhole ? unpackSnappy(packed) : new Uint8Array(0)),
  zstandard: unpackZstandard,
} as const satisfies Record<string, Unpack>

export type Codec = keyof typeof CODECS

export function isCodec(name: string): name is Codec {
  return Object.hasOwn(CODECS, name)
}

/** What a block unpacks to; `damage` says why that is nothing. */
export interface Unpacked {
  readonly bytes: Uint8Array
  readonly damage: string | null
}

/** Unpacks a block; of one that is not whole, what can be had. */
export function unpack(packed: Uint8Array, codec: Codec, isWhole: boolean): Unpacked {
  try {
    return { bytes: CODECS[codec](packed, isWhole), damage: null }
  } catch (error) {
    return { bytes: new Uint8Array(0), damage: `a block cannot be unpacked: ${(error as Error).message}` }
  }
}

/** Avro's snappy blocks end with the CRC-32 of what they unpack to. */
function unpackSnappy(packed: Uint8Array): Uint8Array {
  const bytes = SnappyJS.uncompress(packed.subarray(0, packed.length - 4), MAX_BLOCK_BYTES)
  const expected = Buffer.from(packed.subarray(packed.length - 4)).readUInt32BE(0)
  if (crc32(bytes) !== expected) throw new Error('it does not match its checksum')
  return bytes
}

/**
 * The frames of a block, one after the other. What a frame says of itself is looked at before its bytes: `fzstd` allocates any window that
 * is asked for, and does not see that a frame ends too early. Some writers name the codec and pack nothing (seen): what begins no frame is
 * taken as it is, and its records say whether that is right.
 */
function unpackZstandard(packed: Uint8Array, isWhole: boolean): Uint8Array {
  if (!beginsFrame(packed)) return packed
  const parts: Uint8Array[] = []
  let length = 0
  for (let at = 0; at < packed.length; ) {
    const end = endOfFrame(packed, at, MAX_BLOCK_BYTES)
    if (end > packed.length && isWhole) throw new Error('a zstd frame ends too early')
    const frame = new Decompress((part) => {
      parts.push(part)
      length += part.length
      if (length > MAX_BLOCK_BYTES) throw new Error(`it holds more than ${MAX_BLOCK_BYTES} bytes`)
    })
    frame.push(packed.subarray(at, end), end <= packed.length)
    at = end
  }
  return Buffer.concat(parts)
}
