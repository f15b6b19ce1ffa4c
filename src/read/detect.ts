import { isUtf8 } from 'node:buffer'
import { COMMA, NEWLINE, OPEN_BRACE, OPEN_BRACKET, QUOTE, textOf } from '../json/bytes.ts'
import { eventsListAt } from '../json/envelope.ts'
import { endOfString, endOfValue, skipSpace } from '../json/values.ts'

/** The formats that can be cut into records (src/README.md §2); `letters` are our own dead-letter and lane files (§5). */
export const FORMATS = ['ndjson', 'json', 'csv', 'tsv', 'avro', 'letters'] as const
export type Format = (typeof FORMATS)[number]

export type Detection =
  | { readonly is: 'format'; readonly format: Format }
  | { readonly is: 'empty' }
  /** Recognised, but not read; `convert` is the command that makes it readable. */
  | { readonly is: 'refused'; readonly what: string; readonly convert: string | null }
  /** The bytes given do not tell yet. */
  | { readonly is: 'undecided' }

/** Bytes that are enough to tell any format. */
const ENOUGH_BYTES = 1 << 16

interface Container {
  readonly magic: string
  readonly what: string
  /** The command that writes readable records to its standard output, before the file's name. */
  readonly convert: (file: string) => string
}

/** Containers that other tools open better. Their magic is Latin-1 text. */
const CONTAINERS: readonly Container[] = [
  {
    magic: 'PAR1',
    what: 'Parquet',
    convert: (file) =>
      `duckdb -c "COPY (SELECT * FROM read_parquet(${file.startsWith("'") ? file : `'${file}'`})) TO '/dev/stdout' (FORMAT json)"`,
  },
  { magic: 'ORC', what: 'ORC', convert: (file) => `orc-contents ${file}` },
  { magic: '\x28\xb5\x2f\xfd', what: 'zstd', convert: (file) => `zstd -dc ${file}` },
  { magic: 'BZh', what: 'bzip2', convert: (file) => `bzip2 -dc ${file}` },
  { magic: 'PK\x03\x04', what: 'zip', convert: (file) => `unzip -p ${file}` },
  { magic: '\xfd7zXZ\x00', what: 'xz', convert: (file) => `xz -dc ${file}` },
]

/**
 * The format of an input, from its first bytes; its name does not count.
 * @param head the first bytes, gunzipped
 * @param isWhole the head is all there is
 */
export function detectFormat(head: Uint8Array, isWhole: boolean, path: string): Detection {
  const isEnough = isWhole || head.length >= ENOUGH_BYTES
  if (!isEnough && head.length < 8) return { is: 'undecided' }
  const magic = Buffer.from(head.subarray(0, 8)).toString('latin1')
  if (magic.startsWith('Obj\x01')) return { is: 'format', format: 'avro' }
  const container = CONTAINERS.find((candidate) => magic.startsWith(candidate.magic))
  if (container) {
    const file = path === '-' ? 'FILE' : path
    return { is: 'refused', what: container.what, convert: container.convert(quoted(file)) }
  }
  if (magic.startsWith('\xff\xfe') || magic.startsWith('\xfe\xff')) {
    return {
      is: 'refused',
      what: 'UTF-16 text',
      convert: `iconv -f UTF-16 -t UTF-8 ${quoted(path === '-' ? 'FILE' : path)}`,
    }
  }

  // A newline behind the head ends every scan; it is not part of the input.
  const text = Buffer.concat([head.subarray(magic.startsWith('\xef\xbb\xbf') ? 3 : 0), Buffer.from('\n')])
  const start = skipSpace(text, 0)
  if (start >= text.length) {
    if (isWhole) return { is: 'empty' }
    // Blank lines, however many, are no records; what follows them may be.
    return isEnough ? { is: 'format', format: 'ndjson' } : { is: 'undecided' }
  }
  if (text[start] === OPEN_BRACKET) return { is: 'format', format: 'json' }
  if (text[start] === OPEN_BRACE) return detectJson(text, start, isEnough)
  if (!isEnough) return { is: 'undecided' }
  if (hasObjectLine(text, text.indexOf(NEWLINE, start) + 1)) return { is: 'format', format: 'ndjson' }
  if (isBinary(text)) return { is: 'refused', what: 'not text, and no format that is known', convert: null }
  return { is: 'format', format: 'csv' }
}

