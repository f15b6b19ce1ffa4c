import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { filesBelow } from './files-below.ts'

/**
 * The events of the plain floor without an object or a text: one loop over the bytes of NDJSON finds keys and values, and the bytes of the
 * values that are mapped are copied. It takes what `JSON.stringify` writes, no spaces and no escapes in keys, and checks nothing.
 */

/** What stands before each value of an event, in the event's order; the names of fields are those of the record. */
const TOP: readonly (readonly [field: string, before: string])[] = [
  ['external_user_id', ',"user_id":'],
  ['device_id', ',"device_id":'],
  ['time', ',"time":'],
  ['id', ',"insert_id":'],
]
const PROPERTIES = [
  'app_group_id',
  'app_id',
  'campaign_id',
  'campaign_name',
  'canvas_id',
  'canvas_name',
  'canvas_step_id',
  'canvas_step_name',
  'canvas_variation_id',
  'canvas_variation_name',
  'device_model',
  'dispatch_id',
  'email_address',
  'message_variation_id',
  'message_variation_name',
  'os_version',
  'platform',
  'send_id',
  'session_id',
  'user_agent',
]
const FIELDS = [...TOP, ...PROPERTIES.map((name) => [name, `,"${name}":`] as const)]
const TIME = FIELDS.findIndex(([field]) => field === 'time')

const BEGINNING = Buffer.from('{"event_type":"[Appboy] Event"')
const BEFORE = FIELDS.map(([, before]) => Buffer.from(before))
/** After the seconds of `time`. */
const MILLISECONDS = Buffer.from('000')
const BETWEEN = Buffer.from(',"library":"Braze","event_properties":{')
const END = Buffer.from('}}\n')

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const SMALL_N = 0x6e
const CLOSE = 0x7d
const NEWLINE = 0x0a

/** Which field a key is, by the low bits of its hash; -1 where there is none. */
const fieldAt = new Int8Array(1 << 12).fill(-1)
const hashes = FIELDS.map(([name], field) => {
  const hash = Buffer.from(name).reduce((all, byte) => (Math.imul(all, 31) + byte) | 0, 0)
  if (fieldAt[hash & (fieldAt.length - 1)] !== -1) throw new Error(`${name} has no place of its own`)
  fieldAt[hash & (fieldAt.length - 1)] = field
  return hash
})

/** Where the value of each field is in the record at hand; -1 when it is absent or null. */
const starts = new Int32Array(FIELDS.length)
const ends = new Int32Array(FIELDS.length)

/** Finds the values of the record that begins at `at`; returns where its line ends. */
function findValues(bytes: Buffer, at: number): number {
  starts.fill(-1)
  while (bytes[at] !== NEWLINE) {
    // At the brace or comma before a key.
    at += 2
    let hash = 0
    for (; bytes[at] !== QUOTE; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
    at += 2
    const start = at
    at = valueEnd(bytes, at)
    const field = fieldAt[hash & (fieldAt.length - 1)] as number
    if (field !== -1 && hashes[field] === hash && bytes[start] !== SMALL_N) {
      starts[field] = start
      ends[field] = at
    }
    if (bytes[at] === CLOSE) at++
  }
  return at
}

function valueEnd(bytes: Buffer, at: number): number {
  if (bytes[at] === QUOTE) return textEnd(bytes, at)
  if (bytes[at] !== OPEN_LIST) {
    while (bytes[at] !== COMMA && bytes[at] !== CLOSE) at++
    return at
  }
  while (bytes[at] !== CLOSE_LIST) at = bytes[at] === QUOTE ? textEnd(bytes, at) : at + 1
  return at + 1
}

function textEnd(bytes: Buffer, at: number): number {
  at++
  while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at + 1
}

function copy(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  while (start < end) to[at++] = from[start++] as number
  return at
}

/** Writes the event of the values that were found; returns where it ends. */
function writeEvent(bytes: Buffer, to: Buffer, at: number): number {
  at = copy(BEGINNING, 0, BEGINNING.length, to, at)
  let isFirstProperty = false
  for (let field = 0; field < FIELDS.length; field++) {
    if (field === TOP.length) {
      at = copy(BETWEEN, 0, BETWEEN.length, to, at)
      isFirstProperty = true
    }
    const start = starts[field] as number
    if (start === -1) continue
    const before = BEFORE[field] as Buffer
    at = copy(before, isFirstProperty ? 1 : 0, before.length, to, at)
    at = copy(bytes, start, ends[field] as number, to, at)
    if (field === TIME) at = copy(MILLISECONDS, 0, MILLISECONDS.length, to, at)
    isFirstProperty = false
  }
  return copy(END, 0, END.length, to, at)
}

const CHUNK = 1 << 20
const input = Buffer.allocUnsafe(2 * CHUNK)
/** An event has fewer bytes than its record and what is in every event. */
const output = Buffer.allocUnsafe(8 * CHUNK)
for (const path of filesBelow(process.argv[2])) {
  const file = openSync(path, 'r')
  let kept = 0
  for (;;) {
    const read = readSync(file, input, kept, CHUNK, null)
    if (read === 0) break
    const lineEnd = input.lastIndexOf(NEWLINE, kept + read - 1)
    let written = 0
    for (let at = 0; at < lineEnd; at++) {
      at = findValues(input, at)
      written = writeEvent(input, output, written)
    }
    writeSync(1, output, 0, written)
    input.copyWithin(0, lineEnd + 1, kept + read)
    kept += read - lineEnd - 1
  }
  closeSync(file)
}
