import { isUtf8 } from 'node:buffer'
import { NEWLINE, textOf } from '../json/bytes.ts'
import type { RejectReason } from '../model.ts'
import type { CsvDialect } from './csv-dialect.ts'
import type { CsvHeader } from './csv-header.ts'
import { createRowScanner, type RowScanner } from './csv-rows.ts'
import { endOfLine, endOfLongLine, lineEndAt, lineEndsIn } from './line-ends.ts'
import { EXCERPT_BYTES, MAX_RECORD_BYTES } from './record-limits.ts'

/** How much of what is no record is shown in a message. */
const SHOWN_BYTES = 40

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const

const STRAY_QUOTE = 'a quote that opens or closes no field'
const UNCLOSED_QUOTE = 'a quote that is not closed'
const TORN = 'carriage returns that neither end rows nor belong to a value'

/** Where a row begins in the input. */
export interface RowPlace {
  readonly byte: number
  /** From 1. */
  readonly line: number
}

/** What clients of databases write beside the rows: how many there are (psql, sqlcmd), and that they end (COPY). */
const FOOTER = /^(\(\d+ rows?( affected)?\)|\\\.)$/
/** No field that is longer is one. */
const FOOTER_BYTES = 40

const DASH = 0x2d

/** Takes what is found, in order. */
export interface RowTaker {
  /**
   * A row with a field for each column: that which `scanner` found at `at`, and which stands at `byte` of the input. `spoiled` is why its
   * bytes are no text; null when they are.
   */
  row(scanner: RowScanner, bytes: Buffer, at: number, byte: number, line: number, spoiled: string | null): void
  /** What is no such row: its bytes, or their beginning. */
  fault(raw: Uint8Array, place: RowPlace, reason: RejectReason, detail: string): void
}

/** Finds the rows behind a header in the bytes that it is given, piece by piece. */
export interface RowReader {
  /** The bytes are copied: they may be overwritten afterwards. */
  take(read: Uint8Array): void
  /** No bytes follow. @param damage why they ended too early; null when they are all */
  end(damage: string | null): void
  /** Bytes of the row under way. */
  pending(): Buffer
  /** Why the line under way is no row; null when nothing tells. */
  whyBroken(): string | null
  /** The first line with nothing but white space; null when there was none. */
  blank(): string | null
}

/** A line that is no row, while its end is looked for. */
interface BrokenLine {
  readonly detail: string
  readonly byte: number
  raw: Buffer
  /** CRs in it. */
  readonly lines: number
}

/**
 * Makes the reader for the rows of a file; its first bytes stand at `from`. A broken row costs its own line: a quote out of place would
 * otherwise make one field of all the rows behind it. The header's row is no record where it comes again, as in files put together.
 */
