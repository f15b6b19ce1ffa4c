import { bufferOf, CARRIAGE_RETURN, CLOSE_BRACE, grownInto, NEWLINE, OPEN_BRACE } from '../json/bytes.ts'
import { envelopeItems, holdsEventsKey } from '../json/envelope.ts'
import { skipMarks } from '../json/separators.ts'
import { endOfValue } from '../json/values.ts'
import type { Fault, RawChunk, Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import type { LineScanner } from '../scan/line-scanner.ts'
import { EXCERPT_BYTES, MAX_RECORD_BYTES } from './record-limits.ts'

/** Where a line begins. */
export interface LinePlace extends Restart {
  readonly line: number
}

/** Where a line ends and the next begins with an object. */
export const BEFORE_OBJECT = Buffer.from('\n{')

/**
 * Splits whole lines, each with its newline. Those that `scanner` takes are split by it, and their members are the chunk's entries: it has
 * the lines in its input. The others are split here; null when all are.
 */
export function splitLines(
  input: OpenInput,
  bytes: Uint8Array,
  place: LinePlace,
  scanner: LineScanner | null,
): { readonly raw: RawChunk; readonly lineCount: number } {
  let capacity = Math.max(16, bytes.length >> 8)
  let starts = new Int32Array(capacity)
  let ends = new Int32Array(capacity)
  let lines = new Float64Array(capacity)
  let firsts = new Int32Array(capacity)
  const faults: Fault[] = []
  let count = 0
  let lineCount = 0

  function makeRoom(more: number): void {
    if (count + more < capacity) return
    capacity = 2 * (count + more)
    starts = grownInto(new Int32Array(capacity), starts)
    ends = grownInto(new Int32Array(capacity), ends)
    lines = grownInto(new Float64Array(capacity), lines)
    firsts = grownInto(new Int32Array(capacity), firsts)
  }

  function add(start: number, end: number): void {
    makeRoom(1)
    starts[count] = start
    ends[count] = end
    lines[count] = place.line + lineCount
    if (scanner !== null) firsts[count] = scanner.entryCount()
    count++
  }

  /** Adds the lines from `from` on that `by` takes; returns where they end. */
  function addScanned(from: number, by: LineScanner): number {
    const end = by.scan(from, bytes.length)
    const taken = by.lineCount()
    if (taken === 0) return end
    makeRoom(taken)
    starts.set(by.lines.starts.subarray(0, taken), count)
    ends.set(by.lines.ends.subarray(0, taken), count)
    firsts.set(by.lines.firsts.subarray(0, taken), count)
    for (let i = 0; i < taken; i++) lines[count++] = place.line + lineCount++
    return end
  }

  scanner?.clear()
  let mayHoldEnvelope: boolean | null = null
  let at = 0
  for (;;) {
    if (scanner !== null) at = addScanned(at, scanner)
    if (at === bytes.length) break
    const newline = bytes.indexOf(NEWLINE, at)
    const isObject = bytes[at] === OPEN_BRACE
    if (!isObject) at = skipMarks(bytes, at)
    let end = newline
    while (end > at && (bytes[end - 1] as number) <= 0x20 && isSpace(bytes[end - 1] as number)) end--
    if (isObject && bytes[end - 1] !== CLOSE_BRACE) {
      const spreadEnd = endOfSpreadObject(bytes, at)
      if (spreadEnd > 0 && spreadEnd - at <= MAX_RECORD_BYTES) {
        add(at, spreadEnd)
        for (; at < spreadEnd; at = bytes.indexOf(NEWLINE, at) + 1) lineCount++
        continue
      }
    }
    if (end > at) {
      const isTooLong = end - at > MAX_RECORD_BYTES
      // Looking for the key once is cheaper than looking at every line.
      mayHoldEnvelope ??= holdsEventsKey(bytes)
      const items = mayHoldEnvelope && !isTooLong ? envelopeItems(bytes, at, end) : null
      if (isTooLong) {
        faults.push({ index: count, reason: 'malformed', detail: tooLongDetail(end - at) })
        add(at, at + EXCERPT_BYTES)
      } else if (items === null) add(at, end)
      else for (let i = 0; i < items.length; i += 2) add(items[i] as number, items[i + 1] as number)
    }
    lineCount++
    at = newline + 1
  }

  const positions = new Float64Array(count)
  for (let i = 0; i < count; i++) positions[i] = place.byte + (starts[i] as number)
  if (scanner !== null) firsts[count] = scanner.entryCount()
  const raw: RawChunk = {
    source: input.source,
    bytes,
    count,
    restart: place,
    starts: starts.subarray(0, count),
    ends: ends.subarray(0, count),
    positions,
    lines: lines.subarray(0, count),
    faults,
    ...(scanner !== null && { entries: scanner.entriesOf(firsts.subarray(0, count + 1)) }),
  }
  return { raw, lineCount }
}

/**
 * Where the object at `start` ends that its first line does not end: behind it nothing stands on its line, and no other line before begins
 * with an object. -1 when it does not.
 */
function endOfSpreadObject(bytes: Uint8Array, start: number): number {
  const next = bufferOf(bytes).indexOf(BEFORE_OBJECT, start)
  const end = start + endOfValue(bytes.subarray(start, next < 0 ? bytes.length : next + 1), 0)
  if (end < start) return -1
  let p = end
  while (isSpace(bytes[p] as number)) p++
  return bytes[p] === NEWLINE ? end : -1
}

/** What is said of a line of more than `MAX_RECORD_BYTES`. */
export function tooLongDetail(bytes: number): string {
  return `the line is ${bytes} bytes long; at most ${MAX_RECORD_BYTES} are read`
}

/** True for what may stand behind a value on its line. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === CARRIAGE_RETURN
}
