import { type ByteWriter, grownInto, NEWLINE, QUOTE, textOf } from '../json/bytes.ts'
import { appendStringOf } from '../json/strings.ts'

/**
 * Rows of CSV on bytes. A line ends in LF, CRLF, CR, or CR CR LF (a CRLF file that was written as text once more); within quotes all of
 * these are content.
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

const CARRIAGE_RETURN = 0x0d

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
  /** Whether a field holds nothing but this text. */
  holds(bytes: Uint8Array, start: number, field: number, text: Uint8Array): boolean
  /** Appends the text of a field as a JSON string. */
  appendTo(out: ByteWriter, bytes: Uint8Array, start: number, field: number): void
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

/** @param delimiter the byte between fields */
export function createRowScanner(delimiter: number, { columns = 0, isRelaxed = false }: RowForm = {}): RowScanner {
  const endsPlain = new Uint8Array(256)
  for (const byte of [delimiter, QUOTE, NEWLINE, CARRIAGE_RETURN]) endsPlain[byte] = 1
  /** Per field where its text starts and ends, from the start of the row, and whether quotes in it are doubled. */
  let starts = new Int32Array(FIRST_FIELDS)
  let ends = new Int32Array(FIRST_FIELDS)
  let doubled = new Uint8Array(FIRST_FIELDS)
  let count = 0
  let length = 0
  let isDone = false
  let isMultiline = false
  /** What is known of the field under way. */
  let place = AT_START
  let fieldStart = 0
  let isDoubled = 0
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
      doubled[i] = doubled[pieceField + i] as number
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
    starts.copyWithin(pieceField, pieceField + 1, count)
    ends.copyWithin(pieceField, pieceField + 1, count)
    doubled.copyWithin(pieceField, pieceField + 1, count)
    count--
    isTorn = count > columns
  }

  function addField(end: number): void {
    if (count === starts.length) {
      starts = grownInto(new Int32Array(count * 2), starts)
      ends = grownInto(new Int32Array(count * 2), ends)
      doubled = grownInto(new Uint8Array(count * 2), doubled)
    }
    starts[count] = fieldStart
    ends[count] = end
    doubled[count++] = isDoubled
    place = ENDED
  }

  function scan(bytes: Uint8Array, start: number, isLast: boolean): RowState {
    if (nextIsWhole) beginNext()
    else if (isDone) reset()
    const end = bytes.length
    let p = start + length
    for (;;) {
      if (place === AT_START) {
        if (p >= end && !isLast) break
        place = bytes[p] === QUOTE ? QUOTED : PLAIN
        if (place === QUOTED) p++
        fieldStart = p - start
        isDoubled = 0
      }
      if (place === QUOTED) {
        for (; p < end && bytes[p] !== QUOTE; p++) {
          if (bytes[p] === NEWLINE || bytes[p] === CARRIAGE_RETURN) isMultiline = true
        }
        if (p >= end && isLast) return stop('unclosed', p - start)
        // What follows the quote tells what it is.
        if (p + 1 >= end && !isLast) break
        const next = p + 1 < end ? bytes[p + 1] : NEWLINE
        if (next === QUOTE) {
          isDoubled = 1
          p += 2
          continue
        }
        if (next === delimiter || next === NEWLINE || next === CARRIAGE_RETURN) {
          addField(p - start)
        } else if (isRelaxed) {
          fieldStart--
          isDoubled = 0
          place = PLAIN
        } else {
          return stop('stray', p - start)
        }
        p++
      }
      if (place === PLAIN) {
        while (p < end && endsPlain[bytes[p] as number] === 0) p++
        if (p >= end && !isLast) break
        if (bytes[p] === QUOTE) {
          if (!isRelaxed) return stop('stray', p - start)
          p++
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
      const next = bytes[p - 1] === QUOTE ? p : endOfReturns(bytes, p)
      // The last of them may be part of a CRLF, which is not looked for where it is at hand.
      lookedTo = next - 1 - start
      if (next >= end && !isLast) break
      if (!isFirst && !isTorn) joinPiece(bytes[start + pieceStart] === QUOTE)
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
    length = p - start
    return 'more'
  }

  function stop(state: RowState, scanned: number): RowState {
    length = scanned
    isDone = true
    return state
  }

  /** The bytes of a field without the doubles of its quotes; they stay until the next call. */
  function undoubled(bytes: Uint8Array, from: number, to: number): Uint8Array {
    if (scratch.length < to - from) scratch = new Uint8Array((to - from) * 2)
    let size = 0
    for (let p = from; p < to; p++) {
      scratch[size++] = bytes[p] as number
      if (bytes[p] === QUOTE) p++
    }
    return scratch.subarray(0, size)
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
      return doubled[field] === 1 ? textOf(undoubled(bytes, from, to)) : textOf(bytes, from, to)
    },
    holds(bytes, start, field, text) {
      const from = start + (starts[field] as number)
      if ((ends[field] as number) - (starts[field] as number) !== text.length) return false
      for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false
      return true
    },
    appendTo(out, bytes, start, field) {
      const from = start + (starts[field] as number)
      const to = start + (ends[field] as number)
      if (doubled[field] === 0) {
        appendStringOf(out, bytes, from, to)
        return
      }
      const text = undoubled(bytes, from, to)
      appendStringOf(out, text, 0, text.length)
    },
  }
}

/** Where the line at `from` ends: at the first byte of its line end, or where the bytes end. */
export function endOfLine(bytes: Uint8Array, from: number): number {
  let p = from
  while (p < bytes.length && bytes[p] !== NEWLINE && bytes[p] !== CARRIAGE_RETURN) p++
  return p
}

/** Where the CRs end that begin at `from`. */
function endOfReturns(bytes: Uint8Array, from: number): number {
  let p = from
  while (p < bytes.length && bytes[p] === CARRIAGE_RETURN) p++
  return p
}

/**
 * Whether lines end in a lone CR, to judge by the line end at `at`; null when the bytes that would tell have not come yet.
 * @param isLast no bytes follow
 */
export function endsInReturn(bytes: Uint8Array, at: number, isLast: boolean): boolean | null {
  const next = endOfReturns(bytes, at)
  if (next >= bytes.length && !isLast) return null
  return next > at && bytes[next] !== NEWLINE
}

/** Where the line at `from` ends, when a lone CR does not end it: before its line end, or where the bytes end. */
export function endOfLongLine(bytes: Uint8Array, from: number): number {
  const lineEnd = bytes.indexOf(NEWLINE, from)
  let end = lineEnd < 0 ? bytes.length : lineEnd
  for (let returns = 0; returns < 2 && end > from && bytes[end - 1] === CARRIAGE_RETURN; returns++) end--
  return end
}

/**
 * How many bytes the line end at `at` takes: 0 when there is none, -1 when the bytes that would tell have not come yet.
 * @param isLast no bytes follow
 */
export function lineEndAt(bytes: Uint8Array, at: number, isLast: boolean): number {
  if (bytes[at] === NEWLINE) return 1
  if (bytes[at] !== CARRIAGE_RETURN) return 0
  if (bytes[at + 1] === NEWLINE) return 2
  if (bytes[at + 1] === CARRIAGE_RETURN && bytes[at + 2] === NEWLINE) return 3
  const told = bytes[at + 1] === CARRIAGE_RETURN ? at + 2 : at + 1
  return told >= bytes.length && !isLast ? -1 : 1
}

/** How many line ends stand in `[start, end)`. */
export function lineEndsIn(bytes: Uint8Array, start: number, end: number): number {
  const part = bytes.subarray(start, end)
  let count = 0
  for (let p = endOfLine(part, 0); p < part.length; p = endOfLine(part, p + lineEndAt(part, p, true))) count++
  return count
}