export function createRowReader(dialect: CsvDialect, header: CsvHeader, from: RowPlace, taker: RowTaker): RowReader {
  const { length: width } = header.names
  const [firstName] = header.written
  const columns = header.endsInReturn ? 0 : width
  const lineEndFrom = header.endsInReturn ? endOfLine : endOfLongLine
  const scanner = createRowScanner(dialect, { columns })
  /** Bytes that are not done with, and the place of the first of them in the input. */
  let room: Buffer = Buffer.alloc(0)
  let buffered = room
  let bufferedAt = from.byte
  /** Where in them the row under way begins, or the line ends before it. */
  let at = 0
  let { line } = from
  /** Whether what is buffered may hold bytes that no text may. */
  let isClean = true
  let broken: BrokenLine | null = null
  let blank: string | null = null

  /** Passes the line ends before a row, and the marks of files put together; false when no row has begun behind them yet. */
  function skipLineEnds(isLast: boolean): boolean {
    while (at < buffered.length) {
      if (buffered[at] === BYTE_ORDER_MARK[0]) {
        const isMark = BYTE_ORDER_MARK.every((byte, i) => at + i >= buffered.length || buffered[at + i] === byte)
        if (!isMark) return true
        if (at + BYTE_ORDER_MARK.length > buffered.length) return isLast
        at += BYTE_ORDER_MARK.length
        // It may have begun to look at the row, with the mark.
        scanner.reset()
        continue
      }
      const length = lineEndAt(buffered, at, isLast)
      if (length < 0) return false
      if (length === 0) return true
      at += length
      line++
    }
    return false
  }

  function placeHere(): RowPlace {
    return { byte: bufferedAt + at, line }
  }

  function takeRow(isTorn: boolean): void {
    const end = at + scanner.length()
    const lines = scanner.isMultiline() ? lineEndsIn(buffered, at, end) : 0
    const count = scanner.fieldCount()
    if (count === 1 && !isTorn && scanner.textOf(buffered, at, 0).trim() === '') {
      blank ??= JSON.stringify(textOf(buffered, at, Math.min(end, at + SHOWN_BYTES)))
    } else if (isTorn || count !== width) {
      if (count === 1 && end - at <= FOOTER_BYTES && FOOTER.test(textOf(buffered, at, end))) {
        at = end
        return
      }
      if (lines > 0 && dialect.quote !== null && secondLineIsRow(buffered.subarray(at, end))) {
        breakLine(STRAY_QUOTE)
        return
      }
      const why = isTorn ? TORN : `${count} columns instead of ${width}`
      taker.fault(buffered.subarray(at, end), placeHere(), 'malformed', why)
    } else if (!isHeaderAgain() && !isRule()) {
      taker.row(scanner, buffered, at, bufferedAt + at, line, isClean ? null : spoiledBy(buffered.subarray(at, end)))
    }
    line += lines
    at = end
  }

  function isHeaderAgain(): boolean {
    if (firstName === undefined || !scanner.isWritten(buffered, at, 0, firstName)) return false
    return header.texts.every((text, i) => scanner.textOf(buffered, at, i) === text)
  }

  /** True when there is nothing but dashes in each field: sqlcmd underlines the header. */
  function isRule(): boolean {
    return buffered[at] === DASH && header.texts.every((_, i) => /^-+$/.test(scanner.textOf(buffered, at, i)))
  }

  /** True when the second line of `text` has as many columns as a row: it is one, and the first line is broken. */
  function secondLineIsRow(text: Uint8Array): boolean {
    const firstEnd = lineEndFrom(text, 0)
    const second = firstEnd + lineEndAt(text, firstEnd, true)
    const relaxed = createRowScanner(dialect, { columns, isRelaxed: true })
    const state = relaxed.scan(text.subarray(second, lineEndFrom(text, second)), 0, true)
    return state === 'row' && relaxed.fieldCount() === width
  }

  /** Gives up the line at which the row under way begins. */
  function breakLine(detail: string): void {
    scanner.reset()
    broken = { detail, byte: bufferedAt + at, raw: Buffer.alloc(0), lines: 0 }
  }

  /** Goes over bytes of a broken line; false when its end has not come yet. */
  function skipBroken({ detail, byte, raw, lines: before }: BrokenLine, isLast: boolean): boolean {
    const end = lineEndFrom(buffered, at)
    const part = buffered.subarray(at, Math.min(end, at + EXCERPT_BYTES - raw.length))
    const lines = before + lineEndsIn(buffered, at, end)
    broken = { detail, byte, raw: Buffer.concat([raw, part]), lines }
    at = end
    // Where no CR ends a line, one may be left that belongs to the line end.
    const hasEnd = header.endsInReturn ? end < buffered.length : buffered.includes(NEWLINE, end)
    if (!hasEnd && !isLast) return false
    taker.fault(broken.raw, { byte, line }, 'malformed', detail)
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

  function addDamage(why: string): void {
    taker.fault(buffered.subarray(at, at + EXCERPT_BYTES), placeHere(), 'damaged_input', why)
  }

  return {
    take(read) {
      const length = buffered.length + read.length
      if (room.length < length) room = Buffer.allocUnsafeSlow(length + (length >> 3))
      room.set(buffered)
      room.set(read, buffered.length)
      buffered = room.subarray(0, length)
      isClean = isUtf8(buffered) && !buffered.includes(0)
      takeRows(false)
      buffered = buffered.subarray(at)
      bufferedAt += at
      at = 0
    },
    end(damage) {
      if (damage === null) {
        takeRows(true)
      } else if (broken !== null) {
        taker.fault(broken.raw, { byte: broken.byte, line }, 'damaged_input', damage)
      } else {
        skipLineEnds(true)
        addDamage(damage)
      }
    },
    pending: () => buffered,
    whyBroken: () => broken?.detail ?? null,
    blank: () => blank,
  }
}

/** What makes a row unfit that holds bytes which no text may hold; null when nothing does. */
function spoiledBy(text: Buffer): string | null {
  if (!isUtf8(text)) return 'invalid UTF-8'
  return text.includes(0) ? 'NUL byte' : null
}
