import { isCurrentsField } from '../currents/fields.ts'
import { UsageError } from '../errors.ts'
import { textOf, utf8 } from '../json/bytes.ts'
import { createRowScanner, endOfLine, type RowScanner } from './csv-rows.ts'

/** How the rows of a CSV file are to be read. */
export interface CsvHeader {
  /** The byte between fields. */
  readonly delimiter: number
  /** Per column its name in lower case; empty for a column without one. */
  readonly names: readonly string[]
  /** Bytes of the header row, without its line end. */
  readonly length: number
}

const DELIMITERS = utf8(',\t;|')

/** What ends lines elsewhere, but not in CSV, is among these: with one in a header, rows have become columns. */
const NO_LINE_END = /[\p{Cc}\u2028\u2029]/u

/**
 * Reads the header row at the start of `bytes`; null when its end has not come yet. The delimiter is the one that makes most of it names
 * of Currents fields.
 * @param isLast no bytes follow
 * @throws UsageError when no column is a field of any Currents record, or when a name shows that rows are taken for columns
 */
export function readCsvHeader(bytes: Uint8Array, isLast: boolean, path: string): CsvHeader | null {
  let best: CsvHeader | null = null
  let mostKnown = 0
  for (const delimiter of DELIMITERS) {
    const header = readRow(bytes, isLast, delimiter)
    if (header === null) return null
    const known = header.names.filter(isCurrentsField).length
    if (known <= mostKnown) continue
    best = header
    mostKnown = known
  }
  if (best === null) {
    const line = textOf(bytes.subarray(0, endOfLine(bytes, 0)))
    throw new UsageError(`${path} is not NDJSON, JSON, CSV or Avro that holds Currents records`, {
      hint:
        'A CSV file begins with a header row that names the fields, such as id,external_user_id,time ' +
        `(this one begins: ${JSON.stringify(line.slice(0, 60))}).`,
    })
  }
  const strange = best.names.find((name) => NO_LINE_END.test(name.replace(/[\t\r\n]/g, '')))
  if (strange !== undefined) {
    throw new UsageError(`${path} has a column name with a character that ends no line: ${escaped(strange)}`, {
      hint: 'The lines of a CSV file end in LF, CRLF or CR: write it again with one of these.',
    })
  }
  return best
}

/** The header as one delimiter divides it: a row, or the first line with its quotes taken as they are. */
function readRow(bytes: Uint8Array, isLast: boolean, delimiter: number): CsvHeader | null {
  const strict = createRowScanner(delimiter)
  const state = strict.scan(bytes, 0, isLast)
  if (state === 'more') return null
  if (state === 'row') return headerOf(strict, bytes, delimiter)
  const line = bytes.subarray(0, endOfLine(bytes, 0))
  if (line.length === bytes.length && !isLast) return null
  const relaxed = createRowScanner(delimiter, { isRelaxed: true })
  if (relaxed.scan(line, 0, true) === 'row') return headerOf(relaxed, line, delimiter)
  return { delimiter, names: [], length: line.length }
}

function headerOf(row: RowScanner, bytes: Uint8Array, delimiter: number): CsvHeader {
  const names = Array.from({ length: row.fieldCount() }, (_, i) => row.textOf(bytes, 0, i).trim().toLowerCase())
  return { delimiter, names, length: row.length() }
}

/** The start of a text with all its characters visible. */
function escaped(text: string): string {
  const code = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(text.slice(0, 60)).replace(/[\p{Cc}\u2028\u2029]/gu, code)
}
