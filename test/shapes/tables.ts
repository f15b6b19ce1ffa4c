import { fieldsOf } from '../data/catalogue.ts'
import type { Records, Value } from './records.ts'

/** How a database, or another program, writes a table with a header. */
export interface TableWriter {
  readonly name: string
  readonly delimiter: string
  readonly null: string
  readonly lineEnd?: string
  text(text: string, delimiter: string): string
}

const LETTERS: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

function withLetters(text: string): string {
  return text.replace(/[\b\f\n\r\t\v\\]/g, (c) => LETTERS[c] ?? c)
}

function needsQuotes(text: string, delimiter: string): boolean {
  return text === '' || text.includes(delimiter) || /["\r\n]|^(null|\\N)$/i.test(text)
}

export const SNOWFLAKE: TableWriter = {
  name: 'Snowflake',
  delimiter: ',',
  null: '\\N',
  text: (text) => text.replace(/[,\n\r\\]/g, '\\$&'),
}

export const SPARK: TableWriter = {
  name: 'Spark',
  delimiter: ',',
  null: '',
  text: (text, delimiter) => (needsQuotes(text, delimiter) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text),
}

export const TABLE_WRITERS: readonly TableWriter[] = [
  {
    name: 'PostgreSQL COPY csv',
    delimiter: ',',
    null: '',
    text: (text, delimiter) => (needsQuotes(text, delimiter) ? `"${text.replaceAll('"', '""')}"` : text),
  },
  { name: 'PostgreSQL COPY text', delimiter: '\t', null: '\\N', text: withLetters },
  {
    name: 'MySQL INTO OUTFILE',
    delimiter: '\t',
    null: '\\N',
    text: (text) => text.replace(/[\t\n\\]/g, '\\$&'),
  },
  {
    name: 'MySQL INTO OUTFILE, quoted',
    delimiter: ',',
    null: '\\N',
    text: (text) => `"${text.replace(/["\\\n]/g, '\\$&')}"`,
  },
  {
    name: 'mysql --batch',
    delimiter: '\t',
    null: 'NULL',
    text: (text) => text.replace(/[\n\t\\]/g, (c) => LETTERS[c] ?? c),
  },
  SNOWFLAKE,
  {
    name: 'Redshift, quoted',
    delimiter: '|',
    null: '""',
    text: (text) => `"${text.replace(/["\\\n\r|]/g, '\\$&')}"`,
  },
  { name: 'Redshift', delimiter: '|', null: '\\N', text: (text) => text.replace(/[\\\n\r|]/g, '\\$&') },
  SPARK,
  {
    name: 'SQLite',
    delimiter: ',',
    null: '',
    lineEnd: '\r\n',
    text: (text) => (/^[\w.-]+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`),
  },
  {
    name: 'ClickHouse CSVWithNames',
    delimiter: ',',
    null: '\\N',
    text: (text) => `"${text.replaceAll('"', '""')}"`,
  },
]

/** A column for each field of the catalogue. */
export function writeTable(writer: TableWriter, { entry, records }: Records): Buffer {
  const { delimiter, lineEnd = '\n' } = writer
  const names = fieldsOf(entry).map(({ name }) => name)
  const cell = (value: Value) => {
    if (value === null) return writer.null
    if (typeof value === 'string') return writer.text(value, delimiter)
    return Array.isArray(value) ? writer.text(JSON.stringify(value), delimiter) : String(value)
  }
  const rows = records.map((record) => names.map((name) => cell(record[name] ?? null)))
  return Buffer.from([names, ...rows].map((cells) => cells.join(delimiter) + lineEnd).join(''))
}
