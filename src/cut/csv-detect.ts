import { OWN_PROPERTIES_FIELDS } from '../currents/fields.ts'
import { UsageError } from '../errors.ts'
import { excerpt } from '../excerpt.ts'
import {
  BACKSLASH,
  CARRIAGE_RETURN,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  NEWLINE,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  textOf,
} from '../json/bytes.ts'
import { isUnquotedEscaped, type Quoting, quotingName } from './csv-dialect.ts'
import type { CsvHeader } from './csv-header.ts'
import { createRowReader, type RowPlace } from './csv-reader.ts'
import { NULL, NULL_MARK, type RowScanner } from './csv-rows.ts'

/** The first rows of a file. */
export interface Sample {
  readonly bytes: Buffer
  /** Where they begin. */
  readonly place: RowPlace
  /** The file ends with them. */
  readonly isWhole: boolean
}

/** A row under way that is as long as this and goes over lines is one that a quote holds open by mistake. */
const HELD_OPEN_BYTES = 1 << 16

const SEMICOLON = 0x3b
const SPACE = 0x20
const TAB = 0x09

/** What a sample says of one quoting. */
interface Trial {
  readonly quoting: Quoting
  /** Rows with a field for each column. */
  rows: number
  /** Fields of JSON in them that are none. */
  notJson: number
  /** Those of them with a field in quotes. */
  quotedRows: number
  /** What is no such row, and the first of them. */
  misfits: number
  firstMisfit: { readonly line: number; readonly text: string; readonly detail: string } | null
  /** The last line is one, and does not end: it may be cut. */
  isCut: boolean
  /** The first column that has spaces around its name and around its first field: the two. */
  padded: readonly [string, string] | null
  /** Without quotes: a field begins with one, or with spaces and one. */
  opens: boolean
  /** Without quotes: what no file with quotes has: `\N`, a delimiter behind a backslash, an object as JSON. */
  hasSign: boolean
  /** Without quotes: a field is null in a database's own word. */
  hasNullMark: boolean
  /** Without quotes, with escapes: behind some backslash is what no database escapes. */
  hasOddEscape: boolean
}

/**
 * The quoting of a file: the first of `quotings` in which every row of the sample has a field for each column, and the customer's own
 * properties are JSON (src/README.md §2). The rules beside it:
 *
 * - A file that quotes nothing, with a database's mark for null and no backslash but in escapes, has escapes. One with a backslash before
 *   what no database escapes has none, when it fits as well without.
 * - A file without quotes has no more rows that look quoted than such that quotes would break; and between commas or semicolons a quote
 *   at the start of a field is damage, unless something is there that only files without quotes have.
 * - When none fits all rows, the one that most rows fit is taken: a broken row costs itself alone.
 * @throws UsageError when not even half of the rows are rows in any of them, and when the fields are padded with spaces
 */
export function chooseQuoting(sample: Sample, header: CsvHeader, quotings: readonly Quoting[], path: string): Quoting {
  const [first] = quotings
  if (first !== undefined && quotings.length === 1) return first
  const hasQuote = sample.bytes.includes(QUOTE)
  const hasBackslash = sample.bytes.includes(BACKSLASH)
  const trials: Trial[] = []
  for (const quoting of quotings) {
    // Without quotes, and without backslashes, some are the same as one before.
    const isAnother = isUnquotedEscaped(quoting) ? hasQuote || hasBackslash : hasQuote && hasBackslash
    if (trials.length > 0 && !isAnother) continue
    const trial = tryQuoting(quoting, sample, header)
    trials.push(trial)
    if (fits(trial) && isAcceptable(trial, trials, header) && (trial.quotedRows > 0 || !hasBackslash)) break
  }
  const ordered = trials.filter((trial) => isAcceptable(trial, trials, header)).toSorted(compare)
  const [best] = ordered as [Trial]
  const asGood = ordered.filter(({ misfits, notJson }) => misfits === best.misfits && notJson === best.notJson)
  const ofDatabase = asGood.find(
    ({ quoting, hasNullMark, hasOddEscape }) => isUnquotedEscaped(quoting) && hasNullMark && !hasOddEscape,
  )
  const chosen = ofDatabase !== undefined && asGood.every(({ quotedRows }) => quotedRows === 0) ? ofDatabase : best
  if (chosen.misfits - (chosen.isCut ? 1 : 0) > chosen.rows) throw noDialect(chosen, quotings, header, path)
  if (chosen.padded !== null) throw isPadded(chosen.padded, path)
  return chosen.quoting
}

