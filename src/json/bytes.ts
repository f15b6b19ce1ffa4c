/** A growing run of bytes. `bytes` may be replaced by `reserve`; only the first `length` bytes are written. */
export interface ByteWriter {
  bytes: Uint8Array
  length: number
}

/** JSON text is ASCII where it matters: the bytes that the scanners look for. */
export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const BACKSLASH = 0x5c
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const NEWLINE = 0x0a
export const CARRIAGE_RETURN = 0x0d

/** Below this many bytes a loop beats the set-up cost of a native copy. */
const NATIVE_COPY_FROM = 96

const ENCODER = new TextEncoder()

export function createByteWriter(capacity: number): ByteWriter {
  return { bytes: Buffer.allocUnsafeSlow(capacity), length: 0 }
}

/** Makes room for `count` more bytes. */
export function reserve(writer: ByteWriter, count: number): void {
  const needed = writer.length + count
  if (needed <= writer.bytes.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, writer.bytes.length * 2))
  larger.set(writer.bytes.subarray(0, writer.length))
  writer.bytes = larger
}

/** Copies an array that is full into a larger one, and gives that. */
export function grownInto<Column extends Uint8Array | Int32Array | Float64Array>(larger: Column, full: Column): Column {
  larger.set(full)
  return larger
}

/** Copies `source[start, end)` to `target` at `at`, which must have room; returns the position after it. */
export function copyBytes(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  const count = end - start
  if (count >= NATIVE_COPY_FROM) {
    target.set(source.subarray(start, end), at)
    return at + count
  }
  let to = at
  for (let from = start; from < end; from++) target[to++] = source[from] as number
  return to
}

/** Appends `source[start, end)`, growing the writer as needed. */
export function append(writer: ByteWriter, source: Uint8Array, start = 0, end = source.length): void {
  reserve(writer, end - start)
  writer.length = copyBytes(writer.bytes, writer.length, source, start, end)
}

/** Appends one byte, growing the writer as needed. */
export function appendByte(writer: ByteWriter, byte: number): void {
  reserve(writer, 1)
  writer.bytes[writer.length++] = byte
}

/** Appends `text` as UTF-8, growing the writer as needed. */
export function appendText(writer: ByteWriter, text: string): void {
  // Three bytes at most for each UTF-16 unit.
  reserve(writer, text.length * 3)
  writer.length += ENCODER.encodeInto(text, writer.bytes.subarray(writer.length)).written
}

/**
 * Makes an object of the members that were appended from `start` on. Each brings the comma before it; that of the first becomes the
 * opening brace.
 */
export function closeObject(writer: ByteWriter, start: number): void {
  if (writer.length === start) appendByte(writer, OPEN_BRACE)
  else writer.bytes[start] = OPEN_BRACE
  appendByte(writer, CLOSE_BRACE)
}

/** The bytes of `text` in UTF-8. */
export function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

/** `bytes[start, end)` as text; invalid UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}

/** The same memory as a `Buffer`, which can be searched. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
