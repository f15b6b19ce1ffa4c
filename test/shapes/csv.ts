import { fieldsOf } from '../data/catalogue.ts'
import type { Records, StoredRecord, Value } from './records.ts'

/** CSV and its like as warehouses unload them; only fields that need quotes have them. */

interface Dialect {
  readonly delimiter: string
  readonly lineEnd: string
  readonly header: (name: string) => string
}

export function csv(records: Records): string {
  return write(records, { delimiter: ',', lineEnd: '\n', header: (name) => name })
}

export function upperCaseCsv(records: Records): string {
  return `\ufeff${write(records, { delimiter: ',', lineEnd: '\r\n', header: (name) => name.toUpperCase() })}`
}

export function tsv(records: Records): string {
  return write(records, { delimiter: '\t', lineEnd: '\n', header: (name) => name })
}

/** A CRLF file that was written as text once more. */
export function crCrLfCsv(records: Records): string {
  return write(records, { delimiter: ',', lineEnd: '\r\r\n', header: (name) => name })
}

export function carriageReturnCsv(records: Records): string {
  return write(records, { delimiter: ',', lineEnd: '\r', header: (name) => name })
}

export function carriageReturnTsv(records: Records): string {
  return write(records, { delimiter: '\t', lineEnd: '\r', header: (name) => name })
}

/** Files of several systems, put together. */
export function mergedCsv(records: Records): string {
  const lineEnds = ['\r', '\n', '\r\r\n', '\r\n', '\n\n', '\r\r']
  let line = 0
  return csv(records).replace(/"[^"]*"|\n/g, (part) =>
    part === '\n' ? String(lineEnds[line++ % lineEnds.length]) : part,
  )
}

/** The last column is not Currents': a file that is cut within it has lost nothing. */
const LAST_COLUMN = 'exported_by'

function write({ entry, records }: Records, { delimiter, lineEnd, header }: Dialect): string {
  const known = fieldsOf(entry).map((field) => field.name)
  const names = [...known, ...Object.keys(records[0] ?? {}).filter((name) => !known.includes(name))]
  const row = (record: StoredRecord) => [...names.map((name) => cell(record[name] ?? null)), 'warehouse']
  const rows = [[...names, LAST_COLUMN].map(header), ...records.map(row)]
  return rows.map((cells) => cells.map((text) => quoted(text, delimiter)).join(delimiter) + lineEnd).join('')
}

function cell(value: Value): string {
  if (value === null) return ''
  return Array.isArray(value) ? JSON.stringify(value) : String(value)
}

function quoted(text: string, delimiter: string): string {
  return text.includes(delimiter) || /["\r\n]|^null$/i.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
