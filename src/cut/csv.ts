import { isUtf8 } from 'node:buffer'
import { append, appendByte, CLOSE_BRACE, NEWLINE, OPEN_BRACE, textOf, utf8 } from '../json/bytes.ts'
import { appendTextAsString } from '../json/strings.ts'
import { BEGINNING, type RawChunk, type Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { createByteQueue } from './byte-queue.ts'
import { createChunkBuilder } from './chunk-builder.ts'
import { type CsvHeader, readCsvHeader, splitRow } from './csv-header.ts'
import { BrokenRow, createRowParser, type RowFailure } from './csv-row-parser.ts'

/** Longest row that is read, in bytes; Currents drops events over 900 KB (BRAZE.md). */
const MAX_ROW_BYTES = 16 << 20
const MAX_HEADER_BYTES = 1 << 20
/** How much of a longer row is kept to show. */
const EXCERPT_BYTES = 1 << 16
/** Bytes parsed at a time, so that what one read unpacks to makes no giant chunk. */
const FEED_BYTES = 1 << 18

const CARRIAGE_RETURN = 0x0d
/** What Snowflake, MySQL and Hive write for null. */
const NULL_MARK = '\\N'

const STRAY_QUOTE = 'a quote that opens or closes no field'
const UNCLOSED_QUOTE = 'a quote that is not closed'

/** A line that is no row, while its end is looked for. */
interface BrokenLine {
  readonly detail: string
  raw: Buffer
}

/**
 * CSV and its like, one record a row, the fields as text that the catalogue is to type. Empty fields are left out. A broken
 * row costs its own line: a quote out of place would otherwise make one field of all the rows behind it.
 */
export async function* cutCsv(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  const start = await takeHeader(input, from)
  if (start === null) {
    const why = input.damage()
    if (why === null) return
    const builder = createChunkBuilder(input.source, 'text')
    builder.addFault(0, 1, 'damaged_input', why)
    yield builder.take(BEGINNING)
    return
  }
  const rows = createRows(input, start)
  for (let read: Uint8Array | null = start.rest; read !== null; read = await input.read()) {
    for (let at = 0; at < read.length; at += FEED_BYTES) {
      await rows.take(bufferOf(read.subarray(at, at + FEED_BYTES)))
      if (rows.builder.isFull()) yield rows.takeChunk()
    }
  }
  await rows.end(input.damage())
  if (rows.builder.count() > 0) yield rows.takeChunk()
}

interface Start {
  readonly header: CsvHeader
  /** What was read beyond the place where rows begin. */
  readonly rest: Uint8Array
  readonly place: Restart
}

/** Takes the header row, and goes on to `from` if that is behind it; null when there are only blank lines. */
async function takeHeader(input: OpenInput, from: Restart): Promise<Start | null> {
  const queue = createByteQueue(input)
  let at = 0
  let line = 1
  for (;;) {
    const isMore = await queue.ensure(at + 1)
    const bytes = queue.peek()
    const newline = bytes.indexOf(NEWLINE, at)
    const end = newline < 0 ? bytes.length : newline
    if (newline < 0 && isMore && bytes.length < MAX_HEADER_BYTES) {
      // Look again at what was seen without a newline only together with more.
      if (await queue.ensure(bytes.length + 1)) continue
    }
    if (newline < 0 && input.damage() !== null) return null
    const text = bytes.subarray(at, end)
    if (
      textOf(text)
        .replace(/^\ufeff/, '')
        .trim() !== ''
    ) {
      const header = readCsvHeader(text, input.source.path)
      const next = Math.min(end + 1, bytes.length)
      await queue.skipTo(Math.max(next, from.byte))
      const place = from.byte > next ? from : { byte: next, ordinal: 0, line: line + 1 }
      return { header, rest: queue.takeAll(), place }
    }
    if (newline < 0) return null
    at = newline + 1
    line++
  }
}

function createRows(input: OpenInput, { header, place }: Start) {
  const builder = createChunkBuilder(input.source, 'text')
  const { delimiter, names } = header
  const keys = names.map((name) => (name === '' ? null : utf8(`,${JSON.stringify(name)}:`)))
  /** Bytes from the start of the row under way on. */
  let held: Buffer = Buffer.alloc(0)
  /** Place of `held`, and of the parser's first byte, in the input. */
  let heldAt = place.byte
  let parserAt = place.byte
  let rowAt = place.byte
  let line = place.line ?? 1
  let { ordinal } = place
  /** Whether what is held may hold bytes that no text may. */
  let isClean = true
  let broken: BrokenLine | null = null
  let parser = createRowParser(delimiter, takeRow)

  function takeRow(fields: readonly string[], endByte: number): void {
    skipBlankLines()
    const start = rowAt - heldAt
    const end = parserAt + endByte - heldAt
    const lines = newlinesIn(held, start, end)
    const text = withoutLineEnd(held.subarray(start, end))
    const isBlank = fields.length === 1 && fields[0]?.trim() === ''
    const isWrongLength = fields.length !== keys.length
    if (isWrongLength && !isBlank && lines > 1 && secondLineIsRow(text)) throw new BrokenRow()
    rowAt = parserAt + endByte
    if (!isBlank) {
      const why = isWrongLength
        ? `${fields.length} columns instead of ${keys.length}`
        : isClean
          ? null
          : spoiledBy(text)
      if (why === null) {
        writeRow(fields)
        builder.add(heldAt + start, line)
      } else {
        append(builder.out, text)
        builder.addFault(heldAt + start, line, 'malformed', why)
      }
    }
    line += lines
  }

  function writeRow(fields: readonly string[]): void {
    const { out } = builder
    const start = out.length
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as string
      const key = keys[i] as Uint8Array | null
      if (field === '' || field === NULL_MARK || key === null) continue
      append(out, key)
      appendTextAsString(out, field)
    }
    // Each field brings the comma before it; that of the first becomes the opening brace.
    if (out.length === start) appendByte(out, OPEN_BRACE)
    else out.bytes[start] = OPEN_BRACE
    appendByte(out, CLOSE_BRACE)
  }

  /** Blank lines before a row are no part of it, but count as lines. */
  function skipBlankLines(): void {
    let p = rowAt - heldAt
    while (held[p] === NEWLINE || held[p] === CARRIAGE_RETURN) if (held[p++] === NEWLINE) line++
    rowAt = heldAt + p
  }

  /** Forgets the rows that are done. */
  function releaseRows(): void {
    held = held.subarray(rowAt - heldAt)
    heldAt = rowAt
  }

  /** True when the second line of `text` has as many columns as a row: it is one, and the first line is broken. */
  function secondLineIsRow(text: Buffer): boolean {
    const from = text.indexOf(NEWLINE) + 1
    if (from === 0) return false
    const to = text.indexOf(NEWLINE, from)
    const second = withoutLineEnd(text.subarray(from, to < 0 ? text.length : to))
    return splitRow(second.toString('utf8'), delimiter).length === keys.length
  }

  /** Goes over bytes of a broken line; what is behind its end, or null when that has not come yet. */
  function skipBroken(bytes: Buffer): Buffer | null {
    if (broken === null) return bytes
    const newline = bytes.indexOf(NEWLINE)
    const part = newline < 0 ? bytes : bytes.subarray(0, newline)
    if (broken.raw.length < EXCERPT_BYTES) {
      broken.raw = Buffer.concat([broken.raw, part.subarray(0, EXCERPT_BYTES - broken.raw.length)])
    }
    heldAt += part.length
    if (newline < 0) return null
    endBroken(broken)
    heldAt++
    return bytes.subarray(newline + 1)
  }

  function endBroken({ detail, raw }: BrokenLine): void {
    append(builder.out, withoutLineEnd(raw))
    builder.addFault(rowAt, line, 'malformed', detail)
    line++
    broken = null
  }

  /** Gives up the line at which the row under way begins, and starts again behind it; null when its end has not come yet. */
  function restart(detail: string): Buffer | null {
    skipBlankLines()
    releaseRows()
    const bytes = held
    held = Buffer.alloc(0)
    broken = { detail, raw: Buffer.alloc(0) }
    return skipBroken(bytes)
  }

  function startParser(): void {
    parser = createRowParser(delimiter, takeRow)
    parserAt = heldAt
    rowAt = heldAt
  }

  async function take(read: Buffer): Promise<void> {
    const wasBroken = broken !== null
    let bytes = skipBroken(read)
    if (wasBroken && bytes !== null) startParser()
    while (bytes !== null) {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
      isClean = isUtf8(held) && !held.includes(0)
      const failure = await parser.feed(bytes)
      releaseRows()
      if (failure === null && held.length <= MAX_ROW_BYTES) return
      bytes = restart(failure === null ? `a row of more than ${MAX_ROW_BYTES} bytes` : STRAY_QUOTE)
      if (bytes !== null) startParser()
    }
  }

  function addDamage(why: string): void {
    skipBlankLines()
    releaseRows()
    append(builder.out, held.subarray(0, EXCERPT_BYTES))
    builder.addFault(heldAt, line, 'damaged_input', why)
  }

  async function end(damage: string | null): Promise<void> {
    if (damage !== null) {
      if (broken !== null) {
        held = broken.raw
        heldAt = rowAt
      }
      addDamage(damage)
      return
    }
    while (broken === null) {
      const failure: RowFailure | null = await parser.end()
      skipBlankLines()
      releaseRows()
      if (failure === null) return
      if (failure.isUnclosed && !secondLineIsRow(held)) {
        addDamage(UNCLOSED_QUOTE)
        return
      }
      const rest = restart(failure.isUnclosed ? UNCLOSED_QUOTE : STRAY_QUOTE)
      if (rest === null) break
      startParser()
      await take(rest)
    }
    if (broken !== null) endBroken(broken)
  }

  function takeChunk(): RawChunk {
    const chunk = builder.take(place)
    const { positions, lines } = chunk
    const restart = { byte: positions[0] as number, ordinal, line: lines?.[0] ?? null }
    ordinal += chunk.count
    return { ...chunk, restart }
  }

  return { builder, take, end, takeChunk }
}

/** What makes a row unfit that holds bytes which no text may hold; null when nothing does. */
function spoiledBy(text: Buffer): string | null {
  if (!isUtf8(text)) return 'invalid UTF-8'
  return text.includes(0) ? 'NUL byte' : null
}

function newlinesIn(bytes: Buffer, start: number, end: number): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE, start); at >= 0 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) count++
  return count
}

function withoutLineEnd(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === NEWLINE || bytes[end - 1] === CARRIAGE_RETURN)) end--
  return bytes.subarray(0, end)
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
