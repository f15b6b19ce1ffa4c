import { bufferOf, CLOSE_BRACE, NEWLINE, OPEN_BRACE } from '../json/bytes.ts'
import type { Fault, RawChunk, Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { borrowScanner, giveBack } from '../scan/borrow-scanner.ts'
import type { LineScanner } from '../scan/line-scanner.ts'
import { EXCERPT_BYTES, MAX_RECORD_BYTES } from './record-limits.ts'
import { BEFORE_OBJECT, isSpace, type LinePlace, splitLines, tooLongDetail } from './split-lines.ts'

/**
 * NDJSON: one record a line. Blank lines are no records, but count as lines. An object that spreads over lines is one record too, as long
 * as its first line, and none of the others, begins with `{`: so a broken line costs itself alone.
 */
export async function* cutLines(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  const scanner = borrowScanner()
  try {
    yield* linesOf(input, from, scanner)
  } finally {
    if (scanner !== null) giveBack(scanner)
  }
}

async function* linesOf(input: OpenInput, from: Restart, scanner: LineScanner | null): AsyncGenerator<RawChunk> {
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

  /** Splits `partial` and what ends it. The memory they are put in is used again: the chunk before is done with. */
  function split(end: Uint8Array): RawChunk {
    const length = partialLength + end.length
    const taker = scanner !== null && length <= scanner.input.length ? scanner : null
    const { raw, lineCount } = splitLines(input, joined(end, length, taker), at, taker)
    at = { byte: at.byte + length, ordinal: at.ordinal + raw.count, line: at.line + lineCount }
    partial = []
    partialLength = 0
    return raw
  }

  function joined(end: Uint8Array, length: number, taker: LineScanner | null): Uint8Array {
    if (taker === null && partialLength === 0) return end
    if (taker === null && length > room.length) room = Buffer.allocUnsafeSlow(length + (length >> 3))
    const whole = (taker?.input ?? room).subarray(0, length)
    let to = 0
    for (const part of [...partial, end]) {
      whole.set(part, to)
      to += part.length
    }
    return whole
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
    const raw = split(bytes.subarray(0, end))
    isSpread = spread > 0
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
    const raw = split(Buffer.from('\n'))
    if (raw.count > 0) yield raw
  }
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
