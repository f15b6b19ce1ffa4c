import { isUtf8 } from 'node:buffer'
import { UsageError } from '../errors.ts'
import { append, bufferOf, closeObject, NEWLINE, textOf, utf8 } from '../json/bytes.ts'
import { BEGINNING, type RawChunk, type Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { type ByteQueue, createByteQueue } from './byte-queue.ts'
import { createChunkBuilder, EXCERPT_BYTES, MAX_RECORD_BYTES } from './chunk-builder.ts'
import { type CsvHeader, readCsvHeader } from './csv-header.ts'
import { createRowScanner, endOfLine, endOfLongLine, endsInReturn, lineEndAt, lineEndsIn } from './csv-rows.ts'

const MAX_HEADER_BYTES = 1 << 20
/** How much of what is no record is shown in a message. */
const SHOWN_BYTES = 40
/** Bytes parsed at a time, so that what one read unpacks to makes no giant chunk. */
const FEED_BYTES = 1 << 18

/** What Snowflake, MySQL and Hive write for null. */
const NULL_MARK = utf8('\\N')
const NOTHING = new Uint8Array(0)
const BYTE_ORDER_MARK = utf8('\ufeff')

const STRAY_QUOTE = 'a quote that opens or closes no field'
const UNCLOSED_QUOTE = 'a quote that is not closed'
const TORN = 'carriage returns that neither end rows nor belong to a value'

/** A line that is no row, while its end is looked for. */
interface BrokenLine {
  readonly detail: string
  /** Where it begins in the input. */
  readonly position: number
  raw: Buffer
  /** CRs in it. */
  readonly lines: number
}

/**
 * CSV and its like, one record a row, the fields as text that the catalogue is to type. Empty fields are left out. A broken
 * row costs its own line: a quote out of place would otherwise make one field of all the rows behind it.
 * @throws UsageError when it has no header of Currents fields, or when what is behind the header holds no record
 */
export async function* cutCsv(input: OpenInput, from: Restart): AsyncGenerator<RawChunk> {
  const start = await takeHeader(input, from)
  if (start === null) {
    const why = input.damage()
    if (why === null) return
    const builder = createChunkBuilder(input.source)
    builder.addFault(0, 1, 'damaged_input', why)
    yield builder.take(BEGINNING)
    return
  }
  const rows = createRows(input, start)
  let hasRecords = start.place.ordinal > 0
  for (let read: Uint8Array | null = start.rest; read !== null; read = await input.read()) {
    for (let at = 0; at < read.length; at += FEED_BYTES) {
      rows.take(bufferOf(read.subarray(at, at + FEED_BYTES)))
      if (!rows.builder.isFull()) continue
      hasRecords = true
      yield rows.takeChunk()
    }
  }
  rows.end(input.damage())
  if (rows.builder.count() > 0) yield rows.takeChunk()
  else if (!hasRecords && rows.blank() !== null) {
    throw new UsageError(`${input.source.path} holds a header, and behind it no record but ${rows.blank()}`, {
      hint: 'Write the file again; one without events ends behind its header.',
    })
  }
}

interface Start {
  readonly header: CsvHeader
  /** Each CR ends its row, as one ends the header. */
  readonly endsInReturn: boolean
  /** What was read beyond the place where rows begin. */
  readonly rest: Uint8Array
  readonly place: Restart
}

/** Takes the header row, and goes on to `from` if that is behind it; null when there are only blank lines, or when damage ends it. */
async function takeHeader(input: OpenInput, from: Restart): Promise<Start | null> {
  const queue = createByteQueue(input)
  let line = 1
  for (let isLast = false; !isLast; ) {
    // Each time twice as much, since what is there is looked at from its start again.
    isLast = !(await queue.ensure(Math.max(1, 2 * queue.peek().length)))
    const blank = skipBlankLines(queue, isLast)
    line += blank.lines
    const bytes = queue.peek()
    if (bytes.length === 0 || (blank.mayGoOn && bytes.length < MAX_HEADER_BYTES)) continue
    const isTooLong = bytes.length >= MAX_HEADER_BYTES
    // Damage may have cut the header short.
    const isWhole = isLast && input.damage() === null
    const header = readCsvHeader(bytes, isWhole || isTooLong, input.source.path)
    if (header === null) continue
    const { length } = header
    if (length === bytes.length && isTooLong) {
      throw new UsageError(`the header of ${input.source.path} does not end within ${length} bytes`)
    }
    const end = lineEndAt(bytes, length, isLast)
    const hasReturn = endsInReturn(bytes, length, isLast || isTooLong)
    if (end < 0 || hasReturn === null) continue
    const next = queue.position() + length + end
    line += lineEndsIn(bytes, 0, length) + 1
    await queue.skipTo(Math.max(next, from.byte))
    const place = from.byte > next ? from : { byte: next, ordinal: 0, line }
    return { header, endsInReturn: hasReturn, rest: queue.takeAll(), place }
  }
  return null
}

/** Takes the blank lines before the header, and the byte order mark: how many lines, and whether what is left may be one more. */
function skipBlankLines(queue: ByteQueue, isLast: boolean): { readonly lines: number; readonly mayGoOn: boolean } {
  for (let lines = 0; ; lines++) {
    const bytes = queue.peek()
    if (queue.position() === 0 && BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte))
      queue.skip(BYTE_ORDER_MARK.length)
    const text = queue.peek()
    const lineEnd = endOfLine(text, 0)
    const length = lineEndAt(text, lineEnd, isLast)
    const isBlank = textOf(text, 0, lineEnd).trim() === ''
    if (isBlank && length === 0 && isLast) queue.skip(lineEnd)
    if (!isBlank || length <= 0) return { lines, mayGoOn: isBlank && !isLast }
    queue.skip(lineEnd + length)
  }
}

