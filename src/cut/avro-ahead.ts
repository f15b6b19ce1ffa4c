import { inflateRaw } from 'node:zlib'
import { type Codec, type Unpacked, unpack } from './avro-codecs.ts'
import { type StoredBlock, storedBlockAt } from './avro-container.ts'

/** Blocks that are unpacked on other threads while the one before them is read. */

/** So many blocks are unpacked ahead: what the records of a chunk take to be mapped, the threads have something to do. */
const MAX_BLOCKS = 8
/** A block is not unpacked ahead when it is larger, packed or unpacked: memory is to hold what writers write, not what they can. */
const MAX_AHEAD_BYTES = 1 << 20
/** What most blocks unpack to is not longer, and then is one piece. */
const PIECE_BYTES = 1 << 16

/**
 * Unpacks a block that was taken, and begins with the blocks that `behind` begins with, which are the next to be taken. Blocks must be
 * given in the order in which they are stored.
 */
export type Unpacker = (block: StoredBlock, behind: Uint8Array) => Promise<Unpacked> | Unpacked

/** Makes what unpacks the blocks of one container. */
export function createUnpacker(codec: Codec): Unpacker {
  if (codec !== 'deflate') return ({ packed, isCut }) => unpack(packed, codec, !isCut)
  /** Those that were begun, and the bytes that they take where they are stored. */
  const begun: { readonly bytes: Promise<Uint8Array | null>; readonly length: number }[] = []

  function beginBehind(behind: Uint8Array): void {
    let at = begun.reduce((end, { length }) => end + length, 0)
    while (begun.length < MAX_BLOCKS) {
      const block = storedBlockAt(behind, at)
      if (block === null || block.packed.length > MAX_AHEAD_BYTES) return
      begun.push({ bytes: inflated(block.packed), length: block.end - at })
      at = block.end
    }
  }

  return async ({ packed, isCut }, behind) => {
    const first = begun.shift()
    beginBehind(behind)
    const bytes = first === undefined ? null : await first.bytes
    // One that could not be unpacked ahead is too large, or says here why.
    return bytes === null ? unpack(packed, codec, !isCut) : { bytes, damage: null }
  }
}

/** Null when it cannot be unpacked, or is too large. The block is taken before more is read, so that its bytes stay till then. */
function inflated(packed: Uint8Array): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const options = { chunkSize: PIECE_BYTES, maxOutputLength: MAX_AHEAD_BYTES }
    inflateRaw(packed, options, (error, bytes) => resolve(error === null ? bytes : null))
  })
}
