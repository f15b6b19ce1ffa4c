import { KIND } from '../json/kind.ts'

/** Avro's binary encoding: where reading stands, and the numbers that all else is made of. */

/** Where reading stands. Nothing is read at or beyond `end`. */
export interface Cursor {
  bytes: Uint8Array
  at: number
  end: number
  /** Records, arrays and maps that the value at the cursor is within. */
  depth: number
  /** Items of arrays that took no byte, of the record that is read. */
  emptyItems: number
  /** Length that the output may not grow beyond. */
  outEnd: number
}

/** What is met when the bytes do not fit the schema. */
export const DAMAGED = KIND.none

/** A cursor at the start of bytes. */
export function cursorOf(bytes: Uint8Array): Cursor {
  return { bytes, at: 0, end: bytes.length, depth: 0, emptyItems: 0, outEnd: Number.POSITIVE_INFINITY }
}

/** A long that must be a length or an index; -1 when it is not. */
export function readLength(from: Cursor): number {
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

/** The digits of the zigzag varint in `bytes[start, end)`. */
export function exactLong(bytes: Uint8Array, start: number, end: number): bigint {
  let value = 0n
  for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt((bytes[at] as number) & 0x7f)
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
}
