import {
  BACKSLASH,
  type ByteWriter,
  CARRIAGE_RETURN,
  grownInto,
  NEWLINE,
  QUOTE,
  reserve,
  textOf,
  textView,
  utf8,
} from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { endOfPlainText, endOfPlainTextOr, fourOf } from '../json/plain-text.ts'
import { appendStringOf } from '../json/strings.ts'
import { endOfValue, skipSpace } from '../json/values.ts'
import type { CsvDialect } from './csv-dialect.ts'
import { createEscapes } from './csv-escapes.ts'
import { type GrowingColumns, makeRoom } from './field-columns.ts'
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
  /** Where a field begins and ends, from the start of the row, without the quotes around it. */
  startOf(field: number): number
  endOf(field: number): number
  /** True when a field holds no quote, backslash or control character. */
  isPlain(field: number): boolean
  /** Whether a field is written as these bytes, quotes around it aside. */
  isWritten(bytes: Uint8Array, start: number, field: number, as: Uint8Array): boolean
  /** Whether the text of a field is JSON. */
  isJson(bytes: Uint8Array, start: number, field: number): boolean
  /**
   * Appends the row that begins at `start`, and to `columns` where in `out` each field stands as a JSON string; one that is null, or not
   * wanted, has no kind. What is appended is no shorter than the strings together.
   * @param isWanted 1 for each field that is
   */
  appendRow(out: ByteWriter, bytes: Uint8Array, start: number, columns: GrowingColumns, isWanted: Uint8Array): void
}

/** Behind text it ends any JSON. */
const LINE_END = Uint8Array.of(NEWLINE)

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

/** Of a field: something in it is escaped, as the dialect does. */
const ESCAPED = 1
/** Of a field: as it is written it is no content of a JSON string, doubled quotes aside. */
const UNLIKE_JSON = 2

/** What stands for null. */
export const NULL_MARK = utf8('\\N')
export const NULL = utf8('NULL')
const NULL_IN_LOWER_CASE = utf8('null')
/** Bytes that one takes at most, with quotes around it. */
const LONGEST_NULL = NULL.length + 2

