import { UsageError } from '../errors.ts'
import { append, bufferOf, textOf, utf8 } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { BEGINNING, type CsvChoices, type RawChunk, type RejectReason, type Restart } from '../model.ts'
import type { OpenInput } from '../read/open.ts'
import { type ByteQueue, createByteQueue } from './byte-queue.ts'
import { createChunkBuilder } from './chunk-builder.ts'
import { chooseQuoting } from './csv-detect.ts'
import { type CsvDialect, type CsvOptions, dialectName, isOwn, type Quoting, quotingsFor } from './csv-dialect.ts'
import { type CsvHeader, readCsvHeader } from './csv-header.ts'
import { createRowReader } from './csv-reader.ts'
import { createColumns, makeRoom } from './field-columns.ts'
import { endOfLine, lineEndAt, lineEndsIn } from './line-ends.ts'

/** The first bytes of a file, by which its dialect is found. A header that is longer is none. */
const SAMPLE_BYTES = 1 << 20
/** Bytes parsed at a time, so that what one read unpacks to makes no giant chunk. */
const FEED_BYTES = 1 << 18

/** Fields of a chunk's records at first; it grows to what the records need. */
const COLUMNS_CAPACITY = 1 << 10

const BYTE_ORDER_MARK = utf8('\ufeff')
/** Excel's own line, and the delimiters that a program has put behind it which took it for a row. */
const DELIMITER_LINE = /^"?sep=(.)"?([,;\t|]*) *$/i

/**
 * CSV and its like, one record a row, the fields as text that the catalogue is to type. Fields that are null are left out. The dialect is
 * found by the first bytes of the file, always the same ones, wherever reading begins (src/README.md §2).
 * @throws UsageError when it has no header of Currents fields, when its rows fit no dialect, or when what is behind the header holds no
 * record
 */
export async function* cutCsv(
  input: OpenInput,
  from: Restart,
  { csv = {}, dialect: tellDialect }: CsvOptions = {},
): AsyncGenerator<RawChunk> {
  const start = await takeHeader(input, from, csv)
  if (start === null) {
    const why = input.damage()
    if (why === null) return
    const builder = createChunkBuilder(input.source)
    builder.addFault(0, 1, 'damaged_input', why)
    yield builder.take(BEGINNING)
    return
  }
  tellDialect?.(dialectName(start.dialect))
  if (!isOwn(start.dialect)) {
    const { cutWithLibrary } = await import('./csv-library.ts')
    yield* cutWithLibrary(input, start.rest, { dialect: start.dialect, place: start.place, first: from.ordinal })
    return
  }
  const rows = createRows(input, start)
  let hasRecords = start.place.ordinal > 0
  for (let read: Uint8Array | null = start.rest; read !== null; read = await input.read()) {
    for (let at = 0; at < read.length; at += FEED_BYTES) {
      rows.reader.take(read.subarray(at, at + FEED_BYTES))
      if (!rows.builder.isFull()) continue
      hasRecords = true
      yield rows.takeChunk()
    }
    input.reuse(read)
  }
  rows.reader.end(input.damage())
  if (rows.builder.count() > 0) yield rows.takeChunk()
  else if (!hasRecords && rows.reader.blank() !== null) {
    throw new UsageError(`${input.source.path} holds a header, and behind it no record but ${rows.reader.blank()}`, {
      hint: 'Write the file again; one without events ends behind its header.',
    })
  }
}

/** Where the rows of a file begin to be read. */
interface Start {
  readonly dialect: CsvDialect
  readonly header: CsvHeader
  /** What was read beyond the place. */
  readonly rest: Uint8Array
  readonly place: Restart
}

/**
 * Takes the header row, and goes on to `from` if that is behind it; null when there are only blank lines, or when damage ends it. Of a
 * dialect that the library reads it takes what is before the header only.
 */
