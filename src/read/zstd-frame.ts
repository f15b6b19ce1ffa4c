/** The frames of zstd (RFC 8878 §3), as far as it takes to find where one ends and what it asks for. */

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** A frame without data: its magic is one of sixteen, `50 2a 4d 18` to `5f 2a 4d 18`. */
const SKIPPABLE_MAGIC = 0x184d2a50
/** Of the length of a frame without data, and of a checksum. */
const LENGTH_BYTES = 4
export const BLOCK_HEADER_BYTES = 3
/** A block of one byte that is repeated. */
const REPEATED = 1
/** Bytes of the dictionary's id, and of the content's size, by the flags that say so. */
const DICTIONARY_BYTES = [0, 1, 2, 4] as const
const SIZE_BYTES = [0, 2, 4, 8] as const

/** True when the bytes begin with a frame, or may, as far as they go. */
export function beginsFrame(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAGIC.length))
  if (start.length < MAGIC.length) return MAGIC.subarray(0, start.length).equals(start)
  return MAGIC.equals(start) || isSkippable(start)
}

/** True for a frame without data, of whose header four bytes are there. */
export function isSkippable(frame: Buffer): boolean {
  return (frame.readUInt32LE(0) & ~0xf) === SKIPPABLE_MAGIC
}

/**
 * Where the frame ends that begins at `at`; a place beyond the bytes when they end within it.
 * @param maxWindow bytes that a frame may ask for to look back at
 * @throws Error when none begins there, or when it asks for more, or for a dictionary
 */
export function endOfFrame(bytes: Uint8Array, at: number, maxWindow: number): number {
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset + at, bytes.length - at)
  const beyond = bytes.length + 1
  if (frame.length < MAGIC.length + LENGTH_BYTES) return beyond
  if (isSkippable(frame)) {
    return at + MAGIC.length + LENGTH_BYTES + frame.readUInt32LE(MAGIC.length)
  }
  if (!beginsFrame(frame)) throw new Error('no zstd frame begins here')
  const header = frameHeader(frame)
  if (header === null) return beyond
  if (header.hasDictionary) throw new Error('it needs a dictionary')
  if (header.windowBytes > maxWindow) throw new Error(`it asks for a window of ${header.windowBytes} bytes`)
  let place = header.bytes
  for (let isLast = false; !isLast; ) {
    if (place + BLOCK_HEADER_BYTES > frame.length) return beyond
    const block = blockAt(frame, place)
    isLast = block.isLast
    place += block.bytes
  }
  return at + place + (header.hasChecksum ? LENGTH_BYTES : 0)
}

/** The block whose header stands at `place`. */
export function blockAt(frame: Buffer, place: number): { readonly isLast: boolean; readonly bytes: number } {
  const header = frame.readUIntLE(place, BLOCK_HEADER_BYTES)
  const isRepeated = ((header >> 1) & 3) === REPEATED
  return { isLast: (header & 1) === 1, bytes: BLOCK_HEADER_BYTES + (isRepeated ? 1 : header >> 3) }
}

/** What a frame says of itself. */
export interface FrameHeader {
  /** Bytes up to the first block. */
  readonly bytes: number
  /** How far back it looks. */
  readonly windowBytes: number
  readonly hasDictionary: boolean
  /** Four bytes behind the last block. */
  readonly hasChecksum: boolean
}

/** What the frame says with which the bytes begin; null when its header is not whole. */
export function frameHeader(frame: Buffer): FrameHeader | null {
  const flags = frame[MAGIC.length] ?? 0
  const isOneSegment = (flags & 0x20) !== 0
  const dictionaryBytes = DICTIONARY_BYTES[flags & 3] as number
  const sizeBytes = isOneSegment && flags < 0x40 ? 1 : (SIZE_BYTES[flags >> 6] as number)
  const place = MAGIC.length + 1 + (isOneSegment ? 0 : 1) + dictionaryBytes
  if (frame.length < place + sizeBytes) return null
  return {
    bytes: place + sizeBytes,
    windowBytes: isOneSegment ? sizeAt(frame, place, sizeBytes) : windowOf(frame[MAGIC.length + 1] as number),
    hasDictionary: dictionaryBytes > 0,
    hasChecksum: (flags & 4) !== 0,
  }
}

/** The content's size, little-endian. In two bytes it is counted from 256. */
function sizeAt(frame: Buffer, place: number, count: number): number {
  if (count === 8) return frame.readUInt32LE(place) + frame.readUInt32LE(place + 4) * 2 ** 32
  return frame.readUIntLE(place, count) + (count === 2 ? 256 : 0)
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}
