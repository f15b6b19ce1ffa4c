import { NEWLINE } from '../json/bytes.ts'

/** The part of an input's text that is not done with, in one piece, and how far it is read. */
export interface TextWindow {
  /** The text, and behind it a newline and zeros, so that a scan of it needs to look for its end only at these. */
  bytes: Uint8Array
  /** The same memory. */
  view: DataView
  /** Bytes of text that are there. */
  length: number
  /** Byte of the input at which it begins. */
  base: number
  /** How far it is read; one byte behind the end when an escape was cut there. */
  at: number
  /** Line of `at`, from 1. */
  line: number
}

/** Bytes behind the text: a word of four bytes may begin one byte behind its end. */
const GUARD = Uint8Array.of(NEWLINE, 0, 0, 0, 0)

/** Memory that is given back when the text in it has become small. */
const KEPT_BYTES = 1 << 20

export function createTextWindow(): TextWindow {
  return { ...memoryOf(0), length: 0, base: 0, at: 0, line: 1 }
}

/** Adds what was read of the input; the window does not look at `read` again. */
export function addText(window: TextWindow, read: Uint8Array): void {
  const length = window.length + read.length
  if (length + GUARD.length > window.bytes.length) moveTo(window, Math.max(length, 2 * window.length))
  window.bytes.set(read, window.length)
  window.length = length
  window.bytes.set(GUARD, length)
}

/** Forgets the text before the index `from`; indexes into the text are smaller by so many afterwards. */
export function dropText(window: TextWindow, from: number): void {
  // A long record comes in many reads.
  if (from === 0) return
  window.bytes.copyWithin(0, from, window.length)
  window.length -= from
  window.base += from
  window.at -= from
  if (window.bytes.length > KEPT_BYTES && window.length < KEPT_BYTES >> 1) moveTo(window, window.length)
  window.bytes.set(GUARD, window.length)
}

function moveTo(window: TextWindow, capacity: number): void {
  const text = window.bytes.subarray(0, window.length)
  Object.assign(window, memoryOf(capacity))
  window.bytes.set(text)
}

function memoryOf(capacity: number): Pick<TextWindow, 'bytes' | 'view'> {
  const bytes = Buffer.allocUnsafeSlow(capacity + GUARD.length)
  return { bytes, view: new DataView(bytes.buffer) }
}
