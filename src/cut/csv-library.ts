import { isUtf8 } from 'node:buffer'
import { Parser } from 'csv-parse'
import { append, appendByte, COLON, COMMA, closeObject } from '../json/bytes.ts'
import { appendStringOf } from '../json/strings.ts'
import type { RawChunk, RejectReason, Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { createChunkBuilder } from './chunk-builder.ts'
import type { CsvDialect } from './csv-dialect.ts'
import { columnNamesOf, refuseTwins } from './csv-header.ts'
import { lineEndsIn } from './line-ends.ts'
import { EXCERPT_BYTES, MAX_RECORD_BYTES } from './record-limits.ts'

interface LibraryStart {
  readonly dialect: CsvDialect
  /** Where the header begins. */
  readonly place: Restart
  /** Ordinal of the first record that is wanted: what a row is depends on all that stands before it, so reading begins at the header. */
  readonly first: number
}

/** One column, and its name as JSON. */
interface Column {
  readonly text: string
  readonly name: Buffer | null
}

/**
 * CSV in a dialect that only the user can tell, such as quotes that are `'`, as `csv-parse` reads it; `rest` is what was read of the
 * input from the header on. Slower than the own scanner, and a quote that is not closed ends the input.
 * @throws UsageError when two columns are of one name
 */
export async function* cutWithLibrary(
  input: OpenInput,
  rest: Uint8Array,
  { dialect, place, first }: LibraryStart,
): AsyncGenerator<RawChunk> {
  const builder = createChunkBuilder(input.source)
  const { out } = builder
  let columns: readonly Column[] | null = null
  let restart = place
  let ordinal = 0
  /** Where what follows the last row begins. */
  let position = place.byte
  let line = place.line ?? 1
  let damage: string | null = null

  // Each character is a byte: what is no UTF-8 stays as it is.
  const parser = new Parser({
    encoding: 'latin1',
    delimiter: String.fromCharCode(dialect.delimiter),
    quote: dialect.quote === null ? false : String.fromCharCode(dialect.quote),
    escape: dialect.escaper === null ? null : String.fromCharCode(dialect.escaper),
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: MAX_RECORD_BYTES,
    raw: true,
    cast: (value, { quoting }) => (isNull(value, quoting) ? null : value),
    on_record(_, { raw = '', bytes }) {
      const { record } = _ as unknown as { record: readonly (string | null)[] }
      takeRow(record, raw, place.byte + bytes)
      return null
    },
  })
  parser.on('error', (error) => {
    damage ??= error.message
  })

  function takeRow(record: readonly (string | null)[], raw: string, end: number): void {
    const isBlank = record.length === 1 && (record[0] ?? '').trim() === ''
    const texts = columns?.map(({ text }) => text)
    if (columns === null) columns = columnsOf(record)
    else if (!isBlank && !texts?.every((text, i) => (record[i] ?? '') === text)) addRow(columns, record, raw)
    pass(raw, end)
  }

  function columnsOf(record: readonly (string | null)[]): readonly Column[] {
    const texts = record.map((text) => Buffer.from(text ?? '', 'latin1').toString())
    const names = columnNamesOf(texts)
    refuseTwins({ names, texts }, input.source.path)
    return texts.map((_, i) => ({
      text: record[i] ?? '',
      name: names[i] === '' ? null : Buffer.from(JSON.stringify(names[i])),
    }))
  }

  function addRow(wanted: readonly Column[], record: readonly (string | null)[], raw: string): void {
    if (record.length !== wanted.length) {
      addFault(raw, 'malformed', `${record.length} columns instead of ${wanted.length}`)
      return
    }
    const bytes = Buffer.from(raw, 'latin1')
    if (!isUtf8(bytes) || bytes.includes(0)) {
      addFault(raw, 'malformed', isUtf8(bytes) ? 'NUL byte' : 'invalid UTF-8')
      return
    }
    const start = out.length
    for (const [i, { name }] of wanted.entries()) {
      const value = record[i] ?? null
      if (name === null || value === null) continue
      appendByte(out, COMMA)
      append(out, name)
      appendByte(out, COLON)
      const text = Buffer.from(value, 'latin1')
      appendStringOf(out, text, 0, text.length)
    }
    closeObject(out, start)
    addRecord(() => builder.add(position, line))
  }

  function addFault(raw: string, reason: RejectReason, detail: string): void {
    append(out, Buffer.from(raw.slice(0, EXCERPT_BYTES).trimEnd(), 'latin1'))
    addRecord(() => builder.addFault(position, line, reason, detail))
  }

  function addRecord(add: () => void): void {
    if (ordinal < first) builder.drop()
    else {
      if (builder.count() === 0) restart = { byte: position, ordinal, line }
      add()
    }
    ordinal++
  }

  function pass(raw: string, end: number): void {
    line += lineEndsIn(Buffer.from(raw, 'latin1'), 0, raw.length)
    position = end
  }

  for (let read: Uint8Array | null = rest; read !== null && damage === null; read = await input.read()) {
    const bytes = read
    await new Promise<void>((resolve) => parser.write(bytes, () => resolve()))
    if (builder.isFull()) yield builder.take(restart)
  }
  damage ??= input.damage()
  if (damage === null) await new Promise<void>((resolve) => parser.end(() => resolve()))
  if (damage !== null) addFault('', 'damaged_input', damage)
  if (builder.count() > 0) yield builder.take(restart)
}

/** What stands for null, as in the dialects of the own scanner. */
function isNull(value: string, isQuoted: boolean): boolean {
  return value === '' || value === '\\N' || (!isQuoted && (value === 'NULL' || value === 'null'))
}