/** Makes the scanner for rows of one dialect whose quote is `"` or none, and which escapes by that quote, a backslash or nothing. */
export function createRowScanner(
  { delimiter, quote, escaper }: CsvDialect,
  { columns = 0, isRelaxed = false }: RowForm = {},
): RowScanner {
  const opener = quote ?? -1
  const doubles = escaper === QUOTE
  const escapes = createEscapes({ delimiter, quote, escaper })
  const delimiters = fourOf(delimiter)
  const endsPlain = tableOf([delimiter, NEWLINE, CARRIAGE_RETURN, quote, quote === null ? escaper : null])
  const endsQuoted = tableOf([QUOTE, NEWLINE, CARRIAGE_RETURN, escaper])
  /** Per field where its text starts and ends, from the start of the row, and its marks. */
  let starts = new Int32Array(FIRST_FIELDS)
  let ends = new Int32Array(FIRST_FIELDS)
  let marks = new Uint8Array(FIRST_FIELDS)
  let count = 0
  let length = 0
  let isDone = false
  let isMultiline = false
  /** What is known of the field under way. */
  let place = AT_START
  let fieldStart = 0
  let mark = 0
  /** The bytes that were scanned last. */
  let viewed = textView(new Uint8Array(0))
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
      marks[i] = marks[pieceField + i] as number
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
    marks[pieceField - 1] = (marks[pieceField - 1] as number) | (marks[pieceField] as number) | UNLIKE_JSON
    starts.copyWithin(pieceField, pieceField + 1, count)
    ends.copyWithin(pieceField, pieceField + 1, count)
    marks.copyWithin(pieceField, pieceField + 1, count)
    count--
    isTorn = count > columns
  }

  function addField(end: number): void {
    if (count === starts.length) {
      starts = grownInto(new Int32Array(count * 2), starts)
      ends = grownInto(new Int32Array(count * 2), ends)
      marks = grownInto(new Uint8Array(count * 2), marks)
    }
    starts[count] = fieldStart
    ends[count] = end
    marks[count++] = mark
    place = ENDED
  }

  /** Takes the fields that are plain and end in a delimiter, the first of them at `from`. Gives where one begins that is another. */
  function takePlainFields(bytes: Uint8Array, start: number, from: number): number {
    // What is more than a delimiter is not looked for here.
    if (delimiter === opener || delimiter === escaper) return from
    const end = bytes.length
    const room = starts.length
    let field = count
    let p = from
    for (; field < room; field++) {
      let textStart = p
      let textEnd: number
      if (bytes[p] === opener) {
        textStart++
        textEnd = endOfPlainText(viewed, textStart, end)
        if (bytes[textEnd] !== opener || bytes[textEnd + 1] !== delimiter) break
        p = textEnd + 2
      } else {
        textEnd = endOfPlainTextOr(viewed, p, end, delimiters)
        if (bytes[textEnd] !== delimiter) break
        p = textEnd + 1
      }
      starts[field] = textStart - start
      ends[field] = textEnd - start
      marks[field] = 0
    }
    count = field
    return p
  }

  function scan(bytes: Uint8Array, start: number, isLast: boolean): RowState {
    if (nextIsWhole) beginNext()
    else if (isDone) reset()
    if (bytes !== viewed.bytes) viewed = textView(bytes)
    const end = bytes.length
    let p = start + length
    for (;;) {
      if (place === AT_START) {
        p = takePlainFields(bytes, start, p)
        if (p >= end && !isLast) return waitAt(p - start)
        place = bytes[p] === opener ? QUOTED : PLAIN
        if (place === QUOTED) p++
        fieldStart = p - start
        mark = 0
      }
      if (place === QUOTED) {
        for (;;) {
          p = endOfPlainText(viewed, p, end)
          if (p >= end || endsQuoted[bytes[p] as number] === 1) break
          mark |= UNLIKE_JSON
          p++
        }
        if (p >= end && isLast) return stop('unclosed', p - start)
        // What follows a quote or backslash tells what it is.
        if (p + 1 >= end && !isLast) return waitAt(p - start)
        if (bytes[p] !== QUOTE) {
          if (bytes[p] === BACKSLASH) {
            mark |= escapes.isJson(bytes[p + 1]) ? ESCAPED : ESCAPED | UNLIKE_JSON
            if (p + 1 < end) p++
          } else mark |= UNLIKE_JSON
          if (bytes[p] === NEWLINE || bytes[p] === CARRIAGE_RETURN) isMultiline = true
          p++
          continue
        }
        const next = p + 1 < end ? bytes[p + 1] : NEWLINE
        if (next === QUOTE && doubles) {
          mark |= ESCAPED
          p += 2
          continue
        }
        if (next === delimiter || next === NEWLINE || next === CARRIAGE_RETURN) {
          addField(p - start)
        } else if (isRelaxed) {
          fieldStart--
          mark = UNLIKE_JSON
          place = PLAIN
        } else {
          return stop('stray', p - start)
        }
        p++
      }
      if (place === PLAIN) {
        for (;;) {
          p = endOfPlainTextOr(viewed, p, end, delimiters)
          if (p >= end || endsPlain[bytes[p] as number] === 1) break
          mark |= UNLIKE_JSON
          p++
        }
        if (p >= end && !isLast) return waitAt(p - start)
        if (bytes[p] === opener) {
          if (!isRelaxed) return stop('stray', p - start)
          mark |= UNLIKE_JSON
          p++
          continue
        }
        if (bytes[p] === escaper) {
          const after = endOfEscape(bytes, p, isLast)
          if (after < 0) return waitAt(p - start)
          mark |= escapes.isJson(bytes[p + 1]) ? ESCAPED : ESCAPED | UNLIKE_JSON
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

  function isNull(bytes: Uint8Array, start: number, field: number): boolean {
    switch ((ends[field] as number) - (starts[field] as number)) {
      case 0:
        return true
      case 2:
        return isAt(bytes, start, field, NULL_MARK)
      case 4:
        return (
          (isAt(bytes, start, field, NULL) || isAt(bytes, start, field, NULL_IN_LOWER_CASE)) &&
          !isQuoted(bytes, start, field)
        )
      default:
        return false
    }
  }

  function rowLength(): number {
    return nextIsWhole ? piecesEnd : length
  }

  function isEscaped(field: number): boolean {
    return ((marks[field] as number) & ESCAPED) !== 0
  }

  /** Appends the text of a field as a JSON string. Returns its kind. */
  function appendField(out: ByteWriter, bytes: Uint8Array, start: number, field: number): number {
    const from = start + (starts[field] as number)
    const to = start + (ends[field] as number)
    if (!isEscaped(field)) return appendStringOf(out, bytes, from, to)
    const text = escapes.unescape(bytes, from, to)
    return appendStringOf(out, text, 0, text.length - 1)
  }

  return {
    scan,
    reset,
    length: rowLength,
    reach: () => (isTorn ? length : Math.max(piecesEnd, Math.max(length, lookedTo) - pieceStart)),
    isMultiline: () => isMultiline,
    fieldCount: () => (nextIsWhole ? pieceField : count),
    textOf(bytes, start, field) {
      const from = start + (starts[field] as number)
      const to = start + (ends[field] as number)
      if (!isEscaped(field)) return textOf(bytes, from, to)
      const text = escapes.unescape(bytes, from, to)
      return textOf(text, 0, text.length - 1)
    },
    isQuoted,
    isNull,
    startOf: (field) => starts[field] as number,
    endOf: (field) => ends[field] as number,
    isPlain: (field) => marks[field] === 0,
    isWritten: isAt,
    isJson(bytes, start, field) {
      const from = start + (starts[field] as number)
      const to = start + (ends[field] as number)
      const text = isEscaped(field)
        ? escapes.unescape(bytes, from, to)
        : Buffer.concat([bytes.subarray(from, to), LINE_END])
      const end = endOfValue(text, skipSpace(text, 0))
      return end >= 0 && skipSpace(text, end) >= text.length - 1
    },
    appendRow(out, bytes, start, columns, isWanted) {
      const size = rowLength()
      const rowStart = out.length
      const shift = rowStart + 1
      reserve(out, size + 2)
      let target = out.bytes
      target[rowStart] = QUOTE
      // For a row, a view of its own costs less than one that is a Buffer.
      target.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, size), shift)
      target[shift + size] = QUOTE
      out.length = shift + size + 1
      makeRoom(columns, isWanted.length)
      const { kinds, starts: stringStarts, ends: stringEnds } = columns
      let entry = columns.length
      let taken = 0
      for (let i = 0; i < isWanted.length; i++, entry++) {
        let from = shift + (starts[i] as number) - 1
        let to = shift + (ends[i] as number) + 1
        if (isWanted[i] === 0 || (to - from <= LONGEST_NULL && isNull(bytes, start, i))) {
          kinds[entry] = KIND.none
          continue
        }
        let kind: number = marks[i] === 0 ? KIND.string : KIND.escapedString
        if (((marks[i] as number) & UNLIKE_JSON) === 0) {
          target[from] = QUOTE
          target[to - 1] = QUOTE
          if (doubles && kind === KIND.escapedString) escapeDoubled(target, from + 1, to - 1)
        } else {
          from = out.length
          kind = appendField(out, bytes, start, i)
          to = out.length
          target = out.bytes
        }
        kinds[entry] = kind
        stringStarts[entry] = from
        stringEnds[entry] = to
        taken += to - from
      }
      columns.length = entry
      // Neighbours share a quote.
      const rowEnd = Math.max(out.length, rowStart + taken)
      reserve(out, rowEnd - out.length)
      target = out.bytes
      for (let p = out.length; p < rowEnd; p++) target[p] = QUOTE
      out.length = rowEnd
    },
  }
}

/** Puts a backslash for the first of two quotes: what CSV doubles, JSON escapes. */
function escapeDoubled(bytes: Uint8Array, start: number, end: number): void {
  for (let p = start; p < end; p++) {
    if (bytes[p] === QUOTE) bytes[p++] = BACKSLASH
  }
}

/** A table of bytes with 1 for these; null stands for none. */
function tableOf(bytes: readonly (number | null)[]): Uint8Array {
  const table = new Uint8Array(256)
  for (const byte of bytes) if (byte !== null) table[byte] = 1
  return table
}

/** Where the escape at `at` ends: behind the byte or CRLF that it escapes; -1 when what would tell has not come yet. */
function endOfEscape(bytes: Uint8Array, at: number, isLast: boolean): number {
  const isReturn = bytes[at + 1] === CARRIAGE_RETURN
  const told = isReturn ? at + 2 : at + 1
  if (told >= bytes.length && !isLast) return -1
  return Math.min(isReturn && bytes[at + 2] === NEWLINE ? at + 3 : at + 2, bytes.length)
}
