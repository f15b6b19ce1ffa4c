/**
 * Text in UTF-8, and a view of the same bytes by which eight are moved at a time. V8 calls a function for the length of a view, and none for
 * that of the bytes.
 */
export interface TextView {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** Text that is copied time and again. */
export interface Literal extends TextView {
  readonly length: number
}

/** A growing run of bytes. `reserve` may replace `bytes` and their view; only the first `length` bytes are written. */
export interface ByteWriter {
  bytes: Uint8Array
  view: DataView
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
export const MINUS = 0x2d
export const NEWLINE = 0x0a
export const CARRIAGE_RETURN = 0x0d

/** Below this many bytes a loop beats the set-up cost of a native copy. */
const NATIVE_COPY_FROM = 96
/** The same where the loop moves eight at a time. */
const NATIVE_TEXT_COPY_FROM = 400
/** Bytes that one step of a text's copy moves, as many as a double has. */
const STEP = 8

const ENCODER = new TextEncoder()

export function createByteWriter(capacity: number): ByteWriter {
  const { bytes, view } = textView(Buffer.allocUnsafeSlow(capacity))
  // No spread: each such object would be of a shape of its own, and what writes to it compiled anew.
  return { bytes, view, length: 0 }
}

/** A view of `bytes`. */
export function textView(bytes: Uint8Array): TextView {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
}

/** `text` in UTF-8, with bytes behind it, so that it is copied in whole steps. */
export function literal(text: string): Literal {
  const own = utf8(text)
  const padded = new Uint8Array(own.length + STEP)
  padded.set(own)
  return { bytes: padded, view: textView(padded).view, length: own.length }
}

/** Writes into `bytes` from now on, from their start. */
export function writeInto(writer: ByteWriter, bytes: Uint8Array): void {
  const { view } = textView(bytes)
  writer.bytes = bytes
  writer.view = view
  writer.length = 0
}

/** Makes room for `count` more bytes. */
export function reserve(writer: ByteWriter, count: number): void {
  const needed = writer.length + count
  if (needed <= writer.bytes.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, writer.bytes.length * 2))
  const { length } = writer
  larger.set(writer.bytes.subarray(0, length))
  writeInto(writer, larger)
  writer.length = length
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

/**
 * Copies the text `source[start, end)` to `target` at `at`, as `copyBytes` does, but may overwrite up to seven bytes behind it.
 *
 * It moves doubles. A processor may change the bits of one that is no number, whose last byte is 7f or ff and the byte before it f0 or
 * more: in UTF-8 no such bytes follow each other.
 */
export function copyText(target: TextView, at: number, source: TextView, start: number, end: number): number {
  const count = end - start
  const { bytes, view: from } = source
  const { bytes: targetBytes, view: to } = target
  if (count >= NATIVE_TEXT_COPY_FROM || end + STEP > bytes.length || at + count + STEP > targetBytes.length) {
    return copyBytes(targetBytes, at, bytes, start, end)
  }
  for (let p = start, q = at; p < end; p += STEP, q += STEP) to.setFloat64(q, from.getFloat64(p, true), true)
  return at + count
}

/** Copies a literal, as `copyText` does. */
export function copyLiteral(target: TextView, at: number, source: Literal): number {
  return copyText(target, at, source, 0, source.length)
}

/** Appends a literal, growing the writer as needed. */
export function appendLiteral(writer: ByteWriter, source: Literal): void {
  reserve(writer, source.length + STEP)
  writer.length = copyLiteral(writer, writer.length, source)
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
