import { BACKSLASH, QUOTE } from '../json/bytes.ts'
import type { CsvChoices } from '../model.ts'

/** How the fields of CSV are written, in bytes. */
export interface CsvDialect {
  /** The byte between fields. */
  readonly delimiter: number
  /** The byte around fields that need it; null when there are none. */
  readonly quote: number | null
  /** The byte before one that is to be taken as it is: within quotes, else everywhere. A quote is doubled when it is the same. */
  readonly escaper: number | null
}

/** What reading CSV takes beside the bytes. */
export interface CsvOptions {
  readonly csv?: CsvChoices
  /** Told in which dialect the file is written, for people. */
  readonly dialect?: (name: string) => void
}

/** Everything of a dialect but its delimiter. */
export type Quoting = Omit<CsvDialect, 'delimiter'>

const UNQUOTED_ESCAPED: Quoting = { quote: null, escaper: BACKSLASH }

/** What is found out, in the order in which it is tried; a sample that fits several is of the first. */
const QUOTINGS: readonly Quoting[] = [
  { quote: QUOTE, escaper: QUOTE },
  { quote: QUOTE, escaper: BACKSLASH },
  UNQUOTED_ESCAPED,
  { quote: null, escaper: null },
]

/** The quotings that are as the user says, in their order; when there are several, the file decides. */
export function quotingsFor(choices: CsvChoices): readonly Quoting[] {
  const wanted = { quote: byteOf(choices.quote), escaper: byteOf(choices.escape) }
  const known = QUOTINGS.filter(
    (one) =>
      (wanted.quote === undefined || one.quote === wanted.quote) &&
      (wanted.escaper === undefined || one.escaper === wanted.escaper),
  )
  if (known.length > 0) return known
  const around = wanted.quote === undefined ? QUOTE : wanted.quote
  return [{ quote: around, escaper: wanted.escaper === undefined ? around : wanted.escaper }]
}

function byteOf(character: string | null | undefined): number | null | undefined {
  return typeof character === 'string' ? character.charCodeAt(0) : character
}

/** True for the quotings that the own scanner reads. */
export function isOwn({ quote, escaper }: Quoting): boolean {
  return QUOTINGS.some((one) => one.quote === quote && one.escaper === escaper)
}

export function isUnquotedEscaped({ quote, escaper }: Quoting): boolean {
  return quote === UNQUOTED_ESCAPED.quote && escaper === UNQUOTED_ESCAPED.escaper
}

const DELIMITER_NAMES: Readonly<Record<string, string>> = {
  ',': 'commas',
  '\t': 'tabs',
  ';': 'semicolons',
  '|': 'pipes',
}

/** A dialect for people: `commas, quotes doubled (RFC 4180)`. */
export function dialectName({ delimiter, quote, escaper }: CsvDialect): string {
  const character = String.fromCharCode(delimiter)
  return `${DELIMITER_NAMES[character] ?? `${character} between fields`}, ${quotingName({ quote, escaper })}`
}

export function quotingName({ quote, escaper }: Quoting): string {
  const escapes =
    escaper === null ? 'no escapes' : `${escaper === BACKSLASH ? 'backslash' : String.fromCharCode(escaper)} escapes`
  if (quote === null) return `no quotes, ${escapes}`
  const quotes = quote === QUOTE ? 'quotes' : `quotes ${String.fromCharCode(quote)}`
  if (quote !== escaper) return `${quotes}, ${escapes}`
  return quote === QUOTE ? 'quotes doubled (RFC 4180)' : `${quotes} doubled`
}