function fits({ misfits, notJson }: Trial): boolean {
  return misfits === 0 && notJson === 0
}

/** The better one first. */
function compare(a: Trial, b: Trial): number {
  return (
    a.misfits + a.notJson - b.misfits - b.notJson ||
    a.misfits - b.misfits ||
    Number(a.hasOddEscape) - Number(b.hasOddEscape)
  )
}

function isAcceptable(trial: Trial, trials: readonly Trial[], { delimiter }: CsvHeader): boolean {
  const quoted = trials.filter(({ quoting }) => quoting.quote !== null)
  if (trial.quoting.quote !== null || quoted.length === 0) return true
  const looksQuoted = quoted.some(({ quotedRows, misfits }) => quotedRows > misfits)
  const isOfSheet = delimiter === COMMA || delimiter === SEMICOLON
  return !looksQuoted && (!isOfSheet || !trial.opens || trial.hasSign)
}

function tryQuoting(quoting: Quoting, { bytes, place, isWhole }: Sample, header: CsvHeader): Trial {
  const trial: Trial = {
    quoting,
    rows: 0,
    notJson: 0,
    quotedRows: 0,
    misfits: 0,
    firstMisfit: null,
    isCut: false,
    padded: null,
    opens: false,
    hasSign: false,
    hasNullMark: false,
    hasOddEscape: false,
  }
  const { names, delimiter } = header
  const isOwn = Uint8Array.from(names, (name) => (OWN_FIELDS.includes(name) ? 1 : 0))
  const isEnded = bytes.at(-1) === NEWLINE || bytes.at(-1) === CARRIAGE_RETURN
  const addMisfit = (raw: Uint8Array, line: number, detail: string) => {
    trial.misfits++
    trial.firstMisfit ??= { line, text: textOf(raw), detail }
  }
  const reader = createRowReader({ delimiter, ...quoting }, header, place, {
    row(scanner, rowBytes, at) {
      trial.rows++
      if (quoting.quote === null) lookAtFields(trial, header, scanner, rowBytes, at)
      else if (hasQuotedField(scanner, rowBytes, at, names.length)) trial.quotedRows++
      if (trial.rows === 1) trial.padded = paddedColumn(header, scanner, rowBytes, at)
      for (let i = 0; i < names.length; i++) {
        const from = at + scanner.startOf(i)
        const first = rowBytes[from]
        if (isOwn[i] === 0 && first !== OPEN_BRACE && first !== OPEN_BRACKET) continue
        if (scanner.isNull(rowBytes, at, i)) continue
        const written = rowBytes.subarray(from, at + scanner.endOf(i))
        if (isOwn[i] === 0 && !looksLikeJson(written)) continue
        if (!scanner.isJson(rowBytes, at, i)) trial.notJson++
        else if (isOwn[i] === 1 && quoting.quote === null && isObjectWithKeys(written)) trial.hasSign = true
      }
    },
    fault(raw, { byte, line }, _reason, detail) {
      addMisfit(raw, line, detail)
      trial.isCut = isWhole && !isEnded && byte + raw.length >= place.byte + bytes.length
    },
  })
  reader.take(bytes)
  const pending = reader.pending()
  const why = reader.whyBroken()
  if (isWhole) reader.end(null)
  else if (why !== null) addMisfit(pending, place.line, why)
  else if (pending.length > HELD_OPEN_BYTES && (pending.includes(NEWLINE) || pending.includes(CARRIAGE_RETURN))) {
    addMisfit(pending, place.line, 'a quote that is not closed')
    // The first row of all may be as long as that.
    trial.isCut = trial.rows === 0
  }
  return trial
}

