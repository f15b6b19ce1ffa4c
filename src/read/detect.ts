import { isUtf8 } from 'node:buffer'
import { NEWLINE, OPEN_BRACE, OPEN_BRACKET, QUOTE, textOf } from '../json/bytes.ts'
import { eventsListAt, otherListAt } from '../json/envelope.ts'
import { skipMarks, skipSeparators } from '../json/separators.ts'
import { endOfString, endOfValue, skipSpace } from '../json/values.ts'
import { shellQuoted } from '../own-command.ts'
import type { Advice } from './not-read-error.ts'

/** The formats that can be cut into records (src/README.md §2); `letters` are our own dead-letter and lane files (§5). */
export const FORMATS = ['ndjson', 'json', 'csv', 'tsv', 'avro', 'letters'] as const
export type Format = (typeof FORMATS)[number]

export type Detection =
  | { readonly is: 'format'; readonly format: Format }
  | { readonly is: 'empty' }
  /** Recognised, but not read. */
  | { readonly is: 'refused'; readonly what: string; readonly advice: Advice | null }
  /** The bytes given do not tell yet. */
  | { readonly is: 'undecided' }

/** Bytes that are enough to tell any format. */
export const ENOUGH_BYTES = 1 << 16

/** Bytes that tell any container. */
const MAGIC_BYTES = 64

interface Container {
  readonly magic: string
  /** What stands behind the magic too; not given when nothing else need. */
  readonly more?: RegExp
  readonly what: string
  /** The command that writes readable records to its standard output, before the file's name. */
  readonly convert: (file: string) => string
}

/** Containers that other tools open better, by their first bytes as Latin-1 text; the first that fits. */
const CONTAINERS: readonly Container[] = [
  {
    magic: 'PAR1',
    what: 'Parquet',
    convert: (file) =>
      `duckdb -c "COPY (SELECT * FROM read_parquet(${file.startsWith("'") ? file : `'${file}'`})) TO '/dev/stdout' (FORMAT json)"`,
  },
  { magic: 'ORC', what: 'ORC', convert: (file) => `orc-contents ${file}` },
  { magic: 'BZh', what: 'bzip2', convert: (file) => `bzip2 -dc ${file}` },
  {
    magic: 'PK\x03\x04',
    // The name of the first file in it.
    more: /^.{26}(?:\[Content_Types\]|_rels\/|docProps\/|xl\/)/s,
    what: 'an Excel workbook',
    convert: (file) => `in2csv --format xlsx ${file}`,
  },
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
  if (!isEnough && head.length < MAGIC_BYTES) return { is: 'undecided' }
  const first = Buffer.from(head.subarray(0, MAGIC_BYTES)).toString('latin1')
  if (first.startsWith('Obj\x01')) return { is: 'format', format: 'avro' }
  const container = CONTAINERS.find(
    ({ magic, more }) => first.startsWith(magic) && (more?.test(first.slice(magic.length)) ?? true),
  )
  const file = path === '-' ? 'FILE' : path
  if (container) return refused(container.what, container.convert(shellQuoted(file)))
  const encoding = wideEncodingOf(head)
  if (encoding !== null) return refused(`${encoding} text`, `iconv -f ${encoding} -t UTF-8 ${shellQuoted(file)}`)

  // A newline behind the head ends every scan; it is not part of the input. The line that it would cut does not count yet.
  const whole = isEnough ? head : head.subarray(0, head.lastIndexOf(NEWLINE) + 1)
  const text = Buffer.concat([whole, Buffer.from('\n')])
  const start = skipSeparators(text, 0)
  if (start >= text.length) {
    if (isWhole) return { is: 'empty' }
    // Blank lines, however many, are no records; what follows them may be.
    return isEnough ? { is: 'format', format: 'ndjson' } : { is: 'undecided' }
  }
  if (text[start] === OPEN_BRACKET) return { is: 'format', format: 'json' }
  if (text[start] === OPEN_BRACE) return detectJson(text, start, isEnough)
  if (!isEnough) return { is: 'undecided' }
  if (isTar(head)) {
    // Beside the archive, so that its path still says what is in it.
    const folder = shellQuoted(`${path === '-' ? 'unpacked' : path.replace(/\.(?:tar(?:\.\w+)?|t[bgx]z2?)$/i, '')}.d`)
    const command = `mkdir ${folder} && tar -xf ${shellQuoted(file)} -C ${folder}`
    return { is: 'refused', what: 'a tar archive', advice: { is: 'folder', command, folder } }
  }
  if (hasObjectLine(text, text.indexOf(NEWLINE, start) + 1)) return { is: 'format', format: 'ndjson' }
  if (isBinary(text)) return refused('not text, and no format that is known', null)
  return { is: 'format', format: 'csv' }
}

