import { fieldNameOf, isCurrentsField } from '../currents/fields.ts'
import { UsageError } from '../errors.ts'
import { textOf, utf8 } from '../json/bytes.ts'
import type { Quoting } from './csv-dialect.ts'
import { createRowScanner, type RowScanner } from './csv-rows.ts'
import { endOfLine, endsInReturn } from './line-ends.ts'

/** The header row of a CSV file. */
export interface CsvHeader {
  /** The byte between fields. */
  readonly delimiter: number
  /** Per column the name of its field (`fieldNameOf`), else its own in lower case; empty for a column without one. */
  readonly names: readonly string[]
  /** Per column its text, and how that is written within the quotes. */
  readonly texts: readonly string[]
  readonly written: readonly Uint8Array[]
  /** Bytes of the header row, without its line end. */
  readonly length: number
  /** It ends in a lone CR, and so does every row. */
  readonly endsInReturn: boolean
}

const DELIMITERS = utf8(',\t;|')

/** What ends lines elsewhere, but not in CSV, is among these: with one in a header, rows have become columns. */
const NO_LINE_END = /[\p{Cc}\u2028\u2029]/u

const APOSTROPHES = /^\s*'.*'\s*$/

/**
 * Reads the header row at the start of `bytes`; null when its end has not come yet. The delimiter is the one that makes most of it names
 * of Currents fields, unless it is told.
 * @param isLast no bytes follow
 * @throws UsageError when no column is a field of any Currents record, when two columns are of one name, when a name shows that rows are
 * taken for columns or quotes for names, and for tables that are drawn for people
 */
export function readCsvHeader(
  bytes: Uint8Array,
  isLast: boolean,
  { path, delimiter, quoting }: { readonly path: string; readonly delimiter: number | null; readonly quoting: Quoting },
): CsvHeader | null {
  refuseDrawing(bytes, path)
  let best: CsvHeader | null = null
  let mostKnown = 0
  for (const candidate of delimiter === null ? DELIMITERS : [delimiter]) {
    const header = readRow(bytes, isLast, candidate, quoting)
    if (header === null) return null
    const known = header.names.filter(isCurrentsField).length
    if (known <= mostKnown) continue
    best = header
    mostKnown = known
  }
  if (best === null) throw noHeader(bytes, path)
  const strange = best.texts.find((name) => NO_LINE_END.test(name.replace(/[\t\r\n]/g, '')))
  if (strange !== undefined) {
    throw new UsageError(`${path} has a column name with a character that ends no line: ${escaped(strange)}`, {
      hint: 'The lines of a CSV file end in LF, CRLF or CR: write it again with one of these.',
    })
  }
  if (quoting.quote !== null && best.texts.every((name) => APOSTROPHES.test(name))) {
    throw new UsageError(`${path} has apostrophes around its fields`, { hint: `--csv-quote "'" reads them.` })
  }
  refuseTwins(best, path)
  return best
}

/** @throws UsageError when two columns are of one name: nobody knows which of them is meant */
export function refuseTwins({ names, texts }: Pick<CsvHeader, 'names' | 'texts'>, path: string): void {
  const twins = new Map<string, string[]>()
  for (const [i, name] of names.entries()) {
    if (name !== '') twins.set(name, [...(twins.get(name) ?? []), JSON.stringify(texts[i])])
  }
  const found = [...twins.values()].filter(({ length }) => length > 1)
  if (found.length === 0) return
  throw new UsageError(`${path} has two columns of one name: ${found.map((each) => each.join(' and ')).join(', ')}`, {
    hint: 'Write it again with one of each; case, spaces and underscores make no other name.',
  })
}

function noHeader(bytes: Uint8Array, path: string): UsageError {
  const line = textOf(bytes.subarray(0, endOfLine(bytes, 0)))
  return new UsageError(`${path} is not NDJSON, JSON, CSV or Avro that holds Currents records`, {
    hint:
      'A CSV file begins with a header row that names the fields, such as id,external_user_id,time ' +
      `(this one begins: ${JSON.stringify(line.slice(0, 60))}). Where a database wrote none: ` +
      "(echo 'id,external_user_id,time'; cat FILE) | braze2amp replay - --event-type TYPE. Where no comma, tab, semicolon or pipe " +
      'is between the fields, --csv-delimiter says what is.',
  })
}