const OWN_FIELDS: readonly string[] = OWN_PROPERTIES_FIELDS

/** Notes what the fields of a row without quotes tell. */
function lookAtFields(
  trial: Trial,
  { names, delimiter }: CsvHeader,
  scanner: RowScanner,
  bytes: Uint8Array,
  at: number,
): void {
  for (let i = 0; i < names.length; i++) {
    if (delimiter === TAB && scanner.isWritten(bytes, at, i, NULL)) trial.hasNullMark = true
    if (scanner.isPlain(i)) continue
    if (scanner.isWritten(bytes, at, i, NULL_MARK)) {
      trial.hasNullMark = true
      trial.hasSign = true
      continue
    }
    const written = bytes.subarray(at + scanner.startOf(i), at + scanner.endOf(i))
    if (written.find((byte) => byte !== SPACE) === QUOTE) trial.opens = true
    if (written.includes(BACKSLASH)) lookAtEscapes(trial, written, delimiter)
  }
}

function hasQuotedField(scanner: RowScanner, bytes: Uint8Array, at: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (scanner.isQuoted(bytes, at, i)) return true
  return false
}

/** What databases write behind a backslash, beside delimiters and line ends: letters, backslashes, and both quotes. */
const ESCAPE_LETTERS = new Set(Buffer.from('0bfnrtvZ\\"\''))

function lookAtEscapes(trial: Trial, written: Uint8Array, delimiter: number): void {
  if (trial.quoting.escaper === null) return
  for (let p = written.indexOf(BACKSLASH); p >= 0; p = written.indexOf(BACKSLASH, p + 2)) {
    const next = written[p + 1]
    if (next === delimiter) trial.hasSign = true
    else if (next === undefined || !(ESCAPE_LETTERS.has(next) || next === NEWLINE || next === CARRIAGE_RETURN)) {
      trial.hasOddEscape = true
    }
  }
}

/** Text that is meant as an object with keys or as a list of texts; no list of PostgreSQL (`{"a b",c}`). */
function looksLikeJson(written: Uint8Array): boolean {
  const closer = written[0] === OPEN_BRACE ? CLOSE_BRACE : written[0] === OPEN_BRACKET ? CLOSE_BRACKET : -1
  return written.at(-1) === closer && JSON_START.test(textOf(written, 0, Math.min(written.length, JSON_START_BYTES)))
}

const JSON_START = /^(\{\s*[\\"]+[^\\"]*[\\"]+\s*:|\[\s*[\\"]*")/
const JSON_START_BYTES = 256

function paddedColumn(
  { texts }: CsvHeader,
  scanner: RowScanner,
  bytes: Uint8Array,
  at: number,
): readonly [string, string] | null {
  for (const [i, name] of texts.entries()) {
    if (name === name.trim()) continue
    const text = scanner.textOf(bytes, at, i)
    if (text !== text.trim() && text.trim() !== '') return [name, text]
  }
  return null
}

function isObjectWithKeys(written: Uint8Array): boolean {
  return written[0] === OPEN_BRACE && written.includes(QUOTE)
}

function isPadded([name, text]: readonly [string, string], path: string): UsageError {
  return new UsageError(
    `${path} has spaces around its fields: ${JSON.stringify(name)} in the header, ${JSON.stringify(text)} below it`,
    {
      hint: 'They would go out as part of ids: write it again without them (sqlcmd -W, or a program that writes CSV).',
    },
  )
}

function noDialect({ firstMisfit }: Trial, quotings: readonly Quoting[], header: CsvHeader, path: string): UsageError {
  const { line, text, detail } = firstMisfit ?? { line: 1, text: '', detail: '' }
  const between = JSON.stringify(String.fromCharCode(header.delimiter))
  return new UsageError(`${path} is CSV in no dialect that is known: line ${line} has ${detail}`, {
    hint:
      `It begins: ${JSON.stringify(excerpt(text))}. Tried, with ${between} between the fields: ` +
      `${quotings.map(quotingName).join('; ')}. --csv-delimiter, --csv-quote and --csv-escape say how it is written.`,
  })
}
