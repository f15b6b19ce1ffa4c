import { KIND } from '../json/kind.ts'

/** Avro's binary encoding: where reading stands, and the numbers that all else is made of. */

/** Where reading stands. Nothing is read at or beyond `end`. */
export interface Cursor {
  bytes: Uint8Array
  /** The same bytes. */
  view: DataView
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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return { bytes, view, at: 0, end: bytes.length, depth: 0, emptyItems: 0, outEnd: Number.POSITIVE_INFINITY }
}

/** A long that must be a length or an index; -1 when it is not. */
export function readLength(from: Cursor): number {
  const value = readLong(from)
  return value >= 0 ? value : -1
}

/** What a tenth byte counts: the first of its bits is the 64th and last. */
const LAST_UNIT = 2 ** 62

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
  for (let unit = 2 ** 6; byte >= 0x80; unit *= 2 ** 7) {
    if (at >= end) return Number.NaN
    byte = bytes[at++] as number
    if (unit >= LAST_UNIT && byte > 1) return Number.NaN
    value += (byte & 0x7f) * unit
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
