import { BACKSLASH, type ByteWriter, CARRIAGE_RETURN, grownInto, NEWLINE, QUOTE, textOf, utf8 } from '../json/bytes.ts'
import { appendStringOf } from '../json/strings.ts'
import { endOfValue, skipSpace } from '../json/values.ts'
import type { CsvDialect } from './csv-dialect.ts'
import { endOfReturns } from './line-ends.ts'

/**
 * Rows of CSV on bytes, in the dialects that are found out (src/README.md §2). A line ends in LF, CRLF, CR, or CR CR LF (a CRLF file that
 * was written as text once more); within quotes, and behind a backslash that escapes, all of these are content.
 *
 * A lone CR is a line end for certain where the header ends in one, and behind a closing quote. Elsewhere it may stand in a value, and
 * divides what is between two other line ends into pieces:
 *
 * - When they make one row of the right length with the CRs as content, they are that row.
 * - Else a piece of the right length begins a row, and ends the row before it; a piece of one column goes on with the value before it.
 * - With any other piece the row before it and all up to the line end are torn.
 *
 * CRs at both ends of a line are blank lines. So a row is known when the piece behind it is: no more of the line is needed, and
 * reading can begin at any row.
 */

const APOSTROPHE = 0x27

/** Room for the fields of a row at first. */
const FIRST_FIELDS = 64

/**
 * What became of the row under way. `row`: it is whole. `more`: its end has not come yet. `stray`: a quote in it opens or closes no
 * field. `unclosed`: the input ends within quotes. `torn`: CRs in it neither end rows nor belong to a value.
 */
type RowState = 'row' | 'more' | 'stray' | 'unclosed' | 'torn'

/** Finds the fields of one row after the other. */
export interface RowScanner {
  /**
   * Scans the row that begins at `start`. After `more` it goes on where it was: the next call must give the same row, with more bytes
   * behind it.
   * @param isLast no bytes follow
   */
  scan(bytes: Uint8Array, start: number, isLast: boolean): RowState
  /** Gives up the row under way. */
  reset(): void
  /** Bytes scanned of the row; of a whole one, those up to its line end. */
  length(): number
  /** Bytes that must be kept for the row under way, or for what may be the next: the longer of the two. */
  reach(): number
  /** False when no field holds a line end. */
  isMultiline(): boolean
  fieldCount(): number
  /** The text of a field of the row that begins at `start`, without the quotes around it. */
  textOf(bytes: Uint8Array, start: number, field: number): string
  /** True when there are quotes around the field. */
  isQuoted(bytes: Uint8Array, start: number, field: number): boolean
  /** True when the field stands for null: nothing, `\N`, and without quotes `NULL` and `null`. */
  isNull(bytes: Uint8Array, start: number, field: number): boolean
  /** A field as it is written, without the quotes around it. */
  writtenOf(bytes: Uint8Array, start: number, field: number): Uint8Array
  /** Whether a field is written as these bytes, quotes around it aside. */
  isWritten(bytes: Uint8Array, start: number, field: number, as: Uint8Array): boolean
  /** Whether the text of a field is JSON. */
  isJson(bytes: Uint8Array, start: number, field: number): boolean
  /** Appends the text of a field as a JSON string. Returns its kind. */
  appendTo(out: ByteWriter, bytes: Uint8Array, start: number, field: number): number
}

/** Where in a field the scanner is. */
const AT_START = 0
const PLAIN = 1
const QUOTED = 2
const ENDED = 3

interface RowForm {
  /** Columns of a row, where a lone CR may stand in a value; 0 where each ends its row. */
  readonly columns?: number
  /** Quotes in odd places are taken as they are. */
  readonly isRelaxed?: boolean
}

const NULL_MARK = utf8('\\N')
const NULL_WORDS = [utf8('NULL'), utf8('null')]

