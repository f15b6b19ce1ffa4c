import { type ByteWriter, createByteWriter } from '../json/bytes.ts'

/**
 * The memory of batches that wait to be written. Thousands of logs fill and empty batches many times a second. So the memory of a
 * written batch is used for the next batch of any log, instead of waiting for the garbage collector.
 */
export interface BatchMemory {
  /** An empty piece with room for `bytes`, or for as many as a piece may have. */
  take(bytes: number): ByteWriter
  /** Takes back a piece that nobody uses any more. */
  give(piece: ByteWriter): void
}

/** The size of a piece is a power of two. The smallest is small because each of thousands of logs may hold a piece. */
const SMALLEST_BYTES = 1 << 12
const LARGEST_BYTES = 1 << 18
/** Bytes of unused pieces that are kept for later batches. */
const MOST_SPARE_BYTES = 8 << 20

export function createBatchMemory(): BatchMemory {
  const spare = new Map<number, ByteWriter[]>()
  let spareBytes = 0

  return {
    take(bytes) {
      let capacity = SMALLEST_BYTES
      while (capacity < bytes && capacity < LARGEST_BYTES) capacity *= 2
      const piece = spare.get(capacity)?.pop()
      if (piece === undefined) return createByteWriter(capacity)
      spareBytes -= capacity
      piece.length = 0
      return piece
    },
    give(piece) {
      const capacity = piece.bytes.length
      if (capacity > LARGEST_BYTES || !Number.isInteger(Math.log2(capacity))) return
      if (spareBytes + capacity > MOST_SPARE_BYTES) {
        // The spare memory is full of sizes that nobody takes any more.
        spare.clear()
        spareBytes = 0
      }
      spareBytes += capacity
      const others = spare.get(capacity)
      if (others === undefined) spare.set(capacity, [piece])
      else others.push(piece)
    },
  }
}