/** The names of the fields of columns. Hive writes the table's name before each: `email_open.id`. */
export function columnNamesOf(texts: readonly string[]): readonly string[] {
  const names = texts.map((text) => text.trim())
  const [table = ''] = /^\w+\./.exec(names[0] ?? '') ?? []
  const ofTable = table !== '' && names.every((name) => name.startsWith(table))
  return names.map((name) => fieldNameOf(ofTable ? name.slice(table.length) : name))
}

/** The header as one delimiter divides it: a row, or the first line with its quotes taken as they are. */
function readRow(bytes: Uint8Array, isLast: boolean, delimiter: number, quoting: Quoting): CsvHeader | null {
  const dialect = { delimiter, ...quoting }
  const strict = createRowScanner(dialect)
  const state = strict.scan(bytes, 0, isLast)
  if (state === 'more') return null
  if (state === 'row') return headerOf(strict, bytes, delimiter)
  const line = bytes.subarray(0, endOfLine(bytes, 0))
  if (line.length === bytes.length && !isLast) return null
  const relaxed = createRowScanner(dialect, { isRelaxed: true })
  if (relaxed.scan(line, 0, true) === 'row') return headerOf(relaxed, bytes, delimiter)
  return { delimiter, names: [], texts: [], written: [], length: line.length, endsInReturn: false }
}

function headerOf(row: RowScanner, bytes: Uint8Array, delimiter: number): CsvHeader {
  const columns = Array.from({ length: row.fieldCount() }, (_, i) => i)
  const texts = columns.map((i) => row.textOf(bytes, 0, i))
  return {
    delimiter,
    names: columnNamesOf(texts),
    texts,
    written: columns.map((i) => Uint8Array.from(bytes.subarray(row.startOf(i), row.endOf(i)))),
    length: row.length(),
    // What would tell may be farther on than anybody looks.
    endsInReturn: endsInReturn(bytes, row.length(), true) === true,
  }
}

/** The start of a text with all its characters visible. */
function escaped(text: string): string {
  const code = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(text.slice(0, 60)).replace(/[\p{Cc}\u2028\u2029]/gu, code)
}

interface Drawing {
  /** A line that stands in no other file. */
  readonly line: RegExp
  readonly what: string
  readonly instead: string
}

/** How programs draw tables for people. */
const DRAWINGS: readonly Drawing[] = [
  {
    line: /^(-{2,}(\+-+)*|-+(\+-+)+|-\[ RECORD \d+ \].*)$/,
    what: "psql's aligned output",
    instead: 'psql --csv, or \\copy (SELECT …) TO STDOUT CSV HEADER',
  },
  {
    line: /^(\+([-=]+\+)+|\*{5,} \d+\. row \*{5,})$/,
    what: 'boxes of mysql or psql',
    instead: 'mysql --batch, or psql --csv',
  },
  { line: /^-{2,}( +-{2,})+$/, what: 'columns of one width', instead: 'sqlite3 -csv -header, or sqlcmd -W -s,' },
  { line: /^\|?( *:?-{2,}:? *[|+])+( *:?-{2,}:? *)?$/, what: 'Markdown', instead: 'a program that writes CSV' },
  {
    line: /^[\u2500-\u257f]([^,;\t]*[\u2500-\u257f])?$/,
    what: 'boxes',
    instead: 'duckdb -csv, or clickhouse-client --format CSVWithNames',
  },
]
const DRAWN_LINES = 4
const MAX_DRAWN_BYTES = 1 << 16

/** @throws UsageError when one of the first lines of `bytes` is part of a drawing */
function refuseDrawing(bytes: Uint8Array, path: string): void {
  const lines = textOf(bytes, 0, Math.min(bytes.length, MAX_DRAWN_BYTES)).split(/[\r\n]+/, DRAWN_LINES)
  for (const { line, what, instead } of DRAWINGS) {
    if (!lines.some((text) => line.test(text.trim()))) continue
    throw new UsageError(`${path} is a table drawn for people (${what}), which is not read`, {
      hint: `Have its records written again: ${instead}.`,
    })
  }
}