/** A file name as a shell takes it. */
export function quoted(file: string): string {
  return /^[\w./+=@:-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`
}

/** One object a line, or objects that spread over lines or share one. */
function detectJson(text: Buffer, start: number, isEnough: boolean): Detection {
  const lineEnd = text.indexOf(NEWLINE, start)
  const hasLine = lineEnd < text.length - 1
  if (!hasLine && !isEnough) return { is: 'undecided' }
  if (beginsWithLetter(text, start)) return { is: 'format', format: 'letters' }
  const json: Detection = { is: 'format', format: 'json' }
  const ndjson: Detection = { is: 'format', format: 'ndjson' }
  const end = endOfValue(text, start)
  if (end > 0 && end <= lineEnd) {
    const next = text[skipSpace(text, end)]
    return skipSpace(text, end) < lineEnd && (next === OPEN_BRACE || next === OPEN_BRACKET) ? json : ndjson
  }
  if (eventsListAt(text, start) >= 0) return json
  if (!hasLine) return ndjson
  // The first object does not end on its line: broken, or spread over lines. The first line that is a whole object tells.
  for (let at = lineEnd + 1; at > 0 && at < text.length; at = text.indexOf(NEWLINE, at) + 1) {
    const valueEnd = endOfObjectOnLine(text, at)
    if (valueEnd > 0) return text[skipSpace(text, valueEnd)] === COMMA ? json : ndjson
  }
  return looksCutShort(text, start, lineEnd) ? json : ndjson
}

/** Every key of a dead letter; a line of a lane file has some of them (src/README.md §5). */
const LETTER_KEYS = new Set(['reason', 'detail', 'status', 'source', 'event_type', 'record', 'event', 'at'])

/** True when the object at `start` has the keys of a letter, as far as it is there: a record may be larger than the text. */
function beginsWithLetter(text: Buffer, start: number): boolean {
  const keys = new Set<string>()
  let p = skipSpace(text, start + 1)
  for (let keyEnd = endOfString(text, p); text[p] === QUOTE && keyEnd > 0; keyEnd = endOfString(text, p)) {
    const key = textOf(text, p + 1, keyEnd - 1)
    if (!LETTER_KEYS.has(key)) return false
    keys.add(key)
    const valueEnd = endOfValue(text, skipSpace(text, skipSpace(text, keyEnd) + 1))
    if (valueEnd < 0) break
    p = skipSpace(text, skipSpace(text, valueEnd) + 1)
  }
  return keys.has('source') && keys.has('event_type') && keys.has('record')
}

/** Where the object ends with which the line at `at` begins; -1 when it does not end on the line. */
function endOfObjectOnLine(text: Buffer, at: number): number {
  const end = text[at] === OPEN_BRACE ? endOfValue(text, at) : -1
  return end <= text.indexOf(NEWLINE, at) ? end : -1
}

/** True when a line from `from` on is one whole object: then the lines before it are broken NDJSON. */
function hasObjectLine(text: Buffer, from: number): boolean {
  for (let at = from; at < text.length; at = text.indexOf(NEWLINE, at) + 1) {
    if (text[at + 1] !== NEWLINE && endOfObjectOnLine(text, at) > 0) return true
  }
  return false
}

/** A line that stops where pretty-printed JSON breaks: after a bracket, a comma or a colon. */
function looksCutShort(text: Buffer, start: number, lineEnd: number): boolean {
  return /[[{,:]\s*$/.test(textOf(text, start, lineEnd))
}

/** Control characters that no text holds, in bytes that are no UTF-8; or many NUL bytes. A few cost their own records only. */
function isBinary(text: Buffer): boolean {
  let controls = 0
  let nuls = 0
  for (const byte of text) {
    if (byte === 0) nuls++
    if (byte < 0x09 || (byte > 0x0d && byte < 0x20 && byte !== 0x1b)) controls++
  }
  const many = text.length / 100
  return nuls > many || (controls > many && !isUtf8(text.subarray(0, Math.max(0, text.length - 4))))
}