async function takeHeader(input: OpenInput, from: Restart, choices: CsvChoices): Promise<Start | null> {
  const { path } = input.source
  const quotings = quotingsFor(choices)
  const queue = createByteQueue(input)
  let line = 1
  let delimiter = choices.delimiter?.charCodeAt(0) ?? null
  for (let isLast = false; !isLast; ) {
    isLast = !(await queue.ensure(Math.max(SAMPLE_BYTES, queue.peek().length + 1)))
    const before = skipBeforeHeader(queue, isLast)
    line += before.lines
    delimiter ??= before.delimiter
    if (queue.peek().length === 0 || (before.mayGoOn && queue.peek().length < SAMPLE_BYTES)) continue
    // Where the header begins is where the sample does.
    isLast = !(await queue.ensure(SAMPLE_BYTES))
    const bytes = bufferOf(queue.peek()).subarray(0, SAMPLE_BYTES)
    // Damage may have cut it short.
    const isWhole = isLast && input.damage() === null
    const [firstQuoting] = quotings as [Quoting]
    const isOfLibrary = !isOwn(firstQuoting)
    const quoting = isOfLibrary ? { quote: null, escaper: null } : firstQuoting
    const header = readCsvHeader(bytes, isWhole || !isLast, { path, delimiter, quoting })
    if (header === null) return null
    if (isOfLibrary) {
      const place = { byte: queue.position(), ordinal: 0, line }
      return { dialect: { delimiter: header.delimiter, ...firstQuoting }, header, rest: queue.takeAll(), place }
    }
    const { length } = header
    if (length === SAMPLE_BYTES) {
      throw new UsageError(`the header of ${path} does not end within ${length} bytes`)
    }
    const end = length + Math.max(0, lineEndAt(bytes, length, true))
    const next = queue.position() + end
    line += lineEndsIn(bytes, 0, length) + 1
    const sample = { bytes: bytes.subarray(end), place: { byte: next, line }, isWhole }
    const dialect = { delimiter: header.delimiter, ...chooseQuoting(sample, header, quotings, path) }
    await queue.skipTo(Math.max(next, from.byte))
    const place = from.byte > next ? from : { byte: next, ordinal: 0, line }
    return { dialect, header, rest: queue.takeAll(), place }
  }
  return null
}

interface BeforeHeader {
  readonly lines: number
  /** What is left may be one more blank line. */
  readonly mayGoOn: boolean
  /** That of Excel's own line. */
  readonly delimiter: number | null
}

/** Takes what may stand before the header: the byte order mark, blank lines, and Excel's `sep=;`. */
function skipBeforeHeader(queue: ByteQueue, isLast: boolean): BeforeHeader {
  let delimiter: number | null = null
  for (let lines = 0; ; lines++) {
    const bytes = queue.peek()
    if (queue.position() === 0 && BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte))
      queue.skip(BYTE_ORDER_MARK.length)
    const text = queue.peek()
    const lineEnd = endOfLine(text, 0)
    const length = lineEndAt(text, lineEnd, isLast)
    const lineText = textOf(text, 0, lineEnd)
    const told = DELIMITER_LINE.exec(lineText)
    const isBlank = lineText.trim() === '' || told !== null
    if (isBlank && length === 0 && isLast) queue.skip(lineEnd)
    if (!isBlank || length <= 0) return { lines, mayGoOn: isBlank && !isLast, delimiter }
    if (told?.[2] === '') delimiter = (told[1] as string).charCodeAt(0)
    queue.skip(lineEnd + length)
  }
}

function createRows(input: OpenInput, { dialect, header: { names }, header, place }: Start) {
  const builder = createChunkBuilder(input.source)
  const { out } = builder
  const isWanted = Uint8Array.from(names, (name) => (name === '' ? 0 : 1))
  const columns = createColumns(COLUMNS_CAPACITY)
  let { ordinal } = place
  const reader = createRowReader(
    dialect,
    header,
    { byte: place.byte, line: place.line ?? 1 },
    {
      row(scanner, bytes, at, byte, line, spoiled) {
        if (spoiled !== null) {
          addFault(bytes.subarray(at, at + scanner.length()), byte, line, 'malformed', spoiled)
          return
        }
        scanner.appendRow(out, bytes, at, columns, isWanted)
        builder.add(byte, line)
      },
      fault: (raw, { byte, line }, reason, detail) => addFault(raw, byte, line, reason, detail),
    },
  )

  function addFault(raw: Uint8Array, byte: number, line: number, reason: RejectReason, detail: string): void {
    append(out, raw)
    builder.addFault(byte, line, reason, detail)
    makeRoom(columns, names.length)
    columns.kinds.fill(KIND.none, columns.length, columns.length + names.length)
    columns.length += names.length
  }

  function takeChunk(): RawChunk {
    const { kinds, starts, ends } = columns
    const chunk = builder.take(place, { names, kinds, starts, ends })
    columns.length = 0
    const { positions, lines } = chunk
    const restart = { byte: positions[0] as number, ordinal, line: lines?.[0] ?? null }
    ordinal += chunk.count
    return { ...chunk, restart }
  }

  return { builder, reader, takeChunk }
}
