import { parse } from 'csv-parse/sync'
import { isCurrentsField } from '../currents/fields.ts'
import { UsageError } from '../errors.ts'
import { textOf } from '../json/bytes.ts'

/** How the rows of a CSV file are to be read. */
export interface CsvHeader {
  readonly delimiter: string
  /** Per column its name in lower case; empty for a column without one. */
  readonly names: readonly string[]
}

const DELIMITERS = [',', '\t', ';', '|'] as const

/**
 * Reads the header row. The delimiter is the one that makes most of it names of Currents fields.
 * @throws UsageError when no column is a field of any Currents record
 */
export function readCsvHeader(line: Uint8Array, path: string): CsvHeader {
  const text = textOf(line).replace(/^\ufeff/, '')
  let best: CsvHeader | null = null
  let mostKnown = 0
  for (const delimiter of DELIMITERS) {
    const names = splitRow(text, delimiter).map((name) => name.trim().toLowerCase())
    const known = names.filter(isCurrentsField).length
    if (known <= mostKnown) continue
    best = { delimiter, names }
    mostKnown = known
  }
  if (best !== null) return best
  throw new UsageError(`${path} is not NDJSON, JSON, CSV or Avro that holds Currents records`, {
    hint:
      'A CSV file begins with a header row that names the fields, such as id,external_user_id,time ' +
      `(this one begins: ${JSON.stringify(text.slice(0, 60))}).`,
  })
}

/** The fields of one row on one line, quotes in odd places taken as they are; none when a quote is not closed. */
export function splitRow(text: string, delimiter: string): readonly string[] {
  const rows: string[][] = parse(text, {
    delimiter,
    relax_quotes: true,
    relax_column_count: true,
    skip_records_with_error: true,
    to: 1,
  })
  return rows[0] ?? []
}