function createRows(input: OpenInput, { header, endsInReturn, place }: Start) {
  const builder = createChunkBuilder(input.source)
  const { delimiter, names } = header
  const keys = names.map((name) => (name === '' ? null : utf8(`,${JSON.stringify(name)}:`)))
  const columns = endsInReturn ? 0 : names.length
  const lineEndFrom = endsInReturn ? endOfLine : endOfLongLine
  const scanner = createRowScanner(delimiter, { columns })
  /** Bytes that are not done with, and the place of the first of them in the input. */
  let buffered: Buffer = Buffer.alloc(0)
  let bufferedAt = place.byte
  /** Where in them the row under way begins, or the line ends before it. */
  let at = 0
  let line = place.line ?? 1
  let { ordinal } = place
  /** Whether what is buffered may hold bytes that no text may. */
  let isClean = true
  let broken: BrokenLine | null = null
  let blank: string | null = null

  /** Passes the line ends before a row; false when no row has begun behind them yet. */
  function skipLineEnds(isLast: boolean): boolean {
    while (at < buffered.length) {
      const length = lineEndAt(buffered, at, isLast)
      if (length < 0) return false
      if (length === 0) return true
      at += length
      line++
    }
    return false
  }

  function takeRow(isTorn: boolean): void {
    const end = at + scanner.length()
    const lines = scanner.isMultiline() ? lineEndsIn(buffered, at, end) : 0
    const count = scanner.fieldCount()
    if (count === 1 && !isTorn && scanner.textOf(buffered, at, 0).trim() === '') {
      blank ??= JSON.stringify(textOf(buffered, at, Math.min(end, at + SHOWN_BYTES)))
    } else {
      const isWrongLength = isTorn || count !== keys.length
      if (isWrongLength && lines > 0 && secondLineIsRow(buffered.subarray(at, end))) {
        breakLine(STRAY_QUOTE)
        return
      }
      const text = buffered.subarray(at, end)
      const why = isTorn ? TORN : isWrongLength ? wrongCount(count) : isClean ? null : spoiledBy(text)
      if (why === null) {
        writeRow()
        builder.add(bufferedAt + at, line)
      } else {
        append(builder.out, text)
        builder.addFault(bufferedAt + at, line, 'malformed', why)
      }
    }
    line += lines
    at = end
  }

  function wrongCount(count: number): string {
    return `${count} columns instead of ${keys.length}`
  }

  function writeRow(): void {
    const { out } = builder
    const start = out.length
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as Uint8Array | null
      if (key === null || scanner.holds(buffered, at, i, NOTHING) || scanner.holds(buffered, at, i, NULL_MARK)) continue
      append(out, key)
      scanner.appendTo(out, buffered, at, i)
    }
    closeObject(out, start)
  }

  /** True when the second line of `text` has as many columns as a row: it is one, and the first line is broken. */
  function secondLineIsRow(text: Uint8Array): boolean {
    const firstEnd = lineEndFrom(text, 0)
    const from = firstEnd + lineEndAt(text, firstEnd, true)
    const relaxed = createRowScanner(delimiter, { columns, isRelaxed: true })
    const state = relaxed.scan(text.subarray(from, lineEndFrom(text, from)), 0, true)
    return state === 'row' && relaxed.fieldCount() === keys.length
  }

  /** Gives up the line at which the row under way begins. */
  function breakLine(detail: string): void {
    scanner.reset()
    broken = { detail, position: bufferedAt + at, raw: Buffer.alloc(0), lines: 0 }
  }

  /** Goes over bytes of a broken line; false when its end has not come yet. */
  function skipBroken({ detail, position, raw, lines: before }: BrokenLine, isLast: boolean): boolean {
    const end = lineEndFrom(buffered, at)
    const part = buffered.subarray(at, Math.min(end, at + EXCERPT_BYTES - raw.length))
    const lines = before + lineEndsIn(buffered, at, end)
    broken = { detail, position, raw: Buffer.concat([raw, part]), lines }
    at = end
    // Where no CR ends a line, one may be left that belongs to the line end.
    const hasEnd = endsInReturn ? end < buffered.length : buffered.includes(NEWLINE, end)
    if (!hasEnd && !isLast) return false
    append(builder.out, broken.raw)
    builder.addFault(position, line, 'malformed', detail)
    line += lines
    broken = null
    return true
  }

  /** Takes the rows that are whole. */
  function takeRows(isLast: boolean): void {
    for (;;) {
      if (broken !== null && !skipBroken(broken, isLast)) return
      if (!skipLineEnds(isLast)) return
      const state = scanner.scan(buffered, at, isLast)
      if (scanner.reach() > MAX_RECORD_BYTES) breakLine(`a row of more than ${MAX_RECORD_BYTES} bytes`)
      else if (state === 'more') return
      else if (state === 'row' || state === 'torn') takeRow(state === 'torn')
      else if (state === 'stray') breakLine(STRAY_QUOTE)
      else if (secondLineIsRow(buffered.subarray(at))) breakLine(UNCLOSED_QUOTE)
      else {
        addDamage(UNCLOSED_QUOTE)
        return
      }
    }
  }

  function take(read: Buffer): void {
    buffered = buffered.length === 0 ? read : Buffer.concat([buffered, read])
    isClean = isUtf8(buffered) && !buffered.includes(0)
    takeRows(false)
    buffered = buffered.subarray(at)
    bufferedAt += at
    at = 0
  }

  function addDamage(why: string): void {
    append(builder.out, buffered.subarray(at, at + EXCERPT_BYTES))
    builder.addFault(bufferedAt + at, line, 'damaged_input', why)
  }

  function end(damage: string | null): void {
    if (damage === null) {
      takeRows(true)
    } else if (broken !== null) {
      append(builder.out, broken.raw)
      builder.addFault(broken.position, line, 'damaged_input', damage)
    } else {
      skipLineEnds(true)
      addDamage(damage)
    }
  }

  function takeChunk(): RawChunk {
    const chunk = builder.take(place)
    const { positions, lines } = chunk
    const restart = { byte: positions[0] as number, ordinal, line: lines?.[0] ?? null }
    ordinal += chunk.count
    return { ...chunk, restart }
  }

  return { builder, take, end, takeChunk, blank: () => blank }
}

/** What makes a row unfit that holds bytes which no text may hold; null when nothing does. */
function spoiledBy(text: Buffer): string | null {
  if (!isUtf8(text)) return 'invalid UTF-8'
  return text.includes(0) ? 'NUL byte' : null
}
