import { bufferOf, CARRIAGE_RETURN, CLOSE_BRACE, grownInto, NEWLINE, OPEN_BRACE } from '../json/bytes.ts'
import { envelopeItems, holdsEventsKey } from '../json/envelope.ts'
import { skipMarks } from '../json/separators.ts'
import { endOfValue } from '../json/values.ts'
import type { Fault, RawChunk, Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { EXCERPT_BYTES, MAX_RECORD_BYTES } from './chunk-builder.ts'

/** Where a line ends and the next begins with an object. */
const BEFORE_OBJECT = Buffer.from('\n{')

/**
 * NDJSON: one record a line. Blank lines are no records, but count as lines. An object that spreads over lines is one record too, as long
 * as its first line, and none of the others, begins with `{`: so a broken line costs itself alone.
 */
export async function* cutLines(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  await input.skipTo(from.byte)
  /** Where the first line begins that is not handed on yet. */
  let at: LinePlace = { byte: from.byte, ordinal: from.ordinal, line: from.line ?? 1 }
  /** Bytes of a line whose end has not come yet. */
  let partial: Uint8Array[] = []
  let partialLength = 0
  let isTooLong = false
  /** They begin with a line that opens an object and does not end it; the lines that follow it may. */
  let isSpread = false
  let room: Buffer = Buffer.alloc(0)

  function take(bytes: Uint8Array): void {
    if (isTooLong) {
      partialLength += bytes.length
      return
    }
    partial.push(bytes)
    partialLength += bytes.length
    if (partialLength > MAX_RECORD_BYTES) {
      isTooLong = true
      partial = [Buffer.concat(partial).subarray(0, EXCERPT_BYTES)]
    }
  }

  function hold(bytes: Uint8Array): void {
    isSpread = true
    partial.push(Buffer.from(bytes))
    partialLength += bytes.length
  }

  /** True when another object begins behind the one that is held. */
  function holdsNextObject(bytes: Uint8Array): boolean {
    const isAtLineStart = partial.at(-1)?.at(-1) === NEWLINE
    return (isAtLineStart && bytes[0] === OPEN_BRACE) || bufferOf(bytes).includes(BEFORE_OBJECT)
  }

  /** `partial` and what ends it, in memory that is used again: the chunk before is done with. */
  function joined(end: Uint8Array): Uint8Array {
    const length = partialLength + end.length
    if (length > room.length) room = Buffer.allocUnsafeSlow(length + (length >> 3))
    let to = 0
    for (const part of [...partial, end]) {
      room.set(part, to)
      to += part.length
    }
    return room.subarray(0, length)
  }

  /** The record of a line that was too long: its beginning, as a fault. */
  function tooLong(endsWithNewline: boolean): RawChunk {
    const bytes = Buffer.concat([...partial, Buffer.from('\n')])
    const detail = tooLongDetail(partialLength)
    const chunk = oneFault(input, bytes, at, { index: 0, reason: 'malformed', detail })
    at = { byte: at.byte + partialLength + (endsWithNewline ? 1 : 0), ordinal: at.ordinal + 1, line: at.line + 1 }
    partial = []
    partialLength = 0
    isTooLong = false
    return chunk
  }

  for (let read = await input.read(); read !== null; read = await input.read()) {
    let bytes = read
    if (isTooLong) {
      const end = bytes.indexOf(NEWLINE)
      take(end < 0 ? bytes : bytes.subarray(0, end))
      if (end < 0) continue
      yield tooLong(true)
      bytes = bytes.subarray(end + 1)
    }
    // What is longer is no record, whatever follows.
    const mayBeSpread = partialLength <= MAX_RECORD_BYTES
    if (isSpread) {
      if (mayBeSpread && !holdsNextObject(bytes)) {
        hold(bytes)
        input.reuse(read)
        continue
      }
      bytes = Buffer.concat([...partial, bytes])
      partial = []
      partialLength = 0
      isSpread = false
    }
    const lastEnd = bytes.lastIndexOf(NEWLINE)
    if (lastEnd < 0) {
      take(bytes)
      continue
    }
    const spread = mayBeSpread ? spreadObjectAt(bytes, lastEnd, partial[0]?.[0] ?? bytes[0]) : -1
    if (spread === 0) {
      hold(bytes)
      input.reuse(read)
      continue
    }
    const end = spread < 0 ? lastEnd + 1 : spread
    const rest = bytes.subarray(end)
    const whole = partialLength === 0 ? bytes.subarray(0, end) : joined(bytes.subarray(0, end))
    partial = []
    partialLength = 0
    isSpread = spread > 0
    const { raw, lineCount } = splitLines(input, whole, at)
    at = { byte: at.byte + whole.length, ordinal: at.ordinal + raw.count, line: at.line + lineCount }
    if (raw.count > 0) yield raw
    // A slice would keep the whole read in memory for as long as the line is not done.
    if (rest.length > 0) take(Buffer.from(rest))
    input.reuse(read)
  }

  const damage = input.damage()
  if (damage !== null) {
    const bytes = Buffer.concat([...partial, Buffer.from('\n')])
    yield oneFault(input, bytes, at, { index: 0, reason: 'damaged_input', detail: damage })
  } else if (isTooLong) {
    yield tooLong(false)
  } else if (partialLength > 0) {
    const { raw } = splitLines(input, Buffer.concat([...partial, Buffer.from('\n')]), at)
    if (raw.count > 0) yield raw
  }
}

/** Where a line begins. */
interface LinePlace extends Restart {
  readonly line: number
}

/**
 * Where the last object of some lines begins, when its first line does not end it, and nothing tells that it ends: the lines that follow
 * may. -1 when there is none.
 * @param lastEnd the newline of the last whole line
 * @param first the first byte of the first line, of which only the end may be there
 */
function spreadObjectAt(bytes: Uint8Array, lastEnd: number, first: number | undefined): number {
  if (bytes[lastEnd + 1] === OPEN_BRACE) return -1
  const start = bufferOf(bytes).lastIndexOf(BEFORE_OBJECT, lastEnd - 1) + 1
  if (start === 0 && first !== OPEN_BRACE) return -1
  return endsObject(bytes, start, bytes.indexOf(NEWLINE, start)) ? -1 : start
}

/** True when the line `[start, newline)` ends with a brace that closes. */
function endsObject(bytes: Uint8Array, start: number, newline: number): boolean {
  let end = newline
  while (end > start && isSpace(bytes[end - 1] as number)) end--
  return bytes[end - 1] === CLOSE_BRACE
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

function oneFault(input: OpenInput, bytes: Uint8Array, place: LinePlace, fault: Fault): RawChunk {
  return {
    source: input.source,
    bytes,
    count: 1,
    restart: place,
    starts: Int32Array.of(0),
    ends: Int32Array.of(bytes.length - 1),
    positions: Float64Array.of(place.byte),
    lines: Float64Array.of(place.line),
    faults: [fault],
  }
}

/** Splits whole lines, each with its newline. */
function splitLines(
  input: OpenInput,
  bytes: Uint8Array,
  place: LinePlace,
): { readonly raw: RawChunk; readonly lineCount: number } {
  let capacity = Math.max(16, bytes.length >> 8)
  let starts = new Int32Array(capacity)
  let ends = new Int32Array(capacity)
  let lines = new Float64Array(capacity)
  const faults: Fault[] = []
  let count = 0
  let lineCount = 0

  function add(start: number, end: number): void {
    if (count === capacity) {
      capacity *= 2
      starts = grownInto(new Int32Array(capacity), starts)
      ends = grownInto(new Int32Array(capacity), ends)
      lines = grownInto(new Float64Array(capacity), lines)
    }
    starts[count] = start
    ends[count] = end
    lines[count] = place.line + lineCount
    count++
  }

  // Looking for the key once is cheaper than looking at every line.
  const mayHoldEnvelope = holdsEventsKey(bytes)
  let at = 0
  while (at < bytes.length) {
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
  }
  return { raw, lineCount }
}

function tooLongDetail(bytes: number): string {
  return `the line is ${bytes} bytes long; at most ${MAX_RECORD_BYTES} are read`
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === CARRIAGE_RETURN
}