function refused(what: string, command: string | null): Detection {
  return { is: 'refused', what, advice: command === null ? null : { is: 'pipe', command } }
}

/** How much of a text is looked at to tell its encoding. */
const ENCODING_BYTES = 1 << 10

/**
 * What the iconv program calls the encoding of text that is neither UTF-8 nor what is decoded before (UTF-16 with a byte order mark);
 * null for other bytes. In such text most characters of JSON and CSV have NUL bytes at the same places.
 */
function wideEncodingOf(head: Uint8Array): string | null {
  if (head[0] === 0xff && head[1] === 0xfe && head[2] === 0 && head[3] === 0) return 'UTF-32'
  if (head[0] === 0 && head[1] === 0 && head[2] === 0xfe && head[3] === 0xff) return 'UTF-32'
  const length = Math.min(head.length, ENCODING_BYTES) & ~3
  const nuls = [0, 0, 0, 0]
  for (let i = 0; i < length; i++) if (head[i] === 0) nuls[i % 4] = (nuls[i % 4] as number) + 1
  const isNul = nuls.map((count) => count > length / 8)
  return WIDE_ENCODINGS.get(isNul.map(Number).join('')) ?? null
}

/** Encodings by which bytes of four are NUL. */
const WIDE_ENCODINGS = new Map([
  ['0101', 'UTF-16LE'],
  ['1010', 'UTF-16BE'],
  ['0111', 'UTF-32LE'],
  ['1110', 'UTF-32BE'],
])

/** True when the bytes begin with the header of an archive: 512 bytes, of which a number in octal digits is the sum. */
function isTar(head: Uint8Array): boolean {
  if (head.length < 512) return false
  const sum = Number.parseInt(textOf(head, 148, 156).replaceAll('\0', ' ').trim(), 8)
  let found = 0
  for (let i = 0; i < 512; i++) found += i >= 148 && i < 156 ? 0x20 : (head[i] as number)
  return found === sum
}

/** One object a line, or objects that spread over lines or share one. */
function detectJson(text: Buffer, start: number, isEnough: boolean): Detection {
  const lineEnd = text.indexOf(NEWLINE, start)
  const hasLine = lineEnd < text.length - 1
  if (!hasLine && !isEnough) return { is: 'undecided' }
  const letters: Detection = { is: 'format', format: 'letters' }
  // A broken line may have its quotes closed by the next.
  if (beginsWithLetter(text.subarray(0, lineEnd + 1), start)) return letters
  const json: Detection = { is: 'format', format: 'json' }
  const ndjson: Detection = { is: 'format', format: 'ndjson' }
  const end = endOfValue(text, start)
  if (end > 0 && end <= lineEnd) {
    if (otherListAt(text, start) >= 0) return json
    const next = skipSeparators(text, end)
    return next < lineEnd && (text[next] === OPEN_BRACE || text[next] === OPEN_BRACKET) ? json : ndjson
  }
  if (eventsListAt(text, start) >= 0 || otherListAt(text, start) >= 0) return json
  if (!hasLine) return ndjson
  // What follows may show that it is an envelope.
  if (!isEnough) return { is: 'undecided' }
  // The first object does not end on its line: broken, or spread over lines. The first line that is a whole object tells.
  for (let at = lineEnd + 1; at > 0 && at < text.length; at = text.indexOf(NEWLINE, at) + 1) {
    const valueEnd = endOfObjectOnLine(text, at)
    if (valueEnd < 0) continue
    const nextLine = text.indexOf(NEWLINE, valueEnd) + 1
    const behind = textOf(text, valueEnd, nextLine).trim()
    if (behind === ',') return json
    if (behind === '') return beginsWithLetter(text.subarray(0, nextLine), skipMarks(text, at)) ? letters : ndjson
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

/** Where the object ends with which the line at `lineStart` begins; -1 when it does not end on the line. */
function endOfObjectOnLine(text: Buffer, lineStart: number): number {
  const at = skipMarks(text, lineStart)
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