/** What a backslash and a letter stand for outside quotes, as databases write it; any other byte stands for itself. */
const LETTERS = new Uint8Array(256)
for (const [letter, byte] of [
  ['0', 0x00],
  ['b', 0x08],
  ['t', 0x09],
  ['n', NEWLINE],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', CARRIAGE_RETURN],
  ['Z', 0x1a],
] as const) {
  LETTERS[letter.charCodeAt(0)] = byte
}

/** Beside the delimiter, what has a backslash before it within quotes; Redshift escapes both quotes. */
const ESCAPABLE: ReadonlySet<number> = new Set([QUOTE, APOSTROPHE, BACKSLASH, NEWLINE, CARRIAGE_RETURN])

/** Makes the scanner for rows of one dialect whose quote is `"` or none, and which escapes by that quote, a backslash or nothing. */
export function createRowScanner(
  { delimiter, quote, escaper }: CsvDialect,
  { columns = 0, isRelaxed = false }: RowForm = {},
): RowScanner {
  const opener = quote ?? -1
  const doubles = escaper === QUOTE
  const endsPlain = tableOf([delimiter, NEWLINE, CARRIAGE_RETURN, quote, quote === null ? escaper : null])
  const endsQuoted = tableOf([QUOTE, NEWLINE, CARRIAGE_RETURN, escaper])
  /** Per field where its text starts and ends, from the start of the row, and whether something in it is escaped. */
  let starts = new Int32Array(FIRST_FIELDS)
  let ends = new Int32Array(FIRST_FIELDS)
  let escaped = new Uint8Array(FIRST_FIELDS)
  let count = 0
  let length = 0
  let isDone = false
  let isMultiline = false
  /** What is known of the field under way. */
  let place = AT_START
  let fieldStart = 0
  let isEscaped = 0
  let scratch: Uint8Array = new Uint8Array(0)
  /** Where the piece under way begins, and its first field. */
  let pieceStart = 0
  let pieceField = 0
  /** Where the pieces before it end. */
  let piecesEnd = 0
  /** How far CRs were looked at. */
  let lookedTo = 0
  let firstIsFull = false
  let isTorn = false
  /** The piece under way is whole, and begins the next row. */
  let nextIsWhole = false

  function reset(): void {
    count = 0
    length = 0
    isDone = false
    isMultiline = false
    place = AT_START
    pieceStart = 0
    pieceField = 0
    piecesEnd = 0
    lookedTo = 0
    firstIsFull = false
    isTorn = false
    nextIsWhole = false
  }

  /** Makes the piece that ended the row before the first one of its own. */
  function beginNext(): void {
    const found = count - pieceField
    for (let i = 0; i < found; i++) {
      starts[i] = (starts[pieceField + i] as number) - pieceStart
      ends[i] = (ends[pieceField + i] as number) - pieceStart
      escaped[i] = escaped[pieceField + i] as number
    }
    const scanned = length - pieceStart
    reset()
    count = found
    length = scanned
    isMultiline = true
    place = ENDED
  }

  /** Adds the piece that has ended to those before it. */
  function joinPiece(isQuoted: boolean): void {
    // A quote behind a CR opens no field of the same row.
    if (isQuoted) {
      isTorn = true
      return
    }
    ends[pieceField - 1] = ends[pieceField] as number
    escaped[pieceField - 1] = (escaped[pieceField - 1] as number) | (escaped[pieceField] as number)
    starts.copyWithin(pieceField, pieceField + 1, count)
    ends.copyWithin(pieceField, pieceField + 1, count)
    escaped.copyWithin(pieceField, pieceField + 1, count)
    count--
    isTorn = count > columns
  }

  function addField(end: number): void {
    if (count === starts.length) {
      starts = grownInto(new Int32Array(count * 2), starts)
      ends = grownInto(new Int32Array(count * 2), ends)
      escaped = grownInto(new Uint8Array(count * 2), escaped)
    }
    starts[count] = fieldStart
    ends[count] = end
    escaped[count++] = isEscaped
    place = ENDED
  }

  function scan(bytes: Uint8Array, start: number, isLast: boolean): RowState {
    if (nextIsWhole) beginNext()
    else if (isDone) reset()
    const end = bytes.length
    let p = start + length
    for (;;) {
      if (place === AT_START) {
        if (p >= end && !isLast) return waitAt(p - start)
        place = bytes[p] === opener ? QUOTED : PLAIN
        if (place === QUOTED) p++
        fieldStart = p - start
        isEscaped = 0
      }
      if (place === QUOTED) {
        while (p < end && endsQuoted[bytes[p] as number] === 0) p++
        if (p >= end && isLast) return stop('unclosed', p - start)
        // What follows a quote or backslash tells what it is.
        if (p + 1 >= end && !isLast) return waitAt(p - start)
        if (bytes[p] !== QUOTE) {
          if (bytes[p] === BACKSLASH) {
            isEscaped = 1
            if (p + 1 < end) p++
          }
          if (bytes[p] === NEWLINE || bytes[p] === CARRIAGE_RETURN) isMultiline = true
          p++
          continue
        }
        const next = p + 1 < end ? bytes[p + 1] : NEWLINE
        if (next === QUOTE && doubles) {
          isEscaped = 1
          p += 2
          continue
        }
        if (next === delimiter || next === NEWLINE || next === CARRIAGE_RETURN) {
          addField(p - start)
        } else if (isRelaxed) {
          fieldStart--
          isEscaped = 0
          place = PLAIN
        } else {
          return stop('stray', p - start)
        }
        p++
      }
      if (place === PLAIN) {
        while (p < end && endsPlain[bytes[p] as number] === 0) p++
        if (p >= end && !isLast) return waitAt(p - start)
        if (bytes[p] === opener) {
          if (!isRelaxed) return stop('stray', p - start)
          p++
          continue
        }
        if (bytes[p] === escaper) {
          const after = endOfEscape(bytes, p, isLast)
          if (after < 0) return waitAt(p - start)
          isEscaped = 1
          if (bytes[p + 1] === NEWLINE || bytes[p + 1] === CARRIAGE_RETURN) isMultiline = true
          p = after
          continue
        }
        addField(p - start)
      }
      // Here a field has ended.
      if (bytes[p] === delimiter) {
        p++
        place = AT_START
        continue
      }
      const isFirst = pieceField === 0
      const isLineEnd = bytes[p] !== CARRIAGE_RETURN || bytes[p + 1] === NEWLINE
      if (columns === 0 || (isFirst && isLineEnd)) return stop('row', p - start)
      if (firstIsFull && !isTorn && columns > 1 && count - pieceField === columns) {
        nextIsWhole = true
        return stop('row', p - start)
      }
      const next = bytes[p - 1] === opener ? p : endOfReturns(bytes, p)
      // The last of them may be part of a CRLF, which is not looked for where it is at hand.
      lookedTo = next - 1 - start
      if (next >= end && !isLast) return waitAt(p - start)
      if (!isFirst && !isTorn) joinPiece(bytes[start + pieceStart] === opener)
      piecesEnd = p - start
      if (next === p || next >= end || bytes[next] === NEWLINE) return stop(isTorn ? 'torn' : 'row', p - start)
      if (isFirst) {
        firstIsFull = count === columns
        isTorn = count > columns
      }
      isMultiline = true
      pieceStart = next - start
      pieceField = count
      p = next
      place = AT_START
    }
  }

  function waitAt(scanned: number): RowState {
    length = scanned
    return 'more'
  }

  function stop(state: RowState, scanned: number): RowState {
    length = scanned
    isDone = true
    return state
  }

  function makeRoom(size: number): void {
    if (scratch.length <= size) scratch = new Uint8Array(size * 2 + 1)
  }

  /** The same of a field in which nothing is escaped. */
  function copied(bytes: Uint8Array, from: number, to: number): Uint8Array {
    makeRoom(to - from)
    scratch.set(bytes.subarray(from, to))
    scratch[to - from] = NEWLINE
    return scratch.subarray(0, to - from)
  }

  /** The text of a field in which something is escaped, with a byte behind it that ends any JSON; it stays until the next call. */
  function unescaped(bytes: Uint8Array, from: number, to: number): Uint8Array {
    makeRoom(to - from)
    let size = 0
    for (let p = from; p < to; p++) {
      let byte = bytes[p] as number
      if (byte === escaper && p + 1 < to) {
        const next = bytes[p + 1] as number
        if (quote === null || isEscapable(next)) {
          byte = quote === null && isLetter(next) ? (LETTERS[next] as number) : next
          p++
        }
      }
      scratch[size++] = byte
    }
    scratch[size] = NEWLINE
    return scratch.subarray(0, size)
  }

  /** Within quotes: what an escape is dropped before. Before anything else a backslash is one. */
  function isEscapable(byte: number): boolean {
    if (doubles) return byte === QUOTE
    return byte === delimiter || ESCAPABLE.has(byte)
  }

  function isAt(bytes: Uint8Array, start: number, field: number, text: Uint8Array): boolean {
    const from = start + (starts[field] as number)
    if ((ends[field] as number) - (starts[field] as number) !== text.length) return false
    for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false
    return true
  }

  function isQuoted(bytes: Uint8Array, start: number, field: number): boolean {
    const from = starts[field] as number
    return from > 0 && bytes[start + from - 1] === opener
  }

  return {
    scan,
    reset,
    length: () => (nextIsWhole ? piecesEnd : length),
    reach: () => (isTorn ? length : Math.max(piecesEnd, Math.max(length, lookedTo) - pieceStart)),
    isMultiline: () => isMultiline,
    fieldCount: () => (nextIsWhole ? pieceField : count),
    textOf(bytes, start, field) {
      const from = start + (starts[field] as number)
      const to = start + (ends[field] as number)
      return escaped[field] === 1 ? textOf(unescaped(bytes, from, to)) : textOf(bytes, from, to)
    },
    isQuoted,
    isNull(bytes, start, field) {
      switch ((ends[field] as number) - (starts[field] as number)) {
        case 0:
          return true
        case 2:
          return isAt(bytes, start, field, NULL_MARK)
        case 4:
          return NULL_WORDS.some((word) => isAt(bytes, start, field, word)) && !isQuoted(bytes, start, field)
        default:
          return false
      }
    },
    writtenOf: (bytes, start, field) =>
      bytes.subarray(start + (starts[field] as number), start + (ends[field] as number)),
    isWritten: isAt,
    isJson(bytes, start, field) {
      const from = start + (starts[field] as number)
      const to = start + (ends[field] as number)
      const { length } = escaped[field] === 1 ? unescaped(bytes, from, to) : copied(bytes, from, to)
      const end = endOfValue(scratch, skipSpace(scratch, 0))
      return end >= 0 && skipSpace(scratch, end) >= length
    },
    appendTo(out, bytes, start, field) {
      const from = start + (starts[field] as number)
      const to = start + (ends[field] as number)
      if (escaped[field] === 0) return appendStringOf(out, bytes, from, to)
      const text = unescaped(bytes, from, to)
      return appendStringOf(out, text, 0, text.length)
    },
  }
}

/** A table of bytes with 1 for these; null stands for none. */
function tableOf(bytes: readonly (number | null)[]): Uint8Array {
  const table = new Uint8Array(256)
  for (const byte of bytes) if (byte !== null) table[byte] = 1
  return table
}

function isLetter(byte: number): boolean {
  return byte === 0x30 || LETTERS[byte] !== 0
}

/** Where the escape at `at` ends: behind the byte or CRLF that it escapes; -1 when what would tell has not come yet. */
function endOfEscape(bytes: Uint8Array, at: number, isLast: boolean): number {
  const isReturn = bytes[at + 1] === CARRIAGE_RETURN
  const told = isReturn ? at + 2 : at + 1
  if (told >= bytes.length && !isLast) return -1
  return Math.min(isReturn && bytes[at + 2] === NEWLINE ? at + 3 : at + 2, bytes.length)
}
